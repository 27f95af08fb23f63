// Recurrent networks, every cell and option of tests/data/network_cases.txt, against the fp64 reference and,
// where it has the cell, oneDNN: outputs and every gradient; inference and single steps against training; equal bits from run to run; padding that holds NaN.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/reference/onednn_network.hpp"
#include "tests/support/api_counter.hpp"
#include "tests/support/network_problem.hpp"
#include "tests/support/network_run.hpp"

namespace recur::test {
namespace {

const std::vector<NetworkCase>& cases() {
  static const std::vector<NetworkCase> all = read_network_cases(RECUR_TEST_DATA "/network_cases.txt");
  return all;
}

const char* type_name(recur_type type) {
  return type == RECUR_TYPE_FLOAT32 ? "fp32" : type == RECUR_TYPE_TFLOAT32 ? "TF32"
                                           : type == RECUR_TYPE_FLOAT16    ? "fp16"
                                                                           : "bf16";
}

// Printed once everything has run: how near to its tolerance each tensor of each cell and type came, and where.
struct Summary : testing::Environment {
  static WorstByName& against() {
    static WorstByName all;
    return all;
  }
  void TearDown() override { against().print("worst error in tolerances against fp64:"); }
};
const auto* const summary = testing::AddGlobalTestEnvironment(new Summary);

void expect_near(const NetworkProblem& p, const std::string& name, const Vector& values, const Vector& expected,
                 double scale) {
  const Worst worst = p.compare(name, values, expected, scale);
  EXPECT_TRUE(worst.ok()) << name << ": " << worst.text();
  const std::string cell = p.c.text.substr(0, p.c.text.find(' '));
  Summary::against().add(cell + " " + type_name(p.c.type) + " " + name, worst, p.c.text);
}
void expect_near(const NetworkProblem& p, const std::string& name, const Vector& values, const Vector& expected) {
  expect_near(p, name, values, expected, root_mean_square(expected));
}

void expect_outputs(const NetworkProblem& p, const NetworkRun& run, const reference::NetworkForward& expected) {
  expect_near(p, "y", run.y(), expected.y);
  expect_near(p, "hT", run.hT(), expected.hT, root_mean_square(expected.hiddens));
  if (p.c.shape.has_cells()) expect_near(p, "cT", run.floats("cT"), expected.cT, root_mean_square(expected.cells));
}

void expect_gradients(const NetworkProblem& p, const NetworkRun& run, const reference::NetworkGradients& expected) {
  expect_near(p, "dx", run.dx(), expected.dx);
  if (p.c.period == 0) {
    expect_near(p, "dh0", run.floats("dh0"), p.initial(expected.dh0, p.c.shape.state_size(), true));
    if (p.c.shape.has_cells()) 
      expect_near(p, "dc0", run.floats("dc0"), p.initial(expected.dc0, p.c.shape.hidden, true));
  }
  const char* const names[] = {"dW_ih", "dW_hh", "db_ih", "db_hh", "dW_hr", "dpeephole"};
  for (size_t pass = 0; pass < expected.weights.size(); ++pass) {
    const reference::LayerWeights& w = expected.weights[pass];
    const Vector* const parts[] = {&w.w_ih, &w.w_hh, &w.b_ih, &w.b_hh, &w.w_hr, &w.peephole};
    for (int which = 0; which < 6; ++which)
      if (!parts[which]->empty())
        expect_near(p, names[which], run.gradient(int64_t(pass), recur_parameter(which)), *parts[which]);
  }
}

class Network : public testing::TestWithParam<NetworkCase> {};
INSTANTIATE_TEST_SUITE_P(Cases, Network, testing::ValuesIn(cases()), [](const auto& info) {
  std::string name = std::to_string(info.index) + "_" + info.param.text;
  for (char& letter : name)
    if (!std::isalnum(static_cast<unsigned char>(letter))) letter = '_';
  return name;
});

TEST_P(Network, OutputsAndGradients) {
  const NetworkProblem p(GetParam());
  NetworkRun run(p);
  run.forward(true);
  expect_outputs(p, run, p.forward);
  run.backward();
  expect_gradients(p, run, p.gradients);
  EXPECT_EQ(run.damage(), "");

  // Once more, at addresses that allow no wide access: the same within tolerance, and untouched around.
  NetworkRun odd(p, 1);
  odd.forward(true);
  odd.backward();
  expect_outputs(p, odd, p.forward);
  expect_gradients(p, odd, p.gradients);
  EXPECT_EQ(odd.damage(), "");
}

TEST_P(Network, AgainstOneDnn) {
  const NetworkProblem p(GetParam());
  if (p.c.type != RECUR_TYPE_FLOAT32) GTEST_SKIP() << "this reference is of fp32";
  if (p.c.period > 0) GTEST_SKIP() << "oneDNN has no truncated back-propagation";
  reference::OnednnNetwork other;
  try {
    other = reference::onednn_network(p.c.shape, p.weights, p.inputs, p.dy, p.dhT, p.dcT);
  } catch (const std::invalid_argument& reason) {
    GTEST_SKIP() << reason.what();
  }
  NetworkRun run(p);
  run.forward(true);
  run.backward();
  reference::NetworkForward forward = p.forward;  // whose scales stay
  forward.y = other.y, forward.hT = other.hT, forward.cT = other.cT;
  expect_outputs(p, run, forward);
  expect_gradients(p, run, other.gradients);
}

TEST_P(Network, InferenceAndSteps) {
  const NetworkProblem p(GetParam());
  NetworkRun run(p);
  run.forward(false);
  expect_outputs(p, run, p.inference);
  EXPECT_EQ(run.damage(), "");
  if (p.c.shape.directions == 2 || p.c.ragged || p.c.reset || p.c.batch_first || p.c.learned) return;  // not a step's
  NetworkRun stepping(p);
  stepping.steps();
  expect_outputs(p, stepping, p.inference);
  EXPECT_EQ(stepping.damage(), "");
}

TEST_P(Network, EqualBitsAndAccumulation) {
  const NetworkProblem p(GetParam());
  NetworkRun run(p), again(p);
  for (NetworkRun* r : {&run, &again}) {
    r->forward(true);
    r->backward();
  }
  for (const char* name : {"y", "hT", "cT", "dx", "dh0", "dc0", "dparameters"})
    EXPECT_EQ(run.bytes(name), again.bytes(name)) << name;
  // The same recorded as graphs, launched twice on a stream of its own.
  NetworkRun replayed(p);
  const recur_layer_forward_args f = replayed.forward_args(true);
  const recur_layer_backward_args b = replayed.backward_args();
  recur_layer_graph *forward = nullptr, *backward = nullptr;
  check_recur(recur_layer_capture_forward(replayed.plan(), &f, &forward), "recur_layer_capture_forward");
  check_recur(recur_layer_capture_backward(replayed.plan(), &b, &backward), "recur_layer_capture_backward");
  cudaStream_t stream = nullptr;
  check_cuda(cudaStreamCreate(&stream), "cudaStreamCreate");
  for (int time = 0; time < 2; ++time) {
    check_recur(recur_layer_graph_launch(forward, stream), "recur_layer_graph_launch");
    check_recur(recur_layer_graph_launch(backward, stream), "recur_layer_graph_launch");
  }
  for (const char* name : {"y", "hT", "cT", "dx", "dh0", "dc0", "dparameters"})
    EXPECT_EQ(run.bytes(name), replayed.bytes(name)) << name << " of the graph";
  EXPECT_EQ(replayed.damage(), "");
  recur_layer_graph_destroy(forward);
  recur_layer_graph_destroy(backward);
  check_cuda(cudaStreamDestroy(stream), "cudaStreamDestroy");
  // Twice the gradient: each window's sums in another order, so within tolerance.
  again.backward(true);
  Vector twice = run.floats("dparameters");
  for (double& v : twice) v *= 2;
  expect_near(p, "dW_ih", again.floats("dparameters"), twice);
}

// Longer than what one graph holds: recorded in pieces, and still the same bits.
TEST(NetworkGraph, LongSequencesInPieces) {
  for (const char* text : {"gru 2500 1 2 3 D2 nostates", "lstm 5000 1 2 3", "tanh 2500 2 2 3 L2 drop"}) {
    SCOPED_TRACE(text);
    const NetworkProblem p(read_network_case(text));
    NetworkRun run(p), replayed(p);
    run.forward(true);
    run.backward();
    const recur_layer_forward_args f = replayed.forward_args(true);
    const recur_layer_backward_args b = replayed.backward_args();
    recur_layer_graph *forward = nullptr, *backward = nullptr;
    check_recur(recur_layer_capture_forward(replayed.plan(), &f, &forward), "recur_layer_capture_forward");
    check_recur(recur_layer_capture_backward(replayed.plan(), &b, &backward), "recur_layer_capture_backward");
    check_recur(recur_layer_graph_launch(forward, nullptr), "recur_layer_graph_launch");
    check_recur(recur_layer_graph_launch(backward, nullptr), "recur_layer_graph_launch");
    for (const char* name : {"y", "hT", "dx", "dh0", "dparameters"})
      EXPECT_EQ(run.bytes(name), replayed.bytes(name)) << name;
    recur_layer_graph_destroy(forward);
    recur_layer_graph_destroy(backward);
  }
}

// A truncation that covers everything is none.
TEST(NetworkTruncation, CoveringAllIsTheFullGradient) {
  for (const char* text : {"lstm 8 3 5 7 L2 P4 peep", "gru 9 4 3 8", "tanh 7 3 5 6 L2 ragged reset"}) {
    SCOPED_TRACE(text);
    const NetworkProblem p(read_network_case(text));
    NetworkProblem windows = p;
    windows.c.period = 2;
    windows.c.length = 100;
    NetworkRun run(windows);
    run.forward(true);
    run.backward();
    expect_near(windows, "dx", run.dx(), p.gradients.dx);
    for (size_t pass = 0; pass < p.gradients.weights.size(); ++pass) {
      expect_near(windows, "dW_ih", run.gradient(int64_t(pass), RECUR_PARAMETER_W_IH), p.gradients.weights[pass].w_ih);
      expect_near(windows, "dW_hh", run.gradient(int64_t(pass), RECUR_PARAMETER_W_HH), p.gradients.weights[pass].w_hh);
      expect_near(windows, "db_hh", run.gradient(int64_t(pass), RECUR_PARAMETER_B_HH), p.gradients.weights[pass].b_hh);
    }
  }
}

// What a residency cannot hold is refused when the plan is made, with the limit.
TEST(NetworkResidency, RefusedAtCreation) {
  const recur_layer_descriptor d = read_network_case("lstm 5 3 4 193 fp16 block").descriptor();
  recur_layer_plan* plan = reinterpret_cast<recur_layer_plan*>(&plan);
  EXPECT_EQ(recur_layer_create(&plan, &d), RECUR_NOT_SUPPORTED);
  EXPECT_EQ(plan, nullptr);
  EXPECT_NE(std::string(recur_last_error()).find("hidden_size is 193"), std::string::npos) << recur_last_error();
}

// What choice() says of launches is what a step more costs.
TEST(NetworkLaunches, AStepMoreTakesAsManyAsTheChoiceSays) {
  if (!api_counts_available) GTEST_SKIP() << "only the emulated runtime counts launches";
  for (const char* cell : {"tanh", "relu", "lstm", "gru", "gru_before", "lstm P3", "lstm P3 ragged", "lstm peep clip",
                           "gru D2 ragged reset", "lstm fp16 streamed", "gru L2 bf16 streamed", "lstm fp16 block", "gru D2 bf16 block"}) {
    SCOPED_TRACE(cell);
    const auto launches = [&](int steps, recur_layer_choice& choice) {
      const std::string text = cell, name = text.substr(0, text.find(' ')), rest = text.substr(name.size());
      const NetworkProblem p(read_network_case(name + " " + std::to_string(steps) + " 3 5 8" + rest));
      NetworkRun run(p);
      check_recur(recur_layer_get_choice(run.plan(), &choice), "recur_layer_get_choice");
      const ApiCounts before = api_counts();
      run.forward(true);
      const ApiCounts after = api_counts();
      return after.launches + after.products - before.launches - before.products;
    };
    recur_layer_choice choice = {};
    const uint64_t passes = std::string(cell).find("D2") != std::string::npos || std::string(cell).find("L2") != std::string::npos ? 2 : 1;
    const uint64_t more = launches(9, choice) - launches(5, choice);
    EXPECT_EQ(more, 4 * passes * uint64_t(choice.launches_per_step));
    if (std::string(cell).find("before") == std::string::npos && std::string(cell).find("P3") == std::string::npos) {
      EXPECT_EQ(choice.launches_per_step, std::string(cell).find("block") == std::string::npos ? 2 : 0);
    }
  }
}

}  // namespace
}  // namespace recur::test
