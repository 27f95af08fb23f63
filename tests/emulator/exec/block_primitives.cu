// Block and warp primitives that others wrote, CUB's and cooperative groups', against plain loops on the host.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <cooperative_groups/scan.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cub/block/block_radix_sort.cuh>
#include <cub/block/block_reduce.cuh>
#include <cub/block/block_scan.cuh>
#include <cub/warp/warp_reduce.cuh>
#include <cub/warp/warp_scan.cuh>
#include <numeric>
#include <random>
#include <vector>

namespace {

namespace cg = cooperative_groups;

struct Buffers {  // input and output of one kernel
  explicit Buffers(const std::vector<int>& values, size_t results) : in_values(values), out_values(results) {
    EXPECT_EQ(cudaMalloc(&in, values.size() * sizeof(int)), cudaSuccess);
    EXPECT_EQ(cudaMalloc(&out, results * sizeof(int)), cudaSuccess);
    EXPECT_EQ(cudaMemcpy(in, values.data(), values.size() * sizeof(int), cudaMemcpyHostToDevice), cudaSuccess);
  }
  ~Buffers() {
    cudaFree(in);
    cudaFree(out);
  }
  const std::vector<int>& result() {
    EXPECT_EQ(cudaMemcpy(out_values.data(), out, out_values.size() * sizeof(int), cudaMemcpyDeviceToHost), cudaSuccess);
    return out_values;
  }
  std::vector<int> in_values, out_values;
  int *in = nullptr, *out = nullptr;
};

std::vector<int> random_values(size_t count) {
  std::mt19937 random(unsigned(count) + 7);
  std::vector<int> values(count);
  for (int& v : values) v = int(random() % 2001) - 1000;
  return values;
}

constexpr int kBlocks = 5;

template <int Threads, cub::BlockReduceAlgorithm Algorithm>
__global__ void reduce_kernel(const int* in, int* out, int valid) {
  using Reduce = cub::BlockReduce<int, Threads, Algorithm>;
  __shared__ typename Reduce::TempStorage storage;
  int v = in[blockIdx.x * Threads + threadIdx.x];
  int sum = Reduce(storage).Sum(v);
  __syncthreads();
  int part = Reduce(storage).Sum(v, valid);
  if (threadIdx.x == 0) out[2 * blockIdx.x] = sum, out[2 * blockIdx.x + 1] = part;
}

template <int Threads, cub::BlockReduceAlgorithm Algorithm>
void check_reduce() {
  const int valid = Threads / 2 + 1;
  Buffers b(random_values(kBlocks * Threads), 2 * kBlocks);
  reduce_kernel<Threads, Algorithm><<<kBlocks, Threads>>>(b.in, b.out, valid);
  const std::vector<int>& r = b.result();
  for (int k = 0; k < kBlocks; ++k) {
    auto begin = b.in_values.begin() + k * Threads;
    EXPECT_EQ(r[2 * k], std::accumulate(begin, begin + Threads, 0)) << Threads;
    EXPECT_EQ(r[2 * k + 1], std::accumulate(begin, begin + valid, 0)) << Threads;
  }
}

TEST(Cub, BlockReduceAgreesWithALoop) {
  check_reduce<33, cub::BLOCK_REDUCE_WARP_REDUCTIONS>();
  check_reduce<64, cub::BLOCK_REDUCE_RAKING>();
  check_reduce<100, cub::BLOCK_REDUCE_WARP_REDUCTIONS>();
  check_reduce<256, cub::BLOCK_REDUCE_WARP_REDUCTIONS>();
  check_reduce<256, cub::BLOCK_REDUCE_RAKING_COMMUTATIVE_ONLY>();
}

template <int Threads, int Items>
__global__ void scan_and_sort_kernel(const int* in, int* scanned, int* sorted) {
  using Scan = cub::BlockScan<int, Threads>;
  using Sort = cub::BlockRadixSort<int, Threads, Items>;
  __shared__ union {
    typename Scan::TempStorage scan;
    typename Sort::TempStorage sort;
  } storage;
  int v[Items], s[Items];
  const int at = (blockIdx.x * Threads + threadIdx.x) * Items;
  for (int k = 0; k < Items; ++k) v[k] = in[at + k];
  Scan(storage.scan).ExclusiveSum(v, s);
  for (int k = 0; k < Items; ++k) scanned[at + k] = s[k];
  __syncthreads();
  Sort(storage.sort).Sort(v);
  for (int k = 0; k < Items; ++k) sorted[at + k] = v[k];
}

template <int Threads, int Items>
void check_scan_and_sort() {
  const int tile = Threads * Items;
  Buffers b(random_values(kBlocks * tile), 2 * kBlocks * tile);
  scan_and_sort_kernel<Threads, Items><<<kBlocks, Threads>>>(b.in, b.out, b.out + kBlocks * tile);
  const std::vector<int>& r = b.result();
  for (int k = 0; k < kBlocks; ++k) {
    std::vector<int> tile_values(b.in_values.begin() + k * tile, b.in_values.begin() + (k + 1) * tile), scanned(tile);
    std::exclusive_scan(tile_values.begin(), tile_values.end(), scanned.begin(), 0);
    std::sort(tile_values.begin(), tile_values.end());
    for (int i = 0; i < tile; ++i) {
      ASSERT_EQ(r[k * tile + i], scanned[i]) << Threads << " threads, place " << i;
      ASSERT_EQ(r[(kBlocks + k) * tile + i], tile_values[i]) << Threads << " threads, place " << i;
    }
  }
}

TEST(Cub, BlockScanAndRadixSortAgreeWithTheStandardLibrary) {
  check_scan_and_sort<32, 1>();
  check_scan_and_sort<96, 3>();
  check_scan_and_sort<256, 4>();
}

template <int Width>
__global__ void warp_kernel(const int* in, int* sums, int* scans) {
  using Reduce = cub::WarpReduce<int, Width>;
  using Scan = cub::WarpScan<int, Width>;
  __shared__ typename Reduce::TempStorage reduce_storage[64 / Width];
  __shared__ typename Scan::TempStorage scan_storage[64 / Width];
  const int group = threadIdx.x / Width, v = in[threadIdx.x];
  int sum = Reduce(reduce_storage[group]).Sum(v), scan;
  Scan(scan_storage[group]).InclusiveSum(v, scan);
  if (threadIdx.x % Width == 0) sums[group] = sum;
  scans[threadIdx.x] = scan;
}

template <int Width>
void check_warp() {
  Buffers b(random_values(64), 64 / Width + 64);
  warp_kernel<Width><<<1, 64>>>(b.in, b.out, b.out + 64 / Width);
  const std::vector<int>& r = b.result();
  for (int g = 0, sum = 0; g < 64 / Width; ++g, sum = 0) {
    for (int i = 0; i < Width; ++i) {
      sum += b.in_values[g * Width + i];
      EXPECT_EQ(r[64 / Width + g * Width + i], sum) << Width;
    }
    EXPECT_EQ(r[g], sum) << Width;
  }
}

TEST(Cub, WarpReduceAndScanAgreeWithALoop) {
  check_warp<32>();
  check_warp<16>();
  check_warp<4>();
}

// out: tile sums (8 lanes), tile scans, how many lanes of a diverged branch met, their sum, a ballot.
__global__ void groups_kernel(const int* in, int* out) {
  cg::thread_block block = cg::this_thread_block();
  auto tile = cg::tiled_partition<8>(block);
  const int n = block.size(), rank = block.thread_rank(), v = in[rank];
  out[rank] = cg::reduce(tile, v, cg::plus<int>());
  out[n + rank] = cg::inclusive_scan(tile, v, cg::plus<int>());
  out[2 * n + rank] = tile.shfl_down(v, 3);
  out[3 * n + rank] = int(tile.ballot(v > 0));
  out[4 * n + rank] = 0;
  out[5 * n + rank] = 0;
  if (v > 0) {
    cg::coalesced_group together = cg::coalesced_threads();
    out[4 * n + rank] = int(together.size());
    out[5 * n + rank] = cg::reduce(together, v, cg::plus<int>());
  }
  block.sync();
}

TEST(CooperativeGroups, TilesAndCoalescedGroupsAgreeWithALoop) {
  const int n = 96;
  Buffers b(random_values(n), 6 * n);
  groups_kernel<<<1, n>>>(b.in, b.out);
  const std::vector<int>& r = b.result();
  const std::vector<int>& v = b.in_values;
  for (int i = 0; i < n; ++i) {
    const int tile = i / 8 * 8, warp = i / 32 * 32;
    EXPECT_EQ(r[i], std::accumulate(v.begin() + tile, v.begin() + tile + 8, 0));
    EXPECT_EQ(r[n + i], std::accumulate(v.begin() + tile, v.begin() + i + 1, 0));
    EXPECT_EQ(r[2 * n + i], i % 8 < 5 ? v[i + 3] : v[i]);
    int ballot = 0, met = 0, sum = 0;
    for (int k = 0; k < 8; ++k) ballot |= int(v[tile + k] > 0) << k;
    for (int k = warp; k < warp + 32; ++k)
      if (v[k] > 0) ++met, sum += v[k];
    EXPECT_EQ(r[3 * n + i], ballot);
    EXPECT_EQ(r[4 * n + i], v[i] > 0 ? met : 0);
    EXPECT_EQ(r[5 * n + i], v[i] > 0 ? sum : 0);
  }
}

}  // namespace
