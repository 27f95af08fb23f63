#include "exec/vain.hpp"

#include <algorithm>

#include "code/program.hpp"
#include "exec/schedule.hpp"
#include "exec/warp.hpp"

namespace ptxvm::exec {
namespace {

constexpr std::int64_t kBudget = 4096;  // basic blocks, and how often, before lanes that do not come back are at work
constexpr int kRuns = 64;
constexpr std::uint64_t kLongAfter = 1000;  // rounds, past the deadline of every suspension

std::size_t block_of(const DecodedProgram& program, std::uint32_t pc) {
  const auto behind = std::upper_bound(program.blocks.begin(), program.blocks.end(), pc,
                                       [](std::uint32_t at, const BlockMix& b) { return at < b.begin; });
  return std::size_t(behind - program.blocks.begin()) - 1;
}

}  // namespace

// By lane, not by group: which lanes go together is the machine's choice.
void Vain::save(const Block& block, std::vector<char>* state) {
  state->clear();
  const std::size_t registers = block.image->kernel->total_frame, local = std::size_t(block.local_stride) * 32;
  for (const Warp& w : block.warps) {
    if (!w.alive) continue;
    std::uint32_t lanes[32][5] = {};
    for (std::uint32_t k = 0; k < w.parked_count; ++k) {
      const Group& g = w.parked[k];
      for (std::uint32_t m = g.mask; m; m &= m - 1) {
        std::uint32_t* lane = lanes[__builtin_ctz(m)];
        lane[0] = g.pc, lane[1] = g.frame, lane[2] = g.local, lane[3] = std::uint32_t(g.state) + 1;
        if (g.state == Group::State::Barrier) lane[4] = g.barrier;
      }
    }
    const char* const places = reinterpret_cast<const char*>(lanes);
    state->insert(state->end(), places, places + sizeof lanes);
    state->insert(state->end(), w.registers, w.registers + registers);
    state->insert(state->end(), w.local_memory, w.local_memory + local);
  }
}

// False where something happened that reaches others, or may not happen again in the same state.
bool Vain::run(Block& block) {
  const DecodedProgram& program = *block.image->program;
  Worker& worker = *block.warps[0].worker;
  bool repeats = true;
  // Lanes that are woken run the rest of their basic block without entering it.
  for (const Warp& w : block.warps)
    for (std::uint32_t k = 0; k < w.parked_count; ++k)
      if (w.parked[k].state == Group::State::PhaseWait)
        repeats = repeats && program.blocks[block_of(program, w.parked[k].pc)].repeats;
  block.round += kLongAfter;
  for (Warp& w : block.warps)
    for (int runs = 0; w.alive; ++runs) {
      std::int64_t budget = kBudget;
      const Stop stop = run_warp(w, budget);
      if (stop == Stop::Blocked) break;
      if (stop == Stop::Exited || runs == kRuns) return false;
    }
  for (std::size_t b = 0; b < program.blocks.size(); ++b)
    repeats = repeats && (worker.warps[b] == executed_[b] || program.blocks[b].repeats);
  return repeats;
}

Standstill Vain::ask(Block& block, std::uint64_t events) {
  if (events != events_) forget();
  if (asked_ == 0) {
    save(block, &earlier_);
    next_ = 1;
    events_ = events;
  }
  executed_ = block.warps[0].worker->warps;
  if (!run(block)) {
    forget();
    return Standstill::Refuted;
  }
  save(block, &now_);
  if (now_ == earlier_) return Standstill::Proved;
  if (++asked_ == next_) {
    std::swap(now_, earlier_);
    next_ *= 2;
  }
  return Standstill::Open;
}

}  // namespace ptxvm::exec
