// Copies and fills: kinds and ranges checked, then queued.
#pragma once

#include <cuda_runtime_api.h>

#include "runtime/access.hpp"
#include "runtime/operation.hpp"

namespace ptxvm::runtime {

enum class Waiting {
  Blocking,  // cudaMemcpy: the host goes on when the copy is done, unless both sides are the device's
  Async      // cudaMemcpyAsync: only pageable memory makes the host wait
};

// A row of bytes.
inline Copy line(memory::Address to, memory::Address from, std::uint64_t count, cudaMemcpyKind kind) {
  return {{to, count, count}, {from, count, count}, {count}, kind};
}

// What cudaMemcpy3D and a graph's copies are described by, and back. Throws Error for arrays and for pitches
// that are too small.
Copy box_copy(const cudaMemcpy3DParms& parameters);
cudaMemcpy3DParms parameters_of(const Copy& copy);

// Throw Error where the copy or the fill is refused. Nothing is queued.
struct Sides {
  Place to, from;
};
Sides checked(const Copy& copy);
Place checked(const Fill& fill);

// Throws Error where the copy is refused; returns the sticky error where the device broke before its end.
cudaError_t copy(const Copy& copy, Waiting waiting, cudaStream_t stream);
cudaError_t fill(const Fill& fill, Waiting waiting, cudaStream_t stream);

}  // namespace ptxvm::runtime
