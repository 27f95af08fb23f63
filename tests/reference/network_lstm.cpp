#include <algorithm>
#include <cmath>

#include "tests/reference/network_cells.hpp"

namespace reference {
namespace {

struct Functions {
  bool linear;

  double sigmoid(double a) const { return linear ? a : 1 / (1 + std::exp(-a)); }
  double tanh(double a) const { return linear ? a : std::tanh(a); }
  // The derivatives, given the function's value.
  double sigmoid_slope(double s) const { return linear ? 1 : s * (1 - s); }
  double tanh_slope(double t) const { return linear ? 1 : 1 - t * t; }
};

const double* bias_of(const Vector& bias) { return bias.empty() ? nullptr : bias.data(); }

}  // namespace

StepState lstm_step(const NetworkShape& shape, const LayerWeights& w, NetworkStep& step) {
  const int64_t A = int64_t(step.rows.size()), H = shape.hidden, R = shape.state_size();
  const int64_t in = int64_t(w.w_ih.size()) / (4 * H);
  const Functions function{shape.cell == Cell::lstm_linear};
  const Vector from_x = affine(step.x, w.w_ih.data(), bias_of(w.b_ih), A, 4 * H, in);
  const Vector from_h = affine(step.h_before, w.w_hh.data(), bias_of(w.b_hh), A, 4 * H, R);
  step.gates.resize(A * 4 * H);
  step.unclipped.resize(A * H);
  step.cell.resize(A * H);
  step.unprojected.resize(A * H);
  for (int64_t a = 0; a < A; ++a) {
    for (int64_t j = 0; j < H; ++j) {
      const int64_t k = a * H + j, at_i = a * 4 * H + j, at_f = at_i + H, at_g = at_f + H, at_o = at_g + H;
      const double c_before = step.c_before[k];
      double a_i = from_x[at_i] + from_h[at_i];
      double a_f = from_x[at_f] + from_h[at_f];
      if (shape.peepholes) {
        a_i += w.peephole[j] * c_before;
        a_f += w.peephole[H + j] * c_before;
      }
      const double i = function.sigmoid(a_i), f = function.sigmoid(a_f);
      const double g = function.tanh(from_x[at_g] + from_h[at_g]);
      const double raw = f * c_before + i * g;
      const double c = shape.cell_clip > 0 ? std::clamp(raw, -shape.cell_clip, shape.cell_clip) : raw;
      double a_o = from_x[at_o] + from_h[at_o];
      if (shape.peepholes) a_o += w.peephole[2 * H + j] * c;
      const double o = function.sigmoid(a_o);
      step.gates[at_i] = i;
      step.gates[at_f] = f;
      step.gates[at_g] = g;
      step.gates[at_o] = o;
      step.unclipped[k] = raw;
      step.cell[k] = c;
      step.unprojected[k] = o * function.tanh(c);
    }
  }
  if (shape.projection == 0) return {step.unprojected, step.cell};
  return {affine(step.unprojected, w.w_hr.data(), nullptr, A, R, H), step.cell};
}

StepGradients lstm_step_backward(const NetworkShape& shape, const LayerWeights& w, const NetworkStep& step,
                                 const StepState& after, LayerWeights& gradients) {
  const int64_t A = int64_t(step.rows.size()), H = shape.hidden, R = shape.state_size();
  const int64_t in = int64_t(w.w_ih.size()) / (4 * H);
  const Functions function{shape.cell == Cell::lstm_linear};
  Vector by_unprojected;
  if (shape.projection == 0) {
    by_unprojected = after.h;
  } else {
    by_unprojected.assign(A * H, 0.0);
    affine_backward(after.h, step.unprojected, w.w_hr.data(), A, R, H, by_unprojected, gradients.w_hr.data(),
                    nullptr);
  }
  StepGradients out{Vector(A * in, 0.0), {Vector(A * R, 0.0), Vector(A * H)}};
  Vector da(A * 4 * H);  // by the gates before their activation
  for (int64_t a = 0; a < A; ++a) {
    for (int64_t j = 0; j < H; ++j) {
      const int64_t k = a * H + j, at_i = a * 4 * H + j, at_f = at_i + H, at_g = at_f + H, at_o = at_g + H;
      const double i = step.gates[at_i], f = step.gates[at_f], g = step.gates[at_g], o = step.gates[at_o];
      const double c_before = step.c_before[k], c = step.cell[k], tanh_c = function.tanh(c);
      da[at_o] = by_unprojected[k] * tanh_c * function.sigmoid_slope(o);
      double by_c = after.c[k] + by_unprojected[k] * o * function.tanh_slope(tanh_c);
      if (shape.peepholes) by_c += da[at_o] * w.peephole[2 * H + j];
      const bool outside = shape.cell_clip > 0 && std::fabs(step.unclipped[k]) > shape.cell_clip;
      const double by_raw = outside ? 0 : by_c;
      da[at_i] = by_raw * g * function.sigmoid_slope(i);
      da[at_f] = by_raw * c_before * function.sigmoid_slope(f);
      da[at_g] = by_raw * i * function.tanh_slope(g);
      out.before.c[k] = by_raw * f;
      if (shape.peepholes) {
        out.before.c[k] += da[at_i] * w.peephole[j] + da[at_f] * w.peephole[H + j];
        gradients.peephole[j] += da[at_i] * c_before;
        gradients.peephole[H + j] += da[at_f] * c_before;
        gradients.peephole[2 * H + j] += da[at_o] * c;
      }
    }
  }
  affine_backward(da, step.x, w.w_ih.data(), A, 4 * H, in, out.dx, gradients.w_ih.data(),
                  gradients.b_ih.data());
  affine_backward(da, step.h_before, w.w_hh.data(), A, 4 * H, R, out.before.h, gradients.w_hh.data(),
                  gradients.b_hh.data());
  return out;
}

}  // namespace reference
