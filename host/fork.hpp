// Streams beside the caller's, for passes that do not wait for each other: forked from the caller's stream and joined
// to it by events, so that a call is, from outside, one piece of work on the caller's stream, and can be captured.
#pragma once

#include <cuda_runtime_api.h>

#include <functional>
#include <mutex>
#include <vector>

#include "recur/status.h"

namespace recur {

// A plan's: made once, used by one call at a time while it enqueues.
class Fork {
 public:
  static constexpr int kSides = 3;

  // events that the passes of a call may use beside those for forking and joining; without any, no streams are made.
  explicit Fork(int events);
  ~Fork();
  Fork(const Fork&) = delete;
  Fork& operator=(const Fork&) = delete;

 private:
  friend class ForkedCall;
  void destroy();
  mutable std::mutex mutex_;
  std::vector<cudaStream_t> sides_;
  std::vector<cudaEvent_t> events_;  // kSides + 1 of its own, then the passes'
};

// One call's use of them. Lane 0 is the caller's stream, lanes 1 to kSides the others; where there are none, or they
// are in a capture that is not the caller's, or the work is cut into pieces, all lanes are the caller's stream. The same work in the same order on
// each lane either way, so the same bits.
class ForkedCall {
 public:
  // cut, if given, is called between steps on one lane alone: what was enqueued so far is a piece.
  ForkedCall(const Fork& fork, recur_stream caller, std::function<void()> cut = nullptr);
  // After a failure on the way: joins, so that who waits for the caller's stream waits for all of it.
  ~ForkedCall();
  ForkedCall(const ForkedCall&) = delete;
  ForkedCall& operator=(const ForkedCall&) = delete;

  recur_stream stream(int lane) const { return serial_ || lane == 0 ? caller_ : fork_.sides_[lane - 1]; }
  void fork() const;                      // all lanes go on after what lane 0 has been given
  void join() const;                      // and lane 0 after what they have
  void record(int event, int lane) const;  // what the lane has been given so far
  void wait(int lane, int event) const;
  void step_done();

 private:
  cudaError_t wait_for_sides() const;  // lane 0 after each of them, whatever becomes of the others
  const Fork& fork_;
  const recur_stream caller_;
  std::unique_lock<std::mutex> lock_;
  bool serial_ = true;
  mutable bool forked_ = false;
  std::function<void()> cut_;
  int steps_ = 0;
};

}  // namespace recur
