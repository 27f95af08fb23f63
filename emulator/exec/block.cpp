// One block: its memory, its warps in turn, its deadlocks, and the place names of messages.
#include <algorithm>

#include "code/program.hpp"
#include "exec/async.hpp"
#include "exec/cluster.hpp"
#include "exec/groups.hpp"
#include "exec/schedule.hpp"
#include "exec/standing.hpp"
#include "exec/strict.hpp"
#include "support/error.hpp"
#include "support/format.hpp"

namespace ptxvm::exec {
namespace {

constexpr std::int64_t kWarpBudget = 4096;   // basic blocks before the next warp's turn
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
  std::string source = program.source(line);
  if (!source.empty()) source = " (" + source + ")";
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
  block.asked_at = block.idle_at = 0;
  block.idle_turns = 0;
  block.turn = Turn::WentOn;
  block.at_work = true;
  block.vain.forget();
  block.cluster = &cluster;
  block.rank = rank;
  block.stage.store(Stage::Fresh, std::memory_order_relaxed);
  place_block(image, cluster.linear, rank, block.id);
  block.multiprocessor = multiprocessor_of(image, cluster.linear, rank);
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
  if (!block.lane_copies) block.lane_copies = std::make_shared<AsyncLanes>();
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
    w.slice = kSlice;
    w.polled_at = w.polls = 0;
    w.most_registers = w.register_changes = w.registers_changed_at = 0;
    w.cluster_arrived = w.cluster_parity = 0;
    w.clock = 0;
    w.rotating = false;
    w.passed = Pass::None;
    for (std::uint64_t& c : w.counted) c = 0;
  }
  begin_draws(block);
  if (rank != 0) {
    block.async = cluster.blocks[0]->async;
  } else {
    if (!block.async) block.async = std::make_shared<Async>();
    block.async->start(block, image.seed);
  }
  block.lane_copies->start(block, image.seed);
}

namespace {

// At the first of those that wait.
[[noreturn]] void report_deadlock(Block& block) {
  const std::string text =
      "deadlock: no thread of the block can go on; where they stand:" + where_blocks_stand({&block});
  for (Warp& w : block.warps)
    if (w.parked_count != 0) {
      const Group& g = w.parked[0];
      const std::uint32_t pc = g.state == Group::State::Barrier ? g.pc - 1 : g.pc;
      fault(w, block.image->code[pc], unsigned(__builtin_ctz(g.mask)), int(Status::LaunchFailure), text);
    }
  throw Error(Status::LaunchFailure, text);
}

bool anybody_is_suspended(const Block& block) {
  for (const Warp& w : block.warps)
    for (std::uint32_t k = 0; k < w.parked_count; ++k)
      if (w.parked[k].state == Group::State::PhaseWait) return true;
  return false;
}

// Whether what it waits for may come from another block of its cluster.
bool waits_for_cluster(const Block& block) {
  if (block.cluster->blocks.size() == 1) return false;
  bool waits = false;
  for (const Warp& w : block.warps)
    for (std::uint32_t k = 0; k < w.parked_count; ++k) {
      const Group::State state = w.parked[k].state;
      waits |= state == Group::State::ClusterWait || state == Group::State::PhaseWait;
    }
  return waits;
}

// None of the block's threads can go on by themselves. True where its turn is over; else somebody has been woken.
// Waking takes time, and others that are at work may soon change the answer: they are let alone for most turns.
bool stands_still(Block& block, bool went_on, bool undisturbed) {
  const bool others = waits_for_cluster(block);
  if (others) block.at_work = false;
  if (others && went_on) return true;
  Standstill found = Standstill::Proved;
  if (anybody_is_suspended(block) && !(others && block.idle_at == block.asked_at))
    found = !others || undisturbed || block.idle_turns % 8 == 7 ? block.vain.ask(block, block.asked_at)
                                                                : Standstill::Open;
  if (!others) {
    if (found == Standstill::Proved) report_deadlock(block);
    return false;
  }
  block.turn = found == Standstill::Proved ? Turn::Idle : found == Standstill::Open ? Turn::Unknown : Turn::WentOn;
  return true;
}

}  // namespace

bool run_block(Block& block, Worker& worker, bool undisturbed) {
  // While its waits are asked about (stands_still), no suspension ends by the number of rounds.
  const bool waits = block.turn != Turn::WentOn;
  block.idle_turns = waits ? block.idle_turns + 1 : 0;
  block.turn = Turn::WentOn;
  block.polled = block.at_work = false;
  block.stage.store(Stage::Running, std::memory_order_release);
  for (Warp& w : block.warps) w.worker = &worker;
  bool went_on = false;
  Turns turns(block, kWarpBudget, kRounds);
  for (int round = 0; round < turns.rounds(); ++round) {
    if (round != 0 || !waits) ++block.round;
    if (perform_requested(block)) went_on = true;
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
      check_registers(block);
      block.lane_copies->finish();
      block.async->finish(block);
      return true;
    }
    if (moved) went_on = true, block.vain.forget();
    block.polled = polled && only_polled;
    block.at_work = !block.polled;
    if (block.polled) break;  // whoever is waited for is in another block
    if (!moved) {
      // The round itself may have released a warp that had already had its turn: look once more.
      bool released = false;
      for (Warp& w : block.warps) {
        std::int64_t budget = kWarpBudget;
        const std::uint64_t clock = w.clock;
        if (w.alive && run_warp(w, budget) != Stop::Blocked) released = true;
        if (budget != kWarpBudget || clock != w.clock) released = true;
      }
      if (!released && perform_all(block)) released = true;
      if (released) went_on = true, block.vain.forget();
      else if (stands_still(block, went_on, undisturbed)) return false;
    }
  }
  perform_all(block);  // time passes, whether somebody waits or not
  return false;
}

}  // namespace ptxvm::exec
