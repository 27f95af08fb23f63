// A block's barriers: who has come, and what the last one to come releases.
#include "check/launch.hpp"
#include "exec/groups.hpp"
#include "exec/schedule.hpp"
#include "support/error.hpp"
#include "support/format.hpp"

namespace ptxvm::exec {

bool arrive(Warp& w, const Inst& in, std::uint32_t mask, std::uint32_t* number) {
  const unsigned lane = unsigned(__builtin_ctz(mask));
  *number = w.at<std::uint32_t>(in.op[0])[lane];
  if (*number > 15)
    fault(w, in, lane, int(Status::IllegalInstruction), format("barrier number %u is above 15", *number));
  Block& block = *w.block;
  Barrier& b = block.barriers[*number];
  std::uint32_t expected = 0;
  if (in.op[1] != kNone) {
    expected = w.at<std::uint32_t>(in.op[1])[lane];
    if (expected == 0 || expected % 32 != 0)
      fault(w, in, lane, int(Status::IllegalInstruction),
            format("barrier with %u threads: not a multiple of 32", expected));
  }
  if (b.arrived && b.expected != expected)
    fault(w, in, lane, int(Status::IllegalInstruction),
          format("barrier %u is reached with %u threads expected, others expect %u", *number, expected, b.expected));
  b.expected = expected;
  // With a count, a warp counts whole even where the block's last warp is not full: the lanes that it lacks come with
  // the first of those that it has.
  std::uint32_t arriving = std::uint32_t(__builtin_popcount(mask));
  if (expected && w.counted[*number] != b.generation + 1) {
    arriving += 32 - std::uint32_t(__builtin_popcount(w.alive));
    w.counted[*number] = b.generation + 1;
    w.came[*number] = ~w.alive;
  }
  w.came[*number] |= mask;
  b.arrived += arriving;
  if (w.worker->checker)
    w.worker->checker->barrier_arrived(w, *number, mask, BarrierKind(in.imm) != BarrierKind::Arrive);
  if (in.op[3] != kNone) {
    const std::uint32_t p = *w.at<std::uint32_t>(in.op[3]);
    b.popcount += std::uint32_t(__builtin_popcount(p & mask));
    b.all = b.all && (p & mask) == mask;
    b.any = b.any || (p & mask) != 0;
  }
  return b.arrived >= (expected ? expected : block.alive);
}

void complete(Block& block, Barrier& b) {
  if (block.checked) block.image->checker->barrier_completed(block, unsigned(&b - block.barriers));
  b.last_popcount = b.popcount;
  b.last_all = b.all;
  b.last_any = b.any;
  b.popcount = b.arrived = b.expected = 0;
  b.all = true;
  b.any = false;
  ++b.generation;
}

void threads_exited(Warp& w, std::uint32_t mask) {
  Block& block = *w.block;
  block.alive -= std::uint32_t(__builtin_popcount(mask));
  for (std::uint32_t k = 0; k < 16; ++k) {
    Barrier& b = block.barriers[k];
    if (!b.arrived) continue;
    if (b.expected && w.counted[k] == b.generation + 1)  // as its other missing lanes
      b.arrived += std::uint32_t(__builtin_popcount(mask & ~w.came[k]));
    if (b.arrived >= (b.expected ? b.expected : block.alive)) complete(block, b);
  }
}

}  // namespace ptxvm::exec
