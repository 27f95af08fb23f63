#include "tests/reference/optimizer.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace reference {
namespace {

TEST(OptimizerReference, SgdByHand) {
  Vector p = {1.0};
  OptimizerState state;
  const SgdOptions options{0.1, 0.5, 0.01, false};
  sgd_step(p, {2.0}, state, options);  // m = 2.01
  EXPECT_NEAR(p[0], 1 - 0.201, 1e-15);
  sgd_step(p, {2.0}, state, options);  // m = 1.005 + 2 + 0.00799
  EXPECT_NEAR(p[0], 0.799 - 0.1 * 3.01299, 1e-15);

  Vector q = {1.0};
  OptimizerState nesterov;
  sgd_step(q, {2.0}, nesterov, {0.1, 0.5, 0, true});  // 2 + 0.5 * 2
  EXPECT_NEAR(q[0], 0.7, 1e-15);
}

// The first step of Adam is lr * g / (|g| + epsilon), whatever the betas: both corrections cancel.
TEST(OptimizerReference, FirstAdamStep) {
  for (double g : {3.0, -1e-3, 1e-9}) {
    Vector p = {0.5};
    OptimizerState state;
    adam_step(p, {g}, state, {0.01, 0.8, 0.95, 1e-8, 0, false});
    EXPECT_NEAR(p[0], 0.5 - 0.01 * g / (std::fabs(g) + 1e-8), 1e-14);
  }
}

// A constant gradient keeps the corrected moments at g and g^2, so every step is as long as the first.
TEST(OptimizerReference, ConstantGradientInAdam) {
  Vector p = {0.0};
  OptimizerState state;
  for (int t = 0; t < 50; ++t) adam_step(p, {-2.0}, state, {});
  EXPECT_EQ(state.steps, 50);
  EXPECT_NEAR(p[0], 50 * 0.001 * 2 / (2 + 1e-8), 1e-12);
}

// Two steps of two gradients, worked out from the definition with closed forms for the moments.
TEST(OptimizerReference, SecondAdamStepByHand) {
  Vector p = {1.0};
  OptimizerState state;
  const AdamOptions options{0.1, 0.9, 0.99, 1e-8, 0, false};
  adam_step(p, {1.0}, state, options);
  const double after_one = p[0];
  adam_step(p, {3.0}, state, options);
  const double m = (0.9 * 0.1 * 1 + 0.1 * 3) / 0.19;
  const double v = (0.99 * 0.01 * 1 + 0.01 * 9) / 0.0199;
  EXPECT_NEAR(p[0], after_one - 0.1 * m / (std::sqrt(v) + 1e-8), 1e-14);
}

TEST(OptimizerReference, WhereTheDecayActs) {
  // Without a gradient AdamW shrinks by lr * decay; Adam sees the decay as a gradient and steps by lr.
  Vector decoupled = {2.0}, coupled = {2.0};
  OptimizerState a, b;
  adam_step(decoupled, {0.0}, a, {0.1, 0.9, 0.999, 1e-8, 0.5, true});
  adam_step(coupled, {0.0}, b, {0.1, 0.9, 0.999, 1e-8, 0.5, false});
  EXPECT_NEAR(decoupled[0], 2 * (1 - 0.05), 1e-15);
  EXPECT_NEAR(coupled[0], 1.9, 1e-8);
}

TEST(OptimizerReference, ClippingByGlobalNorm) {
  EXPECT_NEAR(global_norm({{3, 0}, {}, {-4}}), 5, 1e-15);
  EXPECT_NEAR(clip_factor(5, 1), 0.2, 1e-7);
  EXPECT_EQ(clip_factor(0.5, 1), 1);
  EXPECT_EQ(clip_factor(0, 1), 1);
}

}  // namespace
}  // namespace reference
