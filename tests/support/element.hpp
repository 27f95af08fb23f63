// Elements of a plan's type on the host: raw bits to double and back, rounded to nearest even.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "recur/layer.h"

namespace recur::test {

using Bytes = std::vector<unsigned char>;

inline size_t element_size(recur_type type) {
  return type == RECUR_TYPE_FLOAT16 || type == RECUR_TYPE_BFLOAT16 ? 2 : 4;
}

// A value cut to `digits` binary digits of mantissa, subnormal below 2^least.
inline double rounded_to(double value, int digits, int least) {
  if (value == 0 || !std::isfinite(value)) return value;
  int exponent = 0;
  std::frexp(value, &exponent);
  const double unit = std::ldexp(1.0, std::max(exponent, least + 1) - digits);
  return std::nearbyint(value / unit) * unit;
}

inline double rounded(recur_type type, double value) {
  if (type == RECUR_TYPE_FLOAT16) return rounded_to(value, 11, -14);
  if (type == RECUR_TYPE_BFLOAT16) return rounded_to(value, 8, -126);
  return static_cast<float>(value);
}

inline double from_bits(recur_type type, const unsigned char* at) {
  if (type == RECUR_TYPE_FLOAT16) {
    uint16_t bits;
    std::memcpy(&bits, at, 2);
    const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
    const double sign = bits & 0x8000 ? -1 : 1;
    if (exponent == 31) return mantissa ? NAN : sign * INFINITY;
    return sign * (exponent ? std::ldexp(1024 + mantissa, exponent - 25) : std::ldexp(mantissa, -24));
  }
  uint32_t bits = 0;
  if (type == RECUR_TYPE_BFLOAT16) {
    uint16_t upper;
    std::memcpy(&upper, at, 2);
    bits = uint32_t{upper} << 16;
  } else {
    std::memcpy(&bits, at, 4);
  }
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

// value is one of the type's.
inline void to_bits(recur_type type, double value, unsigned char* at) {
  const float single = static_cast<float>(value);
  uint32_t bits;
  std::memcpy(&bits, &single, 4);
  if (type == RECUR_TYPE_BFLOAT16) {
    const uint16_t upper = static_cast<uint16_t>(bits >> 16);
    std::memcpy(at, &upper, 2);
  } else if (type == RECUR_TYPE_FLOAT16) {
    uint16_t half = static_cast<uint16_t>(bits >> 16 & 0x8000);
    if (std::isnan(value)) half |= 0x7E00;
    else if (std::isinf(value)) half |= 0x7C00;
    else if (std::fabs(value) < 0x1p-14) half |= static_cast<uint16_t>(std::fabs(value) * 0x1p24);
    else half |= static_cast<uint16_t>(((bits >> 23 & 255) - 112) << 10 | (bits >> 13 & 1023));
    std::memcpy(at, &half, 2);
  } else {
    std::memcpy(at, &bits, 4);
  }
}

inline Bytes packed(recur_type type, const std::vector<double>& values) {
  const size_t size = element_size(type);
  Bytes bytes(values.size() * size);
  for (size_t k = 0; k < values.size(); ++k) to_bits(type, values[k], &bytes[k * size]);
  return bytes;
}

inline std::vector<double> unpacked(recur_type type, const Bytes& bytes) {
  const size_t size = element_size(type);
  std::vector<double> values(bytes.size() / size);
  for (size_t k = 0; k < values.size(); ++k) values[k] = from_bits(type, &bytes[k * size]);
  return values;
}

}  // namespace recur::test
