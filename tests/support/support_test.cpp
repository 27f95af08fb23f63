// The test support itself: a comparison that cannot fail proves nothing.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>
#include <sstream>

#include "tests/support/compare.hpp"
#include "tests/support/random_fill.hpp"
#include "tests/support/shape_list.hpp"
#include "tests/support/tolerance.hpp"

namespace recur::test {
namespace {

std::string error_of(const std::string& text, size_t columns) {
  std::istringstream in(text);
  try {
    read_shape_list(in, "list", columns);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "no error";
}

TEST(ShapeList, ReadsNumbersAndSkipsComments) {
  std::istringstream in("# head\n\n 1 2 3 # tail\n40\t5 6\r\n");
  EXPECT_EQ(read_shape_list(in, "list", 3), (std::vector<std::vector<int64_t>>{{1, 2, 3}, {40, 5, 6}}));
}

TEST(ShapeList, ErrorsNameTheLine) {
  EXPECT_EQ(error_of("1 2\n# x\n1 2 3\n", 2), "list:3: expected 2 numbers, found 3");
  EXPECT_EQ(error_of("1\n", 2), "list:1: expected 2 numbers, found 1");
  EXPECT_EQ(error_of("1 2\n1 -2\n", 2), "list:2: '-2' is not a whole number of at least 0");
  EXPECT_EQ(error_of("1 2x\n", 2), "list:1: '2x' is not a whole number of at least 0");
  EXPECT_EQ(error_of("1 9999999999999999999\n", 2),
            "list:1: '9999999999999999999' is not a whole number of at least 0");
  EXPECT_EQ(error_of("# nothing\n", 2), "list: no shape in this list");
  EXPECT_THROW(read_shape_list("no/such/file", 2), std::runtime_error);
}

TEST(Compare, MeasuresInTolerancesAndFindsTheElement) {
  const std::vector<double> expected = {3, 4, 0, 0};  // root mean square 2.5
  const Worst worst = compare(std::vector<float>{3, 4, 0.5, 0}, expected, 0.1);
  EXPECT_EQ(worst.index, 2u);
  EXPECT_NEAR(worst.tolerances, 2, 1e-6);
  EXPECT_FALSE(worst.ok());
  EXPECT_NE(worst.text().find("element 2 is 0.5, expected 0"), std::string::npos) << worst.text();
  EXPECT_TRUE(compare(std::vector<float>{3.2f, 4, 0.2f, 0}, expected, 0.1).ok());
  EXPECT_EQ(compare(expected, expected, 1e-9).tolerances, 0);
}

TEST(Compare, NothingHides) {
  const float nan = std::numeric_limits<float>::quiet_NaN(),
              infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> one = {1};
  EXPECT_FALSE(compare(std::vector<float>{nan}, one, 1).ok());
  EXPECT_FALSE(compare(std::vector<float>{infinity}, one, 1).ok());
  EXPECT_FALSE(compare(one, std::vector<float>{nan}, 1).ok());
  EXPECT_FALSE(compare(one, std::vector<float>{infinity}, 1).ok());
  EXPECT_FALSE(compare(one, std::vector<float>{1, 1}, 1).ok());
  EXPECT_FALSE(
      compare(std::vector<float>{1e-30f}, std::vector<float>{0}, 1).ok());  // exact zeros must be met
}

TEST(Tolerance, GrowsAsTheRootOfTheChain) {
  EXPECT_DOUBLE_EQ(tolerance(unit_roundoff_fp32, 400), 6 * 20 * 0x1p-24);
  const LayerTolerance t{unit_roundoff_fp32, 50, 16, 64, 128, 4};
  EXPECT_DOUBLE_EQ(t.forward(), tolerance(unit_roundoff_fp32, 50 * (64 + 128 + 16)));
  EXPECT_LT(t.forward(), t.data_gradient());
  EXPECT_LT(t.data_gradient(), t.weight_gradient());
  EXPECT_LT(t.weight_gradient(), 1e-4);  // an approximate tanh of 5e-4 does not pass
}

TEST(RandomFill, IsUniformAndReproducible) {
  const std::vector<float> values = random_fill(100000, 7, 2);
  EXPECT_EQ(values, random_fill(100000, 7, 2));
  EXPECT_NE(values, random_fill(100000, 8, 2));
  double sum = 0, squares = 0;
  for (float v : values) {
    ASSERT_LT(std::fabs(v), 2);
    ASSERT_NE(v, 0);
    sum += v;
    squares += double(v) * v;
  }
  EXPECT_NEAR(sum / 1e5, 0, 0.02);
  EXPECT_NEAR(squares / 1e5, 4.0 / 3, 0.02);
  EXPECT_GT(std::set<float>(values.begin(), values.end()).size(), 99000u);
}

// Tensors take seeds one after the other: none may hold another's values, shifted or not.
TEST(RandomFill, SeedsThatFollowEachOtherHaveNothingInCommon) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const std::vector<float> one = random_fill(500, seed), next = random_fill(500, seed + 1);
    const std::set<float> values(one.begin(), one.end());
    int common = 0;
    for (float v : next) common += int(values.count(v));
    EXPECT_LE(common, 2) << seed;  // by chance: 500 * 500 pairs of 2^24 values
  }
}

}  // namespace
}  // namespace recur::test
