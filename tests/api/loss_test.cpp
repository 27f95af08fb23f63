// Softmax cross-entropy against the fp64 reference and published values.
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

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

struct Problem {
  int64_t rows = 0, classes = 0;
  std::vector<float> logits;
  std::vector<int32_t> targets;
  bool use_ignore = false;
  int32_t ignore = 0;
  float smoothing = 0;
  recur_reduction reduction = RECUR_REDUCTION_MEAN;
};

struct Result {
  float loss = -1;
  std::vector<float> row_losses, gradient;
  int32_t bad = 0;
};

Problem random_problem(int64_t rows, int64_t classes, unsigned seed, float spread = 3) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal(0, spread);
  Problem p;
  p.rows = rows;
  p.classes = classes;
  p.logits.resize(rows * classes);
  for (float& x : p.logits) x = normal(engine);
  p.targets.resize(rows);
  for (int32_t& t : p.targets) t = static_cast<int32_t>(engine() % classes);
  return p;
}

Result run(const Problem& p, bool in_place = false, cudaStream_t stream = nullptr, size_t skip = 0) {
  ExactBuffer<float> logits(p.logits, skip), gradient(std::vector<float>(p.logits.size(), 77.0f), skip);
  ExactBuffer<float> loss(std::vector<float>{55.0f}), row_losses(p.rows);
  ExactBuffer<int32_t> targets(p.targets), bad(std::vector<int32_t>{1000});
  ExactBuffer<char> workspace(cross_entropy_workspace(p.rows, p.classes));
  CrossEntropy args = {};
  args.stream = stream;
  args.rows = p.rows;
  args.classes = p.classes;
  args.logits = logits.get();
  args.targets = targets.get();
  args.use_ignore_index = p.use_ignore;
  args.ignore_index = p.ignore;
  args.smoothing = p.smoothing;
  args.reduction = p.reduction;
  args.loss = loss.get();
  args.row_losses = row_losses.get();
  args.gradient = in_place ? logits.get() : gradient.get();
  args.bad_targets = bad.get();
  args.workspace = workspace.get();
  args.workspace_size = workspace.size();
  cross_entropy(args);
  Result r;
  r.gradient = (in_place ? logits : gradient).download();
  r.loss = loss.download()[0];
  r.row_losses = row_losses.download();
  r.bad = bad.download()[0] - 1000;
  return r;
}

void expect_near_reference(const Problem& p, const Result& r) {
  constexpr double unit = 1.0 / (1 << 24);
  reference::CrossEntropyOptions options;
  if (p.use_ignore) options.ignore_index = p.ignore;
  options.smoothing = p.smoothing;
  options.mean = p.reduction == RECUR_REDUCTION_MEAN;
  reference::CrossEntropy expected =
      reference::cross_entropy({p.logits.begin(), p.logits.end()}, p.classes, p.targets, options);
  EXPECT_EQ(r.bad, expected.bad_targets);
  double sum = 0, total_bound = 0;
  for (double loss : expected.row_losses) sum += loss;
  const double divisor = options.mean && expected.loss > 0 ? sum / expected.loss : 1;
  // Sums over n classes in at most n/32 + 13 additions, exp to 2^-22 and |x| 2^-23, each of a term's size.
  const double additions = p.classes / 32.0 + 13;
  for (int64_t row = 0; row < p.rows; ++row) {
    const float* x = &p.logits[row * p.classes];
    bool valid = p.targets[row] >= 0 && p.targets[row] < p.classes;
    double reach = 0;
    for (int64_t j = 0; valid && j < p.classes; ++j) {
      if (std::isfinite(x[j])) reach = std::fmax(reach, std::fabs(double{x[j]} - x[p.targets[row]]));
    }
    double bound = (additions + 8 + 2 * reach) * unit * (1 + reach);
    total_bound += bound / divisor;
    ASSERT_LE(std::fabs(r.row_losses[row] - expected.row_losses[row]), bound) << "loss of row " << row;
    for (int64_t i = row * p.classes; i < (row + 1) * p.classes; ++i) {
      ASSERT_LE(std::fabs(r.gradient[i] - expected.gradient[i]), (additions + 16) * unit / divisor)
          << "gradient " << row << "," << i - row * p.classes;
    }
  }
  EXPECT_LE(std::fabs(r.loss - expected.loss), total_bound + unit * std::fabs(expected.loss));
}

TEST(CrossEntropy, MatchesTheReference) {
  for (int64_t classes :
       {1, 2, 3, 31, 32, 33, 65, 127, 128, 129, 257, 511, 512, 513, 516, 1000, 4099, 4100}) {
    int64_t rows = classes > 1000 ? 3 : 9;
    for (float smoothing : {0.0f, 0.1f}) {
      for (recur_reduction reduction : {RECUR_REDUCTION_MEAN, RECUR_REDUCTION_SUM}) {
        SCOPED_TRACE(testing::Message()
                     << classes << " classes, smoothing " << smoothing << " reduction " << reduction);
        Problem p = random_problem(rows, classes, static_cast<unsigned>(classes));
        p.smoothing = smoothing;
        p.reduction = reduction;
        p.use_ignore = true;
        p.ignore = -100;
        p.targets[1] = -100;
        Result r = run(p);
        expect_near_reference(p, r);
        EXPECT_EQ(r.bad, 0);
        Result again = run(p, true);
        EXPECT_EQ(r.loss, again.loss);
        EXPECT_EQ(r.gradient, again.gradient) << "in place differs";
        Stream stream;
        EXPECT_EQ(r.gradient, run(p, false, stream).gradient) << "a stream differs";
      }
    }
  }
}

TEST(CrossEntropy, ScalarAndWideAccessAgree) {
  Problem p = random_problem(3, 1028, 3);
  p.smoothing = 0.2f;
  Result shifted = run(p, false, nullptr, 1);
  expect_near_reference(p, shifted);
  expect_near_reference(p, run(p));
}

TEST(CrossEntropy, ManyRows) {
  Problem p = random_problem(3001, 5, 4);
  expect_near_reference(p, run(p));
}

// Values of log-softmax that anyone can check: -log softmax([1,2,3])[2], with smoothing 0.1 as
// torch.nn.CrossEntropyLoss(label_smoothing=0.1) has it, and log V for equal logits.
TEST(CrossEntropy, PublishedValues) {
  Problem p;
  p.rows = 1;
  p.classes = 3;
  p.logits = {1, 2, 3};
  p.targets = {2};
  EXPECT_NEAR(run(p).loss, 0.40760596444438, 1e-6);
  std::vector<float> g = run(p).gradient;
  EXPECT_NEAR(g[0], 0.09003057317038, 1e-7);
  EXPECT_NEAR(g[1], 0.24472847105480, 1e-7);
  EXPECT_NEAR(g[2], 0.66524095577482 - 1, 1e-7);
  p.smoothing = 0.1f;
  EXPECT_NEAR(run(p).loss, 0.50760596444438, 1e-6);
  p.smoothing = 1;
  EXPECT_NEAR(run(p).loss, 1.40760596444438, 1e-6);
  p = random_problem(4, 777, 1, 0);
  EXPECT_NEAR(run(p).loss, std::log(777.0), 1e-6);
}

TEST(CrossEntropy, LargeLogitsKeepTheirDifferences) {
  for (int64_t classes : {3, 600}) {
    Problem p;
    p.rows = 1;
    p.classes = classes;
    p.logits.assign(classes, 16384.0f - 200);
    p.logits[0] = 16384;
    p.logits[2] = 16384 + 2;
    p.targets = {0};
    EXPECT_NEAR(run(p).loss, 2 + std::log1p(std::exp(-2.0)), 1e-6);
    p.logits[2] = 3e38f;
    EXPECT_FLOAT_EQ(run(p).loss, 3e38f);
    EXPECT_EQ(run(p).gradient[0], -1.0f);
    EXPECT_EQ(run(p).gradient[2], 1.0f);
  }
}

TEST(CrossEntropy, ClassesOfMinusInfinityHaveNoPart) {
  for (int64_t classes : {40, 700}) {
    Problem p = random_problem(2, classes, 7);
    for (int64_t j = 0; j < classes; ++j) {
      if (j != p.targets[0] && j % 2) p.logits[j] = -kInf;
    }
    Result r = run(p);
    expect_near_reference(p, r);
    for (int64_t j = 0; j < classes; ++j) {
      if (std::isinf(p.logits[j])) {
        EXPECT_EQ(r.gradient[j], 0.0f);
      }
    }
  }
}

TEST(CrossEntropy, NanAndInfinityShow) {
  for (int64_t classes : {40, 700}) {
    for (float fault : {kNan, kInf}) {
      Problem p = random_problem(3, classes, 8);
      p.logits[classes + (p.targets[1] + 1) % classes] = fault;
      Result r = run(p);
      EXPECT_FALSE(std::isfinite(r.loss));
      EXPECT_FALSE(std::isfinite(r.row_losses[1]));
      EXPECT_TRUE(std::isfinite(r.row_losses[0]) && std::isfinite(r.row_losses[2]));
      int faulty = 0;
      for (int64_t j = 0; j < classes; ++j) {
        EXPECT_TRUE(std::isfinite(r.gradient[j]) && std::isfinite(r.gradient[2 * classes + j]));
        faulty += !std::isfinite(r.gradient[classes + j]);
      }
      EXPECT_GT(faulty, 0);
    }
  }
}

TEST(CrossEntropy, IgnoredAndBadTargets) {
  for (int64_t classes : {7, 600}) {
    Problem p = random_problem(8, classes, 9);
    p.use_ignore = true;
    p.ignore = 2;  // an ordinary class may be the ignore index
    p.targets = {2, 1, -1, 0, static_cast<int32_t>(classes), 2, INT32_MIN, INT32_MAX};
    Result r = run(p);
    EXPECT_EQ(r.bad, 4);
    expect_near_reference(p, r);
    p.use_ignore = false;
    r = run(p);
    EXPECT_EQ(r.bad, 4);
    EXPECT_GT(r.row_losses[0], 0);
    expect_near_reference(p, r);

    p.use_ignore = true;
    p.targets.assign(8, 2);
    r = run(p);
    EXPECT_EQ(r.loss, 0.0f);
    EXPECT_EQ(r.gradient, std::vector<float>(p.logits.size(), 0.0f));
    EXPECT_EQ(r.bad, 0);
  }
}

TEST(CrossEntropy, NoRowsGiveZero) {
  Problem p;
  p.classes = 5;
  EXPECT_EQ(run(p).loss, 0.0f);
}

TEST(CrossEntropy, OutputsAreOptional) {
  Problem p = random_problem(4, 20, 10);
  Result all = run(p);
  ExactBuffer<float> logits(p.logits), out(80), loss(1);
  ExactBuffer<int32_t> targets(p.targets);
  ExactBuffer<char> workspace(cross_entropy_workspace(4, 20));
  CrossEntropy args = {};
  args.rows = 4;
  args.classes = 20;
  args.logits = logits.get();
  args.targets = targets.get();
  args.workspace = workspace.get();
  args.workspace_size = workspace.size();
  cross_entropy(args);
  args.loss = loss.get();
  cross_entropy(args);
  EXPECT_EQ(loss.download()[0], all.loss);
  args.loss = nullptr;
  args.gradient = out.get();
  cross_entropy(args);
  EXPECT_EQ(out.download(), all.gradient);
  EXPECT_EQ(logits.download(), p.logits) << "the logits changed";
}

TEST(CrossEntropy, NamesWhatIsWrong) {
  ExactBuffer<float> logits(20), gradient(20);
  ExactBuffer<int32_t> targets(4);
  ExactBuffer<char> workspace(cross_entropy_workspace(4, 5));
  CrossEntropy good = {};
  good.rows = 4;
  good.classes = 5;
  good.logits = logits.get();
  good.targets = targets.get();
  good.workspace = workspace.get();
  good.workspace_size = workspace.size();
  auto expect = [&](const char* text, auto change, recur_status status = RECUR_INVALID_ARGUMENT) {
    CrossEntropy args = good;
    change(args);
    EXPECT_EQ(recur_cross_entropy(&args), status) << text;
    EXPECT_NE(std::string(recur_last_error()).find(text), std::string::npos) << recur_last_error();
  };
  float host[20];
  EXPECT_EQ(recur_cross_entropy(nullptr), RECUR_INVALID_ARGUMENT);
  expect("rows is -4", [](CrossEntropy& a) { a.rows = -4; });
  expect("classes is 0", [](CrossEntropy& a) { a.classes = 0; });
  expect("classes is 2147483648", [](CrossEntropy& a) { a.classes = int64_t{1} << 31; });
  expect("smoothing is 1.5, must be 0 to 1", [](CrossEntropy& a) { a.smoothing = 1.5f; });
  expect("smoothing is nan", [](CrossEntropy& a) { a.smoothing = std::fabs(kNan); });
  expect("reduction is 7", [](CrossEntropy& a) { a.reduction = static_cast<recur_reduction>(7); });
  expect("logits is NULL", [](CrossEntropy& a) { a.logits = nullptr; });
  expect("targets is NULL", [](CrossEntropy& a) { a.targets = nullptr; });
  expect("must be device memory", [&](CrossEntropy& a) { a.gradient = host; });
  expect("loss is 0x", [&](CrossEntropy& a) { a.loss = host; });
  expect("gradient overlaps logits", [](CrossEntropy& a) { a.gradient = const_cast<float*>(a.logits) + 1; });
  expect("workspace is NULL", [](CrossEntropy& a) { a.workspace = nullptr; });
  expect(
      "workspace_size is 31 bytes, must be at least 32", [](CrossEntropy& a) { a.workspace_size = 31; },
      RECUR_BUFFER_TOO_SMALL);
  size_t bytes = 0;
  EXPECT_EQ(recur_cross_entropy_workspace(1, 1, nullptr), RECUR_INVALID_ARGUMENT);
  EXPECT_EQ(recur_cross_entropy_workspace(-1, 1, &bytes), RECUR_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace recur::test
