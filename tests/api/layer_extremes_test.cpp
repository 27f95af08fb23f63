// Values and sizes at the edges: NaN, saturated gates, counts beyond 65,535.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/support/layer_problem.hpp"
#include "tests/support/layer_run.hpp"

namespace recur::test {
namespace {

using Floats = std::vector<float>;

LayerProblem problem_of(const reference::LstmShape& shape) {
  return {{shape, true, true, true, true}, reference::Activation::standard};
}

// A NaN in one row's input shows in that row from its step on, and nowhere else.
TEST(LayerExtremes, NanIsNotHiddenAndDoesNotSpread) {
  const int64_t T = 5, N = 3, I = 4, H = 6, step = 2, row = 1;
  LayerProblem problem = problem_of({T, N, I, H});
  LayerRun clean(problem);
  clean.forward(true);
  const Floats good = clean.result().y;
  problem.x[size_t((step * N + row) * I + 1)] = std::nanf("");
  LayerRun run(problem);
  run.forward(true);
  const Floats y = run.result().y;
  for (int64_t t = 0; t < T; ++t) {
    for (int64_t n = 0; n < N; ++n) {
      for (int64_t j = 0; j < H; ++j) {
        const size_t k = size_t((t * N + n) * H + j);
        if (n == row && t >= step) {
          EXPECT_TRUE(std::isnan(y[k])) << t << " " << n << " " << j;
        } else {
          EXPECT_EQ(y[k], good[k]) << t << " " << n << " " << j;
        }
      }
    }
  }
}

// Gates far beyond where exp overflows: 0 and 1, never NaN, and no gradient through them.
TEST(LayerExtremes, SaturatedGatesAreZeroAndOne) {
  const int64_t T = 6, N = 2, I = 3, H = 5;
  for (const float far : {90.0f, 1e4f, 1e30f}) {
    for (const bool forget : {false, true}) {
      LayerProblem problem = problem_of({T, N, I, H});
      for (int64_t j = 0; j < H; ++j) {
        problem.b_ih[size_t(0 * H + j)] = far;                  // i = 1
        problem.b_ih[size_t(1 * H + j)] = forget ? -far : far;  // f = 0 or 1
        problem.b_ih[size_t(2 * H + j)] = j % 2 ? far : -far;   // g = 1 or -1
        problem.b_ih[size_t(3 * H + j)] = far;                  // o = 1
      }
      problem.compute();
      LayerRun run(problem);
      run.forward(true);
      run.backward();
      const LayerResult result = run.result();
      const Worst y = problem.compare("y", result.y, problem.expected().y);
      EXPECT_TRUE(y.ok()) << y.text();
      for (int64_t k = 0; k < N * H; ++k) {
        const double g = k % H % 2 ? 1 : -1;
        const double c = forget ? g : double(problem.c0[size_t(k)]) + double(T) * g;
        EXPECT_NEAR(result.cT[size_t(k)], c, 1e-5);
      }
      for (const Floats* gradient : {&result.dx, &result.dh0, &result.dc0, &result.dparameters}) {
        for (float value : *gradient) ASSERT_TRUE(std::isfinite(value));
      }
      for (float value : result.dx) EXPECT_LE(std::fabs(value), 1e-30);
    }
  }
}

// Counts beyond the 65,535 blocks of a grid's second and third dimension.
TEST(LayerExtremes, MoreThan65535OfEachSize) {
  const int64_t many = 65539;
  for (const reference::LstmShape& shape :
       {reference::LstmShape{1, many, 1, 1}, {1, 1, many, 1}, {many, 1, 1, 1}}) {
    const LayerProblem problem = problem_of(shape);
    SCOPED_TRACE(problem.layer_case.text());
    LayerRun run(problem);
    run.forward(true);
    run.backward();
    const LayerExpected result = run.result().by_name(run.sizes());
    for (const auto& [name, member] : LayerExpected::tensors()) {
      const Worst worst = problem.compare(name, result.*member, problem.expected().*member);
      EXPECT_TRUE(worst.ok()) << name << ": " << worst.text();
    }
    EXPECT_EQ(run.damage(), "");
  }
}

// Inference keeps the gates of a few steps at a time. Here that is fewer than T, with a rest; rows of a batch
// do not depend on each other, so a few of them are enough to tell.
TEST(LayerExtremes, InferenceInChunksOfSteps) {
  const int64_t T = 3, N = 32768, I = 1, H = 64;
  const LayerCase whole = {{T, N, I, H}, true, true, false, false};
  LayerCase row_case = whole;
  row_case.shape.batch = 1;
  const LayerProblem one(row_case, reference::Activation::standard);
  const std::vector<float> x = random_fill(T * N * I, 1), h0 = random_fill(N * H, 2),
                           c0 = random_fill(N * H, 3);

  LayerProblem problem = one;
  problem.layer_case = whole;
  problem.x = x;
  problem.h0 = h0;
  problem.c0 = c0;
  problem.dy.resize(T * N * H);
  LayerRun run(problem);
  ASSERT_LT(run.sizes().inference_workspace, size_t(T * N * 4 * H) * sizeof(float)) << "this is one chunk";
  run.forward(false);
  const LayerResult result = run.result();

  for (int64_t n : {int64_t{0}, int64_t{1}, N / 2 + 1, N - 1}) {
    const auto rows = [&](const std::vector<float>& all, int64_t steps, int64_t width) {
      std::vector<float> out;
      for (int64_t t = 0; t < steps; ++t) {
        const auto begin = all.begin() + (t * N + n) * width;
        out.insert(out.end(), begin, begin + width);
      }
      return out;
    };
    LayerProblem row = one;
    row.x = rows(x, T, I);
    row.h0 = rows(h0, 1, H);
    row.c0 = rows(c0, 1, H);
    row.compute();
    const auto near = [&](const char* name, const std::vector<float>& values,
                          const std::vector<double>& expected) {
      const Worst worst = row.compare(name, values, expected);
      EXPECT_TRUE(worst.ok()) << name << " of row " << n << ": " << worst.text();
    };
    near("y", rows(result.y, T, H), row.expected().y);
    near("hT", rows(result.hT, 1, H), row.expected().hT);
    near("cT", rows(result.cT, 1, H), row.expected().cT);
  }
  EXPECT_EQ(run.damage(), "");
}

}  // namespace
}  // namespace recur::test
