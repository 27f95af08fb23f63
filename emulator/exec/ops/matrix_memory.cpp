// ldmatrix, stmatrix, movmatrix (PTX ISA 9.7.14.5) of 8 x 8 matrices of 16-bit elements. Lanes 8 n to 8 n + 7 hold the
// addresses of the rows of matrix n, 16 bytes each; the other lanes' addresses are not looked at, except in code for
// sm_75 and before, where the ISA asks for valid ones in all lanes.
#include "exec/ops/access.hpp"
#include "exec/ops/eight.hpp"
#include "exec/ops/matrix.hpp"
#include "exec/tensor.hpp"

namespace ptxvm::exec::PTXVM_ISA {
namespace {

// Host addresses of the rows. op[0]: address; the list: whether all lanes' must be valid, then the registers.
template <int Count>
const Ref* rows(Warp& w, const Inst& in, bool write, Access& access) {
  if (w.mask != kAllLanes) fault_of_part_of_warp(w, in);
  constexpr u32 mask = u32((u64(1) << 8 * Count) - 1);
  const Ref* list = operand_list(w, in);
  const u32 looked_at = list[0] ? kAllLanes : mask;
  const unsigned space = in.aux & kSpaceMask;
  alignas(64) u64 a[32];
  addresses(w, in, in.op[0], a);
  if (space == kGeneric) {
    const u64 window = w.block->image->shared_window;
    for (u32 m = looked_at; m; m &= m - 1) {
      const unsigned lane = unsigned(__builtin_ctz(m));
      if (a[lane] - window >= u64(1) << 32) fault_not_shared(w, in, lane, a[lane]);
    }
  }
  if (looked_at != mask) resolve_slowly(w, in, space, a, looked_at & ~mask, 16, write, access.host);
  resolve_addresses(w, in, a, mask, 16, write, access);
  return list + 1;
}

template <int Count, bool Transposed>
void load(Warp& w, const Inst& in) {
  Access access;
  const Ref* d = rows<Count>(w, in, false, access);
  for (int n = 0; n < Count; ++n) {
    u16* r = w.at<u16>(d[n]);
    alignas(16) u16 matrix[64];
    u16* to = Transposed ? matrix : r;
    for (int g = 0; g < 8; ++g) __builtin_memcpy(to + 8 * g, reinterpret_cast<const void*>(access.host[8 * n + g]), 16);
    if (Transposed) transpose_8x8(matrix, r);
  }
}

template <int Count, bool Transposed>
void store(Warp& w, const Inst& in) {
  Access access;
  const Ref* s = rows<Count>(w, in, true, access);
  for (int n = 0; n < Count; ++n) {
    const u16* r = w.at<u16>(s[n]);
    alignas(16) u16 matrix[64];
    if (Transposed) transpose_8x8(r, matrix);
    const u16* from = Transposed ? matrix : r;
    for (int g = 0; g < 8; ++g) __builtin_memcpy(reinterpret_cast<void*>(access.host[8 * n + g]), from + 8 * g, 16);
  }
}

void move(Warp& w, const Inst& in) {
  if (w.mask != kAllLanes) fault_of_part_of_warp(w, in);
  const Ref* list = operand_list(w, in);
  transpose_8x8(w.at<u16>(list[1]), w.at<u16>(list[0]));
}

}  // namespace

void list_matrix_memory(const Sink& s) {
  const auto one = [&](const char* name, Handler h) { s.put(s.context, name, h, h, {}); };
  one("ldmatrix.x1", &load<1, false>);
  one("ldmatrix.x2", &load<2, false>);
  one("ldmatrix.x4", &load<4, false>);
  one("ldmatrix.x1.trans", &load<1, true>);
  one("ldmatrix.x2.trans", &load<2, true>);
  one("ldmatrix.x4.trans", &load<4, true>);
  one("stmatrix.x1", &store<1, false>);
  one("stmatrix.x2", &store<2, false>);
  one("stmatrix.x4", &store<4, false>);
  one("stmatrix.x1.trans", &store<1, true>);
  one("stmatrix.x2.trans", &store<2, true>);
  one("stmatrix.x4.trans", &store<4, true>);
  one("movmatrix.trans", &move);
}

}  // namespace ptxvm::exec::PTXVM_ISA
