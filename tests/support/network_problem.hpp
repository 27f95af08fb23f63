// A recurrent network with data: random values of the plan's type, and what the fp64 reference makes of them.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/reference/sequence.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/element.hpp"
#include "tests/support/network_case.hpp"
#include "tests/support/random_fill.hpp"
#include "tests/support/tolerance.hpp"

namespace recur::test {

using Vector = std::vector<double>;

struct NetworkProblem {
  NetworkCase c;
  std::vector<reference::LayerWeights> weights;
  reference::NetworkInputs inputs;
  Vector dy, dhT, dcT;
  uint64_t dropout_seed = 0x123456789ABCDEFu, dropout_offset = 7;

  // What the library is to give; gradients by pass and name.
  reference::NetworkForward forward;       // with dropout, as in training
  reference::NetworkForward inference;     // without
  reference::NetworkGradients gradients;

  explicit NetworkProblem(const NetworkCase& network) : c(network) {
    const reference::NetworkShape& s = c.shape;
    const int64_t T = s.steps, N = s.batch, H = s.hidden, R = s.state_size(), D = s.directions, G = s.gates();
    const bool reference_has_states = s.has_cells();
    for (char letter : c.text) seed_ = seed_ * 31 + static_cast<unsigned char>(letter);
    for (int64_t pass = 0; pass < s.layers * D; ++pass) {
      reference::LayerWeights w;
      w.w_ih = typed(G * H * s.layer_inputs(pass / D), H);
      w.w_hh = typed(G * H * R, H);
      w.b_ih = typed(G * H, H);
      w.b_hh = typed(G * H, H);
      if (s.projection > 0) w.w_hr = typed(s.projection * H, H);
      if (s.peepholes) w.peephole = typed(3 * H, H);
      if (s.cell == reference::Cell::lstm_linear) make_tame(w, H, s.layer_inputs(pass / D));
      weights.push_back(w);
    }
    inputs.x = typed(T * N * s.inputs, 1);
    const int64_t states = s.layers * D * N;
    if (c.states) {
      inputs.h0 = typed(states * R, 1);
      if (reference_has_states) inputs.c0 = floats(states * H);
      if (c.learned) {  // each row has the first one's
        for (Vector* state : {&inputs.h0, &inputs.c0}) {
          const size_t columns = size_t(state == &inputs.h0 ? R : H);
          for (size_t k = 0; k < state->size(); ++k)
            (*state)[k] = (*state)[k / (size_t(N) * columns) * size_t(N) * columns + k % columns];
        }
      }
      dhT = floats(states * R);
      if (reference_has_states) dcT = floats(states * H);
    }
    dy = typed(T * N * D * R, 1);
    if (c.ragged) {  // 0 and T among them, in no order
      for (int64_t n = 0; n < N; ++n) inputs.lengths.push_back(n % 3 == 1 ? T : (n * 7 + 3) % (T + 1));
      if (N > 2) inputs.lengths[2] = 0;
    }
    if (c.reset) {
      for (int64_t k = 0; k < T * N; ++k)  // in no row or step alone, and with other values than 1
        inputs.reset.push_back((3 * (k / N) + 2 * (k % N)) % 5 == 3 || k == 0 ? uint8_t(1 + k % 3) : 0);
    }
    if (c.dropout) {
      for (int64_t layer = 0; layer + 1 < s.layers; ++layer) inputs.dropout.push_back(factors(layer, T * N * D * R));
    }
    compute();
  }

  // Of other data than random numbers. What the reference makes of them is left out until compute() is called.
  NetworkProblem(const NetworkCase& network, std::vector<reference::LayerWeights> weights,
                 reference::NetworkInputs inputs, Vector dy, Vector dhT, Vector dcT)
      : c(network), weights(std::move(weights)), inputs(std::move(inputs)), dy(std::move(dy)), dhT(std::move(dhT)),
        dcT(std::move(dcT)) {}

  void compute() {
    forward = reference::network_forward(c.shape, weights, inputs);
    reference::NetworkInputs plain = inputs;
    plain.dropout.clear();
    inference = reference::network_forward(c.shape, weights, plain);
    gradients = c.period > 0 ? truncated() : reference::network_backward(c.shape, weights, inputs, forward, dy, dhT, dcT);
  }

  // [L*D,N,columns] as the plan has it: with learned states one row, the sum of a gradient's or the first of a state's.
  Vector initial(const Vector& of_rows, int64_t columns, bool sum) const {
    if (!c.learned) return of_rows;
    const size_t N = size_t(c.shape.batch), width = size_t(columns);
    Vector shared(of_rows.size() / N, 0.0);
    for (size_t k = 0; k < of_rows.size(); ++k)
      if (sum || k / width % N == 0) shared[k / (N * width) * width + k % width] += of_rows[k];
    return shared;
  }

  // By tensor: y hT cT, dx dh0 dc0, and the parameters' "dW_ih" and so on.
  double tolerance(const std::string& name) const {
    const reference::NetworkShape& s = c.shape;
    double forward_roundings = 0, backward_roundings = 0;
    const double R = double(s.state_size()), T = double(s.steps), H = double(s.hidden), G = double(s.gates());
    const bool single = c.type == RECUR_TYPE_FLOAT32;
    // What is rounded to the type itself, a step: operands, gates, states, gradients. Sums are in fp32.
    for (int64_t layer = 0; layer < s.layers; ++layer) {
      const double sums = double(s.layer_inputs(layer)) + R + (s.projection > 0 ? H : 0);
      forward_roundings += T * ((single ? sums : 0) + LayerTolerance::pointwise);
      backward_roundings += T * ((single ? G * H + sums : 0) + 2 * LayerTolerance::pointwise);
    }
    const double u = c.type == RECUR_TYPE_BFLOAT16 ? unit_roundoff_bf16 : single ? unit_roundoff_fp32 : unit_roundoff_fp16;
    if (name == "y" || name == "hT" || name == "cT") return test::tolerance(u, forward_roundings);
    if (name[1] == 'x' || name == "dh0" || name == "dc0") return test::tolerance(u, backward_roundings);
    return test::tolerance(u, backward_roundings + (single ? T * double(s.batch) : 0));
  }

  Worst compare(const std::string& name, const Vector& values, const Vector& expected, double scale) const {
    return test::compare(values, expected, tolerance(name), scale);
  }

  // The documented function of seed, offset, layer and element, by an independent generator.
  Vector factors(int64_t layer, int64_t count) const {
    const uint64_t key = dropout_seed + uint64_t(layer) * 0x9E3779B97F4A7C15u;
    Vector all;
    for (int64_t k = 0; k < count; ++k) {
      const uint64_t quad = uint64_t(k) / 4;
      const auto words = reference::philox4x32_10(
          {uint32_t(quad), uint32_t(quad >> 32), uint32_t(dropout_offset), uint32_t(dropout_offset >> 32)},
          {uint32_t(key), uint32_t(key >> 32)});
      all.push_back(std::floor(words[k % 4] / 256.0) / 16777216.0 >= 0.25 ? 1 / 0.75 : 0);
    }
    return all;
  }

 private:
  uint64_t seed_ = 1;

  Vector typed(int64_t count, int64_t hidden) {
    Vector values = widened(random_weights(static_cast<size_t>(count), ++seed_, hidden));
    for (double& v : values) v = rounded(c.type, v);
    return values;
  }
  Vector floats(int64_t count) { return widened(random_fill(static_cast<size_t>(count), ++seed_)); }

  // With the identity for every activation c = f c' + i g has factors without a bound. Small weights keep each gate
  // near its bias, and biases of about i 0.7, f 0.8, o 0.7 give a memory that neither dies nor explodes.
  void make_tame(reference::LayerWeights& w, int64_t H, int64_t I) const {
    for (double& v : w.w_ih) v = float(v * 0.2 * std::sqrt(double(H) / double(I)));
    for (double& v : w.w_hh) v = float(v * 0.2);
    const double level[4] = {0.7, 0.8, 0.0, 0.7};
    for (Vector* b : {&w.b_ih, &w.b_hh})
      for (int64_t k = 0; k < 4 * H; ++k) (*b)[k] = float((*b)[k] * 0.05 + level[k / H] * 0.5);
  }

  // Windows by their definition: for each, the network from its first step on with the state that the whole forward
  // had there, and gradients of y in the last k1 steps alone.
  reference::NetworkGradients truncated() const;
};

inline reference::NetworkGradients NetworkProblem::truncated() const {
  const reference::NetworkShape& s = c.shape;
  const int64_t T = s.steps, N = s.batch, I = s.inputs, out = s.directions * s.state_size();
  const auto part = [](const Vector& v, int64_t begin, int64_t end) {
    return v.empty() ? Vector{} : Vector(v.begin() + begin, v.begin() + end);
  };
  const auto steps_of = [&](int64_t begin, int64_t end) {
    reference::NetworkInputs in;
    in.x = part(inputs.x, begin * N * I, end * N * I);
    if (!inputs.reset.empty()) in.reset.assign(inputs.reset.begin() + begin * N, inputs.reset.begin() + end * N);
    for (int64_t length : inputs.lengths) in.lengths.push_back(std::clamp<int64_t>(length - begin, 0, end - begin));
    for (const Vector& f : inputs.dropout) in.dropout.push_back(part(f, begin * N * out, end * N * out));
    return in;
  };
  reference::NetworkGradients sum;
  sum.dx.assign(size_t(T * N * I), 0);
  sum.weights = weights;
  const auto parts = [](reference::LayerWeights& w) {
    return std::vector<Vector*>{&w.w_ih, &w.w_hh, &w.b_ih, &w.b_hh, &w.w_hr, &w.peephole};
  };
  for (reference::LayerWeights& w : sum.weights)
    for (Vector* v : parts(w)) std::fill(v->begin(), v->end(), 0);
  for (int64_t first = 0; first < T; first += c.period) {
    const int64_t end = std::min(first + c.period, T), begin = std::max<int64_t>(0, end - c.length);
    reference::NetworkShape window = s;
    window.steps = end - begin;
    reference::NetworkInputs in = steps_of(begin, end);
    in.h0 = inputs.h0, in.c0 = inputs.c0;
    if (begin > 0) {
      reference::NetworkShape before = s;
      before.steps = begin;
      reference::NetworkInputs earlier = steps_of(0, begin);
      earlier.h0 = inputs.h0, earlier.c0 = inputs.c0;
      const reference::NetworkForward f = reference::network_forward(before, weights, earlier);
      in.h0 = f.hT, in.c0 = f.cT;
    }
    Vector window_dy = part(dy, begin * N * out, end * N * out);
    std::fill(window_dy.begin(), window_dy.begin() + (first - begin) * N * out, 0);
    const reference::NetworkForward f = reference::network_forward(window, weights, in);
    reference::NetworkGradients g = reference::network_backward(window, weights, in, f, window_dy,
                                                                end == T ? dhT : Vector{}, end == T ? dcT : Vector{});
    for (size_t k = 0; k < g.dx.size(); ++k) sum.dx[size_t(begin * N * I) + k] += g.dx[k];
    for (size_t p = 0; p < g.weights.size(); ++p) {
      const std::vector<Vector*> to = parts(sum.weights[p]), from = parts(g.weights[p]);
      for (size_t which = 0; which < to.size(); ++which)
        for (size_t k = 0; k < to[which]->size(); ++k) (*to[which])[k] += (*from[which])[k];
    }
  }
  return sum;
}

}  // namespace recur::test
