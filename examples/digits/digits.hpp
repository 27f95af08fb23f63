// Handwritten digits: the file's reader, the split, and what a classifier is to beat.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "read_file.hpp"

namespace digits {

constexpr int kRows = 8, kColumns = 8, kPixels = kRows * kColumns, kClasses = 10;

struct Digit {
  std::array<float, kPixels> pixels;  // row by row, 0 (paper) to 1 (ink)
  int32_t label;                      // 0..9
};

// One line: 64 whole numbers 0..16, the ink of each pixel, then the label 0..9, with commas between them.
inline Digit parse_digit(std::string_view text, const std::string& name, size_t line) {
  Digit digit = {};
  for (int i = 0; i <= kPixels; i++) {
    const std::string_view field = text.substr(0, text.find(','));
    const int most = i < kPixels ? 16 : kClasses - 1;
    int value = -1;
    const auto [end, fault] = std::from_chars(field.data(), field.data() + field.size(), value);
    if (fault != std::errc() || end != field.data() + field.size() || value < 0 || value > most) {
      const std::string what = i < kPixels ? "pixel " + std::to_string(i + 1) : "the label";
      examples::bad_line(name, line,
                         what + " is " + examples::quoted(field) + ", and must be a whole number from 0 to " +
                             std::to_string(most));
    }
    if (i < kPixels)
      digit.pixels[i] = static_cast<float>(value) / 16;
    else
      digit.label = value;
    const bool last = field.size() == text.size();
    if (last && i < kPixels)
      examples::bad_line(name, line,
                         "ends after " + std::to_string(i + 1) + " values; 64 pixels and a label are needed");
    if (!last && i == kPixels)
      examples::bad_line(name, line, "goes on after the label; 64 pixels and a label are wanted");
    if (!last) text.remove_prefix(field.size() + 1);
  }
  return digit;
}

inline std::vector<Digit> parse_digits(std::string_view text, const std::string& name) {
  std::vector<Digit> all;
  for (size_t line = 1; !text.empty(); line++) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view one = text.substr(0, end);
    if (!one.empty() && one.back() == '\r') one.remove_suffix(1);
    all.push_back(parse_digit(one, name, line));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return all;
}

// The picture moved right and down; what leaves it is lost, and paper comes in.
inline Digit moved(const Digit& digit, int right, int down) {
  Digit result = {{}, digit.label};
  for (int row = std::max(0, down); row < std::min(kRows, kRows + down); row++)
    for (int column = std::max(0, right); column < std::min(kColumns, kColumns + right); column++)
      result.pixels[row * kColumns + column] = digit.pixels[(row - down) * kColumns + column - right];
  return result;
}

struct Split {
  std::vector<Digit> learn, held_out;
};

// The last fifth of the file is held out: nothing is drawn, so that every run and every program compares the
// same digits.
inline Split split(const std::vector<Digit>& all, const std::string& name) {
  if (all.size() < 5)
    throw std::invalid_argument("'" + name + "' has " + std::to_string(all.size()) +
                                " digits; to learn from some and hold some out takes 5");
  const auto cut = all.end() - static_cast<std::ptrdiff_t>(all.size() / 5);
  return {{all.begin(), cut}, {cut, all.end()}};
}

inline float distance(const std::array<float, kPixels>& a, const std::array<float, kPixels>& b) {
  float sum = 0;
  for (int i = 0; i < kPixels; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

// The label of the nearest of some digits, the first of those at one distance.
inline int32_t nearest(const std::vector<Digit>& to, const Digit& digit) {
  int32_t label = -1;
  float least = std::numeric_limits<float>::infinity();
  for (const Digit& one : to)
    if (const float d = distance(one.pixels, digit.pixels); d < least) least = d, label = one.label;
  return label;
}

// The mean of each label that occurs.
inline std::vector<Digit> class_means(const std::vector<Digit>& digits) {
  std::vector<Digit> means;
  for (int32_t label = 0; label < kClasses; label++) {
    Digit mean = {{}, label};
    float count = 0;
    for (const Digit& digit : digits)
      if (digit.label == label) {
        for (int i = 0; i < kPixels; i++) mean.pixels[i] += digit.pixels[i];
        count++;
      }
    for (float& pixel : mean.pixels) pixel /= count;
    if (count > 0) means.push_back(mean);
  }
  return means;
}

// The share of digits whose label was said.
inline double accuracy(const std::vector<Digit>& digits, const std::vector<int32_t>& said) {
  size_t right = 0;
  for (size_t i = 0; i < digits.size(); i++) right += digits[i].label == said[i];
  return static_cast<double>(right) / static_cast<double>(digits.size());
}

}  // namespace digits
