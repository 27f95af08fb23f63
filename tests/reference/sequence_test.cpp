#include "tests/reference/sequence.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/reference/finite_difference.hpp"

namespace reference {
namespace {

Vector random_vector(size_t size, uint32_t seed, double scale = 1) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<double> uniform(-scale, scale);
  Vector values(size);
  for (double& value : values) value = uniform(generator);
  return values;
}

TEST(CrossEntropyReference, GradientIsTheDerivativeOfTheLoss) {
  const int64_t V = 7;
  const std::vector<int32_t> targets = {3, 0, -100, 6, 9, 2};  // one ignored, one bad
  Vector logits = random_vector(targets.size() * V, 1, 3);
  for (double smoothing : {0.0, 0.1, 1.0}) {
    for (bool mean : {true, false}) {
      const CrossEntropyOptions options{-100, smoothing, mean};
      const CrossEntropy result = cross_entropy(logits, V, targets, options);
      EXPECT_EQ(result.bad_targets, 1);
      const Vector numeric =
          numeric_gradient([&] { return cross_entropy(logits, V, targets, options).loss; }, logits);
      for (size_t k = 0; k < numeric.size(); ++k) EXPECT_NEAR(result.gradient[k], numeric[k], 1e-8) << k;
      for (int64_t j = 0; j < V; ++j) EXPECT_EQ(result.gradient[2 * V + j], 0);
    }
  }
}

TEST(CrossEntropyReference, KnownValues) {
  // Equal logits: log V for every smoothing, however large the logits.
  for (double level : {0.0, 1e4, -1e4}) {
    for (double smoothing : {0.0, 0.3}) {
      EXPECT_NEAR(cross_entropy(Vector(5, level), 5, {4}, {{}, smoothing, true}).loss, std::log(5.0), 1e-9);
    }
  }
  // logits 1 2 3, target 3rd: log(1 + e^-1 + e^-2)
  const double expected = std::log(1 + std::exp(-1.0) + std::exp(-2.0));
  EXPECT_NEAR(cross_entropy({1, 2, 3}, 3, {2}).loss, expected, 1e-14);
  // smoothing 0.3 adds 0.1 * ((LSE-1) + (LSE-2) + (LSE-3)) = 0.1 * (3 * expected + 3)
  EXPECT_NEAR(cross_entropy({1, 2, 3}, 3, {2}, {{}, 0.3, true}).loss, 0.7 * expected + 0.3 * expected + 0.3,
              1e-14);
  // Mean over the targets that count; none left is 0.
  EXPECT_NEAR(cross_entropy({1, 2, 3, 9, 9, 9}, 3, {2, 7}, {7, 0, true}).loss, expected, 1e-14);
  EXPECT_EQ(cross_entropy({1, 2, 3}, 3, {7}, {7, 0, true}).loss, 0);
  EXPECT_EQ(cross_entropy({1, 2, 3}, 3, {7}, {7, 0, true}).gradient, Vector(3, 0.0));
}

TEST(EmbeddingReference, BackwardIsTheTransposeOfForward) {
  const int64_t V = 5, E = 3;
  const std::vector<int32_t> indices = {4, 0, 4, 4, -1, 5, 2};
  Vector table = random_vector(V * E, 2);
  const Vector dy = random_vector(indices.size() * E, 3);
  auto function = [&] {
    const Vector y = embedding_forward(table, V, E, indices);
    double sum = 0;
    for (size_t k = 0; k < y.size(); ++k) sum += y[k] * dy[k];
    return sum;
  };
  const Vector gradient = embedding_backward(dy, V, E, indices);
  const Vector numeric = numeric_gradient(function, table);
  for (size_t k = 0; k < numeric.size(); ++k) EXPECT_NEAR(gradient[k], numeric[k], 1e-9) << k;
  const Vector y = embedding_forward(table, V, E, indices);
  EXPECT_EQ(y[0], table[4 * E]);
  EXPECT_EQ(y[4 * E], 0);  // index -1
}

TEST(SamplingReference, InverseCdf) {
  const Vector p = {0.25, 0, 0.5, 0.25, 0};
  EXPECT_EQ(inverse_cdf(p, 0.0), 0);
  EXPECT_EQ(inverse_cdf(p, 0.24), 0);
  EXPECT_EQ(inverse_cdf(p, 0.25), 2);  // the first that exceeds u
  EXPECT_EQ(inverse_cdf(p, 0.74), 2);
  EXPECT_EQ(inverse_cdf(p, 0.75), 3);
  EXPECT_EQ(inverse_cdf({0.5, 0.4999, 0}, 0.99999), 1);
  EXPECT_EQ(inverse_cdf({0, 0}, 0.5), -1);
  EXPECT_EQ(inverse_cdf({0.5, std::nan("")}, 0.7), -1);
  EXPECT_NEAR(inverse_cdf_margin(p, 0.7), 0.05, 1e-15);
}

TEST(SamplingReference, SoftmaxWithTemperature) {
  const Vector p = softmax({1, 3, 1000 - 997}, 2);
  const double e = std::exp(-1.0);
  EXPECT_NEAR(p[0], e / (2 + e), 1e-15);
  EXPECT_NEAR(p[1], 1 / (2 + e), 1e-15);
  EXPECT_NEAR(softmax({1e4, 0}, 0.5)[0], 1, 0);
}

// The known answers that Random123 ships (kat_vectors, philox4x32 10).
TEST(SamplingReference, PhiloxKnownAnswers) {
  using Words = std::array<uint32_t, 4>;
  EXPECT_EQ(philox4x32_10({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const uint32_t f = 0xffffffff;
  EXPECT_EQ(philox4x32_10({f, f, f, f}, {f, f}), (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

}  // namespace
}  // namespace reference
