// From run-time values to template arguments, each written once. f gets a value whose type says it.
#pragma once

#include <type_traits>

#include "kernels/device/math.cuh"
#include "recur/layer.h"

namespace recur::kernels {

template <class F>
cudaError_t with_activation(recur_activation activation, F f) {
  if (activation == RECUR_ACTIVATION_LINEAR) return f(device::LinearActivation{});
  return f(device::StandardActivation{});
}

// Four units a thread where 16-byte accesses are possible, else one.
template <class F>
cudaError_t with_width(bool four, F f) {
  if (four) return f(std::integral_constant<int, 4>{});
  return f(std::integral_constant<int, 1>{});
}

}  // namespace recur::kernels
