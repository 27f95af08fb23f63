// Random values that are the same with every compiler and standard library.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace recur::test {

// One step of splitmix64 (Steele, Lea, Flood, 2014).
inline uint64_t next_random(uint64_t& state) {
  uint64_t z = state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

// Uniform in (-scale, scale), multiples of scale / 2^23, never 0. The seed goes through the generator first: states
// that lie steps apart would give one tensor's values again in the next, shifted.
inline std::vector<float> random_fill(size_t count, uint64_t seed, double scale = 1) {
  std::vector<float> values(count);
  uint64_t state = next_random(seed);
  for (float& value : values) {
    const uint64_t z = next_random(state);
    value = float((double(z >> 40) * 2 + 1 - 0x1p24) * 0x1p-24 * scale);
  }
  return values;
}

// Weights of a recurrent layer: U(-1,1)/sqrt(H), at which the recurrence neither explodes nor turns chaotic.
inline std::vector<float> random_weights(size_t count, uint64_t seed, int64_t hidden) {
  return random_fill(count, seed, 1 / std::sqrt(double(hidden)));
}

inline std::vector<double> widened(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

}  // namespace recur::test
