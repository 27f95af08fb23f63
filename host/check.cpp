#include "check.hpp"

#include <new>

namespace recur {
namespace {
thread_local std::string last_error;
}

void fail_cuda(cudaError_t error, const char* expression) {
  cudaGetLastError();  // reported here: it must not surface a second time, in the next call
  recur_status status = error == cudaErrorMemoryAllocation ? RECUR_OUT_OF_MEMORY : RECUR_CUDA_ERROR;
  throw Failure(status, std::string(expression) + ": " + cudaGetErrorName(error) + ", " + cudaGetErrorString(error));
}

void require_no_pending_error() {
  const cudaError_t error = cudaPeekAtLastError();
  if (error == cudaSuccess) return;
  if (error == cudaErrorNotReady) {
    cudaGetLastError();
    return;
  }
  throw Failure(RECUR_CUDA_ERROR, std::string("an earlier CUDA call of this thread left ") +
                                      cudaGetErrorName(error) + ", " + cudaGetErrorString(error) +
                                      "; nothing was launched");
}

int current_device() {
  int device = 0;
  RECUR_CUDA(cudaGetDevice(&device));
  return device;
}

void require_device_of_plan(int device) {
  if (const int current = current_device(); current != device)
    throw Failure(RECUR_INVALID_ARGUMENT, "plan is of device " + std::to_string(device) + ", and the current device is " +
                                              std::to_string(current));
}

void fail_cublas(cublasStatus_t status, const char* expression) {
  throw Failure(RECUR_CUBLAS_ERROR, std::string(expression) + ": cuBLAS status " + std::to_string(status));
}

recur_status remember_failure() noexcept {
  try {
    throw;
  } catch (const Failure& failure) {
    last_error = failure.what();
    return failure.status();
  } catch (const std::bad_alloc&) {
    last_error = "out of host memory";
    return RECUR_OUT_OF_MEMORY;
  } catch (const std::exception& e) {
    last_error = e.what();
    return RECUR_INTERNAL_ERROR;
  } catch (...) {
    last_error = "unknown exception";
    return RECUR_INTERNAL_ERROR;
  }
}

}  // namespace recur

const char* recur_last_error(void) { return recur::last_error.c_str(); }

const char* recur_status_name(recur_status status) {
  switch (status) {
    case RECUR_SUCCESS: return "RECUR_SUCCESS";
    case RECUR_INVALID_ARGUMENT: return "RECUR_INVALID_ARGUMENT";
    case RECUR_NOT_SUPPORTED: return "RECUR_NOT_SUPPORTED";
    case RECUR_OUT_OF_MEMORY: return "RECUR_OUT_OF_MEMORY";
    case RECUR_BUFFER_TOO_SMALL: return "RECUR_BUFFER_TOO_SMALL";
    case RECUR_CUDA_ERROR: return "RECUR_CUDA_ERROR";
    case RECUR_CUBLAS_ERROR: return "RECUR_CUBLAS_ERROR";
    case RECUR_INTERNAL_ERROR: return "RECUR_INTERNAL_ERROR";
  }
  return "unknown recur_status";
}
