// Eight numbers at a time, for matrix instructions: the columns of a tile. Plain x86-64 has no fused multiply-add and no
// conversion of fp16; products of 16-bit and tf32 numbers are exact in fp64, so there both ways give the same bits.
#pragma once

#include <immintrin.h>

#include "exec/ops/op.hpp"

namespace ptxvm::exec::PTXVM_ISA {

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)

struct Eight {
  __m256d low, high;
  static Eight load(const f64* p) { return {_mm256_load_pd(p), _mm256_load_pd(p + 4)}; }
  void store(f64* p) const {
    _mm256_store_pd(p, low);
    _mm256_store_pd(p + 4, high);
  }
  // this + a b, for products that are exact
  void add_product(f64 a, const Eight& b) {
    const __m256d v = _mm256_set1_pd(a);
    low = _mm256_fmadd_pd(v, b.low, low);
    high = _mm256_fmadd_pd(v, b.high, high);
  }
  void add_product_fused(f64 a, const Eight& b) { add_product(a, b); }
  // the larger of this and a b
  void raise(f64 a, const Eight& b) {
    const __m256d v = _mm256_set1_pd(a);
    low = _mm256_max_pd(low, _mm256_mul_pd(v, b.low));
    high = _mm256_max_pd(high, _mm256_mul_pd(v, b.high));
  }
  // this + (a b scale without its fraction)
  void add_whole(f64 a, const Eight& b, const Eight& scale) {
    const __m256d v = _mm256_set1_pd(a);
    const __m256d x = _mm256_mul_pd(_mm256_mul_pd(v, b.low), scale.low), y = _mm256_mul_pd(_mm256_mul_pd(v, b.high), scale.high);
    low = _mm256_add_pd(low, _mm256_round_pd(x, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC));
    high = _mm256_add_pd(high, _mm256_round_pd(y, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC));
  }
};

inline void widen(const f32* from, f64* to) {
  const __m256 v = _mm256_loadu_ps(from);
  _mm256_storeu_pd(to, _mm256_cvtps_pd(_mm256_castps256_ps128(v)));
  _mm256_storeu_pd(to + 4, _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1)));
}
inline void narrow(const f64* from, f32* to) {
  _mm_storeu_ps(to, _mm256_cvtpd_ps(_mm256_loadu_pd(from)));
  _mm_storeu_ps(to + 4, _mm256_cvtpd_ps(_mm256_loadu_pd(from + 4)));
}
inline void widen_half(const u16* from, f64* to) {
  const __m256 v = _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  _mm256_storeu_pd(to, _mm256_cvtps_pd(_mm256_castps256_ps128(v)));
  _mm256_storeu_pd(to + 4, _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1)));
}
// fp16 of numbers that fp16 holds; any NaN becomes 0x7fff.
inline void narrow_half(const f64* from, u16* to) {
  alignas(32) f32 v[8];
  narrow(from, v);
  const __m128i h = _mm256_cvtps_ph(_mm256_load_ps(v), _MM_FROUND_TO_NEAREST_INT);
  const __m128i magnitude = _mm_and_si128(h, _mm_set1_epi16(0x7fff));
  const __m128i nan = _mm_cmpgt_epi16(magnitude, _mm_set1_epi16(0x7c00));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_blendv_epi8(h, _mm_set1_epi16(0x7fff), nan));
}

#else

struct Eight {
  __m128d v[4];
  static Eight load(const f64* p) {
    return {{_mm_load_pd(p), _mm_load_pd(p + 2), _mm_load_pd(p + 4), _mm_load_pd(p + 6)}};
  }
  void store(f64* p) const {
    for (int k = 0; k < 4; ++k) _mm_store_pd(p + 2 * k, v[k]);
  }
  void add_product(f64 a, const Eight& b) {
    const __m128d s = _mm_set1_pd(a);
    for (int k = 0; k < 4; ++k) v[k] = _mm_add_pd(v[k], _mm_mul_pd(s, b.v[k]));
  }
  void add_product_fused(f64 a, const Eight& b) {
    alignas(16) f64 x[8], y[8];
    store(x);
    b.store(y);
    for (int k = 0; k < 8; ++k) x[k] = __builtin_fma(a, y[k], x[k]);
    *this = load(x);
  }
  void raise(f64 a, const Eight& b) {
    const __m128d s = _mm_set1_pd(a);
    for (int k = 0; k < 4; ++k) v[k] = _mm_max_pd(v[k], _mm_mul_pd(s, b.v[k]));
  }
  void add_whole(f64 a, const Eight& b, const Eight& scale) {
    const __m128d s = _mm_set1_pd(a);
    for (int k = 0; k < 4; ++k) {
      alignas(16) f64 x[2];
      _mm_store_pd(x, _mm_mul_pd(_mm_mul_pd(s, b.v[k]), scale.v[k]));
      x[0] = __builtin_trunc(x[0]), x[1] = __builtin_trunc(x[1]);
      v[k] = _mm_add_pd(v[k], _mm_load_pd(x));
    }
  }
};

inline void widen(const f32* from, f64* to) {
  for (int k = 0; k < 8; ++k) to[k] = f64(from[k]);
}
inline void narrow(const f64* from, f32* to) {
  for (int k = 0; k < 8; ++k) to[k] = f32(from[k]);
}
inline void widen_half(const u16* from, f64* to) {
  for (int k = 0; k < 8; ++k) {
    const f32 m = bits<f32>(u32(from[k] & 0x7fffu) << 13) * 5192296858534827628530496329220096.0f;  // 2^112
    const u32 special = m >= 65536.0f ? 0x7f800000u : 0;
    to[k] = f64(bits<f32>(bits<u32>(m) | special | u32(from[k] & 0x8000u) << 16));
  }
}
inline u16 half_bits(f64 x) {
  const u64 u = bits<u64>(x), m = u & 0x7fffffffffffffffu;
  if (m > 0x7ff0000000000000u) return 0x7fff;
  u16 r;
  if (m == 0x7ff0000000000000u) r = 0x7c00;
  else if (m >= 0x3f10000000000000u) r = u16((m >> 42) - (u64(1023 - 15) << 10));  // 2^-14 and more
  else r = u16(bits<f64>(m) * 16777216.0);                                         // multiples of 2^-24
  return u16(r | ((u >> 48) & 0x8000u));
}
inline void narrow_half(const f64* from, u16* to) {
  for (int k = 0; k < 8; ++k) to[k] = half_bits(from[k]);
}

#endif

inline void widen_bfloat(const u16* from, f64* to) {
  alignas(32) f32 v[8];
  for (int k = 0; k < 8; ++k) v[k] = bits<f32>(u32(from[k]) << 16);
  widen(v, to);
}

// Rows and columns of eight 16-bit values exchanged; both 16-byte rows, one behind the other.
inline void transpose_8x8(const u16* from, u16* to) {
  __m128i r[8], s[8];
  for (int k = 0; k < 8; ++k) r[k] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 8 * k));
  for (int k = 0; k < 4; ++k) {
    s[2 * k] = _mm_unpacklo_epi16(r[2 * k], r[2 * k + 1]);
    s[2 * k + 1] = _mm_unpackhi_epi16(r[2 * k], r[2 * k + 1]);
  }
  for (int k = 0; k < 2; ++k) {
    r[4 * k] = _mm_unpacklo_epi32(s[4 * k], s[4 * k + 2]);
    r[4 * k + 1] = _mm_unpackhi_epi32(s[4 * k], s[4 * k + 2]);
    r[4 * k + 2] = _mm_unpacklo_epi32(s[4 * k + 1], s[4 * k + 3]);
    r[4 * k + 3] = _mm_unpackhi_epi32(s[4 * k + 1], s[4 * k + 3]);
  }
  for (int k = 0; k < 4; ++k) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 16 * k), _mm_unpacklo_epi64(r[k], r[k + 4]));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 16 * k + 8), _mm_unpackhi_epi64(r[k], r[k + 4]));
  }
}

}  // namespace ptxvm::exec::PTXVM_ISA
