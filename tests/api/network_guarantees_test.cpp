// What networks promise besides their numbers: equal bits from stream to stream, thread to thread, replay to replay
// and in every interleaving; the caller's stream and nothing else; no allocation and no synchronisation; gradients
// that add.
#include <gtest/gtest.h>

#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/api_counter.hpp"
#include "tests/support/captured_call.hpp"
#include "tests/support/network_problem.hpp"
#include "tests/support/network_run.hpp"
#include "tests/support/stream_gate.hpp"

namespace recur::test {
namespace {

// Every cell and type, and every option that launches something of its own.
const char* const networks[] = {"gru 5 3 7 12 L2",
                                "gru 6 5 3 8 L2 D2 ragged reset drop",
                                "gru_before 5 3 7 11 L2 D2",
                                "gru_before 6 5 3 8 ragged reset",
                                "tanh 5 3 7 8 L3 drop batch_first",
                                "relu 4 3 5 7 L2 D2 nostates",
                                "lstm 5 3 7 12 L2 D2 ragged reset drop P4",
                                "lstm 6 3 5 8 L2 peep clip k1=2,k2=3",
                                "lstm 5 3 7 11 bf16 batch_first L2",
                                "gru 5 3 8 12 fp16 L2 D2 ragged",
                                "tanh 5 3 7 11 tf32"};

std::string name_of(const std::string& network) {
  std::string name = network;
  for (char& letter : name)
    if (!std::isalnum(static_cast<unsigned char>(letter))) letter = '_';
  return name;
}

void finish(cudaStream_t stream) { check_cuda(cudaStreamSynchronize(stream), "cudaStreamSynchronize"); }

class NetworkGuarantees : public testing::TestWithParam<const char*> {
 protected:
  const NetworkProblem problem_{read_network_case(GetParam())};

  static void train(NetworkRun& run, cudaStream_t stream = nullptr) {
    run.forward(true, stream);
    run.backward(false, stream);
  }
  void expect_near_reference(const NetworkRun& run) {
    const auto expect = [&](const char* name, const Vector& values, const Vector& expected) {
      const Worst worst = problem_.compare(name, values, expected, root_mean_square(expected));
      EXPECT_TRUE(worst.ok()) << name << ": " << worst.text();
    };
    expect("y", run.y(), problem_.forward.y);
    expect("dx", run.dx(), problem_.gradients.dx);
    for (size_t pass = 0; pass < problem_.weights.size(); ++pass)
      expect("dW_hh", run.gradient(int64_t(pass), RECUR_PARAMETER_W_HH), problem_.gradients.weights[pass].w_hh);
  }
};
INSTANTIATE_TEST_SUITE_P(Networks, NetworkGuarantees, testing::ValuesIn(networks),
                         [](const auto& info) { return name_of(info.param); });

TEST_P(NetworkGuarantees, EqualBitsInAnyStreamAndAgainInTheSameBuffers) {
  NetworkRun direct(problem_), first(problem_), second(problem_);
  train(direct);
  const Bytes expected = direct.results();
  train(direct);
  EXPECT_EQ(direct.results(), expected);
  const Stream one, other;  // side by side
  for (int round = 0; round < 2; ++round) {
    train(first, one);
    train(second, other);
  }
  finish(one);
  finish(other);
  EXPECT_EQ(first.results(), expected);
  EXPECT_EQ(second.results(), expected);
  EXPECT_EQ(direct.damage() + first.damage() + second.damage(), "");
}

TEST_P(NetworkGuarantees, EqualBitsWhenReplayed) {
  NetworkRun direct(problem_), run(problem_);
  const Stream stream;
  train(direct, stream);
  finish(stream);
  const Bytes expected = direct.results();
  train(run, stream);  // a GPU loads kernels at their first launch
  finish(stream);
  run.forget();
  const Bytes forgotten = run.results();
  const RecordedGraph graph(stream, [&] { train(run, stream); });
  EXPECT_EQ(run.results(), forgotten) << "recording alone changed something";
  for (int replay = 0; replay < 2; ++replay) {
    run.forget();
    graph.launch();
    EXPECT_EQ(run.results(), expected) << "replay " << replay;
  }

  direct.forward(false, stream);
  finish(stream);
  run.forget();
  const RecordedGraph inference(stream, [&] { run.forward(false, stream); });
  inference.launch();
  for (const char* name : {"y", "hT", "cT"}) EXPECT_EQ(run.bytes(name), direct.bytes(name)) << "inference: " << name;

  if (problem_.c.shape.directions == 1) {
    const auto step = [&](NetworkRun& r) {
      const recur_layer_step_args a = r.step_args(stream);
      ASSERT_EQ(recur_layer_step(r.plan(), &a), RECUR_SUCCESS) << recur_last_error();
    };
    direct.forget();
    step(direct);
    finish(stream);
    run.forget();
    const RecordedGraph one_step(stream, [&] { step(run); });
    one_step.launch();
    for (const char* name : {"hT", "cT"}) EXPECT_EQ(run.bytes(name), direct.bytes(name)) << "step: " << name;
  }
  EXPECT_EQ(run.damage(), "");
}

// One plan in four host threads, each with its own stream and buffers, again and again.
TEST_P(NetworkGuarantees, ThreadsShareAPlan) {
  NetworkRun alone(problem_);
  train(alone);
  const Bytes expected = alone.results();
  std::vector<std::unique_ptr<NetworkRun>> runs;
  for (int k = 0; k < 4; ++k) runs.push_back(std::make_unique<NetworkRun>(problem_));
  std::vector<recur_status> statuses(runs.size(), RECUR_SUCCESS);
  std::vector<std::thread> threads;
  for (size_t k = 0; k < runs.size(); ++k) {
    threads.emplace_back([&, k] {
      const Stream stream;
      for (int round = 0; round < 3; ++round) {
        const recur_layer_forward_args forward = runs[k]->forward_args(true, stream);
        const recur_layer_backward_args backward = runs[k]->backward_args(false, stream);
        for (const recur_status status :
             {recur_layer_forward(alone.plan(), &forward), recur_layer_backward(alone.plan(), &backward)})
          if (status != RECUR_SUCCESS) statuses[k] = status;
      }
      if (cudaStreamSynchronize(stream) != cudaSuccess) statuses[k] = RECUR_CUDA_ERROR;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t k = 0; k < runs.size(); ++k) {
    EXPECT_EQ(statuses[k], RECUR_SUCCESS);
    EXPECT_EQ(runs[k]->results(), expected) << "thread " << k;
    EXPECT_EQ(runs[k]->damage(), "");
  }
}

// x arrives late in the caller's stream: work in any other stream would read the NaNs that were there before, and a
// call that waits for the device would never return.
TEST_P(NetworkGuarantees, WaitsForTheCallersStreamAndForNothingElse) {
  const Stream stream;
  NetworkRun run(problem_);
  NetworkRun::Raw& x = run.get("x");
  const NetworkRun::Raw late(x.download());
  train(run, stream);
  finish(stream);
  const Bytes expected = run.results();
  run.forget();
  x.upload(Bytes(x.size(), 0xFF));
  Gate gate(stream);
  check_cuda(cudaMemcpyAsync(x.get(), late.get(), late.size(), cudaMemcpyDeviceToDevice, stream), "cudaMemcpyAsync");
  train(run, stream);
  EXPECT_EQ(cudaStreamQuery(stream), cudaErrorNotReady);
  gate.open();
  finish(stream);
  EXPECT_EQ(run.results(), expected);
  expect_near_reference(run);
}

TEST_P(NetworkGuarantees, ExecuteCallsNeitherAllocateNorSynchronise) {
  if (!api_counts_available) {
    std::printf("skipped: this runtime does not count its calls; the emulated one does\n");
    GTEST_SKIP();
  }
  const Stream stream;
  NetworkRun run(problem_);
  const Vector master(run.sizes().parameter_elements, 0.5);
  const NetworkRun::Raw from(packed(RECUR_TYPE_FLOAT32, master));
  const NetworkRun::Raw to(master.size() * element_size(problem_.c.type));
  const auto calls = [&] {
    train(run, stream);
    run.backward(true, stream);
    run.forward(false, stream);
    if (problem_.c.shape.directions == 1) {
      const recur_layer_step_args a = run.step_args(stream);
      EXPECT_EQ(recur_layer_step(run.plan(), &a), RECUR_SUCCESS) << recur_last_error();
    }
    EXPECT_EQ(recur_layer_cast_parameters(run.plan(), stream, reinterpret_cast<float*>(from.get()), to.get()),
              RECUR_SUCCESS);
  };
  expect_neither_allocation_nor_synchronisation(calls);
  finish(stream);
}

TEST_P(NetworkGuarantees, AccumulatesParametersGradientsAlone) {
  NetworkRun run(problem_);
  train(run);
  const Vector once = run.floats("dparameters");
  const Bytes dx = run.bytes("dx"), dh0 = run.bytes("dh0"), dc0 = run.bytes("dc0");
  const Vector before = widened(random_fill(once.size(), 99));
  run.get("dparameters").upload(packed(RECUR_TYPE_FLOAT32, before));
  run.backward(true);
  const Vector twice = run.floats("dparameters");
  Vector expected(once.size());
  for (size_t k = 0; k < once.size(); ++k) expected[k] = before[k] + once[k];
  const Worst worst = compare(twice, expected, problem_.tolerance("dW_ih"));
  EXPECT_TRUE(worst.ok()) << worst.text();
  EXPECT_EQ(run.bytes("dx"), dx);
  EXPECT_EQ(run.bytes("dh0"), dh0);
  EXPECT_EQ(run.bytes("dc0"), dc0);
  EXPECT_EQ(run.damage(), "");
}

// FNV-1a of what all the networks put out, two at a time in streams of their own.
uint64_t digest_of_all() {
  uint64_t hash = 0xCBF29CE484222325u;
  for (const char* network : networks) {
    const NetworkProblem problem(read_network_case(network));
    NetworkRun first(problem), second(problem);
    const Stream one, other;
    first.forward(true, one);
    second.forward(true, other);
    first.backward(false, one);
    second.backward(false, other);
    finish(one);
    finish(other);
    for (const NetworkRun* run : {&first, &second})
      for (unsigned char byte : run->results()) hash = (hash ^ byte) * 0x100000001B3u;
  }
  return hash;
}

// The emulator interleaves streams, blocks and warps by PTXVM_SEED, which it reads when a process begins: this program
// runs itself again, with RECUR_TEST_DIGEST set.
TEST(NetworkInterleavings, EqualBitsUnderEverySeed) {
  if (std::getenv("RECUR_TEST_DIGEST") != nullptr) {
    std::printf("digest %016llx\n", static_cast<unsigned long long>(digest_of_all()));
    return;
  }
  if (!api_counts_available) {
    std::printf("skipped: a real device chooses its interleavings by itself\n");
    GTEST_SKIP();
  }
  char expected[32];
  std::snprintf(expected, sizeof expected, "digest %016llx", static_cast<unsigned long long>(digest_of_all()));
  for (int seed : {1, 2, 3, 11}) {
    const std::string command = "RECUR_TEST_DIGEST=1 PTXVM_SEED=" + std::to_string(seed) + " '" +
                                std::filesystem::read_symlink("/proc/self/exe").string() +
                                "' --gtest_filter=NetworkInterleavings.*";
    FILE* const child = popen(command.c_str(), "r");
    ASSERT_NE(child, nullptr);
    std::string text;
    for (char line[256]; std::fgets(line, sizeof line, child) != nullptr;) text += line;
    EXPECT_EQ(pclose(child), 0) << text;
    EXPECT_NE(text.find(expected), std::string::npos) << "seed " << seed << ", not " << expected << ":\n" << text;
  }
}

}  // namespace
}  // namespace recur::test
