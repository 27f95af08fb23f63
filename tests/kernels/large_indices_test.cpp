// Elements beyond 2^31 and 2^32 of a buffer, without the memory: rows lie that far apart in buffers of which nothing
// else is touched, and must give the same bits as rows side by side. And offsets of plans too large to run.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/streamed/launch.hpp"
#include "tests/reference/sequence.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/random_fill.hpp"

namespace recur::test {
namespace {

constexpr int64_t kFar = (int64_t{1} << 32) + 8, kNear = (int64_t{1} << 31) + 4;  // elements

void copy(void* to, const void* from, size_t bytes) {
  check_cuda(cudaMemcpy(to, from, bytes, cudaMemcpyDefault), "cudaMemcpy");
  check_cuda(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
}

// rows x columns floats on the device, a row every `pitch` elements. Nothing but these rows is written.
class Rows {
 public:
  Rows(int64_t rows, int64_t columns, int64_t pitch, uint64_t seed) : rows_(rows), columns_(columns), pitch_(pitch) {
    const size_t bytes = size_t((rows - 1) * pitch + columns) * sizeof(float);
    check_cuda(cudaMalloc(&base_, bytes), "cudaMalloc");
    const std::vector<float> values = random_fill(size_t(rows * columns), seed);
    for (int64_t row = 0; row < rows; ++row) copy(at(row), &values[size_t(row * columns)], row_bytes());
  }
  Rows(const Rows&) = delete;
  ~Rows() { cudaFree(base_); }
  float* get() const { return static_cast<float*>(base_); }
  float* at(int64_t row) const { return get() + row * pitch_; }
  int64_t pitch() const { return pitch_; }
  std::vector<float> download() const {
    std::vector<float> values(size_t(rows_ * columns_));
    check_cuda(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
    for (int64_t row = 0; row < rows_; ++row) copy(&values[size_t(row * columns_)], at(row), row_bytes());
    return values;
  }

 private:
  size_t row_bytes() const { return size_t(columns_) * sizeof(float); }
  int64_t rows_, columns_, pitch_;
  void* base_ = nullptr;
};

// What every output holds after one step forward and one back, with rows of h, h', y's gradient `pitch` apart.
std::vector<std::vector<float>> cell_steps(recur_cell cell, int64_t H, int64_t pitch) {
  const recur_custom_cell& c =
      *kernels::built_in_cell(cell, RECUR_TYPE_FLOAT32, RECUR_ACTIVATION_STANDARD, false);
  const int64_t N = 2, G = c.gates, S = std::max(c.saved, 1), A = std::max(c.apart, 1);
  const Rows a(1, N * G * H, 0, 1), u(1, N * G * H, 0, 2), h_previous(N, H, pitch, 3), h(N, H, pitch, 4);
  const Rows c_previous(1, N * H, 0, 5), c_new(1, N * H, 0, 6), saved(1, N * S * H, 0, 7), last(1, N * H, 0, 8);
  SweepForward f = {};
  f.batch = N, f.hidden = H;
  f.a = a.get(), f.u = c.apart ? u.get() : nullptr;
  f.h_previous = h_previous.get(), f.h_previous_pitch = pitch;
  f.h = h.get(), f.h_pitch = pitch, f.h_last = last.get();
  if (c.state) f.c_previous = c_previous.get(), f.c = c_new.get();
  if (c.saved) f.saved = saved.get();
  check_cuda(static_cast<cudaError_t>(c.forward(f, nullptr)), "forward");

  const Rows dy(N, H, pitch, 9), dh(1, N * H, 0, 10), dc(1, N * H, 0, 11), da(1, N * G * H, 0, 12),
      da_apart(1, N * A * H, 0, 13), direct(1, N * H, 0, 14), dc_previous(1, N * H, 0, 15);
  SweepBackward b = {};
  b.batch = N, b.hidden = H;
  b.saved = saved.get();
  b.h = h.get(), b.h_pitch = pitch, b.h_previous = h_previous.get(), b.h_previous_pitch = pitch;
  b.dy = dy.get(), b.dy_pitch = pitch, b.dh = dh.get();
  if (c.state) b.c = c_new.get(), b.c_previous = c_previous.get(), b.dc = dc.get(), b.dc_previous = dc_previous.get();
  b.da = da.get(), b.da_apart = c.apart ? da_apart.get() : nullptr;
  if (c.direct) b.dh_direct = direct.get();
  check_cuda(static_cast<cudaError_t>(c.backward(b, nullptr)), "backward");
  std::vector<std::vector<float>> all;
  for (const Rows* rows : {&h, &last, &c_new, &saved, &da, &da_apart, &direct, &dc_previous})
    all.push_back(rows->download());
  return all;
}

TEST(LargeIndices, RowsOfTheSweepFarApart) {
  for (const recur_cell cell : {RECUR_CELL_LSTM, RECUR_CELL_GRU, RECUR_CELL_GRU_RESET_BEFORE, RECUR_CELL_RNN_TANH}) {
    EXPECT_EQ(cell_steps(cell, 8, kFar), cell_steps(cell, 8, 8)) << cell << ", four units a thread";
    EXPECT_EQ(cell_steps(cell, 5, kNear + 1), cell_steps(cell, 5, 5)) << cell << ", one unit a thread";
  }
}

TEST(LargeIndices, CopiesOfRowsFarApart) {
  for (const int64_t columns : {8, 5}) {  // 16 bytes an access, and 4
    const int64_t T = 2, N = 2, row = columns, step = columns == 8 ? kFar : kNear + 1;
    const Rows from(T, N * columns, step, 1), to(T * N, columns, columns, 2), back(T, N * columns, step, 3);
    check_cuda(kernels::copy_rows(4, {T, N, columns, from.get(), step, row, to.get(), N * columns, columns, nullptr},
                                  nullptr), "copy_rows");
    EXPECT_EQ(to.download(), from.download());
    check_cuda(kernels::copy_rows(4, {T, N, columns, to.get(), N * columns, columns, back.get(), step, row, nullptr},
                                  nullptr), "copy_rows");
    EXPECT_EQ(back.download(), from.download());
  }
}

TEST(LargeIndices, ProjectedRowsFarApart) {
  const int64_t N = 2, R = 5;
  std::vector<float> results[2];
  for (const int64_t pitch : {R, kFar + 1}) {
    const Rows y(N, R, pitch, 1), dy(N, R, pitch, 2), dh(1, N * R, 0, 3), last(1, N * R, 0, 4), total(1, N * R, 0, 5);
    kernels::ProjectedState p = {N, R, y.get(), pitch, nullptr, nullptr, last.get(), {}};
    check_cuda(kernels::projected_state(RECUR_TYPE_FLOAT32, p, nullptr), "projected_state");
    kernels::ProjectedGradient g = {N, R, dy.get(), pitch, dh.get(), total.get(), nullptr, {}};
    check_cuda(kernels::projected_gradient(RECUR_TYPE_FLOAT32, g, nullptr), "projected_gradient");
    std::vector<float>& all = results[pitch == R ? 0 : 1];
    for (const Rows* rows : {&y, &last, &total})
      for (float v : rows->download()) all.push_back(v);
  }
  EXPECT_EQ(results[0], results[1]);
}

// Elements of a layer's output whose number, and whose count of fours, needs more than 32 bits.
TEST(LargeIndices, DropoutOfElementsFarOut) {
  const uint64_t seed = 0xFEDCBA9876543210u, offset = 0x100000005u;
  const int64_t count = 37, layer = 3;
  const uint64_t key = seed + uint64_t(layer) * 0x9E3779B97F4A7C15u;
  for (const int64_t first : {(int64_t{1} << 31) - 6, (int64_t{1} << 32) + 3, (int64_t{1} << 34) - 5,
                              (int64_t{1} << 40) + 2}) {
    const Rows from(1, count, 0, 1), to(1, count, 0, 2);
    check_cuda(kernels::dropout(RECUR_TYPE_FLOAT32,
                                {count, from.get(), to.get(), 0.5f, seed, offset, layer, first}, nullptr), "dropout");
    const std::vector<float> in = from.download(), out = to.download();
    for (int64_t k = 0; k < count; ++k) {
      const uint64_t quad = uint64_t(first + k) / 4;
      const auto words = reference::philox4x32_10(
          {uint32_t(quad), uint32_t(quad >> 32), uint32_t(offset), uint32_t(offset >> 32)},
          {uint32_t(key), uint32_t(key >> 32)});
      const bool stays = words[size_t((first + k) % 4)] >= 0x80000000u;
      EXPECT_EQ(out[size_t(k)], stays ? 2 * in[size_t(k)] : 0) << first << " + " << k;
    }
  }
}

// Nothing of these is allocated: what a plan says of sizes and places is arithmetic.
TEST(LargeIndices, PlacesAndSizesOfLargePlans) {
  recur_layer_descriptor d = {};
  d.cell = RECUR_CELL_GRU, d.type = RECUR_TYPE_FLOAT32;
  d.steps = 70000, d.batch = 300, d.input_size = 20000, d.hidden_size = 20000, d.layers = 3, d.directions = 2;
  recur_layer_plan* made = nullptr;
  ASSERT_EQ(recur_layer_create(&made, &d), RECUR_SUCCESS) << recur_last_error();
  const std::unique_ptr<recur_layer_plan, void (*)(recur_layer_plan*)> plan(made, recur_layer_destroy);
  recur_layer_sizes sizes = {};
  ASSERT_EQ(recur_layer_get_sizes(plan.get(), &sizes), RECUR_SUCCESS);
  const int64_t H = d.hidden_size;
  int64_t end = 0;
  for (int64_t layer = 0; layer < 3; ++layer)
    for (int64_t direction = 0; direction < 2; ++direction)
      for (int which = 0; which < 4; ++which) {
        recur_parameter_place place = {};
        ASSERT_EQ(recur_layer_get_parameter(plan.get(), layer, direction, recur_parameter(which), &place),
                  RECUR_SUCCESS);
        EXPECT_EQ(int64_t(place.offset), end);
        EXPECT_EQ(place.rows, 3 * H);
        EXPECT_EQ(place.columns, which == 0 ? (layer == 0 ? d.input_size : 2 * H) : which == 1 ? H : 1);
        end += place.rows * place.columns;
      }
  EXPECT_GT(end, int64_t{1} << 33);
  EXPECT_EQ(int64_t(sizes.parameter_elements), end);
  EXPECT_EQ(int64_t(sizes.state_elements), 6 * d.batch * H);
  // At the least the four values a unit of every pass, and the outputs of two layers below the last.
  const double units = double(d.steps) * double(d.batch) * double(H);
  EXPECT_GE(double(sizes.reserve), 4 * units * (6 * 4 + 2 * 2));
  EXPECT_LT(double(sizes.reserve), 4 * units * (6 * 4 + 2 * 2) * 1.001);
}

}  // namespace
}  // namespace recur::test
