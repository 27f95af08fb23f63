// How fast the emulator is: PTX instructions of threads, or barriers, per second of CPU time, which is per core, at each
// level of checking; and per second of the clock, on one worker thread and on two. On a GPU these figures mean nothing,
// so this program is built for the emulator only.
//
// emulator_bench [PART]: the rows whose names contain PART, at all levels, each in a process of its own;
// PTXVM_CHECK=LEVEL PTXVM_THREADS=COUNT emulator_bench [PART]: at that level with that many workers.
#include <cuda_runtime.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <cub/block/block_reduce.cuh>
#include <string>
#include <vector>

#include "emulator_bench.hpp"
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

// 64 x 64 += 64 x 32 by 32 x 64 in fp16 a round, of four warps 32 x 32 each: shared memory, ldmatrix, mma.sync m16n8k16.
constexpr int mma_a_round = 4 * 16;  // of a block
__global__ void mma_product(const uint4* a, const uint4* b, float* out, int rounds) {
  __shared__ __align__(16) unsigned short tile[2][64][40];  // a line of 32 and 16 bytes that part the banks
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, row = warp / 2 * 32, column = warp % 2 * 32;
  float c[2][4][4] = {};
  for (int round = 0; round < rounds; ++round) {
#pragma unroll
    for (int part = 0; part < 2; ++part) {
      const int at = part * 128 + threadIdx.x;
      *reinterpret_cast<uint4*>(&tile[0][at / 4][at % 4 * 8]) = a[(round % 16) * 256 + at];
      *reinterpret_cast<uint4*>(&tile[1][at / 4][at % 4 * 8]) = b[(round % 16) * 256 + at];
    }
    __syncthreads();
#pragma unroll
    for (int k = 0; k < 32; k += 16) {
      unsigned x[2][4], y[2][4];
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        const unsigned p = unsigned(__cvta_generic_to_shared(&tile[0][row + i * 16 + lane % 16][k + lane / 16 * 8]));
        const unsigned q = unsigned(__cvta_generic_to_shared(&tile[1][column + i * 16 + lane % 16][k + lane / 16 * 8]));
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(x[i][0]), "=r"(x[i][1]), "=r"(x[i][2]), "=r"(x[i][3]) : "r"(p));
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(y[i][0]), "=r"(y[i][1]), "=r"(y[i][2]), "=r"(y[i][3]) : "r"(q));
      }
#pragma unroll
      for (int i = 0; i < 2; ++i)
#pragma unroll
        for (int j = 0; j < 4; ++j)
          asm volatile(
              "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
              : "+f"(c[i][j][0]), "+f"(c[i][j][1]), "+f"(c[i][j][2]), "+f"(c[i][j][3])
              : "r"(x[i][0]), "r"(x[i][1]), "r"(x[i][2]), "r"(x[i][3]), "r"(y[j / 2][j % 2]), "r"(y[j / 2][j % 2 + 2]));
    }
    __syncthreads();
  }
  float sum = 0;
#pragma unroll
  for (int i = 0; i < 32; ++i) sum += c[i / 16][i / 4 % 4][i % 4];
  out[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

bool failed = false;
std::string wanted;

// Instructions of all threads since the counters were reset.
double instructions() {
  std::vector<ptxvm_kernel_counters> counters(ptxvm_counters(nullptr, 0));
  counters.resize(std::min(counters.size(), ptxvm_counters(counters.data(), counters.size())));
  double count = 0;
  for (const ptxvm_kernel_counters& c : counters) count += double(c.thread_instructions);
  return count;
}

// Of `events` a launch, or of instructions where that is 0. Returns the seconds of CPU time of the median run.
template <class Launch>
double row(const char* name, Launch launch, double events = 0) {
  if (std::string(name).find(wanted) == std::string::npos) return 0;
  launch();  // decodes the module, touches the memory
  failed |= cudaDeviceSynchronize() != cudaSuccess;
  std::vector<double> of_cpu, of_clock;
  double count = 0;
  for (int run = 0; run < 5; ++run) {
    ptxvm_reset_counters();
    const std::clock_t begin = std::clock();
    const auto begun = std::chrono::steady_clock::now();
    launch();
    failed |= cudaDeviceSynchronize() != cudaSuccess;
    const double seconds = double(std::clock() - begin) / CLOCKS_PER_SEC;
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begun;
    count = events > 0 ? events : instructions();
    of_cpu.push_back(count / seconds);
    of_clock.push_back(count / passed.count());
  }
  std::sort(of_cpu.begin(), of_cpu.end());
  std::sort(of_clock.begin(), of_clock.end());
  fmt::print("| {} | {:.2e} | {:.2e} | {:.2e} | {:.2e} |\n", name, of_cpu[2], of_cpu[0], of_cpu[4], of_clock[2]);
  return count / of_cpu[2];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) wanted = argv[1];
  const char *level = std::getenv("PTXVM_CHECK"), *threads = std::getenv("PTXVM_THREADS");
  if (level == nullptr || *level == '\0') {
    int status = 0;
    for (const char* each : {"CHECK=off PTXVM_THREADS=1", "CHECK=off PTXVM_THREADS=2", "CHECK=fast PTXVM_THREADS=1",
                             "CHECK=fast PTXVM_THREADS=2", "CHECK=full PTXVM_THREADS=1"})  // full knows one worker only
      status |= std::system((std::string("PTXVM_") + each + " '" + argv[0] + "' '" + wanted + "'").c_str());
    return status == 0 ? 0 : 1;
  }
  constexpr int count = 1 << 22;
  float *x = nullptr, *y = nullptr;
  failed |= cudaMalloc(&x, count * sizeof(float)) != cudaSuccess || cudaMalloc(&y, count * sizeof(float)) != cudaSuccess;
  failed |= cudaMemset(x, 0, count * sizeof(float)) != cudaSuccess;
  fmt::print("Emulated: PTX instructions of threads per second and core (of CPU time), PTXVM_CHECK={}, PTXVM_THREADS={}\n\n", level,
             threads == nullptr ? "all cores" : threads);
  const char* const head = "| {} | median of 5 | least | most | a second of the clock |\n| --- | --- | --- | --- | --- |\n";
  fmt::print(fmt::runtime(head), "kernel");
  row("multiply-add loop", [&] { multiply_add<<<64, 256>>>(y, 1000); });
  row("streaming, 16 bytes a thread", [&] {
    streaming<<<count / 4 / 256, 256>>>(reinterpret_cast<float4*>(x), reinterpret_cast<float4*>(y));
  });
  row("shared-memory reduction, a barrier a level", [&] { shared_reduction<<<64, 256>>>(x, y, 100); });
  row("shared-memory reduction by CUB", [&] { cub_reduction<<<64, 256>>>(x, y, 200); });
  row("fp32 tile product from shared memory", [&] { failed |= !launch_tile_product(x, x, y, 8, 100); });
  const double seconds = row("mma.sync tile product", [&] {
    mma_product<<<64, 128>>>(reinterpret_cast<uint4*>(x), reinterpret_cast<uint4*>(x), y, 100);
  });
  // Keys that differ in every digit.
  constexpr int keys = 1 << 18;
  std::vector<std::uint32_t> mixed(keys);
  for (int k = 0; k < keys; ++k) mixed[std::size_t(k)] = std::uint32_t(k) * 2654435761u;
  failed |= cudaMemcpy(x, mixed.data(), keys * 4, cudaMemcpyHostToDevice) != cudaSuccess;
  const std::size_t bytes = sort_workspace(keys);
  void* workspace = nullptr;
  failed |= cudaMalloc(&workspace, bytes) != cudaSuccess;
  row("radix sort by CUB, 2^18 keys", [&] {
    failed |= !launch_sort(reinterpret_cast<std::uint32_t*>(x), reinterpret_cast<std::uint32_t*>(y), keys, workspace, bytes);
  });
  if (wanted.empty()) {
    std::vector<std::uint32_t> sorted(keys);
    failed |= cudaMemcpy(sorted.data(), y, keys * 4, cudaMemcpyDeviceToHost) != cudaSuccess;
    std::sort(mixed.begin(), mixed.end());
    failed |= mixed != sorted;
  }
  fmt::print("\nBarriers per second and core; those of clusters count once a cluster\n\n");
  fmt::print(fmt::runtime(head), "barrier");
  row("grid barrier, 132 blocks of 256 threads", [&] { failed |= !launch_grid_barriers(132, 256, 200); }, 200);
  row("cluster barrier, 16 blocks of 256 threads", [&] { failed |= !launch_cluster_barriers(8, 16, 256, 200); }, 8 * 200);
  fmt::print("\n");
  if (seconds > 0) fmt::print("mma.sync m16n8k16 (fp16, fp32 sums), a second and core: {:.2e}\n\n", 64 * 100 * mma_a_round / seconds);
  failed |= cudaFree(workspace) != cudaSuccess;
  failed |= cudaFree(x) != cudaSuccess || cudaFree(y) != cudaSuccess;
  if (failed) fmt::print(stderr, "a call failed: {}\n", ptxvm_last_report());
  return failed ? 1 : 0;
}
