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
#include "exec/groups.hpp"
#include "exec/progress.hpp"
#include "exec/schedule.hpp"
#include "exec/strict.hpp"
#include "exec/tally.hpp"
#include "support/error.hpp"
#include "support/format.hpp"

namespace ptxvm::exec {
namespace {

constexpr std::uint32_t kPolls = 8;         // of one place in a row before others get their turn
constexpr std::uint32_t kNobody = ~0u;
constexpr std::uint64_t kSuspended = 8;     // turns of the block before mbarrier.try_wait gives up

void count_switched_off(Warp& w, std::uint32_t lanes, bool all) {
  const std::uint32_t number = w.block->image->program->guard_of[w.pc];
  w.worker->switched_off[number] += std::uint64_t(__builtin_popcount(lanes));
  w.worker->never_ran[number] += all;
}

}  // namespace

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
            fault(w, in, lane, int(Status::InvalidPc),
                  format("brx.idx with index %u of %zu", index[lane], table.size()));
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
      case Flow::CallIndirect:
        if (!mask) { ++w.pc; break; }
        enter_indirect(w, in, mask);
        break;
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
        if (w.worker->checker && w.passed == Pass::None && ready && is_warp_barrier(in))
          tell_checker(w, ready, members(w, in, w.base[0]));
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
