// fp16 and bfloat16 as numbers, and what fp64 gives when rounded once to either.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "device.hpp"

namespace breadth {

using Bits = unsigned short;

template <class T>
struct Type;
template <>
struct Type<__half> {
  using Pair = __half2;
  static constexpr int precision = 11, least = -14;
  static constexpr double most = 65504;
};
template <>
struct Type<__nv_bfloat16> {
  using Pair = __nv_bfloat162;
  static constexpr int precision = 8, least = -126;
  static constexpr double most = 255 * 0x1p120;
};

// The number s + e, e below half of s's last place, rounded once.
template <class T>
double rounded(double s, double e = 0) {
  if (std::isnan(s) || std::isinf(s) || (s == 0 && e == 0)) return s;
  if (e != 0) {  // to odd: the last bit remembers that something follows
    std::uint64_t bits;
    std::memcpy(&bits, &s, 8);
    if (!(bits & 1)) s = std::nextafter(s, e > 0 ? HUGE_VAL : -HUGE_VAL);
  }
  const double unit = std::ldexp(1.0, std::max(std::ilogb(s), Type<T>::least) - Type<T>::precision + 1);
  const double r = std::nearbyint(s / unit) * unit;
  return std::copysign(std::fabs(r) > Type<T>::most ? HUGE_VAL : std::fabs(r), s);
}
template <class T>
double sum(double a, double b) {
  const double s = a + b, back = s - a;
  return rounded<T>(s, std::isfinite(s) ? (a - (s - back)) + (b - back) : 0);
}

template <class T>
double value(Bits b) {
  T v;
  std::memcpy(&v, &b, 2);
  return double(float(v));
}
inline bool same(double a, double b) {
  return a == b ? std::signbit(a) == std::signbit(b) : std::isnan(a) && std::isnan(b);
}

template <class T>
std::vector<Bits> interesting() {  // every exponent with the ends of its fractions, both signs, and any
  std::vector<Bits> v;
  constexpr int fraction = Type<T>::precision - 1;
  for (unsigned e = 0; e < 0x8000u >> fraction; e += fraction == 7 ? 5 : 1)
    for (unsigned f : {0u, 1u, (1u << fraction) / 2, (1u << fraction) - 1})
      for (unsigned s : {0u, 0x8000u}) v.push_back(Bits(s | e << fraction | f));
  for (Bits b : {0x7c00, 0x7f80, 0xff80, 0xfc00, 0x7fff, 0x3c00, 0x3f80}) v.push_back(b);
  std::mt19937 random(3);
  for (int k = 0; k < 60; ++k) v.push_back(Bits(random()));
  return v;
}

template <class T>
__device__ T number(Bits b) {
  T v;
  memcpy(&v, &b, 2);
  return v;
}
template <class T>
__device__ Bits bits(T v) {
  Bits b;
  memcpy(&b, &v, 2);
  return b;
}

}  // namespace breadth
