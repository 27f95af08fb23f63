// A recurrent network with random data, for the tests of the reference: its values come from random_fill, the
// same with every compiler.
#pragma once

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "tests/reference/linear_algebra.hpp"
#include "tests/reference/network.hpp"
#include "tests/support/random_fill.hpp"

namespace reference {

inline const std::vector<std::pair<Cell, std::string>>& cell_names() {
  static const std::vector<std::pair<Cell, std::string>> names = {
      {Cell::rnn_tanh, "rnn_tanh"},
      {Cell::rnn_relu, "rnn_relu"},
      {Cell::rnn_identity, "rnn_identity"},
      {Cell::lstm, "lstm"},
      {Cell::lstm_linear, "lstm_linear"},
      {Cell::gru, "gru"},
      {Cell::gru_reset_before, "gru_reset_before"}};
  return names;
}

inline std::string name_of(Cell cell) {
  for (const auto& [value, name] : cell_names()) {
    if (value == cell) return name;
  }
  return "";
}

inline std::string text_of(const NetworkShape& s) {
  std::string text = name_of(s.cell) + " T" + std::to_string(s.steps) + " N" + std::to_string(s.batch) +
                     " I" + std::to_string(s.inputs) + " H" + std::to_string(s.hidden) + " L" +
                     std::to_string(s.layers) + " D" + std::to_string(s.directions);
  if (s.projection > 0) text += " P" + std::to_string(s.projection);
  if (s.peepholes) text += " peepholes";
  if (s.cell_clip > 0) text += " clip";
  return text;
}

struct NetworkProblem {
  NetworkShape shape;
  std::vector<LayerWeights> weights;
  NetworkInputs inputs;
  Vector dy, dhT, dcT;

  explicit NetworkProblem(const NetworkShape& shape, uint64_t seed = 1) : shape(shape), seed_(seed) {
    const int64_t T = shape.steps, N = shape.batch, H = shape.hidden, R = shape.state_size();
    const int64_t D = shape.directions, rows = shape.gates() * H, passes = shape.layers * D;
    for (int64_t pass = 0; pass < passes; ++pass) {
      // Gates without a bound multiply what they are given: only small weights keep linear ones from
      // exploding.
      const double size = (shape.cell == Cell::lstm_linear ? 0.3 : 1) / std::sqrt(double(H));
      weights.push_back({random(rows * shape.layer_inputs(pass / D), size), random(rows * R, size),
                         random(rows, size), random(rows, size), random(shape.projection * H, size),
                         random(shape.peepholes ? 3 * H : 0, shape.cell == Cell::lstm_linear ? 0.3 : 1)});
    }
    inputs.x = random(T * N * shape.inputs);
    inputs.h0 = random(passes * N * R);
    dy = random(T * N * D * R);
    dhT = random(passes * N * R);
    if (shape.has_cells()) {
      inputs.c0 = random(passes * N * H);
      dcT = random(passes * N * H);
    }
  }

  Vector random(int64_t size, double scale = 1) {
    return recur::test::widened(recur::test::random_fill(size_t(size), seed_ * 1009 + count_++, scale));
  }

  void add_lengths(const std::vector<int64_t>& lengths) { inputs.lengths = lengths; }

  // A third of the steps.
  void add_resets() {
    for (double value : random(shape.steps * shape.batch)) inputs.reset.push_back(value > 0.3 ? 255 : 0);
  }

  // p = 0.4
  void add_dropout() {
    const int64_t size = shape.steps * shape.batch * shape.directions * shape.state_size();
    for (int64_t layer = 0; layer + 1 < shape.layers; ++layer) {
      inputs.dropout.push_back(random(size));
      for (double& factor : inputs.dropout.back()) factor = factor > -0.2 ? 1 / 0.6 : 0;
    }
  }

  NetworkForward forward() const { return network_forward(shape, weights, inputs); }
  NetworkGradients gradients() const {
    return network_backward(shape, weights, inputs, forward(), dy, dhT, dcT);
  }

  // The loss whose derivative by y, hT and cT is dy, dhT and dcT.
  double loss() const {
    const NetworkForward f = forward();
    double sum = 0;
    for (const auto& [value, weight] :
         {std::pair(&f.y, &dy), std::pair(&f.hT, &dhT), std::pair(&f.cT, &dcT)}) {
      if (!weight->empty()) sum += dot(value->data(), weight->data(), int64_t(value->size()));
    }
    return sum;
  }

 private:
  uint64_t seed_, count_ = 0;
};

}  // namespace reference
