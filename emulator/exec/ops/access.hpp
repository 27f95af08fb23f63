// From the addresses of a warp's lanes to host pointers, every byte checked on the way.
#pragma once

#include "exec/memory.hpp"
#include "exec/ops/op.hpp"
#include "exec/ops/space.hpp"

namespace ptxvm::exec {

[[noreturn]] void not_global(Warp& w, const Inst& in, unsigned lane);  // fault: only global memory has vector atomics
// At PTXVM_CHECK=full: may the access happen now?
void check_access(Warp& w, const Inst& in, unsigned space, const std::uint64_t* address, std::uint32_t mask,
                  unsigned bytes, bool write, const std::uint64_t* host);
// The fault of two lanes that write different values to one place by one instruction.
[[noreturn]] void differing_values(Warp& w, const Inst& in, unsigned first, unsigned second);
// exec/tally.cpp; only where Worker::tally is there.
void count_access(Warp& w, const Inst& in, unsigned space, const std::uint64_t* address, std::uint32_t mask, unsigned bytes,
                  bool write);
// exec/cluster.cpp: the shared memory of the cluster's block of rank window - 1; null where it cannot be used.
char* cluster_shared(Warp& w, std::uint64_t window, std::uint64_t* size);

namespace PTXVM_ISA {

struct Access {
  alignas(64) u64 host[32];  // host address of each active lane's first byte
  bool unit = false;         // all lanes active and bytes apart
  bool same = false;         // all lanes active at one address
};

inline void addresses(Warp& w, const Inst& in, Ref ref, u64* out) {
  if (in.aux & kAddress32) {
    const u32* a = w.at<u32>(ref);
    const u32 offset = u32(in.imm);
    PTXVM_LANES out[i] = u32(a[i] + offset);
  } else {
    const u64* a = w.at<u64>(ref);
    PTXVM_LANES out[i] = a[i] + in.imm;
  }
}

// The space that a generic address of the first active lane names; the slow path sorts out mixtures.
inline unsigned generic_space(Warp& w, u64* a, u32 mask) {
  const Image& image = *w.block->image;
  const u64 first = a[__builtin_ctz(mask)];
  constexpr u64 size = u64(1) << 32;
  unsigned space = kGlobal;
  u64 window = 0;
  if (first - image.shared_window < size) space = kShared, window = image.shared_window;
  else if (first - image.local_window < size) space = kLocal, window = image.local_window;
  else if (first - image.parameter_window < size) space = kParameter, window = image.parameter_window;
  u64 others = 0;
  if (space == kGlobal) {
    PTXVM_LANES others |= u64((mask >> i) & 1) & (u64(a[i] - image.shared_window < size) | u64(a[i] - image.local_window < size) |
                                                  u64(a[i] - image.parameter_window < size));
  } else {
    PTXVM_LANES others |= u64((mask >> i) & 1) & u64(a[i] - window >= size);
  }
  if (others) return kGeneric;
  PTXVM_LANES a[i] -= window;
  return space;
}

// a: an address of each lane of the mask, in the instruction's space; it may be changed.
inline void resolve_addresses(Warp& w, const Inst& in, u64* a, u32 mask, unsigned bytes, bool write, Access& out) {
  unsigned space = in.aux & kSpaceMask;
  if (space == kGeneric) space = generic_space(w, a, mask);
  else if (space == kSharedCluster) space = kShared;
  u64 low, high, low_bits;
  out.unit = out.same = false;
  if (mask == kAllLanes) {
    u64 apart = 0, differ = 0;
    const u64 first = a[0];
    PTXVM_LANES apart |= a[i] ^ (first + u64(i) * bytes);
    PTXVM_LANES differ |= a[i] ^ first;
    out.unit = apart == 0;
    out.same = differ == 0;
    if (out.unit || out.same) {
      low = a[0], high = a[31], low_bits = a[0];
    } else {
      s64 lo = s64(a[0]), hi = s64(a[0]);
      low_bits = 0;
      PTXVM_LANES {
        s64 v = s64(a[i]);
        lo = v < lo ? v : lo;
        hi = v > hi ? v : hi;
        low_bits |= a[i];
      }
      low = u64(lo), high = u64(hi);
      if (lo < 0) low = 0, high = ~u64(0);
    }
  } else {
    low = ~u64(0), high = 0, low_bits = 0;
    for (u32 m = mask; m; m &= m - 1) {
      u64 v = a[__builtin_ctz(m)];
      low = v < low ? v : low;
      high = v > high ? v : high;
      low_bits |= v;
    }
  }
  if (w.worker->tally) count_access(w, in, space, a, mask, bytes, write);
  const bool aligned = (low_bits & (bytes - 1)) == 0;
  u64 delta = 0;
  bool placed = false;
  if (space == kGlobal || space == kConstantSpace) {
    const AddressCache& c = w.worker->cache[in.site];
    placed = aligned && low >= c.low && high < c.high && c.high - high >= bytes && (!write || !c.read_only);
    delta = u64(c.delta);
  } else if (space == kShared) {
    u64 size = w.block->shared_size, begin = 0;
    const char* memory = w.block->shared_memory;
    const u64 window = high >> 24;  // another block's, if all lanes agree
    if (window != 0 && low >> 24 == window && (in.aux & kSpaceMask) != kShared) {
      memory = cluster_shared(w, window, &size);
      begin = window << 24;
    }
    placed = aligned && memory && high - begin < size && size - (high - begin) >= bytes;
    delta = u64(reinterpret_cast<std::uintptr_t>(memory)) - begin;
  }
  if (placed) {
    PTXVM_LANES out.host[i] = a[i] + delta;
  } else {
    out.unit = out.same = false;
    resolve_slowly(w, in, space, a, mask, bytes, write, out.host);
  }
  if (w.worker->checker) check_access(w, in, space, a, mask, bytes, write, out.host);
}

inline void resolve(Warp& w, const Inst& in, Ref ref, unsigned bytes, bool write, Access& out) {
  alignas(64) u64 a[32];
  addresses(w, in, ref, a);
  resolve_addresses(w, in, a, w.mask, bytes, write, out);
}

}  // namespace PTXVM_ISA
}  // namespace ptxvm::exec
