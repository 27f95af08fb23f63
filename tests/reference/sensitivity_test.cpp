// That the tolerances let nothing pass that is wrong: mistakes a kernel could make, put into the problem,
// must be seen in the results by more than the tolerance.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>

#include "tests/support/layer_problem.hpp"

namespace recur::test {
namespace {

// The largest error of any tensor, in tolerances, that the mistake makes.
double seen(const LayerCase& layer_case, const std::function<void(LayerProblem&)>& mistake) {
  const LayerProblem right(layer_case, reference::Activation::standard);
  LayerProblem wrong = right;
  mistake(wrong);
  wrong.compute();
  double largest = 0;
  for (const auto& [name, member] : LayerExpected::tensors()) {
    const Worst worst = right.compare(name, wrong.expected().*member, right.expected().*member);
    largest = std::max(largest, worst.tolerances);
  }
  return largest;
}

void expect_seen(const std::string& what, const std::function<void(LayerProblem&)>& mistake,
                 const std::function<bool(const LayerCase&)>& where) {
  double least = 1e300;
  int cases = 0;
  for (const LayerCase& layer_case : read_layer_cases(RECUR_TEST_DATA "/lstm_shapes.txt")) {
    if (!where(layer_case)) continue;
    const double tolerances = seen(layer_case, mistake);
    EXPECT_GT(tolerances, 1) << what << " is not seen at " << layer_case.text();
    least = std::min(least, tolerances);
    ++cases;
  }
  std::printf("%s: %d shapes, at least %.3g tolerances\n", what.c_str(), cases, least);
  EXPECT_GE(cases, 20);
}

bool anywhere(const LayerCase&) { return true; }

// Round to nearest at 10 bits of mantissa, as tensor cores do with fp32 factors unless told otherwise.
void round_to_tf32(std::vector<float>& values) {
  for (float& value : values) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    bits = (bits + 0x1000u) & ~0x1FFFu;
    std::memcpy(&value, &bits, sizeof bits);
  }
}

TEST(Sensitivity, ProductsInTf32) {
  expect_seen(
      "TF32 products",
      [](LayerProblem& p) {
        round_to_tf32(p.w_ih);
        round_to_tf32(p.w_hh);
        round_to_tf32(p.x);
      },
      anywhere);
}

TEST(Sensitivity, OneWeightUnread) {
  expect_seen(
      "one weight unread", [](LayerProblem& p) { p.w_ih.back() = 0; }, anywhere);
  expect_seen(
      "one recurrent weight unread", [](LayerProblem& p) { p.w_hh.back() = 0; },
      [](const LayerCase& c) { return c.shape.steps > 1 || c.h0; });
}

TEST(Sensitivity, GatesSwapped) {
  expect_seen(
      "f and o swapped",
      [](LayerProblem& p) {
        const auto swap_rows = [&](std::vector<float>& values, size_t columns) {
          const size_t block = size_t(p.layer_case.shape.hidden) * columns;
          std::swap_ranges(values.begin() + ptrdiff_t(block), values.begin() + ptrdiff_t(2 * block),
                           values.begin() + ptrdiff_t(3 * block));
        };
        swap_rows(p.w_ih, size_t(p.layer_case.shape.inputs));
        swap_rows(p.w_hh, size_t(p.layer_case.shape.hidden));
        swap_rows(p.b_ih, 1);
        swap_rows(p.b_hh, 1);
      },
      anywhere);
}

TEST(Sensitivity, OneElementOfADataTensor) {
  expect_seen(
      "last x unread", [](LayerProblem& p) { p.x.back() = 0; }, anywhere);
  expect_seen(
      "last dy unread", [](LayerProblem& p) { p.dy.back() = 0; }, anywhere);
  expect_seen(
      "h0 unread", [](LayerProblem& p) { p.h0.clear(); }, [](const LayerCase& c) { return c.h0; });
  expect_seen(
      "dcT unread", [](LayerProblem& p) { p.dcT.clear(); }, [](const LayerCase& c) { return c.dcT; });
}

TEST(Sensitivity, OneBias) {
  expect_seen(
      "last b_hh unread", [](LayerProblem& p) { p.b_hh.back() = 0; }, anywhere);
}

}  // namespace
}  // namespace recur::test
