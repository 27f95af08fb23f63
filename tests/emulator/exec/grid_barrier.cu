// Grid-wide barriers of cooperative groups, blocks of a plain launch that wait for each other, and the watchdog.
#include <cooperative_groups.h>
#include <cuda/atomic>
#include <cuda_runtime.h>
#include <gtest/gtest.h>
#include <ptxvm/ptxvm.h>

#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

namespace cg = cooperative_groups;

namespace {

// Every round a block adds what its neighbour had in the round before.
__global__ void rounds(unsigned* values, unsigned n, unsigned* valid) {
  const cg::grid_group grid = cg::this_grid();
  if (grid.thread_rank() == 0) *valid = grid.is_valid();
  for (unsigned k = 0; k < n; ++k) {
    const unsigned* from = values + (k % 2) * gridDim.x * blockDim.x;
    unsigned* to = values + ((k + 1) % 2) * gridDim.x * blockDim.x;
    const unsigned mine = blockIdx.x * blockDim.x + threadIdx.x;
    to[mine] = from[mine] + from[(mine + blockDim.x) % (gridDim.x * blockDim.x)];
    grid.sync();
  }
}

class Grids : public testing::TestWithParam<int> {};

TEST_P(Grids, EveryRoundSeesTheOneBefore) {
  const unsigned blocks = unsigned(GetParam()), threads = 64, n = 5, size = blocks * threads;
  std::vector<unsigned> wanted(size);
  std::iota(wanted.begin(), wanted.end(), 1u);
  unsigned *values, *valid;
  ASSERT_EQ(cudaMalloc(&values, 2 * size * sizeof(unsigned)), cudaSuccess);
  ASSERT_EQ(cudaMalloc(&valid, sizeof(unsigned)), cudaSuccess);
  for (int launch = 0; launch < 2; ++launch) {  // the second begins with a fresh workspace
    ASSERT_EQ(cudaMemcpy(values, wanted.data(), size * sizeof(unsigned), cudaMemcpyHostToDevice), cudaSuccess);
    unsigned count = n;
    void* arguments[] = {&values, &count, &valid};
    ASSERT_EQ(cudaLaunchCooperativeKernel(reinterpret_cast<void*>(rounds), dim3(blocks), dim3(threads), arguments), cudaSuccess);
    std::vector<unsigned> got(size);
    ASSERT_EQ(cudaMemcpy(got.data(), values + (n % 2) * size, size * sizeof(unsigned), cudaMemcpyDeviceToHost), cudaSuccess)
        << ptxvm_last_report();
    unsigned is_valid = 0;
    ASSERT_EQ(cudaMemcpy(&is_valid, valid, sizeof is_valid, cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT_EQ(is_valid, 1u);
    for (unsigned k = 0; k < n; ++k) {
      std::vector<unsigned> next(size);
      for (unsigned i = 0; i < size; ++i) next[i] = wanted[i] + wanted[(i + threads) % size];
      wanted = next;
    }
    EXPECT_EQ(got, wanted);
  }
  cudaFree(values), cudaFree(valid);
}

INSTANTIATE_TEST_SUITE_P(Blocks, Grids, testing::Values(1, 2, 7, 132, 264));

__global__ void asks(unsigned* valid) { *valid = cg::this_grid().is_valid() ? 1 : 2; }

TEST(Grid, IsNotValidInAPlainLaunch) {
  unsigned* valid;
  ASSERT_EQ(cudaMalloc(&valid, sizeof(unsigned)), cudaSuccess);
  asks<<<1, 1>>>(valid);
  unsigned got = 0;
  ASSERT_EQ(cudaMemcpy(&got, valid, sizeof got, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_EQ(got, 2u);
  cudaFree(valid);
}

TEST(Grid, TooManyBlocksAreRefused) {
  unsigned* values = nullptr;
  unsigned count = 1;
  void* arguments[] = {&values, &count, &values};
  EXPECT_EQ(cudaLaunchCooperativeKernel(reinterpret_cast<void*>(rounds), dim3(132 * 32 + 1), dim3(64), arguments),
            cudaErrorCooperativeLaunchTooLarge);
  cudaGetLastError();
}

// Each block waits for the one before it, as a decoupled look-back does.
__global__ void chain(unsigned* flags, unsigned* order) {
  cuda::atomic_ref<unsigned, cuda::thread_scope_device> mine(flags[blockIdx.x + 1]), before(flags[blockIdx.x]);
  if (threadIdx.x == 0) {
    while (before.load(cuda::memory_order_acquire) == 0) {}
    order[blockIdx.x] = blockIdx.x == 0 ? 1 : order[blockIdx.x - 1] + 1;
    mine.store(1, cuda::memory_order_release);
  }
}

TEST(Progress, EachBlockWaitsForTheOneBefore) {
  const unsigned blocks = 300;
  unsigned *flags, *order;
  ASSERT_EQ(cudaMalloc(&flags, (blocks + 1) * sizeof(unsigned)), cudaSuccess);
  ASSERT_EQ(cudaMalloc(&order, blocks * sizeof(unsigned)), cudaSuccess);
  ASSERT_EQ(cudaMemset(flags, 0, (blocks + 1) * sizeof(unsigned)), cudaSuccess);
  const unsigned one = 1;
  ASSERT_EQ(cudaMemcpy(flags, &one, sizeof one, cudaMemcpyHostToDevice), cudaSuccess);
  chain<<<blocks, 64>>>(flags, order);
  std::vector<unsigned> got(blocks);
  ASSERT_EQ(cudaMemcpy(got.data(), order, blocks * sizeof(unsigned), cudaMemcpyDeviceToHost), cudaSuccess) << ptxvm_last_report();
  for (unsigned k = 0; k < blocks; ++k) EXPECT_EQ(got[k], k + 1);
  cudaFree(flags), cudaFree(order);
}

__global__ void endless(volatile unsigned* flag) {
  if (threadIdx.x == 0 && blockIdx.x < 3)
    while (*flag == 0) {}
  __syncthreads();
}

TEST(Watchdog, StopsAKernelThatNeverEnds) {
  const char* const before = std::getenv("PTXVM_TIMEOUT");
  const std::string kept = before == nullptr ? "" : before;
  ASSERT_EQ(setenv("PTXVM_TIMEOUT", "1", 1), 0);
  unsigned* flag;
  ASSERT_EQ(cudaMalloc(&flag, sizeof(unsigned)), cudaSuccess);
  ASSERT_EQ(cudaMemset(flag, 0, sizeof(unsigned)), cudaSuccess);
  endless<<<5, 64>>>(flag);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorLaunchTimeout);
  const std::string text = ptxvm_last_report();
  for (const char* part : {"endless", "has not ended after 1 s (PTXVM_TIMEOUT", "3 resident blocks", "block (0,0,0) and 2 that stand alike",
                           "warp 1 waiting at barrier 0", "lanes 0x00000001 at PTX line", "grid_barrier.cu:"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " is not in: " << text;
  EXPECT_EQ(cudaMemset(flag, 0, 4), cudaErrorLaunchTimeout);  // it stays so until the device is reset
  cudaDeviceReset();
  setenv("PTXVM_TIMEOUT", kept.c_str(), 1);
}

}  // namespace
