// The .approx functions at their worst (PTXVM_APPROX=worst): each result lies as far from the true value as the PTX
// ISA's bound for the instruction (9.7.3, quoted beside each) lets an fp32 number lie, above or below by a hash of the
// operands. Results that the ISA's tables give are kept, and what is infinite stays so, and what is finite.
#include "exec/ops/approximate_list.hpp"

namespace ptxvm::exec::PTXVM_ISA {
namespace {

constexpr u32 kInfinity = 0x7f800000u, kNan = 0x7fffffffu;
inline f32 canonical(f32 r) { return r == r ? r : bits<f32>(kNan); }
inline bool finite(f32 a) { return (bits<u32>(a) & kInfinity) != kInfinity; }
inline f64 magnitude(f64 v) { return __builtin_fabs(v); }

// One way or the other, the same for the same operands.
inline bool upwards(u32 a, u32 b = 0) {
  u32 h = a ^ b * 0x85ebca6bu;
  h = (h ^ (h >> 16)) * 0x7feb352du;
  h = (h ^ (h >> 15)) * 0x846ca68bu;
  return (h ^ (h >> 16)) & 1;
}

// fp32 numbers in their order: +0 and -0 are 0, the smallest above them 1.
inline s32 rank(f32 v) {
  const u32 b = bits<u32>(v);
  return b >> 31 ? -s32(b & 0x7fffffffu) : s32(b);
}
inline f32 ranked(s32 r) { return bits<f32>(r < 0 ? u32(-r) | 0x80000000u : u32(r)); }
inline s32 clamped(s32 r) {  // what is finite stays finite
  constexpr s32 most = s32(kInfinity) - 1;
  return r > most ? most : r < -most ? -most : r;
}

// The last fp32 number in [v - bound, v + bound] on one side. fp64's own error, below 2^-28 of every bound, is taken
// off it. Numbers are widened by hand, as a conversion would flush subnormal ones under .ftz.
constexpr f64 kSure = 1 - 7.450580596923828e-9;  // 1 - 2^-27
inline f64 widened(s32 r) {
  const f64 scale = 1.401298464324817071e-45;  // 2^-149
  const u32 b = r < 0 ? u32(-r) : u32(r), exponent = b >> 23, fraction = b & 0x7fffffu;
  const f64 v = exponent == 0 ? f64(fraction) * scale
                              : bits<f64>(u64(exponent + 896) << 52 | u64(fraction) << 29);
  return r < 0 ? -v : v;
}
inline f32 edge(f64 v, f64 bound, bool up) {
  const f64 limit = up ? v + bound * kSure : v - bound * kSure;
  s32 r = clamped(rank(f32(limit)));
  if (up && widened(r) > limit) --r;
  if (!up && widened(r) < limit) ++r;
  return flushed(ranked(r));
}

// A unit in the last place of the fp32 numbers around v.
inline f64 ulp(f64 v) {
  s32 exponent = s32(bits<u64>(v) >> 52 & 0x7ff) - 1023;
  exponent = exponent < -126 ? -126 : exponent;
  return bits<f64>(u64(exponent - 23 + 1023) << 52);
}

inline bool overflows(f64 v) { return magnitude(v) >= 3.402823567797336616e38; }  // rounds to infinity
inline f32 exact(f64 v) { return canonical(f32(v)); }

// "The maximum ulp error is 2 ulp from correctly rounded result across the full range of inputs."
struct Ex2 { static f32 run(f32 a) {
  const f32 x = flushed(a);
  const f64 v = __builtin_exp2(f64(x));
  if (x != x || x == 0 || !finite(x)) return exact(v);
  const f32 nearest = f32(v);
  if (!finite(nearest) || nearest == 0) return nearest;
  const s32 r = clamped(rank(nearest) + (upwards(bits<u32>(x)) ? 2 : -2));
  return flushed(ranked(r < 0 ? 0 : r)); } };

// "The maximum absolute error is 2^-22 when the input operand is in the range (0.5, 2). For positive finite inputs
// outside of this interval, maximum relative error is 2^-22."
struct Lg2 { static f32 run(f32 a) {
  const f32 x = flushed(a);
  const f64 v = __builtin_log2(f64(x));
  if (!(x > 0) || !finite(x)) return exact(v);
  const f64 bound = 2.384185791015625e-7;
  return edge(v, x > 0.5f && x < 2.0f ? bound : bound * magnitude(v), upwards(bits<u32>(x))); } };

// "The maximum ulp error of rcp.approx{.ftz}.f32 is 1 across the full range of inputs."
struct Rcp { static f32 run(f32 a) {
  const f32 x = flushed(a);
  const f64 v = 1.0 / f64(x);
  if (x != x || x == 0 || !finite(x) || overflows(v)) return exact(v);
  return edge(v, ulp(v), upwards(bits<u32>(x))); } };

// "The maximum relative error of sqrt.approx{.ftz}.f32 over the entire positive finite floating-point range is 2^-23."
struct Sqrt { static f32 run(f32 a) {
  const f32 x = flushed(a);
  const f64 v = __builtin_sqrt(f64(x));
  if (!(x > 0) || !finite(x)) return exact(v);
  return edge(v, v * 1.1920928955078125e-7, upwards(bits<u32>(x))); } };

// "The maximum relative error for rsqrt.f32 over the entire positive finite floating-point range is 2^-22.9."
struct Rsqrt { static f32 run(f32 a) {
  const f32 x = flushed(a);
  const f64 v = 1.0 / __builtin_sqrt(f64(x));
  if (!(x > 0) || !finite(x)) return x == 0 ? exact(1.0 / f64(x)) : exact(v);
  return edge(v, v * 1.277653530283325e-7, upwards(bits<u32>(x))); } };

// Absolute error: 2^-20.5 in [-2 pi, 2 pi], 2^-14.7 in [-100 pi, 100 pi]. Beyond it "there are no defined error
// guarantees": the wider bound is taken there too.
inline f64 circle_bound(f32 x) { return magnitude(f64(x)) <= 6.283185307179586 ? 6.743495761743046e-7 : 3.7571545817410796e-5; }
struct Sin { static f32 run(f32 a) {
  const f32 x = flushed(a);
  const f64 v = __builtin_sin(f64(x));
  if (x != x || x == 0 || !finite(x)) return exact(v);
  return edge(v, circle_bound(x), upwards(bits<u32>(x))); } };
struct Cos { static f32 run(f32 a) {
  const f32 x = flushed(a);
  const f64 v = __builtin_cos(f64(x));
  if (x != x || x == 0 || !finite(x)) return exact(v);
  return edge(v, circle_bound(x), upwards(bits<u32>(x))); } };

// "The maximum relative error over the entire floating point range is 2^-11"; subnormal inputs pass through.
struct Tanh { static f32 run(f32 a) {
  if (a != a || !finite(a)) return exact(__builtin_tanh(f64(a)));
  if ((bits<u32>(a) & 0x7fffffffu) < 0x00800000u) return a;
  const f64 v = __builtin_tanh(f64(a));
  return edge(v, magnitude(v) * 4.8828125e-4, upwards(bits<u32>(a))); } };

// "Full-range" division, and the fast one for |b| in [2^-126, 2^126]: "the maximum ulp error is 2".
inline f32 quotient(f32 x, f32 y) {
  const f64 v = f64(x) / f64(y);
  if (v != v || x == 0 || y == 0 || !finite(x) || !finite(y) || overflows(v)) return exact(v);
  const f32 r = edge(v, 2 * ulp(v), upwards(bits<u32>(x), bits<u32>(y)));
  return (r < 0) == (v < 0) ? r : v < 0 ? -0.0f : 0.0f;  // the smallest quotients keep their sign
}
struct DivFull { static f32 run(f32 a, f32 b) { return quotient(flushed(a), flushed(b)); } };
// Above 2^126 the result is 0 for finite a, NaN for infinite a; below 2^-126 the ISA bounds nothing.
struct DivApprox { static f32 run(f32 a, f32 b) {
  const f32 x = flushed(a), y = flushed(b), m = bits<f32>(bits<u32>(y) & 0x7fffffffu);
  if (m > 8.50705917e37f && finite(y)) return canonical(x * (y < 0 ? -0.0f : 0.0f));
  if (m < 1.17549435e-38f) return exact(f64(x) / f64(y));
  return quotient(x, y); } };

// rcp.approx.ftz.f64 and rsqrt.approx.ftz.f64 have no bound: they are the same here as elsewhere.
// The programming guide on rsqrt(double), which is this instruction: "Maximum ulp error: 1", from the rounded result.
struct Rsqrt64 { static f64 run(f64 a) {
  const f64 v = f64(1.0L / __builtin_sqrtl(a));
  if (v != v || v == 0 || magnitude(v) > 1e300) return v;
  return bits<f64>(bits<u64>(v) + (upwards(u32(bits<u64>(a) >> 32), u32(bits<u64>(a))) ? 1 : -1)); } };

// The same names, and what tells these apart.
void put_worst(void* context, const char* name, Handler full, Handler masked, Signature signature) {
  char text[32];
  const unsigned long length = __builtin_strlen(name);
  __builtin_memcpy(text, name, length);
  __builtin_memcpy(text + length, ".worst", sizeof ".worst");
  const Sink& s = *static_cast<const Sink*>(context);
  s.put(s.context, text, full, masked, signature);
}

}  // namespace

void list_approximate_worst(const Sink& s) {
  Sink to = s;
  put_approximations<Ex2, Lg2, Rcp, Sqrt, Rsqrt, Sin, Cos, Tanh, DivApprox, DivFull, Rcp64, RsqrtGross64, Rsqrt64>({&to, &put_worst});
}

}  // namespace ptxvm::exec::PTXVM_ISA
