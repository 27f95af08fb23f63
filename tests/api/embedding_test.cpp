// The embedding against the fp64 reference.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "recur/memory.hpp"
#include "recur/sequence.hpp"
#include "tests/reference/sequence.hpp"
#include "tests/support/exact_buffer.hpp"

namespace recur::test {
namespace {

struct Shape {
  int64_t count, vocabulary, size;
};

// One row and one column; odd and prime sizes; 16-byte rows; several chunks of positions; sorted paths of two
// and three radix passes, with rows hit by many positions.
const Shape kShapes[] = {{1, 1, 1},       {5, 3, 7},        {64, 65, 32},     {97, 101, 20},
                         {200, 5, 130},   {9000, 10, 5},    {4097, 3, 8},     {33, 5000, 12},
                         {3000, 1025, 4}, {2500, 65536, 1}, {2049, 1100, 33}, {1200, 2003, 260}};

std::vector<float> random_floats(size_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& v : values) v = normal(engine);
  return values;
}

// A third of the positions share few rows, as words do in text.
std::vector<int32_t> random_indices(const Shape& shape, unsigned seed) {
  std::mt19937 engine(seed);
  std::uniform_int_distribution<int32_t> any(0, static_cast<int32_t>(shape.vocabulary - 1));
  std::vector<int32_t> indices(shape.count);
  for (int32_t& i : indices) i = engine() % 3 == 0 ? any(engine) % 4 : any(engine);
  return indices;
}

std::vector<float> backward(const Shape& shape, const std::vector<int32_t>& indices,
                            const std::vector<float>& dy, const std::vector<float>& initial, bool accumulate,
                            cudaStream_t stream = nullptr, size_t skip = 0) {
  ExactBuffer<int32_t> d_indices(indices);
  ExactBuffer<float> d_dy(dy, skip), d_table(initial, skip);
  ExactBuffer<char> workspace(embedding_backward_workspace(shape.count, shape.vocabulary, shape.size));
  EmbeddingBackward args = {};
  args.stream = stream;
  args.count = shape.count;
  args.vocabulary = shape.vocabulary;
  args.size = shape.size;
  args.indices = d_indices.get();
  args.output_gradient = d_dy.get();
  args.table_gradient = d_table.get();
  args.accumulate = accumulate;
  args.workspace = workspace.get();
  args.workspace_size = workspace.size();
  embedding_backward(args);
  return d_table.download();
}

TEST(Embedding, ForwardCopiesRowsAndCountsBadIndices) {
  for (const Shape& shape : kShapes) {
    SCOPED_TRACE(testing::Message() << shape.count << " " << shape.vocabulary << " " << shape.size);
    std::vector<float> table = random_floats(shape.vocabulary * shape.size, 1);
    std::vector<int32_t> indices = random_indices(shape, 2);
    int bad = 0;
    for (size_t m = 3; m < indices.size(); m += 50) {
      const int32_t outside[] = {-1, static_cast<int32_t>(shape.vocabulary), INT32_MIN, INT32_MAX};
      indices[m] = outside[bad++ % 4];
    }
    ExactBuffer<float> d_table(table), d_output(random_floats(shape.count * shape.size, 3));
    ExactBuffer<int32_t> d_indices(indices), d_bad(std::vector<int32_t>{100});
    EmbeddingForward args = {};
    args.count = shape.count;
    args.vocabulary = shape.vocabulary;
    args.size = shape.size;
    args.table = d_table.get();
    args.indices = d_indices.get();
    args.output = d_output.get();
    args.bad_indices = d_bad.get();
    embedding_forward(args);
    std::vector<float> output = d_output.download();
    reference::Vector expected =
        reference::embedding_forward({table.begin(), table.end()}, shape.vocabulary, shape.size, indices);
    for (size_t i = 0; i < output.size(); ++i) ASSERT_EQ(output[i], expected[i]) << i;
    EXPECT_EQ(d_bad.download()[0], 100 + bad);
  }
}

TEST(Embedding, BackwardSumsRows) {
  for (const Shape& shape : kShapes) {
    for (bool accumulate : {false, true}) {
      SCOPED_TRACE(testing::Message() << shape.count << " " << shape.vocabulary << " " << shape.size
                                      << " accumulate " << accumulate);
      std::vector<int32_t> indices = random_indices(shape, 4);
      for (size_t m = 7; m < indices.size(); m += 60)
        indices[m] = m % 2 ? -5 : static_cast<int32_t>(shape.vocabulary);
      std::vector<float> dy = random_floats(shape.count * shape.size, 5);
      std::vector<float> initial = random_floats(shape.vocabulary * shape.size, 6);
      reference::Vector magnitudes(dy.begin(), dy.end());
      for (double& g : magnitudes) g = std::fabs(g);
      reference::Vector sum =
          reference::embedding_backward({dy.begin(), dy.end()}, shape.vocabulary, shape.size, indices);
      magnitudes = reference::embedding_backward(magnitudes, shape.vocabulary, shape.size, indices);
      std::vector<int> terms(shape.vocabulary, 1);
      for (int32_t i : indices) {
        if (i >= 0 && i < shape.vocabulary) ++terms[i];
      }
      for (size_t i = 0; accumulate && i < sum.size(); ++i) {
        sum[i] += initial[i];
        magnitudes[i] += std::fabs(initial[i]);
      }
      std::vector<float> first = backward(shape, indices, dy, initial, accumulate);
      for (size_t i = 0; i < sum.size(); ++i) {
        // Each of n-1 fp32 additions errs by at most 2^-24 of a partial sum.
        double bound = terms[i / shape.size] * std::ldexp(magnitudes[i], -24);
        ASSERT_LE(std::fabs(first[i] - sum[i]), bound) << i;
      }
      EXPECT_EQ(first, backward(shape, indices, dy, initial, accumulate)) << "two runs differ";
      Stream stream;
      EXPECT_EQ(first, backward(shape, indices, dy, initial, accumulate, stream)) << "a stream differs";
      EXPECT_EQ(first, backward(shape, indices, dy, initial, accumulate, nullptr, 1))
          << "4-byte alignment differs";
    }
  }
}

TEST(Embedding, BackwardOfNothingIsZeroOrUnchanged) {
  for (int64_t vocabulary : {6, 3000}) {
    Shape shape = {0, vocabulary, 5};
    std::vector<float> initial = random_floats(vocabulary * 5, 8);
    EXPECT_EQ(backward(shape, {}, {}, initial, false), std::vector<float>(initial.size(), 0.0f));
    EXPECT_EQ(backward(shape, {}, {}, initial, true), initial);
  }
}

TEST(Embedding, NanStaysInItsRow) {
  Shape shape = {40, 7, 6};
  std::vector<int32_t> indices = random_indices(shape, 9);
  indices[11] = 5;
  indices[12] = -1;
  std::vector<float> dy = random_floats(shape.count * shape.size, 10);
  for (int e = 0; e < 6; ++e) dy[11 * 6 + e] = dy[12 * 6 + e] = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> result = backward(shape, indices, dy, std::vector<float>(42), false);
  for (int i = 0; i < 42; ++i) EXPECT_EQ(std::isnan(result[i]), i / 6 == 5) << i;
}

class EmbeddingArguments : public testing::Test {
 protected:
  ExactBuffer<float> table_{std::vector<float>(12)}, output_{std::vector<float>(20)};
  ExactBuffer<int32_t> indices_{std::vector<int32_t>{0, 1, 2, 0, 1}};
  ExactBuffer<char> workspace_{1 << 16};

  EmbeddingForward forward() {
    EmbeddingForward args = {};
    args.count = 5;
    args.vocabulary = 3;
    args.size = 4;
    args.table = table_.get();
    args.indices = indices_.get();
    args.output = output_.get();
    return args;
  }
  EmbeddingBackward backward() {
    EmbeddingBackward args = {};
    args.count = 5;
    args.vocabulary = 2000;
    args.size = 4;
    args.indices = indices_.get();
    args.output_gradient = output_.get();
    args.table_gradient = table_.get();
    args.workspace = workspace_.get();
    args.workspace_size = workspace_.size();
    return args;
  }
  template <class Args, class Call>
  void expect(recur_status status, const char* text, Call call, Args args) {
    EXPECT_EQ(call(&args), status) << text;
    EXPECT_NE(std::string(recur_last_error()).find(text), std::string::npos) << recur_last_error();
  }
  void expect_forward(const char* text, const EmbeddingForward& args) {
    expect(RECUR_INVALID_ARGUMENT, text, recur_embedding_forward, args);
  }
};

TEST_F(EmbeddingArguments, ForwardNamesWhatIsWrong) {
  EXPECT_EQ(recur_embedding_forward(nullptr), RECUR_INVALID_ARGUMENT);
  EmbeddingForward a = forward();
  a.count = -1;
  expect_forward("count is -1", a);
  a = forward();
  a.vocabulary = 0;
  expect_forward("vocabulary is 0, must be 1 to 2147483647", a);
  a = forward();
  a.size = 0;
  expect_forward("size is 0", a);
  a = forward();
  a.count = int64_t{1} << 40;
  a.size = int64_t{1} << 40;
  expect_forward("count * size", a);
  a = forward();
  a.table = nullptr;
  expect_forward("table is NULL", a);
  a = forward();
  a.indices = nullptr;
  expect_forward("indices is NULL", a);
  a = forward();
  float host[20];
  a.output = host;
  expect_forward("must be device memory", a);
  a = forward();
  a.table = reinterpret_cast<float*>(reinterpret_cast<char*>(table_.get()) + 2);
  expect_forward("table is 0x", a);
  a = forward();
  a.output = table_.get();
  expect_forward("output overlaps table", a);
  a = forward();
  int32_t counter = 0;
  a.bad_indices = &counter;
  expect_forward("bad_indices is 0x", a);
  a = forward();
  EXPECT_EQ(recur_embedding_forward(&a), RECUR_SUCCESS) << recur_last_error();
  check_cuda(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
}

TEST_F(EmbeddingArguments, BackwardNamesWhatIsWrong) {
  EXPECT_EQ(recur_embedding_backward(nullptr), RECUR_INVALID_ARGUMENT);
  EmbeddingBackward a = backward();
  a.count = int64_t{1} << 31;
  expect(RECUR_INVALID_ARGUMENT, "count is 2147483648", recur_embedding_backward, a);
  a = backward();
  a.table_gradient = nullptr;
  expect(RECUR_INVALID_ARGUMENT, "table_gradient is NULL", recur_embedding_backward, a);
  a = backward();
  a.output_gradient = nullptr;
  expect(RECUR_INVALID_ARGUMENT, "output_gradient is NULL", recur_embedding_backward, a);
  a = backward();
  size_t needed = embedding_backward_workspace(5, 2000, 4);
  ASSERT_GT(needed, 0u);
  a.workspace_size = needed - 1;
  expect(RECUR_BUFFER_TOO_SMALL, ("must be at least " + std::to_string(needed)).c_str(),
         recur_embedding_backward, a);
  a = backward();
  a.workspace = nullptr;
  expect(RECUR_INVALID_ARGUMENT, "workspace is NULL", recur_embedding_backward, a);
  size_t bytes = 0;
  EXPECT_EQ(recur_embedding_backward_workspace(-1, 2, 3, &bytes), RECUR_INVALID_ARGUMENT);
  EXPECT_EQ(recur_embedding_backward_workspace(1, 2, 3, nullptr), RECUR_INVALID_ARGUMENT);
  EXPECT_THROW(embedding_backward_workspace(1, 0, 3), Error);
}

}  // namespace
}  // namespace recur::test
