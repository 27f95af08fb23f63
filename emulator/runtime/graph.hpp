// Graphs, and the capture of streams into them.
#pragma once

#include <cuda_runtime_api.h>

#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime/operation.hpp"

namespace ptxvm::runtime {

struct Graph {
  struct Node {
    Work work;
    std::vector<std::size_t> after;  // indices of earlier nodes
  };
  std::vector<Node> nodes;

  // Does every node's work, in an order that a seed picks among those its edges allow. Throws Error.
  void run() const;
};

// What streams record while they are captured. It begins with one stream; others join by waiting for an
// event of one that is in it, and have to be waited for in turn.
class Capture : public std::enable_shared_from_this<Capture> {
 public:
  using Tail = std::vector<std::size_t>;  // the nodes that the next one comes after

  // Throws Error where the stream cannot be captured.
  static void begin(const std::shared_ptr<Stream>& stream, cudaStreamCaptureMode mode);
  // Throws Error where the capture is broken, has begun elsewhere or leaves a stream unjoined.
  static std::shared_ptr<Graph> end(const std::shared_ptr<Stream>& stream);

  void add(const std::shared_ptr<Stream>& stream, Work work);
  Tail tail(const std::shared_ptr<Stream>& stream);
  // The stream goes on after these nodes too; it joins where it is not yet in the capture.
  void wait(const std::shared_ptr<Stream>& stream, const Tail& nodes);

  void invalidate();
  bool valid();
  // Whether calls that are not recorded may come from this thread.
  bool forbids_here() const;
  std::uint64_t id() const { return id_; }

 private:
  std::mutex mutex_;
  Graph graph_;
  std::vector<std::shared_ptr<Stream>> streams_;  // the first is where it began
  std::map<const Stream*, Tail> tails_;
  cudaStreamCaptureMode mode_{};
  std::thread::id thread_;
  std::uint64_t id_ = 0;
  bool valid_ = true, ended_ = false;

  bool joined();
  void leave();
};

// Refuses, and breaks the capture, where a call that may not happen during one (an allocation, a wait for
// the whole device) comes from a thread that the capture's mode forbids it.
void refuse_during_capture(const char* call);

// Refuses work for the legacy stream, which would wait for the blocking streams being captured.
void refuse_implicit_capture();

}  // namespace ptxvm::runtime
