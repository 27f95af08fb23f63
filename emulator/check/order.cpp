// What orders accesses: barriers, fences, and strong accesses that release and acquire.
#include <algorithm>

#include "check/launch.hpp"
#include "exec/cluster.hpp"
#include "exec/ops/space.hpp"

namespace ptxvm::check {

using exec::Block;
using exec::Inst;
using exec::Order;
using exec::Semantics;
using exec::Warp;

namespace {

constexpr unsigned kReaches = 3;
unsigned reach_of(exec::Scope scope) { return std::min(unsigned(scope), kReaches - 1); }

// Of a synchronisation point that many blocks' atomics have extended, releases of one reach become one.
constexpr std::size_t kSeparateReleases = 4;

}  // namespace

Knowledge LaunchChecker::publish(Warp& w, unsigned lane) {
  BlockState& block = *w.block->checked;
  ThreadState& t = thread(w, lane);
  Knowledge k = t.knowledge;
  k.seen.change().add_agents(block.id, w.index, 1u << lane, t.now);
  t.now = ++block.time;
  return k;
}

void LaunchChecker::learn(Warp& w, unsigned lane, const Knowledge& knowledge) { thread(w, lane).knowledge.join(knowledge); }

Knowledge LaunchChecker::arrival(Warp& w, unsigned lane, const Semantics& semantics, unsigned away) {
  if (away > reach_of(semantics.scope)) return {};
  return semantics.releases() ? publish(w, lane) : thread(w, lane).released[away];
}

void LaunchChecker::waited(Warp& w, unsigned lane, const Semantics& semantics, unsigned away, const Knowledge& told) {
  if (away > reach_of(semantics.scope)) return;
  ThreadState& t = thread(w, lane);
  (semantics.acquires() ? t.knowledge : t.pending[away]).join(told);
}

// A strong access at a place: what others released there is learnt, what this thread has released is left there.
void LaunchChecker::order(Warp& w, unsigned lane, const Semantics& semantics, std::uint64_t key, bool write, bool atomic,
                          Cell& first) {
  if (semantics.strong() && (!write || atomic) && first.sync) observe(w, lane, semantics, sync_[key]);
  if (!write) return;
  SyncPoint fresh;
  const auto block = std::uint32_t(w.block->linear);
  const unsigned scope = reach_of(semantics.scope);
  if (semantics.releases()) {
    fresh.push_back({scope, block, false, false, publish(w, lane)});
  } else if (semantics.strong()) {  // a fence before it releases by it
    const ThreadState& t = thread(w, lane);
    for (unsigned reach = kReaches; reach-- > 0;) {
      if (!t.released[reach].seen) continue;
      if (reach + 1 < kReaches && t.released[reach].seen.same(t.released[reach + 1].seen)) continue;
      fresh.push_back({std::min(reach, scope), block, false, false, t.released[reach]});
    }
  }
  const ClockRef& fenced = thread(w, lane).knowledge.fenced;
  if (semantics.strong() && scope == kReaches - 1 && fenced) {
    Release fences{scope, block, true, true, {}};
    fences.knowledge.seen = fenced;
    fresh.push_back(std::move(fences));
  }
  if (!atomic) {  // a new value, which tells of nothing that was released with the old
    if (fresh.empty() && first.sync) sync_.erase(key);
    if (!fresh.empty()) sync_[key] = std::move(fresh);
    first.sync = sync_.count(key) != 0;
    return;
  }
  if (fresh.empty()) return;
  SyncPoint& point = sync_[key];
  first.sync = true;
  for (Release& r : fresh) {
    const auto same = std::find_if(point.begin(), point.end(), [&](const Release& p) {
      return p.reach == r.reach && p.by_fences == r.by_fences && (p.many || p.block == r.block);
    });
    if (same != point.end()) same->knowledge.join(r.knowledge);
    else point.push_back(std::move(r));
  }
  if (point.size() <= kSeparateReleases) return;
  Release all{kReaches - 1, 0, true, false, {}};
  const auto device_wide = [](const Release& r) { return r.reach == kReaches - 1 && !r.by_fences; };
  for (const Release& r : point)
    if (device_wide(r)) all.knowledge.join(r.knowledge);
  point.erase(std::remove_if(point.begin(), point.end(), device_wide), point.end());
  point.push_back(std::move(all));
}

void LaunchChecker::observe(Warp& w, unsigned lane, const Semantics& semantics, const SyncPoint& point) {
  const auto block = std::uint32_t(w.block->linear);
  ThreadState& t = thread(w, lane);
  for (const Release& r : point) {
    const unsigned away = r.many ? 2 : r.block == block ? 0 : races_.reaches(1, r.block, block) ? 1 : 2;
    if (away > r.reach || away > reach_of(semantics.scope)) continue;
    if (r.by_fences) t.knowledge.observed.join(r.knowledge.seen);
    else if (semantics.acquires()) t.knowledge.join(r.knowledge);
    else t.pending[away].join(r.knowledge);
  }
}

void LaunchChecker::fence(Warp& w, const Inst& in) {
  const Semantics semantics = Semantics::of(in.sem);
  const unsigned reach = reach_of(semantics.scope);
  for (std::uint32_t m = w.mask; m; m &= m - 1) {
    const auto lane = unsigned(__builtin_ctz(m));
    ThreadState& t = thread(w, lane);
    const bool of_all = semantics.order == Order::Sequential && reach == kReaches - 1;
    if (of_all) {
      t.knowledge.seen.join(t.knowledge.observed);
      t.knowledge.observed = {};
    }
    if (semantics.acquires()) {
      for (unsigned away = 0; away <= reach; ++away) {
        t.knowledge.join(t.pending[away]);
        t.pending[away] = {};
      }
    }
    if (semantics.releases()) {
      Knowledge all = publish(w, lane);
      if (of_all) t.knowledge.fenced = all.fenced = all.seen;  // what earlier ones showed is in it
      for (unsigned away = 0; away <= reach; ++away) t.released[away] = all;
    }
  }
}

// What memory shows to ordinary accesses of these threads, it now shows to the asynchronous proxy, too.
void LaunchChecker::proxy_fence(Warp& w, std::uint32_t mask) {
  for (std::uint32_t m = mask; m; m &= m - 1) {
    const auto lane = unsigned(__builtin_ctz(m));
    thread(w, lane).knowledge.proxied = publish(w, lane).seen;
  }
}

void LaunchChecker::barrier_arrived(Warp& w, unsigned number, std::uint32_t mask, bool waits) {
  BlockState& block = *w.block->checked;
  Meeting& meeting = block.barriers[number];
  const std::uint32_t time = block.time++;
  for (std::uint32_t m = mask; m; m &= m - 1) {
    ThreadState& t = thread(w, unsigned(__builtin_ctz(m)));
    meeting.joined.join(t.knowledge);
    t.now = block.time;
  }
  meeting.arrivals.push_back({w.index, mask, time, waits});
}

void LaunchChecker::barrier_completed(Block& exec_block, unsigned number) {
  BlockState& block = *exec_block.checked;
  Meeting& meeting = block.barriers[number];
  std::uint32_t threads = 0;
  bool all_wait = true;
  for (const Meeting::Arrival& a : meeting.arrivals) {
    threads += unsigned(__builtin_popcount(a.lanes));
    all_wait = all_wait && a.waits;
  }
  Clock& clock = meeting.joined.seen.change();
  // Threads that have exited count as having come: the barrier no longer waits for them. Not so where it counts those
  // who take part, as all that are left may be a part.
  if (all_wait && exec_block.barriers[number].expected == 0 && threads >= exec_block.alive) {
    clock.add_block(block.id, block.time);
  } else {
    for (const Meeting::Arrival& a : meeting.arrivals) {
      const std::uint32_t left = exec_block.threads - 32 * a.warp;
      if (a.lanes == (left >= 32 ? ~0u : (1u << left) - 1)) clock.add_warp(block.id, a.warp, a.time);
      else clock.add_agents(block.id, a.warp, a.lanes, a.time);
    }
  }
  meeting.joined.fenced.fold_block(block.id, exec_block.threads);
  ++block.time;
  for (const Meeting::Arrival& a : meeting.arrivals) {
    if (!a.waits) continue;
    for (std::uint32_t m = a.lanes; m; m &= m - 1) {
      ThreadState& t = block.threads[a.warp * 32 + unsigned(__builtin_ctz(m))];
      t.knowledge = meeting.joined;
      t.now = block.time;
    }
  }
  meeting = Meeting{};
}

void LaunchChecker::cluster_arrived(Warp& w, std::uint32_t mask, bool releases) {
  BlockState& block = *w.block->checked;
  ClusterMeeting& meeting = clusters_meeting_[w.block->cluster->linear];
  if (!releases) {  // a fence before it releases by it
    for (std::uint32_t m = mask; m; m &= m - 1) meeting.joined.join(thread(w, unsigned(__builtin_ctz(m))).released[1]);
    return;
  }
  const std::uint32_t time = block.time++;
  for (std::uint32_t m = mask; m; m &= m - 1) {
    ThreadState& t = thread(w, unsigned(__builtin_ctz(m)));
    meeting.joined.join(t.knowledge);
    t.now = block.time;
  }
  meeting.arrivals.push_back({block.id, w.index, mask, time});
}

void LaunchChecker::cluster_completed(const exec::Cluster& cluster) {
  ClusterMeeting& meeting = clusters_meeting_[cluster.linear];
  Clock& clock = meeting.joined.seen.change();
  for (const ClusterMeeting::Arrival& a : meeting.arrivals) {
    if (a.lanes == ~0u) clock.add_warp(a.block, a.warp, a.time);
    else clock.add_agents(a.block, a.warp, a.lanes, a.time);
  }
  meeting.completed = meeting.joined;
  meeting.joined = {};
  meeting.arrivals.clear();
}

void LaunchChecker::cluster_waited(Warp& w, std::uint32_t mask) {
  const ClusterMeeting& meeting = clusters_meeting_[w.block->cluster->linear];
  for (std::uint32_t m = mask; m; m &= m - 1) thread(w, unsigned(__builtin_ctz(m))).knowledge.join(meeting.completed);
}

void LaunchChecker::warp_met(Warp& w, std::uint32_t lanes) {
  BlockState& block = *w.block->checked;
  Knowledge joined;
  for (std::uint32_t m = lanes; m; m &= m - 1) joined.join(thread(w, unsigned(__builtin_ctz(m))).knowledge);
  const std::uint32_t left = w.block->threads - 32 * w.index;
  if (lanes == (left >= 32 ? ~0u : (1u << left) - 1)) joined.seen.change().add_warp(block.id, w.index, block.time);
  else joined.seen.change().add_agents(block.id, w.index, lanes, block.time);
  ++block.time;
  for (std::uint32_t m = lanes; m; m &= m - 1) {
    ThreadState& t = thread(w, unsigned(__builtin_ctz(m)));
    t.knowledge = joined;
    t.now = block.time;
  }
}

}  // namespace ptxvm::check
