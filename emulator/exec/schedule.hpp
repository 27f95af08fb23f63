// Running a warp, a block, a grid.
#pragma once

#include <cstdint>
#include <memory>

#include "exec/warp.hpp"

namespace ptxvm::exec {

enum class Stop : std::uint8_t {
  Exited,
  Blocked,
  Budget,
  Polled  // it waits for what other warps or blocks do to memory
};

// Runs a warp until all its lanes have exited, none can go on, or the budget (in basic blocks) is spent.
Stop run_warp(Warp& w, std::int64_t& budget);

// mbarrier waits: which of the lanes may go on; whether the instruction may suspend them; how many phases have
// completed; what one waits for.
std::uint32_t completed_waits(Warp& w, const Inst& in, std::uint32_t lanes);
bool may_suspend(const Inst& in);
std::uint32_t phase_changes(const Warp& w);
std::string describe_wait(Warp& w, const Inst& in, unsigned lane);

// Threads that exit no longer count at barriers; where a barrier counts warps whole, they count as come.
void threads_exited(Warp& w, std::uint32_t mask);

// When a block ends: setmaxnreg by some warps of a warpgroup only.
void check_registers(Block& block);

void start_block(Block& block, Image& image, Cluster& cluster, std::uint32_t rank);
// Runs all warps in turn; true when the block has exited, else Block::turn says what came of it. Throws when no warp can
// go on. undisturbed: nobody in the cluster has done anything since the block was asked last.
bool run_block(Block& block, Worker& worker, bool undisturbed);

}  // namespace ptxvm::exec
