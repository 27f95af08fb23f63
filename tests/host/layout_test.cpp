// Where a layer's buffers lie: pieces apart and aligned, sizes large enough and no larger than they must be.
#include "host/layout.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "host/validate.hpp"

namespace {

struct Shape {
  int64_t steps, batch, input, hidden;
};

recur_layer_descriptor descriptor(const Shape& s) {
  recur_layer_descriptor d = {};
  d.cell = RECUR_CELL_LSTM;
  d.type = RECUR_TYPE_FLOAT32;
  d.steps = s.steps;
  d.batch = s.batch;
  d.input_size = s.input;
  d.hidden_size = s.hidden;
  return recur::validated(d);
}

const std::vector<Shape> kShapes = {{1, 1, 1, 1},       {3, 2, 5, 4},          {2, 3, 7, 11},
                                    {50, 16, 64, 128},  {65600, 1, 2, 3},      {25, 64, 2816, 2816},
                                    {1024, 16, 768, 768}, {100000, 1000, 64, 1024}};

struct Piece {
  const char* name;
  size_t begin, bytes;
};

// 256 bytes is what cuBLASLt asks of its workspace; it serves every access of the kernels too.
void expect_apart(std::vector<Piece> pieces, size_t total) {
  std::sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.bytes < b.bytes;
  });
  size_t end = 0, needed = 0;
  for (const Piece& piece : pieces) {
    EXPECT_EQ(piece.begin % 256, 0u) << piece.name;
    EXPECT_GE(piece.begin, end) << piece.name;
    end = piece.begin + piece.bytes;
    needed += piece.bytes;
  }
  EXPECT_LE(end, total);
  EXPECT_LT(total, needed + 256 * (pieces.size() + 1));
}

class Layout : public testing::TestWithParam<Shape> {
 protected:
  Shape s = GetParam();
  recur::LayerLayout l = recur::layout(descriptor(s));
  size_t T = static_cast<size_t>(s.steps), N = static_cast<size_t>(s.batch);
  size_t I = static_cast<size_t>(s.input), H = static_cast<size_t>(s.hidden);
};

TEST_P(Layout, ParametersLieInTheDocumentedOrderWithoutGaps) {
  EXPECT_EQ(l.sizes.w_ih_offset, 0u);
  EXPECT_EQ(l.sizes.w_hh_offset, 4 * H * I);
  EXPECT_EQ(l.sizes.b_ih_offset, 4 * H * (I + H));
  EXPECT_EQ(l.sizes.b_hh_offset, 4 * H * (I + H + 1));
  EXPECT_EQ(l.sizes.parameter_elements, 4 * H * (I + H + 2));
  EXPECT_EQ(l.sizes.state_elements, N * H);
}

TEST_P(Layout, PiecesAreAlignedAndApart) {
  const size_t state = N * H * 4;
  expect_apart({{"gates", l.reserve.gates, T * 4 * state}, {"c", l.reserve.c, T * state}}, l.sizes.reserve);
  expect_apart({{"biases", l.training.biases, 32 * H},
                {"products", l.training.products, l.sizes.training_workspace - l.training.products}},
               l.sizes.training_workspace);
  expect_apart({{"gates", l.inference.gates, static_cast<size_t>(l.inference.chunk) * 4 * state},
                {"c", l.inference.c, state},
                {"biases", l.inference.biases, 32 * H},
                {"products", l.inference.products, l.sizes.inference_workspace - l.inference.products}},
               l.sizes.inference_workspace);
  expect_apart({{"dgates", l.backward.dgates, T * 4 * state},
                {"dh", l.backward.dh, state},
                {"dc", l.backward.dc, state},
                {"db", l.backward.db, 16 * H},
                {"sums", l.backward.sums, l.backward.products - l.backward.sums},
                {"products", l.backward.products, l.sizes.backward_workspace - l.backward.products}},
               l.sizes.backward_workspace);
  expect_apart({{"gates", l.step.gates, 4 * state},
                {"biases", l.step.biases, 32 * H},
                {"products", l.step.products, l.sizes.step_workspace - l.step.products}},
               l.sizes.step_workspace);
}

TEST_P(Layout, InferenceTakesWholeStepsAndBoundedMemory) {
  EXPECT_GE(l.inference.chunk, 1);
  EXPECT_LE(l.inference.chunk, s.steps);
  // 64 MiB of gates, or one step of them, and small change.
  const size_t one_step = N * 4 * H * 4;
  EXPECT_LE(static_cast<size_t>(l.inference.chunk) * one_step, std::max(one_step, size_t{64} << 20));
  if (l.inference.chunk < s.steps) {
    EXPECT_GT((static_cast<size_t>(l.inference.chunk) + 1) * one_step, size_t{64} << 20);
  }
}

TEST_P(Layout, SizesDependOnTheShapeAlone) {
  recur_layer_descriptor linear = descriptor(s);
  linear.activation = RECUR_ACTIVATION_LINEAR;
  const recur::LayerLayout other = recur::layout(linear);
  EXPECT_EQ(std::memcmp(&l.sizes, &other.sizes, sizeof l.sizes), 0);
}

INSTANTIATE_TEST_SUITE_P(Shapes, Layout, testing::ValuesIn(kShapes), [](const auto& info) {
  const Shape& s = info.param;
  return "T" + std::to_string(s.steps) + "_N" + std::to_string(s.batch) + "_I" + std::to_string(s.input) + "_H" +
         std::to_string(s.hidden);
});

// Gates of 4.1e11 elements: offsets and sizes are right far beyond 2^31 elements.
TEST(LayoutNumbers, BeyondTwoToThe31) {
  const recur::LayerLayout l = recur::layout(descriptor({100000, 1000, 64, 1024}));
  EXPECT_EQ(l.reserve.gates, 0u);
  EXPECT_EQ(l.reserve.c, 1638400000000u);
  EXPECT_EQ(l.sizes.reserve, 2048000000000u);
  EXPECT_EQ(l.backward.dh, 1638400000000u);
}

}  // namespace
