// The only error macros. A call that fails throws recur::Failure; the C interface turns that into a status
// and a thread-local text (guard below). Nothing else in the library throws on purpose.
#pragma once

#include <cublasLt.h>
#include <cuda_runtime_api.h>

#include <stdexcept>
#include <string>

#include "recur/status.h"

namespace recur {

class Failure : public std::runtime_error {
 public:
  Failure(recur_status status, const std::string& text) : std::runtime_error(text), status_(status) {}
  recur_status status() const { return status_; }

 private:
  recur_status status_;
};

[[noreturn]] void fail_cuda(cudaError_t error, const char* expression);
[[noreturn]] void fail_cublas(cublasStatus_t status, const char* expression);

// The last check before a call's first launch. A launch reports through cudaGetLastError, which also returns
// what earlier calls of this thread have left there. "Not ready", the answer of cudaStreamQuery and
// cudaEventQuery while work is going on, is no error and is taken away. A real one is the caller's: it stays
// for the caller to see, and the call fails before it has launched anything.
void require_no_pending_error();

int current_device();
// A plan's products and streams are of the device that was current when it was made: another one is refused.
void require_device_of_plan(int device);

// Remembers the text for recur_last_error() and returns the status of the exception in flight.
recur_status remember_failure() noexcept;

// Runs a C entry point's body: recur_status recur_x(...) { return guard([&] { ... }); }
template <class Body>
recur_status guard(Body&& body) noexcept {
  try {
    body();
    return RECUR_SUCCESS;
  } catch (...) {
    return remember_failure();
  }
}

}  // namespace recur

#define RECUR_CUDA(expression)                                                       \
  do {                                                                               \
    if (cudaError_t recur_e = (expression); recur_e != cudaSuccess)                  \
      ::recur::fail_cuda(recur_e, #expression);                                      \
  } while (0)

#define RECUR_CUBLAS(expression)                                                     \
  do {                                                                               \
    if (cublasStatus_t recur_s = (expression); recur_s != CUBLAS_STATUS_SUCCESS)     \
      ::recur::fail_cublas(recur_s, #expression);                                    \
  } while (0)
