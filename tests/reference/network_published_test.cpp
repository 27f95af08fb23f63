// The network reference against the checksums of a real cuDNN run.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>

#include "tests/reference/network_problem.hpp"

namespace reference {
namespace {

double sum(const Vector& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

// tests/data/cudnn_rnn_checksums.json: two layers; its note holds the set-up. All 64 rows of the batch are
// the same and every checksum is a sum over them: two rows are computed, and count 32 times.
void expect_cudnn_checksums(Cell cell, const std::string& name) {
  std::ifstream file(RECUR_TEST_DATA "/cudnn_rnn_checksums.json");
  ASSERT_TRUE(file) << RECUR_TEST_DATA "/cudnn_rnn_checksums.json cannot be read";
  const nlohmann::json published = nlohmann::json::parse(file)["checksums"][name];
  const NetworkShape shape{cell, 20, 2, 512, 512, 2};
  const int64_t T = shape.steps, N = shape.batch, I = shape.inputs, H = shape.hidden, G = shape.gates();
  const double weight = 1.0 / double(H * I);  // each gate's matrix counts as one
  const std::vector<LayerWeights> weights(
      2,
      {Vector(G * H * I, weight), Vector(G * H * H, weight), Vector(G * H, 1.0), Vector(G * H, 1.0), {}, {}});
  const Vector states(2 * N * H, 1.0), cells(shape.has_cells() ? 2 * N * H : 0, 1.0);
  const NetworkInputs inputs{Vector(T * N * I, 1.0), states, cells, {}, {}, {}};
  const NetworkForward f = network_forward(shape, weights, inputs);
  const NetworkGradients g =
      network_backward(shape, weights, inputs, f, Vector(T * N * H, 1.0), states, cells);
  double dw = 0;
  for (const LayerWeights& w : g.weights) dw += sum(w.w_ih) + sum(w.w_hh) + sum(w.b_ih) + sum(w.b_hh);
  const nlohmann::json computed = {{"y", sum(f.y)},   {"hy", sum(f.hT)},   {"cy", sum(f.cT)},
                                   {"dx", sum(g.dx)}, {"dhx", sum(g.dh0)}, {"dcx", sum(g.dc0)},
                                   {"dw", dw}};
  EXPECT_EQ(published.size(), shape.has_cells() ? 7u : 5u);
  for (const auto& [what, expected] : published.items()) {
    EXPECT_NEAR(32 * double(computed.at(what)), double(expected), 1e-5 * std::fabs(double(expected))) << what;
  }
}

TEST(NetworkPublished, CudnnChecksumsOfRelu) { expect_cudnn_checksums(Cell::rnn_relu, "relu"); }
TEST(NetworkPublished, CudnnChecksumsOfTanh) { expect_cudnn_checksums(Cell::rnn_tanh, "tanh"); }
TEST(NetworkPublished, CudnnChecksumsOfLstm) { expect_cudnn_checksums(Cell::lstm, "lstm"); }
TEST(NetworkPublished, CudnnChecksumsOfGru) { expect_cudnn_checksums(Cell::gru, "gru"); }

}  // namespace
}  // namespace reference
