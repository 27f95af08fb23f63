// Events: what they were last recorded as.
#pragma once

#include <cuda_runtime_api.h>

#include <memory>
#include <mutex>
#include <unordered_map>

#include "runtime/capture.hpp"
#include "runtime/operation.hpp"

namespace ptxvm::runtime {

struct Event {
  unsigned flags = 0;
  Moment moment;  // stream null: never recorded
  std::shared_ptr<Stamp> stamp;
  std::shared_ptr<Capture> capture;  // where it was recorded in a captured stream, and after which nodes
  std::vector<Node*> nodes;
};

class Events {
 public:
  static Events& instance();
  cudaEvent_t create(unsigned flags);
  void destroy(cudaEvent_t handle);
  void destroy_all();
  // Copies out and in: an event may be used by several host threads. Throws Error for no event.
  Event get(cudaEvent_t handle);
  void set(cudaEvent_t handle, Event event);

 private:
  std::mutex mutex_;
  std::unordered_map<cudaEvent_t, Event> events_;
  std::uintptr_t next_ = 0x1000;
};

// Throws Error.
void record_event(cudaEvent_t event, cudaStream_t stream);
// An event that a launch records must not measure time. Throws Error.
void check_untimed(cudaEvent_t event);

}  // namespace ptxvm::runtime
