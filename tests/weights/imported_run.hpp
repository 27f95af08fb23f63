// A layer with imported weights, run on the device and compared with what the weights' own library computes.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/network_run.hpp"
#include "tests/weights/weights_support.hpp"

namespace recur::test {

struct Outputs {
  Vector y, hT, cT;  // empty: not given
};

class ImportedRun {
 public:
  ImportedRun(const NetworkCase& network, const Weights& set, recur_weights_format format, const std::string& prefix,
              reference::NetworkInputs inputs, Outputs expected)
      : case_(network), inputs_(std::move(inputs)), expected_(std::move(expected)) {
    const Layer layer(network.descriptor());
    weights_ = layer_weights(layer, network.shape, set.to_parameters(layer, format, prefix));
  }

  // Every output within the layer's tolerance.
  void expect_equal() const {
    const reference::NetworkShape& s = case_.shape;
    const size_t out = size_t(s.steps * s.batch * s.directions * s.state_size());
    const NetworkProblem p(case_, weights_, inputs_, Vector(out, 0.0), {}, {});
    NetworkRun run(p);
    run.forward(false);
    const auto expect = [&](const char* what, const Vector& values, const Vector& wanted) {
      if (wanted.empty()) return;
      const Worst worst = p.compare(what, values, wanted, root_mean_square(wanted));
      EXPECT_TRUE(worst.ok()) << what << ": " << worst.text();
    };
    expect("y", run.y(), expected_.y);
    expect("hT", run.hT(), expected_.hT);
    if (s.has_cells()) expect("cT", run.floats("cT"), expected_.cT);
    EXPECT_EQ(run.damage(), "");
  }

  // Exchanged gates, or biases, or a transposed matrix, as a wrong importer would give them, are far off: the weights
  // tell all of them apart.
  void expect_mistakes_found() const {
    const int64_t G = case_.shape.gates();
    EXPECT_LE(tolerances_of(weights_), 1);
    for (int64_t a = 0; a < G; ++a) {
      for (int64_t b = a + 1; b < G; ++b) {
        std::vector<reference::LayerWeights> wrong = weights_;
        for (reference::LayerWeights& w : wrong)
          for (Vector* part : {&w.w_ih, &w.w_hh, &w.b_ih, &w.b_hh}) exchange(*part, G, a, b);
        EXPECT_GT(tolerances_of(wrong), 50) << "gates " << a << " and " << b;
      }
    }
    std::vector<reference::LayerWeights> wrong = weights_;
    for (reference::LayerWeights& w : wrong) {
      const Vector given = w.w_hh;
      const int64_t rows = G * case_.shape.hidden, columns = case_.shape.state_size();
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t c = 0; c < columns; ++c) w.w_hh[size_t(r * columns + c)] = given[size_t(c * rows + r)];
    }
    EXPECT_GT(tolerances_of(wrong), 50) << "a transposed matrix";
    for (int64_t a = 0; a < 3 && case_.shape.peepholes; ++a) {
      wrong = weights_;
      for (reference::LayerWeights& w : wrong) exchange(w.peephole, 3, a, (a + 1) % 3);
      EXPECT_GT(tolerances_of(wrong), 50) << "peephole " << a;
    }
    bool biases = false;
    for (const double b : weights_[0].b_hh) biases = biases || b != 0;
    if (case_.shape.cell != reference::Cell::gru || !biases) return;
    wrong = weights_;
    for (reference::LayerWeights& w : wrong) w.b_ih.swap(w.b_hh);
    EXPECT_GT(tolerances_of(wrong), 50) << "the two biases of the candidate";
  }

 private:
  NetworkCase case_;
  reference::NetworkInputs inputs_;
  Outputs expected_;
  std::vector<reference::LayerWeights> weights_;

  double tolerances_of(const std::vector<reference::LayerWeights>& weights) const {
    const NetworkProblem p(case_, weights, inputs_, {}, {}, {});
    const Vector y = reference::network_forward(case_.shape, weights, inputs_).y;
    return p.compare("y", y, expected_.y, root_mean_square(expected_.y)).tolerances;
  }
  static void exchange(Vector& of_gates, int64_t count, int64_t a, int64_t b) {
    const auto size = ptrdiff_t(of_gates.size()) / count;
    std::swap_ranges(of_gates.begin() + a * size, of_gates.begin() + (a + 1) * size, of_gates.begin() + b * size);
  }
};

}  // namespace recur::test
