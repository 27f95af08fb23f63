// Clusters as cooperative groups use them: barriers, each other's shared memory, deadlocks told with places.
#include <cooperative_groups.h>
#include <cuda_runtime.h>
#include <gtest/gtest.h>
#include <ptxvm/ptxvm.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace cg = cooperative_groups;

namespace {

template <class... A>
cudaError_t launch(void (*kernel)(A...), dim3 grid, dim3 block, dim3 cluster, A... arguments) {
  cudaLaunchConfig_t config = {};
  config.gridDim = grid, config.blockDim = block;
  cudaLaunchAttribute attribute;
  attribute.id = cudaLaunchAttributeClusterDimension;
  attribute.val.clusterDim.x = cluster.x, attribute.val.clusterDim.y = cluster.y, attribute.val.clusterDim.z = cluster.z;
  config.attrs = &attribute, config.numAttrs = 1;
  return cudaLaunchKernelEx(&config, kernel, arguments...);
}

template <class T>
std::vector<T> read(const T* from, std::size_t count) {
  std::vector<T> values(count);
  EXPECT_EQ(cudaMemcpy(values.data(), from, count * sizeof(T), cudaMemcpyDeviceToHost), cudaSuccess) << ptxvm_last_report();
  return values;
}

// A ring: each round, every block hands its numbers to the next block of the cluster.
__global__ void ring(unsigned* out, unsigned rounds) {
  __shared__ unsigned mine[2][64];
  const cg::cluster_group cluster = cg::this_cluster();
  const unsigned t = threadIdx.x, next = (cluster.block_rank() + 1) % cluster.num_blocks();
  mine[0][t] = cluster.block_rank() * 1000 + t;
  cluster.sync();
  for (unsigned k = 0; k < rounds; ++k) {
    unsigned* theirs = cluster.map_shared_rank(&mine[(k + 1) % 2][0], int(next));
    theirs[t] = mine[k % 2][t] + 1;
    cluster.sync();
  }
  out[blockIdx.x * 64 + t] = mine[rounds % 2][t];
  cluster.sync();  // nobody leaves while others may write here
}

class Clusters : public testing::TestWithParam<unsigned> {};

TEST_P(Clusters, HandNumbersRoundARing) {
  const unsigned size = GetParam(), blocks = 3 * size, rounds = 5;
  if (size > 8)
    ASSERT_EQ(cudaFuncSetAttribute(reinterpret_cast<const void*>(ring), cudaFuncAttributeNonPortableClusterSizeAllowed, 1), cudaSuccess);
  unsigned* out;
  ASSERT_EQ(cudaMalloc(&out, blocks * 64 * sizeof(unsigned)), cudaSuccess);
  ASSERT_EQ(launch(ring, dim3(blocks), dim3(64), dim3(size), out, rounds), cudaSuccess) << ptxvm_last_report();
  const auto got = read(out, blocks * 64);
  for (unsigned b = 0; b < blocks; ++b)
    for (unsigned t = 0; t < 64; ++t) {
      const unsigned from = (b % size + size * rounds - rounds) % size;
      ASSERT_EQ(got[b * 64 + t], from * 1000 + t + rounds) << b << " " << t;
    }
  cudaFree(out);
}

INSTANTIATE_TEST_SUITE_P(Sizes, Clusters, testing::Values(1u, 2u, 4u, 8u, 16u));

__global__ void split_phases(unsigned* out) {
  __shared__ unsigned value;
  const cg::cluster_group cluster = cg::this_cluster();
  if (threadIdx.x == 0) value = cluster.block_rank() + 1;
  auto token = cluster.barrier_arrive();
  const unsigned private_work = threadIdx.x * 3;
  cluster.barrier_wait(std::move(token));
  unsigned sum = 0;
  for (unsigned r = 0; r < cluster.num_blocks(); ++r) sum += *cluster.map_shared_rank(&value, int(r));
  out[cluster.block_rank() * blockDim.x + threadIdx.x] = sum + private_work;
  cluster.sync();
}

TEST(Cluster, ArrivesAndWaitsApart) {
  unsigned* out;
  ASSERT_EQ(cudaMalloc(&out, 4 * 96 * sizeof(unsigned)), cudaSuccess);
  ASSERT_EQ(launch(split_phases, dim3(4), dim3(96), dim3(4), out), cudaSuccess);
  const auto got = read(out, 4 * 96);
  for (unsigned k = 0; k < 4 * 96; ++k) EXPECT_EQ(got[k], 10 + k % 96 * 3);
  cudaFree(out);
}

// Threads that have exited are not waited for.
__global__ void some_leave(unsigned* out) {
  if (threadIdx.x >= 40) return;
  cg::this_cluster().sync();
  if (threadIdx.x == 0) out[blockIdx.x] = cg::this_cluster().block_rank();
}

TEST(Cluster, ThreadsThatHaveExitedAreNotWaitedFor) {
  unsigned* out;
  ASSERT_EQ(cudaMalloc(&out, 8 * sizeof(unsigned)), cudaSuccess);
  for (const unsigned size : {1u, 4u}) {
    ASSERT_EQ(launch(some_leave, dim3(8), dim3(64), dim3(size), out), cudaSuccess);
    const auto got = read(out, 8);
    for (unsigned k = 0; k < 8; ++k) EXPECT_EQ(got[k], k % size);
  }
  cudaFree(out);
}

__global__ void one_stays_away(unsigned* out) {
  if (cg::this_cluster().block_rank() == 1 && threadIdx.x < 32) {
    asm volatile("bar.sync 3, 64;");  // the other warp never comes
  }
  cg::this_cluster().sync();
  *out = 1;
}

TEST(Cluster, ADeadlockTellsWhereTheBlocksStand) {
  unsigned* out;
  ASSERT_EQ(cudaMalloc(&out, sizeof(unsigned)), cudaSuccess);
  ASSERT_EQ(launch(one_stays_away, dim3(8), dim3(64), dim3(4), out), cudaSuccess);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
  const std::string text = ptxvm_last_report();
  for (const char* part : {"deadlock: no block of cluster ", " and 2 that stand alike: warps 0 to 1 waiting at the cluster's barrier",
                           ",0,0): warp 0 waiting at barrier 3", "cluster.cu:"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " is not in: " << text;
  cudaDeviceReset();
}

__global__ void leaves_early(unsigned* out) {
  __shared__ unsigned value;
  value = 1;
  const cg::cluster_group cluster = cg::this_cluster();
  cluster.sync();
  if (cluster.block_rank() == 0) return;
  for (int k = 0; k < 100; ++k) __nanosleep(100);
  *out = *cluster.map_shared_rank(&value, 0);
}

TEST(Cluster, SharedMemoryOfABlockThatHasExited) {
  unsigned* out;
  ASSERT_EQ(cudaMalloc(&out, sizeof(unsigned)), cudaSuccess);
  ASSERT_EQ(launch(leaves_early, dim3(2), dim3(1), dim3(2), out), cudaSuccess);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
  EXPECT_NE(std::string(ptxvm_last_report()).find("has exited: a block must not exit"), std::string::npos) << ptxvm_last_report();
  cudaDeviceReset();
}

__global__ void many_barriers(unsigned rounds) {
  for (unsigned k = 0; k < rounds; ++k) cg::this_cluster().sync();
}

// A block that is found waiting just before the last one arrives is not stuck. Where races are checked one thread runs all
// blocks, and such a moment is the same in every round: fewer do.
TEST(Cluster, ManyBarriersOfSixteenBlocks) {
  const char* const level = std::getenv("PTXVM_CHECK");
  const unsigned rounds = level && std::string(level) == "full" ? 100 : 2000;
  ASSERT_EQ(cudaFuncSetAttribute(reinterpret_cast<const void*>(many_barriers), cudaFuncAttributeNonPortableClusterSizeAllowed, 1),
            cudaSuccess);
  ASSERT_EQ(launch(many_barriers, dim3(16), dim3(256), dim3(16), rounds), cudaSuccess);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess) << ptxvm_last_report();
}

}  // namespace
