// Shapes of blocks, as functions of what decides them.
#pragma once

namespace recur::kernels {

// Gate kernels: a warp along the hidden units, so that accesses of a row touch; four rows a block. Small
// blocks, because a step of a small batch has few of them to spread over the multiprocessors.
struct GateTile {
  int columns = 32, rows = 4;
};
constexpr GateTile gate_tile() { return {}; }

}  // namespace recur::kernels
