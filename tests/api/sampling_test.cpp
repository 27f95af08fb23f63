// Sampling against the fp64 reference's inverse CDF, and against the distribution itself.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "recur/memory.hpp"
#include "recur/sequence.hpp"
#include "tests/api/philox_words.hpp"
#include "tests/reference/sequence.hpp"
#include "tests/support/exact_buffer.hpp"

namespace recur::test {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

double uniform(uint64_t seed, uint64_t offset, uint64_t row) {
  uint32_t word =
      reference::philox4x32_10({static_cast<uint32_t>(offset), static_cast<uint32_t>(offset >> 32),
                                static_cast<uint32_t>(row), static_cast<uint32_t>(row >> 32)},
                               {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)})[0];
  return std::floor(word / 256.0) / 16777216.0;
}

struct Draw {
  std::vector<int32_t> samples;
  std::vector<float> log_probabilities;
};

Draw draw(const std::vector<float>& logits, int64_t classes, float temperature, uint64_t seed = 1,
          uint64_t offset = 0, cudaStream_t stream = nullptr) {
  int64_t rows = static_cast<int64_t>(logits.size()) / classes;
  ExactBuffer<float> d_logits(logits), d_log(rows);
  ExactBuffer<int32_t> d_samples(rows);
  Sample args = {};
  args.stream = stream;
  args.rows = rows;
  args.classes = classes;
  args.logits = d_logits.get();
  args.temperature = temperature;
  args.seed = seed;
  args.offset = offset;
  args.samples = d_samples.get();
  args.log_probabilities = d_log.get();
  sample(args);
  Draw result = {d_samples.download(), d_log.download()};
  args.log_probabilities = nullptr;
  sample(args);
  EXPECT_EQ(d_samples.download(), result.samples) << "two runs differ";
  return result;
}

std::vector<float> random_logits(size_t count, unsigned seed, float spread = 2) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal(0, spread);
  std::vector<float> values(count);
  for (float& v : values) v = normal(engine);
  return values;
}

// The answers that Random123 1.09 publishes in its kat_vectors file.
TEST(Philox, KnownAnswers) {
  std::vector<uint32_t> in = {0,          0,          0,          0,          0,          0,
                              0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff,
                              0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0};
  std::vector<uint32_t> expected = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8, 0x408f276d, 0x41c83b0e,
                                    0xa20bc7c6, 0x6d5451fd, 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1};
  ExactBuffer<uint32_t> d_in(in), d_out(12);
  check_cuda(philox_words(d_in.get(), d_out.get(), 3), "philox_words");
  EXPECT_EQ(d_out.download(), expected);
}

TEST(Sample, InvertsTheDistribution) {
  struct Case {
    int64_t rows, classes;
  };
  for (Case c : {Case{50, 1}, {50, 2}, {50, 31}, {60, 65}, {60, 100}, {20, 1024}, {20, 1025}, {9, 5003}}) {
    for (float temperature : {1.0f, 0.5f, 3.0f}) {
      SCOPED_TRACE(testing::Message() << c.classes << " classes, temperature " << temperature);
      std::vector<float> logits = random_logits(c.rows * c.classes, static_cast<unsigned>(c.classes));
      const uint64_t seed = 0x123456789abcdef0ull, offset = (uint64_t{7} << 32) + 5;
      Draw result = draw(logits, c.classes, temperature, seed, offset);
      Stream stream;
      EXPECT_EQ(draw(logits, c.classes, temperature, seed, offset, stream).samples, result.samples);
      for (int64_t row = 0; row < c.rows; ++row) {
        const float* x = &logits[row * c.classes];
        reference::Vector p = reference::softmax({x, x + c.classes}, temperature);
        double u = uniform(seed, offset, row);
        int32_t pick = result.samples[row];
        ASSERT_GE(pick, 0);
        ASSERT_LT(pick, c.classes);
        // The fp32 sums of n terms, n/32 + 16 additions deep, may move a boundary by so much.
        double slack = 2 * std::ldexp(c.classes / 32.0 + 16, -24);
        EXPECT_GE(pick, reference::inverse_cdf(p, std::max(0.0, u - slack)));
        EXPECT_LE(pick, reference::inverse_cdf(p, std::min(u + slack, 1 - 1e-15)));
        EXPECT_NEAR(result.log_probabilities[row], std::log(p[pick]), 1e-5);
      }
    }
  }
}

TEST(Sample, FrequenciesPassChiSquare) {
  constexpr int64_t rows = 4000;
  for (int64_t classes : {10, 1100}) {
    std::vector<float> one = random_logits(classes, 5, 0.5f), logits;
    int64_t count = classes == 10 ? rows : 400;
    for (int64_t row = 0; row < count; ++row) logits.insert(logits.end(), one.begin(), one.end());
    Draw result = draw(logits, classes, 0.8f, 42, 3);
    // Ten bins of neighbouring classes; 9 degrees of freedom, 27.88 is exceeded with probability 0.001.
    std::vector<double> expected(10), seen(10);
    double total = 0;
    for (float x : one) total += std::exp(x / 0.8);
    for (int64_t j = 0; j < classes; ++j)
      expected[j * 10 / classes] += count * std::exp(one[j] / 0.8) / total;
    for (int32_t pick : result.samples) ++seen[pick * 10 / classes];
    double chi = 0;
    for (int i = 0; i < 10; ++i) chi += (seen[i] - expected[i]) * (seen[i] - expected[i]) / expected[i];
    EXPECT_LT(chi, 27.88) << classes << " classes";
  }
}

TEST(Sample, SeedOffsetAndRowMakeOtherDraws) {
  std::vector<float> logits(200 * 50, 0.0f);
  std::vector<int32_t> a = draw(logits, 50, 1, 1, 0).samples;
  EXPECT_NE(a, draw(logits, 50, 1, 2, 0).samples);
  EXPECT_NE(a, draw(logits, 50, 1, 1, 1).samples);
  EXPECT_NE(a, draw(logits, 50, 1, uint64_t{1} << 32 | 1, 0).samples);
  EXPECT_NE(a, draw(logits, 50, 1, 1, uint64_t{1} << 32).samples);
  EXPECT_NE(std::vector<int32_t>(200, a[0]), a);
}

TEST(Sample, GreedyTakesTheFirstLargest) {
  for (int64_t classes : {1, 5, 40, 65, 1030, 3000}) {
    std::vector<float> logits = random_logits(3 * classes, 6);
    std::vector<int32_t> expected;
    for (int row = 0; row < 3; ++row) {
      float* x = &logits[row * classes];
      int64_t first = classes * (row + 1) / 5, second = classes * (row + 2) / 5, third = classes - 1;
      x[first] = x[second] = x[third] = 100;
      expected.push_back(static_cast<int32_t>(first));
    }
    Draw result = draw(logits, classes, 0);
    EXPECT_EQ(result.samples, expected) << classes << " classes";
    for (int row = 0; row < 3; ++row) {
      auto ties = std::count(&logits[row * classes], &logits[row * classes] + classes, 100.0f);
      EXPECT_NEAR(result.log_probabilities[row], -std::log(ties), 1e-6);
    }
  }
  EXPECT_EQ(draw({-1e30f, -kInf, -3.4028234664e38f, -kInf}, 2, 0).samples, (std::vector<int32_t>{0, 0}));
  EXPECT_EQ(draw({1, kInf, kInf}, 3, 0).samples, std::vector<int32_t>{1});
  EXPECT_EQ(draw({-0.0f, 0.0f}, 2, 0).samples, std::vector<int32_t>{0});
}

TEST(Sample, SmallTemperatureIsGreedyAndLargeIsUniform) {
  std::vector<float> logits = {1, 3, 2, 3.5f};
  EXPECT_EQ(draw(logits, 4, 1e-42f).samples, std::vector<int32_t>{3});
  EXPECT_NEAR(draw(logits, 4, 3.4028234664e38f).log_probabilities[0], -std::log(4.0), 1e-6);
}

TEST(Sample, ImpossibleClassesAreNeverDrawn) {
  for (int64_t classes : {64, 2048}) {
    std::vector<float> logits(100 * classes, -kInf);
    for (int64_t row = 0; row < 100; ++row)
      logits[row * classes + 37] = logits[row * classes + classes - 5] = -2;
    for (int32_t pick : draw(logits, classes, 1).samples) EXPECT_TRUE(pick == 37 || pick == classes - 5);
  }
}

TEST(Sample, NothingToDrawGivesMinusOne) {
  for (int64_t classes : {4, 40, 1500}) {
    std::vector<float> logits = random_logits(4 * classes, 8);
    logits[2] = kNan;
    for (int64_t j = 0; j < classes; ++j) logits[classes + j] = -kInf;
    logits[2 * classes + classes - 1] = kInf;
    for (float temperature : {0.0f, 1.0f}) {
      Draw result = draw(logits, classes, temperature);
      EXPECT_EQ(result.samples[0], -1);
      EXPECT_TRUE(std::isnan(result.log_probabilities[0]));
      EXPECT_EQ(result.samples[1], -1);
      EXPECT_EQ(result.samples[2], temperature == 0 ? classes - 1 : -1);
      EXPECT_GE(result.samples[3], 0);
    }
  }
}

TEST(Sample, NamesWhatIsWrong) {
  ExactBuffer<float> logits(20);
  ExactBuffer<int32_t> samples(4);
  Sample good = {};
  good.rows = 4;
  good.classes = 5;
  good.logits = logits.get();
  good.temperature = 1;
  good.samples = samples.get();
  auto expect = [&](const char* text, auto change) {
    Sample args = good;
    change(args);
    EXPECT_EQ(recur_sample(&args), RECUR_INVALID_ARGUMENT) << text;
    EXPECT_NE(std::string(recur_last_error()).find(text), std::string::npos) << recur_last_error();
  };
  int32_t host[4];
  EXPECT_EQ(recur_sample(nullptr), RECUR_INVALID_ARGUMENT);
  expect("rows is -1", [](Sample& a) { a.rows = -1; });
  expect("classes is 0", [](Sample& a) { a.classes = 0; });
  expect("classes is 1073741825", [](Sample& a) { a.classes = (1 << 30) + 1; });
  expect("temperature is -1", [](Sample& a) { a.temperature = -1; });
  expect("temperature is inf", [](Sample& a) { a.temperature = kInf; });
  expect("temperature is", [](Sample& a) { a.temperature = kNan; });
  expect("logits is NULL", [](Sample& a) { a.logits = nullptr; });
  expect("samples is NULL", [](Sample& a) { a.samples = nullptr; });
  expect("samples overlaps logits",
         [](Sample& a) { a.samples = reinterpret_cast<int32_t*>(const_cast<float*>(a.logits)); });
  expect("samples is 0x", [&](Sample& a) { a.samples = host; });
  EXPECT_THROW(sample({}), Error);
  Sample none = {};
  none.classes = 1;
  EXPECT_EQ(recur_sample(&none), RECUR_SUCCESS);
}

}  // namespace
}  // namespace recur::test
