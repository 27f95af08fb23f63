// The network reference against ONNX's own cases of its operators LSTM, GRU and RNN.
#include <gtest/gtest.h>

#include <string>

#include "tests/reference/onnx_cases.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/tolerance.hpp"

namespace reference {
namespace {

double tolerance_of(const NetworkShape& s) {
  return recur::test::LayerTolerance{recur::test::unit_roundoff_fp32,
                                     double(s.steps),
                                     double(s.batch),
                                     double(s.inputs),
                                     double(s.hidden),
                                     double(s.gates())}
      .forward();
}

TEST(NetworkPublished, OnnxCases) {
  int cases = 0, outputs = 0;
  for (const nlohmann::json& one : published_onnx_cases()) {
    SCOPED_TRACE(std::string(one.at("name")));
    const OnnxCase c = read_onnx_case(one);
    const NetworkForward f = network_forward(c.shape, {c.weights}, c.inputs);
    const auto expect = [&](const char* what, const Vector& computed, const Vector& given) {
      if (given.empty()) return;
      const recur::test::Worst worst = recur::test::compare(given, computed, tolerance_of(c.shape));
      EXPECT_TRUE(worst.ok()) << what << ": " << worst.text();
      ++outputs;
    };
    expect("Y", f.y, c.y);
    expect("Y_h", f.hT, c.hT);
    ++cases;
  }
  EXPECT_EQ(cases, 12);
  EXPECT_EQ(outputs, 15);
}

// The one case with a GRU's weights all different tells the two forms apart, and the gates.
TEST(NetworkPublished, OnnxCaseThatTellsGrusApart) {
  for (const nlohmann::json& one : published_onnx_cases()) {
    if (one.at("name") != "gru_seq_length") continue;
    const OnnxCase right = read_onnx_case(one);
    const auto distance = [&](const OnnxCase& c) {
      const NetworkForward f = network_forward(c.shape, {c.weights}, c.inputs);
      return recur::test::compare(right.hT, f.hT, tolerance_of(c.shape)).tolerances;
    };
    EXPECT_LE(distance(right), 1);
    OnnxCase wrong = right;
    wrong.shape.cell = Cell::gru;
    EXPECT_GT(distance(wrong), 100);
    wrong = right;
    wrong.weights.w_ih = blocks(wrong.weights.w_ih, {1, 0, 2});
    wrong.weights.w_hh = blocks(wrong.weights.w_hh, {1, 0, 2});
    EXPECT_GT(distance(wrong), 100);
    return;
  }
  FAIL() << "gru_seq_length is not among the cases";
}

}  // namespace
}  // namespace reference
