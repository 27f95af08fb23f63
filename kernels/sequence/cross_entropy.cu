// Softmax cross-entropy, loss and gradient in one pass over the rows. For a row x with target t, smoothing s,
// m = max_j x_j and S = sum_j exp(x_j - m):
//   loss       = (m - x_t) + log S + s/V * sum_j (x_t - x_j)
//   gradient_j = scale * (exp(x_j - m) / S - (1-s) [j=t] - s/V)
// which is LSE - logit without rounding the LSE. exp is ex2.approx of x * log2(e): its relative error, 2^-22
// + |x - m| 2^-23, makes at most 3e-7 of the row's largest probability. Row sums are fp32 in a fixed tree,
// the total is fp64.
#include <algorithm>
#include <cfloat>

#include "kernels/device/reduce.cuh"
#include "recur/device/vector.cuh"
#include "kernels/sequence/launch.hpp"

namespace recur::kernels {
namespace {

using device::Floats;

constexpr int kRowsPerBlock = 4;     // where a warp holds a row
constexpr int kBlockWarps = 8;       // where a block walks a row
constexpr int kReduceThreads = 512;  // one block over all rows
constexpr int64_t kMaxBlocks = 65535;

enum class Target { valid, ignored, bad };

__device__ __forceinline__ Target classify(const CrossEntropy& a, int64_t target) {
  if (a.use_ignore_index && target == a.ignore_index) return Target::ignored;
  return target < 0 || target >= a.classes ? Target::bad : Target::valid;
}

// count[0] = the number of valid targets; adds the bad ones to bad_targets.
__global__ void __launch_bounds__(kReduceThreads) count_kernel(CrossEntropy a) {
  __shared__ int64_t shared[kReduceThreads / 32];
  int64_t valid = 0, bad = 0;
#pragma unroll 4
  for (int64_t row = threadIdx.x; row < a.rows; row += kReduceThreads) {
    Target kind = classify(a, a.targets[row]);
    valid += kind == Target::valid;
    bad += kind == Target::bad;
  }
  valid = device::block_reduce<kReduceThreads / 32>(valid, device::Sum(), shared);
  bad = device::block_reduce<kReduceThreads / 32>(bad, device::Sum(), shared);
  if (threadIdx.x == 0) {
    *a.count = valid;
    if (bad > 0 && a.bad_targets != nullptr) atomicAdd(a.bad_targets, static_cast<int>(bad));
  }
}

// loss[0] = the sum of the row losses, divided by the count for the mean.
__global__ void __launch_bounds__(kReduceThreads) total_kernel(CrossEntropy a) {
  __shared__ double shared[kReduceThreads / 32];
  double sum = 0;
#pragma unroll 4
  for (int64_t row = threadIdx.x; row < a.rows; row += kReduceThreads) sum += a.row_losses[row];
  sum = device::block_reduce<kReduceThreads / 32>(sum, device::Sum(), shared);
  if (threadIdx.x == 0) {
    int64_t count = *a.count;
    *a.loss = static_cast<float>(a.mean && count > 0 ? sum / static_cast<double>(count) : sum);
  }
}

// What the gradient of a row needs: gradient_j = exp(x_j - max) * factor - (j == target ? at_target : 0) -
// everywhere.
struct RowGradient {
  float factor, at_target, everywhere;
};

__device__ __forceinline__ RowGradient row_gradient(const CrossEntropy& a, float sum) {
  float scale = a.mean ? 1.0f / static_cast<float>(*a.count) : 1.0f;
  return {scale / sum, scale * (1.0f - a.smoothing), scale * (a.smoothing / static_cast<float>(a.classes))};
}

__device__ __forceinline__ float row_loss(const CrossEntropy& a, float max, float sum, float at_target,
                                          float gaps) {
  float loss = (max - at_target) + logf(sum);
  if (a.smoothing > 0) loss += a.smoothing / static_cast<float>(a.classes) * gaps;
  return loss;
}

// A warp holds a row of up to 32*Items classes in registers: logits are read once.
template <int Items>
__global__ void __launch_bounds__(32 * kRowsPerBlock) warp_kernel(CrossEntropy a) {
  int lane = threadIdx.x % 32;
  int classes = static_cast<int>(a.classes);
  int64_t step = static_cast<int64_t>(gridDim.x) * kRowsPerBlock;
  for (int64_t row = static_cast<int64_t>(blockIdx.x) * kRowsPerBlock + threadIdx.x / 32; row < a.rows;
       row += step) {
    int target = a.targets[row];
    const float* logits = a.logits + row * classes;
    float* gradient = a.gradient + row * classes;
    if (classify(a, target) != Target::valid) {
      if (lane == 0 && a.row_losses != nullptr) a.row_losses[row] = 0;
      if (a.gradient != nullptr) {
        for (int j = lane; j < classes; j += 32) gradient[j] = 0;
      }
      continue;
    }
    float x[Items];
    float at_target = logits[target];
    float max = -FLT_MAX;  // finite, so that a class of -infinity adds exp(-infinity) = 0
#pragma unroll
    for (int i = 0; i < Items; ++i) {
      int j = lane + 32 * i;
      x[i] = j < classes ? logits[j] : -INFINITY;
      max = fmaxf(max, x[i]);
    }
    max = device::warp_reduce(max, device::Max());
    float gaps = 0;
    if (a.smoothing > 0) {
#pragma unroll
      for (int i = 0; i < Items; ++i) {
        if (lane + 32 * i < classes) gaps += at_target - x[i];
      }
      gaps = device::warp_reduce(gaps, device::Sum());
    }
    float sum = 0;
#pragma unroll
    for (int i = 0; i < Items; ++i) {
      x[i] = __expf(x[i] - max);
      sum += x[i];
    }
    sum = device::warp_reduce(sum, device::Sum());
    if (lane == 0 && a.row_losses != nullptr) a.row_losses[row] = row_loss(a, max, sum, at_target, gaps);
    if (a.gradient == nullptr) continue;
    RowGradient g = row_gradient(a, sum);
    __syncwarp();  // in place: every lane has read at_target
#pragma unroll
    for (int i = 0; i < Items; ++i) {
      int j = lane + 32 * i;
      if (j < classes) gradient[j] = x[i] * g.factor - (j == target ? g.at_target : 0.0f) - g.everywhere;
    }
  }
}

// A block walks a row of any length: online maximum and sum, then the gradient from a second read, which the
// caches serve.
template <int Width>
__global__ void __launch_bounds__(32 * kBlockWarps) block_kernel(CrossEntropy a) {
  constexpr int64_t stride = 32 * kBlockWarps * Width;
  __shared__ float shared[kBlockWarps];
  for (int64_t row = blockIdx.x; row < a.rows; row += gridDim.x) {
    int64_t target = a.targets[row];
    const float* logits = a.logits + row * a.classes;
    float* gradient = a.gradient + row * a.classes;
    if (classify(a, target) != Target::valid) {
      if (threadIdx.x == 0 && a.row_losses != nullptr) a.row_losses[row] = 0;
      if (a.gradient != nullptr) {
        for (int64_t j = threadIdx.x * Width; j < a.classes; j += stride)
          device::store<Width>(gradient + j, {});
      }
      continue;
    }
    float at_target = logits[target];
    float max = -FLT_MAX, sum = 0, gaps = 0;
#pragma unroll 2
    for (int64_t j = threadIdx.x * Width; j < a.classes; j += stride) {
      Floats<Width> x = device::load<Width>(logits + j);
#pragma unroll
      for (int i = 0; i < Width; ++i) {
        // exp(-|x - max|) rescales the sum where x is a new maximum, and is x's term where it is not.
        float above = x.at[i] - max;
        float term = __expf(-fabsf(above));
        sum = above > 0 ? fmaf(sum, term, 1.0f) : sum + term;
        max = fmaxf(max, x.at[i]);
        if (a.smoothing > 0) gaps += at_target - x.at[i];
      }
    }
    float own_max = max;
    max = device::block_reduce<kBlockWarps>(max, device::Max(), shared);
    sum = device::block_reduce<kBlockWarps>(sum * __expf(own_max - max), device::Sum(), shared);
    if (a.smoothing > 0) gaps = device::block_reduce<kBlockWarps>(gaps, device::Sum(), shared);
    if (threadIdx.x == 0 && a.row_losses != nullptr)
      a.row_losses[row] = row_loss(a, max, sum, at_target, gaps);
    if (a.gradient == nullptr) continue;
    RowGradient g = row_gradient(a, sum);
#pragma unroll 2
    for (int64_t j = threadIdx.x * Width; j < a.classes; j += stride) {
      Floats<Width> x = device::load<Width>(logits + j);
#pragma unroll
      for (int i = 0; i < Width; ++i) {
        x.at[i] = __expf(x.at[i] - max) * g.factor - (j + i == target ? g.at_target : 0.0f) - g.everywhere;
      }
      device::store<Width>(gradient + j, x);
    }
  }
}

void launch_rows(const CrossEntropy& a, cudaStream_t stream) {
  unsigned warp_blocks =
      static_cast<unsigned>(std::min((a.rows + kRowsPerBlock - 1) / kRowsPerBlock, kMaxBlocks));
  unsigned blocks = static_cast<unsigned>(std::min(a.rows, kMaxBlocks));
  if (a.classes <= 128) {
    warp_kernel<4><<<warp_blocks, 32 * kRowsPerBlock, 0, stream>>>(a);
  } else if (a.classes <= 512) {
    warp_kernel<16><<<warp_blocks, 32 * kRowsPerBlock, 0, stream>>>(a);
  } else if (can_use_16_bytes(a.classes, a.logits, a.gradient)) {
    block_kernel<4><<<blocks, 32 * kBlockWarps, 0, stream>>>(a);
  } else {
    block_kernel<1><<<blocks, 32 * kBlockWarps, 0, stream>>>(a);
  }
}

}  // namespace

cudaError_t cross_entropy(const CrossEntropy& a, cudaStream_t stream) {
  count_kernel<<<1, kReduceThreads, 0, stream>>>(a);
  if (a.rows > 0 && (a.row_losses != nullptr || a.gradient != nullptr)) launch_rows(a, stream);
  if (a.loss != nullptr) total_kernel<<<1, kReduceThreads, 0, stream>>>(a);
  return cudaGetLastError();
}

}  // namespace recur::kernels
