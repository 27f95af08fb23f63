// Every gradient of the network reference, element by element, against finite differences of its forward
// pass.
#include <gtest/gtest.h>

#include <cmath>
#include <ostream>
#include <string>

#include "tests/reference/finite_difference.hpp"
#include "tests/reference/network_problem.hpp"

namespace reference {
namespace {

struct Case {
  std::string name;
  NetworkShape shape;
  bool ragged = false, resets = false, dropout = false;
};

void PrintTo(const Case& c, std::ostream* stream) { *stream << text_of(c.shape); }

NetworkShape shape_of(Cell cell, int64_t layers = 1, int64_t directions = 1) {
  NetworkShape shape{cell, 7, 4, 3, 5};
  shape.layers = layers;
  shape.directions = directions;
  return shape;
}

std::vector<Case> cases() {
  std::vector<Case> list;
  for (const auto& named : cell_names()) {
    const Cell cell = named.first;
    const std::string& name = named.second;
    const double clip = cell == Cell::lstm_linear ? 0.02 : 0.25;  // what some cells exceed and others do not
    list.push_back({name, shape_of(cell)});
    list.push_back({name + "_of_size_one", NetworkShape{cell, 1, 1, 1, 1}});
    list.push_back({name + "_two_layers", shape_of(cell, 2)});
    list.push_back({name + "_two_directions", shape_of(cell, 1, 2)});
    list.push_back({name + "_ragged", shape_of(cell), true});
    list.push_back({name + "_resets", shape_of(cell), false, true});
    list.push_back({name + "_three_layers_dropout", shape_of(cell, 3), false, false, true});
    list.push_back({name + "_everything", shape_of(cell, 2, 2), true, true, true});
    if (!shape_of(cell).has_cells()) continue;
    const auto add = [&](const char* what, int64_t projection, bool peepholes, double cell_clip) {
      for (bool everything : {false, true}) {
        NetworkShape shape = everything ? shape_of(cell, 2, 2) : shape_of(cell);
        shape.projection = projection;
        shape.peepholes = peepholes;
        shape.cell_clip = cell_clip;
        list.push_back(
            {name + what + (everything ? "_everything" : ""), shape, everything, everything, everything});
      }
    };
    add("_projection", 2, false, 0);
    add("_peepholes", 0, true, 0);
    add("_clip", 0, false, clip);
    add("_projection_peepholes_clip", 2, true, clip);
  }
  return list;
}

class NetworkGradient : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Cases, NetworkGradient, testing::ValuesIn(cases()),
                         [](const auto& info) { return info.param.name; });

NetworkProblem problem_of(const Case& c) {
  NetworkProblem p(c.shape);
  if (c.ragged) p.add_lengths({4, 7, 0, 1});
  if (c.resets) p.add_resets();
  if (c.dropout) p.add_dropout();
  return p;
}

// Of all c that the clip sees: how many it changes, and how near the nearest lies to its edge.
struct ClipUse {
  int64_t all = 0, outside = 0;
  double nearest = 1;
};

ClipUse clip_use(const NetworkProblem& p) {
  ClipUse use;
  for (const std::vector<NetworkStep>& pass : p.forward().passes) {
    for (const NetworkStep& step : pass) {
      for (double c : step.unclipped) {
        ++use.all;
        use.outside += std::fabs(c) > p.shape.cell_clip;
        use.nearest = std::fmin(use.nearest, std::fabs(std::fabs(c) - p.shape.cell_clip));
      }
    }
  }
  return use;
}

TEST_P(NetworkGradient, EachElementIsTheDerivative) {
  NetworkProblem p = problem_of(GetParam());
  if (p.shape.cell_clip > 0) {
    const ClipUse use = clip_use(p);
    EXPECT_GT(use.outside * 8, use.all);
    EXPECT_LT(use.outside * 8, use.all * 7);
    EXPECT_GT(use.nearest, 3 * difference_step) << "a difference would step over the clip's edge";
  }
  const NetworkGradients g = p.gradients();
  const auto check = [&](const std::string& name, Vector& variable, const Vector& gradient) {
    const Vector numeric = numeric_gradient([&] { return p.loss(); }, variable);
    ASSERT_EQ(gradient.size(), numeric.size()) << name;
    for (size_t k = 0; k < numeric.size(); ++k) {
      EXPECT_NEAR(gradient[k], numeric[k], 1e-7 * (1 + std::fabs(numeric[k]))) << name << " " << k;
    }
  };
  check("dx", p.inputs.x, g.dx);
  check("dh0", p.inputs.h0, g.dh0);
  check("dc0", p.inputs.c0, g.dc0);
  for (size_t pass = 0; pass < p.weights.size(); ++pass) {
    const std::string where = " of pass " + std::to_string(pass);
    LayerWeights& w = p.weights[pass];
    const LayerWeights& dw = g.weights[pass];
    check("dw_ih" + where, w.w_ih, dw.w_ih);
    check("dw_hh" + where, w.w_hh, dw.w_hh);
    check("db_ih" + where, w.b_ih, dw.b_ih);
    check("db_hh" + where, w.b_hh, dw.b_hh);
    check("dw_hr" + where, w.w_hr, dw.w_hr);
    check("dpeephole" + where, w.peephole, dw.peephole);
  }
}

// Where there is nothing to do the gradient is nothing, not a small number.
TEST(NetworkGradients, BeyondARowsEndItIsZeroAndAnEmptyRowPassesItOn) {
  Case everything{"", shape_of(Cell::lstm, 2, 2), true, true, true};
  const NetworkProblem p = problem_of(everything);
  const NetworkGradients g = p.gradients();
  const int64_t N = p.shape.batch, I = p.shape.inputs, H = p.shape.hidden;
  for (int64_t t = 0; t < p.shape.steps; ++t) {
    for (int64_t n = 0; n < N; ++n) {
      double sum = 0;
      for (int64_t i = 0; i < I; ++i) sum += std::fabs(g.dx[(t * N + n) * I + i]);
      EXPECT_EQ(sum > 0, t < p.inputs.lengths[n]) << t << " " << n;
    }
  }
  for (int64_t pass = 0; pass < 4; ++pass) {  // row 2 has no step
    for (int64_t j = 0; j < H; ++j) {
      const int64_t k = (pass * N + 2) * H + j;
      EXPECT_EQ(g.dh0[k], p.dhT[k]);
      EXPECT_EQ(g.dc0[k], p.dcT[k]);
    }
  }
}

}  // namespace
}  // namespace reference
