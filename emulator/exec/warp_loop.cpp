// The warp loop: fetches, guards, dispatches, and follows each lane's own path.
//
// Lanes with the same program counter and frames run together as the active group; the others are parked.
// Which group runs: the deepest frame first, then the lowest counter. Code is laid out so that the place
// where paths meet lies behind all of them, so lanes wait there for each other. A group that spins (waiting
// for a lane that is parked) is interrupted after kSlice basic blocks and the group that has waited longest
// runs for a while.
#include <algorithm>

#include "check/launch.hpp"
#include "code/program.hpp"
#include "exec/cluster.hpp"
#include "exec/progress.hpp"
#include "exec/schedule.hpp"
#include "exec/strict.hpp"
#include "exec/tally.hpp"
#include "support/error.hpp"
#include "support/format.hpp"

namespace ptxvm::exec {
namespace {

constexpr std::uint32_t kSlice = 2048;      // basic blocks before a parked group gets its turn
constexpr std::uint32_t kPolls = 8;         // of one place in a row before others get their turn
constexpr std::uint32_t kTurn = 256;        // basic blocks of that turn
constexpr std::uint32_t kNobody = ~0u;
constexpr std::uint64_t kSuspended = 8;     // turns of the block before mbarrier.try_wait gives up

void park(Warp& w, std::uint32_t pc, std::uint32_t mask, Group::State state = Group::State::Runnable,
          std::uint32_t barrier = 0, std::uint64_t generation = 0) {
  ++w.clock;  // also what run_block knows by that a warp has moved
  for (std::uint32_t k = 0; k < w.parked_count; ++k) {
    Group& g = w.parked[k];
    if (g.pc == pc && g.frame == w.frame && g.local == w.local && g.state == state && g.passed == Pass::None &&
        ((state != Group::State::Barrier && state != Group::State::PhaseWait) || (g.barrier == barrier && g.generation == generation))) {
      g.mask |= mask;
      return;
    }
  }
  Group& g = w.parked[w.parked_count++];
  g.pc = pc;
  g.frame = w.frame;
  g.local = w.local;
  g.mask = mask;
  g.state = state;
  g.barrier = barrier;
  g.generation = generation;
  g.parked_at = w.clock;
  g.passed = Pass::None;
}

// The member masks of a Collective, lane by lane.
const std::uint32_t* members(const Warp& w, const Inst& in, const char* frame) {
  const Ref ref = in.op[in.mask_op];
  return reinterpret_cast<const std::uint32_t*>((ref & 1 ? w.base[1] : frame) + (ref & ~Ref{1}));
}

// Lanes of a group at a Collective whose members are all here (exited lanes are not waited for).
std::uint32_t ready_lanes(Warp& w, const Inst& in, std::uint32_t here, char* frame) {
  if ((w.alive & ~here) == 0) return here;
  const std::uint32_t* wanted = members(w, in, frame);
  std::uint32_t ready = 0;
  for (std::uint32_t m = here; m; m &= m - 1) {
    const unsigned lane = unsigned(__builtin_ctz(m));
    if ((wanted[lane] & w.alive & ~here) == 0) ready |= 1u << lane;
  }
  return ready;
}

// bar.warp.sync: its lanes may wait for each other at different places.
bool is_warp_barrier(const Inst& in) { return in.flow == Flow::Collective && in.aux == 1 && in.mask_op == 0; }

// Lanes that a bar.warp.sync lets go on together know each other's accesses: those of one member mask.
void tell_checker(Warp& w, std::uint32_t lanes, const std::uint32_t* members) {
  while (lanes) {
    const std::uint32_t mask = members[__builtin_ctz(lanes)];
    std::uint32_t same = 0;
    for (std::uint32_t m = lanes; m; m &= m - 1)
      same |= std::uint32_t(members[__builtin_ctz(m)] == mask) << __builtin_ctz(m);
    w.worker->checker->warp_met(w, same);
    lanes &= ~same;
  }
}

// Groups that wait become runnable where what they wait for has come.
void wake(Warp& w) {
  const Inst* code = w.block->image->code;
  // Who waits at a bar.warp.sync now. Lanes that an earlier one has released do not count, though they have yet
  // to leave it: they still owe their arrival at the next.
  std::uint32_t at_warp_barriers = 0;
  for (std::uint32_t k = 0; k < w.parked_count; ++k)
    if (w.parked[k].state == Group::State::Collective && is_warp_barrier(code[w.parked[k].pc]))
      at_warp_barriers |= w.parked[k].mask;
  std::uint32_t released = 0, members_of[32];
  for (std::uint32_t k = 0; k < w.parked_count; ++k) {
    Group& g = w.parked[k];
    if (g.state == Group::State::Barrier) {
      if (w.block->barriers[g.barrier].generation != g.generation) g.state = Group::State::Runnable;
    } else if (g.state == Group::State::Collective) {
      const Inst& in = code[g.pc];
      const std::uint32_t here = is_warp_barrier(in) ? at_warp_barriers : g.mask;
      std::uint32_t ready = ready_lanes(w, in, here, w.registers + g.frame) & g.mask;
      if (!ready) continue;
      if (w.worker->checker && is_warp_barrier(in)) {
        released |= ready;
        for (std::uint32_t m = ready; m; m &= m - 1) members_of[__builtin_ctz(m)] = members(w, in, w.registers + g.frame)[__builtin_ctz(m)];
      }
      if (ready != g.mask) {
        Group rest = g;
        rest.mask &= ~ready;
        g.mask = ready;
        w.parked[w.parked_count++] = rest;
      }
      w.parked[k].state = Group::State::Runnable;
      w.parked[k].passed = Pass::Members;  // the loop need not look at the member mask again
    } else if (g.state == Group::State::ClusterWait) {
      if (cluster_passed(w, g.mask)) g.state = Group::State::Runnable;
    } else if (g.state == Group::State::PhaseWait) {
      const std::uint32_t changes = phase_changes(w);
      const bool gives_up = w.block->round >= g.generation;
      if (changes == g.barrier && !gives_up) continue;
      char* const frame = w.base[0];
      w.base[0] = w.registers + g.frame;
      const std::uint32_t ready = gives_up ? g.mask : completed_waits(w, code[g.pc], g.mask);
      w.base[0] = frame;
      g.barrier = changes;
      if (!ready) continue;
      if (ready != g.mask) {
        Group rest = g;
        rest.mask &= ~ready;
        g.mask = ready;
        w.parked[w.parked_count++] = rest;
      }
      w.parked[k].state = Group::State::Runnable;
      w.parked[k].passed = gives_up ? Pass::Members : Pass::Phase;
    }
  }
  if (released) tell_checker(w, released, members_of);
}

bool next_group(Warp& w, bool oldest);

// Lets the group that has waited longest run first.
void give_way(Warp& w) {
  if (w.parked_count == 0) return;
  park(w, w.pc, w.active);
  next_group(w, true);
}

// Makes the next group active; false where none is runnable.
bool next_group(Warp& w, bool oldest) {
  wake(w);
  std::uint32_t best = kNobody;
  for (std::uint32_t k = 0; k < w.parked_count; ++k) {
    const Group& g = w.parked[k];
    if (g.state != Group::State::Runnable) continue;
    if (best == kNobody) {
      best = k;
      continue;
    }
    const Group& b = w.parked[best];
    const bool better = oldest ? g.parked_at < b.parked_at : g.frame != b.frame ? g.frame > b.frame : g.pc < b.pc;
    if (better) best = k;
  }
  if (best == kNobody) {
    w.active = 0;
    return false;
  }
  const Group chosen = w.parked[best];
  w.pc = chosen.pc;
  w.frame = chosen.frame;
  w.local = chosen.local;
  w.active = chosen.mask;
  w.passed = chosen.passed;
  w.base[0] = w.registers + w.frame;
  w.parked[best] = w.parked[--w.parked_count];
  // Everybody else who stands at the same place joins; the lowest counter that is left is watched for.
  w.next_parked = kNobody;
  for (std::uint32_t k = 0; k < w.parked_count;) {
    Group& g = w.parked[k];
    if (g.state == Group::State::Runnable && g.frame == w.frame && g.local == w.local && g.pc == w.pc &&
        g.passed == w.passed) {
      w.active |= g.mask;
      w.parked[k] = w.parked[--w.parked_count];
      continue;
    }
    if (g.state == Group::State::Runnable && !oldest && g.frame == w.frame) w.next_parked = std::min(w.next_parked, g.pc);
    ++k;
  }
  w.slice = oldest ? kTurn : kSlice;
  w.rotating = oldest;
  return true;
}

// The lanes of mask reach a barrier; true where that completes it.
bool arrive(Warp& w, const Inst& in, std::uint32_t mask, std::uint32_t* number) {
  const unsigned lane = unsigned(__builtin_ctz(mask));
  *number = w.at<std::uint32_t>(in.op[0])[lane];
  if (*number > 15) fault(w, in, lane, int(Status::IllegalInstruction), format("barrier number %u is above 15", *number));
  Block& block = *w.block;
  Barrier& b = block.barriers[*number];
  std::uint32_t expected = 0;
  if (in.op[1] != kNone) {
    expected = w.at<std::uint32_t>(in.op[1])[lane];
    if (expected == 0 || expected % 32 != 0)
      fault(w, in, lane, int(Status::IllegalInstruction), format("barrier with %u threads: not a multiple of 32", expected));
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
  if (w.worker->checker) w.worker->checker->barrier_arrived(w, *number, mask, BarrierKind(in.imm) != BarrierKind::Arrive);
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

void enter(Warp& w, const Inst& in, std::uint32_t mask, int callee_number, const CallSite& site) {
  const DecodedProgram& program = *w.block->image->program;
  const FunctionCode& caller = program.functions[std::size_t(site.caller)];
  const FunctionCode& callee = program.functions[std::size_t(callee_number)];
  const std::uint32_t frame = w.frame + caller.frame_bytes, local = w.local + caller.local_bytes;
  if (frame + callee.frame_bytes > w.block->image->kernel->total_frame ||
      local + callee.local_bytes > w.block->local_stride)
    fault(w, in, unsigned(__builtin_ctz(mask)), int(Status::HardwareStackError), "call stack overflow in " + callee.name);
  char* base = w.registers + frame;
  std::uint32_t* header = reinterpret_cast<std::uint32_t*>(base);
  for (std::uint32_t m = mask; m; m &= m - 1) {
    const unsigned lane = unsigned(__builtin_ctz(m));
    header[lane] = w.pc + 1;
    header[32 + lane] = w.frame;
    header[64 + lane] = w.local;
    for (const ArgumentCopy& c : site.arguments)
      std::memcpy(base + c.to + lane * c.to_stride, w.base[0] + c.from + lane * c.from_stride, c.bytes);
  }
  if (w.active & ~mask) park(w, w.pc + 1, w.active & ~mask);
  w.frame = frame;
  w.local = local;
  w.base[0] = base;
  w.pc = callee.begin;
  w.active = mask;
  w.next_parked = kNobody;  // only deeper frames run before this one; merging happens at its return
}

void leave(Warp& w, std::uint32_t mask) {
  const std::uint32_t* header = reinterpret_cast<const std::uint32_t*>(w.base[0]);
  if (w.active & ~mask) park(w, w.pc + 1, w.active & ~mask);
  const std::uint32_t frame = w.frame, local = w.local;
  std::uint32_t left = mask;
  while (left) {
    const unsigned lane = unsigned(__builtin_ctz(left));
    std::uint32_t same = 0;
    for (std::uint32_t m = left; m; m &= m - 1) {
      const unsigned k = unsigned(__builtin_ctz(m));
      if (header[k] == header[lane] && header[32 + k] == header[32 + lane] && header[64 + k] == header[64 + lane])
        same |= 1u << k;
    }
    w.frame = header[32 + lane];
    w.local = header[64 + lane];
    park(w, header[lane], same);
    w.frame = frame;
    w.local = local;
    left &= ~same;
  }
  next_group(w, false);
}

void count_switched_off(Warp& w, std::uint32_t lanes, bool all) {
  const std::uint32_t number = w.block->image->program->guard_of[w.pc];
  w.worker->switched_off[number] += std::uint64_t(__builtin_popcount(lanes));
  w.worker->never_ran[number] += all;
}

}  // namespace

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

Stop run_warp(Warp& w, std::int64_t& budget) {
  const Inst* const code = w.block->image->code;
  if (w.active == 0 && !next_group(w, false)) return w.alive ? Stop::Blocked : Stop::Exited;
  for (;;) {
    const Inst& in = code[w.pc];
    std::uint32_t mask = w.active;
    if (in.guard != kNone) {
      const std::uint32_t p = *w.at<std::uint32_t>(in.guard);
      mask &= in.guard_negated ? ~p : p;
      if (mask != w.active && in.flow != Flow::Branch) count_switched_off(w, w.active & ~mask, mask == 0);
    }
    if (in.flow == Flow::Plain) {
      w.mask = mask;
      if (mask == kAllLanes) in.full(w, in);
      else if (mask) in.masked(w, in);
      ++w.pc;
      continue;
    }
    switch (in.flow) {
      case Flow::Plain: break;
      case Flow::Join:
        if (w.pc >= w.next_parked || (w.parked_count && --w.slice == 0)) {
          const bool rotate = w.pc < w.next_parked && !w.rotating;
          park(w, w.pc, w.active);
          next_group(w, rotate);
          if (&code[w.pc] != &in) continue;
        }
        ++w.worker->warps[in.imm];
        w.worker->threads[in.imm] += w.active == kAllLanes ? 32 : std::uint64_t(__builtin_popcount(w.active));
        if (Tally* tally = w.worker->tally) count_basic_block(*tally, *w.block, in.imm);
        ++w.pc;
        if (--budget < 0) return Stop::Budget;
        break;
      case Flow::Branch:
        if (mask == w.active) {
          w.pc = std::uint32_t(in.imm);
        } else if (mask == 0) {
          ++w.pc;
        } else {
          const std::uint32_t target = std::uint32_t(in.imm), next = w.pc + 1;
          const std::uint32_t high = std::max(target, next), low = std::min(target, next);
          ++w.worker->divergent_branches;
          park(w, high, target == high ? mask : w.active & ~mask);
          w.active = target == low ? mask : w.active & ~mask;
          if (!w.rotating) w.next_parked = std::min(w.next_parked, high);
          w.pc = low;
          if (w.slice == 0) w.slice = kSlice;
        }
        break;
      case Flow::BranchTable: {
        const std::vector<std::uint32_t>& table = w.block->image->program->branch_tables[in.imm];
        const std::uint32_t* index = w.at<std::uint32_t>(in.op[0]);
        const std::uint32_t entered = w.active;
        if (w.active & ~mask) park(w, w.pc + 1, w.active & ~mask);
        for (std::uint32_t m = mask; m; m &= m - 1) {
          const unsigned lane = unsigned(__builtin_ctz(m));
          if (index[lane] >= table.size())
            fault(w, in, lane, int(Status::InvalidPc), format("brx.idx with index %u of %zu", index[lane], table.size()));
          park(w, table[index[lane]], 1u << lane);
        }
        next_group(w, false);
        if (w.active != entered) ++w.worker->divergent_branches;
        break;
      }
      case Flow::Call:
        if (!mask) { ++w.pc; break; }
        enter(w, in, mask, w.block->image->program->calls[in.imm].callee, w.block->image->program->calls[in.imm]);
        break;
      case Flow::CallIndirect: {
        if (!mask) { ++w.pc; break; }
        const DecodedProgram& program = *w.block->image->program;
        const std::uint64_t* address = w.at<std::uint64_t>(in.op[0]);
        const unsigned lane = unsigned(__builtin_ctz(mask));
        std::uint32_t same = 0;  // lanes that call the same function go first, the others come back here
        for (std::uint32_t m = mask; m; m &= m - 1)
          same |= std::uint32_t(address[__builtin_ctz(m)] == address[lane]) << __builtin_ctz(m);
        const std::uint64_t number = (address[lane] - kFunctionBase) / 16;
        if (address[lane] < kFunctionBase || number >= program.functions.size() || program.functions[number].begin == program.functions[number].end)
          fault(w, in, lane, int(Status::InvalidPc), format("call of address 0x%llx, which is no function", static_cast<unsigned long long>(address[lane])));
        if (mask != same) {
          park(w, w.pc, mask & ~same);
          w.active &= ~(mask & ~same);
        }
        enter(w, in, same, int(number), program.calls[in.imm]);
        break;
      }
      case Flow::Return:
        if (!mask) { ++w.pc; break; }
        leave(w, mask);
        break;
      case Flow::Exit:
        if (!mask) { ++w.pc; break; }
        w.alive &= ~mask;
        w.active &= ~mask;
        threads_exited(w, mask);
        cluster_exit(w, mask);
        if (w.active) {
          ++w.pc;
        } else if (!w.alive) {
          return Stop::Exited;
        } else if (!next_group(w, false)) {
          return Stop::Blocked;
        }
        break;
      case Flow::Trap:
        if (mask) fault(w, in, unsigned(__builtin_ctz(mask)), int(Status::IllegalInstruction), "trap");
        ++w.pc;
        break;
      case Flow::Barrier: {
        if (!mask) { ++w.pc; break; }
        --budget;  // a warp that comes from one barrier to the next has moved, blocks of code between or not
        std::uint32_t number;
        const bool last = arrive(w, in, mask, &number);
        Barrier& b = w.block->barriers[number];
        if (last) {
          complete(*w.block, b);
          ++w.worker->block_barriers;
          if (Tally* tally = w.worker->tally; tally && in.op[1] == kNone)
            count_phase(*tally, *w.block, model::Latency::BlockBarrier);
          ++w.pc;
        } else if (BarrierKind(in.imm) == BarrierKind::Arrive) {
          ++w.pc;
        } else {
          if (w.active & ~mask) park(w, w.pc + 1, w.active & ~mask);
          park(w, w.pc + 1, mask, Group::State::Barrier, number, b.generation);
          if (!next_group(w, false)) return Stop::Blocked;
        }
        break;
      }
      case Flow::Collective: {
        if (!mask) { ++w.pc; break; }
        const std::uint32_t ready = w.passed != Pass::None ? mask : ready_lanes(w, in, mask, w.base[0]);
        if (w.worker->checker && w.passed == Pass::None && ready && is_warp_barrier(in)) tell_checker(w, ready, members(w, in, w.base[0]));
        w.passed = Pass::None;
        if (ready == w.active) {
          w.mask = ready;
          in.masked(w, in);
          ++w.pc;
          break;
        }
        // Guarded-off lanes go on behind it; lanes that lack members wait here.
        if (w.active & ~mask) park(w, w.pc + 1, w.active & ~mask);
        if (mask & ~ready) park(w, w.pc, mask & ~ready, Group::State::Collective);
        if (ready) {
          w.mask = ready;
          in.masked(w, in);
          park(w, w.pc + 1, ready);
        }
        if (!next_group(w, false)) return Stop::Blocked;
        break;
      }
      case Flow::PhaseWait: {
        if (!mask) { ++w.pc; break; }
        const Pass pass = w.passed;
        w.passed = Pass::None;
        const std::uint32_t changes = phase_changes(w);
        const std::uint32_t complete = pass == Pass::Phase ? mask : completed_waits(w, in, mask);
        const bool answers = pass != Pass::None || complete == mask || !may_suspend(in);
        const std::uint32_t answered = answers ? mask : complete;
        std::uint32_t* p = w.at<std::uint32_t>(in.op[0]);
        *p = (*p & ~answered) | complete;
        if (!answers) {
          if (w.active & ~mask) park(w, w.pc + 1, w.active & ~mask);
          if (complete) park(w, w.pc + 1, complete);
          park(w, w.pc, mask & ~complete, Group::State::PhaseWait, changes, w.block->round + kSuspended);
          if (!next_group(w, false)) return Stop::Blocked;
          break;
        }
        ++w.pc;
        if (complete == mask) break;
        // Who was told to wait will ask again: the others first.
        give_way(w);
        return Stop::Budget;
      }
      case Flow::ClusterWait: {
        if (!mask) { ++w.pc; break; }
        if (const std::uint32_t early = mask & ~w.cluster_arrived)
          fault(w, in, unsigned(__builtin_ctz(early)), int(Status::IllegalInstruction),
                "barrier.cluster.wait by a thread that has not arrived");
        const std::uint32_t ready = cluster_passed(w, mask);
        if (ready) {
          cluster_waited(w, ready);
          if (Tally* tally = w.worker->tally) count_cluster_phase(*tally, *w.block, w.block->cluster->phase);
        }
        --budget;
        if (ready == w.active) {
          ++w.pc;
          break;
        }
        if (const std::uint32_t on = (w.active & ~mask) | ready) park(w, w.pc + 1, on);
        if (mask & ~ready) park(w, w.pc, mask & ~ready, Group::State::ClusterWait);
        if (!next_group(w, false)) return Stop::Blocked;
        break;
      }
      case Flow::Poll:
        ++w.pc;
        if (!mask) break;
        w.mask = mask;
        (mask == kAllLanes ? in.full : in.masked)(w, in);
        if (w.polled_at != w.pc) {
          w.polled_at = w.pc;
          w.polls = 0;
        } else if (++w.polls == kPolls) {
          w.polls = 0;
          give_way(w);
          return Stop::Polled;
        }
        break;
      case Flow::Yield:
        ++w.pc;
        if (mask) {
          give_way(w);
          return Stop::Polled;
        }
        break;
      case Flow::Strict: {
        ++w.pc;
        const Liberty liberty = take_liberty(w, in, mask);
        if (liberty.aside) {
          park(w, w.pc, liberty.aside);
          w.active &= ~liberty.aside;
          if (liberty.turn) w.rotating = true, w.next_parked = kNobody, w.slice = liberty.turn;
          else if (!w.rotating) w.next_parked = std::min(w.next_parked, w.pc);
        }
        if (liberty.wait) return Stop::Budget;
        break;
      }
    }
  }
}

}  // namespace ptxvm::exec
