// What others have published, computed by the library's kernels: the checksums of a real cuDNN run, forward and
// backward, and ONNX's cases of its recurrent operators.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <string>

#include "tests/reference/cudnn_checksums.hpp"
#include "tests/reference/onnx_cases.hpp"
#include "tests/support/network_problem.hpp"
#include "tests/support/network_run.hpp"

namespace recur::test {
namespace {

using reference::sum_of;

// What a sum may be off when each of its elements is within the tolerance of its tensor.
double allowed(const NetworkProblem& p, const char* tensor, const Vector& values) {
  const double scale = root_mean_square(values);
  double sizes = 0;
  for (double v : values) sizes += std::max(std::fabs(v), scale);
  return p.tolerance(tensor) * sizes;
}

struct Checksum {
  double value = 0, allowed = 0;
};

std::map<std::string, Checksum> computed_checksums(const NetworkProblem& p, const reference::ChecksumCase& c) {
  NetworkRun run(p);
  run.forward(true);
  run.backward();
  EXPECT_EQ(run.damage(), "");
  std::map<std::string, Checksum> all;
  const auto add = [&](const char* what, const char* tensor, const Vector& values) {
    all[what].value += c.times * sum_of(values);
    all[what].allowed += c.times * allowed(p, tensor, values);
  };
  add("y", "y", run.y());
  add("hy", "hT", run.hT());
  add("cy", "cT", run.floats("cT"));
  add("dx", "dx", run.dx());
  add("dhx", "dh0", run.floats("dh0"));
  add("dcx", "dc0", run.floats("dc0"));
  for (int64_t pass = 0; pass < c.shape.layers; ++pass) {
    add("dw", "dW_ih", run.gradient(pass, RECUR_PARAMETER_W_IH));
    add("dw", "dW_hh", run.gradient(pass, RECUR_PARAMETER_W_HH));
    add("dw", "db_ih", run.gradient(pass, RECUR_PARAMETER_B_IH));
    add("dw", "db_hh", run.gradient(pass, RECUR_PARAMETER_B_HH));
  }
  return all;
}

// All 64 rows, though they are equal.
TEST(Published, CudnnChecksums) {
  std::printf("%-5s %-4s %14s %14s %11s %11s\n", "cell", "sum", "cuDNN", "recur", "difference", "tolerances");
  int checksums = 0;
  for (const auto& [name, cell] : reference::checksum_cells()) {
    const reference::ChecksumCase c = reference::read_checksum_case(name, cell, 64);
    NetworkCase network;
    network.text = name;
    network.shape = c.shape;
    const NetworkProblem p(network, c.weights, c.inputs, c.dy, c.dhT, c.dcT);
    const std::map<std::string, Checksum> computed = computed_checksums(p, c);
    for (const auto& [what, published] : c.published) {
      const Checksum& ours = computed.at(what);
      const double error = std::fabs(ours.value - published);
      std::printf("%-5s %-4s %14.7g %14.7g %11.2e %11.3f\n", name.c_str(), what.c_str(), published, ours.value,
                  error / std::fabs(published), error / ours.allowed);
      EXPECT_LE(error, ours.allowed) << name << " " << what;
      EXPECT_LT(ours.allowed, 1e-3 * std::fabs(published)) << "NVIDIA's own tolerance is closer";
      ++checksums;
    }
  }
  EXPECT_EQ(checksums, 22);
}

TEST(Published, OnnxCases) {
  int cases = 0, outputs = 0;
  for (const auto& one : reference::published_onnx_cases()) {
    const std::string name = one.at("name");
    SCOPED_TRACE(name);
    const reference::OnnxCase given = reference::read_onnx_case(one);
    NetworkCase network;
    network.text = name;
    network.shape = given.shape;
    network.ragged = !given.inputs.lengths.empty();
    network.batch_first = given.batch_first;
    reference::LayerWeights weights = given.weights;
    for (Vector* bias : {&weights.b_ih, &weights.b_hh}) bias->resize(given.shape.gates() * given.shape.hidden, 0.0);
    const size_t out = size_t(given.shape.steps * given.shape.batch * given.shape.hidden);
    const NetworkProblem p(network, {weights}, given.inputs, Vector(out, 0.0), {}, {});
    for (const bool training : {true, false}) {
      NetworkRun run(p);
      run.forward(training);
      const auto expect = [&](const char* what, const Vector& values, const Vector& published) {
        if (published.empty()) return;
        const Worst worst = p.compare(what, values, published, root_mean_square(published));
        EXPECT_TRUE(worst.ok()) << what << ": " << worst.text();
        ++outputs;
      };
      expect("y", run.y(), given.y);
      expect("hT", run.hT(), given.hT);
      EXPECT_EQ(run.damage(), "");
    }
    ++cases;
  }
  EXPECT_EQ(cases, 12);
  EXPECT_EQ(outputs, 2 * 15);
}

}  // namespace
}  // namespace recur::test
