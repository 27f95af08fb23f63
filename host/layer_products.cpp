#include "layer_products.hpp"

#include <algorithm>

namespace recur {
namespace {

// m = 0 where a product is not needed: none is built then.
GemmShape product(const Geometry& g, int64_t m, int64_t n, int64_t k, bool transpose_a, bool transpose_b,
                  int64_t lda = 0, int64_t ldb = 0, int64_t ldd = 0) {
  return {m, n, k, transpose_a, transpose_b, lda, ldb, ldd, false, g.type, true};
}
GemmShape with_bias(GemmShape s) {
  s.bias = true;
  return s;
}
GemmShape typed(GemmShape s) {
  s.float_result = false;
  return s;
}

size_t largest(std::initializer_list<const GemmShape*> shapes) {
  size_t bytes = 0;
  for (const GemmShape* s : shapes)
    if (s->m > 0 && s->n > 0) bytes = std::max(bytes, Gemm::workspace(*s));
  return bytes;
}

}  // namespace

WindowShapes::WindowShapes(const Geometry& g, int64_t steps) {
  const int64_t rows = steps * g.N, GH = g.G * g.H, AH = g.A * g.H, out = g.D * g.R;
  for (LayerKind kind : {kFirstLayer, kUpperLayer}) {
    const int64_t I = g.inputs(kind), needed = kind == kFirstLayer || g.L > 1 ? 1 : 0;
    dx[kind] = typed(product(g, needed * (GH > AH ? rows : 0), I, GH - AH, false, false, GH));
    dx_apart[kind] = typed(product(g, needed * (AH > 0 ? rows : 0), I, AH, false, false));
    dw_ih[kind] = product(g, needed * (GH - AH), I, rows, true, false, GH);
    dw_ih_apart[kind] = product(g, needed * AH, I, rows, true, false);
  }
  // h' is the layer's output of the step before, or, where rows can stand still, the state that was kept.
  const int64_t h_pitch = g.masked ? g.R : out, by_h = g.before ? 2 * g.H : GH;
  dw_hh = product(g, by_h, g.R, rows, true, false, GH, h_pitch);
  dw_hh_later = product(g, steps > 1 && !g.masked ? by_h : 0, g.R, rows - g.N, true, false, GH, h_pitch);
  dw_hh_rh = product(g, g.before ? g.H : 0, g.H, rows, true, false, GH);
  dw_hr = product(g, g.P, g.H, rows, true, false);
}

std::vector<const GemmShape*> WindowShapes::all() const {
  return {&dx[0],    &dx[1],          &dx_apart[0],    &dx_apart[1], &dw_ih[0],    &dw_ih[1],
          &dw_ih_apart[0], &dw_ih_apart[1], &dw_hh, &dw_hh_later, &dw_hh_rh, &dw_hr};
}

LayerShapes::LayerShapes(const recur_layer_descriptor& d, const Geometry& g, int64_t chunk) {
  const int64_t N = g.N, H = g.H, GH = g.G * g.H, out = g.D * g.R;
  for (LayerKind kind : {kFirstLayer, kUpperLayer}) {
    const int64_t I = g.inputs(kind), needed = kind == kFirstLayer || g.L > 1 ? 1 : 0;
    const auto of_steps = [&](int64_t steps) {
      return with_bias(product(g, needed * steps * N, GH, I, false, true));
    };
    input[kind] = of_steps(chunk);
    input_tail[kind] = of_steps(g.T % chunk);
    input_step[kind] = of_steps(1);
  }
  // With the reset before the product r and z have one, n another.
  const int64_t by_h = g.before ? 2 * H : GH, parts = g.before ? N : 0;
  recurrent[kInOutput] = with_bias(product(g, N, by_h, g.R, false, true, out, 0, GH));
  recurrent[kInState] = with_bias(product(g, N, by_h, g.R, false, true, g.R, 0, GH));
  recurrent_n = with_bias(product(g, parts, H, H, false, true, 0, 0, GH));
  project = typed(product(g, g.P > 0 ? N : 0, g.P, H, false, true, 0, 0, out));
  dh = product(g, N, g.R, by_h, false, false, GH);
  dh_n = product(g, parts, H, H, false, false, GH);
  dm = product(g, g.P > 0 ? N : 0, H, g.P, false, false);
  dw_hh_first = product(g, by_h, g.R, N, true, false, GH);
  for (const Window& w : windows_of(d)) windows.try_emplace(w.end - w.begin, g, w.end - w.begin);
}

size_t LayerShapes::forward_workspace() const {
  return largest({&input[0], &input[1], &input_tail[0], &input_tail[1], &recurrent[0], &recurrent[1], &recurrent_n,
                  &project});
}

size_t LayerShapes::step_workspace() const {
  return largest({&input_step[0], &input_step[1], &recurrent[0], &recurrent[1], &recurrent_n, &project});
}

size_t LayerShapes::backward_workspace() const {
  size_t bytes = largest({&dh, &dh_n, &dm, &dw_hh_first});
  for (const auto& [steps, shapes] : windows)
    for (const GemmShape* s : shapes.all()) bytes = std::max(bytes, largest({s}));
  return bytes;
}

WindowProducts::WindowProducts(const GemmHandle& handle, const WindowShapes& s)
    : dw_hh(handle, s.dw_hh), dw_hh_later(handle, s.dw_hh_later), dw_hh_rh(handle, s.dw_hh_rh),
      dw_hr(handle, s.dw_hr) {
  for (LayerKind kind : {kFirstLayer, kUpperLayer}) {
    dx[kind] = Gemm(handle, s.dx[kind]);
    dx_apart[kind] = Gemm(handle, s.dx_apart[kind]);
    dw_ih[kind] = Gemm(handle, s.dw_ih[kind]);
    dw_ih_apart[kind] = Gemm(handle, s.dw_ih_apart[kind]);
  }
}

LayerProducts::LayerProducts(const LayerShapes& s)
    : recurrent_n(handle, s.recurrent_n),
      project(handle, s.project), dh(handle, s.dh), dh_n(handle, s.dh_n), dm(handle, s.dm),
      dw_hh_first(handle, s.dw_hh_first) {
  for (LayerKind kind : {kFirstLayer, kUpperLayer}) {
    input[kind] = Gemm(handle, s.input[kind]);
    input_tail[kind] = Gemm(handle, s.input_tail[kind]);
    input_step[kind] = Gemm(handle, s.input_step[kind]);
  }
  for (StateKind kind : {kInOutput, kInState}) recurrent[kind] = Gemm(handle, s.recurrent[kind]);
  for (const auto& [steps, shapes] : s.windows) windows.try_emplace(steps, handle, shapes);
}

std::vector<Window> windows_of(const recur_layer_descriptor& d) {
  if (d.truncation_period == 0) return {{0, d.steps, 0}};
  std::vector<Window> windows;
  const int64_t period = d.truncation_period;
  for (int64_t dy_begin = (d.steps - 1) / period * period; dy_begin >= 0; dy_begin -= period) {
    const int64_t end = std::min(dy_begin + period, d.steps);
    windows.push_back({std::max<int64_t>(0, end - d.truncation_length), end, dy_begin});
  }
  return windows;
}

}  // namespace recur
