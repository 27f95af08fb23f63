// One class for each row of logits: the largest, or a draw from softmax(logits / temperature) by inverse CDF.
// A row is cut into one segment for each warp. First every segment's maximum m, sum of exp((x - m) /
// temperature) and arg-max; then the segment in which the cumulative sum passes u * total; then the class in
// it, by a scan of 32 at a time. The order of all sums is fixed. exp is ex2.approx (see cross_entropy.cu); u
// has 24 bits.
#include <algorithm>
#include <cfloat>

#include "kernels/device/philox.cuh"
#include "kernels/device/reduce.cuh"
#include "kernels/sequence/launch.hpp"

namespace recur::kernels {
namespace {

using device::kFullWarp;

constexpr int kWarps = 8;
constexpr int64_t kMaxBlocks = 65535;
constexpr int64_t kSmall = 1024;  // up to so many classes a warp takes the row

// Of some classes of a row.
struct Segment {
  float max;  // -FLT_MAX if all are -infinity
  float sum;  // of exp((x - max) * inverse_temperature)
  int best;   // the lowest index of max, INT32_MAX if all are -infinity
  bool nan;
};

__device__ __forceinline__ Segment summarise(const float* x, int begin, int end, float scale) {
  int lane = threadIdx.x % 32;
  Segment own = {-FLT_MAX, 0.0f, INT32_MAX, false};
  for (int j = begin + lane; j < end; j += 32) {
    float value = x[j];
    float above = value - own.max;
    float term = __expf(-fabsf(above) * scale);
    own.sum = above > 0 ? fmaf(own.sum, term, 1.0f) : own.sum + term;
    if (above > 0 || (above == 0 && own.best == INT32_MAX)) own.best = j;
    own.nan |= value != value;
    own.max = fmaxf(own.max, value);
  }
  Segment all;
  all.max = device::warp_reduce(own.max, device::Max());
  all.sum = device::warp_reduce(own.sum * __expf((own.max - all.max) * scale), device::Sum());
  all.best = device::warp_reduce(own.max == all.max ? own.best : INT32_MAX, device::Min());
  all.nan = __any_sync(kFullWarp, own.nan);
  return all;
}

// The first class of begin..end-1 at which base + the cumulative sum passes goal; rounding may leave none:
// then the last class that has a probability.
__device__ __forceinline__ int search(const float* x, int begin, int end, float max, float scale, float base,
                                      float goal) {
  int lane = threadIdx.x % 32;
  int last = -1;
  for (int chunk = begin; chunk < end; chunk += 32) {
    int j = chunk + lane;
    float term = j < end ? __expf((x[j] - max) * scale) : 0.0f;
    float inclusive = term;
#pragma unroll
    for (int distance = 1; distance < 32; distance *= 2) {
      float below = __shfl_up_sync(kFullWarp, inclusive, distance);
      if (lane >= distance) inclusive += below;
    }
    unsigned hits = __ballot_sync(kFullWarp, term > 0 && base + inclusive > goal);
    if (hits != 0) return chunk + __ffs(hits) - 1;
    unsigned possible = __ballot_sync(kFullWarp, term > 0);
    if (possible != 0) last = chunk + 31 - __clz(possible);
    base += __shfl_sync(kFullWarp, inclusive, 31);
  }
  return last;
}

// The warps of one row wait for each other.
template <int Warps>
__device__ __forceinline__ void sync() {
  if constexpr (Warps == 1) {
    __syncwarp();
  } else {
    __syncthreads();
  }
}

template <int Warps>
__device__ __forceinline__ Segment merge(const Segment* parts, float scale) {
  Segment all = parts[0];
  if constexpr (Warps > 1) {
    for (int w = 1; w < Warps; ++w) {
      all.max = fmaxf(all.max, parts[w].max);
      all.nan |= parts[w].nan;
    }
    all.sum = 0;
    all.best = INT32_MAX;
    for (int w = 0; w < Warps; ++w) {
      all.sum += parts[w].sum * __expf((parts[w].max - all.max) * scale);
      if (parts[w].max == all.max) all.best = min(all.best, parts[w].best);
    }
  }
  return all;
}

template <int Warps>  // for each row
__global__ void __launch_bounds__(32 * kWarps) sample_kernel(Sample a) {
  constexpr int rows_at_once = kWarps / Warps;
  __shared__ Segment segments[kWarps];
  int warp = threadIdx.x / 32 % Warps;
  int classes = static_cast<int>(a.classes);
  int length = (classes / Warps + 32) / 32 * 32;  // of a segment
  int begin = static_cast<int>(min(static_cast<int64_t>(warp) * length, a.classes));
  int end = static_cast<int>(min(static_cast<int64_t>(begin) + length, a.classes));
  bool greedy = a.inverse_temperature == 0;
  float scale = greedy ? 1.0f : a.inverse_temperature;
  for (int64_t row = static_cast<int64_t>(blockIdx.x) * rows_at_once + threadIdx.x / 32 / Warps; row < a.rows;
       row += static_cast<int64_t>(gridDim.x) * rows_at_once) {
    const float* x = a.logits + row * classes;
    Segment own = summarise(x, begin, end, scale);
    if (threadIdx.x % 32 == 0) segments[threadIdx.x / 32] = own;
    sync<Warps>();
    const Segment* parts = segments + threadIdx.x / 32 / Warps * Warps;
    Segment all = merge<Warps>(parts, scale);
    int pick = -1;
    int picker = 0;  // the warp of the row that knows the pick
    if (greedy) {
      if (!all.nan && all.best != INT32_MAX) pick = all.best;
    } else if (!all.nan && all.max < INFINITY && all.sum > 0) {
      float goal = device::uniform(device::philox4x32(a.seed, a.offset, row).word[0]) * all.sum;
      float base = 0, running = 0;
      for (int w = 0; w < Warps; ++w) {
        float part = parts[w].sum * __expf((parts[w].max - all.max) * scale);
        if (part > 0) {
          picker = w;
          base = running;
          if (running + part > goal) break;
        }
        running += part;
      }
      if (warp == picker) pick = search(x, begin, end, all.max, scale, base, goal);
    }
    if (warp == picker && threadIdx.x % 32 == 0) {
      a.samples[row] = pick;
      if (a.log_probabilities != nullptr) {
        a.log_probabilities[row] = pick < 0 ? NAN : (x[pick] - all.max) * scale - logf(all.sum);
      }
    }
    sync<Warps>();
  }
}

}  // namespace

cudaError_t sample(const Sample& a, cudaStream_t stream) {
  if (a.classes <= kSmall) {
    unsigned blocks = static_cast<unsigned>(std::min((a.rows + kWarps - 1) / kWarps, kMaxBlocks));
    sample_kernel<1><<<blocks, 32 * kWarps, 0, stream>>>(a);
  } else {
    unsigned blocks = static_cast<unsigned>(std::min(a.rows, kMaxBlocks));
    sample_kernel<kWarps><<<blocks, 32 * kWarps, 0, stream>>>(a);
  }
  return cudaGetLastError();
}

}  // namespace recur::kernels
