// atom and red (PTX ISA 9.7.13): one host atomic operation a lane, in lane order. Any scope and any order
// is met by the strongest; that a program's scopes suffice is the race checker's business.
#include "exec/ops/access.hpp"

namespace ptxvm::exec::PTXVM_ISA {
namespace {

struct Add { template <class T> static T run(T a, T b, T) { return T(a + b); } };
struct AddF { static f32 run(f32 a, f32 b, f32) { f32 r = a + b; return r == r ? r : bits<f32>(0x7fffffffu); }
              static f64 run(f64 a, f64 b, f64) { return a + b; } };
// fp32 sums flush subnormal numbers except in shared memory.
inline f32 flushed_sign(f32 a) { u32 u = bits<u32>(a); return (u & 0x7f800000u) ? a : bits<f32>(u & 0x80000000u); }
struct AddFlushed { static f32 run(f32 a, f32 b, f32) { return flushed_sign(AddF::run(flushed_sign(a), flushed_sign(b), 0)); } };
struct Min { template <class T> static T run(T a, T b, T) { return a < b ? a : b; } };
struct Max { template <class T> static T run(T a, T b, T) { return a > b ? a : b; } };
struct And { template <class T> static T run(T a, T b, T) { return a & b; } };
struct Or { template <class T> static T run(T a, T b, T) { return a | b; } };
struct Xor { template <class T> static T run(T a, T b, T) { return a ^ b; } };
struct Inc { static u32 run(u32 a, u32 b, u32) { return a >= b ? 0 : a + 1; } };
struct Dec { static u32 run(u32 a, u32 b, u32) { return a == 0 || a > b ? b : a - 1; } };
struct Exchange { template <class T> static T run(T, T b, T) { return b; } };
struct Compare { template <class T> static T run(T a, T b, T c) { return a == b ? c : a; } };

template <class T> struct Word { using type = T; };
template <> struct Word<f32> { using type = u32; };
template <> struct Word<f64> { using type = u64; };

template <class T, class Op> T update(u64 host, T b, T c) {
  using W = typename Word<T>::type;
  W* p = reinterpret_cast<W*>(host);
  W old = __atomic_load_n(p, __ATOMIC_SEQ_CST);
  W next;
  do next = bits<W>(Op::run(bits<T>(old), b, c));
  while (!__atomic_compare_exchange_n(p, &old, next, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
  return bits<T>(old);
}

// op[0] old value (kNone for red), op[1] address, op[2] b, op[3] c (cas).
template <class T, class Op>
void atomic(Warp& w, const Inst& in) {
  Access access;
  resolve(w, in, in.op[1], sizeof(T), true, access);
  const T* b = w.at<T>(in.op[2]);
  const T* c = in.op[3] == kNone ? b : w.at<T>(in.op[3]);
  T* d = in.op[0] == kNone ? nullptr : w.at<T>(in.op[0]);
  for (u32 m = w.mask; m; m &= m - 1) {
    int i = __builtin_ctz(m);
    T old = update<T, Op>(access.host[i], b[i], c[i]);
    if (d) d[i] = old;
  }
}

void add_single(Warp& w, const Inst& in) {
  alignas(64) u64 a[32];
  addresses(w, in, in.op[1], a);
  Access access;
  resolve(w, in, in.op[1], sizeof(f32), true, access);
  const f32* b = w.at<f32>(in.op[2]);
  f32* d = in.op[0] == kNone ? nullptr : w.at<f32>(in.op[0]);
  const unsigned space = in.aux & kSpaceMask;
  for (u32 m = w.mask; m; m &= m - 1) {
    int i = __builtin_ctz(m);
    const bool shared = space == kShared || space == kSharedCluster || (space == kGeneric && a[i] - w.block->image->shared_window < (u64(1) << 32));
    f32 old = shared ? update<f32, AddF>(access.host[i], b[i], 0) : update<f32, AddFlushed>(access.host[i], b[i], 0);
    if (d) d[i] = old;
  }
}

template <class T, class Op> void put_atomic(const Sink& s, const char* name) {
  s.put(s.context, name, &atomic<T, Op>, &atomic<T, Op>, {});
}

}  // namespace

void list_atomic(const Sink& s) {
  put_atomic<u32, Add>(s, "atom.add.u32");
  put_atomic<u32, Add>(s, "atom.add.s32");
  put_atomic<u64, Add>(s, "atom.add.u64");
  put_atomic<u64, Add>(s, "atom.add.s64");
  s.put(s.context, "atom.add.f32", &add_single, &add_single, {});
  put_atomic<f64, AddF>(s, "atom.add.f64");
  put_atomic<u32, Min>(s, "atom.min.u32");
  put_atomic<s32, Min>(s, "atom.min.s32");
  put_atomic<u64, Min>(s, "atom.min.u64");
  put_atomic<s64, Min>(s, "atom.min.s64");
  put_atomic<u32, Max>(s, "atom.max.u32");
  put_atomic<s32, Max>(s, "atom.max.s32");
  put_atomic<u64, Max>(s, "atom.max.u64");
  put_atomic<s64, Max>(s, "atom.max.s64");
  put_atomic<u32, And>(s, "atom.and.b32");
  put_atomic<u64, And>(s, "atom.and.b64");
  put_atomic<u32, Or>(s, "atom.or.b32");
  put_atomic<u64, Or>(s, "atom.or.b64");
  put_atomic<u32, Xor>(s, "atom.xor.b32");
  put_atomic<u64, Xor>(s, "atom.xor.b64");
  put_atomic<u32, Inc>(s, "atom.inc.u32");
  put_atomic<u32, Dec>(s, "atom.dec.u32");
  put_atomic<u32, Exchange>(s, "atom.exch.b32");
  put_atomic<u64, Exchange>(s, "atom.exch.b64");
  put_atomic<u16, Compare>(s, "atom.cas.b16");
  put_atomic<u32, Compare>(s, "atom.cas.b32");
  put_atomic<u64, Compare>(s, "atom.cas.b64");
}

}  // namespace ptxvm::exec::PTXVM_ISA
