// The network reference's forward pass: by hand where a cell is one number wide, and against single layers,
// rows and directions where it is put together from them.
#include "tests/reference/network.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "tests/reference/lstm.hpp"
#include "tests/reference/network_problem.hpp"

namespace reference {
namespace {

double s(double a) { return 1 / (1 + std::exp(-a)); }

NetworkShape one_number(Cell cell) { return NetworkShape{cell, 1, 1, 1, 1}; }

// With all weights zero the biases alone tell the gates apart: i = s(1), f = s(2), g = tanh(3), o = s(4).
TEST(Network, LstmGateOrder) {
  const std::vector<LayerWeights> w = {{Vector(4, 0.0), Vector(4, 0.0), {1, 2, 3, 4}, {}, {}, {}}};
  const NetworkForward f = network_forward(one_number(Cell::lstm), w, {{0.0}, {0.0}, {0.5}, {}, {}, {}});
  const double c = s(2) * 0.5 + s(1) * std::tanh(3);
  EXPECT_NEAR(f.cT[0], c, 1e-15);
  EXPECT_NEAR(f.hT[0], s(4) * std::tanh(c), 1e-15);
}

TEST(Network, PeepholeOrderClipAndProjection) {
  NetworkShape shape = one_number(Cell::lstm);
  shape.peepholes = true;
  std::vector<LayerWeights> w = {{Vector(4, 0.0), Vector(4, 0.0), {1, 2, 3, 4}, {}, {}, {10, 20, 40}}};
  const NetworkInputs inputs{{0.0}, {0.0}, {-0.25}, {}, {}, {}};
  const double i = s(1 - 10 * 0.25), f = s(2 - 20 * 0.25), raw = -0.25 * f + i * std::tanh(3);
  NetworkForward out = network_forward(shape, w, inputs);
  EXPECT_NEAR(out.cT[0], raw, 1e-15);
  EXPECT_NEAR(out.hT[0], s(4 + 40 * raw) * std::tanh(raw), 1e-15);

  shape.cell_clip = 0.01;
  ASSERT_GT(raw, shape.cell_clip);
  out = network_forward(shape, w, inputs);
  EXPECT_EQ(out.cT[0], 0.01);
  EXPECT_NEAR(out.hT[0], s(4 + 40 * 0.01) * std::tanh(0.01), 1e-15);

  shape.projection = 1;
  w[0].w_hr = {-3};
  out = network_forward(shape, w, inputs);
  EXPECT_NEAR(out.hT[0], -3 * s(4 + 40 * 0.01) * std::tanh(0.01), 1e-15);
  EXPECT_EQ(out.y, out.hT);
}

// With r = s(1), z = s(2), h' = 0.5, U_n = 1 and b_hn = 0.25.
TEST(Network, GruGateOrderAndItsTwoForms) {
  const std::vector<LayerWeights> w = {{Vector(3, 0.0), {0, 0, 1}, {1, 2, 3}, {0, 0, 0.25}, {}, {}}};
  const NetworkInputs inputs{{0.0}, {0.5}, {}, {}, {}, {}};
  const auto h = [](double n) { return (1 - s(2)) * n + s(2) * 0.5; };
  EXPECT_NEAR(network_forward(one_number(Cell::gru), w, inputs).hT[0], h(std::tanh(3 + s(1) * (0.5 + 0.25))),
              1e-15);
  EXPECT_NEAR(network_forward(one_number(Cell::gru_reset_before), w, inputs).hT[0],
              h(std::tanh(3 + s(1) * 0.5 + 0.25)), 1e-15);
}

TEST(Network, VanillaActivations) {
  const std::vector<LayerWeights> w = {{{2}, {-3}, {0.25}, {0.5}, {}, {}}};
  const NetworkInputs inputs{{0.5}, {1.0}, {}, {}, {}, {}};  // a = 1 + 0.25 - 3 + 0.5
  EXPECT_NEAR(network_forward(one_number(Cell::rnn_tanh), w, inputs).y[0], std::tanh(-1.25), 1e-15);
  EXPECT_EQ(network_forward(one_number(Cell::rnn_relu), w, inputs).y[0], 0);
  EXPECT_EQ(network_forward(one_number(Cell::rnn_identity), w, inputs).y[0], -1.25);
}

void expect_near(const char* name, const Vector& values, const Vector& expected) {
  ASSERT_EQ(values.size(), expected.size()) << name;
  for (size_t k = 0; k < values.size(); ++k) {
    EXPECT_NEAR(values[k], expected[k], 1e-12 * (1 + std::fabs(expected[k]))) << name << " " << k;
  }
}

TEST(Network, OneLayerIsTheLstmReference) {
  for (Cell cell : {Cell::lstm, Cell::lstm_linear}) {
    const NetworkProblem p(NetworkShape{cell, 7, 4, 3, 5});
    const Activation activation = cell == Cell::lstm ? Activation::standard : Activation::linear;
    const LstmShape shape{7, 4, 3, 5};
    const LayerWeights& w = p.weights[0];
    const LstmParameters parameters{w.w_ih, w.w_hh, w.b_ih, w.b_hh};
    const LstmInputs inputs{p.inputs.x, p.inputs.h0, p.inputs.c0};
    const LstmForward f = lstm_forward(shape, parameters, inputs, activation);
    const LstmGradients g = lstm_backward(shape, parameters, inputs, f, {p.dy, p.dhT, p.dcT}, activation);
    const NetworkForward forward = p.forward();
    const NetworkGradients gradients = p.gradients();
    expect_near("y", forward.y, f.y);
    expect_near("hT", forward.hT, f.hT);
    expect_near("cT", forward.cT, f.cT);
    expect_near("cells", forward.cells, f.cells);
    expect_near("dx", gradients.dx, g.dx);
    expect_near("dh0", gradients.dh0, g.dh0);
    expect_near("dc0", gradients.dc0, g.dc0);
    expect_near("dw_ih", gradients.weights[0].w_ih, g.dw_ih);
    expect_near("dw_hh", gradients.weights[0].w_hh, g.dw_hh);
    expect_near("db_ih", gradients.weights[0].b_ih, g.db_ih);
    expect_near("db_hh", gradients.weights[0].b_hh, g.db_hh);
  }
}

TEST(Network, AbsentStatesAndBiasesAreZeros) {
  NetworkProblem p(NetworkShape{Cell::lstm, 3, 2, 4, 5, 2, 2});
  NetworkProblem zeros = p;
  for (Vector* v : {&p.inputs.h0, &p.inputs.c0, &p.dy, &p.dhT, &p.dcT}) v->clear();
  for (Vector* v : {&zeros.inputs.h0, &zeros.inputs.c0, &zeros.dy, &zeros.dhT, &zeros.dcT}) {
    std::fill(v->begin(), v->end(), 0.0);
  }
  for (size_t pass = 0; pass < p.weights.size(); ++pass) {
    p.weights[pass].b_hh.clear();
    std::fill(zeros.weights[pass].b_hh.begin(), zeros.weights[pass].b_hh.end(), 0.0);
  }
  EXPECT_EQ(p.forward().y, zeros.forward().y);
  EXPECT_EQ(p.gradients().dx, zeros.gradients().dx);
  EXPECT_EQ(p.gradients().dh0, zeros.gradients().dh0);
  EXPECT_EQ(p.gradients().dc0, zeros.gradients().dc0);
}

TEST(Network, WhatLiesBeyondARowsEndIsNeverRead) {
  for (const auto& [cell, name] : cell_names()) {
    SCOPED_TRACE(name);
    NetworkProblem p(NetworkShape{cell, 7, 4, 3, 5, 2, 2});
    p.add_lengths({4, 7, 0, 1});
    p.add_resets();
    p.add_dropout();
    const NetworkForward clean = p.forward();
    const NetworkGradients clean_gradients = p.gradients();
    const auto poison = [&](Vector& values) {  // [T,N,*]
      const size_t width = values.size() / size_t(7 * 4);
      for (size_t k = 0; k < values.size(); ++k) {
        const int64_t t = int64_t(k / width) / 4, n = int64_t(k / width) % 4;
        if (t >= p.inputs.lengths[n]) values[k] = std::numeric_limits<double>::quiet_NaN();
      }
    };
    poison(p.inputs.x);
    poison(p.inputs.dropout[0]);
    poison(p.dy);
    EXPECT_EQ(p.forward().y, clean.y);
    EXPECT_EQ(p.forward().hT, clean.hT);
    EXPECT_EQ(p.forward().cT, clean.cT);
    const NetworkGradients g = p.gradients();
    EXPECT_EQ(g.dx, clean_gradients.dx);
    EXPECT_EQ(g.dh0, clean_gradients.dh0);
    EXPECT_EQ(g.dc0, clean_gradients.dc0);
    for (size_t pass = 0; pass < g.weights.size(); ++pass) {
      EXPECT_EQ(g.weights[pass].w_ih, clean_gradients.weights[pass].w_ih);
      EXPECT_EQ(g.weights[pass].w_hh, clean_gradients.weights[pass].w_hh);
      EXPECT_EQ(g.weights[pass].b_ih, clean_gradients.weights[pass].b_ih);
    }
  }
}

TEST(Network, SizesThatDoNotFitAreRefused) {
  const auto refused = [](void (*spoil)(NetworkProblem&)) {
    NetworkProblem p(NetworkShape{Cell::gru, 3, 2, 4, 5, 2, 2});
    spoil(p);
    EXPECT_THROW(p.gradients(), std::invalid_argument);
  };
  refused([](NetworkProblem& p) { p.inputs.x.pop_back(); });
  refused([](NetworkProblem& p) { p.inputs.h0.pop_back(); });
  refused([](NetworkProblem& p) { p.inputs.c0 = p.inputs.h0; });
  refused([](NetworkProblem& p) { p.inputs.lengths = {3, 4}; });
  refused([](NetworkProblem& p) { p.inputs.lengths = {3, -1}; });
  refused([](NetworkProblem& p) { p.inputs.reset = {1}; });
  refused([](NetworkProblem& p) { p.inputs.dropout = {{1.0}}; });
  refused([](NetworkProblem& p) { p.dy.pop_back(); });
  refused([](NetworkProblem& p) { p.weights[3].w_ih.pop_back(); });
  refused([](NetworkProblem& p) { p.weights.pop_back(); });
  refused([](NetworkProblem& p) { p.shape.peepholes = true; });
  refused([](NetworkProblem& p) { p.shape.cell_clip = 1; });
}

}  // namespace
}  // namespace reference
