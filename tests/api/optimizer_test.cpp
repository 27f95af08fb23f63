// Optimisers and the global norm against the fp64 references.
#include "tests/reference/optimizer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "recur/memory.hpp"
#include "recur/optim.hpp"
#include "tests/support/exact_buffer.hpp"

namespace recur::test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

std::vector<float> random_floats(size_t count, unsigned seed, float spread = 1) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal(0, spread);
  std::vector<float> values(count);
  for (float& v : values) v = normal(engine);
  return values;
}

struct Norm {
  float norm;
  int32_t nonfinite;
};

Norm run_norm(const std::vector<std::vector<float>>& values, size_t skip = 0, cudaStream_t stream = nullptr) {
  std::vector<ExactBuffer<float>> buffers;
  std::vector<const float*> pointers;
  std::vector<int64_t> sizes;
  for (const std::vector<float>& v : values) {
    buffers.emplace_back(v, skip);
    pointers.push_back(buffers.back().get());
    sizes.push_back(static_cast<int64_t>(v.size()));
  }
  ExactBuffer<float> norm(1);
  ExactBuffer<int32_t> nonfinite(std::vector<int32_t>{10});
  int count = static_cast<int>(values.size());
  ExactBuffer<char> workspace(global_norm_workspace(count, sizes.data()));
  GlobalNorm args = {};
  args.stream = stream;
  args.count = count;
  args.buffers = pointers.data();
  args.sizes = sizes.data();
  args.norm = norm.get();
  args.nonfinite = nonfinite.get();
  args.workspace = workspace.get();
  args.workspace_size = workspace.size();
  global_norm(args);
  return {norm.download()[0], nonfinite.download()[0] - 10};
}

TEST(GlobalNorm, SumsEveryBuffer) {
  std::vector<std::vector<float>> buffers;
  std::vector<reference::Vector> exact;
  unsigned seed = 1;
  for (size_t size : {1, 0, 3, 4, 5, 1023, 8192, 8193, 40001}) {
    buffers.push_back(random_floats(size, seed++));
    exact.emplace_back(buffers.back().begin(), buffers.back().end());
    for (size_t skip : {0, 1}) {
      Norm r = run_norm(buffers, skip);
      // fp64 all the way: only the result is rounded.
      EXPECT_FLOAT_EQ(r.norm, static_cast<float>(reference::global_norm(exact))) << size;
      EXPECT_EQ(r.nonfinite, 0);
      Stream stream;
      EXPECT_EQ(run_norm(buffers, skip, stream).norm, r.norm) << "two runs differ";
    }
  }
}

TEST(GlobalNorm, NeitherOverflowsNorHidesFaults) {
  EXPECT_FLOAT_EQ(run_norm({{3e30f, 4e30f}}).norm, 5e30f);
  EXPECT_FLOAT_EQ(run_norm({{3e-30f, 4e-30f}}).norm, 5e-30f);
  std::vector<float> faulty(1000, 1.0f);
  faulty[777] = kNan;
  Norm r = run_norm({faulty});
  EXPECT_TRUE(std::isnan(r.norm));
  EXPECT_EQ(r.nonfinite, 1);
  faulty[777] = -kInf;
  r = run_norm({{1.0f}, faulty});
  EXPECT_EQ(r.norm, kInf);
  EXPECT_EQ(r.nonfinite, 1);
}

TEST(GlobalNorm, NamesWhatIsWrong) {
  ExactBuffer<float> buffer(8), norm(1);
  ExactBuffer<char> workspace(64);
  const float* pointers[] = {buffer.get()};
  int64_t sizes[] = {8};
  GlobalNorm good = {};
  good.count = 1;
  good.buffers = pointers;
  good.sizes = sizes;
  good.norm = norm.get();
  good.workspace = workspace.get();
  good.workspace_size = workspace.size();
  auto expect = [&](const char* text, auto change, recur_status status = RECUR_INVALID_ARGUMENT) {
    GlobalNorm args = good;
    change(args);
    EXPECT_EQ(recur_global_norm(&args), status) << text;
    EXPECT_NE(std::string(recur_last_error()).find(text), std::string::npos) << recur_last_error();
  };
  const float host[8] = {};
  const float* host_pointers[] = {host};
  const float* null_pointers[] = {nullptr};
  int64_t negative[] = {-2};
  EXPECT_EQ(recur_global_norm(nullptr), RECUR_INVALID_ARGUMENT);
  expect("count is 0, must be 1 to 1024", [](GlobalNorm& a) { a.count = 0; });
  expect("sizes is NULL", [](GlobalNorm& a) { a.sizes = nullptr; });
  expect("buffers is NULL", [](GlobalNorm& a) { a.buffers = nullptr; });
  expect("sizes[0] is -2", [&](GlobalNorm& a) { a.sizes = negative; });
  expect("buffers[0] is 0x", [&](GlobalNorm& a) { a.buffers = host_pointers; });
  expect("buffers[0] is NULL", [&](GlobalNorm& a) { a.buffers = null_pointers; });
  expect("norm is NULL", [](GlobalNorm& a) { a.norm = nullptr; });
  expect(
      "workspace_size is 8 bytes", [](GlobalNorm& a) { a.workspace_size = 8; }, RECUR_BUFFER_TOO_SMALL);
}

struct Settings {
  const char* name;
  recur_optimizer_kind kind;
  float momentum;
  bool nesterov;
  float weight_decay;
};

const Settings kSettings[] = {{"sgd", RECUR_OPTIMIZER_SGD, 0, false, 0},
                              {"sgd decay", RECUR_OPTIMIZER_SGD, 0, false, 0.1f},
                              {"momentum", RECUR_OPTIMIZER_SGD, 0.9f, false, 0.1f},
                              {"nesterov", RECUR_OPTIMIZER_SGD, 0.9f, true, 0.1f},
                              {"adam", RECUR_OPTIMIZER_ADAM, 0, false, 0},
                              {"adam decay", RECUR_OPTIMIZER_ADAM, 0, false, 0.1f},
                              {"adamw", RECUR_OPTIMIZER_ADAMW, 0, false, 0.1f}};

constexpr float kRate = 0.01f, kBeta1 = 0.9f, kBeta2 = 0.999f, kEpsilon = 1e-8f;

void reference_step(const Settings& s, reference::Vector& parameters, const std::vector<float>& gradient,
                    double clip, reference::OptimizerState& state) {
  reference::Vector g(gradient.begin(), gradient.end());
  for (double& v : g) v *= clip;
  if (s.kind == RECUR_OPTIMIZER_SGD) {
    reference::sgd_step(parameters, g, state, {kRate, s.momentum, s.weight_decay, s.nesterov});
  } else {
    reference::adam_step(parameters, g, state,
                         {kRate, kBeta1, kBeta2, kEpsilon, s.weight_decay, s.kind == RECUR_OPTIMIZER_ADAMW});
  }
}

struct Optimizer {
  ExactBuffer<float> parameters, gradients, first, second, norm;
  ExactBuffer<int64_t> step{std::vector<int64_t>{0}};
  ExactBuffer<int32_t> skipped{std::vector<int32_t>{0}};
  ExactBuffer<char> workspace{RECUR_OPTIMIZER_WORKSPACE};

  explicit Optimizer(const std::vector<float>& initial, size_t skip = 0)
      : parameters(initial, skip),
        gradients(initial.size(), skip),
        first(std::vector<float>(initial.size()), skip),
        second(std::vector<float>(initial.size()), skip),
        norm(1) {}

  OptimizerStep args(const Settings& s) {
    OptimizerStep a = {};
    a.kind = s.kind;
    a.size = static_cast<int64_t>(parameters.size());
    a.parameters = parameters.get();
    a.gradients = gradients.get();
    a.first_moment = first.get();
    a.second_moment = second.get();
    a.step = step.get();
    a.learning_rate = kRate;
    a.momentum = s.momentum;
    a.nesterov = s.nesterov;
    a.beta1 = kBeta1;
    a.beta2 = kBeta2;
    a.epsilon = kEpsilon;
    a.weight_decay = s.weight_decay;
    a.skipped_steps = skipped.get();
    a.workspace = workspace.get();
    a.workspace_size = workspace.size();
    return a;
  }
};

TEST(Optimizer, FollowsTheFormulas) {
  for (const Settings& s : kSettings) {
    for (size_t size : {1, 7, 64, 1030}) {
      std::vector<float> earlier;
      for (size_t skip : {0, 0, 1}) {
        SCOPED_TRACE(testing::Message() << s.name << " size " << size << " skip " << skip);
        std::vector<float> initial = random_floats(size, 3);
        Optimizer optimizer(initial, skip);
        reference::Vector expected(initial.begin(), initial.end());
        reference::OptimizerState state;
        Stream stream;
        for (unsigned t = 1; t <= 6; ++t) {
          std::vector<float> gradient = random_floats(size, 10 + t);
          optimizer.gradients.upload(gradient);
          double clip = 1;
          OptimizerStep args = optimizer.args(s);
          if (t > 2) {  // clip by 0.5 in some steps, by nothing in others
            float norm = t % 2 ? 4.0f : 1.0f;
            optimizer.norm.upload({norm});
            args.gradient_norm = optimizer.norm.get();
            args.max_norm = 2;
            clip = reference::clip_factor(norm, 2);
          }
          if (t == 4) args.stream = stream;
          optimizer_step(args);
          check_cuda(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
          reference_step(s, expected, gradient, clip, state);
        }
        std::vector<float> p = optimizer.parameters.download();
        for (size_t i = 0; i < size; ++i) {
          // Parameters of about 3 rounded six times, and updates of at most a rate each, relative error some
          // units.
          ASSERT_NEAR(p[i], expected[i], 6 * (std::fabs(expected[i]) + 1) * 1.2e-7) << i;
        }
        EXPECT_EQ(optimizer.step.download()[0], 6);
        EXPECT_EQ(optimizer.skipped.download()[0], 0);
        if (earlier.empty()) {
          earlier = p;
        } else {
          EXPECT_EQ(earlier, p) << "two runs differ";
        }
      }
    }
  }
}

TEST(Optimizer, BiasCorrectionOfLateSteps) {
  // With m = g (1 - beta1^t) and v = g^2 (1 - beta2^t) before a step with the same g, every step is -rate *
  // sign(g).
  for (int64_t t : {1, 2, 1000, 100000, 1 << 30}) {
    Optimizer optimizer({1.0f, 1.0f});
    optimizer.gradients.upload({0.5f, -3.0f});
    double left1 = 1 - std::pow(static_cast<double>(kBeta1), t - 1.0);
    double left2 = 1 - std::pow(static_cast<double>(kBeta2), t - 1.0);
    optimizer.first.upload({static_cast<float>(0.5 * left1), static_cast<float>(-3 * left1)});
    optimizer.second.upload({static_cast<float>(0.25 * left2), static_cast<float>(9 * left2)});
    optimizer.step.upload({t - 1});
    optimizer_step(optimizer.args(kSettings[4]));
    std::vector<float> p = optimizer.parameters.download();
    EXPECT_NEAR(p[0], 1 - kRate, 2e-7) << t;
    EXPECT_NEAR(p[1], 1 + kRate, 2e-7) << t;
    EXPECT_EQ(optimizer.step.download()[0], t);
  }
}

TEST(Optimizer, SkipsOrShowsNonfiniteGradients) {
  for (const Settings& s : kSettings) {
    for (float fault : {kNan, kInf}) {
      SCOPED_TRACE(s.name);
      std::vector<float> initial = random_floats(9, 3), gradient = random_floats(9, 4);
      gradient[4] = fault;
      Optimizer optimizer(initial);
      optimizer.gradients.upload(gradient);
      optimizer.norm.upload({fault});
      OptimizerStep args = optimizer.args(s);
      args.gradient_norm = optimizer.norm.get();
      args.max_norm = 1;
      args.skip_nonfinite = 1;
      optimizer_step(args);
      EXPECT_EQ(optimizer.parameters.download(), initial);
      EXPECT_EQ(optimizer.first.download(), std::vector<float>(9));
      EXPECT_EQ(optimizer.second.download(), std::vector<float>(9));
      EXPECT_EQ(optimizer.step.download()[0], 0);
      EXPECT_EQ(optimizer.skipped.download()[0], 1);
      args.skip_nonfinite = 0;
      optimizer_step(args);
      EXPECT_TRUE(std::isnan(optimizer.parameters.download()[4]));
      EXPECT_EQ(optimizer.step.download()[0], 1);
      EXPECT_EQ(optimizer.skipped.download()[0], 1);
    }
  }
}

TEST(Optimizer, NothingToUpdateStillCountsTheStep) {
  Optimizer optimizer({});
  optimizer_step(optimizer.args(kSettings[4]));
  EXPECT_EQ(optimizer.step.download()[0], 1);
}

TEST(Optimizer, NamesWhatIsWrong) {
  Optimizer optimizer(random_floats(8, 1));
  auto expect = [&](const Settings& s, const char* text, auto change,
                    recur_status status = RECUR_INVALID_ARGUMENT) {
    OptimizerStep args = optimizer.args(s);
    change(args);
    EXPECT_EQ(recur_optimizer_step(&args), status) << text;
    EXPECT_NE(std::string(recur_last_error()).find(text), std::string::npos) << recur_last_error();
  };
  const Settings &sgd = kSettings[0], &momentum = kSettings[2], &adam = kSettings[4];
  float host[8];
  EXPECT_EQ(recur_optimizer_step(nullptr), RECUR_INVALID_ARGUMENT);
  expect(adam, "kind is 9", [](OptimizerStep& a) { a.kind = static_cast<recur_optimizer_kind>(9); });
  expect(adam, "size is -8", [](OptimizerStep& a) { a.size = -8; });
  expect(adam, "learning_rate is -0.5", [](OptimizerStep& a) { a.learning_rate = -0.5f; });
  expect(adam, "learning_rate is", [](OptimizerStep& a) { a.learning_rate = kNan; });
  expect(adam, "beta1 is 1, must be at least 0 and below 1", [](OptimizerStep& a) { a.beta1 = 1; });
  expect(adam, "beta2 is -1", [](OptimizerStep& a) { a.beta2 = -1; });
  expect(adam, "epsilon is 0", [](OptimizerStep& a) { a.epsilon = 0; });
  expect(adam, "weight_decay is -1", [](OptimizerStep& a) { a.weight_decay = -1; });
  expect(adam, "max_norm is -1", [](OptimizerStep& a) { a.max_norm = -1; });
  expect(adam, "gradient_norm is NULL", [](OptimizerStep& a) { a.max_norm = 1; });
  expect(adam, "gradient_norm is NULL", [](OptimizerStep& a) { a.skip_nonfinite = 1; });
  expect(sgd, "momentum is 1", [](OptimizerStep& a) { a.momentum = 1; });
  expect(sgd, "momentum is 0", [](OptimizerStep& a) { a.nesterov = 1; });
  expect(sgd, "parameters is NULL", [](OptimizerStep& a) { a.parameters = nullptr; });
  expect(sgd, "gradients is 0x", [&](OptimizerStep& a) { a.gradients = host; });
  expect(momentum, "first_moment is NULL", [](OptimizerStep& a) { a.first_moment = nullptr; });
  expect(adam, "second_moment is NULL", [](OptimizerStep& a) { a.second_moment = nullptr; });
  expect(adam, "parameters overlaps first_moment",
         [](OptimizerStep& a) { a.first_moment = a.parameters + 4; });
  expect(adam, "step is NULL", [](OptimizerStep& a) { a.step = nullptr; });
  expect(adam, "workspace is NULL", [](OptimizerStep& a) { a.workspace = nullptr; });
  expect(
      adam, "workspace_size is 63", [](OptimizerStep& a) { a.workspace_size = 63; }, RECUR_BUFFER_TOO_SMALL);
  std::vector<float> unchanged = random_floats(8, 1);
  EXPECT_EQ(optimizer.parameters.download(), unchanged);
  EXPECT_EQ(optimizer.step.download()[0], 0);
}

}  // namespace
}  // namespace recur::test
