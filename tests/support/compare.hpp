// Compares a tensor with its reference and says where it is worst.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace recur::test {

// The largest error of any element, in tolerances: above 1 is a failure. An element's tolerance is
// `tolerance` times the larger of its reference and the reference's root mean square (see tolerance.hpp).
struct Worst {
  double tolerances = 0;
  size_t index = 0;
  double value = 0, expected = 0;

  bool ok() const { return tolerances <= 1; }
  std::string text() const {
    char line[160];
    std::snprintf(line, sizeof line, "element %zu is %.9g, expected %.9g: %.3g tolerances off", index, value,
                  expected, tolerances);
    return line;
  }
};

template <class Value>
double root_mean_square(const std::vector<Value>& values) {
  double squares = 0;
  for (Value value : values) squares += double(value) * double(value);
  return values.empty() ? 0 : std::sqrt(squares / double(values.size()));
}

template <class Value, class Expected>
Worst compare(const std::vector<Value>& values, const std::vector<Expected>& expected, double tolerance,
              double scale) {
  const double infinity = std::numeric_limits<double>::infinity();
  if (values.size() != expected.size()) {
    return {infinity, std::min(values.size(), expected.size()), double(values.size()),
            double(expected.size())};
  }
  Worst worst;
  for (size_t k = 0; k < values.size(); ++k) {
    const double value = double(values[k]), wanted = double(expected[k]);
    const double error = std::fabs(value - wanted);
    if (error == 0) continue;
    double tolerances = error / (tolerance * std::max(std::fabs(wanted), scale));
    if (std::isnan(tolerances)) tolerances = infinity;  // a NaN or an infinity on either side is no match
    if (tolerances > worst.tolerances) worst = {tolerances, k, value, wanted};
  }
  return worst;
}

template <class Value, class Expected>
Worst compare(const std::vector<Value>& values, const std::vector<Expected>& expected, double tolerance) {
  return compare(values, expected, tolerance, root_mean_square(expected));
}

// The worst of many comparisons for each name, for a summary at the end of a test program.
class WorstByName {
 public:
  void add(const std::string& name, const Worst& worst, const std::string& where) {
    Entry& entry = entries_[name];
    if (worst.tolerances >= entry.tolerances) entry = {worst.tolerances, where};
  }
  void print(const char* title) const {
    std::printf("%s\n", title);
    for (const auto& [name, entry] : entries_) {
      std::printf("  %-28s %8.4f  %s\n", name.c_str(), entry.tolerances, entry.where.c_str());
    }
  }

 private:
  struct Entry {
    double tolerances = 0;
    std::string where;
  };
  std::map<std::string, Entry> entries_;
};

}  // namespace recur::test
