// What the GRU with the reset before the product needs between its two recurrent products:
//   forward   rh = s(a_r) h'
//   backward  da_r = drh h' r (1 - r), dh' += drh r, and rh once more
// One thread an element, in one fixed order: equal inputs give equal bits. Beside the products these kernels are
// small: 4 element accesses each.
#include "kernels/element.cuh"
#include "kernels/elementwise.cuh"
#include "kernels/streamed/launch.hpp"
#include "recur/cell.cuh"

namespace recur::kernels {
namespace {

using elementwise::blocks, elementwise::first, elementwise::kThreads, elementwise::stride;

template <class T>
__device__ __forceinline__ float state_of(const void* h, int64_t pitch, int64_t row, int64_t unit) {
  return h != nullptr ? device::to_float(static_cast<const T*>(h)[row * pitch + unit]) : 0.0f;
}

template <class T>
__global__ void __launch_bounds__(kThreads) reset_hidden_kernel(const ResetHidden s) {
  const int64_t count = s.batch * s.hidden;
  for (int64_t k = first(); k < count; k += stride()) {
    const int64_t row = k / s.hidden, unit = k % s.hidden;
    float rh = 0;
    if (sweep::at_work(s.mask, row, s.mask.time)) {
      rh = device::sigmoid(s.a[row * 3 * s.hidden + unit]) * state_of<T>(s.h_previous, s.h_previous_pitch, row, unit);
    }
    static_cast<T*>(s.rh)[k] = device::from_float<T>(rh);
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads) reset_gradient_kernel(const ResetGradient s) {
  const int64_t count = s.batch * s.hidden;
  for (int64_t k = first(); k < count; k += stride()) {
    const int64_t row = k / s.hidden, unit = k % s.hidden, at = row * 3 * s.hidden + unit;
    float da = 0, rh = 0;
    if (sweep::at_work(s.mask, row, s.mask.time)) {
      const float r = device::to_float(static_cast<const T*>(s.saved)[at]), drh = s.drh[k];
      const float h_previous = state_of<T>(s.h_previous, s.h_previous_pitch, row, unit);
      rh = r * h_previous;
      da = drh * h_previous * device::StandardActivation::gate_slope(r);
      if (s.dh_direct != nullptr) s.dh_direct[k] = fmaf(drh, r, s.dh_direct[k]);
    }
    static_cast<T*>(s.da)[at] = device::from_float<T>(da);
    static_cast<T*>(s.rh)[k] = device::from_float<T>(rh);
  }
}

}  // namespace

cudaError_t reset_hidden(recur_type type, const ResetHidden& a, cudaStream_t stream) {
  return with_element(type, [&](auto element) {
    reset_hidden_kernel<decltype(element)><<<blocks(a.batch * a.hidden), kThreads, 0, stream>>>(a);
    return cudaGetLastError();
  });
}

cudaError_t reset_gradient(recur_type type, const ResetGradient& a, cudaStream_t stream) {
  return with_element(type, [&](auto element) {
    reset_gradient_kernel<decltype(element)><<<blocks(a.batch * a.hidden), kThreads, 0, stream>>>(a);
    return cudaGetLastError();
  });
}

}  // namespace recur::kernels
