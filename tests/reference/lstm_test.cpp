// The LSTM reference against finite differences of itself.
#include "tests/reference/lstm.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <utility>

#include "tests/reference/finite_difference.hpp"
#include "tests/reference/linear_algebra.hpp"

namespace reference {
namespace {

struct Problem {
  LstmShape shape;
  Activation activation;
  LstmParameters parameters;
  LstmInputs inputs;
  LstmOutputGradients outputs;

  // The loss whose derivative by y, hT and cT is dy, dhT and dcT.
  double loss() const {
    const LstmForward f = lstm_forward(shape, parameters, inputs, activation);
    double sum = 0;
    for (const auto& [value, weight] :
         {std::pair(&f.y, &outputs.dy), std::pair(&f.hT, &outputs.dhT), std::pair(&f.cT, &outputs.dcT)}) {
      if (!weight->empty()) sum += dot(value->data(), weight->data(), int64_t(value->size()));
    }
    return sum;
  }
};

Problem make_problem(const LstmShape& shape, Activation activation, bool with_states) {
  const auto [T, N, I, H] = shape;
  std::mt19937 generator(uint32_t(T * 1000 + N * 100 + I * 10 + H));
  auto random = [&](int64_t size, double scale) {
    std::uniform_real_distribution<double> uniform(-scale, scale);
    Vector values(size);
    for (double& value : values) value = uniform(generator);
    return values;
  };
  Problem p{shape, activation, {}, {}, {}};
  p.parameters = {random(4 * H * I, 1), random(4 * H * H, 1), random(4 * H, 1), random(4 * H, 1)};
  p.inputs.x = random(T * N * I, 1);
  p.outputs.dy = random(T * N * H, 1);
  if (with_states) {
    p.inputs.h0 = random(N * H, 1);
    p.inputs.c0 = random(N * H, 1);
    p.outputs.dhT = random(N * H, 1);
    p.outputs.dcT = random(N * H, 1);
  }
  return p;
}

LstmGradients gradients_of(const Problem& p) {
  const LstmForward forward = lstm_forward(p.shape, p.parameters, p.inputs, p.activation);
  return lstm_backward(p.shape, p.parameters, p.inputs, forward, p.outputs, p.activation);
}

class LstmReference : public testing::TestWithParam<Activation> {};
INSTANTIATE_TEST_SUITE_P(Activations, LstmReference,
                         testing::Values(Activation::standard, Activation::linear), [](const auto& info) {
                           return info.param == Activation::linear ? "linear" : "standard";
                         });

TEST_P(LstmReference, EachGradientElementIsTheDerivative) {
  for (const LstmShape& shape : {LstmShape{3, 2, 3, 4}, LstmShape{1, 1, 1, 1}, LstmShape{4, 1, 2, 1}}) {
    Problem p = make_problem(shape, GetParam(), true);
    const LstmGradients g = gradients_of(p);
    auto check = [&](const char* name, Vector& variable, const Vector& gradient) {
      const Vector numeric = numeric_gradient([&] { return p.loss(); }, variable);
      ASSERT_EQ(gradient.size(), numeric.size()) << name;
      for (size_t k = 0; k < numeric.size(); ++k) {
        EXPECT_NEAR(gradient[k], numeric[k], 1e-7 * (1 + std::fabs(numeric[k]))) << name << " " << k;
      }
    };
    check("dx", p.inputs.x, g.dx);
    check("dh0", p.inputs.h0, g.dh0);
    check("dc0", p.inputs.c0, g.dc0);
    check("dw_ih", p.parameters.w_ih, g.dw_ih);
    check("dw_hh", p.parameters.w_hh, g.dw_hh);
    check("db_ih", p.parameters.b_ih, g.db_ih);
    check("db_hh", p.parameters.b_hh, g.db_hh);
  }
}

TEST_P(LstmReference, SlopeAlongRandomDirections) {
  Problem p = make_problem({7, 5, 6, 9}, GetParam(), true);
  if (GetParam() == Activation::linear) {  // keep the products of seven steps at size 1
    for (Vector* w : {&p.parameters.w_ih, &p.parameters.w_hh, &p.parameters.b_ih, &p.parameters.b_hh}) {
      for (double& value : *w) value /= 3;
    }
  }
  const LstmGradients g = gradients_of(p);
  auto check = [&](const char* name, Vector& variable, const Vector& gradient) {
    const Vector direction = random_direction(variable.size(), 17);
    const double expected = dot(gradient.data(), direction.data(), int64_t(direction.size()));
    const double numeric = numeric_slope([&] { return p.loss(); }, variable, direction);
    EXPECT_NEAR(expected, numeric, 1e-7 * (1 + std::fabs(numeric))) << name;
  };
  check("dx", p.inputs.x, g.dx);
  check("dh0", p.inputs.h0, g.dh0);
  check("dc0", p.inputs.c0, g.dc0);
  check("dw_ih", p.parameters.w_ih, g.dw_ih);
  check("dw_hh", p.parameters.w_hh, g.dw_hh);
  check("db_ih", p.parameters.b_ih, g.db_ih);
  check("db_hh", p.parameters.b_hh, g.db_hh);
}

// Gates are told apart by hand-made biases: with all weights zero, i = s(1), f = s(2), g = tanh(3), o = s(4).
TEST(LstmReference, GateOrder) {
  const LstmShape shape{1, 1, 1, 1};
  const LstmParameters parameters{Vector(4, 0.0), Vector(4, 0.0), {1, 2, 3, 4}, Vector(4, 0.0)};
  const LstmForward f = lstm_forward(shape, parameters, {{0.0}, {0.0}, {0.5}});
  auto s = [](double a) { return 1 / (1 + std::exp(-a)); };
  const double c = s(2) * 0.5 + s(1) * std::tanh(3);
  EXPECT_NEAR(f.cT[0], c, 1e-15);
  EXPECT_NEAR(f.hT[0], s(4) * std::tanh(c), 1e-15);
}

TEST(LstmReference, AbsentStatesAreZeros) {
  Problem p = make_problem({3, 2, 4, 5}, Activation::standard, false);
  const LstmForward absent = lstm_forward(p.shape, p.parameters, p.inputs);
  const LstmGradients absent_gradients = gradients_of(p);
  p.inputs.h0 = p.inputs.c0 = p.outputs.dhT = p.outputs.dcT = Vector(2 * 5, 0.0);
  EXPECT_EQ(absent.y, lstm_forward(p.shape, p.parameters, p.inputs).y);
  EXPECT_EQ(absent_gradients.dx, gradients_of(p).dx);
  EXPECT_EQ(absent_gradients.dh0, gradients_of(p).dh0);
}

}  // namespace
}  // namespace reference
