#include "tests/reference/recurrent.hpp"

#include <cmath>

#include "tests/reference/linear_algebra.hpp"

namespace reference {
namespace {

double sigmoid(double a) { return 1 / (1 + std::exp(-a)); }

double activate(RecurrentCell cell, double a) {
  if (cell == RecurrentCell::relu) return a > 0 ? a : 0;
  return cell == RecurrentCell::identity ? a : std::tanh(a);
}

// The derivative, given the activation's value.
double slope(RecurrentCell cell, double value) {
  if (cell == RecurrentCell::relu) return value > 0 ? 1 : 0;
  return cell == RecurrentCell::identity ? 1 : 1 - value * value;
}

bool is_gru(RecurrentCell cell) {
  return cell == RecurrentCell::gru_reset_after || cell == RecurrentCell::gru_reset_before;
}

// out [N,rows] = in [N,columns] times the transpose of weight [rows,columns], plus bias [rows].
void product(Vector& out, int64_t N, const double* in, const double* weight, const double* bias, int64_t rows,
             int64_t columns) {
  out.resize(N * rows);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t n = 0; n < N; ++n) {
      out[n * rows + row] = dot(weight + row * columns, in + n * columns, columns) + bias[row];
    }
  }
}

// What `product` does, backwards, for dout [N,rows]: adds to each gradient.
void product_backward(const double* dout, int64_t N, const double* in, const double* weight, int64_t rows,
                      int64_t columns, double* din, double* dweight, double* dbias) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t n = 0; n < N; ++n) {
      const double d = dout[n * rows + row];
      dbias[row] += d;
      add_scaled(dweight + row * columns, d, in + n * columns, columns);
      add_scaled(din + n * columns, d, weight + row * columns, columns);
    }
  }
}

}  // namespace

int64_t gate_count(RecurrentCell cell) { return is_gru(cell) ? 3 : 1; }

RecurrentForward recurrent_forward(RecurrentCell cell, const RecurrentShape& shape,
                                   const RecurrentParameters& p, const Vector& x, const Vector& h0) {
  const auto [T, N, I, H] = shape;
  const int64_t G = gate_count(cell);
  RecurrentForward out;
  out.y.resize(T * N * H);
  out.gates.resize(T * N * G * H);
  if (cell == RecurrentCell::gru_reset_after) out.candidate.resize(T * N * H);
  Vector h = h0.empty() ? Vector(N * H, 0.0) : h0;
  Vector from_x, from_h, from_reset, reset(N * H);
  for (int64_t t = 0; t < T; ++t) {
    double* gates = &out.gates[t * N * G * H];
    product(from_x, N, &x[t * N * I], p.w_ih.data(), p.b_ih.data(), G * H, I);
    product(from_h, N, h.data(), p.w_hh.data(), p.b_hh.data(), G * H, H);
    if (!is_gru(cell)) {
      for (int64_t k = 0; k < N * H; ++k) h[k] = gates[k] = activate(cell, from_x[k] + from_h[k]);
    } else {
      for (int64_t n = 0; n < N; ++n) {
        for (int64_t j = 0; j < 2 * H; ++j) {
          gates[n * 3 * H + j] = sigmoid(from_x[n * 3 * H + j] + from_h[n * 3 * H + j]);
        }
        for (int64_t j = 0; j < H; ++j) reset[n * H + j] = gates[n * 3 * H + j] * h[n * H + j];
      }
      if (cell == RecurrentCell::gru_reset_before) {
        product(from_reset, N, reset.data(), &p.w_hh[2 * H * H], &p.b_hh[2 * H], H, H);
      }
      for (int64_t n = 0; n < N; ++n) {
        for (int64_t j = 0; j < H; ++j) {
          const double r = gates[n * 3 * H + j], z = gates[n * 3 * H + H + j];
          const int64_t at_n = n * 3 * H + 2 * H + j;
          double a = from_x[at_n];
          if (cell == RecurrentCell::gru_reset_after) {
            out.candidate[(t * N + n) * H + j] = from_h[at_n];
            a += r * from_h[at_n];
          } else {
            a += from_reset[n * H + j];
          }
          gates[at_n] = std::tanh(a);
          h[n * H + j] = (1 - z) * gates[at_n] + z * h[n * H + j];
        }
      }
    }
    for (int64_t k = 0; k < N * H; ++k) out.y[t * N * H + k] = h[k];
  }
  out.hT = h;
  return out;
}

RecurrentGradients recurrent_backward(RecurrentCell cell, const RecurrentShape& shape,
                                      const RecurrentParameters& p, const Vector& x, const Vector& h0,
                                      const RecurrentForward& forward, const Vector& dy, const Vector& dhT) {
  const auto [T, N, I, H] = shape;
  const int64_t G = gate_count(cell);
  const Vector start = h0.empty() ? Vector(N * H, 0.0) : h0;
  Vector dh = dhT.empty() ? Vector(N * H, 0.0) : dhT;
  RecurrentGradients out;
  out.dx.assign(T * N * I, 0.0);
  out.dw_ih.assign(G * H * I, 0.0);
  out.dw_hh.assign(G * H * H, 0.0);
  out.db_ih.assign(G * H, 0.0);
  out.db_hh.assign(G * H, 0.0);
  Vector dx_side(N * G * H), dh_side(N * G * H);  // by W x + b_ih and by U h' + b_hh
  for (int64_t t = T - 1; t >= 0; --t) {
    const double* before = t > 0 ? &forward.y[(t - 1) * N * H] : start.data();
    const double* gates = &forward.gates[t * N * G * H];
    if (!dy.empty()) add_scaled(dh.data(), 1, &dy[t * N * H], N * H);
    Vector dbefore(N * H, 0.0);
    if (!is_gru(cell)) {
      for (int64_t k = 0; k < N * H; ++k) dx_side[k] = dh_side[k] = dh[k] * slope(cell, gates[k]);
      product_backward(dh_side.data(), N, before, p.w_hh.data(), H, H, dbefore.data(), out.dw_hh.data(),
                       out.db_hh.data());
    } else {
      Vector dn(N * H), reset(N * H), dreset(N * H, 0.0), dr(N * H);
      for (int64_t n = 0; n < N; ++n) {
        for (int64_t j = 0; j < H; ++j) {
          const int64_t k = n * H + j, at_n = n * 3 * H + 2 * H + j;
          const double r = gates[n * 3 * H + j], z = gates[n * 3 * H + H + j], value = gates[at_n];
          dn[k] = dh[k] * (1 - z) * (1 - value * value);
          dx_side[at_n] = dn[k];
          dh_side[at_n] = dn[k] * r;  // reset after; before goes through `reset`
          dx_side[at_n - H] = dh_side[at_n - H] = dh[k] * (before[k] - value) * z * (1 - z);
          dbefore[k] = dh[k] * z;
          reset[k] = r * before[k];
        }
      }
      const bool reset_before = cell == RecurrentCell::gru_reset_before;
      if (reset_before) {
        product_backward(dn.data(), N, reset.data(), &p.w_hh[2 * H * H], H, H, dreset.data(),
                         &out.dw_hh[2 * H * H], &out.db_hh[2 * H]);
      }
      for (int64_t n = 0; n < N; ++n) {
        for (int64_t j = 0; j < H; ++j) {
          const int64_t k = n * H + j, at_r = n * 3 * H + j;
          const double r = gates[at_r];
          dr[k] = reset_before ? dreset[k] * before[k] : dn[k] * forward.candidate[(t * N + n) * H + j];
          dx_side[at_r] = dh_side[at_r] = dr[k] * r * (1 - r);
          if (reset_before) {
            dbefore[k] += dreset[k] * r;
            dh_side[at_r + 2 * H] = 0;  // its share has gone through `reset`
          }
        }
      }
      product_backward(dh_side.data(), N, before, p.w_hh.data(), 3 * H, H, dbefore.data(), out.dw_hh.data(),
                       out.db_hh.data());
    }
    product_backward(dx_side.data(), N, &x[t * N * I], p.w_ih.data(), G * H, I, &out.dx[t * N * I],
                     out.dw_ih.data(), out.db_ih.data());
    dh = dbefore;
  }
  out.dh0 = dh;
  return out;
}

}  // namespace reference
