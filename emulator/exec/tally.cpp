// Memory instructions as they run: traffic, wavefronts, unique bytes, phases.
#include "exec/tally.hpp"

#include <algorithm>

#include "code/program.hpp"
#include "code/semantics.hpp"
#include "count/pattern.hpp"
#include "exec/ops/space.hpp"
#include "exec/progress.hpp"
#include "memory/address_space.hpp"

namespace ptxvm::exec {
namespace {

using model::Latency;
using model::Resource;

constexpr std::uint32_t kOwnShared = 1u << 24;  // addresses above it are other blocks' of the cluster

struct Access {
  Warp& warp;
  const Inst& inst;
  const std::uint64_t* address;
  std::uint32_t mask;
  unsigned bytes;
  bool write, atomic;
  std::uint64_t useful() const { return std::uint64_t(__builtin_popcount(mask)) * bytes; }
};

double& work(Block& b, Resource r) { return b.progress->phase.work[std::size_t(r)]; }

count::Line* line(Tally& t, const Access& a) {
  if (t.lines.empty()) return nullptr;
  count::Line& l = t.lines[std::size_t(&a.inst - a.warp.block->image->code)];
  ++l.executions;
  l.lanes += unsigned(__builtin_popcount(a.mask));
  return &l;
}

// A flag that is asked for again, nothing having happened since: true where the request is waiting.
bool polls(Access& a) {
  Progress& p = *a.warp.block->progress;
  const Semantics s = Semantics::of(a.inst.sem);
  if (!s.strong() || a.write || a.atomic || s.scope == Scope::Block) {
    p.poll.warp = nullptr;
    return false;
  }
  const std::uint64_t first = a.address[__builtin_ctz(a.mask)];
  if (p.poll.warp == &a.warp && p.poll.at == &a.inst && p.poll.address == first) {
    p.phase = p.poll.phase;
    return true;
  }
  p.phase.meet(Latency::Exchange);
  return false;
}

void remember_poll(const Access& a) {
  Progress& p = *a.warp.block->progress;
  const Semantics s = Semantics::of(a.inst.sem);
  if (!s.strong() || a.write || a.atomic || s.scope == Scope::Block) return;
  p.poll.warp = &a.warp;
  p.poll.at = &a.inst;
  p.poll.address = a.address[__builtin_ctz(a.mask)];
  p.poll.phase = p.phase;
}

unsigned mark(Tally& t, const Access& a, bool write) {
  const unsigned first = unsigned(__builtin_ctz(a.mask));
  bool together = a.mask == kAllLanes;
  for (unsigned k = 1; together && k < 32; ++k) together = a.address[k] == a.address[0] + std::uint64_t(k) * a.bytes;
  if (together) return t.touched->mark(t.recent, a.address[0], 32ull * a.bytes, write);
  unsigned fresh = 0;
  std::uint64_t last = ~a.address[first];
  for (std::uint32_t m = a.mask; m; m &= m - 1) {
    const std::uint64_t at = a.address[__builtin_ctz(m)];
    if (at != last) fresh += t.touched->mark(t.recent, at, a.bytes, write);
    last = at;
  }
  return fresh;
}

void count_global(Tally& t, Access& a) {
  Block& b = *a.warp.block;
  if (polls(a)) {
    ++t.memory.polls;
    return;
  }
  const unsigned sectors = count::sectors(a.address, a.mask, a.bytes);
  count::Traffic& to = a.atomic ? t.memory.atomics : a.write ? t.memory.global_store : t.memory.global_load;
  to += {1, a.useful(), sectors};
  unsigned fresh = 0;
  if (!a.write || a.atomic) fresh += mark(t, a, false);
  if (a.write || a.atomic) fresh += mark(t, a, true);
  work(b, Resource::L2) += t.rates->l2 * sectors;
  work(b, Resource::Dram) += t.rates->dram * fresh;
  work(b, Resource::Shared) += std::max(1.0, sectors / 4.0);  // the first-level cache's 128 bytes a cycle
  const bool replies = !a.write || (a.atomic && a.inst.op[0] != kNone);
  if (replies) b.progress->phase.meet(fresh ? Latency::Dram : Latency::L2);
  if (count::Line* l = line(t, a)) l->sectors += sectors;
  remember_poll(a);
}

void count_shared(Tally& t, Access& a) {
  Block& b = *a.warp.block;
  const std::uint32_t before = a.mask;
  for (std::uint32_t m = before; m; m &= m - 1) {
    const unsigned k = unsigned(__builtin_ctz(m));
    if (a.address[k] >= kOwnShared) a.mask &= ~(1u << k);
  }
  if (const std::uint32_t remote = before & ~a.mask) {
    const std::uint64_t bytes = std::uint64_t(__builtin_popcount(remote)) * a.bytes;
    t.memory.remote += {1, bytes, 0};
    work(b, Resource::Remote) += t.rates->remote * double(bytes);
    if (!a.write) b.progress->phase.meet(Latency::Remote);
  }
  b.progress->poll.warp = nullptr;
  if (a.mask == 0) return;
  const auto use = a.atomic  ? count::SharedUse::Atomic
                   : a.write ? count::SharedUse::Store
                             : count::SharedUse::Load;
  const count::Wavefronts w = count::shared_wavefronts(a.address, a.mask, a.bytes, use);
  count::SharedTraffic& to = a.atomic ? t.memory.shared_atomics : a.write ? t.memory.shared_store : t.memory.shared_load;
  to += {1, a.useful(), w.taken, w.least};
  work(b, Resource::Shared) += w.taken;
  if (!a.write || a.atomic) b.progress->phase.meet(Latency::Shared);
  if (count::Line* l = line(t, a)) l->wavefronts += w.taken, l->least += w.least;
}

void count_local(Tally& t, Access& a) {
  const unsigned sectors = count::local_sectors(a.address, a.mask, a.bytes);
  (a.write ? t.memory.local_store : t.memory.local_load) += {1, a.useful(), sectors};
  work(*a.warp.block, Resource::Shared) += std::max(1.0, sectors / 4.0);
  if (count::Line* l = line(t, a)) l->sectors += sectors;
}

}  // namespace

void count_access(Warp& w, const Inst& in, unsigned space, const std::uint64_t* address, std::uint32_t mask, unsigned bytes,
                  bool write) {
  if (mask == 0) return;
  Tally& t = *w.worker->tally;
  Access a{w, in, address, mask, bytes, write, (in.aux & kAtomic) != 0};
  switch (space) {
    case kGlobal: return count_global(t, a);
    case kShared: return count_shared(t, a);
    case kLocal: return count_local(t, a);
    case kConstantSpace: t.memory.constant_load += {1, a.useful(), 0}; return;
    case kParameter: return;
    default: break;
  }
  // Generic addresses of several spaces: each space for itself.
  const Image& image = *w.block->image;
  const std::uint64_t windows[] = {image.shared_window, image.local_window, image.parameter_window};
  const unsigned spaces[] = {kShared, kLocal, kParameter};
  std::uint32_t left = mask;
  for (int k = 0; k < 3; ++k) {
    std::uint64_t offset[32] = {};
    std::uint32_t inside = 0;
    for (std::uint32_t m = left; m; m &= m - 1) {
      const unsigned lane = unsigned(__builtin_ctz(m));
      offset[lane] = address[lane] - windows[k];
      if (offset[lane] < memory::Windows::size) inside |= 1u << lane;
    }
    count_access(w, in, spaces[k], offset, inside, bytes, write);
    left &= ~inside;
  }
  count_access(w, in, kGlobal, address, left, bytes, write);
}

void count_phase(Tally& t, Block& block, Latency ended_by) {
  Progress& p = *block.progress;
  p.poll.warp = nullptr;
  model::end_phase(p.chain, p.phase, *t.rates, ended_by);
  if (ended_by == Latency::Launch && p.chain.cycles() > t.longest.cycles()) t.longest = p.chain;
}

// The first lanes that pass end the block's phase.
void count_cluster_phase(Tally& t, Block& block, std::uint64_t completed) {
  if (block.progress->cluster_phase == completed) return;
  block.progress->cluster_phase = completed;
  count_phase(t, block, Latency::ClusterBarrier);
}

}  // namespace ptxvm::exec
