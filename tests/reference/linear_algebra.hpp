// The two loops every recurrent reference is made of.
#pragma once

#include <cstdint>

namespace reference {

// sum_k a[k] b[k]. Four partial sums only so that the compiler may keep them side by side.
inline double dot(const double* a, const double* b, int64_t n) {
  double sum[4] = {0, 0, 0, 0};
  int64_t k = 0;
  for (; k + 4 <= n; k += 4) {
    for (int lane = 0; lane < 4; ++lane) sum[lane] += a[k + lane] * b[k + lane];
  }
  double rest = 0;
  for (; k < n; ++k) rest += a[k] * b[k];
  return (sum[0] + sum[1]) + (sum[2] + sum[3]) + rest;
}

// y[k] += factor * x[k]
inline void add_scaled(double* y, double factor, const double* x, int64_t n) {
  for (int64_t k = 0; k < n; ++k) y[k] += factor * x[k];
}

}  // namespace reference
