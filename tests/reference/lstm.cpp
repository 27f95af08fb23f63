#include "tests/reference/lstm.hpp"

#include <cmath>

#include "tests/reference/linear_algebra.hpp"

namespace reference {
namespace {

struct Functions {
  Activation activation;

  double sigmoid(double a) const { return activation == Activation::linear ? a : 1 / (1 + std::exp(-a)); }
  double tanh(double a) const { return activation == Activation::linear ? a : std::tanh(a); }
  // The derivatives, given the function's value.
  double sigmoid_slope(double s) const { return activation == Activation::linear ? 1 : s * (1 - s); }
  double tanh_slope(double t) const { return activation == Activation::linear ? 1 : 1 - t * t; }
};

Vector or_zeros(const Vector& state, int64_t size) { return state.empty() ? Vector(size, 0.0) : state; }

}  // namespace

LstmForward lstm_forward(const LstmShape& shape, const LstmParameters& parameters, const LstmInputs& inputs,
                         Activation activation) {
  const auto [T, N, I, H] = shape;
  const Functions function{activation};
  LstmForward out;
  out.y.resize(T * N * H);
  out.cells.resize(T * N * H);
  out.gates.resize(T * N * 4 * H);
  Vector h = or_zeros(inputs.h0, N * H);
  Vector c = or_zeros(inputs.c0, N * H);
  for (int64_t t = 0; t < T; ++t) {
    double* gates = out.gates.data() + t * N * 4 * H;  // [N,4,H]
    for (int64_t row = 0; row < 4 * H; ++row) {
      for (int64_t n = 0; n < N; ++n) {
        gates[n * 4 * H + row] = dot(&parameters.w_ih[row * I], &inputs.x[(t * N + n) * I], I) +
                                 dot(&parameters.w_hh[row * H], &h[n * H], H) + parameters.b_ih[row] +
                                 parameters.b_hh[row];
      }
    }
    for (int64_t n = 0; n < N; ++n) {
      double* a = gates + n * 4 * H;
      for (int64_t j = 0; j < H; ++j) {
        const double i = a[0 * H + j] = function.sigmoid(a[0 * H + j]);
        const double f = a[1 * H + j] = function.sigmoid(a[1 * H + j]);
        const double g = a[2 * H + j] = function.tanh(a[2 * H + j]);
        const double o = a[3 * H + j] = function.sigmoid(a[3 * H + j]);
        c[n * H + j] = f * c[n * H + j] + i * g;
        h[n * H + j] = o * function.tanh(c[n * H + j]);
        out.cells[(t * N + n) * H + j] = c[n * H + j];
        out.y[(t * N + n) * H + j] = h[n * H + j];
      }
    }
  }
  out.hT = h;
  out.cT = c;
  return out;
}

LstmGradients lstm_backward(const LstmShape& shape, const LstmParameters& parameters,
                            const LstmInputs& inputs, const LstmForward& forward,
                            const LstmOutputGradients& outputs, Activation activation) {
  const auto [T, N, I, H] = shape;
  const Functions function{activation};
  const Vector h0 = or_zeros(inputs.h0, N * H);
  const Vector c0 = or_zeros(inputs.c0, N * H);
  const Vector dy = or_zeros(outputs.dy, T * N * H);
  Vector dh = or_zeros(outputs.dhT, N * H);  // by h_t, from everything after step t
  Vector dc = or_zeros(outputs.dcT, N * H);  // by c_t, likewise
  LstmGradients out;
  out.dx.assign(T * N * I, 0.0);
  out.dw_ih.assign(4 * H * I, 0.0);
  out.dw_hh.assign(4 * H * H, 0.0);
  out.db_ih.assign(4 * H, 0.0);
  Vector da(N * 4 * H);  // by the gates before their activation
  for (int64_t t = T - 1; t >= 0; --t) {
    const double* h_before = t > 0 ? &forward.y[(t - 1) * N * H] : h0.data();
    const double* c_before = t > 0 ? &forward.cells[(t - 1) * N * H] : c0.data();
    for (int64_t n = 0; n < N; ++n) {
      const double* gates = &forward.gates[(t * N + n) * 4 * H];
      double* d = &da[n * 4 * H];
      for (int64_t j = 0; j < H; ++j) {
        const double i = gates[j], f = gates[H + j], g = gates[2 * H + j], o = gates[3 * H + j];
        const double tanh_c = function.tanh(forward.cells[(t * N + n) * H + j]);
        const double by_h = dh[n * H + j] + dy[(t * N + n) * H + j];
        const double by_c = dc[n * H + j] + by_h * o * function.tanh_slope(tanh_c);
        d[0 * H + j] = by_c * g * function.sigmoid_slope(i);
        d[1 * H + j] = by_c * c_before[n * H + j] * function.sigmoid_slope(f);
        d[2 * H + j] = by_c * i * function.tanh_slope(g);
        d[3 * H + j] = by_h * tanh_c * function.sigmoid_slope(o);
        dc[n * H + j] = by_c * f;
      }
    }
    dh.assign(N * H, 0.0);
    for (int64_t row = 0; row < 4 * H; ++row) {
      for (int64_t n = 0; n < N; ++n) {
        const double d = da[n * 4 * H + row];
        out.db_ih[row] += d;
        add_scaled(&out.dw_ih[row * I], d, &inputs.x[(t * N + n) * I], I);
        add_scaled(&out.dw_hh[row * H], d, &h_before[n * H], H);
        add_scaled(&out.dx[(t * N + n) * I], d, &parameters.w_ih[row * I], I);
        add_scaled(&dh[n * H], d, &parameters.w_hh[row * H], H);
      }
    }
  }
  out.db_hh = out.db_ih;  // both biases enter the same sum
  out.dh0 = dh;
  out.dc0 = dc;
  return out;
}

}  // namespace reference
