#include "arguments.hpp"

#include <cuda_runtime_api.h>

#include <cstdio>
#include <string>

#include "check.hpp"

namespace recur {
namespace {

std::string text(double value) {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.9g", value);
  return digits;
}

std::string address(const void* pointer) {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%p", pointer);
  return digits;
}

[[noreturn]] void reject(const std::string& reason) { throw Failure(RECUR_INVALID_ARGUMENT, reason); }

}  // namespace

void require_not_null(const char* name, const void* pointer) {
  if (pointer == nullptr) reject(std::string(name) + " is NULL");
}

void require_range(const char* name, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) return;
  reject(std::string(name) + " is " + std::to_string(value) + ", must be " + std::to_string(low) + " to " +
         std::to_string(high));
}

void require_known(const char* name, int64_t value, int64_t last) {
  if (value >= 1 && value <= last) return;
  throw Failure(value > last ? RECUR_NOT_SUPPORTED : RECUR_INVALID_ARGUMENT,
                std::string(name) + " is " + std::to_string(value) + ", must be 1 to " + std::to_string(last));
}

void require_number(const char* name, double value, double low, double high) {
  if (value >= low && value <= high) return;
  reject(std::string(name) + " is " + text(value) + ", must be " + text(low) + " to " + text(high));
}

void require_below(const char* name, double value, double low, double limit) {
  if (value >= low && value < limit) return;
  reject(std::string(name) + " is " + text(value) + ", must be at least " + text(low) + " and below " +
         text(limit));
}

void require_elements(const char* name, int64_t a, int64_t b) {
  constexpr int64_t most = int64_t{1} << 60;
  if (b == 0 || a <= most / b) return;
  reject(std::string(name) + " is " + std::to_string(a) + " * " + std::to_string(b) +
         " elements, must be at most " + std::to_string(most));
}

void require_device(const char* name, const void* pointer, size_t alignment) {
  require_not_null(name, pointer);
  if (reinterpret_cast<uintptr_t>(pointer) % alignment != 0) {
    reject(std::string(name) + " is " + address(pointer) + ", must be a multiple of " +
           std::to_string(alignment) + " bytes");
  }
  cudaPointerAttributes attributes = {};
  cudaError_t error = cudaPointerGetAttributes(&attributes, pointer);
  if (error == cudaErrorInvalidValue) {
    cudaGetLastError();  // older runtimes refuse host memory that they do not know
  } else {
    RECUR_CUDA(error);
  }
  if (attributes.type != cudaMemoryTypeDevice && attributes.type != cudaMemoryTypeManaged) {
    reject(std::string(name) + " is " + address(pointer) + ", must be device memory");
  }
}

void optional_device(const char* name, const void* pointer, size_t alignment) {
  if (pointer != nullptr) require_device(name, pointer, alignment);
}

void require_workspace(const char* name, const void* pointer, size_t size, size_t needed) {
  if (needed == 0) return;
  if (size < needed) {
    throw Failure(RECUR_BUFFER_TOO_SMALL, std::string(name) + "_size is " + std::to_string(size) +
                                              " bytes, must be at least " + std::to_string(needed));
  }
  require_device(name, pointer, 256);
}

}  // namespace recur
