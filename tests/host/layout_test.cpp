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

struct Made {
  recur_layer_descriptor d;
  recur::Geometry g;
  recur::LayerLayout l;
  explicit Made(const recur_layer_descriptor& d) : d(d), g(d, recur::cell_of(d)), l(recur::layout(d, g)) {}
};

class Layout : public testing::TestWithParam<Shape> {
 protected:
  Shape s = GetParam();
  recur::LayerLayout l = Made(descriptor(s)).l;
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
  EXPECT_EQ(l.sizes.cell_state_elements, N * H);
}

TEST_P(Layout, PiecesAreAlignedAndApart) {
  const size_t state = N * H * 4, chunk = static_cast<size_t>(l.chunk);
  expect_apart({{"saved", l.reserve.saved, T * 4 * state}, {"c", l.reserve.c, T * state}}, l.sizes.reserve);
  const auto forward = [&](const recur::LayerLayout::Forward& f, size_t steps, size_t total) {
    std::vector<Piece> pieces = {{"a", f.a, steps * 4 * state}, {"b_ih", f.b_ih, 16 * H}, {"b_hh", f.b_hh, 16 * H}};
    pieces.push_back({"products", f.products, total - f.products});
    return pieces;
  };
  expect_apart(forward(l.training, chunk, l.sizes.training_workspace), l.sizes.training_workspace);
  std::vector<Piece> inference = forward(l.inference, chunk, l.sizes.inference_workspace);
  inference.push_back({"c", l.inference.c, state});
  expect_apart(inference, l.sizes.inference_workspace);
  expect_apart(forward(l.step, 1, l.sizes.step_workspace), l.sizes.step_workspace);
  expect_apart({{"da", l.backward.da, T * 4 * state},
                {"dh", l.backward.dh, state},
                {"dc", l.backward.dc, state},
                {"db", l.backward.db, 16 * H},
                {"sums", l.backward.sums, l.backward.products - l.backward.sums},
                {"products", l.backward.products, l.sizes.backward_workspace - l.backward.products}},
               l.sizes.backward_workspace);
}

TEST_P(Layout, ChunksAreWholeStepsOfBoundedMemory) {
  EXPECT_GE(l.chunk, 1);
  EXPECT_LE(l.chunk, s.steps);
  // 64 MiB of pre-activations, or one step of them, and small change.
  const size_t one_step = N * 4 * H * 4;
  EXPECT_LE(static_cast<size_t>(l.chunk) * one_step, std::max(one_step, size_t{64} << 20));
  if (l.chunk < s.steps) {
    EXPECT_GT((static_cast<size_t>(l.chunk) + 1) * one_step, size_t{64} << 20);
  }
}

TEST_P(Layout, SizesDependOnTheShapeAlone) {
  recur_layer_descriptor linear = descriptor(s);
  linear.activation = RECUR_ACTIVATION_LINEAR;
  const recur::LayerLayout other = Made(linear).l;
  EXPECT_EQ(std::memcmp(&l.sizes, &other.sizes, sizeof l.sizes), 0);
}

INSTANTIATE_TEST_SUITE_P(Shapes, Layout, testing::ValuesIn(kShapes), [](const auto& info) {
  const Shape& s = info.param;
  return "T" + std::to_string(s.steps) + "_N" + std::to_string(s.batch) + "_I" + std::to_string(s.input) + "_H" +
         std::to_string(s.hidden);
});

// Gates of 4.1e11 elements: offsets and sizes are right far beyond 2^31 elements.
TEST(LayoutNumbers, BeyondTwoToThe31) {
  const recur::LayerLayout l = Made(descriptor({100000, 1000, 64, 1024})).l;
  EXPECT_EQ(l.reserve.saved, 0u);
  EXPECT_EQ(l.reserve.c, 1638400000000u);
  EXPECT_EQ(l.sizes.reserve, 2048000000000u);
  EXPECT_EQ(l.backward.dh, 1638400000000u);
}

// Two layers of two directions, everything that takes room: every parameter has its place, in the documented order,
// and the pieces of the reserve do not touch.
TEST(LayoutOfManyPasses, ParametersAndReserve) {
  recur_layer_descriptor d = descriptor({5, 3, 7, 6});
  d.layers = d.directions = 2;
  d.projection_size = 4;
  d.peepholes = 1;
  d.dropout = 0.5f;
  d.ragged = d.batch_first = 1;
  const Made made(d);
  size_t expected = 0;
  for (int64_t layer = 0; layer < 2; ++layer) {
    for (int64_t direction = 0; direction < 2; ++direction) {
      const int64_t inputs = layer == 0 ? 7 : 8;
      const int64_t shapes[][2] = {{24, inputs}, {24, 4}, {24, 1}, {24, 1}, {4, 6}, {3, 6}};
      for (int which = 0; which < 6; ++which) {
        const recur_parameter_place p = made.g.parameter(layer, direction, static_cast<recur_parameter>(which));
        EXPECT_EQ(p.offset, expected) << layer << direction << which;
        EXPECT_EQ(p.rows, shapes[which][0]);
        EXPECT_EQ(p.columns, shapes[which][1]);
        expected += static_cast<size_t>(p.rows * p.columns);
      }
    }
  }
  EXPECT_EQ(made.l.sizes.parameter_elements, expected);
  EXPECT_EQ(made.l.sizes.state_elements, 4u * 3 * 4);
  EXPECT_EQ(made.l.sizes.cell_state_elements, 4u * 3 * 6);

  const recur::LayerLayout::Reserve& r = made.l.reserve;
  std::vector<Piece> pieces;
  for (size_t pass = 0; pass < 4; ++pass) {
    const size_t base = pass * r.pass_stride;
    pieces.push_back({"saved", base + r.saved, 15 * 24 * 4});
    pieces.push_back({"c", base + r.c, 15 * 6 * 4});
    pieces.push_back({"h", base + r.h, 15 * 4 * 4});
    pieces.push_back({"m", base + r.m, 15 * 6 * 4});
  }
  pieces.push_back({"out 0", r.out, 15 * 8 * 4});
  pieces.push_back({"dropped 0", r.dropped, 15 * 8 * 4});
  pieces.push_back({"out 1", r.out + r.layer_stride, 15 * 8 * 4});
  expect_apart(pieces, made.l.sizes.reserve);
}

}  // namespace
