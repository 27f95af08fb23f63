// What a language model is to beat: an n-gram model, counted, with interpolated Witten-Bell smoothing.
//   P(s | c) = (N(c,s) + T(c) P(s | c')) / (N(c) + T(c))
// N(c,s) counts s after context c, N(c) = sum_s N(c,s), T(c) counts the different s seen after c, and c' is c
// without its oldest symbol. A context never seen leaves P(s | c'); below no context at all lies 1/V.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace char_lm {

// Symbols are 0..V-1. context is the number of symbols looked back at: 1 for a bigram, 2 for a trigram.
class Ngram {
 public:
  Ngram(int vocabulary, int context) : vocabulary_(vocabulary), seen_(context + 1), after_(context + 1) {}

  void count(const std::vector<int32_t>& text) {
    for (size_t k = 0; k < seen_.size(); k++)
      for (size_t i = k; i < text.size(); i++) {
        const uint64_t c = key(&text[i], k);
        Context& context = seen_[k][c];
        context.symbols++;
        if (after_[k][c * vocabulary_ + text[i]]++ == 0) context.kinds++;
      }
  }

  // next points at the symbol; at least context() symbols must lie before it.
  double probability(const int32_t* next) const { return probability(next, seen_.size() - 1); }

  // Bits per symbol of text, each after its full context: the first context() symbols are not scored.
  double bits(const std::vector<int32_t>& text) const {
    double sum = 0;
    for (size_t i = context(); i < text.size(); i++) sum -= std::log2(probability(&text[i]));
    return sum / static_cast<double>(text.size() - context());
  }

  size_t context() const { return seen_.size() - 1; }

 private:
  struct Context {
    uint64_t symbols = 0, kinds = 0;  // N(c) and T(c)
  };

  // The k symbols before next as one number.
  uint64_t key(const int32_t* next, size_t k) const {
    uint64_t c = 0;
    for (size_t j = k; j > 0; j--) c = c * vocabulary_ + next[-static_cast<ptrdiff_t>(j)];
    return c;
  }

  double probability(const int32_t* next, size_t k) const {
    const double lower = k == 0 ? 1.0 / vocabulary_ : probability(next, k - 1);
    const uint64_t c = key(next, k);
    const auto found = seen_[k].find(c);
    if (found == seen_[k].end()) return lower;
    const auto pair = after_[k].find(c * vocabulary_ + *next);
    const double kinds = static_cast<double>(found->second.kinds);
    const double times = pair == after_[k].end() ? 0.0 : static_cast<double>(pair->second);
    return (times + kinds * lower) / (static_cast<double>(found->second.symbols) + kinds);
  }

  int vocabulary_;
  std::vector<std::unordered_map<uint64_t, Context>> seen_;    // by length of context
  std::vector<std::unordered_map<uint64_t, uint64_t>> after_;  // N(c,s) under c * V + s
};

}  // namespace char_lm
