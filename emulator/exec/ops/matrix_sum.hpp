// D = A B + C in fp64, eight columns at a time, as exec/tensor.hpp says. A [rows][K], B [K][8], C [rows][8],
// which becomes D.
#pragma once

#include "exec/ops/eight.hpp"

namespace ptxvm::exec::PTXVM_ISA {

// Types of accumulators. rounded(): what an fp64 sum becomes, as fp64; cut(): the same towards zero, where the
// hardware does so; least: the exponent of subnormal numbers, as a power of two.
struct Single {
  static constexpr f64 least = 0x1p-126;
  static f64 rounded(f64 x) { return f64(f32(x)); }
  static f64 cut(f64 x) {
    const f64 m = __builtin_fabs(x);
    const f64 normal = bits<f64>(bits<u64>(x) & ~u64(0x1fffffff));
    const f64 subnormal = __builtin_copysign(f64(s64((m < least ? m : 0) * 0x1p149)) * 0x1p-149, x);
    const f64 beyond = __builtin_copysign(f64(__builtin_inff()), x);
    return x != x ? x : m >= 0x1p128 ? beyond : m >= least ? normal : subnormal;
  }
};
struct HalfPrecision {
  static constexpr f64 least = 0x1p-14;
  static f64 rounded(f64 x) {  // to nearest even
    const u64 u = bits<u64>(x);
    const f64 m = __builtin_fabs(x);
    const f64 normal = bits<f64>((u + 0x1ffffffffffu + ((u >> 42) & 1)) & ~u64(0x3ffffffffff));
    const f64 subnormal = __builtin_copysign(((m < least ? m : 0) + 0x1.8p28) - 0x1.8p28, x);  // multiples of 2^-24
    const f64 beyond = __builtin_copysign(f64(__builtin_inff()), x);
    return x != x ? x : m >= 65520.0 ? beyond : m >= least ? normal : subnormal;
  }
  static f64 cut(f64 x) { return rounded(x); }
};

template <int Rows, int K, bool Fused>
void sum_exactly(const f64* a, const f64* b, f64* c) {
  static_assert(Rows % 4 == 0);
  for (int m = 0; m < Rows; m += 4) {
    Eight sum[4];
    for (int i = 0; i < 4; ++i) sum[i] = Eight::load(c + 8 * (m + i));
    for (int k = 0; k < K; ++k) {
      const Eight row = Eight::load(b + 8 * k);
      for (int i = 0; i < 4; ++i) {
        if constexpr (Fused) sum[i].add_product_fused(a[(m + i) * K + k], row);
        else sum[i].add_product(a[(m + i) * K + k], row);
      }
    }
    for (int i = 0; i < 4; ++i) sum[i].store(c + 8 * (m + i));
  }
}

// The largest power of two that x reaches, but at least `least`; of zero: 0. Infinite and NaN: any finite one.
inline f64 power_of(f64 x, f64 least) {
  const f64 p = bits<f64>(bits<u64>(x) & 0x7ff0000000000000u);
  return x == 0 ? 0 : p < least ? least : p > 0x1p128 ? 0x1p128 : p;
}

// The exponents of the subnormal numbers of A's and B's type, and of C's: as powers of two.
template <int Rows, int K, class Accumulator>
void sum_truncated(const f64* a, const f64* b, f64* c, f64 operand_least, f64 c_least, int fraction_bits, int terms) {
  alignas(64) f64 power_a[Rows * K], power_b[K * 8];
  for (int i = 0; i < Rows * K; ++i) power_a[i] = power_of(a[i], operand_least);
  for (int i = 0; i < K * 8; ++i) power_b[i] = power_of(b[i], operand_least);
  const f64 fraction = f64(u64(1) << fraction_bits);
  for (int m = 0; m < Rows; ++m) {
    f64* d = c + 8 * m;
    for (int first = 0; first < K; first += terms) {
      const int last = first + terms < K ? first + terms : K;
      alignas(64) f64 largest[8], scale[8], sum[8];
      for (int n = 0; n < 8; ++n) {
        const f64 p = power_of(d[n], first ? Accumulator::least : c_least);
        largest[n] = p > 0x1p-126 ? p : 0x1p-126;
      }
      Eight most = Eight::load(largest);
      for (int k = first; k < last; ++k) most.raise(power_a[m * K + k], Eight::load(power_b + 8 * k));
      most.store(largest);
      for (int n = 0; n < 8; ++n) {
        scale[n] = fraction / largest[n];  // exact, as is all that follows
        sum[n] = __builtin_trunc(d[n] * scale[n]) + 0.0;  // no negative zero
      }
      Eight total = Eight::load(sum);
      const Eight scales = Eight::load(scale);
      for (int k = first; k < last; ++k) total.add_whole(a[m * K + k], Eight::load(b + 8 * k), scales);
      total.store(sum);
      for (int n = 0; n < 8; ++n) d[n] = Accumulator::cut(sum[n] / scale[n]);
    }
  }
}

}  // namespace ptxvm::exec::PTXVM_ISA
