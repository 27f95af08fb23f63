// CUB's exchanges within a block and a warp, its algorithms over whole arrays that cub_device_test leaves
// out, against the standard library.
#include <algorithm>
#include <cub/block/block_adjacent_difference.cuh>
#include <cub/block/block_discontinuity.cuh>
#include <cub/block/block_exchange.cuh>
#include <cub/block/block_histogram.cuh>
#include <cub/block/block_load.cuh>
#include <cub/block/block_run_length_decode.cuh>
#include <cub/block/block_shuffle.cuh>
#include <cub/block/block_store.cuh>
#include <cub/device/device_adjacent_difference.cuh>
#include <cub/device/device_memcpy.cuh>
#include <cub/device/device_merge.cuh>
#include <cub/device/device_scan.cuh>
#include <cub/device/device_segmented_radix_sort.cuh>
#include <cub/warp/warp_exchange.cuh>
#include <cub/warp/warp_merge_sort.cuh>
#include <numeric>

#include "device.hpp"

namespace {

using namespace breadth;

struct Less {
  __host__ __device__ bool operator()(int a, int b) const { return a < b; }
};
struct Minus {
  __host__ __device__ int operator()(int a, int b) const { return a - b; }
};
struct Differs {
  __host__ __device__ bool operator()(int a, int b) const { return a != b; }
};

// ---- A block reads items in one arrangement and writes them in another.

template <int Threads, int Items, cub::BlockLoadAlgorithm Load, cub::BlockStoreAlgorithm Store>
__global__ void arrange_kernel(const int* in, int* out, int valid) {
  using Loader = cub::BlockLoad<int, Threads, Items, Load>;
  using Storer = cub::BlockStore<int, Threads, Items, Store>;
  __shared__ union {
    typename Loader::TempStorage load;
    typename Storer::TempStorage store;
  } storage;
  int v[Items];
  Loader(storage.load).Load(in, v, valid, -7);
  __syncthreads();
  for (int k = 0; k < Items; ++k) v[k] += 1000 * int(threadIdx.x);  // whose item it was
  Storer(storage.store).Store(out, v, valid);
}

template <int Threads, int Items, cub::BlockLoadAlgorithm Load, cub::BlockStoreAlgorithm Store>
void check_arrange(int valid) {
  const std::vector<int> in = whole_numbers<int>(Threads * Items, 0, 99);
  Device<int> d_in(in), out(std::vector<int>(Threads * Items, -1));
  arrange_kernel<Threads, Items, Load, Store><<<1, Threads>>>(d_in, out, valid);
  const std::vector<int> got = out.read();
  const bool striped = Load == cub::BLOCK_LOAD_STRIPED;
  for (int i = 0; i < Threads * Items; ++i) {
    const int owner = striped ? i % Threads : i / Items;
    EXPECT_EQ(got[i], i < valid ? in[i] + 1000 * owner : -1) << Threads << "x" << Items << " at " << i;
  }
}

TEST(CubBlock, LoadsAndStores) {
  check_arrange<64, 4, cub::BLOCK_LOAD_DIRECT, cub::BLOCK_STORE_DIRECT>(250);
  check_arrange<96, 3, cub::BLOCK_LOAD_TRANSPOSE, cub::BLOCK_STORE_TRANSPOSE>(288);
  check_arrange<96, 5, cub::BLOCK_LOAD_WARP_TRANSPOSE, cub::BLOCK_STORE_WARP_TRANSPOSE>(401);
  check_arrange<64, 3, cub::BLOCK_LOAD_WARP_TRANSPOSE_TIMESLICED, cub::BLOCK_STORE_WARP_TRANSPOSE_TIMESLICED>(
      100);
  check_arrange<64, 3, cub::BLOCK_LOAD_STRIPED, cub::BLOCK_STORE_STRIPED>(130);
}

// ---- Items change places, are compared with their neighbours, counted and drawn out.

template <int Threads, int Items>
__global__ void exchange_kernel(const int* in, const int* ranks, int* scattered, int* differences, int* heads,
                                int* moved, unsigned* counts) {
  using Exchange = cub::BlockExchange<int, Threads, Items>;
  using Difference = cub::BlockAdjacentDifference<int, Threads>;
  using Discontinuity = cub::BlockDiscontinuity<int, Threads>;
  using Shuffle = cub::BlockShuffle<int, Threads>;
  using Histogram = cub::BlockHistogram<unsigned char, Threads, Items, 16>;
  __shared__ union {
    typename Exchange::TempStorage exchange;
    typename Difference::TempStorage difference;
    typename Discontinuity::TempStorage discontinuity;
    typename Shuffle::TempStorage shuffle;
    typename Histogram::TempStorage histogram;
  } storage;
  __shared__ unsigned bins[16];
  const int at = int(threadIdx.x) * Items;
  int v[Items], rank[Items], r[Items], flags[Items];
  unsigned char small[Items];
  for (int k = 0; k < Items; ++k)
    v[k] = in[at + k], rank[k] = ranks[at + k], small[k] = (unsigned char)(v[k] & 15);
  Exchange(storage.exchange).ScatterToBlocked(v, r, rank);
  for (int k = 0; k < Items; ++k) scattered[at + k] = r[k];
  __syncthreads();
  Difference(storage.difference).SubtractLeft(v, r, Minus{});
  for (int k = 0; k < Items; ++k) differences[at + k] = r[k];
  __syncthreads();
  Discontinuity(storage.discontinuity).FlagHeads(flags, v, Differs{});
  for (int k = 0; k < Items; ++k) heads[at + k] = flags[k];
  __syncthreads();
  Shuffle(storage.shuffle).Up(v, r);
  for (int k = 0; k < Items; ++k) moved[at + k] = threadIdx.x + k ? r[k] : 0;
  __syncthreads();
  Histogram(storage.histogram).Histogram(small, bins);
  __syncthreads();
  if (threadIdx.x < 16) counts[threadIdx.x] = bins[threadIdx.x];
}

template <int Threads, int Items>
void check_exchange() {
  const int n = Threads * Items;
  const std::vector<int> in = whole_numbers<int>(n, 0, 2);
  std::vector<int> ranks(n), wanted(n);
  std::iota(ranks.begin(), ranks.end(), 0);
  std::shuffle(ranks.begin(), ranks.end(), std::mt19937(5));
  Device<int> d_in(in), d_ranks(ranks), scattered(n), differences(n), heads(n), moved(n);
  Device<unsigned> counts(16);
  exchange_kernel<Threads, Items>
      <<<1, Threads>>>(d_in, d_ranks, scattered, differences, heads, moved, counts);
  for (int i = 0; i < n; ++i) wanted[ranks[i]] = in[i];
  EXPECT_EQ(scattered.read(), wanted);
  std::adjacent_difference(in.begin(), in.end(), wanted.begin());
  EXPECT_EQ(differences.read(), wanted);
  for (int i = 0; i < n; ++i) wanted[i] = i == 0 || in[i] != in[i - 1];
  EXPECT_EQ(heads.read(), wanted);
  for (int i = 0; i < n; ++i) wanted[i] = i ? in[i - 1] : 0;
  EXPECT_EQ(moved.read(), wanted);
  std::vector<unsigned> tally(16);
  for (int v : in) ++tally[v];
  EXPECT_EQ(counts.read(), tally);
}

TEST(CubBlock, ExchangesDifferencesHeadsAndHistograms) {
  check_exchange<64, 4>(), check_exchange<96, 1>(), check_exchange<128, 7>();
}

template <int Threads, int Runs, int Items>
__global__ void decode_kernel(const int* values, const unsigned* lengths, int* out, int room) {
  using Decode = cub::BlockRunLengthDecode<int, Threads, Runs, Items>;
  __shared__ typename Decode::TempStorage storage;
  int v[Runs];
  unsigned length[Runs], total = 0;
  for (int k = 0; k < Runs; ++k)
    v[k] = values[threadIdx.x * Runs + k], length[k] = lengths[threadIdx.x * Runs + k];
  Decode decode(storage, v, length, total);
  for (unsigned from = 0; from < total; from += Threads * Items) {
    int r[Items];
    decode.RunLengthDecode(r, from);
    for (int k = 0; k < Items; ++k) {
      const unsigned at = from + threadIdx.x * Items + k;
      if (at < total && int(at) < room) out[at] = r[k];
    }
  }
}

TEST(CubBlock, RunsAreDrawnOut) {
  const std::vector<int> values = whole_numbers<int>(128, 0, 999);
  std::vector<unsigned> lengths = whole_numbers<unsigned>(128, 1, 40);
  std::vector<int> wanted;
  for (int i = 0; i < 128; ++i) wanted.insert(wanted.end(), lengths[i], values[i]);
  Device<int> d_values(values), out(wanted.size());
  Device<unsigned> d_lengths(lengths);
  decode_kernel<64, 2, 4><<<1, 64>>>(d_values, d_lengths, out, int(wanted.size()));
  EXPECT_EQ(out.read(), wanted);
}

template <int Width, int Items>
__global__ void warp_sort_kernel(const int* in, int* sorted) {
  using Sort = cub::WarpMergeSort<int, Items, Width>;
  __shared__ typename Sort::TempStorage sort[64 / Width];
  const int at = int(threadIdx.x) * Items;
  int v[Items];
  for (int k = 0; k < Items; ++k) v[k] = in[at + k];
  Sort(sort[threadIdx.x / Width]).Sort(v, Less{});
  for (int k = 0; k < Items; ++k) sorted[at + k] = v[k];
}
template <int Width, int Items>
__global__ void warp_exchange_kernel(const int* in, int* striped) {
  using Exchange = cub::WarpExchange<int, Items, Width>;
  __shared__ typename Exchange::TempStorage exchange[64 / Width];
  const int at = int(threadIdx.x) * Items;
  int v[Items];
  for (int k = 0; k < Items; ++k) v[k] = in[at + k];
  Exchange(exchange[threadIdx.x / Width]).BlockedToStriped(v, v);
  for (int k = 0; k < Items; ++k) striped[at + k] = v[k];
}

template <int Width, int Items>
void check_warp_sort() {
  std::vector<int> in = whole_numbers<int>(64 * Items, -99, 99);
  Device<int> d_in(in), sorted(in.size());
  warp_sort_kernel<Width, Items><<<1, 64>>>(d_in, sorted);
  for (int at = 0; at < 64 * Items; at += Width * Items)
    std::sort(in.begin() + at, in.begin() + at + Width * Items);
  EXPECT_EQ(sorted.read(), in) << Width;
}
template <int Width, int Items>
void check_warp_exchange() {
  const std::vector<int> in = whole_numbers<int>(64 * Items, -99, 99);
  Device<int> d_in(in), striped(in.size());
  warp_exchange_kernel<Width, Items><<<1, 64>>>(d_in, striped);
  const std::vector<int> got = striped.read();
  for (int at = 0; at < 64 * Items; at += Width * Items)
    for (int t = 0; t < Width; ++t)
      for (int k = 0; k < Items; ++k) EXPECT_EQ(got[at + t * Items + k], in[at + k * Width + t]) << Width;
}

TEST(CubWarp, MergeSort) { check_warp_sort<32, 4>(), check_warp_sort<16, 3>(), check_warp_sort<8, 1>(); }
TEST(CubWarp, Exchange) {
  check_warp_exchange<32, 4>(), check_warp_exchange<16, 3>(), check_warp_exchange<8, 1>();
}

// ---- Over whole arrays.

const std::vector<int> kSizes = {0, 1, 33, 1000, 4097, 30011};

TEST(CubDevice, Merge) {
  for (int n : kSizes) {
    std::vector<int> a = whole_numbers<int>(n, 0, 500, 1), b = whole_numbers<int>(n / 2, 0, 500, 2), wanted;
    std::sort(a.begin(), a.end());
    std::sort(b.begin(), b.end());
    std::merge(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(wanted));
    Device<int> d_a(a), d_b(b), merged(wanted.size());
    with_storage([&](void* t, size_t& bytes) {
      return cub::DeviceMerge::MergeKeys(t, bytes, d_a.get(), n, d_b.get(), n / 2, merged.get());
    });
    EXPECT_EQ(merged.read(), wanted) << n;
  }
}

TEST(CubDevice, DifferencesAndScansByKey) {
  for (int n : kSizes) {
    const std::vector<int> keys = whole_numbers<int>(n, 0, 1), values = whole_numbers<int>(n, -9, 9, 3);
    std::vector<int> wanted(n);
    Device<int> d_keys(keys), d_values(values), out(n);
    std::adjacent_difference(keys.begin(), keys.end(), wanted.begin());
    with_storage([&](void* t, size_t& bytes) {
      return cub::DeviceAdjacentDifference::SubtractLeftCopy(t, bytes, d_keys.get(), out.get(), n, Minus{});
    });
    EXPECT_EQ(out.read(), wanted) << n;
    for (int i = 0; i < n; ++i) wanted[i] = values[i] + (i > 0 && keys[i] == keys[i - 1] ? wanted[i - 1] : 0);
    with_storage([&](void* t, size_t& bytes) {
      return cub::DeviceScan::InclusiveSumByKey(t, bytes, d_keys.get(), d_values.get(), out.get(), n);
    });
    EXPECT_EQ(out.read(), wanted) << n;
  }
}

TEST(CubDevice, SegmentedRadixSortAndCopiesInBatches) {
  std::vector<int> offsets = {0};
  for (int length : {5, 0, 33, 4000, 1, 700, 9000}) offsets.push_back(offsets.back() + length);
  const int n = offsets.back(), segments = int(offsets.size()) - 1;
  std::vector<int> in = any_numbers<int>(n);
  Device<int> d_in(in), sorted(n), copied(n), d_offsets(offsets);
  with_storage([&](void* t, size_t& bytes) {
    return cub::DeviceSegmentedRadixSort::SortKeys(t, bytes, d_in.get(), sorted.get(), n, segments,
                                                   d_offsets.get(), d_offsets.get() + 1);
  });
  std::vector<const void*> from;
  std::vector<void*> to;
  std::vector<int> bytes_of;
  for (int s = 0; s < segments; ++s) {  // the segments in reverse order
    from.push_back(d_in.get() + offsets[s]);
    to.push_back(copied.get() + n - offsets[s + 1]);
    bytes_of.push_back((offsets[s + 1] - offsets[s]) * int(sizeof(int)));
  }
  Device<const void*> d_from(from);
  Device<void*> d_to(to);
  Device<int> d_bytes(bytes_of);
  with_storage([&](void* t, size_t& bytes) {
    return cub::DeviceMemcpy::Batched(t, bytes, d_from.get(), d_to.get(), d_bytes.get(), segments);
  });
  const std::vector<int> got = copied.read();
  for (int s = 0; s < segments; ++s) {
    EXPECT_TRUE(
        std::equal(in.begin() + offsets[s], in.begin() + offsets[s + 1], got.begin() + n - offsets[s + 1]))
        << s;
    std::sort(in.begin() + offsets[s], in.begin() + offsets[s + 1]);
  }
  EXPECT_EQ(sorted.read(), in);
}

}  // namespace
