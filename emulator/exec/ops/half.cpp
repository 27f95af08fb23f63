// fp16 and bfloat16 arithmetic, scalar and in pairs (PTX ISA, "Half Precision Floating Point Instructions"), each
// result rounded once; comparisons.
#include "exec/ops/exponential.hpp"
#include "exec/ops/half.hpp"

namespace ptxvm::exec::PTXVM_ISA {
namespace {

// Of Inst::aux in min and max, beside kFlush.
constexpr u8 kNan = 8, kXorSign = 16;

struct Add { static constexpr int operands = 2;
  template <class F> static u16 run(u16 a, u16 b, u16, u32) { return nearest_of<F>(F::widened(a) + F::widened(b)); } };
struct Sub { static constexpr int operands = 2;
  template <class F> static u16 run(u16 a, u16 b, u16, u32) { return nearest_of<F>(F::widened(a) - F::widened(b)); } };
struct Mul { static constexpr int operands = 2;
  template <class F> static u16 run(u16 a, u16 b, u16, u32) { return nearest_of<F>(F::widened(a) * F::widened(b)); } };
struct Fma { static constexpr int operands = 3;
  template <class F> static u16 run(u16 a, u16 b, u16 c, u32) {
    return narrowed<F>(F::fused(F::widened(a), F::widened(b), F::widened(c)), 0); } };
struct Neg { static constexpr int operands = 1;
  template <class F> static u16 run(u16 a, u16, u16, u32) { return a ^ 0x8000; } };
struct Abs { static constexpr int operands = 1;
  template <class F> static u16 run(u16 a, u16, u16, u32) { return a & 0x7fff; } };
struct Ex2 { static constexpr int operands = 1;
  template <class F> static u16 run(u16 a, u16, u16, u32) { return nearest_of<F>(exp2_(F::widened(a))); } };
struct Tanh { static constexpr int operands = 1;
  template <class F> static u16 run(u16 a, u16, u16, u32) { return nearest_of<F>(tanh_(F::widened(a))); } };
// -0 is below +0; a NaN loses, unless kNan asks for it.
template <bool Larger> struct Extreme { static constexpr int operands = 2;
  template <class F> static u16 run(u16 a, u16 b, u16, u32 flags) {
    const u16 sign = (a ^ b) & 0x8000;
    if (flags & kXorSign) a &= 0x7fff, b &= 0x7fff;
    const bool a_nan = (a & 0x7fff) > F::infinity, b_nan = (b & 0x7fff) > F::infinity;
    const s32 x = a & 0x8000 ? -1 - s32(a & 0x7fff) : s32(a), y = b & 0x8000 ? -1 - s32(b & 0x7fff) : s32(b);
    u16 r = (Larger ? x > y : x < y) ? a : b;
    r = a_nan ? b : b_nan ? a : r;
    if ((a_nan && b_nan) || ((flags & kNan) && (a_nan || b_nan))) return 0x7fff;
    return flags & kXorSign ? u16((r & 0x7fff) | sign) : r; } };

template <class F, class Op> u16 flagged(u16 a, u16 b, u16 c, u32 flags) {
  if (flags & kFlush) a = flushed_half<F>(a), b = flushed_half<F>(b), c = flushed_half<F>(c);
  const u16 r = Op::template run<F>(a, b, c, flags);
  constexpr bool extreme = std::is_same_v<Op, Extreme<false>> || std::is_same_v<Op, Extreme<true>>;
  return finished<F>(r, extreme ? flags & kFlush : flags);
}
template <class F, class Op> u16 plain(u16 a, u16 b, u16 c, u32) { return Op::template run<F>(a, b, c, 0); }

template <class T, class F> void lanes(Warp& w, const Inst& in, int operands, F f) {
  const T* a = w.at<T>(in.op[1]);
  const T* b = operands > 1 ? w.at<T>(in.op[2]) : a;
  const T* c = operands > 2 ? w.at<T>(in.op[3]) : a;
  T* d = w.at<T>(in.op[0]);
  const u32 mask = w.mask;
  PTXVM_LANES {
    T r;
    if constexpr (sizeof(T) == 2) r = f(a[i], b[i], c[i]);
    else r = u32(f(u16(a[i]), u16(b[i]), u16(c[i]))) | u32(f(u16(a[i] >> 16), u16(b[i] >> 16), u16(c[i] >> 16))) << 16;
    d[i] = (mask >> i) & 1 ? r : d[i];
  }
}
template <class T, class F, class Op> void half(Warp& w, const Inst& in) {
  const u32 flags = in.aux;
  if (flags == 0) lanes<T>(w, in, Op::operands, [](u16 a, u16 b, u16 c) { return plain<F, Op>(a, b, c, 0); });
  else lanes<T>(w, in, Op::operands, [flags](u16 a, u16 b, u16 c) { return flagged<F, Op>(a, b, c, flags); });
}

// op[0] predicate, op[1] a, op[2] b; imm has a bit for each relation that makes it true: 1 less, 2 equal, 4 greater,
// 8 unordered. Part 0 the lower half of a word, 1 the upper.
template <class T, class F, int Part> void compare(Warp& w, const Inst& in) {
  const T* a = w.at<T>(in.op[1]);
  const T* b = w.at<T>(in.op[2]);
  const u32 wanted = u32(in.imm), mask = w.mask;
  const bool flush = in.aux & kFlush;
  u32 result = 0;
  PTXVM_LANES {
    u16 x = u16(a[i] >> 16 * Part), y = u16(b[i] >> 16 * Part);
    if (flush) x = flushed_half<F>(x), y = flushed_half<F>(y);
    const f32 p = F::widened(x), q = F::widened(y);
    const u32 relation = p < q ? 1 : p == q ? 2 : p > q ? 4 : 8;
    result |= u32((wanted & relation) != 0) << i;
  }
  u32* d = w.at<u32>(in.op[0]);
  *d = (*d & ~mask) | (result & mask);
}

template <class T, class F, class Op> void put_half(const Sink& s, const char* name) {
  s.put(s.context, name, &half<T, F, Op>, &half<T, F, Op>, {});
}
template <class T, class F> void by_type(const Sink& s, const char* const* n) {
  put_half<T, F, Add>(s, n[0]); put_half<T, F, Sub>(s, n[1]);
  put_half<T, F, Mul>(s, n[2]); put_half<T, F, Fma>(s, n[3]);
  put_half<T, F, Neg>(s, n[4]); put_half<T, F, Abs>(s, n[5]);
  put_half<T, F, Ex2>(s, n[6]); put_half<T, F, Tanh>(s, n[7]);
  put_half<T, F, Extreme<false>>(s, n[8]); put_half<T, F, Extreme<true>>(s, n[9]);
}
template <class T, class F, int Part> void put_compare(const Sink& s, const char* name) {
  s.put(s.context, name, &compare<T, F, Part>, &compare<T, F, Part>, {});
}

#define PTXVM_HALF(t) {"add." t, "sub." t, "mul." t, "fma." t, "neg." t, "abs." t, "ex2." t, "tanh." t, \
    "min." t, "max." t}

}  // namespace

void list_half(const Sink& s) {
  static const char* const half_names[] = PTXVM_HALF("f16");
  static const char* const pair_names[] = PTXVM_HALF("f16x2");
  static const char* const bfloat_names[] = PTXVM_HALF("bf16");
  static const char* const bfloat_pair_names[] = PTXVM_HALF("bf16x2");
  by_type<u16, Half>(s, half_names);
  by_type<u32, Half>(s, pair_names);
  by_type<u16, Bfloat>(s, bfloat_names);
  by_type<u32, Bfloat>(s, bfloat_pair_names);
  put_compare<u16, Half, 0>(s, "compare.f16");
  put_compare<u16, Bfloat, 0>(s, "compare.bf16");
  put_compare<u32, Half, 0>(s, "compare.f16x2.0");
  put_compare<u32, Half, 1>(s, "compare.f16x2.1");
  put_compare<u32, Bfloat, 0>(s, "compare.bf16x2.0");
  put_compare<u32, Bfloat, 1>(s, "compare.bf16x2.1");
}

}  // namespace ptxvm::exec::PTXVM_ISA
