// Sigmoid, tanh and the exponential against fp64, over every exponent and densely where they bend or saturate, with
// the error that recur/device/math.cuh derives, at each argument: from what the PTX ISA allows ex2.approx and
// rcp.approx and from the roundings between them. It holds whatever the instructions make of their freedom.
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

// Of the numbers that an fp32 result near value can be: just below a power of two also those above it.
double coarse_ulp(double value) { return ulp(value * (1 + 0x1p-18)); }

constexpr double ex2_ulp = 2.5, rcp_ulp = 1.5;  // from the true value: the ISA's 2 and 1, and half of the rounding
constexpr double ln_2 = 0.69314718055994531;

// Absolute errors.
double exponential_error(double x) { return (ex2_ulp + 0.5 + 0.001) * coarse_ulp(std::exp(x)); }

// Of 1 / d, where d has the error error.
double reciprocal_error(double d, double error) { return error / (d * d) + rcp_ulp * coarse_ulp(1 / d); }

double sigmoid_error(double x) {
  const double sum = 1 + std::exp(-x);
  return reciprocal_error(sum, exponential_error(-x) + 0.5 * coarse_ulp(sum));
}

// From 0.6 on 1 - 2 / (2^t + 1), t = x times 2 log2(e) as an fp32 number, which is 1.335e-8 off; below, what the CUDA
// programming guide states.
double tanh_error(double x) {
  x = std::abs(x);
  if (x < 0.6) return 2.5 * ulp(std::tanh(x));
  const double power = std::exp(2 * x), t = 2 * x / ln_2;
  const double power_error = ex2_ulp * coarse_ulp(power) + power * (ln_2 * 0.5 * coarse_ulp(t) + 2 * x * 1.335e-8);
  return 2 * reciprocal_error(power + 1, power_error + 0.5 * coarse_ulp(power + 1)) + 0.5 * ulp(std::tanh(x));
}

// Where the error allows a result below the normal numbers, zero is one. The largest error in ulp stays below most.
template <class Exact, class Error>
void expect_within(Function function, Exact exact, Error error_at, double most, float low, float high) {
  std::vector<float> x;
  for (float value : arguments())
    if (value >= low && value <= high) x.push_back(value);
  const std::vector<float> y = activation_values(function, x);
  double worst = 0, allowed = 0;
  int complaints = 0;
  for (size_t k = 0; k < x.size(); ++k) {
    const double expected = exact(static_cast<double>(x[k])), limit = error_at(static_cast<double>(x[k]));
    ASSERT_FALSE(std::isnan(y[k])) << "at " << x[k];
    if (std::abs(expected) - limit < FLT_MIN && std::abs(y[k]) <= std::max<double>(FLT_MIN, std::abs(expected) + limit)) continue;
    const double error = std::abs(y[k] - expected);
    worst = std::max(worst, error / ulp(expected));
    allowed = std::max(allowed, limit / ulp(expected));
    if (error > limit && ++complaints <= 5)
      ADD_FAILURE() << "at " << x[k] << " " << error / ulp(expected) << " ulp, where " << limit / ulp(expected) << " are allowed";
  }
  EXPECT_LE(allowed, most) << "the derivation gives another bound than the one that is stated";
  testing::Test::RecordProperty("worst_ulp", std::to_string(worst));
  testing::Test::RecordProperty("allowed_ulp", std::to_string(allowed));
}

double exact_sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

TEST(Activation, SigmoidIsWithinItsError) {
  expect_within(Function::sigmoid, exact_sigmoid, sigmoid_error, 10.01, -FLT_MAX, FLT_MAX);
  expect_within(Function::sigmoid, exact_sigmoid, sigmoid_error, 4.01, 0, FLT_MAX);
}

TEST(Activation, TanhIsWithinItsError) {
  expect_within(Function::tanh, [](double x) { return std::tanh(x); }, tanh_error, 3.72, -FLT_MAX, FLT_MAX);
}

TEST(Activation, ExponentialIsWithinItsErrorWhereItSaysSo) {
  expect_within(Function::exponential, [](double x) { return std::exp(x); }, exponential_error, 6.01, -87, 88);
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
