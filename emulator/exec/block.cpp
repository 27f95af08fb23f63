// One block: its memory, its warps in turn, its deadlocks, and the place names of messages.
#include <algorithm>
#include <chrono>

#include "code/program.hpp"
#include "exec/async.hpp"
#include "exec/cluster.hpp"
#include "exec/schedule.hpp"
#include "exec/strict.hpp"
#include "support/error.hpp"
#include "support/format.hpp"

namespace ptxvm::exec {
namespace {

constexpr std::int64_t kWarpBudget = 4096;   // basic blocks before the next warp's turn
constexpr int kIdleWakes = 64;               // in vain, of everybody who waits at an mbarrier
constexpr std::chrono::seconds kIdleTime{2};
constexpr int kRounds = 64;                  // turns of all warps before another block gets the worker

char* aligned(std::vector<char>& storage, std::size_t bytes, std::size_t to) {
  if (storage.size() < bytes + to) storage.resize(bytes + to);
  return reinterpret_cast<char*>((reinterpret_cast<std::uintptr_t>(storage.data()) + to - 1) / to * to);
}

std::uint32_t round_up(std::uint32_t v, std::uint32_t to) { return (v + to - 1) / to * to; }

}  // namespace

std::string position(Warp& w, const Inst& in, unsigned lane) {
  const Image& image = *w.block->image;
  const DecodedProgram& program = *image.program;
  const std::size_t index = std::size_t(&in - image.code);
  const LineInfo& line = program.lines[index];
  std::string source;
  if (line.source_file > 0 && std::size_t(line.source_file) < program.files.size())
    source = " (" + program.files[std::size_t(line.source_file)] + ":" + std::to_string(line.source) + ")";
  const std::uint32_t n = w.index * 32 + lane, x = image.block[0], y = image.block[1];
  const FunctionCode& function = program.function_at(std::uint32_t(index));
  const std::string in_function = function.is_entry ? "" : " in " + function.name;
  return format("kernel %s, PTX line %d%s%s, block (%u,%u,%u), thread (%u,%u,%u)", image.kernel->name.c_str(), line.ptx,
                source.c_str(), in_function.c_str(), w.block->id[0], w.block->id[1], w.block->id[2], n % x, n / x % y,
                n / (x * y));
}

void fault(Warp& w, const Inst& in, unsigned lane, int status, const std::string& text) {
  throw Error(Status(status), text + "\n  at " + position(w, in, lane));
}

void start_block(Block& block, Image& image, Cluster& cluster, std::uint32_t rank) {
  const FunctionCode& kernel = *image.kernel;
  block.image = &image;
  block.checked = nullptr;
  block.idle_since_event = 0;
  block.cluster = &cluster;
  block.rank = rank;
  block.stage.store(Stage::Fresh, std::memory_order_relaxed);
  place_block(image, cluster.linear, rank, block.id);
  block.linear = block.id[0] + image.grid[0] * (block.id[1] + std::uint64_t{image.grid[1]} * block.id[2]);
  block.threads = image.block[0] * image.block[1] * image.block[2];
  block.alive = block.threads;
  block.warp_count = (block.threads + 31) / 32;
  const std::uint32_t dynamic_at = image.dynamic_shared ? round_up(kernel.own_shared, 16) : kernel.own_shared;
  block.shared_size = dynamic_at + image.dynamic_shared;
  // The system's part lies behind the program's, so that running over the end of that is still found.
  block.system_shared = image.program->system_shared ? round_up(block.shared_size, 1024) + 1024 : 0;
  block.shared_memory = aligned(block.shared_storage, block.shared_extent(), 1024);
  block.local_stride = kernel.total_local;
  const std::size_t local = std::size_t(block.local_stride) * 32;
  char* local_memory = aligned(block.local, local * block.warp_count, 64);
  const std::size_t frame = kernel.total_frame;
  block.register_memory = aligned(block.register_storage, frame * block.warp_count, 64);
  // What nobody has written must not look like anything useful.
  if (block.shared_extent()) std::memset(block.shared_memory, 0xff, block.shared_extent());
  if (local) std::memset(local_memory, 0xff, local * block.warp_count);
  for (Barrier& b : block.barriers) b = Barrier{};
  block.round = 0;
  block.idle_wakes = 0;
  if (!block.lane_copies) {
    block.async = std::make_shared<Async>();
    block.lane_copies = std::make_shared<AsyncLanes>();
  }
  block.warps.resize(block.warp_count);
  for (std::uint32_t k = 0; k < block.warp_count; ++k) {
    Warp& w = block.warps[k];
    const std::uint32_t lanes = std::min(32u, block.threads - 32 * k);
    w.block = &block;
    w.index = k;
    w.alive = w.active = lanes == 32 ? kAllLanes : (1u << lanes) - 1;
    w.registers = block.register_memory + k * frame;
    w.local_memory = local_memory + k * local;
    w.base[0] = w.registers;
    w.base[1] = image.constants;
    w.pc = kernel.begin;
    w.frame = w.local = 0;
    w.next_parked = ~0u;
    w.parked_count = 0;
    w.slice = 2048;
    w.polled_at = w.polls = 0;
    w.cluster_arrived = w.cluster_parity = 0;
    w.clock = 0;
    w.rotating = false;
    w.passed = Pass::None;
    for (std::uint64_t& c : w.counted) c = 0;
  }
  begin_draws(block);
  if (rank != 0) block.async = cluster.blocks[0]->async;
  block.async->start(block, image.seed);
  block.lane_copies->start(block, image.seed);
}

namespace {

std::string describe_parked_wait(Warp& w, const Inst& in, const Group& g) {
  w.base[0] = w.registers + g.frame;
  return describe_wait(w, in, unsigned(__builtin_ctz(g.mask)));
}

[[noreturn]] void report_deadlock(Block& block) {
  std::string text = "deadlock: no thread of the block can go on";
  int listed = 0;
  Warp* first = nullptr;
  const Inst* at = nullptr;
  unsigned lane = 0;
  for (Warp& w : block.warps) {
    for (std::uint32_t k = 0; k < w.parked_count; ++k) {
      const Group& g = w.parked[k];
      const bool barrier = g.state == Group::State::Barrier;
      const Inst& in = block.image->code[barrier ? g.pc - 1 : g.pc];
      if (!first) first = &w, at = &in, lane = unsigned(__builtin_ctz(g.mask));
      if (++listed > 8) continue;
      const LineInfo& line = block.image->program->lines[std::size_t(&in - block.image->code)];
      if (barrier)
        text += format("\n  warp %u, lanes 0x%08x wait at barrier %u (PTX line %d), %u threads have come of %u", w.index, g.mask,
                       g.barrier, line.ptx, block.barriers[g.barrier].arrived,
                       block.barriers[g.barrier].expected ? block.barriers[g.barrier].expected : block.alive);
      else if (g.state == Group::State::PhaseWait)
        text += format("\n  warp %u, lanes 0x%08x wait (PTX line %d) at the ", w.index, g.mask, line.ptx) +
                describe_parked_wait(w, in, g);
      else
        text += format("\n  warp %u, lanes 0x%08x wait for lanes of their member mask that never come (PTX line %d)", w.index,
                       g.mask, line.ptx);
    }
  }
  if (!first) throw Error(Status::LaunchFailure, text);
  fault(*first, *at, lane, int(Status::LaunchFailure), text);
}

// Lanes that mbarrier.try_wait has suspended run again when their time is up, though nothing has happened: they may
// have something else to do. If they come back to wait each time, nothing else will.
bool wakes_suspended(Block& block) {
  bool any = false;
  for (const Warp& w : block.warps)
    for (std::uint32_t k = 0; k < w.parked_count; ++k) any |= w.parked[k].state == Group::State::PhaseWait;
  if (!any) return false;
  std::uint64_t events = block.alive;
  for (const Barrier& b : block.barriers) events += b.generation << 11;
  events += std::uint64_t{block.async->barriers.changes()} << 32;
  const auto now = std::chrono::steady_clock::now();
  if (block.idle_wakes == 0 || events != block.events) {
    block.events = events;
    block.idle_wakes = 0;
    block.idle_since = now;
  }
  if (++block.idle_wakes > kIdleWakes && now - block.idle_since > kIdleTime) return false;
  block.round += kRounds;  // past every deadline
  return true;
}

// Whether what it waits for may come from another block of its cluster.
bool waits_for_cluster(Block& block) {
  if (block.cluster->blocks.size() == 1) return false;
  bool waits = false;
  for (const Warp& w : block.warps)
    for (std::uint32_t k = 0; k < w.parked_count; ++k) {
      const Group::State state = w.parked[k].state;
      waits |= state == Group::State::ClusterWait || state == Group::State::PhaseWait;
    }
  return waits;
}

}  // namespace

bool run_block(Block& block, Worker& worker) {
  block.blocked = false;
  block.stage.store(Stage::Running, std::memory_order_release);
  for (Warp& w : block.warps) w.worker = &worker;
  bool went_on = false;
  Turns turns(block, kWarpBudget, kRounds);
  for (int round = 0; round < turns.rounds(); ++round) {
    ++block.round;
    perform_requested(block);
    bool left = false, moved = false, polled = false, only_polled = true;
    turns.begin_round();
    for (std::uint32_t k = 0; k < block.warp_count; ++k) {
      Warp& w = turns.warp(k);
      if (!w.alive) continue;
      const std::int64_t whole = turns.budget();
      std::int64_t budget = whole;
      const std::uint64_t clock = w.clock;  // a warp that goes on and waits again has parked its lanes
      const Stop stop = run_warp(w, budget);
      if (stop == Stop::Exited) {
        moved = true;
        only_polled = false;
        continue;
      }
      left = true;
      polled = polled || stop == Stop::Polled;
      if (stop == Stop::Budget || (stop == Stop::Blocked && clock != w.clock)) only_polled = false;
      if (stop == Stop::Budget || stop == Stop::Polled || budget != whole || clock != w.clock) moved = true;
    }
    if (!left) {
      block.lane_copies->finish();
      block.async->finish(block);
      return true;
    }
    went_on = went_on || moved;
    if (polled && only_polled) break;  // whoever is waited for is in another block
    if (!moved) {
      // The round itself may have released a warp that had already had its turn: look once more.
      bool released = false;
      for (Warp& w : block.warps) {
        std::int64_t budget = kWarpBudget;
        const std::uint64_t clock = w.clock;
        if (w.alive && run_warp(w, budget) != Stop::Blocked) released = true;
        if (budget != kWarpBudget || clock != w.clock) released = true;
      }
      went_on = went_on || released;
      if (!released && !perform_all(block)) {
        if (waits_for_cluster(block)) {
          block.blocked = !went_on;
          return false;
        }
        if (!wakes_suspended(block)) report_deadlock(block);
      }
    }
  }
  perform_all(block);  // time passes, whether somebody waits or not
  return false;
}

}  // namespace ptxvm::exec
