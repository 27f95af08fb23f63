// What a caller may leave out, lay over each other, share between calls and carry from call to call.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/layer_problem.hpp"
#include "tests/support/layer_run.hpp"

namespace recur::test {
namespace {

using reference::Activation;
using Floats = std::vector<float>;

LayerProblem problem_of(const reference::LstmShape& shape, bool states = true) {
  return {{shape, states, states, states, states}, Activation::standard};
}

// A typed pointer of an argument struct, so many floats on.
const float* plus(const void* pointer, int64_t floats) { return static_cast<const float*>(pointer) + floats; }
float* plus(void* pointer, int64_t floats) { return static_cast<float*>(pointer) + floats; }

Floats on_host(const void* device, size_t count) {
  Floats values(count);
  check_cuda(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
  check_cuda(cudaMemcpy(values.data(), device, count * sizeof(float), cudaMemcpyDeviceToHost), "cudaMemcpy");
  return values;
}

void to_device(void* device, const Floats& values) {
  check_cuda(cudaMemcpy(device, values.data(), values.size() * sizeof(float), cudaMemcpyHostToDevice),
             "cudaMemcpy");
  check_cuda(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
}

void forward(const LayerRun& run, const recur_layer_forward_args& args) {
  check_recur(recur_layer_forward(run.plan(), &args), "recur_layer_forward");
}
void backward(const LayerRun& run, const recur_layer_backward_args& args) {
  check_recur(recur_layer_backward(run.plan(), &args), "recur_layer_backward");
}

void expect_near(const LayerProblem& problem, const std::string& name, const Floats& values,
                 const std::vector<double>& expected) {
  const Worst worst = problem.compare(name, values, expected);
  EXPECT_TRUE(worst.ok()) << name << ": " << worst.text();
}

// Only the tensors named.
void expect_near(const LayerProblem& problem, const LayerRun& run, const std::vector<std::string>& names) {
  const LayerExpected result = run.result().by_name(run.sizes());
  size_t compared = 0;
  for (const auto& [name, member] : LayerExpected::tensors()) {
    if (std::find(names.begin(), names.end(), name) == names.end()) continue;
    const Worst worst = problem.compare(name, result.*member, problem.expected().*member);
    EXPECT_TRUE(worst.ok()) << name << ": " << worst.text();
    ++compared;
  }
  EXPECT_EQ(compared, names.size());
}

const std::vector<std::string> gradients = {"dx", "dh0", "dc0", "dW_ih", "dW_hh", "db_ih", "db_hh"};

bool untouched(const Floats& values) {  // all bits set, as guarded buffers begin
  for (float value : values) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    if (bits != 0xFFFFFFFFu) return false;
  }
  return true;
}

TEST(LayerCalls, ForwardWithoutLastStates) {
  const LayerProblem problem = problem_of({4, 3, 5, 13});
  LayerRun run(problem);
  recur_layer_forward_args args = run.forward_args(true);
  args.hT = args.cT = nullptr;
  forward(run, args);
  expect_near(problem, run, {"y"});
  run.backward();
  expect_near(problem, run, gradients);
}

TEST(LayerCalls, EachGradientByItself) {
  const LayerProblem problem = problem_of({4, 3, 5, 13});
  for (const std::string wanted : {"dx", "dh0", "dc0", "dparameters"}) {
    SCOPED_TRACE(wanted);
    LayerRun run(problem);
    run.forward(true);
    recur_layer_backward_args args = run.backward_args();
    if (wanted != "dx") args.dx = nullptr;
    if (wanted != "dh0") args.dh0 = nullptr;
    if (wanted != "dc0") args.dc0 = nullptr;
    if (wanted != "dparameters") args.dparameters = nullptr, args.x = nullptr;  // x is read for these alone
    backward(run, args);
    if (wanted == "dparameters") {
      expect_near(problem, run, {"dW_ih", "dW_hh", "db_ih", "db_hh"});
    } else {
      expect_near(problem, run, {wanted});
    }
    const LayerResult result = run.result();
    EXPECT_EQ(untouched(result.dx), wanted != "dx");
    EXPECT_EQ(untouched(result.dh0), wanted != "dh0");
    EXPECT_EQ(untouched(result.dc0), wanted != "dc0");
    EXPECT_EQ(untouched(result.dparameters), wanted != "dparameters");
    EXPECT_EQ(run.damage(), "");
  }
}

TEST(LayerCalls, AbsentOutputGradientsAreZeros) {
  for (int given = 0; given < 8; ++given) {
    SCOPED_TRACE(given);
    const LayerProblem whole = problem_of({3, 2, 5, 7});
    LayerRun run(whole);
    run.forward(true);
    LayerProblem problem = whole;
    recur_layer_backward_args args = run.backward_args();
    if (!(given & 1)) args.dy = nullptr, problem.dy.clear();
    if (!(given & 2)) args.dhT = nullptr, problem.dhT.clear();
    if (!(given & 4)) args.dcT = nullptr, problem.dcT.clear();
    problem.compute();
    backward(run, args);
    expect_near(problem, run, gradients);
    if (given == 0) {
      EXPECT_EQ(run.result().dparameters, Floats(run.sizes().parameter_elements, 0.0f));
    }
  }
}

// hT over h0, cT over c0, dh0 over dhT, dc0 over dcT, as the interface allows.
TEST(LayerCalls, StatesInPlace) {
  for (const reference::LstmShape& shape : {reference::LstmShape{5, 3, 4, 13}, {1, 4, 8, 16}, {2, 1, 1, 1}}) {
    const LayerProblem problem = problem_of(shape);
    const LayerExpected& expected = problem.expected();
    for (const bool training : {true, false}) {
      LayerRun run(problem);
      recur_layer_forward_args args = run.forward_args(training);
      args.hT = const_cast<void*>(args.h0);
      args.cT = const_cast<float*>(args.c0);
      forward(run, args);
      expect_near(problem, "y", run.result().y, expected.y);
      expect_near(problem, "hT", on_host(args.hT, run.sizes().state_elements), expected.hT);
      expect_near(problem, "cT", on_host(args.cT, run.sizes().state_elements), expected.cT);
      if (!training) continue;
      to_device(args.hT, problem.h0);  // backward reads the values that forward read
      to_device(args.cT, problem.c0);
      recur_layer_backward_args back = run.backward_args();
      back.dh0 = const_cast<float*>(back.dhT);
      back.dc0 = const_cast<float*>(back.dcT);
      backward(run, back);
      expect_near(problem, run, {"dx", "dW_ih", "dW_hh", "db_ih", "db_hh"});
      expect_near(problem, "dh0", on_host(back.dh0, run.sizes().state_elements), expected.dh0);
      expect_near(problem, "dc0", on_host(back.dc0, run.sizes().state_elements), expected.dc0);
    }
  }
}

// A sequence in three chunks, states carried forward and their gradients back, the parameters' accumulated,
// is the sequence in one.
TEST(LayerCalls, ChunksWithCarriedStatesAreOneSequence) {
  const int64_t T = 12, N = 3, I = 5, H = 9, chunks = 3, K = T / chunks;
  const LayerProblem problem = problem_of({T, N, I, H});
  const LayerRun whole(problem);  // its buffers; its plan stays unused
  const LayerProblem chunk = problem_of({K, N, I, H});
  const LayerRun one(chunk);  // plan and workspaces of a chunk
  std::vector<GuardedBuffer<unsigned char>> reserves;
  for (int64_t k = 0; k < chunks; ++k) reserves.emplace_back(one.sizes().reserve);
  GuardedBuffer<float> h(size_t((chunks + 1) * N * H)), c(size_t((chunks + 1) * N * H));
  GuardedBuffer<float> dh(problem.dhT), dc(problem.dcT);
  to_device(h.get(), problem.h0);
  to_device(c.get(), problem.c0);

  const recur_layer_forward_args all = whole.forward_args(true);
  for (int64_t k = 0; k < chunks; ++k) {
    recur_layer_forward_args args = one.forward_args(true);
    args.parameters = all.parameters;
    args.x = plus(all.x, k * K * N * I);
    args.h0 = h.get() + k * N * H;
    args.c0 = c.get() + k * N * H;
    args.y = plus(all.y, k * K * N * H);
    args.hT = h.get() + (k + 1) * N * H;
    args.cT = c.get() + (k + 1) * N * H;
    args.reserve = reserves[size_t(k)].get();
    forward(one, args);
  }
  const recur_layer_backward_args back = whole.backward_args();
  for (int64_t k = chunks - 1; k >= 0; --k) {
    recur_layer_backward_args args = one.backward_args();
    args.parameters = all.parameters;
    args.x = plus(all.x, k * K * N * I);
    args.h0 = h.get() + k * N * H;
    args.c0 = c.get() + k * N * H;
    args.y = plus(all.y, k * K * N * H);
    args.dy = plus(back.dy, k * K * N * H);
    args.dhT = dh.get();
    args.dcT = dc.get();
    args.dx = plus(back.dx, k * K * N * I);
    args.dh0 = dh.get();
    args.dc0 = dc.get();
    args.dparameters = back.dparameters;
    args.accumulate = k != chunks - 1;
    args.reserve = reserves[size_t(k)].get();
    backward(one, args);
  }
  const LayerExpected& expected = problem.expected();
  expect_near(problem, whole, {"y", "dx", "dW_ih", "dW_hh", "db_ih", "db_hh"});
  expect_near(problem, "hT", on_host(h.get() + chunks * N * H, size_t(N * H)), expected.hT);
  expect_near(problem, "cT", on_host(c.get() + chunks * N * H, size_t(N * H)), expected.cT);
  expect_near(problem, "dh0", dh.download(), expected.dh0);
  expect_near(problem, "dc0", dc.download(), expected.dc0);
  for (const auto& reserve : reserves) EXPECT_EQ(reserve.damage(), "");
  EXPECT_EQ(h.damage() + c.damage() + dh.damage() + dc.damage() + whole.damage() + one.damage(), "");
}

// A workspace is scratch: what it holds before a call does not matter, and nothing in it is needed after.
TEST(LayerCalls, WorkspaceHoldsNothingBetweenCalls) {
  const LayerProblem problem = problem_of({4, 3, 6, 10});
  LayerRun run(problem);
  LayerResult results[2];
  const size_t bytes = std::max(run.sizes().training_workspace, run.sizes().backward_workspace);
  for (const int fill : {0x00, 0xFF}) {
    GuardedBuffer<unsigned char> shared(bytes);
    const auto scribble = [&] { check_cuda(cudaMemset(shared.get(), fill, bytes), "cudaMemset"); };
    recur_layer_forward_args args = run.forward_args(true);
    recur_layer_backward_args back = run.backward_args();
    args.workspace = back.workspace = shared.get();
    scribble();
    forward(run, args);
    scribble();
    backward(run, back);
    results[fill ? 1 : 0] = run.result();
    EXPECT_EQ(shared.damage(), "");
  }
  EXPECT_TRUE(results[0].same_bits(results[1]));
  expect_near(problem, run, gradients);
}

// One plan in two host threads, each with its own stream and buffers, again and again.
TEST(LayerCalls, ThreadsShareAPlan) {
  const LayerProblem problem = problem_of({5, 4, 7, 20});
  LayerRun first(problem), second(problem);
  LayerRun alone(problem);
  alone.forward(true);
  alone.backward();
  const LayerResult expected = alone.result();
  const auto work = [&](const LayerRun& run) {
    cudaStream_t stream;
    check_cuda(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreate");
    for (int round = 0; round < 5; ++round) {
      const recur_layer_forward_args args = run.forward_args(true, stream);
      const recur_layer_backward_args back = run.backward_args(stream);
      forward(first, args);  // the first run's plan, in both threads
      backward(first, back);
    }
    check_cuda(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
    check_cuda(cudaStreamDestroy(stream), "cudaStreamDestroy");
  };
  std::thread other([&] { work(second); });
  work(first);
  other.join();
  EXPECT_TRUE(first.result().same_bits(expected));
  EXPECT_TRUE(second.result().same_bits(expected));
  EXPECT_EQ(first.damage() + second.damage(), "");
}

}  // namespace
}  // namespace recur::test
