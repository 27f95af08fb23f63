#include "ngram.hpp"

#include <gtest/gtest.h>

#include <random>

namespace char_lm {
namespace {

// The text a b a a b a, of an alphabet of 3 whose third symbol never occurs.
const std::vector<int32_t> kText = {0, 1, 0, 0, 1, 0};

TEST(Ngram, UnigramByHand) {
  Ngram model(3, 0);
  model.count(kText);
  const int32_t a[] = {0}, b[] = {1}, c[] = {2};
  // N = 6, T = 2; below it 1/3.
  EXPECT_DOUBLE_EQ(model.probability(a), (4 + 2 / 3.0) / 8);
  EXPECT_DOUBLE_EQ(model.probability(b), (2 + 2 / 3.0) / 8);
  EXPECT_DOUBLE_EQ(model.probability(c), (0 + 2 / 3.0) / 8);
}

TEST(Ngram, BigramByHand) {
  Ngram model(3, 1);
  model.count(kText);
  const double ua = (4 + 2 / 3.0) / 8, ub = (2 + 2 / 3.0) / 8, uc = (2 / 3.0) / 8;
  // After a: b twice, a once, so N = 3, T = 2. After b: a twice, so N = 2, T = 1.
  const int32_t aa[] = {0, 0}, ab[] = {0, 1}, ac[] = {0, 2}, ba[] = {1, 0}, bb[] = {1, 1};
  EXPECT_DOUBLE_EQ(model.probability(aa + 1), (1 + 2 * ua) / 5);
  EXPECT_DOUBLE_EQ(model.probability(ab + 1), (2 + 2 * ub) / 5);
  EXPECT_DOUBLE_EQ(model.probability(ac + 1), (0 + 2 * uc) / 5);
  EXPECT_DOUBLE_EQ(model.probability(ba + 1), (2 + 1 * ua) / 3);
  EXPECT_DOUBLE_EQ(model.probability(bb + 1), (0 + 1 * ub) / 3);
}

TEST(Ngram, TrigramByHand) {
  Ngram model(3, 2), bigram(3, 1);
  model.count(kText);
  bigram.count(kText);
  // After a b: a twice, so N = 2, T = 1. After b a: a once, so N = 1, T = 1 (the text's end is followed by
  // nothing).
  const int32_t aba[] = {0, 1, 0}, bab[] = {1, 0, 1};
  EXPECT_DOUBLE_EQ(model.probability(aba + 2), (2 + bigram.probability(aba + 2)) / 3);
  EXPECT_DOUBLE_EQ(model.probability(bab + 2), (0 + bigram.probability(bab + 2)) / 2);
}

TEST(Ngram, UnseenContextFallsBack) {
  Ngram model(3, 2), unigram(3, 0);
  model.count(kText);
  unigram.count(kText);
  const int32_t cca[] = {2, 2, 0};
  EXPECT_DOUBLE_EQ(model.probability(cca + 2), unigram.probability(cca + 2));
}

TEST(Ngram, ProbabilitiesSumToOne) {
  const int V = 17;
  std::mt19937 random(7);
  std::vector<int32_t> text(3000);
  for (int32_t& symbol : text) symbol = std::min<int32_t>(random() % V, random() % V);
  for (int order = 0; order < 4; order++) {
    Ngram model(V, order);
    model.count(text);
    for (int trial = 0; trial < 200; trial++) {
      std::vector<int32_t> window(order + 1);
      for (int32_t& symbol : window) symbol = random() % V;
      double sum = 0;
      for (window[order] = 0; window[order] < V; window[order]++) sum += model.probability(&window[order]);
      EXPECT_NEAR(sum, 1.0, 1e-12);
    }
  }
}

TEST(Ngram, BitsIsTheMeanOverScoredSymbols) {
  Ngram model(3, 1);
  model.count(kText);
  const std::vector<int32_t> held = {0, 1, 1};
  const double expected =
      -(std::log2(model.probability(&held[1])) + std::log2(model.probability(&held[2]))) / 2;
  EXPECT_DOUBLE_EQ(model.bits(held), expected);
}

TEST(Ngram, ConstantTextCostsNextToNothing) {
  const std::vector<int32_t> text(10000, 1);
  Ngram model(2, 2);
  model.count(text);
  EXPECT_LT(model.bits(text), 1e-3);
}

}  // namespace
}  // namespace char_lm
