// The video instructions (PTX ISA, "Scalar Video Instructions", "SIMD Video Instructions"): arithmetic on bytes, halves
// and words picked out of registers. One handler for a word, one for pairs and quads; what they do is in Inst::imm.
#include "exec/ops/video.hpp"

#include "exec/ops/op.hpp"

namespace ptxvm::exec::PTXVM_ISA {
namespace {

inline s64 extended(u32 v, int size, bool is_signed) {
  const u64 low = u64(v) & ((u64(1) << size) - 1);
  return is_signed && (low >> (size - 1)) ? s64(low) - (s64(1) << size) : s64(low);
}
inline s64 clamped(s64 v, int size, bool is_signed) {
  const s64 most = (s64(1) << (is_signed ? size - 1 : size)) - 1, least = is_signed ? -most - 1 : 0;
  return v < least ? least : v > most ? most : v;
}
// select: see Video.
inline s64 selected(u32 v, u32 select, bool is_signed) {
  if (select == 0) return extended(v, 32, is_signed);
  return select < 5 ? extended(v >> 8 * (select - 1), 8, is_signed) : extended(v >> 16 * (select - 5), 16, is_signed);
}

s64 operate(const Video& v, s64 a, s64 b) {
  switch (v.operation) {
    case Video::Add: return a + b;
    case Video::Sub: return a - b;
    case Video::AbsDiff: return a < b ? b - a : a - b;
    case Video::Min: return a < b ? a : b;
    case Video::Max: return a > b ? a : b;
    case Video::Average: return a + b >= 0 ? (a + b + 1) >> 1 : (a + b) >> 1;
    case Video::ShiftLeft: return s64(u64(a) << (v.wrap ? b & 31 : b > 32 ? 32 : b));
    case Video::ShiftRight: return a >> (v.wrap ? b & 31 : b > 32 ? 32 : b);
    default: return ((a < b ? 1u : a == b ? 2u : 4u) & v.compare) != 0;
  }
}

u32 multiply_add(const Video& v, s64 a, s64 b, u32 c) {
  const bool final_signed = v.a_signed || v.b_signed || v.negate_product || v.negate_c;
  __int128 t = __int128(a) * b;
  const bool extra = v.plus_one || v.negate_product || v.negate_c;
  if (v.negate_product) t = ~t;
  else if (v.negate_c) c = ~c;
  t += (final_signed ? __int128(s32(c)) : __int128(c)) + extra;
  t >>= v.scale;
  if (v.saturate) {
    const __int128 most = final_signed ? 0x7fffffff : 0xffffffffll, least = final_signed ? -__int128(0x80000000ll) : 0;
    t = t < least ? least : t > most ? most : t;
  }
  return u32(t);
}

// op[0] d, op[1] a, op[2] b, op[3] c (kNone where there is none).
void scalar(Warp& w, const Inst& in) {
  const Video v = bits<Video>(in.imm);
  const u32* a = w.at<u32>(in.op[1]);
  const u32* b = w.at<u32>(in.op[2]);
  const u32* third = in.op[3] == kNone ? nullptr : w.at<u32>(in.op[3]);
  u32* d = w.at<u32>(in.op[0]);
  for (u32 m = w.mask; m; m &= m - 1) {
    const int i = __builtin_ctz(m);
    const s64 x = selected(a[i], v.a_select, v.a_signed), y = selected(b[i], v.b_select, v.b_signed);
    const u32 c = third ? third[i] : 0;
    if (v.operation == Video::MultiplyAdd) {
      d[i] = multiply_add(v, x, y, c);
      continue;
    }
    s64 t = operate(v, x, y);
    const int size = v.d_select == 7 || v.d_select == 0 ? 32 : v.d_select < 5 ? 8 : 16;
    if (v.saturate) t = clamped(t, size, v.d_signed);
    const s64 second = extended(c, 32, v.d_signed);
    if (v.second == Video::Accumulate) t = s64(u64(t) + u64(second));
    if (v.second == Video::Least) t = t < second ? t : second;
    if (v.second == Video::Most) t = t > second ? t : second;
    const int at = size == 32 ? 0 : size == 8 ? 8 * (int(v.d_select) - 1) : 16 * (int(v.d_select) - 5);
    const u32 kept = size == 32 ? 0 : ~(((u32(1) << size) - 1) << at);
    d[i] = (u32(t) << at & ~kept) | (c & kept);
  }
}

void packed(Warp& w, const Inst& in) {
  const Video v = bits<Video>(in.imm);
  const u32* a = w.at<u32>(in.op[1]);
  const u32* b = w.at<u32>(in.op[2]);
  const u32* c = w.at<u32>(in.op[3]);
  u32* d = w.at<u32>(in.op[0]);
  const int lanes = int(v.lanes), size = 32 / lanes;
  const u32 low = (u32(1) << size) - 1;
  for (u32 m = w.mask; m; m &= m - 1) {
    const int i = __builtin_ctz(m);
    const u64 both = u64(b[i]) << 32 | a[i];
    u32 sum = c[i], merged = 0;
    for (int k = 0; k < lanes; ++k) {
      const bool written = (v.mask >> k) & 1;
      const s64 x = extended(u32(both >> size * ((v.a_select >> 3 * k) & 7)), size, v.a_signed);
      const s64 y = extended(u32(both >> size * ((v.b_select >> 3 * k) & 7)), size, v.b_signed);
      s64 t = operate(v, x, y);
      if (v.saturate) t = clamped(t, size, v.d_signed);
      if (written) sum += u32(t);
      merged |= written ? (u32(t) & low) << size * k : c[i] & low << size * k;
    }
    d[i] = v.second == Video::Accumulate ? sum : merged;
  }
}

}  // namespace

void list_video(const Sink& s) {
  s.put(s.context, "video.scalar", &scalar, &scalar, {});
  s.put(s.context, "video.packed", &packed, &packed, {});
}

}  // namespace ptxvm::exec::PTXVM_ISA
