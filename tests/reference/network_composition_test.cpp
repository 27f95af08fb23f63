// What the network reference makes of layers, directions, lengths, resets and dropout, against the same put
// together by hand: single rows, single layers and single stretches without a reset, each a network of one
// layer and one direction, with sequences turned round and laid side by side outside.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/reference/network_problem.hpp"

namespace reference {
namespace {

using Row = std::vector<Vector>;  // one row's sequence: [length] of vectors

Vector slice(const Vector& values, int64_t index, int64_t width) {
  return values.empty() ? Vector() : Vector(&values[index * width], &values[index * width] + width);
}

struct Outcome {
  Row y;
  Vector h, c;
};

// One layer and direction over one row, a stretch without a reset at a time. `reset` in order of processing.
Outcome run_row(const NetworkShape& whole, const LayerWeights& weights, const Row& x,
                const std::vector<bool>& reset, Vector h, Vector c) {
  const int64_t length = int64_t(x.size()), R = whole.state_size();
  Outcome out{{}, h, c};
  for (int64_t begin = 0; begin < length;) {
    int64_t end = begin + 1;
    while (end < length && !reset[end]) ++end;
    NetworkShape shape = whole;
    shape.steps = end - begin;
    shape.batch = shape.layers = shape.directions = 1;
    shape.inputs = int64_t(x[0].size());
    NetworkInputs inputs;
    for (int64_t t = begin; t < end; ++t) inputs.x.insert(inputs.x.end(), x[t].begin(), x[t].end());
    if (!reset[begin]) {  // else the states are left out: zeros
      inputs.h0 = out.h;
      inputs.c0 = out.c;
    }
    const NetworkForward f = network_forward(shape, {weights}, inputs);
    for (int64_t t = begin; t < end; ++t) out.y.push_back(slice(f.y, t - begin, R));
    out.h = f.hT;
    out.c = f.cT;
    begin = end;
  }
  return out;
}

void expect_near(const Vector& values, const Vector& expected) {
  ASSERT_EQ(values.size(), expected.size());
  for (size_t k = 0; k < values.size(); ++k) EXPECT_NEAR(values[k], expected[k], 1e-13) << k;
}

void expect_put_together(const NetworkProblem& p) {
  const NetworkForward whole = p.forward();
  const int64_t N = p.shape.batch, R = p.shape.state_size(), D = p.shape.directions, H = p.shape.hidden;
  for (int64_t n = 0; n < N; ++n) {
    const int64_t length = p.inputs.lengths.empty() ? p.shape.steps : p.inputs.lengths[n];
    SCOPED_TRACE("row " + std::to_string(n) + " of length " + std::to_string(length));
    Row x;
    std::vector<bool> reset;
    for (int64_t t = 0; t < length; ++t) {
      x.push_back(slice(p.inputs.x, t * N + n, p.shape.inputs));
      reset.push_back(!p.inputs.reset.empty() && p.inputs.reset[t * N + n] != 0);
    }
    for (int64_t layer = 0; layer < p.shape.layers; ++layer) {
      Row y(length);
      for (int64_t d = 0; d < D; ++d) {
        const int64_t pass = layer * D + d;
        Row in = x;
        std::vector<bool> in_reset = reset;
        if (d == 1) {
          std::reverse(in.begin(), in.end());
          std::reverse(in_reset.begin(), in_reset.end());
        }
        Outcome out = run_row(p.shape, p.weights[pass], in, in_reset, slice(p.inputs.h0, pass * N + n, R),
                              slice(p.inputs.c0, pass * N + n, H));
        expect_near(slice(whole.hT, pass * N + n, R), out.h);
        expect_near(slice(whole.cT, pass * N + n, H), out.c);
        if (d == 1) std::reverse(out.y.begin(), out.y.end());
        for (int64_t t = 0; t < length; ++t) y[t].insert(y[t].end(), out.y[t].begin(), out.y[t].end());
      }
      x = y;
      if (layer + 1 == p.shape.layers || p.inputs.dropout.empty()) continue;
      for (int64_t t = 0; t < length; ++t) {
        for (int64_t j = 0; j < D * R; ++j) x[t][j] *= p.inputs.dropout[layer][(t * N + n) * D * R + j];
      }
    }
    for (int64_t t = 0; t < p.shape.steps; ++t) {
      expect_near(slice(whole.y, t * N + n, D * R), t < length ? x[t] : Vector(D * R, 0.0));
    }
  }
}

TEST(NetworkComposition, FromSingleLayersDirectionsRowsAndStretches) {
  for (const auto& [cell, name] : cell_names()) {
    SCOPED_TRACE(name);
    for (bool everything : {false, true}) {
      NetworkProblem p(NetworkShape{cell, 7, 5, 3, 4, 3, 2});
      expect_put_together(p);
      p.add_lengths({4, 7, 0, 1, 6});
      if (everything) p.add_resets();
      if (everything) p.add_dropout();
      expect_put_together(p);
    }
  }
}

TEST(NetworkComposition, WithProjectionPeepholesAndClip) {
  NetworkProblem p(NetworkShape{Cell::lstm, 7, 5, 3, 4, 3, 2, 3, true, 0.25});
  p.add_lengths({4, 7, 0, 1, 6});
  p.add_resets();
  p.add_dropout();
  expect_put_together(p);
}

// The weights' gradients are sums over rows; a row's other gradients are its own.
TEST(NetworkComposition, ARowsGradientsAreThoseItHasAlone) {
  NetworkProblem p(NetworkShape{Cell::lstm, 7, 3, 3, 4, 2, 2});
  p.add_lengths({4, 7, 5});
  p.add_resets();
  const NetworkGradients whole = p.gradients();
  Vector dw_hh(p.weights[1].w_hh.size(), 0.0);
  const int64_t N = 3, I = p.shape.inputs, H = p.shape.hidden;
  for (int64_t n = 0; n < N; ++n) {
    NetworkShape shape = p.shape;
    shape.steps = p.inputs.lengths[n];
    shape.batch = 1;
    NetworkInputs inputs;
    Vector dy, dhT, dcT;
    const auto append = [](Vector& to, const Vector& from) { to.insert(to.end(), from.begin(), from.end()); };
    for (int64_t t = 0; t < shape.steps; ++t) {
      append(inputs.x, slice(p.inputs.x, t * N + n, I));
      append(dy, slice(p.dy, t * N + n, 2 * H));
      inputs.reset.push_back(p.inputs.reset[t * N + n]);
    }
    for (int64_t pass = 0; pass < 4; ++pass) {
      append(inputs.h0, slice(p.inputs.h0, pass * N + n, H));
      append(inputs.c0, slice(p.inputs.c0, pass * N + n, H));
      append(dhT, slice(p.dhT, pass * N + n, H));
      append(dcT, slice(p.dcT, pass * N + n, H));
    }
    const NetworkForward f = network_forward(shape, p.weights, inputs);
    const NetworkGradients g = network_backward(shape, p.weights, inputs, f, dy, dhT, dcT);
    for (int64_t t = 0; t < shape.steps; ++t) expect_near(slice(whole.dx, t * N + n, I), slice(g.dx, t, I));
    for (int64_t pass = 0; pass < 4; ++pass) {
      expect_near(slice(whole.dh0, pass * N + n, H), slice(g.dh0, pass, H));
      expect_near(slice(whole.dc0, pass * N + n, H), slice(g.dc0, pass, H));
    }
    add_scaled(dw_hh.data(), 1, g.weights[1].w_hh.data(), int64_t(dw_hh.size()));
  }
  expect_near(whole.weights[1].w_hh, dw_hh);
}

// A published claim: through a linear recurrence the gradient grows or vanishes as a power of the recurrent
// matrix's largest singular value. The matrix is Q diag(values) Q, symmetric, Q = 1 - 2 v v' / |v|^2, and
// W_ih is the identity, so that dx_t is the gradient by h_t. All singular values but the first are at most
// 0.8 of it: after 150 steps the others' share of the rate is below 0.8^300.
TEST(NetworkClaim, ALinearRecurrencesGradientGoesByTheLargestSingularValue) {
  const int64_t T = 200, H = 11;
  for (double largest : {0.9, 1.1}) {
    NetworkShape shape{Cell::rnn_identity, T, 1, H, H};
    NetworkProblem p(shape);
    const Vector values = p.random(H, 0.8 * largest), v = p.random(H);
    const double squares = dot(v.data(), v.data(), H);
    const auto q = [&](int64_t i, int64_t j) { return (i == j) - 2 * v[i] * v[j] / squares; };
    LayerWeights& w = p.weights[0];
    for (int64_t i = 0; i < H; ++i) {
      for (int64_t j = 0; j < H; ++j) {
        double sum = q(i, 0) * largest * q(0, j);
        for (int64_t k = 1; k < H; ++k) sum += q(i, k) * values[k] * q(k, j);
        w.w_hh[i * H + j] = sum;
        w.w_ih[i * H + j] = i == j;
      }
    }
    p.dy.clear();
    const NetworkGradients g = p.gradients();
    const auto norm = [&](int64_t t) { return std::sqrt(dot(&g.dx[t * H], &g.dx[t * H], H)); };
    for (int64_t t = 0; t < 50; ++t) EXPECT_NEAR(norm(t) / norm(t + 1), largest, 1e-12) << t;
    for (int64_t t = 0; t + 1 < T; ++t) EXPECT_LE(norm(t), norm(t + 1) * largest * (1 + 1e-12)) << t;
    // The whole way: the part of dhT along the first column of Q, times the power.
    double along = 0;
    for (int64_t j = 0; j < H; ++j) along += p.dhT[j] * q(j, 0);
    const double power = std::fabs(along) * std::pow(largest, double(T - 1));
    EXPECT_NEAR(norm(0) / power, 1, 1e-10);
  }
}

}  // namespace
}  // namespace reference
