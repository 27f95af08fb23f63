// Integer arithmetic (PTX ISA 9.7.1), lane by lane. Overflow wraps: it is computed unsigned.
#include "exec/ops/op.hpp"

namespace ptxvm::exec::PTXVM_ISA {
namespace {

template <class T> using U = std::make_unsigned_t<T>;
template <class T> constexpr int width = sizeof(T) * 8;
template <class T> constexpr T lowest = std::is_signed_v<T> ? T(U<T>(1) << (width<T> - 1)) : T(0);
template <class T> constexpr T highest = T(~U<T>(lowest<T>) & (std::is_signed_v<T> ? U<T>(~U<T>(0)) >> 1 : ~U<T>(0)));

struct Add { template <class T> static T run(T a, T b) { return T(U<T>(a) + U<T>(b)); } };
struct Sub { template <class T> static T run(T a, T b) { return T(U<T>(a) - U<T>(b)); } };
template <class T> struct Mul { static T run(T a, T b) {
  if constexpr (sizeof(T) == 2) return T(u32(U<T>(a)) * u32(U<T>(b))); else return T(U<T>(a) * U<T>(b)); } };
template <class W, class T> struct MulWide { static W run(T a, T b) { return W(W(a) * W(b)); } };
template <class T> struct MulHigh { static T run(T a, T b) {
  if constexpr (sizeof(T) == 8) {
    using W = std::conditional_t<std::is_signed_v<T>, __int128, unsigned __int128>;
    return T((W(a) * W(b)) >> 64);
  } else {
    using W = std::conditional_t<std::is_signed_v<T>, s64, u64>;
    return T((W(a) * W(b)) >> width<T>);
  } } };
template <class T> struct Mul24 { static T run(T a, T b) {
  if constexpr (std::is_signed_v<T>) return T((s64(s32(u32(a) << 8) >> 8) * s64(s32(u32(b) << 8) >> 8)));
  else return T(u64(a & 0xffffff) * u64(b & 0xffffff)); } };
template <class T> struct Mul24High { static T run(T a, T b) {
  if constexpr (std::is_signed_v<T>) return T((s64(s32(u32(a) << 8) >> 8) * s64(s32(u32(b) << 8) >> 8)) >> 16);
  else return T((u64(a & 0xffffff) * u64(b & 0xffffff)) >> 16); } };
struct AddSat { static s32 run(s32 a, s32 b) {
  s64 r = s64(a) + b; return r > highest<s32> ? highest<s32> : r < lowest<s32> ? lowest<s32> : s32(r); } };
struct SubSat { static s32 run(s32 a, s32 b) {
  s64 r = s64(a) - b; return r > highest<s32> ? highest<s32> : r < lowest<s32> ? lowest<s32> : s32(r); } };
// a * b + c from the product's part P.
template <class P, class W> struct Mad { template <class T> static W run(T a, T b, W c) {
  return Add::run<W>(P::run(a, b), c); } };
struct MadHighSat { static s32 run(s32 a, s32 b, s32 c) { return AddSat::run(MulHigh<s32>::run(a, b), c); } };
struct Mad24HighSat { static s32 run(s32 a, s32 b, s32 c) { return AddSat::run(Mul24High<s32>::run(a, b), c); } };
// Division by zero has no defined result; all ones is what the hardware gives.
template <class T> struct Div { static T run(T a, T b) {
  if (b == 0) return T(~T(0));
  if (std::is_signed_v<T> && b == T(-1)) return T(U<T>(0) - U<T>(a));
  return T(a / b); } };
template <class T> struct Rem { static T run(T a, T b) {
  if (b == 0) return a;
  if (std::is_signed_v<T> && b == T(-1)) return 0;
  return T(a % b); } };
template <class T> struct Abs { static T run(T a) { return a < 0 ? T(U<T>(0) - U<T>(a)) : a; } };
template <class T> struct Neg { static T run(T a) { return T(U<T>(0) - U<T>(a)); } };
template <class T> struct Min { static T run(T a, T b) { return a < b ? a : b; } };
template <class T> struct Max { static T run(T a, T b) { return a > b ? a : b; } };
template <class T> struct Relu { template <class M> struct Of { static T run(T a, T b) {
  T r = M::run(a, b); return r < 0 ? 0 : r; } }; };
template <class T> struct Sad { static T run(T a, T b, T c) {
  return T(U<T>(c) + (a < b ? U<T>(b) - U<T>(a) : U<T>(a) - U<T>(b))); } };

// Packed halves of a word.
template <class H, class Op> struct Packed { static u32 run(u32 a, u32 b) {
  H lo = Op::run(H(a), H(b)), hi = Op::run(H(a >> 16), H(b >> 16));
  return u32(u16(lo)) | u32(u16(hi)) << 16; } };
struct Add16 { static u16 run(u16 a, u16 b) { return u16(a + b); } };

// Dot products of four bytes: T and V are the signs of a and b.
template <class T, class V> struct Dp4a { static u32 run(u32 a, u32 b, u32 c) {
  for (int k = 0; k < 32; k += 8) c += u32(s32(T(a >> k)) * s32(V(b >> k)));
  return c; } };
template <class T, class V, int Half> struct Dp2a { static u32 run(u32 a, u32 b, u32 c) {
  using H = std::conditional_t<std::is_signed_v<T>, s16, u16>;
  for (int k = 0; k < 2; ++k) c += u32(s32(H(a >> 16 * k)) * s32(V(b >> (8 * k + 16 * Half))));
  return c; } };

// add/sub with carry: d, a, b, carry in, carry out (kNone: not wanted). What sub leaves is the carry of a + ~b + 1, which
// is 1 where nothing was borrowed, and subc takes it so. The ISA does not say what an addc behind a sub finds; this is
// what the hardware was observed to do, and nvcc's divisions of 128 bits rely on it.
template <class T, bool Subtract>
void with_carry(Warp& w, const Inst& in) {
  T* d = w.at<T>(in.op[0]);
  const T* a = w.at<T>(in.op[1]);
  const T* b = w.at<T>(in.op[2]);
  const u32 carry_in = *w.at<u32>(in.op[3]), mask = w.mask;
  u32 out = 0;
  for (int i = 0; i < 32; ++i) {
    const T c = (carry_in >> i) & 1, y = Subtract ? T(~b[i]) : b[i];
    const T r = a[i] + y + c;
    const bool o = r < a[i] || (r == a[i] && c);
    out |= u32(o) << i;
    if ((mask >> i) & 1) d[i] = r;
  }
  if (in.op[4] != kNone) {
    u32* p = w.at<u32>(in.op[4]);
    *p = (*p & ~mask) | (out & mask);
  }
}
template <class T, bool Subtract> void put_carry(const Sink& s, const char* name) {
  s.put(s.context, name, &with_carry<T, Subtract>, &with_carry<T, Subtract>, {});
}

template <class T> void by_type(const Sink& s, const char* t) {
  struct { const Sink& s; const char* t; char name[32];
    const char* operator()(const char* op) {
      int n = 0; while (op[n]) { name[n] = op[n]; ++n; }
      for (int k = 0; t[k]; ++k) name[n++] = t[k];
      name[n] = 0; return name; } } n{s, t, {}};
  put<Add, T, T, T>(s, n("add."));
  put<Sub, T, T, T>(s, n("sub."));
  put<Mul<T>, T, T, T>(s, n("mul.lo."));
  put<MulHigh<T>, T, T, T>(s, n("mul.hi."));
  put<Mad<Mul<T>, T>, T, T, T, T>(s, n("mad.lo."));
  put<Mad<MulHigh<T>, T>, T, T, T, T>(s, n("mad.hi."));
  put<Div<T>, T, T, T>(s, n("div."));
  put<Rem<T>, T, T, T>(s, n("rem."));
  put<Min<T>, T, T, T>(s, n("min."));
  put<Max<T>, T, T, T>(s, n("max."));
  put<Sad<T>, T, T, T, T>(s, n("sad."));
  if constexpr (std::is_signed_v<T>) {
    put<Abs<T>, T, T>(s, n("abs."));
    put<Neg<T>, T, T>(s, n("neg."));
  }
}

}  // namespace

void list_integer(const Sink& s) {
  by_type<u16>(s, "u16");
  by_type<s16>(s, "s16");
  by_type<u32>(s, "u32");
  by_type<s32>(s, "s32");
  by_type<u64>(s, "u64");
  by_type<s64>(s, "s64");
  put_carry<u32, false>(s, "carry.add.b32");
  put_carry<u64, false>(s, "carry.add.b64");
  put_carry<u32, true>(s, "carry.sub.b32");
  put_carry<u64, true>(s, "carry.sub.b64");
  put<MulWide<u32, u16>, u32, u16, u16>(s, "mul.wide.u16");
  put<MulWide<s32, s16>, s32, s16, s16>(s, "mul.wide.s16");
  put<MulWide<u64, u32>, u64, u32, u32>(s, "mul.wide.u32");
  put<MulWide<s64, s32>, s64, s32, s32>(s, "mul.wide.s32");
  put<Mad<MulWide<u32, u16>, u32>, u32, u16, u16, u32>(s, "mad.wide.u16");
  put<Mad<MulWide<s32, s16>, s32>, s32, s16, s16, s32>(s, "mad.wide.s16");
  put<Mad<MulWide<u64, u32>, u64>, u64, u32, u32, u64>(s, "mad.wide.u32");
  put<Mad<MulWide<s64, s32>, s64>, s64, s32, s32, s64>(s, "mad.wide.s32");
  put<Mul24<u32>, u32, u32, u32>(s, "mul24.lo.u32");
  put<Mul24<s32>, s32, s32, s32>(s, "mul24.lo.s32");
  put<Mul24High<u32>, u32, u32, u32>(s, "mul24.hi.u32");
  put<Mul24High<s32>, s32, s32, s32>(s, "mul24.hi.s32");
  put<Mad<Mul24<u32>, u32>, u32, u32, u32, u32>(s, "mad24.lo.u32");
  put<Mad<Mul24<s32>, s32>, s32, s32, s32, s32>(s, "mad24.lo.s32");
  put<Mad<Mul24High<u32>, u32>, u32, u32, u32, u32>(s, "mad24.hi.u32");
  put<Mad<Mul24High<s32>, s32>, s32, s32, s32, s32>(s, "mad24.hi.s32");
  put<Mad24HighSat, s32, s32, s32, s32>(s, "mad24.hi.sat.s32");
  put<AddSat, s32, s32, s32>(s, "add.sat.s32");
  put<SubSat, s32, s32, s32>(s, "sub.sat.s32");
  put<MadHighSat, s32, s32, s32, s32>(s, "mad.hi.sat.s32");
  put<Relu<s32>::Of<Min<s32>>, s32, s32, s32>(s, "min.relu.s32");
  put<Relu<s32>::Of<Max<s32>>, s32, s32, s32>(s, "max.relu.s32");
  put<Packed<u16, Add16>, u32, u32, u32>(s, "add.u16x2");
  put<Packed<u16, Add16>, u32, u32, u32>(s, "add.s16x2");
  put<Packed<u16, Min<u16>>, u32, u32, u32>(s, "min.u16x2");
  put<Packed<s16, Min<s16>>, u32, u32, u32>(s, "min.s16x2");
  put<Packed<u16, Max<u16>>, u32, u32, u32>(s, "max.u16x2");
  put<Packed<s16, Max<s16>>, u32, u32, u32>(s, "max.s16x2");
  put<Packed<s16, Relu<s16>::Of<Min<s16>>>, u32, u32, u32>(s, "min.relu.s16x2");
  put<Packed<s16, Relu<s16>::Of<Max<s16>>>, u32, u32, u32>(s, "max.relu.s16x2");
  put<Dp4a<u8, u8>, u32, u32, u32, u32>(s, "dp4a.u32.u32");
  put<Dp4a<s8, s8>, u32, u32, u32, u32>(s, "dp4a.s32.s32");
  put<Dp4a<s8, u8>, u32, u32, u32, u32>(s, "dp4a.s32.u32");
  put<Dp4a<u8, s8>, u32, u32, u32, u32>(s, "dp4a.u32.s32");
  put<Dp2a<u8, u8, 0>, u32, u32, u32, u32>(s, "dp2a.lo.u32.u32");
  put<Dp2a<s8, s8, 0>, u32, u32, u32, u32>(s, "dp2a.lo.s32.s32");
  put<Dp2a<s8, u8, 0>, u32, u32, u32, u32>(s, "dp2a.lo.s32.u32");
  put<Dp2a<u8, s8, 0>, u32, u32, u32, u32>(s, "dp2a.lo.u32.s32");
  put<Dp2a<s8, u8, 1>, u32, u32, u32, u32>(s, "dp2a.hi.s32.u32");
  put<Dp2a<u8, s8, 1>, u32, u32, u32, u32>(s, "dp2a.hi.u32.s32");
  put<Dp2a<u8, u8, 1>, u32, u32, u32, u32>(s, "dp2a.hi.u32.u32");
  put<Dp2a<s8, s8, 1>, u32, u32, u32, u32>(s, "dp2a.hi.s32.s32");
}

}  // namespace ptxvm::exec::PTXVM_ISA
