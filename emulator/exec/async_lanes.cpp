// cp.async: the lanes' part of the engine (async.hpp).
#include <algorithm>
#include <cstring>

#include "check/launch.hpp"
#include "exec/async.hpp"

namespace ptxvm::exec {

void AsyncLanes::start(Block& block, std::uint64_t seed) {
  block_ = &block;
  warps_.clear();
  requested_.clear();
  draw_ = {seed, block.linear << 32};
}

// Issue: a record for each group that is open among the lanes.
void AsyncLanes::issue(Warp& warp, const LaneCopies& copies) {
  if (warps_.empty()) warps_.resize(block_->warp_count);
  OfWarp& w = warps_[warp.index];
  for (std::uint32_t left = copies.mask; left;) {
    const std::uint32_t group = w.open[__builtin_ctz(left)];
    std::uint32_t mask = 0;
    for (std::uint32_t m = left; m; m &= m - 1)
      if (w.open[__builtin_ctz(m)] == group) mask |= m & -m;
    left &= ~mask;
    w.held.push_back(copies);
    LaneCopies& record = w.held.back();
    record.group = group;
    record.mask = mask;
    for (std::uint32_t m = copies.agents.empty() ? 0 : mask; m; m &= m - 1) {
      const int i = __builtin_ctz(m);
      if (record.bytes == 0) {
        record.agents[std::size_t(i)].knowledge = w.all[i];
        continue;
      }
      const check::Knowledge done = record.agents[std::size_t(i)].done();
      w.used[i].emplace_back(group, done);
      w.all[i].join(done);
    }
    if (draw_.late()) continue;
    if (record.bytes == 0)
      drain(warp, w.held.size(), mask);
    else
      perform(warp, record, mask);
    drop_empty(w);
  }
}

// Performance: reads of `from` what is to be read, writes all bytes of `to`.
void AsyncLanes::perform(Warp& warp, LaneCopies& c, std::uint32_t lanes) {
  c.mask &= ~lanes;
  if (c.bytes == 0) return complete(warp, c, lanes);
  for (std::uint32_t m = lanes; m; m &= m - 1) {
    const int i = __builtin_ctz(m);
    if (!c.agents.empty()) {
      const Origin origin{&warp, c.inst, unsigned(i)};
      const check::Agent& agent = c.agents[std::size_t(i)];
      if (c.read[i])
        tell(agent, origin, {c.from[i], nullptr, c.from_address[i], 0}, c.read[i], false,
             check::kind_of(*c.inst));
      tell(agent, origin, {c.to[i], block_, c.to_address[i], 0}, c.bytes, true, check::kind_of(*c.inst));
    }
    if (c.read[i]) std::memcpy(c.to[i], c.from[i], c.read[i]);
    if (c.read[i] < c.bytes) std::memset(c.to[i] + c.read[i], 0, std::size_t(c.bytes - c.read[i]));
  }
}

// Completion: the arrival that cp.async.mbarrier.arrive asked for. Groups complete by being performed.
void AsyncLanes::complete(Warp& warp, const LaneCopies& c, std::uint32_t lanes) {
  Async& async = *block_->async;
  std::lock_guard<std::mutex> guard(async.lock);
  for (std::uint32_t m = lanes; m; m &= m - 1) {
    const unsigned i = unsigned(__builtin_ctz(m));
    const Range barrier{c.to[i], block_, c.to_address[i], 8};
    if (!c.agents.empty()) async.barriers.release(barrier, c.agents[i].knowledge);
    async.barriers.arrive({&warp, c.inst, i}, barrier, 1, false, true);
  }
}

void AsyncLanes::drop_empty(OfWarp& w) {
  while (!w.held.empty() && w.held.front().mask == 0) w.held.pop_front();
  while (!w.held.empty() && w.held.back().mask == 0) w.held.pop_back();
}

void AsyncLanes::drain(Warp& warp, std::size_t end, std::uint32_t lanes) {
  OfWarp& w = warps_[warp.index];
  for (std::size_t k = 0; k < end; ++k)
    if (const std::uint32_t due = w.held[k].mask & lanes) perform(warp, w.held[k], due);
}

void AsyncLanes::commit(Warp& warp, std::uint32_t mask) {
  if (warps_.empty()) warps_.resize(block_->warp_count);
  for (std::uint32_t m = mask; m; m &= m - 1) ++warps_[warp.index].open[__builtin_ctz(m)];
}

void AsyncLanes::wait(Warp& warp, std::uint32_t mask, std::uint32_t but) {
  if (warps_.empty()) return;
  OfWarp& w = warps_[warp.index];
  for (LaneCopies& c : w.held) {
    if (c.bytes == 0) continue;  // arrivals are no member of a group
    std::uint32_t due = 0;
    for (std::uint32_t m = c.mask & mask; m; m &= m - 1)
      if (std::uint64_t{c.group} + but < w.open[__builtin_ctz(m)]) due |= m & -m;
    if (due) perform(warp, c, due);
  }
  drop_empty(w);
  for (std::uint32_t m = checker_of(warp) ? mask : 0; m; m &= m - 1) {
    const int i = __builtin_ctz(m);
    auto& used = w.used[i];
    auto u = used.begin();
    for (; u != used.end() && std::uint64_t{u->first} + but < w.open[i]; ++u)
      checker_of(warp)->learn(warp, unsigned(i), u->second);
    used.erase(used.begin(), u);
  }
}

bool AsyncLanes::perform_requested() {
  if (requested_.empty()) return false;
  bool any = false;
  for (std::size_t k = 0; k < warps_.size(); ++k) {
    OfWarp& w = warps_[k];
    for (std::size_t n = w.held.size(); n-- > 0;) {
      if (w.held[n].bytes != 0) continue;
      std::uint32_t lanes = 0;
      for (std::uint32_t m = w.held[n].mask; m; m &= m - 1)
        if (requested_.count(w.held[n].to[__builtin_ctz(m)])) lanes |= m & -m;
      if (lanes) drain(block_->warps[k], n + 1, lanes), any = true;
    }
    drop_empty(w);
  }
  requested_.clear();
  return any;
}

bool AsyncLanes::perform_all() {
  bool any = false;
  for (std::size_t k = 0; k < warps_.size(); ++k) {
    any |= !warps_[k].held.empty();
    drain(block_->warps[k], warps_[k].held.size(), kAllLanes);
    warps_[k].held.clear();
  }
  return any;
}

}  // namespace ptxvm::exec
