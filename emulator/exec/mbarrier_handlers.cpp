// The handlers of the mbarrier instructions, lane by lane, and what the warp loop asks of lanes that wait at
// one.
#include "check/launch.hpp"
#include "code/semantics.hpp"
#include "exec/async.hpp"
#include "exec/async_forms.hpp"
#include "exec/cluster.hpp"
#include "exec/ops/space.hpp"
#include "exec/schedule.hpp"
#include "exec/tally.hpp"
#include "support/error.hpp"

namespace ptxvm::exec {
namespace {

// An arrival or a transaction may be another block's business; everything else is the own block's.
Range object(const Origin& origin, const MbarrierForm& form) {
  const Range place = locate_operand(origin, origin.inst->op[1], form.space, 8, 8, true);
  const bool may_be_remote =
      form.op == MbarrierOp::Arrive || form.op == MbarrierOp::ExpectTx || form.op == MbarrierOp::CompleteTx;
  if (!place.block)
    origin.fault(int(Status::InvalidAddressSpace),
                 "an mbarrier lies in shared memory, not at " + place.text());
  if (place.block != origin.warp->block && (!may_be_remote || origin.inst->op[0] != kNone))
    origin.fault(int(Status::IllegalInstruction), may_be_remote
                                                      ? "an arrival at another block's mbarrier has no result"
                                                      : "the mbarrier is another block's");
  return place;
}

// To the checker, init writes the object, and everything else reads it: who uses it must know of its initialisation, and
// who takes its memory for something else of all that was done with it. Not inval, by itself: in libcu++'s pipelines one
// lane takes leave for those of its warp, who tell it so by a match, which orders nothing.
void tell_use(const Origin& origin, const Range& place, bool write) {
  Warp& w = *origin.warp;
  if (!w.worker->checker) return;
  if (!write && !w.block->async->barriers.initialised(place)) return;  // which the operation itself finds
  std::uint64_t address[32] = {}, host[32] = {};
  const bool away = place.block != w.block;
  address[origin.lane] = place.address + (away ? std::uint64_t(place.block->rank + 1) << kRankShift : 0);
  host[origin.lane] = reinterpret_cast<std::uintptr_t>(place.host);
  w.worker->checker->access(w, *origin.inst, kShared, address, 1u << origin.lane, 8, write, host);
}

bool done(const Origin& origin, const MbarrierForm& form) {
  const Range place = object(origin, form);
  tell_use(origin, place, false);
  Async& async = *origin.warp->block->async;
  std::lock_guard<std::mutex> guard(async.lock);
  const Mbarriers::Seen seen =
      form.parity      ? async.barriers.complete_parity(
                             origin, place, origin.warp->at<std::uint32_t>(origin.inst->op[2])[origin.lane])
                       : async.barriers.complete(
                             origin, place, origin.warp->at<std::uint64_t>(origin.inst->op[2])[origin.lane]);
  const bool yes = seen.complete;
  if (Tally* tally = origin.warp->worker->tally; tally && seen.first)
    count_phase(*tally, *place.block, seen.remote ? model::Latency::Remote : model::Latency::Shared);
  check::LaunchChecker* const checker = origin.warp->block->image->checker;
  for (unsigned away = 0; yes && checker && away < 2; ++away)
    checker->waited(*origin.warp, origin.lane, Semantics::of(origin.inst->sem), away, async.barriers.acquire(place, away));
  if (!yes) {
    async.request(place);
    origin.warp->block->lane_copies->request(place);
  }
  return yes;
}

void arrive(const Origin& origin, const MbarrierForm& form, const Range& place, std::uint32_t value) {
  Mbarriers& barriers = origin.warp->block->async->barriers;
  check::LaunchChecker* const checker = origin.warp->block->image->checker;
  const unsigned away = place.block != origin.warp->block;
  if (checker)
    barriers.release(place, checker->arrival(*origin.warp, origin.lane, Semantics::of(origin.inst->sem), away), away);
  if (form.expect) barriers.expect_transactions(origin, place, value);
  const MbarrierState state =
      barriers.arrive(origin, place, form.expect ? 1 : value, form.drop, !form.no_complete);
  if (origin.inst->op[0] != kNone)
    origin.warp->at<std::uint64_t>(origin.inst->op[0])[origin.lane] = state.bits();
}

void arrive_after_copies(Warp& w, const Inst& in, const MbarrierForm& form) {
  LaneCopies arrivals;
  arrivals.inst = &in;
  arrivals.mask = w.mask;
  for (std::uint32_t m = w.mask; m; m &= m - 1) {
    const Origin origin{&w, &in, unsigned(__builtin_ctz(m))};
    const Range place = object(origin, form);
    tell_use(origin, place, false);
    arrivals.to[origin.lane] = place.host;
    arrivals.to_address[origin.lane] = place.address;
    if (form.no_increment) continue;
    std::lock_guard<std::mutex> guard(w.block->async->lock);
    w.block->async->barriers.add_pending(origin, place);
  }
  if (w.worker->checker) arrivals.agents.resize(32);
  w.block->lane_copies->issue(w, arrivals);
}

void mbarrier(Warp& w, const Inst& in) {
  const MbarrierForm form = MbarrierForm::of(in.imm);
  if (form.op == MbarrierOp::CopyArrive) return arrive_after_copies(w, in, form);
  Async& async = *w.block->async;
  for (std::uint32_t m = w.mask; m; m &= m - 1) {
    const Origin origin{&w, &in, unsigned(__builtin_ctz(m))};
    const Range place = object(origin, form);
    tell_use(origin, place, form.op == MbarrierOp::Init);
    const std::uint32_t value = in.op[2] == kNone ? 1 : w.at<std::uint32_t>(in.op[2])[origin.lane];
    std::lock_guard<std::mutex> guard(async.lock);
    switch (form.op) {
      case MbarrierOp::Init:
        async.barriers.initialise(origin, place, value);
        break;
      case MbarrierOp::Inval:
        async.barriers.invalidate(origin, place);
        break;
      case MbarrierOp::ExpectTx:
        async.barriers.expect_transactions(origin, place, value);
        break;
      case MbarrierOp::CompleteTx:
        async.barriers.complete_transactions(origin, place, value, false);
        break;
      default:
        arrive(origin, form, place, value);
    }
  }
}

void pending_count(Warp& w, const Inst& in) {
  for (std::uint32_t m = w.mask; m; m &= m - 1) {
    const int i = __builtin_ctz(m);
    w.at<std::uint32_t>(in.op[0])[i] = MbarrierState::of(w.at<std::uint64_t>(in.op[1])[i]).pending;
  }
}

}  // namespace

Handler mbarrier_handler() { return &mbarrier; }
Handler pending_count_handler() { return &pending_count; }

std::uint32_t completed_waits(Warp& w, const Inst& in, std::uint32_t lanes) {
  const MbarrierForm form = MbarrierForm::of(in.imm);
  std::uint32_t yes = 0;
  for (std::uint32_t m = lanes; m; m &= m - 1)
    if (done({&w, &in, unsigned(__builtin_ctz(m))}, form)) yes |= m & -m;
  return yes;
}

bool may_suspend(const Inst& in) { return MbarrierForm::of(in.imm).op == MbarrierOp::TryWait; }

std::uint32_t phase_changes(const Warp& w) { return w.block->async->barriers.changes(); }

std::string describe_wait(Warp& w, const Inst& in, unsigned lane) {
  Async& async = *w.block->async;
  const Range place = object({&w, &in, lane}, MbarrierForm::of(in.imm));
  std::lock_guard<std::mutex> guard(async.lock);
  return async.barriers.describe(place);
}

}  // namespace ptxvm::exec
