// Reductions over a warp and a block in a fixed tree: the same inputs give the same bits in every thread.
#pragma once

namespace recur::device {

constexpr unsigned kFullWarp = 0xffffffffu;

struct Sum {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a + b;
  }
};

// The larger; a NaN loses against a number.
struct Max {
  __device__ float operator()(float a, float b) const { return fmaxf(a, b); }
};

struct Min {
  __device__ int operator()(int a, int b) const { return min(a, b); }
};

// Every lane gets the result; all 32 must call. Op is commutative, so that the lanes agree to the bit.
template <class T, class Op>
__device__ __forceinline__ T warp_reduce(T value, Op op) {
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2) {
    value = op(value, __shfl_xor_sync(kFullWarp, value, distance));
  }
  return value;
}

// Every thread of a block of 32*Warps gets the result; shared has room for Warps values and is free again
// when it returns. Threads are counted along x.
template <int Warps, class T, class Op>
__device__ __forceinline__ T block_reduce(T value, Op op, T* shared) {
  value = warp_reduce(value, op);
  if constexpr (Warps > 1) {
    if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = value;
    __syncthreads();
    value = shared[0];
#pragma unroll
    for (int warp = 1; warp < Warps; ++warp) value = op(value, shared[warp]);
    __syncthreads();
  }
  return value;
}

}  // namespace recur::device
