// What the tests in the manner of other people's kernels share.
#pragma once

#include <cmath>

#include "device.hpp"

namespace breadth {

constexpr double kSingle = 0x1p-24, kHalf = 0x1p-11;  // what one rounding loses

inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

inline std::vector<float> uniform(std::size_t count, double reach, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> part(float(-reach), float(reach));
  std::vector<float> v(count);
  for (float& x : v) x = part(random);
  return v;
}

template <class T>
std::vector<T> rounded(const std::vector<float>& v) {
  return std::vector<T>(v.begin(), v.end());
}

}  // namespace breadth
