// Sigmoid, tanh and the exponential against fp64, over every exponent and densely where they bend or saturate, with
// the error that kernels/device/math.cuh states.
#include "tests/kernels/activation_values.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

namespace {

using recur::test::activation_values;
using recur::test::Function;

float from_bits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// Both signs of 64 values in each binade, and 60,000 more from -110 to 110.
std::vector<float> arguments() {
  std::vector<float> x;
  for (uint32_t bits = 0; bits < 0x7f800000u; bits += (1u << 23) / 64 + 7) {
    x.push_back(from_bits(bits));
    x.push_back(-from_bits(bits));
  }
  for (int k = -30000; k <= 30000; ++k) x.push_back(static_cast<float>(k) * (110.0f / 30000.0f));
  for (float near : {88.0f, 88.72284f, 89.0f, 104.0f})  // where e^x leaves the finite or the normal numbers
    for (int k = -200; k <= 200; ++k) {
      x.push_back(near + static_cast<float>(k) * 0.005f);
      x.push_back(-near - static_cast<float>(k) * 0.005f);
    }
  return x;
}

double ulp(double value) {
  const int exponent = std::max(std::ilogb(value), FLT_MIN_EXP - 1);
  return std::ldexp(1.0, exponent - (FLT_MANT_DIG - 1));
}

// Errors in units of the last place; below the normal numbers zero is as good as the value.
template <class Exact>
void expect_within(Function function, double limit, Exact exact, float low, float high) {
  std::vector<float> x;
  for (float value : arguments())
    if (value >= low && value <= high) x.push_back(value);
  const std::vector<float> y = activation_values(function, x);
  double worst = 0;
  float at = 0;
  for (size_t k = 0; k < x.size(); ++k) {
    const double expected = exact(static_cast<double>(x[k]));
    ASSERT_FALSE(std::isnan(y[k])) << "at " << x[k];
    if (std::abs(expected) < FLT_MIN && std::abs(y[k]) <= FLT_MIN) continue;
    const double error = std::abs(y[k] - expected) / ulp(expected);
    if (error > worst) worst = error, at = x[k];
  }
  EXPECT_LE(worst, limit) << "at " << at;
  testing::Test::RecordProperty("worst_ulp", std::to_string(worst));
}

TEST(Activation, SigmoidIsWithinItsError) {
  expect_within(Function::sigmoid, 6, [](double x) { return 1 / (1 + std::exp(-x)); }, -FLT_MAX, FLT_MAX);
}

TEST(Activation, TanhIsWithinItsError) {
  expect_within(Function::tanh, 2, [](double x) { return std::tanh(x); }, -FLT_MAX, FLT_MAX);
}

TEST(Activation, ExponentialIsWithinItsErrorWhereItSaysSo) {
  expect_within(Function::exponential, 4, [](double x) { return std::exp(x); }, -87, 88);
}

TEST(Activation, InfinityAndNan) {
  constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> s = activation_values(Function::sigmoid, {infinity, -infinity, nan, -nan, 0.0f, -0.0f});
  EXPECT_EQ(s[0], 1.0f);
  EXPECT_EQ(s[1], 0.0f);
  EXPECT_TRUE(std::isnan(s[2]));
  EXPECT_TRUE(std::isnan(s[3]));
  EXPECT_EQ(s[4], 0.5f);
  EXPECT_EQ(s[5], 0.5f);
  const std::vector<float> t = activation_values(Function::tanh, {infinity, -infinity, nan, 0.0f});
  EXPECT_EQ(t[0], 1.0f);
  EXPECT_EQ(t[1], -1.0f);
  EXPECT_TRUE(std::isnan(t[2]));
  EXPECT_EQ(t[3], 0.0f);
}

}  // namespace
