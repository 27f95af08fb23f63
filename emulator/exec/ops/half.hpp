// fp16 and bfloat16 as numbers of the host: widening is exact, narrowing rounds once, NaN becomes 0x7fff.
//
// A sum, difference or product of two of them is computed in fp32 and rounded again. That is the result rounded
// once: fp32 has 24 bits, at least twice their 11 (8) and two more, or the fp32 result is exact (products; sums
// below the smallest normal number). fma is computed in fp64. For fp16, where its sum is inexact it is far from
// every tie: to come near one, product and summand must lie within 41 bits. For bfloat16 the product may be a tie
// itself and the summand far below, so the fp64 sum is rounded to odd, which loses no tie (53 bits are 8 and two).
#pragma once

#include "exec/ops/op.hpp"

namespace ptxvm::exec::PTXVM_ISA {

// Flags of Inst::aux beside the rounding and kFlush.
constexpr u8 kRelu = 8, kSaturate = 16, kSatFinite = 32;

struct Half {
  static constexpr int precision = 11;
  static constexpr u64 least_exponent = u64(1023 - 14) << 52;  // of a normal number, as fp64 writes it
  static constexpr f64 most = 65504.0;
  static constexpr u16 normal = 0x0400, infinity = 0x7c00, one = 0x3c00;
  static u16 nearest(u32 m) {  // ties to even; subnormal results by an addition that rounds to multiples of 2^-24
    u32 small = bits<u32>(bits<f32>(m) + 0.5f) - 0x3f000000u;
    u32 large = ((m + 0xfffu + ((m >> 13) & 1)) >> 13) - (112u << 10);
    return u16(m < 0x38800000u ? small : m >= 0x477ff000u ? 0x7c00u : large);
  }
  static u16 truncated(u32 m) {
    u32 small = u32(s32((m < 0x38800000u ? bits<f32>(m) : 0.0f) * 16777216.0f)), large = (m >> 13) - (112u << 10);
    return u16(m < 0x38800000u ? small : m == 0x7f800000u ? 0x7c00u : m >= 0x47800000u ? 0x7bffu : large);
  }
  static f32 widened(u16 a) {
    f32 m = bits<f32>(u32(a & 0x7fffu) << 13) * 5192296858534827628530496329220096.0f;  // 2^112
    u32 special = m >= 65536.0f ? 0x7f800000u : 0;
    return bits<f32>(bits<u32>(m) | special | u32(a & 0x8000u) << 16);
  }
  static f64 fused(f32 a, f32 b, f32 c) { return f64(a) * f64(b) + f64(c); }
};
struct Bfloat {
  static constexpr int precision = 8;
  static constexpr u64 least_exponent = u64(1023 - 126) << 52;
  static constexpr f64 most = 3.38953138925153547590470800371487866880e38;
  static constexpr u16 normal = 0x0080, infinity = 0x7f80, one = 0x3f80;
  static u16 nearest(u32 m) { return u16((m + 0x7fffu + ((m >> 16) & 1)) >> 16); }
  static u16 truncated(u32 m) { return u16(m >> 16); }
  static f32 widened(u16 a) { return bits<f32>(u32(a) << 16); }
  static f64 fused(f32 a, f32 b, f32 c) {
    const f64 p = f64(a) * f64(b), q = c, s = p + q;
    const f64 part = s - p, lost = (p - (s - part)) + (q - part);  // s + lost is the sum, exactly
    const u64 u = bits<u64>(s), toward = bits<u64>(lost) >> 63 == u >> 63 ? u + 1 : u - 1;
    return (lost < 0 || lost > 0) && !(u & 1) ? bits<f64>(toward) : s;
  }
};

template <class F> inline u16 nearest_of(f32 a) {
  u32 u = bits<u32>(a), m = u & 0x7fffffffu;
  return m > 0x7f800000u ? u16(0x7fff) : u16(F::nearest(m) | ((u >> 16) & 0x8000u));
}

// A magnitude rounded to the format's places: adding a number whose last place is the format's brings it about.
// way 0 to nearest even, 1 down, 2 up.
template <class F> inline f64 to_places(f64 m, u32 way) {
  u64 e = bits<u64>(m) & (u64(0x7ff) << 52);
  e = e < F::least_exponent ? F::least_exponent : e;
  const f64 c = bits<f64>(e + (u64(53 - F::precision) << 52)), unit = bits<f64>(e - (u64(F::precision - 1) << 52));
  f64 r = (m + c) - c;
  r = way == 1 && r > m ? r - unit : r;
  return way == 2 && r < m ? r + unit : r;
}

template <class F> inline u16 finished(u16 h, u32 flags) {
  const bool nan = (h & 0x7fff) > F::infinity, negative = h >> 15;
  if ((flags & kFlush) && (h & 0x7fff) < F::normal) h &= 0x8000;
  if ((flags & kRelu) && negative && !nan) h = 0;
  if (flags & kSaturate) h = nan || negative ? 0 : h > F::one ? F::one : h;
  return h;
}

// A number of the host to the format, by flags: rounding, kFlush, kRelu, kSaturate, kSatFinite.
template <class F> inline u16 narrowed(f64 a, u32 flags) {
  const u64 u = bits<u64>(a);
  const f64 infinite = bits<f64>(u64(0x7ff) << 52), m = bits<f64>(u & ~(u64(1) << 63));
  const u32 negative = u32(u >> 63), mode = flags & 3;
  const u32 way = mode == 0 ? 0 : mode == kRoundZero ? 1 : (mode == kRoundDown) == (negative != 0) ? 2 : 1;
  f64 r = to_places<F>(m > 4 * F::most ? 4 * F::most : m, way);
  const bool stays = (flags & kSatFinite) || (way == 1 && m < infinite);
  r = r > F::most ? (stays ? F::most : infinite) : r;
  const u16 h = u16(F::nearest(bits<u32>(f32(r))) | negative << 15);
  return finished<F>(a != a ? u16(0x7fff) : h, flags);
}

template <class F> inline u16 flushed_half(u16 h) { return (h & 0x7fff) < F::normal ? u16(h & 0x8000) : h; }

}  // namespace ptxvm::exec::PTXVM_ISA
