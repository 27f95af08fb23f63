// Shapes of blocks, as functions of what decides them.
#pragma once

namespace recur::kernels {

// Gate kernels: a warp along the hidden units, so that accesses of a row touch; four rows a block. Small
// blocks, because a step of a small batch has few of them to spread over the multiprocessors. Six of them resident
// on one leave 80 registers a thread, with which no variant spills on any architecture.
struct GateTile {
  int columns = 32, rows = 4, blocks = 6;
};
constexpr GateTile gate_tile() { return {}; }

}  // namespace recur::kernels
