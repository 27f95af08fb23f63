// What surrounds a recurrent network, in the manner of other people's kernels: softmax and layer
// normalisation in shuffles, a scan that looks back, a histogram across the shared memory of a cluster, a
// transpose, the best of a beam.
#include <cooperative_groups.h>

#include <algorithm>
#include <cfloat>
#include <numeric>

#include "strangers.hpp"

namespace {

using namespace breadth;
namespace cg = cooperative_groups;

// ---- Softmax of short rows: a warp takes two rows and holds them in registers; rows end where they like.

template <int Log2>
__global__ void softmax_kernel(const float* in, float* out, int rows, int columns) {
  constexpr int kNext = 1 << Log2, kLanes = kNext < 32 ? kNext : 32, kEach = kNext / kLanes, kRows = 2;
  const int first = (blockDim.y * blockIdx.x + threadIdx.y) * kRows, lane = threadIdx.x;
  float v[kRows][kEach];
#pragma unroll
  for (int r = 0; r < kRows; ++r)
#pragma unroll
    for (int k = 0; k < kEach; ++k) {
      const int c = lane + k * kLanes;
      v[r][k] = first + r < rows && c < columns ? in[(first + r) * columns + c] : -INFINITY;
    }
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    float most = v[r][0], sum = 0;
    for (int k = 1; k < kEach; ++k) most = fmaxf(most, v[r][k]);
    for (int off = kLanes / 2; off; off /= 2)
      most = fmaxf(most, __shfl_xor_sync(0xffffffff, most, off, kLanes));
    for (int k = 0; k < kEach; ++k) sum += v[r][k] = __expf(v[r][k] - most);
    for (int off = kLanes / 2; off; off /= 2) sum += __shfl_xor_sync(0xffffffff, sum, off, kLanes);
    for (int k = 0; k < kEach; ++k) {
      const int c = lane + k * kLanes;
      if (first + r < rows && c < columns) out[(first + r) * columns + c] = v[r][k] / sum;
    }
  }
}

template <int Log2>
void check_softmax(int rows, int columns) {
  const std::vector<float> in = uniform(std::size_t(rows) * columns, 4, Log2);
  Device<float> d_in(in), out(in.size());
  constexpr int kLanes = Log2 < 5 ? 1 << Log2 : 32;
  const dim3 block(kLanes, 128 / kLanes);
  softmax_kernel<Log2><<<(rows + 2 * block.y - 1) / (2 * block.y), block>>>(d_in, out, rows, columns);
  const std::vector<float> got = out.read();
  for (int r = 0; r < rows; ++r) {
    double sum = 0;
    for (int c = 0; c < columns; ++c) sum += std::exp(double(in[r * columns + c]));
    for (int c = 0; c < columns; ++c) {
      const double wanted = std::exp(double(in[r * columns + c])) / sum;
      // __expf(x), |x| <= 8: two places and the rounding of x log2 e, twelve units; once more in the sum,
      // which adds columns/lanes + 5 times.
      EXPECT_NEAR(got[r * columns + c], wanted, wanted * (2 * 16 + columns / kLanes + 8) * kSingle)
          << rows << "x" << columns;
    }
  }
}

TEST(Strangers, SoftmaxInAWarp) {
  check_softmax<0>(3, 1);
  check_softmax<3>(19, 7);
  check_softmax<5>(10, 32);
  check_softmax<8>(33, 200);
  check_softmax<10>(5, 1000);
}

// ---- Layer normalisation by Welford's method: each lane, then lanes, then warps merge mean and squares.

struct Moments {
  float mean, squares, count;
};
__device__ Moments merged(Moments a, Moments b) {
  const float count = a.count + b.count;
  if (count == 0) return a;
  const float apart = b.mean - a.mean, part = b.count / count;
  return {a.mean + apart * part, a.squares + b.squares + apart * apart * a.count * part, count};
}

__global__ void layer_norm_kernel(const float* x, const float* gamma, const float* beta, float* y,
                                  int columns, float epsilon) {
  const float4* row = reinterpret_cast<const float4*>(x + blockIdx.x * columns);
  Moments m = {0, 0, 0};
  for (int i = threadIdx.x; i < columns / 4; i += blockDim.x) {
    const float4 v = row[i];
    for (float e : {v.x, v.y, v.z, v.w}) {
      m.count += 1;
      const float apart = e - m.mean;
      m.mean += apart / m.count;
      m.squares += apart * (e - m.mean);
    }
  }
  for (int off = 16; off; off >>= 1) {
    const Moments other = {__shfl_down_sync(~0u, m.mean, off), __shfl_down_sync(~0u, m.squares, off),
                           __shfl_down_sync(~0u, m.count, off)};
    m = merged(m, other);
  }
  __shared__ Moments of_warp[32];
  if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = m;
  __syncthreads();
  if (threadIdx.x == 0) {
    for (unsigned w = 1; w < blockDim.x / 32; ++w) m = merged(m, of_warp[w]);
    of_warp[0] = m;
  }
  __syncthreads();
  const float mean = of_warp[0].mean, scale = rsqrtf(of_warp[0].squares / columns + epsilon);
  for (int i = threadIdx.x; i < columns; i += blockDim.x)
    y[blockIdx.x * columns + i] = (x[blockIdx.x * columns + i] - mean) * scale * gamma[i] + beta[i];
}

TEST(Strangers, LayerNormByWelford) {
  for (const int columns : {4, 60, 512, 1028}) {
    const int rows = 3;
    std::vector<float> x = uniform(std::size_t(rows) * columns, 1, columns);
    for (float& v : x) v += 100;  // where the sum of squares minus the square of the sum is lost
    const std::vector<float> gamma = uniform(columns, 1, 2), beta = uniform(columns, 1, 3);
    Device<float> d_x(x), d_gamma(gamma), d_beta(beta), y(x.size());
    layer_norm_kernel<<<rows, 128>>>(d_x, d_gamma, d_beta, y, columns, 1e-5f);
    const std::vector<float> got = y.read();
    for (int r = 0; r < rows; ++r) {
      double mean = 0, squares = 0;
      for (int i = 0; i < columns; ++i) mean += double(x[r * columns + i]) / columns;
      for (int i = 0; i < columns; ++i) squares += std::pow(x[r * columns + i] - mean, 2) / columns;
      const double scale = 1 / std::sqrt(squares + 1e-5);
      for (int i = 0; i < columns; ++i) {
        const double wanted = (x[r * columns + i] - mean) * scale * gamma[i] + beta[i];
        // The mean near 100 is off by some units of it, which is what each difference keeps.
        EXPECT_NEAR(got[r * columns + i], wanted, (columns / 128 + 16) * kSingle * 101 * scale) << columns;
      }
    }
  }
}

// ---- A scan of one pass: tiles numbered as they begin, each publishes its sum, then looks back at those
// before it.

struct Status {  // state above the value, so that both are one word
  static constexpr unsigned long long kSum = 1ull << 32, kPrefix = 2ull << 32;
};

__global__ void scan_kernel(const unsigned* in, unsigned* out, int n, unsigned long long* status,
                            unsigned* ticket) {
  __shared__ unsigned tile, before, warp_sum[8];
  if (threadIdx.x == 0) tile = atomicAdd(ticket, 1u);
  __syncthreads();
  const int i = int(tile * 256 + threadIdx.x), lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  unsigned v = i < n ? in[i] : 0;
  for (int off = 1; off < 32; off <<= 1) {
    const unsigned other = __shfl_up_sync(~0u, v, off);
    if (lane >= off) v += other;
  }
  if (lane == 31) warp_sum[warp] = v;
  __syncthreads();
  for (int w = 0; w < warp; ++w) v += warp_sum[w];
  if (threadIdx.x == 255) atomicExch(status + tile, (tile ? Status::kSum : Status::kPrefix) | v);
  if (warp == 0) {
    unsigned sum = 0;
    for (int at = int(tile) - 1 - lane; tile > 0;) {  // 32 tiles at a time
      unsigned long long s = Status::kPrefix;
      if (at >= 0) do
          s = *reinterpret_cast<volatile unsigned long long*>(status + at);
        while (__any_sync(__activemask(), s < Status::kSum));
      const unsigned known = __ballot_sync(~0u, s >= Status::kPrefix);
      const int upto = known ? __ffs(int(known)) - 1 : 31;
      unsigned part = lane <= upto ? unsigned(s) : 0;
      for (int off = 16; off; off >>= 1) part += __shfl_xor_sync(~0u, part, off);
      sum += part;
      if (known) break;
      at -= 32;
    }
    if (lane == 0) before = sum;
  }
  __syncthreads();
  v += before;
  if (threadIdx.x == 255 && tile > 0) atomicExch(status + tile, Status::kPrefix | v);
  if (i < n) out[i] = v;
}

TEST(Strangers, ScanThatLooksBack) {
  for (const int n : {1, 256, 1000, 20000, 100001}) {
    const std::vector<unsigned> in = whole_numbers<unsigned>(n, 0, 1000);
    const int tiles = (n + 255) / 256;
    Device<unsigned> d_in(in), out(n), ticket(std::vector<unsigned>(1, 0));
    Device<unsigned long long> status(std::vector<unsigned long long>(tiles, 0));
    scan_kernel<<<tiles, 256>>>(d_in, out, n, status, ticket);
    std::vector<unsigned> wanted(n);
    std::inclusive_scan(in.begin(), in.end(), wanted.begin());
    EXPECT_EQ(out.read(), wanted) << n;
  }
}

// ---- A histogram whose bins are spread over the shared memory of a cluster's blocks.

__global__ void histogram_kernel(const unsigned* in, int n, int bins, int bins_per_block, unsigned* counts) {
  extern __shared__ unsigned part[];
  cg::cluster_group cluster = cg::this_cluster();
  for (int i = threadIdx.x; i < bins_per_block; i += blockDim.x) part[i] = 0;
  cluster.sync();  // all blocks have begun and cleared
  for (int i = cg::this_grid().thread_rank(); i < n; i += blockDim.x * gridDim.x) {
    const int bin = min(int(in[i]), bins - 1);
    unsigned* theirs = cluster.map_shared_rank(part, bin / bins_per_block);
    atomicAdd(theirs + bin % bins_per_block, 1u);
  }
  cluster.sync();
  const int first = int(cluster.block_rank()) * bins_per_block;
  for (int i = threadIdx.x; i < bins_per_block && first + i < bins; i += blockDim.x)
    atomicAdd(counts + first + i, part[i]);
}

TEST(Strangers, HistogramAcrossACluster) {
  for (const unsigned size : {1u, 2u, 4u, 8u}) {
    const int n = 5000, bins = 301, per_block = (bins + int(size) - 1) / int(size);
    const std::vector<unsigned> in = whole_numbers<unsigned>(n, 0, bins + 20);
    Device<unsigned> d_in(in), counts(std::vector<unsigned>(bins, 0));
    cudaLaunchConfig_t config = {};
    config.gridDim = 2 * size, config.blockDim = 96, config.dynamicSmemBytes = per_block * sizeof(unsigned);
    cudaLaunchAttribute attribute;
    attribute.id = cudaLaunchAttributeClusterDimension;
    attribute.val.clusterDim.x = size, attribute.val.clusterDim.y = attribute.val.clusterDim.z = 1;
    config.attrs = &attribute, config.numAttrs = 1;
    ASSERT_EQ(cudaLaunchKernelEx(&config, histogram_kernel, static_cast<const unsigned*>(d_in.get()), n, bins,
                                 per_block, counts.get()),
              cudaSuccess);
    std::vector<unsigned> wanted(bins);
    for (unsigned v : in) ++wanted[std::min(v, unsigned(bins) - 1)];
    EXPECT_EQ(counts.read(), wanted) << size;
  }
}

// ---- A transpose by tiles in shared memory, a column wider than they need to be.

template <class T>
__global__ void transpose_kernel(const T* in, T* out, int rows, int columns) {
  __shared__ T tile[32][32 + 1];
  int x = blockIdx.x * 32 + threadIdx.x, y = blockIdx.y * 32 + threadIdx.y;
  for (int j = 0; j < 32; j += 8)
    if (x < columns && y + j < rows) tile[threadIdx.y + j][threadIdx.x] = in[(y + j) * columns + x];
  __syncthreads();
  x = blockIdx.y * 32 + threadIdx.x, y = blockIdx.x * 32 + threadIdx.y;
  for (int j = 0; j < 32; j += 8)
    if (x < rows && y + j < columns) out[(y + j) * rows + x] = tile[threadIdx.x][threadIdx.y + j];
}

template <class T>
void check_transpose(int rows, int columns) {
  const std::vector<T> in = whole_numbers<T>(std::size_t(rows) * columns, 0, 100);
  Device<T> d_in(in), out(in.size());
  transpose_kernel<T><<<dim3((columns + 31) / 32, (rows + 31) / 32), dim3(32, 8)>>>(d_in, out, rows, columns);
  const std::vector<T> got = out.read();
  for (int r = 0; r < rows; ++r)
    for (int c = 0; c < columns; ++c)
      ASSERT_EQ(got[c * rows + r], in[r * columns + c]) << rows << "x" << columns;
}

TEST(Strangers, TransposeWithPadding) {
  check_transpose<float>(32, 32);
  check_transpose<float>(1, 77);
  check_transpose<double>(100, 65);
  check_transpose<char>(33, 190);
}

// ---- The best continuations of a beam: each thread keeps its own few best of a row, then they are merged in
// pairs.

constexpr int kBeam = 5;
struct Best {
  float score[kBeam];
  int at[kBeam];
  __device__ void clear() {
    for (int k = 0; k < kBeam; ++k) score[k] = -FLT_MAX, at[k] = -1;
  }
  __device__ void insert(float s, int i) {  // equal scores: the smaller place first
    if (s < score[kBeam - 1] || (s == score[kBeam - 1] && at[kBeam - 1] >= 0 && i > at[kBeam - 1])) return;
    score[kBeam - 1] = s, at[kBeam - 1] = i;
    for (int k = kBeam - 2; k >= 0; --k) {
      if (score[k] > score[k + 1] || (score[k] == score[k + 1] && at[k] >= 0 && at[k] < at[k + 1])) break;
      const float t = score[k];
      const int u = at[k];
      score[k] = score[k + 1], at[k] = at[k + 1], score[k + 1] = t, at[k + 1] = u;
    }
  }
};

__global__ void beam_kernel(const float* scores, int* places, float* values, int columns) {
  __shared__ Best best[64];
  Best mine;
  mine.clear();
  for (int c = threadIdx.x; c < columns; c += blockDim.x) mine.insert(scores[blockIdx.x * columns + c], c);
  best[threadIdx.x] = mine;
  for (int half = blockDim.x / 2; half > 0; half /= 2) {
    __syncthreads();
    if (int(threadIdx.x) >= half) continue;
    const Best& other = best[threadIdx.x + half];
    for (int k = 0; k < kBeam && other.at[k] >= 0; ++k) best[threadIdx.x].insert(other.score[k], other.at[k]);
  }
  if (threadIdx.x == 0)
    for (int k = 0; k < kBeam; ++k)
      places[blockIdx.x * kBeam + k] = best[0].at[k], values[blockIdx.x * kBeam + k] = best[0].score[k];
}

TEST(Strangers, BestOfABeam) {
  for (const int columns : {5, 63, 1000}) {
    const int rows = 4;
    const std::vector<float> scores =
        whole_numbers<float>(std::size_t(rows) * columns, -99, 99);  // with equal ones
    Device<float> d_scores(scores), values(rows * kBeam);
    Device<int> places(rows * kBeam);
    beam_kernel<<<rows, 64>>>(d_scores, places, values, columns);
    const std::vector<int> got = places.read();
    const std::vector<float> got_values = values.read();
    for (int r = 0; r < rows; ++r) {
      std::vector<int> order(columns);
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(),
                       [&](int a, int b) { return scores[r * columns + a] > scores[r * columns + b]; });
      for (int k = 0; k < kBeam; ++k) {
        EXPECT_EQ(got[r * kBeam + k], order[k]) << columns;
        EXPECT_EQ(got_values[r * kBeam + k], scores[r * columns + order[k]]) << columns;
      }
    }
  }
}

}  // namespace
