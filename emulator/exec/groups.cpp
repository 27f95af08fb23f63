#include "exec/groups.hpp"

#include <algorithm>

#include "check/launch.hpp"
#include "exec/cluster.hpp"
#include "exec/schedule.hpp"

namespace ptxvm::exec {
namespace {

constexpr std::uint32_t kNobody = ~0u;

// The ready lanes of a parked group may run; the others go on waiting.
void release(Warp& w, std::uint32_t k, std::uint32_t ready, Pass passed) {
  Group& g = w.parked[k];
  if (ready != g.mask) {
    Group& rest = w.parked[w.parked_count++];
    rest = g;
    rest.mask &= ~ready;
    g.mask = ready;
  }
  g.state = Group::State::Runnable;
  g.passed = passed;
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
        const std::uint32_t* wanted = members(w, in, w.registers + g.frame);
        for (std::uint32_t m = ready; m; m &= m - 1) members_of[__builtin_ctz(m)] = wanted[__builtin_ctz(m)];
      }
      release(w, k, ready, Pass::Members);  // the loop need not look at the member mask again
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
      release(w, k, ready, gives_up ? Pass::Members : Pass::Phase);
    }
  }
  if (released) tell_checker(w, released, members_of);
}

}  // namespace

void park(Warp& w, std::uint32_t pc, std::uint32_t mask, Group::State state,
          std::uint32_t barrier, std::uint64_t generation) {
  ++w.clock;  // also what run_block knows by that a warp has moved
  for (std::uint32_t k = 0; k < w.parked_count; ++k) {
    Group& g = w.parked[k];
    if (g.pc == pc && g.frame == w.frame && g.local == w.local && g.state == state &&
        g.passed == Pass::None &&
        ((state != Group::State::Barrier && state != Group::State::PhaseWait) ||
         (g.barrier == barrier && g.generation == generation))) {
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

const std::uint32_t* members(const Warp& w, const Inst& in, const char* frame) {
  const Ref ref = in.op[in.mask_op];
  return reinterpret_cast<const std::uint32_t*>((ref & 1 ? w.base[1] : frame) + (ref & ~Ref{1}));
}

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
    if (g.state == Group::State::Runnable && !oldest && g.frame == w.frame)
      w.next_parked = std::min(w.next_parked, g.pc);
    ++k;
  }
  w.slice = oldest ? kTurn : kSlice;
  w.rotating = oldest;
  return true;
}

void give_way(Warp& w) {
  if (w.parked_count == 0) return;
  park(w, w.pc, w.active);
  next_group(w, true);
}

}  // namespace ptxvm::exec
