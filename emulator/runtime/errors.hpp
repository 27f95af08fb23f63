// Error state as CUDA has it: the calling thread's last error, and the device's sticky one.
#pragma once

#include <cuda_runtime_api.h>

#include <atomic>
#include <new>
#include <string>
#include <utility>

#include "support/error.hpp"

namespace ptxvm::runtime {

// What ptxvm_api_counts tells.
struct Counters {
  std::atomic<std::uint64_t> allocations{0}, frees{0}, synchronisations{0}, launches{0}, copies{0}, fills{0},
      host_functions{0}, graph_launches{0}, products{0};
};
Counters& counters();

// Keeps the message for ptxvm_last_report and writes it to stderr.
void report(const std::string& message);

// Makes the error the calling thread's last one, where it is one.
cudaError_t remember(cudaError_t error);

// The device is broken: every later call returns this error. Only the first fault is reported.
void device_fault(const Error& error);
cudaError_t sticky_error();
void clear_sticky_error();

// True on the thread that runs stream operations: host functions may not call CUDA.
bool& on_dispatcher_thread();

// Throws Error, in every call, where a variable PTXVM_* holds what is not accepted.
void refuse_bad_environment();

// The frame of every entry point: refuses where nothing may be called, maps exceptions to codes.
template <class Body>
cudaError_t guarded(Body&& body) noexcept {
  if (on_dispatcher_thread()) return remember(cudaErrorNotPermitted);
  if (const cudaError_t broken = sticky_error(); broken != cudaSuccess) return remember(broken);
  try {
    refuse_bad_environment();
    return remember(std::forward<Body>(body)());
  } catch (const Error& e) {
    report(e.what());
    return remember(static_cast<cudaError_t>(e.status()));
  } catch (const std::bad_alloc&) {
    return remember(cudaErrorMemoryAllocation);
  } catch (const std::exception& e) {
    report(e.what());
    return remember(cudaErrorUnknown);
  }
}

[[noreturn]] inline void refuse(cudaError_t code, const std::string& message) {
  throw Error(static_cast<Status>(code), message);
}

}  // namespace ptxvm::runtime
