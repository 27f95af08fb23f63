// The linear layer against its definition in fp64, written here.
#include "recur/linear.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "recur/memory.hpp"
#include "tests/support/element.hpp"
#include "tests/support/exact_buffer.hpp"

namespace recur::test {
namespace {

// Normally distributed and representable in the type.
std::vector<double> random_values(recur_type type, size_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  std::vector<double> values(count);
  for (double& v : values) v = rounded(type, normal(engine));
  return values;
}
std::vector<float> narrowed(const std::vector<double>& values) { return {values.begin(), values.end()}; }
std::vector<double> widened(const std::vector<float>& values) { return {values.begin(), values.end()}; }

// A sum of products, made in float: the exact value, and the most that n roundings in any order may move it.
struct Sum {
  double value = 0, magnitude = 0;
  int terms = 0;

  void add(double a, double b) {
    value += a * b;
    magnitude += std::fabs(a * b);
    ++terms;
  }
};

// What the type adds: each operand of a TF32 product loses 2^-11 of itself; a 16-bit result is rounded once.
enum class Result { Typed, Float, FloatOfNoProduct };

double bound(recur_type type, Result result, const Sum& sum) {
  double error = (sum.terms + 1) * std::ldexp(sum.magnitude, -24);
  if (type == RECUR_TYPE_TFLOAT32 && result != Result::FloatOfNoProduct)
    error += std::ldexp(sum.magnitude, -10) + std::ldexp(sum.magnitude, -22);
  if (result != Result::Typed) return error;
  const double largest = std::fabs(sum.value) + error;
  if (type == RECUR_TYPE_FLOAT16) return error + std::max(std::ldexp(largest, -11), 0x1p-25);
  if (type == RECUR_TYPE_BFLOAT16) return error + std::ldexp(largest, -8);
  return error;
}

void expect_near(recur_type type, Result result, const std::vector<Sum>& expected, const std::vector<double>& values,
                 const char* name) {
  ASSERT_EQ(expected.size(), values.size());
  for (size_t i = 0; i < values.size(); ++i)
    ASSERT_LE(std::fabs(values[i] - expected[i].value), bound(type, result, expected[i])) << name << " " << i;
}

struct Shape {
  int64_t rows, inputs, outputs;
};

const recur_type kTypes[] = {RECUR_TYPE_FLOAT32, RECUR_TYPE_TFLOAT32, RECUR_TYPE_FLOAT16, RECUR_TYPE_BFLOAT16};
const Shape kShapes[] = {{1, 1, 1},    {1, 64, 65},    {7, 5, 3},      {33, 17, 31},
                         {64, 32, 96}, {129, 128, 65}, {1025, 13, 37}, {3000, 8, 70}};

struct Results {
  Bytes y, dx;
  std::vector<float> dw, db;

  bool operator==(const Results& other) const {
    return y == other.y && dx == other.dx && dw == other.dw && db == other.db;
  }
};

struct Problem {
  recur_type type;
  Shape shape;
  bool bias, accumulate;
  std::vector<double> x, w, b, dy;
  std::vector<float> dw0, db0;

  Problem(recur_type of_type, const Shape& s, bool has_bias, bool adds)
      : type(of_type), shape(s), bias(has_bias), accumulate(adds) {
    x = random_values(type, s.rows * s.inputs, 1);
    w = random_values(type, s.outputs * s.inputs, 2);
    b = random_values(type, s.outputs, 3);
    dy = random_values(type, s.rows * s.outputs, 4);
    dw0 = narrowed(random_values(RECUR_TYPE_FLOAT32, w.size(), 5));
    db0 = narrowed(random_values(RECUR_TYPE_FLOAT32, b.size(), 6));
  }

  recur_linear_descriptor descriptor() const { return {type, shape.rows, shape.inputs, shape.outputs, bias}; }

  Results run(const Linear& plan, cudaStream_t stream = nullptr, size_t skip = 0) const {
    using Typed = ExactBuffer<unsigned char>;
    const size_t element = element_size(type);
    const Typed d_x(packed(type, x), skip * element), d_w(packed(type, w), skip * element),
        d_b(packed(type, b), skip * element), d_dy(packed(type, dy), skip * element), y(dy.size() * element, skip * element),
        dx(x.size() * element, skip * element);
    const ExactBuffer<float> d_dw(dw0, skip), d_db(db0, skip);
    ExactBuffer<char> forward(plan.sizes().forward_workspace), backward(plan.sizes().backward_workspace);
    LinearForward f = {};
    f.stream = stream;
    f.input = d_x.get();
    f.weight = d_w.get();
    f.bias = bias ? d_b.get() : nullptr;
    f.output = y.get();
    f.workspace = forward.get();
    f.workspace_size = forward.size();
    plan.forward(f);
    LinearBackward g = {};
    g.stream = stream;
    g.input = d_x.get();
    g.weight = d_w.get();
    g.output_gradient = d_dy.get();
    g.input_gradient = dx.get();
    g.weight_gradient = d_dw.get();
    g.bias_gradient = bias ? d_db.get() : nullptr;
    g.accumulate = accumulate;
    g.workspace = backward.get();
    g.workspace_size = backward.size();
    plan.backward(g);
    return {y.download(), dx.download(), d_dw.download(), d_db.download()};
  }

  void check(const Results& r) const {
    auto [rows, inputs, outputs] = shape;
    std::vector<Sum> y(dy.size()), dx(x.size()), dw(r.dw.size()), db(r.db.size());
    if (accumulate) {
      for (size_t i = 0; i < dw.size(); ++i) dw[i].add(dw0[i], 1);
      for (size_t i = 0; i < db.size(); ++i) db[i].add(db0[i], 1);
    }
    for (int64_t m = 0; m < rows; ++m) {
      for (int64_t o = 0; o < outputs; ++o) {
        double g = dy[m * outputs + o];
        for (int64_t i = 0; i < inputs; ++i) {
          y[m * outputs + o].add(x[m * inputs + i], w[o * inputs + i]);
          dx[m * inputs + i].add(g, w[o * inputs + i]);
          dw[o * inputs + i].add(g, x[m * inputs + i]);
        }
        if (bias) y[m * outputs + o].add(b[o], 1);
        db[o].add(g, 1);
      }
    }
    expect_near(type, Result::Typed, y, unpacked(type, r.y), "y");
    expect_near(type, Result::Typed, dx, unpacked(type, r.dx), "dx");
    expect_near(type, Result::Float, dw, widened(r.dw), "dW");
    if (bias) {
      expect_near(type, Result::FloatOfNoProduct, db, widened(r.db), "db");
    } else {
      EXPECT_EQ(r.db, db0);
    }
  }
};

void expect_definition(recur_type type, const Shape& shape, bool bias, bool accumulate) {
  SCOPED_TRACE(testing::Message() << "type " << type << ", " << shape.rows << " rows, " << shape.inputs << " to "
                                  << shape.outputs << " bias " << bias << " accumulate " << accumulate);
  const Problem problem(type, shape, bias, accumulate);
  const Linear plan(problem.descriptor());
  const Results r = problem.run(plan);
  problem.check(r);
  const Stream stream;
  EXPECT_TRUE(r == problem.run(plan, stream)) << "two runs differ";
  problem.check(problem.run(plan, nullptr, 1));
}

TEST(Linear, MatchesItsDefinition) {
  for (const recur_type type : kTypes)
    for (const Shape& shape : kShapes)
      for (const bool bias : {false, true})
        for (const bool accumulate : {false, true}) expect_definition(type, shape, bias, accumulate);
}

// The bias joins the sum before it is rounded: 2049 has no fp16 and 257 no bf16, and both are ties that go down. With
// a bias of 1 the sums 2050 and 258 are representable; rounded before the bias they would come out as 2048 and 256.
TEST(Linear, ABiasIsAddedBeforeTheRounding) {
  for (const recur_type type : {RECUR_TYPE_FLOAT16, RECUR_TYPE_BFLOAT16}) {
    const double large = type == RECUR_TYPE_FLOAT16 ? 2048 : 256;
    Problem problem(type, {1, 2, 1}, true, false);
    problem.x = {large, 1};
    problem.w = {1, 1};
    problem.b = {1};
    EXPECT_EQ(unpacked(type, problem.run(Linear(problem.descriptor())).y), std::vector<double>{large + 2}) << type;
  }
}

#ifdef RECUR_TEST_EMULATED
// cuBLASLt may, and the emulated one does: 1 + 2^-12 has no TF32.
TEST(Linear, Tf32RoundsTheOperandsOfProductsAndNotTheBias) {
  for (const recur_type type : {RECUR_TYPE_FLOAT32, RECUR_TYPE_TFLOAT32}) {
    Problem problem(type, {1, 1, 1}, true, false);
    problem.x = problem.b = {1 + 0x1p-12};
    problem.w = {1};
    const double x = type == RECUR_TYPE_FLOAT32 ? 1 + 0x1p-12 : 1;
    EXPECT_EQ(unpacked(type, problem.run(Linear(problem.descriptor())).y), std::vector<double>{x + 1 + 0x1p-12});
  }
}
#endif

TEST(Linear, GradientsAreOptional) {
  Problem problem(RECUR_TYPE_BFLOAT16, {9, 6, 5}, true, false);
  Linear plan(problem.descriptor());
  ExactBuffer<unsigned char> dy(packed(problem.type, problem.dy));
  ExactBuffer<float> db(5);
  LinearBackward g = {};
  g.output_gradient = dy.get();
  g.bias_gradient = db.get();
  ExactBuffer<char> workspace(plan.sizes().backward_workspace);
  g.workspace = workspace.get();
  g.workspace_size = workspace.size();
  plan.backward(g);
  EXPECT_EQ(db.download(), problem.run(plan).db);
}

// Mixed training keeps float parameters: those of the plan are theirs, rounded to nearest even, or as they are.
TEST(Linear, CastsParameters) {
  // 1 + 2^-11 and 1 + 2^-8 are ties, 3e-6 is subnormal in fp16, 7e4 is beyond it.
  const std::vector<float> weight = {1, 1 + 0x1p-11f, 1 + 0x1p-11f + 0x1p-23f, -1 - 0x1p-8f, 3e-6f, -0.0f},
                           bias = {7e4f, 0.1f};
  for (const recur_type type : kTypes) {
    for (const int has_bias : {0, 1}) {
      SCOPED_TRACE(testing::Message() << "type " << type << " bias " << has_bias);
      const Linear plan({type, 4, 3, 2, has_bias});
      const size_t element = element_size(type);
      const ExactBuffer<float> w(weight), b(bias);
      const ExactBuffer<unsigned char> to_w(Bytes(6 * element, 0xAB)), to_b(Bytes(2 * element, 0xAB));
      plan.cast_parameters(nullptr, w.get(), has_bias ? b.get() : nullptr, to_w.get(), has_bias ? to_b.get() : nullptr);
      const auto expected = [&](const std::vector<float>& from) {
        std::vector<double> values;
        for (const float v : from) values.push_back(type == RECUR_TYPE_FLOAT16 && v > 65520 ? INFINITY : rounded(type, v));
        return packed(type, values);
      };
      EXPECT_EQ(to_w.download(), expected(weight));
      EXPECT_EQ(to_b.download(), has_bias ? expected(bias) : Bytes(2 * element, 0xAB));
    }
  }
}

TEST(Linear, NamesWhatIsWrong) {
  recur_linear_plan* plan = nullptr;
  auto bad_plan = [&](const char* text, recur_linear_descriptor d, recur_status status = RECUR_INVALID_ARGUMENT) {
    plan = reinterpret_cast<recur_linear_plan*>(&plan);
    EXPECT_EQ(recur_linear_create(&plan, &d), status) << text;
    EXPECT_NE(std::string(recur_last_error()).find(text), std::string::npos) << recur_last_error();
    EXPECT_EQ(plan, nullptr);
  };
  const recur_type F = RECUR_TYPE_FLOAT32;
  bad_plan("type is 0, must be 1 to 4", {recur_type{}, 1, 1, 1, 0});
  bad_plan("type is 5, must be 1 to 4", {static_cast<recur_type>(5), 1, 1, 1, 0}, RECUR_NOT_SUPPORTED);
  bad_plan("rows is 0, must be 1 to 2147483647", {F, 0, 1, 1, 0});
  bad_plan("inputs is -3", {F, 1, -3, 1, 0});
  bad_plan("outputs is 2147483648", {F, 1, 1, int64_t{1} << 31, 0});
  bad_plan("rows * inputs", {F, INT32_MAX, INT32_MAX, 1, 0});
  EXPECT_EQ(recur_linear_create(nullptr, nullptr), RECUR_INVALID_ARGUMENT);
  EXPECT_EQ(recur_linear_create(&plan, nullptr), RECUR_INVALID_ARGUMENT);
  EXPECT_THROW(Linear(recur_linear_descriptor{}), Error);
  recur_linear_destroy(nullptr);

  Linear with({F, 600, 3, 4, 1}), without({F, 600, 3, 4, 0}), half({RECUR_TYPE_FLOAT16, 600, 3, 4, 1});
  ExactBuffer<float> buffer(std::vector<float>(4096)), gradients(4096);
  ExactBuffer<char> workspace(with.sizes().backward_workspace), forward_workspace(with.sizes().forward_workspace);
  LinearForward forward = {};
  forward.input = forward.weight = forward.bias = buffer.get();
  forward.output = gradients.get();
  forward.workspace = forward_workspace.get();
  forward.workspace_size = forward_workspace.size();
  LinearBackward backward = {};
  backward.input = backward.weight = backward.output_gradient = buffer.get();
  backward.input_gradient = gradients.get();
  backward.weight_gradient = gradients.get() + 2000;
  backward.bias_gradient = gradients.get() + 3000;
  backward.workspace = workspace.get();
  backward.workspace_size = workspace.size();
  float host[16];
  auto expect = [&](auto call, const Linear& linear, auto args, const char* text, auto change,
                    recur_status status = RECUR_INVALID_ARGUMENT) {
    change(args);
    EXPECT_EQ(call(linear.get(), &args), status) << text;
    EXPECT_NE(std::string(recur_last_error()).find(text), std::string::npos) << recur_last_error();
  };
  auto f = recur_linear_forward;
  auto b = recur_linear_backward;
  EXPECT_EQ(recur_linear_forward(nullptr, &forward), RECUR_INVALID_ARGUMENT);
  EXPECT_EQ(recur_linear_backward(with.get(), nullptr), RECUR_INVALID_ARGUMENT);
  EXPECT_EQ(recur_linear_get_sizes(with.get(), nullptr), RECUR_INVALID_ARGUMENT);
  expect(f, with, forward, "input is NULL", [](LinearForward& a) { a.input = nullptr; });
  expect(f, with, forward, "weight is 0x", [&](LinearForward& a) { a.weight = host; });
  expect(f, with, forward, "bias is NULL", [](LinearForward& a) { a.bias = nullptr; });
  expect(f, with, forward, "output overlaps input",
         [&](LinearForward& a) { a.output = buffer.get() + 4; });
  expect(b, with, backward, "weight_gradient overlaps bias_gradient",
         [](LinearBackward& a) { a.bias_gradient = a.weight_gradient + 11; });
  expect(f, with, forward, "output is NULL", [](LinearForward& a) { a.output = nullptr; });
  expect(b, with, backward, "output_gradient is NULL",
         [](LinearBackward& a) { a.output_gradient = nullptr; });
  expect(b, with, backward, "weight is NULL", [](LinearBackward& a) { a.weight = nullptr; });
  expect(b, with, backward, "input is NULL", [](LinearBackward& a) { a.input = nullptr; });
  expect(b, with, backward, "bias_gradient is 0x", [&](LinearBackward& a) { a.bias_gradient = host; });
  expect(b, without, backward, "bias_gradient is given", [](LinearBackward&) {});
  // A type's elements are at multiples of their size; a float gradient's beside them.
  const auto odd = [&](size_t bytes) { return reinterpret_cast<const char*>(buffer.get()) + bytes; };
  expect(f, with, forward, "must be a multiple of 4 bytes", [&](LinearForward& a) { a.input = odd(2); });
  expect(f, half, forward, "must be a multiple of 2 bytes", [&](LinearForward& a) { a.bias = odd(1); });
  expect(b, half, backward, "must be a multiple of 2 bytes", [&](LinearBackward& a) { a.output_gradient = odd(3); });
  expect(b, half, backward, "must be a multiple of 4 bytes", [](LinearBackward& a) {
    a.weight_gradient = reinterpret_cast<float*>(reinterpret_cast<char*>(a.weight_gradient) + 2);
  });
  const auto bad_cast = [&](const Linear& linear, const char* text, const float* weight, const float* bias, void* to_weight,
                            void* to_bias) {
    EXPECT_EQ(recur_linear_cast_parameters(linear.get(), nullptr, weight, bias, to_weight, to_bias),
              RECUR_INVALID_ARGUMENT);
    EXPECT_NE(std::string(recur_last_error()).find(text), std::string::npos) << recur_last_error();
  };
  float* const from = buffer.get();
  float* const to = gradients.get();
  EXPECT_EQ(recur_linear_cast_parameters(nullptr, nullptr, from, from, to, to), RECUR_INVALID_ARGUMENT);
  bad_cast(half, "weight is NULL", nullptr, from, to, to + 20);
  bad_cast(half, "bias is NULL", from, nullptr, to, to + 20);
  bad_cast(half, "typed_weight is 0x", from, from, host, to + 20);
  bad_cast(half, "typed_bias is NULL", from, from, to, nullptr);
  bad_cast(half, "typed_weight overlaps weight", from, from + 20, from + 11, to);
  bad_cast(half, "typed_weight overlaps typed_bias", from, from, to, to + 5);
  bad_cast(with, "typed_weight overlaps typed_bias", from, from, to, to + 11);
  // 12 halves and then 4: apart.
  EXPECT_EQ(recur_linear_cast_parameters(half.get(), nullptr, from, from, to, to + 6), RECUR_SUCCESS);
  expect(
      b, with, backward, "workspace_size is 0", [](LinearBackward& a) { a.workspace_size = 0; },
      RECUR_BUFFER_TOO_SMALL);
}

}  // namespace
}  // namespace recur::test
