// Copies: kinds and ranges checked, then queued.
#pragma once

#include <cuda_runtime_api.h>

#include "runtime/operation.hpp"

namespace ptxvm::runtime {

enum class Waiting {
  Blocking,  // cudaMemcpy: the host goes on when the copy is done, unless both sides are the device's
  Async      // cudaMemcpyAsync: only pageable memory makes the host wait
};

// Throws Error where the copy is refused; returns the sticky error where the device broke before its end.
cudaError_t copy(const Copy& rectangle, cudaMemcpyKind kind, Waiting waiting, cudaStream_t stream);

}  // namespace ptxvm::runtime
