// Exchanges between the lanes of a warp (PTX ISA 9.7.9.6 shfl, 9.7.13 vote, match, redux, elect). The warp
// loop has gathered every lane of the member mask before a handler runs; w.mask holds those lanes.
#include "exec/ops/op.hpp"

namespace ptxvm::exec::PTXVM_ISA {
namespace {

enum ShuffleMode { Up, Down, Butterfly, Index };

// op: d, p or kNone, a, b, c, members.
template <ShuffleMode Mode>
void shuffle(Warp& w, const Inst& in) {
  const u32* a = w.at<u32>(in.op[2]);
  const u32* b = w.at<u32>(in.op[3]);
  const u32* c = w.at<u32>(in.op[4]);
  const u32 mask = w.mask;
  alignas(64) u32 from[32], result[32];
  u32 inside = 0;
  PTXVM_LANES {
    const s32 lane = i, n = s32(b[i] & 31), segment = s32((c[i] >> 8) & 31), clamp = s32(c[i] & 31);
    const s32 most = (lane & segment) | (clamp & ~segment), least = lane & segment;
    const s32 j = Mode == Up ? lane - n : Mode == Down ? lane + n : Mode == Butterfly ? lane ^ n : least | (n & ~segment);
    const bool p = Mode == Up ? j >= most : j <= most;
    from[i] = u32(p ? j : lane) & 31;
    inside |= u32(p) << i;
  }
  for (int i = 0; i < 32; ++i) result[i] = a[from[i]];  // apart: only the loop above makes a vector
  u32* d = w.at<u32>(in.op[0]);
  PTXVM_LANES d[i] = ((mask >> i) & 1) ? result[i] : d[i];
  if (in.op[1] != kNone) {
    u32* p = w.at<u32>(in.op[1]);
    *p = (*p & ~mask) | (inside & mask);
  }
}

enum VoteMode { All, Any, Uniform, Ballot };

// op: d, source predicate, members; aux 1: the predicate is negated. Lanes with one member mask vote together.
template <VoteMode Mode>
void vote(Warp& w, const Inst& in) {
  u32 word = *w.at<u32>(in.op[1]);
  if (in.aux) word = ~word;
  const u32* members = w.at<u32>(in.op[2]);
  const u32 mask = w.mask;
  if constexpr (Mode == Ballot) {
    u32* d = w.at<u32>(in.op[0]);
    PTXVM_LANES d[i] = ((mask >> i) & 1) ? word & members[i] & mask : d[i];
  } else {
    u32 result = 0;
    PTXVM_LANES {
      const u32 who = members[i] & mask, yes = word & who;
      result |= u32(Mode == All ? yes == who : Mode == Any ? yes != 0 : yes == who || yes == 0) << i;
    }
    u32* p = w.at<u32>(in.op[0]);
    *p = (*p & ~mask) | (result & mask);
  }
}

void active_mask(Warp& w, const Inst& in) {
  u32* d = w.at<u32>(in.op[0]);
  for (u32 m = w.mask; m; m &= m - 1) d[__builtin_ctz(m)] = w.mask;
}

// op: d, p or kNone, a, members.
template <class T, bool All_>
void match(Warp& w, const Inst& in) {
  const T* a = w.at<T>(in.op[2]);
  const u32* members = w.at<u32>(in.op[3]);
  u32 result[32], agreed = 0;
  for (u32 m = w.mask; m; m &= m - 1) {
    const int lane = __builtin_ctz(m);
    const u32 who = members[lane] & w.mask;
    u32 same = 0;
    for (u32 k = who; k; k &= k - 1) same |= u32(a[__builtin_ctz(k)] == a[lane]) << __builtin_ctz(k);
    const bool all = same == who;
    result[lane] = All_ ? (all ? who : 0) : same;
    agreed |= u32(all) << lane;
  }
  u32* d = w.at<u32>(in.op[0]);
  for (u32 m = w.mask; m; m &= m - 1) d[__builtin_ctz(m)] = result[__builtin_ctz(m)];
  if (in.op[1] != kNone) {
    u32* p = w.at<u32>(in.op[1]);
    *p = (*p & ~w.mask) | agreed;
  }
}

struct Add { template <class T> static T run(T a, T b) { return T(u32(a) + u32(b)); } };
struct Min { template <class T> static T run(T a, T b) { return a < b ? a : b; } };
struct Max { template <class T> static T run(T a, T b) { return a > b ? a : b; } };
struct And { template <class T> static T run(T a, T b) { return a & b; } };
struct Or { template <class T> static T run(T a, T b) { return a | b; } };
struct Xor { template <class T> static T run(T a, T b) { return a ^ b; } };

// op: d, a, members.
template <class T, class Op>
void reduce(Warp& w, const Inst& in) {
  const T* a = w.at<T>(in.op[1]);
  const u32* members = w.at<u32>(in.op[2]);
  T result[32];
  for (u32 m = w.mask; m; m &= m - 1) {
    const int lane = __builtin_ctz(m);
    u32 who = members[lane] & w.mask;
    T r = a[__builtin_ctz(who)];
    for (who &= who - 1; who; who &= who - 1) r = Op::run(r, a[__builtin_ctz(who)]);
    result[lane] = r;
  }
  T* d = w.at<T>(in.op[0]);
  for (u32 m = w.mask; m; m &= m - 1) d[__builtin_ctz(m)] = result[__builtin_ctz(m)];
}

// op: d or kNone, p, members: the lowest member leads.
void elect(Warp& w, const Inst& in) {
  const u32* members = w.at<u32>(in.op[2]);
  u32 led = 0;
  for (u32 m = w.mask; m; m &= m - 1) {
    const int lane = __builtin_ctz(m), leader = __builtin_ctz(members[lane] & w.mask);
    if (in.op[0] != kNone) w.at<u32>(in.op[0])[lane] = u32(leader);
    led |= u32(leader == lane) << lane;
  }
  u32* p = w.at<u32>(in.op[1]);
  *p = (*p & ~w.mask) | led;
}

void nothing(Warp&, const Inst&) {}

}  // namespace

void list_collective(const Sink& s) {
  auto one = [&](const char* name, Handler h) { s.put(s.context, name, h, h, {}); };
  one("shfl.up.b32", &shuffle<Up>);
  one("shfl.down.b32", &shuffle<Down>);
  one("shfl.bfly.b32", &shuffle<Butterfly>);
  one("shfl.idx.b32", &shuffle<Index>);
  one("vote.all.pred", &vote<All>);
  one("vote.any.pred", &vote<Any>);
  one("vote.uni.pred", &vote<Uniform>);
  one("vote.ballot.b32", &vote<Ballot>);
  one("activemask.b32", &active_mask);
  one("match.any.b32", &match<u32, false>);
  one("match.any.b64", &match<u64, false>);
  one("match.all.b32", &match<u32, true>);
  one("match.all.b64", &match<u64, true>);
  one("redux.add.u32", &reduce<u32, Add>);
  one("redux.add.s32", &reduce<s32, Add>);
  one("redux.min.u32", &reduce<u32, Min>);
  one("redux.min.s32", &reduce<s32, Min>);
  one("redux.max.u32", &reduce<u32, Max>);
  one("redux.max.s32", &reduce<s32, Max>);
  one("redux.and.b32", &reduce<u32, And>);
  one("redux.or.b32", &reduce<u32, Or>);
  one("redux.xor.b32", &reduce<u32, Xor>);
  one("elect", &elect);
  one("nothing", &nothing);
}

}  // namespace ptxvm::exec::PTXVM_ISA
