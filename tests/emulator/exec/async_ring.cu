// Rings of buffers between a producer and consumers, by cuda::ptx's wrappers and in inline PTX; each also
// with a wait left out.
#include <algorithm>
#include <cuda/ptx>

#include "async_support.hpp"

namespace async_test {
namespace {

namespace ptx = cuda::ptx;
using word = std::uint64_t;
constexpr int kTile = 512, kConsumers = 64;

enum class Missing { Nothing, FullWait, EmptyWait };

// Warp 0 fetches tiles by bulk copies; two warps of consumers add one to each number and send the tile back
// by a bulk copy from a second ring.
template <int Stages, Missing What>
__global__ void bulk_ring(int* out, const int* in, int tiles) {
  __shared__ alignas(128) int tile[Stages][kTile];
  __shared__ alignas(128) int result[kTile];
  __shared__ word full[Stages], empty[Stages];
  for (int k = int(threadIdx.x); k < Stages * kTile; k += int(blockDim.x)) tile[k / kTile][k % kTile] = -7;
  if (threadIdx.x == 0) {
    for (int s = 0; s < Stages; ++s) {
      ptx::mbarrier_init(&full[s], 1);
      ptx::mbarrier_init(&empty[s], kConsumers);
    }
    ptx::fence_mbarrier_init(ptx::sem_release, ptx::scope_cluster);
  }
  ptx::fence_proxy_async();
  __syncthreads();
  if (threadIdx.x == kConsumers) {
    for (int t = 0; t < tiles; ++t) {
      const int s = t % Stages;
      if (What != Missing::EmptyWait)
        while (!ptx::mbarrier_try_wait_parity(ptx::sem_acquire, ptx::scope_cta, &empty[s],
                                              unsigned(t / Stages + 1) & 1)) {
        }
      ptx::mbarrier_arrive_expect_tx(ptx::sem_release, ptx::scope_cta, ptx::space_shared, &full[s],
                                     sizeof tile[s]);
      ptx::cp_async_bulk(ptx::space_cluster, ptx::space_global, tile[s], in + t * kTile, sizeof tile[s],
                         &full[s]);
    }
  }
  if (threadIdx.x >= kConsumers) return;
  for (int t = 0; t < tiles; ++t) {
    const int s = t % Stages;
    const unsigned parity = unsigned(t / Stages) & 1;
    const auto wait = [&] {
      while (!ptx::mbarrier_try_wait_parity(ptx::sem_acquire, ptx::scope_cta, &full[s], parity)) {
      }
    };
    if (What != Missing::FullWait) wait();
    for (int i = int(threadIdx.x); i < kTile; i += kConsumers) result[i] = tile[s][i] + 1;
    if (What == Missing::FullWait) wait();
    ptx::mbarrier_arrive(ptx::sem_release, ptx::scope_cta, ptx::space_shared, &empty[s]);
    ptx::fence_proxy_async(ptx::space_shared);
    asm volatile("bar.sync 1, 64;" ::: "memory");
    if (threadIdx.x == 0) {
      ptx::cp_async_bulk(ptx::space_global, ptx::space_shared, out + t * kTile, result, sizeof result);
      ptx::cp_async_bulk_commit_group();
      ptx::cp_async_bulk_wait_group_read(ptx::n32_t<0>());
    }
    asm volatile("bar.sync 1, 64;" ::: "memory");
  }
}

std::vector<int> plus_one(std::vector<int> v) {
  for (int& x : v) ++x;
  return v;
}

TEST(BulkRing, ProducerAndConsumers) {
  for (const int tiles : {1, 2, 3, 9}) {
    const std::vector<int> in = numbers(std::size_t(tiles) * kTile);
    const Array<int> source(in);
    always_gives(plus_one(in), [&](int* out) {
      bulk_ring<1, Missing::Nothing><<<1, kConsumers + 32>>>(out, source, tiles);
    });
    always_gives(plus_one(in), [&](int* out) {
      bulk_ring<2, Missing::Nothing><<<1, kConsumers + 32>>>(out, source, tiles);
    });
    always_gives(plus_one(in), [&](int* out) {
      bulk_ring<4, Missing::Nothing><<<1, kConsumers + 32>>>(out, source, tiles);
    });
  }
}
TEST(BulkRing, AConsumerThatDoesNotWait) {
  const std::vector<int> in = numbers(4 * kTile);
  const Array<int> source(in);
  choose(1);
  const Array<int> out(in.size());
  bulk_ring<4, Missing::FullWait><<<1, kConsumers + 32>>>(out, source, 4);
  const cudaError_t error = cudaDeviceSynchronize();
  if (checks_races()) {
    EXPECT_NE(std::string(ptxvm_last_report()).find("race: "), std::string::npos) << ptxvm_last_report();
    cudaDeviceReset();
  } else {
    EXPECT_EQ(error, cudaSuccess) << ptxvm_last_report();
    EXPECT_NE(out.host(), plus_one(in));
  }
  unsetenv("PTXVM_SEED");
}
// Without the wait for an empty buffer the copies overtake the consumers, by far more bytes than a phase
// expects.
TEST(BulkRing, AProducerThatDoesNotWait) {
  const std::vector<int> in = numbers(8 * kTile);
  for (const int seed : {1, 2}) {
    choose(seed);
    const Array<int> source(in), out(in.size());
    bulk_ring<2, Missing::EmptyWait><<<1, kConsumers + 32>>>(out, source, 8);
    const cudaError_t error = cudaDeviceSynchronize();
    EXPECT_TRUE(error != cudaSuccess || out.host() != plus_one(in)) << "seed " << seed;
    cudaDeviceReset();
  }
  unsetenv("PTXVM_SEED");
}

__device__ void fetch(int* to, const int* from) {
  asm volatile(
      "cp.async.cg.shared.global.L2::128B [%0], [%1], 16;" ::"r"(unsigned(__cvta_generic_to_shared(to))),
      "l"(from)
      : "memory");
}

// Two buffers of cp.async groups: while one is summed, the other is filled. Rows of 256 numbers, a sum a row.
template <bool Waits>
__global__ void double_buffer(int* out, const int* in, int rows) {
  __shared__ alignas(16) int buffer[2][256];
  const int me = int(threadIdx.x);  // 64 threads
  for (int k = me; k < 512; k += 64) buffer[k / 256][k % 256] = 0;
  __syncthreads();
  fetch(&buffer[0][4 * me], in + 4 * me);
  asm volatile("cp.async.commit_group;" ::: "memory");
  for (int row = 0; row < rows; ++row) {
    if (row + 1 < rows) fetch(&buffer[(row + 1) % 2][4 * me], in + (row + 1) * 256 + 4 * me);
    asm volatile("cp.async.commit_group;" ::: "memory");
    if (Waits) asm volatile("cp.async.wait_group 1;" ::: "memory");
    __syncthreads();
    int sum = 0;
    for (int k = 0; k < 256; k += 64) sum += buffer[row % 2][(me + k + 1) % 256];
    atomicAdd(&out[row], sum);
    if (!Waits) asm volatile("cp.async.wait_group 1;" ::: "memory");
    __syncthreads();
  }
}
TEST(AsyncRing, DoubleBuffer) {
  for (const int rows : {1, 2, 13}) {
    const std::vector<int> in = numbers(std::size_t(rows) * 256);
    std::vector<int> wanted(static_cast<std::size_t>(rows));
    for (std::size_t k = 0; k < in.size(); ++k)
      wanted[k / 256] = int(unsigned(wanted[k / 256]) + unsigned(in[k]));
    const Array<int> source(in);
    always_gives(wanted, [&](int* out) { double_buffer<true><<<1, 64>>>(out, source, rows); });
    is_wrong_late(wanted, [&](int* out) { double_buffer<false><<<1, 64>>>(out, source, rows); });
  }
}

// Blocks add their tiles to one place by bulk reductions.
__global__ void add_tiles(int* out, const int* in) {
  __shared__ alignas(16) int tile[kTile];
  for (int i = int(threadIdx.x); i < kTile; i += int(blockDim.x)) tile[i] = in[blockIdx.x * kTile + i];
  ptx::fence_proxy_async(ptx::space_shared);
  __syncthreads();
  if (threadIdx.x == 0) {
    ptx::cp_reduce_async_bulk(ptx::space_global, ptx::space_shared, ptx::op_add, out, tile, sizeof tile);
    ptx::cp_async_bulk_commit_group();
    ptx::cp_async_bulk_wait_group_read(ptx::n32_t<0>());
  }
}
TEST(BulkRing, ReductionsOfManyBlocks) {
  constexpr int blocks = 20;
  const std::vector<int> in = numbers(blocks * kTile);
  std::vector<int> wanted(kTile);
  for (std::size_t k = 0; k < in.size(); ++k)
    wanted[k % kTile] = int(unsigned(wanted[k % kTile]) + unsigned(in[k]));
  const Array<int> source(in);
  always_gives(wanted, [&](int* out) { add_tiles<<<blocks, 96>>>(out, source); });
}

}  // namespace
}  // namespace async_test
