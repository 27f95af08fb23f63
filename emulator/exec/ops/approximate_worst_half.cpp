// ex2 and tanh of fp16 and bfloat16 at their worst (PTXVM_APPROX=worst), as approximate_worst.cpp has those of fp32:
// the bounds are the PTX ISA's, 9.7.4.
#include "exec/ops/half.hpp"

namespace ptxvm::exec::PTXVM_ISA {
namespace {

inline bool upwards(u16 a) {
  u32 h = a * 0x9e3779b1u;
  h = (h ^ (h >> 15)) * 0x846ca68bu;
  return (h ^ (h >> 16)) & 1;
}

inline s32 rank(u16 h) { return h & 0x8000 ? -s32(h & 0x7fff) : s32(h); }
inline u16 ranked(s32 r) { return r < 0 ? u16(u32(-r) | 0x8000) : u16(r); }

// The last number of the format in [v - bound, v + bound] on one side; the nearest to v where the interval has none.
template <class F> u16 edge(f64 v, f64 bound, bool up) {
  bound *= 1 - 7.450580596923828e-9;  // fp64's own error
  const f64 limit = up ? v + bound : v - bound;
  const s32 most = F::infinity - 1;
  s32 r = rank(nearest_of<F>(f32(limit)));
  r = r > most ? most : r < -most ? -most : r;
  if (up && f64(F::widened(ranked(r))) > limit) --r;
  if (!up && f64(F::widened(ranked(r))) < limit) ++r;
  const f64 error = f64(F::widened(ranked(r))) - v;
  return __builtin_fabs(error) <= bound ? ranked(r) : nearest_of<F>(f32(v));
}

// "The maximum relative error for .f16 type is 2^-9.9. The maximum relative error for .bf16 type is 2^-7."
struct Ex2 { template <class F> static u16 run(u16 a) {
  const u16 m = a & 0x7fff;
  const f64 v = __builtin_exp2(f64(F::widened(a)));
  const u16 nearest = nearest_of<F>(f32(v));
  if (m == 0 || m >= F::infinity || nearest == F::infinity) return nearest;
  constexpr f64 relative = F::precision == 11 ? 0.0010466537720080985 : 7.8125e-3;
  return edge<F>(v, v * relative, upwards(a)); } };
// "The maximum absolute error for .f16 type is 2^-10.987. The maximum absolute error for .bf16 type is 2^-8."
struct Tanh { template <class F> static u16 run(u16 a) {
  const u16 m = a & 0x7fff;
  const f64 v = __builtin_tanh(f64(F::widened(a)));
  if (m == 0 || m >= F::infinity) return nearest_of<F>(f32(v));
  constexpr f64 absolute = F::precision == 11 ? 0.0004927009930882233 : 3.90625e-3;
  return edge<F>(v, absolute, upwards(a)); } };

template <class F, class Op> u16 flagged(u16 a, u32 flags) {
  if (flags & kFlush) a = flushed_half<F>(a);
  return finished<F>(Op::template run<F>(a), flags & kFlush);
}
template <class T, class F, class Op> void half(Warp& w, const Inst& in) {
  const T* a = w.at<T>(in.op[1]);
  T* d = w.at<T>(in.op[0]);
  for (u32 m = w.mask; m; m &= m - 1) {
    const int i = __builtin_ctz(m);
    const u32 low = flagged<F, Op>(u16(a[i]), in.aux);
    if constexpr (sizeof(T) == 2) d[i] = u16(low);
    else d[i] = low | u32(flagged<F, Op>(u16(a[i] >> 16), in.aux)) << 16;
  }
}
template <class T, class F> void put_pair(const Sink& s, const char* ex2, const char* tanh) {
  s.put(s.context, ex2, &half<T, F, Ex2>, &half<T, F, Ex2>, {});
  s.put(s.context, tanh, &half<T, F, Tanh>, &half<T, F, Tanh>, {});
}

}  // namespace

void list_approximate_worst_half(const Sink& s) {
  put_pair<u16, Half>(s, "ex2.f16.worst", "tanh.f16.worst");
  put_pair<u32, Half>(s, "ex2.f16x2.worst", "tanh.f16x2.worst");
  put_pair<u16, Bfloat>(s, "ex2.bf16.worst", "tanh.bf16.worst");
  put_pair<u32, Bfloat>(s, "ex2.bf16x2.worst", "tanh.bf16x2.worst");
}

}  // namespace ptxvm::exec::PTXVM_ISA
