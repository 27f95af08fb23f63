#include "tests/reference/network_cells.hpp"

#include <cmath>

#include "tests/reference/linear_algebra.hpp"

namespace reference {
namespace {

double sigmoid(double a) { return 1 / (1 + std::exp(-a)); }

double activate(Cell cell, double a) {
  if (cell == Cell::rnn_identity) return a;
  if (cell == Cell::rnn_relu) return a > 0 ? a : 0;
  return std::tanh(a);
}

// The derivative, given the function's value.
double slope(Cell cell, double value) {
  if (cell == Cell::rnn_identity) return 1;
  if (cell == Cell::rnn_relu) return value > 0 ? 1 : 0;
  return 1 - value * value;
}

const double* bias_of(const Vector& bias, int64_t first = 0) {
  return bias.empty() ? nullptr : bias.data() + first;
}

StepState vanilla_step(const NetworkShape& shape, const LayerWeights& w, NetworkStep& step) {
  const int64_t A = int64_t(step.rows.size()), H = shape.hidden, in = int64_t(w.w_ih.size()) / H;
  const Vector from_x = affine(step.x, w.w_ih.data(), bias_of(w.b_ih), A, H, in);
  const Vector from_h = affine(step.h_before, w.w_hh.data(), bias_of(w.b_hh), A, H, H);
  step.gates.resize(A * H);
  for (int64_t k = 0; k < A * H; ++k) step.gates[k] = activate(shape.cell, from_x[k] + from_h[k]);
  return {step.gates, {}};
}

StepGradients vanilla_step_backward(const NetworkShape& shape, const LayerWeights& w, const NetworkStep& step,
                                    const StepState& after, LayerWeights& gradients) {
  const int64_t A = int64_t(step.rows.size()), H = shape.hidden, in = int64_t(w.w_ih.size()) / H;
  Vector da(A * H);
  for (int64_t k = 0; k < A * H; ++k) da[k] = after.h[k] * slope(shape.cell, step.gates[k]);
  StepGradients out{Vector(A * in, 0.0), {Vector(A * H, 0.0), {}}};
  affine_backward(da, step.x, w.w_ih.data(), A, H, in, out.dx, gradients.w_ih.data(), gradients.b_ih.data());
  affine_backward(da, step.h_before, w.w_hh.data(), A, H, H, out.before.h, gradients.w_hh.data(),
                  gradients.b_hh.data());
  return out;
}

// r h', which the candidate of the reset-before form is made of.
Vector reset_state(const NetworkStep& step, int64_t A, int64_t H) {
  Vector out(A * H);
  for (int64_t k = 0; k < A * H; ++k) out[k] = step.gates[k / H * 3 * H + k % H] * step.h_before[k];
  return out;
}

StepState gru_step(const NetworkShape& shape, const LayerWeights& w, NetworkStep& step) {
  const int64_t A = int64_t(step.rows.size()), H = shape.hidden, in = int64_t(w.w_ih.size()) / (3 * H);
  const Vector from_x = affine(step.x, w.w_ih.data(), bias_of(w.b_ih), A, 3 * H, in);
  // r and z, in the first 2 H rows
  const Vector from_h = affine(step.h_before, w.w_hh.data(), bias_of(w.b_hh), A, 2 * H, H);
  step.gates.resize(A * 3 * H);
  for (int64_t a = 0; a < A; ++a) {
    for (int64_t j = 0; j < 2 * H; ++j) {
      step.gates[a * 3 * H + j] = sigmoid(from_x[a * 3 * H + j] + from_h[a * 2 * H + j]);
    }
  }
  const bool after = shape.cell == Cell::gru;
  const Vector inner = affine(after ? step.h_before : reset_state(step, A, H), &w.w_hh[2 * H * H],
                              bias_of(w.b_hh, 2 * H), A, H, H);
  if (after) step.candidate = inner;
  StepState out{Vector(A * H), {}};
  for (int64_t a = 0; a < A; ++a) {
    for (int64_t j = 0; j < H; ++j) {
      double* gates = &step.gates[a * 3 * H + j];
      const double r = gates[0], z = gates[H];
      const double n = std::tanh(from_x[a * 3 * H + 2 * H + j] + (after ? r : 1) * inner[a * H + j]);
      gates[2 * H] = n;
      out.h[a * H + j] = (1 - z) * n + z * step.h_before[a * H + j];
    }
  }
  return out;
}

StepGradients gru_step_backward(const NetworkShape& shape, const LayerWeights& w, const NetworkStep& step,
                                const StepState& after, LayerWeights& gradients) {
  const int64_t A = int64_t(step.rows.size()), H = shape.hidden, in = int64_t(w.w_ih.size()) / (3 * H);
  const bool reset_after = shape.cell == Cell::gru;
  StepGradients out{Vector(A * in, 0.0), {Vector(A * H, 0.0), {}}};
  Vector da(A * 3 * H);       // by the gates before their activation
  Vector dinner(A * H);       // by U_n h' + b_hn, or by U_n (r h') + b_hn
  Vector dr(A * H);           // by r
  Vector dreset(A * H, 0.0);  // by r h', reset before only
  for (int64_t a = 0; a < A; ++a) {
    for (int64_t j = 0; j < H; ++j) {
      const int64_t k = a * H + j, g = a * 3 * H + j;
      const double r = step.gates[g], z = step.gates[g + H], n = step.gates[g + 2 * H];
      da[g + H] = after.h[k] * (step.h_before[k] - n) * z * (1 - z);
      da[g + 2 * H] = after.h[k] * (1 - z) * (1 - n * n);
      out.before.h[k] = after.h[k] * z;
      dinner[k] = da[g + 2 * H] * (reset_after ? r : 1);
      if (reset_after) dr[k] = da[g + 2 * H] * step.candidate[k];
    }
  }
  affine_backward(dinner, reset_after ? step.h_before : reset_state(step, A, H), &w.w_hh[2 * H * H], A, H, H,
                  reset_after ? out.before.h : dreset, &gradients.w_hh[2 * H * H], &gradients.b_hh[2 * H]);
  Vector dgates(A * 2 * H);  // r and z
  for (int64_t a = 0; a < A; ++a) {
    for (int64_t j = 0; j < H; ++j) {
      const int64_t k = a * H + j, g = a * 3 * H + j;
      const double r = step.gates[g];
      if (!reset_after) {
        dr[k] = dreset[k] * step.h_before[k];
        out.before.h[k] += dreset[k] * r;
      }
      dgates[a * 2 * H + j] = da[g] = dr[k] * r * (1 - r);
      dgates[a * 2 * H + H + j] = da[g + H];
    }
  }
  affine_backward(dgates, step.h_before, w.w_hh.data(), A, 2 * H, H, out.before.h, gradients.w_hh.data(),
                  gradients.b_hh.data());
  affine_backward(da, step.x, w.w_ih.data(), A, 3 * H, in, out.dx, gradients.w_ih.data(),
                  gradients.b_ih.data());
  return out;
}

}  // namespace

Vector affine(const Vector& in, const double* weight, const double* bias, int64_t A, int64_t rows,
              int64_t columns) {
  Vector out(A * rows);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t a = 0; a < A; ++a) {
      out[a * rows + row] = dot(weight + row * columns, &in[a * columns], columns) + (bias ? bias[row] : 0);
    }
  }
  return out;
}

void affine_backward(const Vector& dout, const Vector& in, const double* weight, int64_t A, int64_t rows,
                     int64_t columns, Vector& din, double* dweight, double* dbias) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t a = 0; a < A; ++a) {
      const double d = dout[a * rows + row];
      if (dbias) dbias[row] += d;
      add_scaled(dweight + row * columns, d, &in[a * columns], columns);
      add_scaled(&din[a * columns], d, weight + row * columns, columns);
    }
  }
}

StepState cell_forward(const NetworkShape& shape, const LayerWeights& weights, NetworkStep& step) {
  if (shape.has_cells()) return lstm_step(shape, weights, step);
  if (shape.gates() == 3) return gru_step(shape, weights, step);
  return vanilla_step(shape, weights, step);
}

StepGradients cell_backward(const NetworkShape& shape, const LayerWeights& weights, const NetworkStep& step,
                            const StepState& after, LayerWeights& gradients) {
  if (shape.has_cells()) return lstm_step_backward(shape, weights, step, after, gradients);
  if (shape.gates() == 3) return gru_step_backward(shape, weights, step, after, gradients);
  return vanilla_step_backward(shape, weights, step, after, gradients);
}

}  // namespace reference
