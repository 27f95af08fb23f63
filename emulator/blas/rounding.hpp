// The storage formats of matrices, as fp32 sees them.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace ptxvm::blas {

inline std::uint32_t bits_of(float x) {
  std::uint32_t u;
  std::memcpy(&u, &x, sizeof u);
  return u;
}

inline float float_of(std::uint32_t u) {
  float x;
  std::memcpy(&x, &u, sizeof x);
  return x;
}

// binary16. The product with 2^112 moves the exponent's bias and is exact, for subnormal numbers too.
struct Half {
  using Stored = std::uint16_t;
  static float widen(Stored h) {
    const float magnitude = float_of(std::uint32_t{h & 0x7fffu} << 13) * 0x1p112f;
    const std::uint32_t special = magnitude >= 65536.0f ? 0x7f800000u : 0u;
    return float_of(bits_of(magnitude) | special | std::uint32_t{h & 0x8000u} << 16);
  }
  // To nearest, ties to even.
  static Stored narrow(float x) {
    const std::uint32_t sign = bits_of(x) >> 16 & 0x8000u, magnitude = bits_of(x) & 0x7fffffffu;
    std::uint32_t h;
    if (magnitude > 0x7f800000u) {
      h = 0x7fffu;
    } else if (magnitude >= 0x477ff000u) {  // from 65520 on the nearest is infinity
      h = 0x7c00u;
    } else if (magnitude < 0x38800000u) {  // subnormal: the addition rounds to multiples of 2^-24
      h = bits_of(float_of(magnitude) + 0.5f) - 0x3f000000u;
    } else {
      h = ((magnitude + 0xfffu + (magnitude >> 13 & 1u)) >> 13) - (112u << 10);
    }
    return static_cast<Stored>(h | sign);
  }
};

struct Bfloat {
  using Stored = std::uint16_t;
  static float widen(Stored b) { return float_of(std::uint32_t{b} << 16); }
  static Stored narrow(float x) {
    const std::uint32_t u = bits_of(x);
    if ((u & 0x7fffffffu) > 0x7f800000u) return 0x7fffu;
    return static_cast<Stored>((u + 0x7fffu + (u >> 16 & 1u)) >> 16);
  }
};

// cvt.rna.tf32: 10 bits of mantissa, to nearest, ties away from zero. A NaN stays as it is.
struct Tf32 {
  using Stored = float;
  static float widen(Stored x) {
    const std::uint32_t u = bits_of(x);
    if ((u & 0x7fffffffu) > 0x7f800000u) return x;
    return float_of((u + 0x1000u) & ~0x1fffu);
  }
};

}  // namespace ptxvm::blas
