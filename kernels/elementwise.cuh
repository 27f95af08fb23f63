// Kernels of one thread an element: the grid, and the loop over what is more than it.
//   for (int64_t k = elementwise::first(); k < count; k += elementwise::stride())
#pragma once

#include <algorithm>
#include <cstdint>

namespace recur::kernels::elementwise {

constexpr int kThreads = 256;

inline unsigned blocks(int64_t count) {
  return static_cast<unsigned>(std::min<int64_t>((count + kThreads - 1) / kThreads, 1 << 20));
}
__device__ __forceinline__ int64_t first() { return static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x; }
__device__ __forceinline__ int64_t stride() { return static_cast<int64_t>(gridDim.x) * kThreads; }

}  // namespace recur::kernels::elementwise
