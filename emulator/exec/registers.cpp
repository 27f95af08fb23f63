// setmaxnreg: registers that warps hand over to each other. A hint that changes no value; what the ISA leaves undefined
// (warps of a warpgroup that do not do the same, or not one after the other; a count that is no decrease, no increase) is
// at fault.
#include <algorithm>

#include "code/program.hpp"
#include "exec/builtins.hpp"
#include "exec/schedule.hpp"
#include "support/error.hpp"
#include "support/format.hpp"

namespace ptxvm::exec {
namespace {

constexpr std::uint32_t kWarps = 4;  // of a warpgroup

[[noreturn]] void refuse(Warp& w, const Inst& in, const std::string& why) {
  fault(w, in, unsigned(__builtin_ctz(w.mask)), int(Status::IllegalInstruction), "setmaxnreg " + why);
}

int line_of(const Warp& w, std::uint32_t at) { return w.block->image->program->lines[at].ptx; }

void set_registers(Warp& w, const Inst& in) {
  Block& block = *w.block;
  const std::uint32_t first = w.index / kWarps * kWarps;
  if (first + kWarps > block.warp_count)
    refuse(w, in, format("in warp %u of %u, which is in no warpgroup of four", w.index, block.warp_count));
  const std::uint32_t here = std::uint32_t(&in - block.image->code), turn = w.register_changes + 1;
  for (std::uint32_t k = first; k < first + kWarps; ++k) {
    const Warp& other = block.warps[k];
    if (other.register_changes == turn && other.registers_changed_at != here)
      refuse(w, in, format("in warp %u, where warp %u of its warpgroup has executed another, PTX line %d", w.index, k,
                           line_of(w, other.registers_changed_at)));
    if (other.register_changes + 1 < turn)
      refuse(w, in, format("in warp %u, where warp %u of its warpgroup has yet to come to the one before: the warps must "
                           "synchronise between two",
                           w.index, k));
  }
  const std::uint32_t count = in.aux * 8u;
  const std::uint32_t before = w.most_registers ? w.most_registers : std::uint32_t(in.imm >> 1);
  const bool more = in.imm & 1;
  if (before != 0 && (more ? before > count : before < count))
    refuse(w, in, format("%s to %u registers, of %u", more ? "increases" : "decreases", count, before));
  w.most_registers = count;
  w.register_changes = turn;
  w.registers_changed_at = here;
}

}  // namespace

Handler set_registers_handler() { return &set_registers; }

void check_registers(Block& block) {
  for (Warp& w : block.warps) {
    if (w.register_changes == 0) continue;
    const std::uint32_t first = w.index / kWarps * kWarps;
    for (std::uint32_t k = first; k < first + kWarps; ++k) {
      if (block.warps[k].register_changes >= w.register_changes) continue;
      w.mask = 1;
      refuse(w, block.image->code[w.registers_changed_at],
             format("was executed by warp %u and not by warp %u of its warpgroup", w.index, k));
    }
  }
}

}  // namespace ptxvm::exec
