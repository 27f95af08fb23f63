// CUB's algorithms over whole arrays but for sorting, with its own tuning, against the standard library.
#include <algorithm>
#include <cub/device/device_for.cuh>
#include <cub/device/device_histogram.cuh>
#include <cub/device/device_partition.cuh>
#include <cub/device/device_reduce.cuh>
#include <cub/device/device_run_length_encode.cuh>
#include <cub/device/device_scan.cuh>
#include <cub/device/device_segmented_reduce.cuh>
#include <cub/device/device_select.cuh>
#include <cub/device/device_transform.cuh>
#include <numeric>

#include "device.hpp"

namespace {

using namespace breadth;

// Around a warp, a block, and the tiles that CUB's tunings have, which are a few thousand items.
const std::vector<int> kSizes = {0, 1, 2, 31, 33, 255, 257, 1919, 1921, 4096, 5121, 30011};
constexpr int kMany = 1000003;

std::vector<int> sizes_and_many() {
  std::vector<int> sizes = kSizes;
  sizes.push_back(kMany);
  return sizes;
}

TEST(CubDevice, ReduceAgreesWithTheStandardLibrary) {
  for (int n : sizes_and_many()) {
    const std::vector<int> in = whole_numbers<int>(n, -1000, 1000);
    Device<int> d_in(in), sum(1);
    with_storage([&](void* t, size_t& bytes) { return cub::DeviceReduce::Sum(t, bytes, d_in.get(), sum.get(), n); });
    EXPECT_EQ(sum.first(), std::accumulate(in.begin(), in.end(), 0)) << n;
    if (n == 0) continue;
    Device<int> least(1), place(1);
    with_storage([&](void* t, size_t& bytes) {
      return cub::DeviceReduce::ArgMin(t, bytes, d_in.get(), least.get(), place.get(), n);
    });
    const auto found = std::min_element(in.begin(), in.end());
    EXPECT_EQ(least.first(), *found) << n;
    EXPECT_EQ(place.first(), found - in.begin()) << n;
  }
}

struct Larger {
  __host__ __device__ double operator()(double a, double b) const { return a < b ? b : a; }
};

TEST(CubDevice, ReduceOfDoublesUnderAnOperationOfTheCaller) {
  for (int n : kSizes) {
    const std::vector<double> in = any_numbers<double>(n);
    Device<double> d_in(in), out(1);
    with_storage([&](void* t, size_t& bytes) {
      return cub::DeviceReduce::Reduce(t, bytes, d_in.get(), out.get(), n, Larger{}, -1e300);
    });
    EXPECT_EQ(out.first(), std::accumulate(in.begin(), in.end(), -1e300, Larger{})) << n;
  }
}

TEST(CubDevice, ScansAgreeWithTheStandardLibrary) {
  for (int n : sizes_and_many()) {
    const std::vector<int> in = whole_numbers<int>(n, -50, 50);
    std::vector<int> exclusive(n), inclusive(n);
    std::exclusive_scan(in.begin(), in.end(), exclusive.begin(), 0);
    std::inclusive_scan(in.begin(), in.end(), inclusive.begin());
    Device<int> d_in(in), d_out(n);
    with_storage([&](void* t, size_t& bytes) { return cub::DeviceScan::ExclusiveSum(t, bytes, d_in.get(), d_out.get(), n); });
    EXPECT_EQ(d_out.read(), exclusive) << n;
    with_storage([&](void* t, size_t& bytes) { return cub::DeviceScan::InclusiveSum(t, bytes, d_in.get(), n); });
    EXPECT_EQ(d_in.read(), inclusive) << n << " in place";
  }
}

// An operation that is associative and does not commute, on 16 bytes: x -> a x + b, composed.
struct Affine {
  std::uint64_t a, b;
  bool operator==(const Affine& o) const { return a == o.a && b == o.b; }
};
struct Compose {
  __host__ __device__ Affine operator()(Affine first, Affine then) const {
    return {then.a * first.a, then.a * first.b + then.b};
  }
};

TEST(CubDevice, ScanKeepsTheOrderOfAnOperationThatDoesNotCommute) {
  for (int n : {0, 1, 300, 5121, 30011}) {
    const auto a = any_numbers<std::uint64_t>(n, 1), b = any_numbers<std::uint64_t>(n, 2);
    std::vector<Affine> in(n), wanted(n);
    for (int i = 0; i < n; ++i) in[i] = {a[i] | 1, b[i]};
    std::inclusive_scan(in.begin(), in.end(), wanted.begin(), Compose{});
    Device<Affine> d_in(in), d_out(n);
    with_storage([&](void* t, size_t& bytes) {
      return cub::DeviceScan::InclusiveScan(t, bytes, d_in.get(), d_out.get(), Compose{}, n);
    });
    EXPECT_TRUE(d_out.read() == wanted) << n;
  }
}

struct IsEven {
  __host__ __device__ bool operator()(int v) const { return v % 2 == 0; }
};

TEST(CubDevice, SelectPartitionAndUniqueAgreeWithTheStandardLibrary) {
  for (int n : sizes_and_many()) {
    const std::vector<int> in = whole_numbers<int>(n, 0, 5);
    const std::vector<char> flags = whole_numbers<char>(n, 0, 1, 2);
    Device<int> d_in(in), d_out(n), count(1);
    Device<char> d_flags(flags);
    auto selected = [&] {
      std::vector<int> out = d_out.read();
      out.resize(count.first());
      return out;
    };
    std::vector<int> wanted;
    std::copy_if(in.begin(), in.end(), std::back_inserter(wanted), IsEven{});
    with_storage([&](void* t, size_t& bytes) {
      return cub::DeviceSelect::If(t, bytes, d_in.get(), d_out.get(), count.get(), n, IsEven{});
    });
    EXPECT_EQ(selected(), wanted) << n;

    wanted.clear();
    for (int i = 0; i < n; ++i)
      if (flags[i]) wanted.push_back(in[i]);
    with_storage([&](void* t, size_t& bytes) {
      return cub::DeviceSelect::Flagged(t, bytes, d_in.get(), d_flags.get(), d_out.get(), count.get(), n);
    });
    EXPECT_EQ(selected(), wanted) << n;

    wanted.clear();
    std::unique_copy(in.begin(), in.end(), std::back_inserter(wanted));
    with_storage([&](void* t, size_t& bytes) {
      return cub::DeviceSelect::Unique(t, bytes, d_in.get(), d_out.get(), count.get(), n);
    });
    EXPECT_EQ(selected(), wanted) << n;

    // The rejected follow the selected, in reverse.
    wanted = in;
    const auto middle = std::stable_partition(wanted.begin(), wanted.end(), IsEven{});
    std::reverse(middle, wanted.end());
    with_storage([&](void* t, size_t& bytes) {
      return cub::DevicePartition::If(t, bytes, d_in.get(), d_out.get(), count.get(), n, IsEven{});
    });
    EXPECT_EQ(d_out.read(), wanted) << n;
    EXPECT_EQ(count.first(), middle - wanted.begin()) << n;
  }
}

TEST(CubDevice, RunsAreEncodedAndReducedByKey) {
  for (int n : sizes_and_many()) {
    const std::vector<int> in = whole_numbers<int>(n, 0, 2);
    std::vector<int> keys, lengths;
    std::vector<float> sums, values(n);
    for (int i = 0; i < n; ++i) {
      values[i] = float(i % 17);
      if (i == 0 || in[i] != in[i - 1]) keys.push_back(in[i]), lengths.push_back(0), sums.push_back(0);
      ++lengths.back();
      sums.back() += values[i];
    }
    Device<int> d_in(in), d_keys(n), d_lengths(n), count(1);
    Device<float> d_values(values), d_sums(n);
    with_storage([&](void* t, size_t& bytes) {
      return cub::DeviceRunLengthEncode::Encode(t, bytes, d_in.get(), d_keys.get(), d_lengths.get(), count.get(), n);
    });
    ASSERT_EQ(count.first(), int(keys.size())) << n;
    std::vector<int> got = d_keys.read(), got_lengths = d_lengths.read();
    got.resize(keys.size());
    got_lengths.resize(keys.size());
    EXPECT_EQ(got, keys) << n;
    EXPECT_EQ(got_lengths, lengths) << n;

    with_storage([&](void* t, size_t& bytes) {
      return cub::DeviceReduce::ReduceByKey(t, bytes, d_in.get(), d_keys.get(), d_values.get(), d_sums.get(),
                                            count.get(), cuda::std::plus<>{}, n);
    });
    ASSERT_EQ(count.first(), int(keys.size())) << n;
    got = d_keys.read();
    got.resize(keys.size());
    std::vector<float> got_sums = d_sums.read();
    got_sums.resize(keys.size());
    EXPECT_EQ(got, keys) << n;
    EXPECT_EQ(got_sums, sums) << n;  // whole numbers far below 2^24: exact in any order
  }
}

TEST(CubDevice, HistogramsCountEverySampleInRange) {
  for (int n : sizes_and_many()) {
    const std::vector<float> in = whole_numbers<float>(n, -10, 110);
    const int levels = 26;  // 25 bins of 4 over [0, 100)
    std::vector<int> wanted(levels - 1);
    for (float v : in)
      if (v >= 0 && v < 100) ++wanted[int(v) / 4];
    Device<float> d_in(in);
    Device<int> counts(levels - 1);
    with_storage([&](void* t, size_t& bytes) {
      return cub::DeviceHistogram::HistogramEven(t, bytes, d_in.get(), counts.get(), levels, 0.f, 100.f, n);
    });
    EXPECT_EQ(counts.read(), wanted) << n;
  }
}

TEST(CubDevice, SegmentedReduceOfUnevenAndEmptySegments) {
  for (int segments : {1, 2, 33, 700}) {
    std::vector<int> offsets = {0};
    for (int length : whole_numbers<int>(segments, 0, 300)) offsets.push_back(offsets.back() + length % 7 * length);
    const std::vector<double> in = whole_numbers<double>(offsets.back(), -9, 9);
    Device<double> d_in(in), out(segments);
    Device<int> d_offsets(offsets);
    with_storage([&](void* t, size_t& bytes) {
      return cub::DeviceSegmentedReduce::Sum(t, bytes, d_in.get(), out.get(), segments, d_offsets.get(), d_offsets.get() + 1);
    });
    std::vector<double> wanted;
    for (int s = 0; s < segments; ++s)
      wanted.push_back(std::accumulate(in.begin() + offsets[s], in.begin() + offsets[s + 1], 0.0));
    EXPECT_EQ(out.read(), wanted) << segments;
  }
}

struct Doubled {
  __device__ void operator()(float& v) const { v *= 2; }
};

struct Product {
  __host__ __device__ float operator()(float a, int b) const { return a * float(b) + 1; }
};

// On sm_90 and later by bulk copies into shared memory and an mbarrier.
TEST(CubDevice, Transform) {
  for (int n : sizes_and_many()) {
    const std::vector<float> a = whole_numbers<float>(n, -99, 99);
    const std::vector<int> b = whole_numbers<int>(n, -99, 99, 3);
    Device<float> d_a(a), out(n);
    Device<int> d_b(b);
    ASSERT_EQ(cub::DeviceTransform::Transform(cuda::std::make_tuple(d_a.get(), d_b.get()), out.get(), n, Product{}), cudaSuccess);
    std::vector<float> wanted(n);
    for (int i = 0; i < n; ++i) wanted[i] = Product{}(a[i], b[i]);
    EXPECT_EQ(out.read(), wanted) << n;
  }
}

TEST(CubDevice, ForEach) {
  for (int n : sizes_and_many()) {
    std::vector<float> values = whole_numbers<float>(n, -99, 99);
    Device<float> d(values);
    ASSERT_EQ(cub::DeviceFor::ForEachN(d.get(), n, Doubled{}), cudaSuccess);
    for (float& v : values) v *= 2;
    EXPECT_EQ(d.read(), values) << n;
  }
}

}  // namespace
