// Vanilla and GRU references against finite differences of themselves, and against checksums of a real run.
#include "tests/reference/recurrent.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <string>

#include "tests/reference/finite_difference.hpp"
#include "tests/reference/linear_algebra.hpp"

namespace reference {
namespace {

std::string name_of(RecurrentCell cell) {
  switch (cell) {
    case RecurrentCell::tanh:
      return "tanh";
    case RecurrentCell::relu:
      return "relu";
    case RecurrentCell::identity:
      return "identity";
    case RecurrentCell::gru_reset_after:
      return "gru_reset_after";
    case RecurrentCell::gru_reset_before:
      return "gru_reset_before";
  }
  return "";
}

class RecurrentReference : public testing::TestWithParam<RecurrentCell> {};
INSTANTIATE_TEST_SUITE_P(Cells, RecurrentReference,
                         testing::Values(RecurrentCell::tanh, RecurrentCell::relu, RecurrentCell::identity,
                                         RecurrentCell::gru_reset_after, RecurrentCell::gru_reset_before),
                         [](const auto& info) { return name_of(info.param); });

TEST_P(RecurrentReference, EachGradientElementIsTheDerivative) {
  const RecurrentCell cell = GetParam();
  const int64_t G = gate_count(cell);
  for (const RecurrentShape& shape : {RecurrentShape{4, 2, 3, 5}, RecurrentShape{1, 1, 1, 1}}) {
    const auto [T, N, I, H] = shape;
    std::mt19937 generator(5);
    auto random = [&](int64_t size) {
      std::uniform_real_distribution<double> uniform(-1, 1);
      Vector values(size);
      for (double& value : values) value = uniform(generator);
      return values;
    };
    RecurrentParameters p{random(G * H * I), random(G * H * H), random(G * H), random(G * H)};
    Vector x = random(T * N * I), h0 = random(N * H);
    const Vector dy = random(T * N * H), dhT = random(N * H);
    auto loss = [&] {
      const RecurrentForward f = recurrent_forward(cell, shape, p, x, h0);
      return dot(f.y.data(), dy.data(), int64_t(dy.size())) +
             dot(f.hT.data(), dhT.data(), int64_t(dhT.size()));
    };
    const RecurrentGradients g =
        recurrent_backward(cell, shape, p, x, h0, recurrent_forward(cell, shape, p, x, h0), dy, dhT);
    auto check = [&](const char* name, Vector& variable, const Vector& gradient) {
      const Vector numeric = numeric_gradient(loss, variable);
      ASSERT_EQ(gradient.size(), numeric.size()) << name;
      for (size_t k = 0; k < numeric.size(); ++k) {
        EXPECT_NEAR(gradient[k], numeric[k], 1e-7 * (1 + std::fabs(numeric[k]))) << name << " " << k;
      }
    };
    check("dx", x, g.dx);
    check("dh0", h0, g.dh0);
    check("dw_ih", p.w_ih, g.dw_ih);
    check("dw_hh", p.w_hh, g.dw_hh);
    check("db_ih", p.b_ih, g.db_ih);
    check("db_hh", p.b_hh, g.db_hh);
  }
}

// By hand: with r = s(1), z = s(2), h' = 0.5, U = 1 and b_hn = 0.25.
TEST(RecurrentReference, ResetBeforeAndAfterDiffer) {
  const RecurrentShape shape{1, 1, 1, 1};
  const RecurrentParameters p{Vector(3, 0.0), {0, 0, 1}, {1, 2, 3}, {0, 0, 0.25}};
  auto s = [](double a) { return 1 / (1 + std::exp(-a)); };
  auto h = [&](double n) { return (1 - s(2)) * n + s(2) * 0.5; };
  EXPECT_NEAR(recurrent_forward(RecurrentCell::gru_reset_after, shape, p, {0}, {0.5}).hT[0],
              h(std::tanh(3 + s(1) * (0.5 + 0.25))), 1e-15);
  EXPECT_NEAR(recurrent_forward(RecurrentCell::gru_reset_before, shape, p, {0}, {0.5}).hT[0],
              h(std::tanh(3 + s(1) * 0.5 + 0.25)), 1e-15);
}

double sum(const Vector& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

// tests/data/cudnn_rnn_checksums.json: two layers; its note holds the set-up.
TEST(RecurrentReference, CudnnChecksums) {
  std::ifstream file(RECUR_TEST_DATA "/cudnn_rnn_checksums.json");
  ASSERT_TRUE(file) << RECUR_TEST_DATA "/cudnn_rnn_checksums.json cannot be read";
  const nlohmann::json published = nlohmann::json::parse(file)["checksums"];
  const RecurrentShape shape{20, 64, 512, 512};
  const auto [T, N, I, H] = shape;
  const Vector ones(N * H, 1.0), ones_x(T * N * I, 1.0), ones_y(T * N * H, 1.0);
  for (const auto& [name, cell] :
       {std::pair("relu", RecurrentCell::relu), std::pair("tanh", RecurrentCell::tanh),
        std::pair("gru", RecurrentCell::gru_reset_after)}) {
    SCOPED_TRACE(name);
    const int64_t G = gate_count(cell);
    const double weight = 1.0 / double(H * I);  // each gate's matrix counts as one
    const RecurrentParameters p{Vector(G * H * I, weight), Vector(G * H * H, weight), Vector(G * H, 1.0),
                                Vector(G * H, 1.0)};
    const RecurrentForward first = recurrent_forward(cell, shape, p, ones_x, ones);
    const RecurrentForward second = recurrent_forward(cell, shape, p, first.y, ones);
    const RecurrentGradients g2 = recurrent_backward(cell, shape, p, first.y, ones, second, ones_y, ones);
    const RecurrentGradients g1 = recurrent_backward(cell, shape, p, ones_x, ones, first, g2.dx, ones);
    const nlohmann::json& expected = published[name];
    auto near = [&](const char* what, double value) {
      EXPECT_NEAR(value, expected.at(what), 1e-5 * std::fabs(double(expected.at(what)))) << what;
    };
    near("y", sum(second.y));
    near("hy", sum(first.hT) + sum(second.hT));
    near("dx", sum(g1.dx));
    near("dhx", sum(g1.dh0) + sum(g2.dh0));
    double dw = 0;
    for (const RecurrentGradients* g : {&g1, &g2}) {
      dw += sum(g->dw_ih) + sum(g->dw_hh) + sum(g->db_ih) + sum(g->db_hh);
    }
    near("dw", dw);
  }
}

}  // namespace
}  // namespace reference
