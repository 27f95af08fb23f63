// Cooperative groups: tiles of every size, tiles of tiles, groups of lanes that met in a branch, partitions by label
// and by predicate, and their reductions and scans, against loops.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <cooperative_groups/scan.h>

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <ptxvm/ptxvm.h>

#include "device.hpp"

namespace {

namespace cg = cooperative_groups;
using namespace breadth;

constexpr int kThreads = 128;
constexpr int kLarge = 1024;  // of a block with tiles of several warps

// What one thread saw; a row per thread.
struct Seen {
  int sum, least, most, all_bits, any_bits, parity, inclusive, exclusive, shuffled, up, down, turned, ballot, any, all, same, rank, size;
};

template <class Group>
__device__ Seen look(const Group& g, int v) {
  Seen s;
  s.sum = cg::reduce(g, v, cg::plus<int>());
  s.least = cg::reduce(g, v, cg::less<int>());
  s.most = cg::reduce(g, v, cg::greater<int>());
  s.all_bits = cg::reduce(g, v, cg::bit_and<int>());
  s.any_bits = cg::reduce(g, v, cg::bit_or<int>());
  s.parity = cg::reduce(g, v, cg::bit_xor<int>());
  s.inclusive = cg::inclusive_scan(g, v, cg::plus<int>());
  s.exclusive = cg::exclusive_scan(g, v, cg::plus<int>());
  s.shuffled = g.shfl(v, (g.thread_rank() * 3 + 1) % g.size());
  s.up = g.shfl_up(v, 1);
  s.down = g.shfl_down(v, 2);
  s.ballot = int(g.ballot(v & 1));
  s.any = g.any(v > 90);
  s.all = g.all(v > -90);
  s.same = int(g.match_any(v % 3));
  s.turned = 0;
  s.rank = int(g.thread_rank());
  s.size = int(g.size());
  return s;
}

// The same for the group of these values; shfl_up and _down are asked for where their source is in the group.
void expect(const std::vector<int>& v, const std::vector<Seen>& got, const std::string& where) {
  const int n = int(v.size());
  ASSERT_EQ(int(got.size()), n) << where;
  int ballot = 0, running = 0, all_bits = -1, any_bits = 0, parity = 0;
  for (int k = 0; k < n; ++k) ballot |= (v[k] & 1) << k, all_bits &= v[k], any_bits |= v[k], parity ^= v[k];
  for (int k = 0; k < n; ++k) {
    const Seen& s = got[k];
    const std::string at = where + ", lane " + std::to_string(k);
    EXPECT_EQ(s.size, n) << at;
    EXPECT_EQ(s.rank, k) << at;
    EXPECT_EQ(s.sum, std::accumulate(v.begin(), v.end(), 0)) << at;
    EXPECT_EQ(s.least, *std::min_element(v.begin(), v.end())) << at;
    EXPECT_EQ(s.most, *std::max_element(v.begin(), v.end())) << at;
    EXPECT_EQ(s.all_bits, all_bits) << at;
    EXPECT_EQ(s.any_bits, any_bits) << at;
    EXPECT_EQ(s.parity, parity) << at;
    EXPECT_EQ(s.exclusive, running) << at;
    running += v[k];
    EXPECT_EQ(s.inclusive, running) << at;
    EXPECT_EQ(s.shuffled, v[(k * 3 + 1) % n]) << at;
    if (k >= 1) EXPECT_EQ(s.up, v[k - 1]) << at;
    if (k + 2 < n) EXPECT_EQ(s.down, v[k + 2]) << at;
    EXPECT_EQ(s.ballot, ballot) << at;
    EXPECT_EQ(s.any, std::any_of(v.begin(), v.end(), [](int x) { return x > 90; })) << at;
    EXPECT_EQ(s.all, std::all_of(v.begin(), v.end(), [](int x) { return x > -90; })) << at;
    int same = 0;
    for (int j = 0; j < n; ++j) same |= int(v[j] % 3 == v[k] % 3) << j;
    EXPECT_EQ(s.same, same) << at;
  }
}

template <int Size>
__global__ void tile_kernel(const int* in, Seen* out) {
  const auto tile = cg::tiled_partition<Size>(cg::this_thread_block());
  Seen s = look(tile, in[threadIdx.x]);
  s.turned = tile.shfl_xor(in[threadIdx.x], Size / 2);
  out[threadIdx.x] = s;
}

// Groups that follow one another, each of `size` threads.
void expect_tiles(const std::vector<int>& in, const std::vector<Seen>& got, int size, const std::string& where) {
  for (int at = 0; at < int(in.size()); at += size) {
    const int end = std::min(at + size, int(in.size()));
    expect({in.begin() + at, in.begin() + end}, {got.begin() + at, got.begin() + end}, where + " at " + std::to_string(at));
  }
}

template <int Size>
void check_tile() {
  const std::vector<int> in = whole_numbers<int>(kThreads, -100, 100, Size);
  Device<int> d_in(in);
  Device<Seen> out(kThreads);
  tile_kernel<Size><<<1, kThreads>>>(d_in, out);
  const std::vector<Seen> got = out.read();
  expect_tiles(in, got, Size, "tiles of " + std::to_string(Size));
  for (int i = 0; i < kThreads; ++i) EXPECT_EQ(got[i].turned, in[i ^ (Size / 2)]) << Size;
}

TEST(Groups, TilesOfEverySize) { check_tile<1>(), check_tile<2>(), check_tile<4>(), check_tile<8>(), check_tile<16>(), check_tile<32>(); }

__global__ void nested_kernel(const int* in, Seen* static_out, Seen* dynamic_out) {
  const auto warp = cg::tiled_partition<32>(cg::this_thread_block());
  const auto half = cg::tiled_partition<16>(warp);
  const auto quad = cg::tiled_partition<4>(half);
  static_out[threadIdx.x] = look(quad, in[threadIdx.x]);
  const cg::thread_group part = cg::tiled_partition(cg::this_thread_block(), 8);
  Seen s = {};
  s.rank = int(part.thread_rank());
  s.size = int(part.size());
  part.sync();
  dynamic_out[threadIdx.x] = s;
}

TEST(Groups, TilesOfTiles) {
  const std::vector<int> in = whole_numbers<int>(kThreads, -100, 100);
  Device<int> d_in(in);
  Device<Seen> fixed(kThreads), dynamic(kThreads);
  nested_kernel<<<1, kThreads>>>(d_in, fixed, dynamic);
  expect_tiles(in, fixed.read(), 4, "tiles of 4 of tiles of 16 of warps");
  const std::vector<Seen> got = dynamic.read();
  for (int i = 0; i < kThreads; ++i) {
    EXPECT_EQ(got[i].rank, i % 8);
    EXPECT_EQ(got[i].size, 8);
  }
}

// Lanes part by their value, twice; those who met form a group.
__global__ void coalesced_kernel(const int* in, Seen* out, int* path) {
  const int v = in[threadIdx.x];
  int p = 0;
  if (v > 0) {
    p = 1;
    if (v % 4 == 1) {
      p = 2;
      out[threadIdx.x] = look(cg::coalesced_threads(), v);
    } else {
      out[threadIdx.x] = look(cg::coalesced_threads(), v);
    }
  } else {
    p = 3;
    for (int k = 0; k < -v % 3; ++k) p = 4 + k;
    out[threadIdx.x] = look(cg::coalesced_threads(), v);
  }
  path[threadIdx.x] = p;
}

// Which lanes meet is the device's choice: here those are expected to meet who took one branch. What must hold in any
// case is that the groups agree with themselves.
TEST(Groups, LanesThatMetInABranch) {
  const std::vector<int> in = whole_numbers<int>(kThreads, -100, 100);
  Device<int> d_in(in), path(kThreads);
  Device<Seen> out(kThreads);
  coalesced_kernel<<<1, kThreads>>>(d_in, out, path);
  const std::vector<Seen> got = out.read();
  for (int warp = 0; warp < kThreads; warp += 32) {
    for (int branch = 0; branch < 3; ++branch) {
      std::vector<int> values;
      std::vector<Seen> seen;
      for (int i = warp; i < warp + 32; ++i) {
        const int taken = in[i] <= 0 ? 2 : in[i] % 4 == 1 ? 1 : 0;
        if (taken == branch) values.push_back(in[i]), seen.push_back(got[i]);
      }
      if (!values.empty()) expect(values, seen, "branch " + std::to_string(branch));
    }
  }
}

__global__ void partition_kernel(const int* in, Seen* labeled, Seen* binary, Seen* of_part) {
  const int v = in[threadIdx.x];
  const auto warp = cg::tiled_partition<32>(cg::this_thread_block());
  labeled[threadIdx.x] = look(cg::labeled_partition(warp, v & 3), v);
  binary[threadIdx.x] = look(cg::binary_partition(warp, v > 10), v);
  const cg::coalesced_group part = cg::labeled_partition(warp, v & 1);
  of_part[threadIdx.x] = look(cg::binary_partition(part, v < 0), v);
}

TEST(Groups, PartitionsByLabelAndPredicate) {
  const std::vector<int> in = whole_numbers<int>(kThreads, -100, 100);
  Device<int> d_in(in);
  Device<Seen> labeled(kThreads), binary(kThreads), of_part(kThreads);
  partition_kernel<<<1, kThreads>>>(d_in, labeled, binary, of_part);
  auto check = [&](const std::vector<Seen>& got, auto label, const char* where) {
    for (int warp = 0; warp < kThreads; warp += 32) {
      for (int wanted = 0; wanted < 4; ++wanted) {
        std::vector<int> values;
        std::vector<Seen> seen;
        for (int i = warp; i < warp + 32; ++i)
          if (label(in[i]) == wanted) values.push_back(in[i]), seen.push_back(got[i]);
        if (!values.empty()) expect(values, seen, where);
      }
    }
  };
  check(labeled.read(), [](int v) { return v & 3; }, "labels");
  check(binary.read(), [](int v) { return int(v > 10); }, "predicate");
  check(of_part.read(), [](int v) { return (v & 1) + 2 * int(v < 0); }, "predicate within labels");
}

// One thread of a group acts, and tells the others.
__global__ void one_kernel(int* calls, int* told) {
  const auto tile = cg::tiled_partition<16>(cg::this_thread_block());
  cg::invoke_one(tile, [&] { atomicAdd(calls, 1); });
  told[threadIdx.x] = cg::invoke_one_broadcast(tile, [&] { return atomicAdd(calls + 1, 1); });
  if (threadIdx.x % 3) {
    const cg::coalesced_group met = cg::coalesced_threads();
    cg::invoke_one(met, [&] { atomicAdd(calls + 2, int(met.size())); });
  }
}

TEST(Groups, OneThreadActsForAll) {
  Device<int> calls(std::vector<int>(3, 0)), told(kThreads);
  one_kernel<<<1, kThreads>>>(calls, told);
  const std::vector<int> n = calls.read(), got = told.read();
  EXPECT_EQ(n[0], kThreads / 16);
  EXPECT_EQ(n[1], kThreads / 16);
  EXPECT_EQ(n[2], kThreads - (kThreads + 2) / 3);
  for (int i = 0; i < kThreads; ++i) EXPECT_EQ(got[i], got[i / 16 * 16]);
}

// Tiles of several warps exchange through shared memory and barriers of their own. Their sync and shfl are ordered as
// PTX's model asks. Their reductions, scans and votes are not: one lane of the last warp to come acquires what the other
// warps wrote, and the warp's other lanes read it behind a shuffle, which orders nothing. The full check tells that.
template <int Size, bool Collectives>
__global__ void large_kernel(const int* in, int* out) {
  __shared__ cg::block_tile_memory<kLarge> storage;
  const cg::thread_block block = cg::this_thread_block(storage);
  const auto tile = cg::tiled_partition<Size>(block);
  const int i = threadIdx.x;
  if (Collectives) {
    out[i] = cg::reduce(tile, in[i], cg::plus<int>());
    out[kLarge + i] = cg::inclusive_scan(tile, in[i], cg::plus<int>());
    out[2 * kLarge + i] = tile.any(in[i] > 99) + 2 * tile.all(in[i] > -99);
  }
  out[3 * kLarge + i] = tile.shfl(in[i], Size - 3);
  // Among the tile's own warps, while others are elsewhere.
  __shared__ int turn[kLarge];
  turn[i] = in[i];
  tile.sync();
  const int turned = turn[i / Size * Size + Size - 1 - i % Size];
  // The parts of a barrier of the block, with work between.
  auto token = block.barrier_arrive();
  const int own = in[i] * 2;
  block.barrier_wait(std::move(token));
  turn[i] = turned;
  block.sync();
  out[4 * kLarge + i] = own + turn[kLarge - 1 - i];
}

template <int Size, bool Collectives>
void check_large() {
  const std::vector<int> in = whole_numbers<int>(kLarge, -100, 100, Size);
  Device<int> d_in(in), out(5 * kLarge);
  large_kernel<Size, Collectives><<<1, kLarge>>>(d_in, out);
  const std::vector<int> got = out.read();
  for (int i = 0; i < kLarge; ++i) {
    const auto begin = in.begin() + i / Size * Size, end = begin + Size;
    if (Collectives) {
      EXPECT_EQ(got[i], std::accumulate(begin, end, 0)) << Size;
      EXPECT_EQ(got[kLarge + i], std::accumulate(begin, in.begin() + i + 1, 0)) << Size;
      const bool any = std::any_of(begin, end, [](int x) { return x > 99; });
      const bool all = std::all_of(begin, end, [](int x) { return x > -99; });
      EXPECT_EQ(got[2 * kLarge + i], any + 2 * all) << Size;
    }
    EXPECT_EQ(got[3 * kLarge + i], begin[Size - 3]) << Size;
    const int mirror = kLarge - 1 - i;
    EXPECT_EQ(got[4 * kLarge + i], in[i] * 2 + in[mirror / Size * Size + Size - 1 - mirror % Size]) << Size;
  }
}

TEST(Groups, TilesOfSeveralWarpsMeetAndShuffle) {
  check_large<64, false>(), check_large<128, false>(), check_large<256, false>(), check_large<512, false>(), check_large<1024, false>();
}

TEST(Groups, TilesOfSeveralWarpsReduceScanAndVote) {
  const char* const level = std::getenv("PTXVM_CHECK");
  if (level == nullptr || std::string(level) != "full") {
    check_large<64, true>(), check_large<128, true>(), check_large<256, true>(), check_large<512, true>(), check_large<1024, true>();
    return;
  }
  Device<int> in(std::vector<int>(kLarge, 0)), out(5 * kLarge);
  large_kernel<512, true><<<1, kLarge>>>(in, out);
  EXPECT_NE(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_NE(std::string(ptxvm_last_report()).find("race: "), std::string::npos) << ptxvm_last_report();
  EXPECT_EQ(cudaDeviceReset(), cudaSuccess);
}

// Values of 8 and of 24 bytes go through reductions by shuffles of their words.
struct Stats {
  double sum, least;
  int count, pad;
};
struct Merge {
  __device__ Stats operator()(const Stats& a, const Stats& b) const {
    return {a.sum + b.sum, a.least < b.least ? a.least : b.least, a.count + b.count, 0};
  }
};
__global__ void stats_kernel(const double* in, Stats* out) {
  const auto warp = cg::tiled_partition<32>(cg::this_thread_block());
  const double v = in[threadIdx.x];
  const Stats s = cg::reduce(warp, Stats{v, v, 1, 0}, Merge{});
  if (warp.thread_rank() == 0) out[warp.meta_group_rank()] = s;
}

TEST(Groups, ReductionOfAStructure) {
  const std::vector<double> in = whole_numbers<double>(kThreads, -100, 100);
  Device<double> d_in(in);
  Device<Stats> out(kThreads / 32);
  stats_kernel<<<1, kThreads>>>(d_in, out);
  const std::vector<Stats> got = out.read();
  for (int w = 0; w < kThreads / 32; ++w) {
    const auto begin = in.begin() + 32 * w;
    EXPECT_EQ(got[w].sum, std::accumulate(begin, begin + 32, 0.0));
    EXPECT_EQ(got[w].least, *std::min_element(begin, begin + 32));
    EXPECT_EQ(got[w].count, 32);
  }
}

}  // namespace
