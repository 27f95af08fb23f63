// CUB's sorts over whole arrays, with its own tuning, against the standard library.
#include <algorithm>
#include <cub/device/device_merge_sort.cuh>
#include <cub/device/device_radix_sort.cuh>
#include <cub/device/device_segmented_sort.cuh>
#include <numeric>

#include "device.hpp"

namespace {

using namespace breadth;

// A single tile, a few tiles, and many, around the borders where CUB takes another way.
const std::vector<int> kSizes = {0, 1, 2, 33, 1000, 4863, 4865, 20000, 50021};

template <class K>
void check_keys(int n) {
  const std::vector<K> in = any_numbers<K>(n);
  std::vector<K> wanted = in;
  std::sort(wanted.begin(), wanted.end());
  Device<K> keys(in), sorted(n);
  with_storage([&](void* t, size_t& bytes) { return cub::DeviceRadixSort::SortKeys(t, bytes, keys.get(), sorted.get(), n); });
  EXPECT_EQ(sorted.read(), wanted) << n;
}

TEST(CubSort, RadixSortOfKeysOf32And64BitsAndFloats) {
  for (int n : kSizes) check_keys<int>(n), check_keys<float>(n), check_keys<std::uint64_t>(n);
  check_keys<int>(300007);
}

TEST(CubSort, RadixSortOfPairsIsStableUpAndDownAndByPartOfTheBits) {
  for (int n : kSizes) {
    const std::vector<std::uint32_t> in = whole_numbers<std::uint32_t>(n, 0, 4000);
    std::vector<int> order(n), value(n);
    std::iota(value.begin(), value.end(), 0);
    Device<std::uint32_t> keys(in), sorted(n);
    Device<int> values(value), moved(n);
    auto key = [&](int i) { return in[i] >> 3 & 0xff; };
    for (bool up : {true, false}) {
      order = value;
      std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return up ? key(a) < key(b) : key(a) > key(b); });
      with_storage([&](void* t, size_t& bytes) {
        return up ? cub::DeviceRadixSort::SortPairs(t, bytes, keys.get(), sorted.get(), values.get(), moved.get(), n, 3, 11)
                  : cub::DeviceRadixSort::SortPairsDescending(t, bytes, keys.get(), sorted.get(), values.get(), moved.get(),
                                                              n, 3, 11);
      });
      EXPECT_EQ(moved.read(), order) << n;
    }
  }
}

struct Less {
  __host__ __device__ bool operator()(double a, double b) const { return a < b; }
};

TEST(CubSort, MergeSortOfPairsIsStable) {
  for (int n : kSizes) {
    const std::vector<double> in = whole_numbers<double>(n, 0, 300);
    std::vector<int> order(n);
    std::iota(order.begin(), order.end(), 0);
    Device<double> keys(in);
    Device<int> values(order);
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return in[a] < in[b]; });
    with_storage([&](void* t, size_t& bytes) {
      return cub::DeviceMergeSort::StableSortPairs(t, bytes, keys.get(), values.get(), n, Less{});
    });
    EXPECT_EQ(values.read(), order) << n;
    std::vector<double> sorted = in;
    std::sort(sorted.begin(), sorted.end());
    EXPECT_EQ(keys.read(), sorted) << n;
  }
}

TEST(CubSort, SegmentedSortOfSmallAndLargeAndEmptySegments) {
  std::vector<int> offsets = {0};
  for (int length : {0, 1, 5, 33, 0, 200, 700, 5000, 3, 0, 12000, 64, 1}) offsets.push_back(offsets.back() + length);
  const int n = offsets.back(), segments = int(offsets.size()) - 1;
  std::vector<int> in = any_numbers<int>(n);
  Device<int> keys(in), sorted(n), d_offsets(offsets);
  with_storage([&](void* t, size_t& bytes) {
    return cub::DeviceSegmentedSort::SortKeys(t, bytes, keys.get(), sorted.get(), n, segments, d_offsets.get(), d_offsets.get() + 1);
  });
  for (int s = 0; s < segments; ++s) std::sort(in.begin() + offsets[s], in.begin() + offsets[s + 1]);
  EXPECT_EQ(sorted.read(), in);
}

}  // namespace
