// The LSTM layer's outputs and every gradient against two independent references: fp64 from the definition,
// and oneDNN. The shapes are those of tests/data/lstm_shapes.txt.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/layer_problem.hpp"
#include "tests/support/layer_run.hpp"

namespace recur::test {
namespace {

const std::vector<LayerCase>& cases() {
  static const std::vector<LayerCase> all = read_layer_cases(RECUR_TEST_DATA "/lstm_shapes.txt");
  return all;
}

// Printed once everything has run: how near to its tolerance each output came, and where.
struct Summary : testing::Environment {
  static WorstByName& against(const std::string& what) {
    static std::map<std::string, WorstByName> all;
    return all[what];
  }
  void TearDown() override {
    for (const char* what :
         {"fp64", "oneDNN", "fp64, linear activations", "training, inference", "training, steps"}) {
      against(what).print((std::string("worst error in tolerances against ") + what + ":").c_str());
    }
  }
};
const auto* const summary = testing::AddGlobalTestEnvironment(new Summary);

void expect_near(const LayerExpected& result, const LayerExpected& expected, const LayerProblem& problem,
                 const std::string& what) {
  for (const auto& [name, member] : LayerExpected::tensors()) {
    const Worst worst = problem.compare(name, result.*member, expected.*member);
    EXPECT_TRUE(worst.ok()) << name << " against " << what << ": " << worst.text();
    Summary::against(what).add(name, worst, problem.layer_case.text());
  }
}

class LayerReference : public testing::TestWithParam<LayerCase> {};
INSTANTIATE_TEST_SUITE_P(Shapes, LayerReference, testing::ValuesIn(cases()), [](const auto& info) {
  std::string name = std::to_string(info.index) + "_" + info.param.text();
  for (char& c : name) c = c == ' ' ? '_' : c;
  return name;
});

TEST_P(LayerReference, OutputsAndGradients) {
  const LayerProblem problem(GetParam(), reference::Activation::standard);
  LayerRun run(problem);
  run.forward(true);
  run.backward();
  const LayerResult training = run.result();
  const LayerExpected result = training.by_name(run.sizes());
  expect_near(result, problem.expected(), problem, "fp64");
  expect_near(result, problem.expected_from_onednn(), problem, "oneDNN");
  EXPECT_EQ(run.damage(), "");
}

TEST_P(LayerReference, OutputsAndGradientsWithLinearActivations) {
  const LayerProblem problem(GetParam(), reference::Activation::linear);
  LayerRun run(problem);
  run.forward(true);
  run.backward();
  expect_near(run.result().by_name(run.sizes()), problem.expected(), problem, "fp64, linear activations");
  EXPECT_EQ(run.damage(), "");
}

TEST_P(LayerReference, InferenceAndStepsEqualTraining) {
  const LayerProblem problem(GetParam(), reference::Activation::standard);
  LayerRun run(problem);
  run.forward(true);
  const LayerResult training = run.result();

  LayerRun again(problem);
  again.forward(false);
  const LayerResult inference = again.result();
  const auto near = [&](const char* name, const char* what, const std::vector<float>& a,
                        const std::vector<float>& b) {
    const Worst worst = problem.compare(name, a, b);
    EXPECT_TRUE(worst.ok()) << name << " of " << what << ": " << worst.text();
    Summary::against(std::string("training, ") + what).add(name, worst, problem.layer_case.text());
  };
  near("y", "inference", inference.y, training.y);
  near("hT", "inference", inference.hT, training.hT);
  near("cT", "inference", inference.cT, training.cT);
  EXPECT_EQ(again.damage(), "");

  LayerRun stepping(problem);
  stepping.steps();
  const LayerResult steps = stepping.result();
  near("y", "steps", steps.y, training.y);
  near("cT", "steps", steps.cT, training.cT);
  EXPECT_EQ(stepping.damage(), "");

  // hT is the last of y.
  EXPECT_EQ(std::vector<float>(training.y.end() - training.hT.size(), training.y.end()), training.hT);
}

}  // namespace
}  // namespace recur::test
