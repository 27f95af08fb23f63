// oneDNN's fp32 networks against the fp64 reference: the two are independent, so where they agree both are
// right.
#include "tests/reference/onednn_network.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "tests/reference/network_problem.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/layer_problem.hpp"
#include "tests/support/tolerance.hpp"

namespace reference {
namespace {

using recur::test::Worst;

// The longest path goes through every layer once besides the steps, and a projection is one more sum.
recur::test::LayerTolerance tolerance_of(const NetworkShape& s) {
  const int64_t inputs = std::max(s.inputs, s.layer_inputs(s.layers - 1));
  return {recur::test::unit_roundoff_fp32,
          double(s.steps + s.layers - 1),
          double(s.batch),
          double(inputs),
          double(s.hidden + s.projection),
          double(s.gates())};
}

// Every cell that oneDNN has, over sizes of one, primes and powers of two.
std::vector<NetworkShape> shapes() {
  std::vector<NetworkShape> list;
  const auto add = [&](NetworkShape shape, int64_t projection, bool peepholes) {
    shape.projection = projection;
    shape.peepholes = peepholes;
    list.push_back(shape);
  };
  for (const auto& [cell, name] : cell_names()) {
    if (cell == Cell::lstm_linear) continue;
    for (const NetworkShape& shape :
         {NetworkShape{cell, 1, 1, 1, 1}, NetworkShape{cell, 7, 4, 3, 5}, NetworkShape{cell, 5, 3, 7, 7, 3},
          NetworkShape{cell, 6, 2, 3, 11, 3}, NetworkShape{cell, 7, 5, 3, 4, 1, 2},
          NetworkShape{cell, 4, 3, 5, 7, 3, 2}, NetworkShape{cell, 33, 2, 5, 3, 2, 2},
          NetworkShape{cell, 10, 8, 32, 64, 2}, NetworkShape{cell, 3, 17, 19, 37, 2, 2}}) {
      list.push_back(shape);
      if (cell != Cell::lstm) continue;
      add(shape, 0, true);
      add(shape, std::max<int64_t>(1, shape.hidden / 2), false);
      add(shape, std::max<int64_t>(1, shape.hidden / 2), true);
    }
  }
  return list;
}

class OnednnNetworks : public testing::TestWithParam<NetworkShape> {};
INSTANTIATE_TEST_SUITE_P(Shapes, OnednnNetworks, testing::ValuesIn(shapes()), [](const auto& info) {
  std::string name = text_of(info.param);
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
});

TEST_P(OnednnNetworks, AgreesWithTheReference) {
  const NetworkShape& shape = GetParam();
  const NetworkProblem p(shape);
  const recur::test::LayerTolerance tolerance = tolerance_of(shape);
  const NetworkForward exact = p.forward();
  const NetworkGradients g = p.gradients();
  const OnednnNetwork o = onednn_network(shape, p.weights, p.inputs, p.dy, p.dhT, p.dcT);
  const auto check = [](const std::string& name, const Vector& values, const Vector& expected, double within,
                        const Vector& scale) {
    const Worst worst = recur::test::compare(values, expected, within, recur::test::root_mean_square(scale));
    EXPECT_TRUE(worst.ok()) << name << ": " << worst.text();
  };
  check("y", o.y, exact.y, tolerance.forward(), exact.y);
  check("hT", o.hT, exact.hT, tolerance.forward(), exact.hiddens);
  check("cT", o.cT, exact.cT, tolerance.forward(), exact.cells);
  check("dx", o.gradients.dx, g.dx, tolerance.data_gradient(), g.dx);
  check("dh0", o.gradients.dh0, g.dh0, tolerance.data_gradient(), g.dh0);
  check("dc0", o.gradients.dc0, g.dc0, tolerance.data_gradient(), g.dc0);
  ASSERT_EQ(o.gradients.weights.size(), g.weights.size());
  for (size_t pass = 0; pass < g.weights.size(); ++pass) {
    for (const auto& [name, member] : LayerWeights::tensors()) {
      const Vector& expected = g.weights[pass].*member;
      check("d" + name + " of pass " + std::to_string(pass), o.gradients.weights[pass].*member, expected,
            tolerance.weight_gradient(), expected);
    }
  }
}

// Every shape that the layer is tested with, against the reference that those tests go by.
TEST(Onednn, AgreesOverTheShapesOfTheLayersTests) {
  using namespace recur::test;
  WorstByName summary;
  for (const LayerCase& layer_case : read_layer_cases(RECUR_TEST_DATA "/lstm_shapes.txt")) {
    SCOPED_TRACE(layer_case.text());
    const LayerProblem problem(layer_case, Activation::standard);
    const LayerExpected& exact = problem.expected();
    const LayerExpected onednn = problem.expected_from_onednn();
    for (const auto& [name, member] : LayerExpected::tensors()) {
      const Worst worst = problem.compare(name, onednn.*member, exact.*member);
      EXPECT_TRUE(worst.ok()) << name << ": " << worst.text();
      summary.add(name, worst, layer_case.text());
    }
  }
  summary.print("oneDNN against fp64, worst error in tolerances:");
}

TEST(Onednn, SaysWhatItCannotDo) {
  const auto expect_refused = [](const NetworkShape& shape, void (*change)(NetworkProblem&),
                                 const std::string& what) {
    NetworkProblem p(shape);
    change(p);
    try {
      onednn_network(p.shape, p.weights, p.inputs, p.dy, p.dhT, p.dcT);
      ADD_FAILURE() << what << " is not refused";
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find(what), std::string::npos) << error.what();
    }
  };
  const NetworkShape lstm{Cell::lstm, 3, 2, 3, 5, 2};
  const auto nothing = [](NetworkProblem&) {};
  expect_refused(NetworkShape{Cell::lstm_linear, 3, 2, 3, 5}, nothing, "linear");
  expect_refused(NetworkShape{Cell::lstm, 3, 2, 3, 5, 1, 1, 0, false, 1.0}, nothing, "clip");
  expect_refused(
      lstm,
      [](NetworkProblem& p) {
        p.add_lengths({3, 1});
      },
      "lengths");
  expect_refused(
      lstm, [](NetworkProblem& p) { p.add_resets(); }, "resets");
  expect_refused(
      lstm, [](NetworkProblem& p) { p.add_dropout(); }, "dropout");
}

}  // namespace
}  // namespace reference
