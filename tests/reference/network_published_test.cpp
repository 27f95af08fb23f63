// The network reference against the checksums of a real cuDNN run.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>

#include "tests/reference/cudnn_checksums.hpp"

namespace reference {
namespace {

void expect_cudnn_checksums(const std::string& name, Cell cell) {
  const ChecksumCase c = read_checksum_case(name, cell, 2);
  const NetworkForward f = network_forward(c.shape, c.weights, c.inputs);
  const NetworkGradients g = network_backward(c.shape, c.weights, c.inputs, f, c.dy, c.dhT, c.dcT);
  double dw = 0;
  for (const LayerWeights& w : g.weights) dw += sum_of(w.w_ih) + sum_of(w.w_hh) + sum_of(w.b_ih) + sum_of(w.b_hh);
  const std::map<std::string, double> computed = {
      {"y", sum_of(f.y)},     {"hy", sum_of(f.hT)},   {"cy", sum_of(f.cT)}, {"dx", sum_of(g.dx)},
      {"dhx", sum_of(g.dh0)}, {"dcx", sum_of(g.dc0)}, {"dw", dw}};
  for (const auto& [what, expected] : c.published)
    EXPECT_NEAR(c.times * computed.at(what), expected, 1e-5 * std::fabs(expected)) << name << " " << what;
}

TEST(NetworkPublished, CudnnChecksums) {
  size_t checksums = 0;
  for (const auto& [name, cell] : checksum_cells()) {
    expect_cudnn_checksums(name, cell);
    checksums += read_checksum_case(name, cell, 1).published.size();
  }
  EXPECT_EQ(checksums, 22u);
}

}  // namespace
}  // namespace reference
