// Streams and the one thread that works through them.
//
// Operations are gathered into batches: a batch is closed when a host thread waits or asks, when enough has
// been gathered, or when nothing more comes for a moment. Within a batch every order that the streams allow
// is possible, and a seeded generator picks one among those of the highest priority: a program with one host
// thread runs the same way every time under the same seed, and another way under another.
#pragma once

#include <cuda_runtime_api.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <random>
#include <unordered_map>
#include <vector>

#include "runtime/operation.hpp"

namespace ptxvm::runtime {

class Capture;

constexpr int least_priority = 0, greatest_priority = -5;

struct Stream {
  std::uint64_t id = 0;
  unsigned flags = 0;
  std::atomic<int> priority{0};                             // the lower, the more urgent
  std::unordered_map<int, cudaLaunchAttributeValue> hints;  // attributes that change nothing
  bool blocking() const { return (flags & cudaStreamNonBlocking) == 0; }

  std::deque<Operation> queue;  // of the scheduler
  std::uint64_t submitted = 0;  // of the scheduler
  check::History history;       // what is done when all that was submitted is (PTXVM_CHECK=full)
  std::atomic<std::uint64_t> completed{0};
  std::shared_ptr<Capture> capture;  // what the stream's operations are recorded into, else null
};

class Scheduler {
 public:
  static Scheduler& instance();

  cudaStream_t create(unsigned flags, int priority);
  // Resolves the two default streams too; throws Error (InvalidResourceHandle) for a handle of no stream.
  std::shared_ptr<Stream> find(cudaStream_t handle);
  // The stream's work is still done; the handle is worth nothing any more.
  void destroy(cudaStream_t handle);
  // Every stream that the program made.
  void destroy_all();
  std::shared_ptr<Stream> legacy() const { return legacy_; }

  // The moment at which the operation will be done.
  Moment submit(const std::shared_ptr<Stream>& stream, Operation operation);
  // What is in the stream now; of the legacy stream, also what it waits for.
  std::vector<Moment> tail(const std::shared_ptr<Stream>& stream);
  std::vector<Moment> tails();  // of all streams

  void wait(const Moment& moment);
  void wait(const std::vector<Moment>& moments);
  // Does not wait, but lets the device get on.
  bool done(const std::vector<Moment>& moments);

  // Ends dispatching, at exit: what is running is finished, the rest is not begun.
  void stop();

 private:
  Scheduler();
  void run();
  void close_batch();  // with the lock held
  void keep_history(const std::shared_ptr<Stream>& stream, Operation& operation);
  void host_saw(const Moment& moment);
  void await(const Moment& moment);
  // The stream to take the next operation from, or null where the batch is done.
  std::shared_ptr<Stream> choose();
  void await_batch(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable work_, done_;
  std::unordered_map<cudaStream_t, std::shared_ptr<Stream>> streams_;
  std::shared_ptr<Stream> legacy_;
  std::vector<std::shared_ptr<Stream>> active_;  // those with operations that are not done
  std::vector<std::shared_ptr<Stream>> ready_;   // choose()'s own
  std::deque<std::uint64_t> limits_;             // of closed batches that have not begun
  std::atomic<bool> batch_waits_{false};         // limits_ is not empty
  std::uint64_t limit_ = 0;                      // of the batch being worked on
  std::uint64_t closed_ = 0;                     // last operation of the last closed batch
  std::uint64_t sequence_ = 0;
  std::uint64_t pending_ = 0;
  std::uint64_t threshold_ = 0;
  std::uint64_t next_id_ = 1;
  check::History host_history_, blocking_history_;  // what the host has seen done; of all blocking streams
  const bool full_;                              // PTXVM_CHECK=full: histories are kept
  int waiters_ = 0;
  bool sleeping_ = false, stopping_ = false, executing_ = false;
  std::mt19937_64 batch_sizes_, choices_;
};

}  // namespace ptxvm::runtime
