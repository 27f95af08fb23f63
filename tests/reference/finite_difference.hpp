// Central differences, for checking a gradient against the function it is the gradient of.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <vector>

namespace reference {

using Vector = std::vector<double>;

// df/dx_k ~ (f(x + s e_k) - f(x - s e_k)) / 2s. The error is s^2 f'''/6 of truncation and 2^-53 |f| / s of
// rounding, about 1e-10 together at s = 1e-5 for functions and derivatives of size 1.
inline constexpr double difference_step = 1e-5;

inline Vector numeric_gradient(const std::function<double()>& function, Vector& x) {
  Vector gradient(x.size());
  for (size_t k = 0; k < x.size(); ++k) {
    const double kept = x[k];
    x[k] = kept + difference_step;
    const double above = function();
    x[k] = kept - difference_step;
    const double below = function();
    x[k] = kept;
    gradient[k] = (above - below) / (2 * difference_step);
  }
  return gradient;
}

// Along one direction of length 1: one number, whatever the size.
inline double numeric_slope(const std::function<double()>& function, Vector& x, const Vector& direction) {
  const Vector kept = x;
  for (size_t k = 0; k < x.size(); ++k) x[k] = kept[k] + difference_step * direction[k];
  const double above = function();
  for (size_t k = 0; k < x.size(); ++k) x[k] = kept[k] - difference_step * direction[k];
  const double below = function();
  x = kept;
  return (above - below) / (2 * difference_step);
}

inline Vector random_direction(size_t size, uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal;
  Vector direction(size);
  double squares = 0;
  for (double& d : direction) {
    d = normal(generator);
    squares += d * d;
  }
  for (double& d : direction) d /= std::sqrt(squares);
  return direction;
}

}  // namespace reference
