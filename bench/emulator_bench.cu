// How fast the emulator is: PTX instructions of threads per second of CPU time, which is per core. On a GPU these
// figures mean nothing, so this program is built for the emulator only.
#include <cuda_runtime.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <cub/block/block_reduce.cuh>
#include <string>
#include <vector>

#include "ptxvm/ptxvm.h"

namespace {

// Eight independent chains of multiply-add.
__global__ void multiply_add(float* out, int rounds) {
  float v[8], a = 1.0f + threadIdx.x * 1e-6f, b = 0.5f;
#pragma unroll
  for (int k = 0; k < 8; ++k) v[k] = float(k);
  for (int i = 0; i < rounds; ++i)
#pragma unroll
    for (int k = 0; k < 8; ++k) v[k] = fmaf(v[k], a, b);
  float sum = 0;
#pragma unroll
  for (int k = 0; k < 8; ++k) sum += v[k];
  out[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

// y = 2 x + 1, sixteen bytes a thread.
__global__ void streaming(const float4* __restrict__ x, float4* y) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  const float4 v = x[i];
  y[i] = make_float4(2 * v.x + 1, 2 * v.y + 1, 2 * v.z + 1, 2 * v.w + 1);
}

// Each block sums 256 values a round through shared memory, by a tree with a barrier a level.
__global__ void shared_reduction(const float* x, float* out, int rounds) {
  __shared__ float shared[256];
  float total = 0;
  for (int round = 0; round < rounds; ++round) {
    shared[threadIdx.x] = x[blockIdx.x * 256 + threadIdx.x];
    __syncthreads();
    for (int half = 128; half > 0; half /= 2) {
      if (threadIdx.x < half) shared[threadIdx.x] += shared[threadIdx.x + half];
      __syncthreads();
    }
    total += shared[0];
    __syncthreads();
  }
  if (threadIdx.x == 0) out[blockIdx.x] = total;
}

// The same by CUB: shuffles within warps, shared memory between them.
__global__ void cub_reduction(const float* x, float* out, int rounds) {
  using Reduce = cub::BlockReduce<float, 256>;
  __shared__ typename Reduce::TempStorage storage;
  float total = 0;
  for (int round = 0; round < rounds; ++round) {
    total += Reduce(storage).Sum(x[blockIdx.x * 256 + threadIdx.x]);
    __syncthreads();
  }
  if (threadIdx.x == 0) out[blockIdx.x] = total;
}

bool failed = false;

template <class Launch>
void row(const char* name, Launch launch) {
  launch();  // decodes the module, touches the memory
  failed |= cudaDeviceSynchronize() != cudaSuccess;
  std::vector<double> rates;
  for (int run = 0; run < 5; ++run) {
    ptxvm_reset_counters();
    const std::clock_t begin = std::clock();
    launch();
    failed |= cudaDeviceSynchronize() != cudaSuccess;
    const double seconds = double(std::clock() - begin) / CLOCKS_PER_SEC;
    ptxvm_kernel_counters counters = {};
    ptxvm_counters(&counters, 1);
    rates.push_back(double(counters.thread_instructions) / seconds);
  }
  std::sort(rates.begin(), rates.end());
  fmt::print("| {} | {:.2e} | {:.2e} | {:.2e} |\n", name, rates[2], rates[0], rates[4]);
}

}  // namespace

int main() {
  constexpr int count = 1 << 22;
  float *x = nullptr, *y = nullptr;
  failed |= cudaMalloc(&x, count * sizeof(float)) != cudaSuccess || cudaMalloc(&y, count * sizeof(float)) != cudaSuccess;
  failed |= cudaMemset(x, 0, count * sizeof(float)) != cudaSuccess;
  fmt::print("Emulated: PTX instructions of threads per second and core (of CPU time), access checks on\n\n");
  fmt::print("| kernel | median of 5 | least | most |\n| --- | --- | --- | --- |\n");
  row("multiply-add loop", [&] { multiply_add<<<64, 256>>>(y, 1000); });
  row("streaming, 16 bytes a thread", [&] {
    streaming<<<count / 4 / 256, 256>>>(reinterpret_cast<float4*>(x), reinterpret_cast<float4*>(y));
  });
  row("shared-memory reduction, a barrier a level", [&] { shared_reduction<<<64, 256>>>(x, y, 100); });
  row("shared-memory reduction by CUB", [&] { cub_reduction<<<64, 256>>>(x, y, 200); });
  failed |= cudaFree(x) != cudaSuccess || cudaFree(y) != cudaSuccess;
  if (failed) fmt::print(stderr, "a call failed: {}\n", ptxvm_last_report());
  return failed ? 1 : 0;
}
