// oneDNN's fp32 LSTM against the fp64 reference, over every shape that the layer is tested with: the two
// references are independent, so where they agree both are right.
#include "tests/reference/onednn_lstm.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/layer_problem.hpp"

namespace recur::test {
namespace {

TEST(OnednnLstm, AgreesWithTheReference) {
  WorstByName summary;
  for (const LayerCase& layer_case : read_layer_cases(RECUR_TEST_DATA "/lstm_shapes.txt")) {
    SCOPED_TRACE(layer_case.text());
    const LayerProblem problem(layer_case, reference::Activation::standard);
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

}  // namespace
}  // namespace recur::test
