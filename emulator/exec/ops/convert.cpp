// cvt (PTX ISA 9.7.9.21) between integers and fp32/fp64. Eight-bit values live in 16-bit registers.
// Float to integer clamps to the destination's range; NaN gives 0 where neither fp64 nor a 64-bit integer takes
// part, else the number with the top bit alone. 16-bit floats are rounded by integer arithmetic.
#include "exec/ops/half.hpp"

namespace ptxvm::exec::PTXVM_ISA {
namespace {

template <class T> struct Container { using type = T; };
template <> struct Container<u8> { using type = u16; };
template <> struct Container<s8> { using type = u16; };
template <> struct Container<s16> { using type = u16; };
template <class T> using C = typename Container<T>::type;
template <class T> constexpr T lowest = std::is_signed_v<T> ? T(std::make_unsigned_t<T>(1) << (sizeof(T) * 8 - 1)) : T(0);
template <class T> constexpr T highest = T(~lowest<T>);

template <class D> C<D> widen(D d) {  // into its register, by its sign
  if constexpr (sizeof(D) == 1 && std::is_signed_v<D>) return u16(s16(d)); else return C<D>(d); }

template <class D, class S> struct IntToInt { static C<D> run(C<S> a) { return widen<D>(D(S(a))); } };
template <class D, class S> struct IntToIntSat { static C<D> run(C<S> a) {
  S v = S(a);
  D r;
  if (std::is_signed_v<S> && v < 0) r = std::is_signed_v<D> ? (s64(v) < s64(lowest<D>) ? lowest<D> : D(v)) : D(0);
  else r = u64(v) > u64(highest<D>) ? highest<D> : D(v);
  return widen<D>(r); } };

template <class F> F rounded(F a);  // to an integer, by the rounding in force
template <> inline f32 rounded(f32 a) { return __builtin_rintf(a); }
template <> inline f64 rounded(f64 a) { return __builtin_rint(a); }

template <class D, class F> struct FloatToInt { static C<D> run(F a) {
  constexpr F above = F(u64(1) << (sizeof(D) * 8 - 1)) * (std::is_signed_v<D> ? F(1) : F(2));  // 2^bits
  constexpr F below = std::is_signed_v<D> ? -above : F(0);
  constexpr D of_nan = sizeof(F) == 4 && sizeof(D) < 8 ? D(0) : D(u64(1) << (sizeof(D) * 8 - 1));
  F r = rounded(flushed(a));
  D d = r >= above ? highest<D> : r <= below ? lowest<D> : r != r ? of_nan : D(r >= above || r <= below || r != r ? F(0) : r);
  return widen<D>(d); } };
template <class F, class S> struct IntToFloat { static F run(C<S> a) { return F(S(a)); } };
inline f32 canonical(f32 r) { return r == r ? r : bits<f32>(0x7fffffffu); }
inline f64 canonical(f64 r) { return r; }
template <class F> F saturate(F r) { return r > F(0) ? (r < F(1) ? r : F(1)) : F(0); }
template <class D, class S> struct FloatToFloat { static D run(S a) { return canonical(D(flushed(a))); } };
template <class F> struct FloatToIntegral { static F run(F a) { return canonical(rounded(flushed(a))); } };
template <class Op> struct Sat { template <class T> static auto run(T a) { return saturate(Op::run(a)); } };

template <class Format, bool Truncate> struct Narrow { static u16 run(f32 a) {
  u32 u = bits<u32>(a), m = u & 0x7fffffffu;
  u16 r = Truncate ? Format::truncated(m) : Format::nearest(m);
  return m > 0x7f800000u ? u16(0x7fff) : u16(r | ((u >> 16) & 0x8000u)); } };
template <class Format, bool Truncate> struct NarrowPair { static u32 run(f32 a, f32 b) {
  return u32(Narrow<Format, Truncate>::run(a)) << 16 | Narrow<Format, Truncate>::run(b); } };
template <class Format> struct Widen { static f32 run(u16 a) { return canonical(Format::widened(a)); } };

struct Name {
  char text[40];
  const char* operator()(const char* a, const char* d, const char* s) {
    int n = 0;
    for (const char* part : {a, d, ".", s}) for (int k = 0; part[k]; ++k) text[n++] = part[k];
    text[n] = 0;
    return text; }
};

template <class D, class S> void pair(const Sink& sink, const char* d, const char* s) {
  Name n;
  put<IntToInt<D, S>, C<D>, C<S>>(sink, n("cvt.", d, s));
  put<IntToIntSat<D, S>, C<D>, C<S>>(sink, n("cvt.sat.", d, s));
}
template <class D> void integer(const Sink& sink, const char* d) {
  pair<D, u8>(sink, d, "u8");
  pair<D, s8>(sink, d, "s8");
  pair<D, u16>(sink, d, "u16");
  pair<D, s16>(sink, d, "s16");
  pair<D, u32>(sink, d, "u32");
  pair<D, s32>(sink, d, "s32");
  pair<D, u64>(sink, d, "u64");
  pair<D, s64>(sink, d, "s64");
  using M = AsEncoded;
  Name n;
  put<FloatToInt<D, f32>, M, C<D>, f32>(sink, n("cvt.", d, "f32"));
  put<FloatToInt<D, f64>, M, C<D>, f64>(sink, n("cvt.", d, "f64"));
  put<IntToFloat<f32, D>, M, f32, C<D>>(sink, n("cvt.", "f32", d));
  put<IntToFloat<f64, D>, M, f64, C<D>>(sink, n("cvt.", "f64", d));
  put<Sat<IntToFloat<f32, D>>, M, f32, C<D>>(sink, n("cvt.sat.", "f32", d));
  put<Sat<IntToFloat<f64, D>>, M, f64, C<D>>(sink, n("cvt.sat.", "f64", d));
  put<FloatToInt<D, f32>, M, C<D>, f32>(sink, n("cvt.sat.", d, "f32"));
  put<FloatToInt<D, f64>, M, C<D>, f64>(sink, n("cvt.sat.", d, "f64"));
}

}  // namespace

void list_convert(const Sink& s) {
  integer<u8>(s, "u8");
  integer<s8>(s, "s8");
  integer<u16>(s, "u16");
  integer<s16>(s, "s16");
  integer<u32>(s, "u32");
  integer<s32>(s, "s32");
  integer<u64>(s, "u64");
  integer<s64>(s, "s64");
  using M = AsEncoded;
  put<FloatToFloat<f32, f64>, M, f32, f64>(s, "cvt.f32.f64");
  put<FloatToFloat<f64, f32>, M, f64, f32>(s, "cvt.f64.f32");
  put<FloatToFloat<f32, f32>, M, f32, f32>(s, "cvt.f32.f32");
  put<FloatToFloat<f64, f64>, M, f64, f64>(s, "cvt.f64.f64");
  put<Sat<FloatToFloat<f32, f64>>, M, f32, f64>(s, "cvt.sat.f32.f64");
  put<Sat<FloatToFloat<f64, f32>>, M, f64, f32>(s, "cvt.sat.f64.f32");
  put<Sat<FloatToFloat<f32, f32>>, M, f32, f32>(s, "cvt.sat.f32.f32");
  put<Sat<FloatToFloat<f64, f64>>, M, f64, f64>(s, "cvt.sat.f64.f64");
  put<FloatToIntegral<f32>, M, f32, f32>(s, "cvt.integral.f32.f32");
  put<FloatToIntegral<f64>, M, f64, f64>(s, "cvt.integral.f64.f64");
  put<Sat<FloatToIntegral<f32>>, M, f32, f32>(s, "cvt.integral.sat.f32.f32");
  put<Sat<FloatToIntegral<f64>>, M, f64, f64>(s, "cvt.integral.sat.f64.f64");
  put<Narrow<Half, false>, u16, f32>(s, "cvt.rn.f16.f32");
  put<Narrow<Half, true>, u16, f32>(s, "cvt.rz.f16.f32");
  put<Narrow<Bfloat, false>, u16, f32>(s, "cvt.rn.bf16.f32");
  put<Narrow<Bfloat, true>, u16, f32>(s, "cvt.rz.bf16.f32");
  put<NarrowPair<Half, false>, u32, f32, f32>(s, "cvt.rn.f16x2.f32");
  put<NarrowPair<Half, true>, u32, f32, f32>(s, "cvt.rz.f16x2.f32");
  put<NarrowPair<Bfloat, false>, u32, f32, f32>(s, "cvt.rn.bf16x2.f32");
  put<NarrowPair<Bfloat, true>, u32, f32, f32>(s, "cvt.rz.bf16x2.f32");
  put<Widen<Half>, f32, u16>(s, "cvt.f32.f16");
  put<Widen<Bfloat>, f32, u16>(s, "cvt.f32.bf16");
}

}  // namespace ptxvm::exec::PTXVM_ISA
