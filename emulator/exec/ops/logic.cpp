// Logic, shifts, bit fields, selection and plain moves (PTX ISA 9.7.8, 9.7.9, 9.7.1).
#include "exec/ops/wide.hpp"

namespace ptxvm::exec::PTXVM_ISA {
namespace {

struct And { template <class T> static T run(T a, T b) { return a & b; } static bool run(bool a, bool b) { return a && b; } };
struct Or { template <class T> static T run(T a, T b) { return a | b; } static bool run(bool a, bool b) { return a || b; } };
struct Xor { template <class T> static T run(T a, T b) { return a ^ b; } static bool run(bool a, bool b) { return a != b; } };
struct Not { template <class T> static T run(T a) { return T(~a); } static bool run(bool a) { return !a; } };
struct AndNot { static bool run(bool a, bool b) { return a && !b; } };  // for set-predicate pairs
struct Cnot { template <class T> static T run(T a) { return a == 0; } };
struct Move { template <class T> static T run(T a) { return a; } };
// Shift counts above the width clamp to it.
struct Shl { template <class T> static T run(T a, u32 n) { return n >= sizeof(T) * 8 ? T(0) : T(a << n); } };
struct Shr { template <class T> static T run(T a, u32 n) {
  u32 most = sizeof(T) * 8 - 1;
  if constexpr (std::is_signed_v<T>) return T(a >> (n > most ? most : n));
  else return n > most ? T(0) : T(a >> n); } };
template <bool Left, bool Wrap> struct Funnel { static u32 run(u32 a, u32 b, u32 c) {
  u32 n = Wrap ? (c & 31) : (c > 32 ? 32 : c);
  u64 both = u64(b) << 32 | a;
  return Left ? u32((both << n) >> 32) : u32(both >> n); } };
struct Lop3 { static u32 run(u32 a, u32 b, u32 c, u32 table) {
  u32 r = 0;
  if (table & 0x01) r |= ~a & ~b & ~c;
  if (table & 0x02) r |= ~a & ~b & c;
  if (table & 0x04) r |= ~a & b & ~c;
  if (table & 0x08) r |= ~a & b & c;
  if (table & 0x10) r |= a & ~b & ~c;
  if (table & 0x20) r |= a & ~b & c;
  if (table & 0x40) r |= a & b & ~c;
  if (table & 0x80) r |= a & b & c;
  return r; } };
struct Select { template <class T> static T run(T a, T b, bool p) { return p ? a : b; } };
struct SelectBySign { template <class T> static T run(T a, T b, s32 c) { return c >= 0 ? a : b; } };
struct SelectByFloat { template <class T> static T run(T a, T b, f32 c) { return c >= 0 ? a : b; } };

struct Popc { template <class T> static u32 run(T a) { return u32(__builtin_popcountll(a)); } };
struct Clz { static u32 run(u32 a) { return a ? u32(__builtin_clz(a)) : 32; }
             static u32 run(u64 a) { return a ? u32(__builtin_clzll(a)) : 64; } };
template <class T> struct Bfind { static u32 run(T a) {
  using U = std::make_unsigned_t<T>;
  U v = U(a);
  if (std::is_signed_v<T> && a < 0) v = U(~v);
  return v ? u32(63 - __builtin_clzll(u64(v))) : ~0u; } };
template <class T> struct BfindShift { static u32 run(T a) {
  u32 r = Bfind<T>::run(a); return r == ~0u ? r : u32(sizeof(T) * 8 - 1) - r; } };
struct Brev { template <class T> static T run(T a) {
  T r = 0; for (unsigned k = 0; k < sizeof(T) * 8; ++k) r = T(r << 1 | ((a >> k) & 1)); return r; } };
// PTX ISA 9.7.1: position and length are taken modulo 256; the field may reach past the top.
template <class T> struct Bfe { static T run(T a, u32 b, u32 c) {
  using U = std::make_unsigned_t<T>;
  constexpr u32 msb = sizeof(T) * 8 - 1;
  u32 pos = b & 0xff, len = c & 0xff;
  if (len == 0) return 0;
  u32 top = pos + len - 1 > msb ? msb : pos + len - 1;
  bool sign = std::is_signed_v<T> && ((U(a) >> top) & 1);
  if (pos > msb) return sign ? T(-1) : T(0);
  U field = U(a) >> pos;
  u32 have = top - pos + 1;
  if (have <= msb) { U low = (U(1) << have) - 1; field = sign ? (field | U(~low)) : (field & low); }
  return T(field); } };
template <class T> struct Bfi { static T run(T a, T b, u32 c, u32 d) {
  constexpr u32 bits_ = sizeof(T) * 8;
  u32 pos = c & 0xff, len = d & 0xff;
  if (len == 0 || pos >= bits_) return b;
  if (len > bits_ - pos) len = bits_ - pos;
  T low = len == bits_ ? T(~T(0)) : T((T(1) << len) - 1);
  return T((b & ~T(low << pos)) | ((a & low) << pos)); } };
struct Fns { static u32 run(u32 mask, u32 base, s32 offset) {
  if (offset == 0) return base < 32 && ((mask >> base) & 1) ? base : ~0u;
  int step = offset > 0 ? 1 : -1;
  u32 left = offset > 0 ? u32(offset) : 0u - u32(offset);
  for (s64 k = s64(base); k >= 0 && k < 32; k += step)
    if (((mask >> k) & 1) && --left == 0) return u32(k);
  return ~0u; } };
template <bool Clamp, class T> struct Bmsk { static T run(T a, T b) {
  u32 pos = Clamp ? (a > 32 ? 32 : a) : (a & 31), len = Clamp ? (b > 32 ? 32 : b) : (b & 31);
  u64 m = ((u64(1) << len) - 1) << pos;
  return T(m); } };
template <class T, bool Clamp> struct Szext { static T run(T a, u32 b) {
  u32 n = Clamp ? (b > 32 ? 32 : b) : (b & 31);
  if (n == 0) return 0;
  if (n == 32) return a;
  if constexpr (std::is_signed_v<T>) return T(u32(a) << (32 - n)) >> (32 - n);
  else return a & ((1u << n) - 1); } };
inline u32 byte_of(u64 both, u32 selector) {
  u32 v = u32(both >> (8 * (selector & 7))) & 0xff;
  return (selector & 8) ? ((v & 0x80) ? 0xff : 0) : v; }
struct Prmt { static u32 run(u32 a, u32 b, u32 c) {
  u64 both = u64(b) << 32 | a; u32 r = 0;
  for (int k = 0; k < 4; ++k) r |= byte_of(both, (c >> 4 * k) & 15) << 8 * k;
  return r; } };
template <int Mode> struct PrmtMode { static u32 run(u32 a, u32 b, u32 c) {
  u64 both = u64(b) << 32 | a; u32 n = c & 3, r = 0;
  for (u32 k = 0; k < 4; ++k) {
    u32 sel = Mode == 0 ? n + k                       // f4e
            : Mode == 1 ? (n - k) & 7                 // b4e
            : Mode == 2 ? n                           // rc8
            : Mode == 3 ? (k > n ? k : n)             // ecl
            : Mode == 4 ? (k < n ? k : n)             // ecr
                        : (n & 1) * 2 + (k & 1);      // rc16
    r |= byte_of(both, sel & 7) << 8 * k; }
  return r; } };
struct Pack2x16 { static u32 run(u16 a, u16 b) { return a | u32(b) << 16; } };
struct Pack2x32 { static u64 run(u32 a, u32 b) { return a | u64(b) << 32; } };
struct Pack4x16 { static u64 run(u16 a, u16 b, u16 c, u16 d) { return a | u64(b) << 16 | u64(c) << 32 | u64(d) << 48; } };
struct Pack2x8 { static u16 run(u16 a, u16 b) { return u16((a & 0xff) | b << 8); } };  // bytes live in 16-bit registers
struct Pack4x8 { static u32 run(u16 a, u16 b, u16 c, u16 d) {
  return u32(a & 0xff) | u32(b & 0xff) << 8 | u32(c & 0xff) << 16 | u32(d) << 24; } };
template <int Shift> struct Byte { template <class W> static u16 run(W a) { return u16((a >> Shift) & 0xff); } };
struct Pack2x64 { static Wide run(u64 a, u64 b) { return Wide{a, b}; } };
struct Pack4x32 { static Wide run(u32 a, u32 b, u32 c, u32 d) { return Wide{a | u64(b) << 32, c | u64(d) << 32}; } };
template <int Word> struct WordOfWide { static u32 run(Wide a) { return u32(a[Word / 2] >> 32 * (Word % 2)); } };
template <int Half> struct PartOfWide { static u64 run(Wide a) { return a[Half]; } };
template <class T, int Shift> struct Part { template <class W> static T run(W a) { return T(a >> Shift); } };

template <class T> void by_type(const Sink& s, const char* const* n) {
  put<And, T, T, T>(s, n[0]); put<Or, T, T, T>(s, n[1]); put<Xor, T, T, T>(s, n[2]); put<Not, T, T>(s, n[3]);
  put<Cnot, T, T>(s, n[4]); put<Shl, T, T, u32>(s, n[5]); put<Shr, T, T, u32>(s, n[6]);
  put<Move, T, T>(s, n[7]); put<Select, T, T, T, pred>(s, n[8]);
  put<SelectBySign, T, T, T, s32>(s, n[9]); put<SelectByFloat, AsEncoded, T, T, T, f32>(s, n[10]);
}

}  // namespace

void list_logic(const Sink& s) {
  static const char* const n16[] = {"and.b16", "or.b16", "xor.b16", "not.b16", "cnot.b16", "shl.b16", "shr.u16",
                                    "mov.b16", "selp.b16", "slct.b16.s32", "slct.b16.f32"};
  static const char* const n32[] = {"and.b32", "or.b32", "xor.b32", "not.b32", "cnot.b32", "shl.b32", "shr.u32",
                                    "mov.b32", "selp.b32", "slct.b32.s32", "slct.b32.f32"};
  static const char* const n64[] = {"and.b64", "or.b64", "xor.b64", "not.b64", "cnot.b64", "shl.b64", "shr.u64",
                                    "mov.b64", "selp.b64", "slct.b64.s32", "slct.b64.f32"};
  by_type<u16>(s, n16);
  by_type<u32>(s, n32);
  by_type<u64>(s, n64);
  put<And, pred, pred, pred>(s, "and.pred");
  put<Or, pred, pred, pred>(s, "or.pred");
  put<Xor, pred, pred, pred>(s, "xor.pred");
  put<Not, pred, pred>(s, "not.pred");
  put<Move, pred, pred>(s, "mov.pred");
  put<AndNot, pred, pred, pred>(s, "andnot.pred");
  put<Shr, s16, s16, u32>(s, "shr.s16");
  put<Shr, s32, s32, u32>(s, "shr.s32");
  put<Shr, s64, s64, u32>(s, "shr.s64");
  put<Funnel<true, true>, u32, u32, u32, u32>(s, "shf.l.wrap.b32");
  put<Funnel<true, false>, u32, u32, u32, u32>(s, "shf.l.clamp.b32");
  put<Funnel<false, true>, u32, u32, u32, u32>(s, "shf.r.wrap.b32");
  put<Funnel<false, false>, u32, u32, u32, u32>(s, "shf.r.clamp.b32");
  put<Lop3, u32, u32, u32, u32, u32>(s, "lop3.b32");
  put<Popc, u32, u32>(s, "popc.b32");
  put<Popc, u32, u64>(s, "popc.b64");
  put<Clz, u32, u32>(s, "clz.b32");
  put<Clz, u32, u64>(s, "clz.b64");
  put<Bfind<u32>, u32, u32>(s, "bfind.u32");
  put<Bfind<s32>, u32, s32>(s, "bfind.s32");
  put<Bfind<u64>, u32, u64>(s, "bfind.u64");
  put<Bfind<s64>, u32, s64>(s, "bfind.s64");
  put<BfindShift<u32>, u32, u32>(s, "bfind.shiftamt.u32");
  put<BfindShift<s32>, u32, s32>(s, "bfind.shiftamt.s32");
  put<BfindShift<u64>, u32, u64>(s, "bfind.shiftamt.u64");
  put<BfindShift<s64>, u32, s64>(s, "bfind.shiftamt.s64");
  put<Brev, u32, u32>(s, "brev.b32");
  put<Brev, u64, u64>(s, "brev.b64");
  put<Bfe<u32>, u32, u32, u32, u32>(s, "bfe.u32");
  put<Bfe<s32>, s32, s32, u32, u32>(s, "bfe.s32");
  put<Bfe<u64>, u64, u64, u32, u32>(s, "bfe.u64");
  put<Bfe<s64>, s64, s64, u32, u32>(s, "bfe.s64");
  put<Bfi<u32>, u32, u32, u32, u32, u32>(s, "bfi.b32");
  put<Bfi<u64>, u64, u64, u64, u32, u32>(s, "bfi.b64");
  put<Fns, u32, u32, u32, s32>(s, "fns.b32");
  put<Bmsk<true, u32>, u32, u32, u32>(s, "bmsk.clamp.b32");
  put<Bmsk<false, u32>, u32, u32, u32>(s, "bmsk.wrap.b32");
  put<Szext<u32, true>, u32, u32, u32>(s, "szext.clamp.u32");
  put<Szext<s32, true>, s32, s32, u32>(s, "szext.clamp.s32");
  put<Szext<u32, false>, u32, u32, u32>(s, "szext.wrap.u32");
  put<Szext<s32, false>, s32, s32, u32>(s, "szext.wrap.s32");
  put<Prmt, u32, u32, u32, u32>(s, "prmt.b32");
  put<PrmtMode<0>, u32, u32, u32, u32>(s, "prmt.b32.f4e");
  put<PrmtMode<1>, u32, u32, u32, u32>(s, "prmt.b32.b4e");
  put<PrmtMode<2>, u32, u32, u32, u32>(s, "prmt.b32.rc8");
  put<PrmtMode<3>, u32, u32, u32, u32>(s, "prmt.b32.ecl");
  put<PrmtMode<4>, u32, u32, u32, u32>(s, "prmt.b32.ecr");
  put<PrmtMode<5>, u32, u32, u32, u32>(s, "prmt.b32.rc16");
  put<Pack2x16, u32, u16, u16>(s, "pack.b32.b16");
  put<Pack2x32, u64, u32, u32>(s, "pack.b64.b32");
  put<Pack4x16, u64, u16, u16, u16, u16>(s, "pack.b64.b16");
  put<Part<u16, 0>, u16, u32>(s, "part.b32.b16.0");
  put<Part<u16, 16>, u16, u32>(s, "part.b32.b16.1");
  put<Part<u32, 0>, u32, u64>(s, "part.b64.b32.0");
  put<Part<u32, 32>, u32, u64>(s, "part.b64.b32.1");
  put<Part<u16, 0>, u16, u64>(s, "part.b64.b16.0");
  put<Part<u16, 16>, u16, u64>(s, "part.b64.b16.1");
  put<Part<u16, 32>, u16, u64>(s, "part.b64.b16.2");
  put<Part<u16, 48>, u16, u64>(s, "part.b64.b16.3");
  put<Pack2x8, u16, u16, u16>(s, "pack.b16.b8");
  put<Pack4x8, u32, u16, u16, u16, u16>(s, "pack.b32.b8");
  put<Byte<0>, u16, u16>(s, "part.b16.b8.0");
  put<Byte<8>, u16, u16>(s, "part.b16.b8.1");
  put<Byte<0>, u16, u32>(s, "part.b32.b8.0");
  put<Byte<8>, u16, u32>(s, "part.b32.b8.1");
  put<Byte<16>, u16, u32>(s, "part.b32.b8.2");
  put<Byte<24>, u16, u32>(s, "part.b32.b8.3");
  put<Move, Wide, Wide>(s, "mov.b128");
  put<Pack2x64, Wide, u64, u64>(s, "pack.b128.b64");
  put<Pack4x32, Wide, u32, u32, u32, u32>(s, "pack.b128.b32");
  put<WordOfWide<0>, u32, Wide>(s, "part.b128.b32.0");
  put<WordOfWide<1>, u32, Wide>(s, "part.b128.b32.1");
  put<WordOfWide<2>, u32, Wide>(s, "part.b128.b32.2");
  put<WordOfWide<3>, u32, Wide>(s, "part.b128.b32.3");
  put<PartOfWide<0>, u64, Wide>(s, "part.b128.b64.0");
  put<PartOfWide<1>, u64, Wide>(s, "part.b128.b64.1");
}

}  // namespace ptxvm::exec::PTXVM_ISA
