// atom and red on 16-bit floats, on vectors and on 128 bits (PTX ISA, "atom", "red"). Elements of a vector and halves
// of a pair are updated one by one or together: only each by itself is promised to be atomic.
#include "exec/ops/access.hpp"
#include "exec/ops/half.hpp"
#include "exec/ops/wide.hpp"

namespace ptxvm::exec::PTXVM_ISA {
namespace {

// min and max take what the instructions of these names take: -0 is below +0, a NaN loses.
template <bool Larger, class F> u16 extreme(u16 a, u16 b) {
  const bool a_nan = (a & 0x7fff) > F::infinity, b_nan = (b & 0x7fff) > F::infinity;
  const s32 x = a & 0x8000 ? -1 - s32(a & 0x7fff) : s32(a), y = b & 0x8000 ? -1 - s32(b & 0x7fff) : s32(b);
  if (a_nan) return b_nan ? u16(0x7fff) : b;
  return b_nan || (Larger ? x > y : x < y) ? a : b;
}
template <class F> struct Add { static u16 run(u16 a, u16 b) { return nearest_of<F>(F::widened(a) + F::widened(b)); } };
template <class F> struct Min { static u16 run(u16 a, u16 b) { return extreme<false, F>(a, b); } };
template <class F> struct Max { static u16 run(u16 a, u16 b) { return extreme<true, F>(a, b); } };
template <class Op> struct Pair { static u32 run(u32 a, u32 b) {
  return u32(Op::run(u16(a), u16(b))) | u32(Op::run(u16(a >> 16), u16(b >> 16))) << 16; } };
// fp32 sums in global memory flush subnormal numbers.
inline f32 flushed_sign(f32 a) { u32 u = bits<u32>(a); return (u & 0x7f800000u) ? a : bits<f32>(u & 0x80000000u); }
struct AddSingle { static u32 run(u32 a, u32 b) {
  const f32 r = flushed_sign(flushed_sign(bits<f32>(a)) + flushed_sign(bits<f32>(b)));
  return r == r ? bits<u32>(r) : 0x7fffffffu; } };

template <class W, class Op> W update(u64 host, W b) {
  W* p = reinterpret_cast<W*>(host);
  W old = __atomic_load_n(p, __ATOMIC_SEQ_CST);
  while (!__atomic_compare_exchange_n(p, &old, Op::run(old, b), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {}
  return old;
}

// op[0..V-1] old values (kNone: not wanted), op[V] address, op[V+1..2V] operands.
template <class W, class Op, int V> void atomic(Warp& w, const Inst& in) {
  Access access;
  resolve(w, in, in.op[V], sizeof(W) * V, true, access);
  if (V > 1 && (in.aux & kSpaceMask) == kGeneric) {
    alignas(64) u64 a[32];
    addresses(w, in, in.op[V], a);
    for (u32 m = w.mask; m; m &= m - 1) {
      const unsigned i = unsigned(__builtin_ctz(m));
      if (a[i] - w.block->image->shared_window < (u64(1) << 32)) not_global(w, in, i);
    }
  }
  for (u32 m = w.mask; m; m &= m - 1) {
    const int i = __builtin_ctz(m);
    W old[V];
    for (int v = 0; v < V; ++v) old[v] = update<W, Op>(access.host[i] + v * sizeof(W), w.at<W>(in.op[V + 1 + v])[i]);
    for (int v = 0; v < V; ++v)
      if (in.op[v] != kNone) w.at<W>(in.op[v])[i] = old[v];
  }
}

// Every x86-64 CPU but the first few has cmpxchg16b.
inline bool replaced(u64 host, Wide& old, Wide next) {
  u64 low = old[0], high = old[1];
  bool done;
  asm volatile("lock cmpxchg16b %1" : "=@ccz"(done), "+m"(*reinterpret_cast<Wide*>(host)), "+a"(low), "+d"(high)
               : "b"(next[0]), "c"(next[1]) : "memory");
  old = Wide{low, high};
  return done;
}
template <bool Compare> void atomic_wide(Warp& w, const Inst& in) {
  Access access;
  resolve(w, in, in.op[1], sizeof(Wide), true, access);
  const Wide* b = w.at<Wide>(in.op[2]);
  const Wide* c = Compare ? w.at<Wide>(in.op[3]) : nullptr;
  for (u32 m = w.mask; m; m &= m - 1) {
    const int i = __builtin_ctz(m);
    Wide old = Compare ? b[i] : Wide{0, 0};
    if constexpr (Compare) replaced(access.host[i], old, c[i]);  // gives the old value where it differs from b
    else while (!replaced(access.host[i], old, b[i])) {}
    if (in.op[0] != kNone) w.at<Wide>(in.op[0])[i] = old;
  }
}

void put(const Sink& s, const char* name, Handler handler) { s.put(s.context, name, handler, handler, {}); }

template <template <class> class Op> void by_operation(const Sink& s, const char* const* n) {
  put(s, n[0], &atomic<u32, Pair<Op<Half>>, 1>);
  put(s, n[1], &atomic<u32, Pair<Op<Half>>, 2>);
  put(s, n[2], &atomic<u32, Pair<Op<Half>>, 4>);
  put(s, n[3], &atomic<u32, Pair<Op<Bfloat>>, 1>);
  put(s, n[4], &atomic<u32, Pair<Op<Bfloat>>, 2>);
  put(s, n[5], &atomic<u32, Pair<Op<Bfloat>>, 4>);
}
#define PTXVM_VECTORS(op) {"atom." op ".f16x2", "atom." op ".v2.f16x2", "atom." op ".v4.f16x2", \
    "atom." op ".bf16x2", "atom." op ".v2.bf16x2", "atom." op ".v4.bf16x2"}

}  // namespace

void list_atomic_half(const Sink& s) {
  static const char* const add[] = PTXVM_VECTORS("add");
  static const char* const min[] = PTXVM_VECTORS("min");
  static const char* const max[] = PTXVM_VECTORS("max");
  by_operation<Add>(s, add);
  by_operation<Min>(s, min);
  by_operation<Max>(s, max);
  put(s, "atom.add.f16", &atomic<u16, Add<Half>, 1>);
  put(s, "atom.add.bf16", &atomic<u16, Add<Bfloat>, 1>);
  put(s, "atom.add.v2.f32", &atomic<u32, AddSingle, 2>);
  put(s, "atom.add.v4.f32", &atomic<u32, AddSingle, 4>);
  put(s, "atom.exch.b128", &atomic_wide<false>);
  put(s, "atom.cas.b128", &atomic_wide<true>);
}

}  // namespace ptxvm::exec::PTXVM_ISA
