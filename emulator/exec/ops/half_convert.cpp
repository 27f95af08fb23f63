// cvt to fp16, bfloat16 and tf32 in every rounding, with .relu, .sat and .satfinite, and cvt.pack (PTX ISA, "cvt",
// "cvt.pack"). What need not be fast comes by way of fp32 or fp64; the plain forms are in convert.cpp.
#include "exec/ops/half.hpp"

namespace ptxvm::exec::PTXVM_ISA {
namespace {

inline f64 exact(f32 a) { return a; }
inline f64 exact(f64 a) { return a; }
// fp64 has 53 bits of a 64-bit integer; the last of them is set where any that it lacks are, so that no tie is lost.
inline f64 kept(u64 m) {
  const bool wide = m >> 53;
  return wide ? f64(s64(m >> 11 | ((m & 0x7ff) != 0))) * 2048.0 : f64(s64(m)); }
inline f64 exact(u64 a) { return kept(a); }
inline f64 exact(s64 a) { return a < 0 ? -kept(u64(0) - u64(a)) : kept(u64(a)); }

template <class D, class S, class F> void convert(Warp& w, const Inst& in, F f) {
  const S* a = w.at<S>(in.op[1]);
  D* d = w.at<D>(in.op[0]);
  const u32 mask = w.mask;
  PTXVM_LANES {
    const D r = f(a[i]);
    d[i] = (mask >> i) & 1 ? r : d[i];
  }
}
template <class F, class S> void narrow(Warp& w, const Inst& in) {
  const u32 flags = in.aux;
  convert<u16, S>(w, in, [flags](S a) { return narrowed<F>(exact(a), flags); });
}
template <class F> void narrow_pair(Warp& w, const Inst& in) {  // op[1] to the upper half, op[2] to the lower
  const f32* a = w.at<f32>(in.op[1]);
  const f32* b = w.at<f32>(in.op[2]);
  u32* d = w.at<u32>(in.op[0]);
  const u32 flags = in.aux, mask = w.mask;
  PTXVM_LANES {
    const u32 r = u32(narrowed<F>(a[i], flags)) << 16 | narrowed<F>(b[i], flags);
    d[i] = (mask >> i) & 1 ? r : d[i];
  }
}
// tf32: ten bits of fraction, the rest zero. imm 1: ties away from zero.
void narrow_tf32(Warp& w, const Inst& in) {
  const u32 flags = in.aux, mode = flags & 3;
  const bool away = in.imm != 0;
  convert<u32, u32>(w, in, [flags, mode, away](u32 u) {
    const u32 m = u & 0x7fffffffu, sign = u & 0x80000000u;
    const u32 add = away ? 0x1000u : mode == kRoundZero ? 0u : 0xfffu + ((m >> 13) & 1);
    u32 r = (m + add) & ~0x1fffu;
    if ((flags & kSatFinite) && r > 0x7f7fe000u) r = 0x7f7fe000u;
    r = (flags & kRelu) && sign ? 0u : r | sign;
    return m > 0x7f800000u ? 0x7fffffffu : r;
  });
}

// op[1] and op[2] clamped to imm & 0xff bits (signed: imm & 0x100), packed below op[3], if there is one.
void convert_pack(Warp& w, const Inst& in) {
  const s32* a = w.at<s32>(in.op[1]);
  const s32* b = w.at<s32>(in.op[2]);
  const u32* c = in.op[3] == kNone ? nullptr : w.at<u32>(in.op[3]);
  u32* d = w.at<u32>(in.op[0]);
  const int size = int(in.imm & 0xff);
  const bool is_signed = in.imm & 0x100;
  const s32 most = (s32(1) << (is_signed ? size - 1 : size)) - 1, least = is_signed ? -most - 1 : 0;
  for (u32 m = w.mask; m; m &= m - 1) {
    const int i = __builtin_ctz(m);
    const u32 low = (u32(1) << size) - 1;
    const u32 x = u32(a[i] < least ? least : a[i] > most ? most : a[i]) & low;
    const u32 y = u32(b[i] < least ? least : b[i] > most ? most : b[i]) & low;
    d[i] = x << size | y | (c ? c[i] << 2 * size : 0);
  }
}

void put(const Sink& s, const char* name, Handler handler) { s.put(s.context, name, handler, handler, {}); }

}  // namespace

void list_half_convert(const Sink& s) {
  put(s, "narrow.f16.f32", &narrow<Half, f32>);
  put(s, "narrow.f16.f64", &narrow<Half, f64>);
  put(s, "narrow.f16.u64", &narrow<Half, u64>);
  put(s, "narrow.f16.s64", &narrow<Half, s64>);
  put(s, "narrow.bf16.f32", &narrow<Bfloat, f32>);
  put(s, "narrow.bf16.f64", &narrow<Bfloat, f64>);
  put(s, "narrow.bf16.u64", &narrow<Bfloat, u64>);
  put(s, "narrow.bf16.s64", &narrow<Bfloat, s64>);
  put(s, "narrow.f16x2.f32", &narrow_pair<Half>);
  put(s, "narrow.bf16x2.f32", &narrow_pair<Bfloat>);
  put(s, "narrow.tf32.f32", &narrow_tf32);
  put(s, "cvt.pack", &convert_pack);
}

}  // namespace ptxvm::exec::PTXVM_ISA
