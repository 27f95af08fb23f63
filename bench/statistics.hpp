// Percentiles of measured times, and how often a call is measured. Pure.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <vector>

namespace recur::bench {

// The value at a fraction of the way through sorted ones, between two neighbours in proportion: 0.5 is the
// median.
inline double percentile(const std::vector<double>& values, double fraction) {
  if (values.empty()) throw std::invalid_argument("a percentile of no values");
  const double place = fraction * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(std::floor(place)), above = std::min(below + 1, values.size() - 1);
  return values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
}

struct Spread {
  double median = 0, p10 = 0, p90 = 0;
};
inline Spread spread(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {percentile(values, 0.5), percentile(values, 0.1), percentile(values, 0.9)};
}

// About so many milliseconds of calls, at least 11, so that a tenth of them is one, and at most 201.
inline int repetitions(double milliseconds_of_one, double budget = 500) {
  const double wanted = milliseconds_of_one > 0 ? budget / milliseconds_of_one : 201;
  return static_cast<int>(std::clamp(wanted, 11.0, 201.0));
}

}  // namespace recur::bench
