// fp32 and fp64 arithmetic (PTX ISA 9.7.3): IEEE-754 operations under the rounding that the instruction
// names. fp32 results that are NaN are the canonical 0x7fffffff.
#include "exec/ops/op.hpp"

namespace ptxvm::exec::PTXVM_ISA {

float unit32 = 1.0f;

namespace {

inline f32 canonical(f32 r) { return r == r ? r : bits<f32>(0x7fffffffu); }
inline f64 canonical(f64 r) { return r; }
template <class T> T saturate(T r) { return r > T(0) ? (r < T(1) ? r : T(1)) : T(0); }  // NaN gives 0

inline f32 fused(f32 a, f32 b, f32 c) { return __builtin_fmaf(a, b, c); }
inline f64 fused(f64 a, f64 b, f64 c) { return __builtin_fma(a, b, c); }
inline f32 root(f32 a) { return __builtin_sqrtf(a); }
inline f64 root(f64 a) { return __builtin_sqrt(a); }
inline u32 sign(f32 a) { return bits<u32>(a) >> 31; }
inline u64 sign(f64 a) { return bits<u64>(a) >> 63; }

struct Add { template <class T> static T run(T a, T b) { return canonical(a + b); } };
struct Sub { template <class T> static T run(T a, T b) { return canonical(a - b); } };
struct Mul { template <class T> static T run(T a, T b) { return canonical(a * b); } };
struct Fma { template <class T> static T run(T a, T b, T c) { return canonical(fused(a, b, c)); } };
struct Div { template <class T> static T run(T a, T b) { return canonical(a / b); } };
struct Rcp { template <class T> static T run(T a) { return canonical(T(1) / a); } };
struct Sqrt { template <class T> static T run(T a) { return canonical(root(a)); } };
template <class Op> struct Sat { template <class... T> static auto run(T... a) { return saturate(Op::run(a...)); } };
struct Abs { static f32 run(f32 a) { return canonical(bits<f32>(bits<u32>(flushed(a)) & 0x7fffffffu)); }
             static f64 run(f64 a) { return bits<f64>(bits<u64>(a) & ~(u64(1) << 63)); } };
struct Neg { static f32 run(f32 a) { return canonical(bits<f32>(bits<u32>(flushed(a)) ^ 0x80000000u)); }
             static f64 run(f64 a) { return bits<f64>(bits<u64>(a) ^ (u64(1) << 63)); } };
struct Min { template <class T> static T run(T a, T b) {
  a = flushed(a); b = flushed(b);
  T r = (a < b || (a == b && sign(a))) ? a : b;
  r = a != a ? b : r; r = b != b ? a : r;
  return canonical(r); } };
struct Max { template <class T> static T run(T a, T b) {
  a = flushed(a); b = flushed(b);
  T r = (a > b || (a == b && !sign(a))) ? a : b;
  r = a != a ? b : r; r = b != b ? a : r;
  return canonical(r); } };
template <class Op> struct PropagateNan { static f32 run(f32 a, f32 b) {
  f32 r = Op::run(a, b); return (a != a || b != b) ? bits<f32>(0x7fffffffu) : r; } };
// The sign is that of a's and b's product, the magnitude the smaller (larger) of theirs.
template <class Op> struct XorSignAbs { static f32 run(f32 a, f32 b) {
  u32 s = (bits<u32>(a) ^ bits<u32>(b)) & 0x80000000u;
  f32 r = Op::run(bits<f32>(bits<u32>(a) & 0x7fffffffu), bits<f32>(bits<u32>(b) & 0x7fffffffu));
  return r != r ? r : bits<f32>((bits<u32>(r) & 0x7fffffffu) | s); } };
struct Copysign { static f32 run(f32 a, f32 b) {
                    return bits<f32>((bits<u32>(a) & 0x80000000u) | (bits<u32>(b) & 0x7fffffffu)); }
                  static f64 run(f64 a, f64 b) {
                    return bits<f64>((bits<u64>(a) & (u64(1) << 63)) | (bits<u64>(b) & ~(u64(1) << 63))); } };

template <class T> struct Class;
template <> struct Class<f32> { static u32 magnitude(f32 a) { return bits<u32>(a) & 0x7fffffffu; }
  static constexpr u32 infinity = 0x7f800000u, normal = 0x00800000u; };
template <> struct Class<f64> { static u64 magnitude(f64 a) { return bits<u64>(a) & ~(u64(1) << 63); }
  static constexpr u64 infinity = u64(0x7ff) << 52, normal = u64(1) << 52; };
struct Finite { template <class T> static bool run(T a) { return Class<T>::magnitude(a) < Class<T>::infinity; } };
struct Infinite { template <class T> static bool run(T a) { return Class<T>::magnitude(a) == Class<T>::infinity; } };
struct Number { template <class T> static bool run(T a) { return Class<T>::magnitude(a) <= Class<T>::infinity; } };
struct NotNumber { template <class T> static bool run(T a) { return Class<T>::magnitude(a) > Class<T>::infinity; } };
struct Normal { template <class T> static bool run(T a) {
  auto m = Class<T>::magnitude(a); return m >= Class<T>::normal && m < Class<T>::infinity; } };
struct Subnormal { template <class T> static bool run(T a) {
  auto m = Class<T>::magnitude(a); return m != 0 && m < Class<T>::normal; } };

// Packed pairs of sm_100 and later.
template <class Op> struct Pair { template <class... A> static u64 run(A... a) {
  return u64(bits<u32>(Op::run(bits<f32>(u32(a))...))) | u64(bits<u32>(Op::run(bits<f32>(u32(a >> 32))...))) << 32; } };

template <class T> void by_type(const Sink& s, const char* const* n) {
  using M = AsEncoded;
  put<Add, M, T, T, T>(s, n[0]); put<Sub, M, T, T, T>(s, n[1]); put<Mul, M, T, T, T>(s, n[2]);
  put<Fma, M, T, T, T, T>(s, n[3]); put<Fma, M, T, T, T, T>(s, n[4]);
  put<Div, M, T, T, T>(s, n[5]); put<Rcp, M, T, T>(s, n[6]); put<Sqrt, M, T, T>(s, n[7]);
  put<Abs, M, T, T>(s, n[8]); put<Neg, M, T, T>(s, n[9]);
  put<Min, M, T, T, T>(s, n[10]); put<Max, M, T, T, T>(s, n[11]);
  put<Copysign, T, T, T>(s, n[12]);
  put<Finite, pred, T>(s, n[13]); put<Infinite, pred, T>(s, n[14]); put<Number, pred, T>(s, n[15]);
  put<NotNumber, pred, T>(s, n[16]); put<Normal, pred, T>(s, n[17]); put<Subnormal, pred, T>(s, n[18]);
}

}  // namespace

void list_float(const Sink& s) {
  static const char* const n[] = {
      "add.f32", "sub.f32", "mul.f32", "fma.f32", "mad.f32", "div.f32", "rcp.f32", "sqrt.f32", "abs.f32",
      "neg.f32", "min.f32", "max.f32", "copysign.f32", "testp.finite.f32", "testp.infinite.f32",
      "testp.number.f32", "testp.notanumber.f32", "testp.normal.f32", "testp.subnormal.f32"};
  by_type<f32>(s, n);
  using M = AsEncoded;
  put<Sat<Add>, M, f32, f32, f32>(s, "add.sat.f32");
  put<Sat<Sub>, M, f32, f32, f32>(s, "sub.sat.f32");
  put<Sat<Mul>, M, f32, f32, f32>(s, "mul.sat.f32");
  put<Sat<Fma>, M, f32, f32, f32, f32>(s, "fma.sat.f32");
  put<Sat<Fma>, M, f32, f32, f32, f32>(s, "mad.sat.f32");
  put<PropagateNan<Min>, M, f32, f32, f32>(s, "min.NaN.f32");
  put<PropagateNan<Max>, M, f32, f32, f32>(s, "max.NaN.f32");
  put<XorSignAbs<Min>, M, f32, f32, f32>(s, "min.xorsign.abs.f32");
  put<XorSignAbs<Max>, M, f32, f32, f32>(s, "max.xorsign.abs.f32");
  put<XorSignAbs<PropagateNan<Min>>, M, f32, f32, f32>(s, "min.NaN.xorsign.abs.f32");
  put<XorSignAbs<PropagateNan<Max>>, M, f32, f32, f32>(s, "max.NaN.xorsign.abs.f32");
  put<Pair<Add>, M, u64, u64, u64>(s, "add.f32x2");
  put<Pair<Sub>, M, u64, u64, u64>(s, "sub.f32x2");
  put<Pair<Mul>, M, u64, u64, u64>(s, "mul.f32x2");
  put<Pair<Fma>, M, u64, u64, u64, u64>(s, "fma.f32x2");
}

void list_double(const Sink& s) {
  static const char* const n[] = {
      "add.f64", "sub.f64", "mul.f64", "fma.f64", "mad.f64", "div.f64", "rcp.f64", "sqrt.f64", "abs.f64",
      "neg.f64", "min.f64", "max.f64", "copysign.f64", "testp.finite.f64", "testp.infinite.f64",
      "testp.number.f64", "testp.notanumber.f64", "testp.normal.f64", "testp.subnormal.f64"};
  by_type<f64>(s, n);
}

}  // namespace ptxvm::exec::PTXVM_ISA
