// The norm of flat buffers: fp64 sums of squares in a fixed tree. fp64 so that no finite gradient overflows,
// and so that the sum of many small squares loses nothing; the kernel is bound by its reads all the same.
#include <algorithm>

#include "kernels/device/reduce.cuh"
#include "recur/device/vector.cuh"
#include "kernels/optim/launch.hpp"

namespace recur::kernels {
namespace {

using device::Floats;

constexpr int kThreads = 256;
constexpr int64_t kPerBlock = 8192;  // elements, until the grid is full
constexpr int64_t kMaxBlocks = 1024;

template <int Width>
__global__ void __launch_bounds__(kThreads)
    square_kernel(const float* __restrict__ values, int64_t size, double* partial) {
  __shared__ double shared[kThreads / 32];
  double sum = 0;
  int64_t thread = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  int64_t threads = static_cast<int64_t>(gridDim.x) * kThreads;
  int64_t whole = size / Width;
#pragma unroll 4
  for (int64_t i = thread; i < whole; i += threads) {
    Floats<Width> v = device::load<Width>(values + i * Width);
#pragma unroll
    for (int k = 0; k < Width; ++k)
      sum = fma(static_cast<double>(v.at[k]), static_cast<double>(v.at[k]), sum);
  }
  if (thread < size - whole * Width) {
    double last = values[whole * Width + thread];
    sum = fma(last, last, sum);
  }
  sum = device::block_reduce<kThreads / 32>(sum, device::Sum(), shared);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

__global__ void __launch_bounds__(kThreads)
    finish_kernel(const double* __restrict__ partial, int64_t count, float* norm, int32_t* nonfinite) {
  __shared__ double shared[kThreads / 32];
  double sum = 0;
  for (int64_t i = threadIdx.x; i < count; i += kThreads) sum += partial[i];
  sum = device::block_reduce<kThreads / 32>(sum, device::Sum(), shared);
  if (threadIdx.x == 0) {
    float result = static_cast<float>(sqrt(sum));
    *norm = result;
    if (nonfinite != nullptr && !(result < INFINITY)) atomicAdd(nonfinite, 1);
  }
}

}  // namespace

int64_t square_sum_count(int64_t size) {
  return std::clamp<int64_t>((size + kPerBlock - 1) / kPerBlock, 1, kMaxBlocks);
}

cudaError_t square_sums(const float* values, int64_t size, double* partial, cudaStream_t stream) {
  unsigned blocks = static_cast<unsigned>(square_sum_count(size));
  if (reinterpret_cast<uintptr_t>(values) % 16 == 0) {
    square_kernel<4><<<blocks, kThreads, 0, stream>>>(values, size, partial);
  } else {
    square_kernel<1><<<blocks, kThreads, 0, stream>>>(values, size, partial);
  }
  return cudaGetLastError();
}

cudaError_t finish_norm(const double* partial, int64_t count, float* norm, int32_t* nonfinite,
                        cudaStream_t stream) {
  finish_kernel<<<1, kThreads, 0, stream>>>(partial, count, norm, nonfinite);
  return cudaGetLastError();
}

}  // namespace recur::kernels
