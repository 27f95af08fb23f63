// The linear layer against its definition in fp64, written here.
#include "recur/linear.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "recur/memory.hpp"
#include "tests/support/exact_buffer.hpp"

namespace recur::test {
namespace {

std::vector<float> random_floats(size_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& v : values) v = normal(engine);
  return values;
}

// A sum of fp32 products: the exact value, and the most that n roundings in any order may move it.
struct Sum {
  double value = 0, magnitude = 0;
  int terms = 0;

  void add(double a, double b) {
    value += a * b;
    magnitude += std::fabs(a * b);
    ++terms;
  }
};

void expect_near(const std::vector<Sum>& expected, const std::vector<float>& values, const char* name) {
  ASSERT_EQ(expected.size(), values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    ASSERT_LE(std::fabs(values[i] - expected[i].value),
              (expected[i].terms + 1) * std::ldexp(expected[i].magnitude, -24))
        << name << " " << i;
  }
}

struct Shape {
  int64_t rows, inputs, outputs;
};

const Shape kShapes[] = {{1, 1, 1},    {1, 64, 65},    {7, 5, 3},      {33, 17, 31},
                         {64, 32, 96}, {129, 128, 65}, {1025, 13, 37}, {3000, 8, 70}};

struct Results {
  std::vector<float> y, dx, dw, db;
};

struct Problem {
  Shape shape;
  bool bias, accumulate;
  std::vector<float> x, w, b, dy, dw0, db0;

  Problem(const Shape& s, bool has_bias, bool adds) : shape(s), bias(has_bias), accumulate(adds) {
    x = random_floats(s.rows * s.inputs, 1);
    w = random_floats(s.outputs * s.inputs, 2);
    b = random_floats(s.outputs, 3);
    dy = random_floats(s.rows * s.outputs, 4);
    dw0 = random_floats(w.size(), 5);
    db0 = random_floats(b.size(), 6);
  }

  recur_linear_descriptor descriptor() const { return {shape.rows, shape.inputs, shape.outputs, bias}; }

  Results run(const Linear& plan, cudaStream_t stream = nullptr, size_t skip = 0) const {
    ExactBuffer<float> d_x(x, skip), d_w(w, skip), d_b(b, skip), d_dy(dy, skip), d_dw(dw0, skip),
        d_db(db0, skip);
    ExactBuffer<float> y(dy.size(), skip), dx(x.size(), skip);
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
    std::vector<Sum> y(r.y.size()), dx(r.dx.size()), dw(r.dw.size()), db(r.db.size());
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
    expect_near(y, r.y, "y");
    expect_near(dx, r.dx, "dx");
    expect_near(dw, r.dw, "dW");
    if (bias) {
      expect_near(db, r.db, "db");
    } else {
      EXPECT_EQ(r.db, db0);
    }
  }
};

TEST(Linear, MatchesItsDefinition) {
  for (const Shape& shape : kShapes) {
    for (bool bias : {false, true}) {
      for (bool accumulate : {false, true}) {
        SCOPED_TRACE(testing::Message() << shape.rows << " rows, " << shape.inputs << " to " << shape.outputs
                                        << " bias " << bias << " accumulate " << accumulate);
        Problem problem(shape, bias, accumulate);
        Linear plan(problem.descriptor());
        Results r = problem.run(plan);
        problem.check(r);
        Stream stream;
        Results again = problem.run(plan, stream);
        EXPECT_TRUE(r.y == again.y && r.dx == again.dx && r.dw == again.dw && r.db == again.db)
            << "two runs differ";
        problem.check(problem.run(plan, nullptr, 1));
      }
    }
  }
}

TEST(Linear, GradientsAreOptional) {
  Problem problem({9, 6, 5}, true, false);
  Linear plan(problem.descriptor());
  ExactBuffer<float> dy(problem.dy), db(5);
  LinearBackward g = {};
  g.output_gradient = dy.get();
  g.bias_gradient = db.get();
  ExactBuffer<char> workspace(plan.sizes().backward_workspace);
  g.workspace = workspace.get();
  g.workspace_size = workspace.size();
  plan.backward(g);
  EXPECT_EQ(db.download(), problem.run(plan).db);
}

TEST(Linear, NamesWhatIsWrong) {
  recur_linear_plan* plan = nullptr;
  auto bad_plan = [&](const char* text, recur_linear_descriptor d) {
    plan = reinterpret_cast<recur_linear_plan*>(&plan);
    EXPECT_EQ(recur_linear_create(&plan, &d), RECUR_INVALID_ARGUMENT) << text;
    EXPECT_NE(std::string(recur_last_error()).find(text), std::string::npos) << recur_last_error();
    EXPECT_EQ(plan, nullptr);
  };
  bad_plan("rows is 0, must be 1 to 2147483647", {0, 1, 1, 0});
  bad_plan("inputs is -3", {1, -3, 1, 0});
  bad_plan("outputs is 2147483648", {1, 1, int64_t{1} << 31, 0});
  bad_plan("rows * inputs", {INT32_MAX, INT32_MAX, 1, 0});
  EXPECT_EQ(recur_linear_create(nullptr, nullptr), RECUR_INVALID_ARGUMENT);
  EXPECT_EQ(recur_linear_create(&plan, nullptr), RECUR_INVALID_ARGUMENT);
  EXPECT_THROW(Linear(recur_linear_descriptor{}), Error);
  recur_linear_destroy(nullptr);

  Linear with({600, 3, 4, 1}), without({600, 3, 4, 0});
  ExactBuffer<float> buffer(4096), gradients(4096);
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
         [](LinearForward& a) { a.output = const_cast<float*>(a.input) + 4; });
  expect(b, with, backward, "weight_gradient overlaps bias_gradient",
         [](LinearBackward& a) { a.bias_gradient = a.weight_gradient + 11; });
  expect(f, with, forward, "output is NULL", [](LinearForward& a) { a.output = nullptr; });
  expect(b, with, backward, "output_gradient is NULL",
         [](LinearBackward& a) { a.output_gradient = nullptr; });
  expect(b, with, backward, "weight is NULL", [](LinearBackward& a) { a.weight = nullptr; });
  expect(b, with, backward, "input is NULL", [](LinearBackward& a) { a.input = nullptr; });
  expect(b, with, backward, "bias_gradient is 0x", [&](LinearBackward& a) { a.bias_gradient = host; });
  expect(b, without, backward, "bias_gradient is given", [](LinearBackward&) {});
  expect(
      b, with, backward, "workspace_size is 0", [](LinearBackward& a) { a.workspace_size = 0; },
      RECUR_BUFFER_TOO_SMALL);
}

}  // namespace
}  // namespace recur::test
