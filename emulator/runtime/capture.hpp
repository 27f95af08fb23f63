// The capture of streams into graphs.
#pragma once

#include <map>
#include <thread>

#include "runtime/graph.hpp"

namespace ptxvm::runtime {

// What streams record while they are captured. It begins with one stream; others join by waiting for an
// event of one that is in it, and have to be waited for in turn.
class Capture : public std::enable_shared_from_this<Capture> {
 public:
  using Tail = std::vector<Node*>;  // the nodes that the next one comes after

  // Into a graph of its own, or into one that is there already, after some of its nodes. Throws Error where
  // the stream cannot be captured.
  static void begin(const std::shared_ptr<Stream>& stream, cudaStreamCaptureMode mode,
                    std::shared_ptr<Graph> into = nullptr, Tail after = {});
  // Throws Error where the capture is broken, has begun elsewhere or leaves a stream unjoined.
  static cudaGraph_t end(const std::shared_ptr<Stream>& stream);

  void add(const std::shared_ptr<Stream>& stream, Work work);
  void add_child(const std::shared_ptr<Stream>& stream, const Graph& graph);
  Tail tail(const std::shared_ptr<Stream>& stream);
  void set_tail(const std::shared_ptr<Stream>& stream, Tail nodes, bool keep_old);
  // The stream goes on after these nodes too; it joins where it is not yet in the capture.
  void wait(const std::shared_ptr<Stream>& stream, const Tail& nodes);

  void invalidate();
  bool valid();
  // Whether calls that are not recorded may come from this thread.
  bool forbids_here() const;
  std::uint64_t id() const { return id_; }
  const Graph& graph() const { return *graph_; }

 private:
  std::mutex mutex_;
  std::shared_ptr<Graph> graph_;
  bool lent_ = false;                             // the graph was there before
  std::vector<std::shared_ptr<Stream>> streams_;  // the first is where it began
  std::map<const Stream*, Tail> tails_;
  cudaStreamCaptureMode mode_{};
  std::thread::id thread_;
  std::uint64_t id_ = 0;
  bool valid_ = true, ended_ = false;

  void check_valid() const;
  void enter(const std::shared_ptr<Stream>& stream);
  bool joined();
  void leave();
};

// How strict this thread is about captures that others began: cudaThreadExchangeStreamCaptureMode.
cudaStreamCaptureMode& thread_capture_mode();

// Refuses, and breaks the capture, where a call that may not happen during one (an allocation, a wait for
// the whole device) comes from a thread that the capture's mode forbids it.
void refuse_during_capture(const char* call);

// Refuses work for the legacy stream, which would wait for the blocking streams being captured.
void refuse_implicit_capture();

}  // namespace ptxvm::runtime
