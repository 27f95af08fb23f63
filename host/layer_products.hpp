// The matrix products of a layer: their shapes, and the built products. gates [rows,4H] are row-major.
#pragma once

#include "gemm.hpp"
#include "recur/layer.h"

namespace recur {

struct LayerShapes {
  LayerShapes(const recur_layer_descriptor& d, int64_t chunk) {
    const int64_t T = d.steps, N = d.batch, I = d.input_size, H = d.hidden_size, G = 4 * d.hidden_size;
    // Each bias comes with its product, so that the gate kernels move gates and states alone.
    auto x_times_w_ih = [&](int64_t steps) { return GemmShape{steps * N, G, I, false, true, 0, 0, 0, true}; };
    input = x_times_w_ih(T);
    input_chunk = x_times_w_ih(chunk);
    input_tail = x_times_w_ih(T % chunk);
    input_step = x_times_w_ih(1);
    recurrent = {N, G, H, false, true, 0, 0, 0, true};  // gates += h' W_hh^T + b_hh
    dh = {N, H, G, false, false};                  // dh = dgates W_hh
    dx = {T * N, I, G, false, false};              // dx = dgates W_ih
    dw_ih = {G, I, T * N, true, false};            // dW_ih = dgates^T x
    dw_hh = {T > 1 ? G : 0, H, (T - 1) * N, true, false};  // dW_hh = dgates[1..]^T y[..T-1]
    dw_hh_first = {G, H, N, true, false};          //        + dgates[0]^T h0
  }
  GemmShape input, input_chunk, input_tail, input_step, recurrent, dh, dx, dw_ih, dw_hh, dw_hh_first;
};

struct LayerProducts {
  explicit LayerProducts(const LayerShapes& s)
      : input(handle, s.input), input_chunk(handle, s.input_chunk), input_tail(handle, s.input_tail),
        input_step(handle, s.input_step), recurrent(handle, s.recurrent), dh(handle, s.dh), dx(handle, s.dx),
        dw_ih(handle, s.dw_ih), dw_hh(handle, s.dw_hh), dw_hh_first(handle, s.dw_hh_first) {}
  GemmHandle handle;
  Gemm input, input_chunk, input_tail, input_step, recurrent, dh, dx, dw_ih, dw_hh, dw_hh_first;
};

}  // namespace recur
