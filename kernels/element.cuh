// From a plan's type to its element's, written once: f gets a value of float, __half or __nv_bfloat16.
#pragma once

#include "recur/device/vector.cuh"
#include "recur/layer.h"

namespace recur::kernels {

template <class F>
cudaError_t with_element(recur_type type, F f) {
  if (type == RECUR_TYPE_FLOAT16) return f(__half{});
  if (type == RECUR_TYPE_BFLOAT16) return f(__nv_bfloat16{});
  return f(float{});
}

}  // namespace recur::kernels
