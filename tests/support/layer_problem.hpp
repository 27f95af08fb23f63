// One LSTM layer with data: its shape, random values, and what both references say the results are.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/reference/lstm.hpp"
#include "tests/reference/onednn_network.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/random_fill.hpp"
#include "tests/support/shape_list.hpp"
#include "tests/support/tolerance.hpp"

namespace recur::test {

struct LayerCase {
  reference::LstmShape shape;
  bool h0, c0, dhT, dcT;  // which are given

  std::string text() const {
    const auto [T, N, I, H] = shape;
    return "T" + std::to_string(T) + " N" + std::to_string(N) + " I" + std::to_string(I) + " H" +
           std::to_string(H) + (h0 ? " h0" : "") + (c0 ? " c0" : "") + (dhT ? " dhT" : "") +
           (dcT ? " dcT" : "");
  }
};

inline std::vector<LayerCase> read_layer_cases(const std::string& path) {
  std::vector<LayerCase> cases;
  for (const std::vector<int64_t>& line : read_shape_list(path, 5)) {
    const int64_t states = line[4];
    if (states > 3) throw std::runtime_error(path + ": states are 0 to 3, not " + std::to_string(states));
    const bool all = states == 1;
    cases.push_back({{line[0], line[1], line[2], line[3]},
                     all || states == 2,
                     all || states == 3,
                     all || states == 3,
                     all || states == 2});
  }
  return cases;
}

// Everything a layer computes, in double.
struct LayerExpected {
  using Vector = std::vector<double>;
  Vector y, hT, cT, dx, dh0, dc0, dw_ih, dw_hh, db_ih, db_hh;

  static std::vector<std::pair<std::string, Vector LayerExpected::*>> tensors() {
    return {{"y", &LayerExpected::y},         {"hT", &LayerExpected::hT},
            {"cT", &LayerExpected::cT},       {"dx", &LayerExpected::dx},
            {"dh0", &LayerExpected::dh0},     {"dc0", &LayerExpected::dc0},
            {"dW_ih", &LayerExpected::dw_ih}, {"dW_hh", &LayerExpected::dw_hh},
            {"db_ih", &LayerExpected::db_ih}, {"db_hh", &LayerExpected::db_hh}};
  }
};

struct LayerProblem {
  LayerCase layer_case;
  reference::Activation activation;
  // fp32, so that the library and the references start from the same numbers. Empty: absent.
  std::vector<float> w_ih, w_hh, b_ih, b_hh, x, h0, c0, dy, dhT, dcT;

  LayerProblem(const LayerCase& layer_case, reference::Activation activation)
      : layer_case(layer_case), activation(activation) {
    const auto [T, N, I, H] = layer_case.shape;
    // Where every size is 1 a tensor is one element, whose only scale is itself: with these seeds its terms do not
    // cancel (dx is 0.7 of their sizes).
    const uint64_t seed = uint64_t(((T * 1009 + N) * 1009 + I) * 1009 + H) * 16 + 16;
    w_ih = random_weights(4 * H * I, seed + 1, H);
    w_hh = random_weights(4 * H * H, seed + 2, H);
    b_ih = random_weights(4 * H, seed + 3, H);
    b_hh = random_weights(4 * H, seed + 4, H);
    x = random_fill(T * N * I, seed + 5);
    dy = random_fill(T * N * H, seed + 6);
    if (layer_case.h0) h0 = random_fill(N * H, seed + 7);
    if (layer_case.c0) c0 = random_fill(N * H, seed + 8);
    if (layer_case.dhT) dhT = random_fill(N * H, seed + 9);
    if (layer_case.dcT) dcT = random_fill(N * H, seed + 10);
    if (activation == reference::Activation::linear) make_linear_gates_tame();
    compute();
  }

  // What expected() and compare() go by. After changing any of the values, call it again.
  void compute() {
    const reference::LstmForward f =
        reference::lstm_forward(layer_case.shape, parameters(), inputs(), activation);
    exact_ = join(f, reference::lstm_backward(layer_case.shape, parameters(), inputs(), f, output_gradients(),
                                              activation));
    for (const auto& [name, member] : LayerExpected::tensors())
      scales_[name] = root_mean_square(exact_.*member);
    scales_["hT"] = scales_["y"];
    scales_["cT"] = root_mean_square(f.cells);
  }

  const LayerExpected& expected() const { return exact_; }

  // Standard activations only: oneDNN has no others.
  LayerExpected expected_from_onednn() const {
    const auto [T, N, I, H] = layer_case.shape;
    const reference::OnednnNetwork r = reference::onednn_network(
        {reference::Cell::lstm, T, N, I, H},
        {{widened(w_ih), widened(w_hh), widened(b_ih), widened(b_hh), {}, {}}},
        {widened(x), widened(h0), widened(c0), {}, {}, {}}, widened(dy), widened(dhT), widened(dcT));
    const reference::NetworkGradients& g = r.gradients;
    const reference::LayerWeights& dw = g.weights[0];
    return {r.y, r.hT, r.cT, g.dx, g.dh0, g.dc0, dw.w_ih, dw.w_hh, dw.b_ih, dw.b_hh};
  }

  // One tensor's values, by a name of LayerExpected::tensors(), with any other account of them.
  template <class Value, class Expected>
  Worst compare(const std::string& name, const std::vector<Value>& values,
                const std::vector<Expected>& expected) const {
    return test::compare(values, expected, tolerance(name), scales_.at(name));
  }

  double tolerance(const std::string& name) const {
    const auto [T, N, I, H] = layer_case.shape;
    const LayerTolerance t{unit_roundoff_fp32, double(T), double(N), double(I), double(H), 4};
    if (name == "y" || name == "hT" || name == "cT") return t.forward();
    if (name == "dx" || name == "dh0" || name == "dc0") return t.data_gradient();
    return t.weight_gradient();
  }

 private:
  LayerExpected exact_;
  std::map<std::string, double> scales_;

  reference::LstmParameters parameters() const {
    return {widened(w_ih), widened(w_hh), widened(b_ih), widened(b_hh)};
  }
  reference::LstmInputs inputs() const { return {widened(x), widened(h0), widened(c0)}; }
  reference::LstmOutputGradients output_gradients() const {
    return {widened(dy), widened(dhT), widened(dcT)};
  }

  static LayerExpected join(const reference::LstmForward& f, const reference::LstmGradients& g) {
    return {f.y, f.hT, f.cT, g.dx, g.dh0, g.dc0, g.dw_ih, g.dw_hh, g.db_ih, g.db_hh};
  }

  // With the identity for every activation c = f c' + i g has factors without a bound. Small weights keep
  // each gate near its bias, and biases of about i 0.7, f 0.8, o 0.7 give a memory that neither dies nor
  // explodes.
  void make_linear_gates_tame() {
    const auto [T, N, I, H] = layer_case.shape;
    const float to_inputs =
        0.2f * std::sqrt(float(H) / float(I));  // from U(-1,1)/sqrt(H) to 0.2 U(-1,1)/sqrt(I)
    for (float& w : w_ih) w *= to_inputs;
    for (float& w : w_hh) w *= 0.2f;
    const float level[4] = {0.7f, 0.8f, 0.0f, 0.7f};
    for (int64_t row = 0; row < 4 * H; ++row) {
      b_ih[row] = b_ih[row] * 0.05f + level[row / H] * 0.5f;
      b_hh[row] = b_hh[row] * 0.05f + level[row / H] * 0.5f;
    }
  }
};

}  // namespace recur::test
