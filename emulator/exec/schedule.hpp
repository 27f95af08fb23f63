// Running a warp, a block, a grid.
#pragma once

#include <cstdint>
#include <memory>

#include "exec/warp.hpp"

namespace ptxvm::exec {

enum class Stop : std::uint8_t { Exited, Blocked, Budget };

// Runs a warp until all its lanes have exited, none can go on, or the budget (in basic blocks) is spent.
Stop run_warp(Warp& w, std::int64_t& budget);

// Threads that exit no longer count at barriers.
void threads_exited(Block& block, std::uint32_t count);

void start_block(Block& block, Image& image, std::uint64_t linear);
// Runs all warps in turn; true when the block has exited. Throws when no warp can go on.
bool run_block(Block& block, Worker& worker);

}  // namespace ptxvm::exec
