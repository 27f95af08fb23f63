// What the layer promises besides its numbers: equal bits, the caller's stream and nothing else, buffers
// exactly as large as stated, any alignment, accumulated gradients, no allocation and no synchronisation.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/api_counter.hpp"
#include "tests/support/layer_problem.hpp"
#include "tests/support/layer_run.hpp"
#include "tests/support/stream_gate.hpp"

namespace recur::test {
namespace {

// A few of the shapes: one unit, odd everything, whole vectors, more than one block with a tail.
const std::vector<LayerCase> few = {{{1, 1, 1, 1}, true, true, true, true},
                                    {{5, 3, 7, 13}, true, true, true, true},
                                    {{4, 8, 16, 32}, false, false, false, false},
                                    {{3, 17, 19, 97}, true, false, false, true}};

class LayerGuarantees : public testing::TestWithParam<LayerCase> {
 protected:
  LayerProblem problem_{GetParam(), reference::Activation::standard};

  LayerResult train(cudaStream_t stream = nullptr, size_t offset = 0) {
    LayerRun run(problem_, offset);
    run.forward(true, stream);
    run.backward(stream);
    LayerResult result = run.result();
    EXPECT_EQ(run.damage(), "");
    return result;
  }

  void expect_near_reference(const LayerExpected& result) {
    const LayerExpected& expected = problem_.expected();
    for (const auto& [name, member] : LayerExpected::tensors()) {
      const Worst worst = problem_.compare(name, result.*member, expected.*member);
      EXPECT_TRUE(worst.ok()) << name << ": " << worst.text();
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Shapes, LayerGuarantees, testing::ValuesIn(few), [](const auto& info) {
  std::string name = info.param.text();
  for (char& c : name) c = c == ' ' ? '_' : c;
  return name;
});

TEST_P(LayerGuarantees, TwoRunsGiveTheSameBits) {
  // Within one set of buffers, whose contents the first run has changed, and in another set.
  LayerRun run(problem_);
  run.forward(true);
  run.backward();
  const LayerResult first = run.result();
  run.forward(true);
  run.backward();
  EXPECT_TRUE(first.same_bits(run.result()));
  EXPECT_TRUE(first.same_bits(train()));
}

TEST_P(LayerGuarantees, WorksInTheCallersStream) {
  const Stream stream;
  EXPECT_TRUE(train().same_bits(train(stream)));
}

// x arrives late in the caller's stream: work in any other stream would read the NaNs that were there before,
// and a call that waits for the device would never return.
TEST_P(LayerGuarantees, WaitsForTheCallersStreamAndForNothingElse) {
  const Stream stream;
  LayerRun run(problem_);
  run.x().upload(std::vector<float>(problem_.x.size(), std::numeric_limits<float>::quiet_NaN()));
  const GuardedBuffer<float> late(problem_.x);
  run.forward(true, stream);  // a GPU loads code at a kernel's first launch, and may wait for it
  run.backward(stream);
  Gate gate(stream);
  check_cuda(cudaMemcpyAsync(run.x().get(), late.get(), late.bytes(), cudaMemcpyDeviceToDevice, stream),
             "cudaMemcpyAsync");
  run.forward(true, stream);
  run.backward(stream);
  EXPECT_EQ(cudaStreamQuery(stream), cudaErrorNotReady);
  gate.open();
  check_cuda(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
  expect_near_reference(run.result().by_name(run.sizes()));
}

// Asking a stream whether it is done leaves "not ready" in cudaGetLastError, which is no fault of anybody.
TEST_P(LayerGuarantees, AnUnfinishedStreamIsNoError) {
  const Stream busy, stream;
  LayerRun run(problem_);
  Gate gate(busy);
  EXPECT_EQ(cudaStreamQuery(busy), cudaErrorNotReady);
  run.forward(true, stream);
  EXPECT_EQ(cudaStreamQuery(busy), cudaErrorNotReady);
  run.backward(stream);
  gate.open();
  expect_near_reference(run.result().by_name(run.sizes()));
}

// A real error that the caller has not looked at yet stays the caller's, and nothing is launched over it.
TEST_P(LayerGuarantees, AnEarlierErrorIsReportedBeforeAnyLaunch) {
  LayerRun run(problem_);
  ASSERT_EQ(cudaMemcpy(nullptr, run.x().get(), 4, cudaMemcpyDeviceToDevice), cudaErrorInvalidValue);
  try {
    run.forward(true);
    ADD_FAILURE() << "forward went ahead";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("RECUR_CUDA_ERROR"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("cudaErrorInvalidValue"), std::string::npos) << error.what();
  }
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
  for (float value : run.result().y) ASSERT_TRUE(std::isnan(value));  // as it was before
  run.forward(true);
  run.backward();
  expect_near_reference(run.result().by_name(run.sizes()));
}

TEST_P(LayerGuarantees, PointersNeedNoMoreThanTheirElementsAlignment) {
  const LayerProblem& problem = problem_;
  for (size_t offset : {1, 2, 3}) {
    SCOPED_TRACE(offset);
    LayerRun run(problem, offset);
    run.forward(true);
    run.backward();
    expect_near_reference(run.result().by_name(run.sizes()));
    EXPECT_EQ(run.damage(), "");
    LayerRun stepping(problem, offset);
    stepping.steps();
    const Worst worst = problem.compare("y", stepping.result().y, run.result().y);
    EXPECT_TRUE(worst.ok()) << "y of steps: " << worst.text();
    EXPECT_EQ(stepping.damage(), "");
  }
}

TEST_P(LayerGuarantees, AccumulatesGradients) {
  LayerRun run(problem_);
  run.forward(true);
  run.backward();
  const LayerResult once = run.result();
  const std::vector<float> before = random_fill(run.sizes().parameter_elements, 99);
  run.dparameters().upload(before);
  run.backward(nullptr, true);
  const LayerResult twice = run.result();
  std::vector<double> expected(before.size());
  for (size_t k = 0; k < before.size(); ++k) expected[k] = double(before[k]) + double(once.dparameters[k]);
  const Worst worst = compare(twice.dparameters, expected, problem_.tolerance("dW_ih"));
  EXPECT_TRUE(worst.ok()) << worst.text();
  EXPECT_EQ(once.dx, twice.dx);  // accumulate is for parameters alone
  EXPECT_EQ(once.dh0, twice.dh0);
  EXPECT_EQ(run.damage(), "");
}

TEST_P(LayerGuarantees, ExecuteCallsNeitherAllocateNorSynchronise) {
  if (!api_counts_available) {
    std::printf("skipped: this runtime does not count its calls; the emulated one does\n");
    GTEST_SKIP();
  }
  const Stream stream;
  LayerRun run(problem_);
  const auto calls = [&] {
    run.forward(true, stream);
    run.backward(stream);
    run.forward(false, stream);
    run.steps(stream);
  };
  expect_neither_allocation_nor_synchronisation(calls);
  check_cuda(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
}

}  // namespace
}  // namespace recur::test
