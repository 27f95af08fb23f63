// Rows of letters in which words are to be found: a text without its spaces, a rule that is counted, and the
// score.
#pragma once

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "read_file.hpp"

namespace segment {

constexpr int kLetters = 26;
constexpr int32_t kNotAsked = -1;

struct Row {
  std::vector<int32_t> letters;  // 0..25 for a..z
  std::vector<int32_t>
      ends;  // 1 where a word ends, else 0; the row's last letter, which ends one in any case, is not asked
};

// The words of one line: what stands between spaces, its letters alone, made small.
inline std::vector<std::vector<int32_t>> words_of(std::string_view text, const std::string& name,
                                                  size_t line) {
  std::vector<std::vector<int32_t>> words(1);
  for (char c : text) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (byte >= 128 || (std::iscntrl(byte) && !std::isspace(byte)))
      examples::bad_line(
          name, line,
          "byte " + std::to_string(byte) + " is not ASCII text; the letters known here are a to z");
    if (std::isalpha(byte)) words.back().push_back(std::tolower(byte) - 'a');
    if (std::isspace(byte) && !words.back().empty()) words.emplace_back();
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

// Each line is a row. One of more than longest letters goes on in a new row after the last word that fits;
// lines without letters are left out.
inline std::vector<Row> rows_of(std::string_view text, const std::string& name, int64_t longest) {
  std::vector<Row> rows;
  for (size_t line = 1; !text.empty(); line++) {
    const size_t end = std::min(text.find('\n'), text.size());
    bool begun = false;
    for (const std::vector<int32_t>& word : words_of(text.substr(0, end), name, line)) {
      const size_t limit = static_cast<size_t>(longest);
      if (word.size() > limit)
        examples::bad_line(name, line,
                           "has a word of " + std::to_string(word.size()) +
                               " letters, and a row has room for " + std::to_string(longest));
      if (!begun || rows.back().letters.size() + word.size() > limit) rows.emplace_back();
      begun = true;
      Row& row = rows.back();
      if (!row.ends.empty()) row.ends.back() = 1;
      row.letters.insert(row.letters.end(), word.begin(), word.end());
      row.ends.resize(row.letters.size(), 0);
      row.ends.back() = kNotAsked;
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return rows;
}

struct Split {
  std::vector<Row> learn, held_out;
};

// The last tenth of the rows is held out.
inline Split split(const std::vector<Row>& rows, const std::string& name) {
  if (rows.size() < 10)
    throw std::invalid_argument("'" + name + "' has " + std::to_string(rows.size()) +
                                " lines with letters; to learn from some and hold a tenth out takes 10");
  const auto cut = rows.end() - static_cast<std::ptrdiff_t>(rows.size() / 10);
  return {{rows.begin(), cut}, {cut, rows.end()}};
}

// What a network is to beat: a word ends after a letter if it did more often than not where the same letters
// stood around it, reach of them on either side (1 is a trigram). What was never seen ends no word.
class WindowRule {
 public:
  explicit WindowRule(int reach) : reach_(reach) {}

  void count(const Row& row) {
    for (size_t i = 0; i < row.letters.size(); i++)
      if (row.ends[i] != kNotAsked) balance_[key(row, i)] += row.ends[i] == 1 ? 1 : -1;
  }
  bool ends(const Row& row, size_t i) const {
    const auto found = balance_.find(key(row, i));
    return found != balance_.end() && found->second > 0;
  }

 private:
  // The letters i-reach..i+reach as one number; beyond the row stands a 27th.
  uint64_t key(const Row& row, size_t i) const {
    uint64_t key = 0;
    const int64_t size = static_cast<int64_t>(row.letters.size()), at = static_cast<int64_t>(i);
    for (int64_t j = at - reach_; j <= at + reach_; j++)
      key = key * (kLetters + 1) + (j < 0 || j >= size ? kLetters : row.letters[j]);
    return key;
  }

  int64_t reach_;
  std::unordered_map<uint64_t, int64_t> balance_;  // times that a word ended, less those that it did not
};

// How well the ends of words were found: the harmonic mean of precision (ends among what was said to be one)
// and recall (what was found of the ends).
struct Score {
  int64_t right = 0, wrong = 0, missed = 0;

  void add(int32_t ends, bool said) {
    if (ends == kNotAsked) return;
    right += ends == 1 && said;
    wrong += ends == 0 && said;
    missed += ends == 1 && !said;
  }
  double precision() const { return ratio(right, right + wrong); }
  double recall() const { return ratio(right, right + missed); }
  double f1() const { return ratio(2 * right, 2 * right + wrong + missed); }

 private:
  static double ratio(int64_t part, int64_t whole) {
    return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
  }
};

// The row as it was read, or as somebody says it is: letters with a space where a word ends.
template <class Ends>
std::string spaced(const Row& row, Ends ends) {
  std::string text;
  for (size_t i = 0; i < row.letters.size(); i++) {
    text.push_back(static_cast<char>('a' + row.letters[i]));
    if (row.ends[i] != kNotAsked && ends(i)) text.push_back(' ');
  }
  return text;
}

}  // namespace segment
