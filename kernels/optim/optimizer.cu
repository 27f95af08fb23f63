// One optimiser step over a flat buffer, by the formulas of include/recur/optim.h: a kernel of one thread
// turns step counter and norm into a few scalars, then one pass updates everything. fp32; the bias
// corrections in fp64.
#include <algorithm>

#include "recur/device/vector.cuh"
#include "kernels/optim/launch.hpp"

namespace recur::kernels {
namespace {

using device::Floats;

constexpr int kThreads = 256;
constexpr int64_t kMaxBlocks = 4096;

__device__ double power(double base, int64_t exponent) {
  double result = 1;
  for (; exponent > 0; exponent >>= 1) {
    if (exponent & 1) result *= base;
    base *= base;
  }
  return result;
}

__global__ void prepare_kernel(OptimizerStep a) {
  StepScalars s = {1.0f, a.learning_rate, 1.0f, 0};
  if (a.gradient_norm != nullptr) {
    float norm = *a.gradient_norm;
    if (a.skip_nonfinite && !(norm < INFINITY)) s.skip = 1;
    if (a.max_norm > 0) {
      float factor = a.max_norm / (norm + 1e-6f);
      s.clip = factor >= 1.0f ? 1.0f : factor;  // NaN stays NaN
    }
  }
  if (s.skip) {
    if (a.skipped_steps != nullptr) atomicAdd(a.skipped_steps, 1);
  } else {
    int64_t step = *a.step + 1;
    *a.step = step;
    if (a.adam) {
      s.step_size = static_cast<float>(a.learning_rate / (1.0 - power(a.beta1, step)));
      s.second_moment_scale = static_cast<float>(1.0 / sqrt(1.0 - power(a.beta2, step)));
    }
  }
  *a.scalars = s;
}

template <bool Adam>
__device__ __forceinline__ void update(const OptimizerStep& a, const StepScalars& s, float& p, float g,
                                       float& m, float& v) {
  g *= s.clip;
  if (a.gradient_decay != 0) g = fmaf(a.gradient_decay, p, g);
  if constexpr (Adam) {
    p *= a.parameter_factor;
    m = fmaf(a.beta1, m, a.one_minus_beta1 * g);
    v = fmaf(a.beta2, v, a.one_minus_beta2 * g * g);
    p -= s.step_size * (m / fmaf(sqrtf(v), s.second_moment_scale, a.epsilon));
  } else {
    if (a.first_moment != nullptr) {
      m = fmaf(a.beta1, m, g);
      g = a.nesterov ? fmaf(a.beta1, m, g) : m;
    }
    p = fmaf(-s.step_size, g, p);
  }
}

template <bool Adam, int Width>
__device__ __forceinline__ void update_at(const OptimizerStep& a, const StepScalars& s, int64_t i) {
  Floats<Width> p = device::load<Width>(a.parameters + i);
  Floats<Width> g = device::load<Width>(a.gradients + i);
  Floats<Width> m = {}, v = {};
  if (Adam || a.first_moment != nullptr) m = device::load<Width>(a.first_moment + i);
  if constexpr (Adam) v = device::load<Width>(a.second_moment + i);
#pragma unroll
  for (int k = 0; k < Width; ++k) update<Adam>(a, s, p.at[k], g.at[k], m.at[k], v.at[k]);
  device::store<Width>(a.parameters + i, p);
  if (Adam || a.first_moment != nullptr) device::store<Width>(a.first_moment + i, m);
  if constexpr (Adam) device::store<Width>(a.second_moment + i, v);
}

template <bool Adam, int Width>
__global__ void __launch_bounds__(kThreads) update_kernel(OptimizerStep a) {
  StepScalars s = *a.scalars;
  if (s.skip) return;
  int64_t thread = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  int64_t threads = static_cast<int64_t>(gridDim.x) * kThreads;
  int64_t whole = a.size / Width;
  for (int64_t i = thread; i < whole; i += threads) update_at<Adam, Width>(a, s, i * Width);
  if (Width > 1 && thread < a.size - whole * Width) update_at<Adam, 1>(a, s, whole * Width + thread);
}

template <bool Adam, int Width>
void launch_update(const OptimizerStep& a, cudaStream_t stream) {
  int64_t work = (a.size / Width + kThreads - 1) / kThreads;
  unsigned blocks = static_cast<unsigned>(std::clamp<int64_t>(work, 1, kMaxBlocks));
  update_kernel<Adam, Width><<<blocks, kThreads, 0, stream>>>(a);
}

}  // namespace

cudaError_t optimizer_step(const OptimizerStep& a, cudaStream_t stream) {
  prepare_kernel<<<1, 1, 0, stream>>>(a);
  uintptr_t pointers = reinterpret_cast<uintptr_t>(a.parameters) | reinterpret_cast<uintptr_t>(a.gradients) |
                       reinterpret_cast<uintptr_t>(a.first_moment) |
                       reinterpret_cast<uintptr_t>(a.second_moment);
  bool wide = pointers % 16 == 0;
  if (a.size == 0) return cudaGetLastError();
  if (a.adam) {
    wide ? launch_update<true, 4>(a, stream) : launch_update<true, 1>(a, stream);
  } else {
    wide ? launch_update<false, 4>(a, stream) : launch_update<false, 1>(a, stream);
  }
  return cudaGetLastError();
}

}  // namespace recur::kernels
