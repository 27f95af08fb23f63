// How a block-resident sweep cuts its matrix and its memory: pure functions, for the choice and the launchers alike.
//   H hidden units, G gates; a block has 8 rows of the batch, a warp 16 units with all their gates
#pragma once

#include <cstddef>
#include <cstdint>

namespace recur::kernels::resident {

constexpr int kRows = 8;    // of the batch in a block: the columns of a matrix instruction
constexpr int kUnits = 16;  // of a warp: the rows of a matrix instruction
constexpr int kDepth = 16;  // hidden units that one matrix instruction sums over

// Fragments of R: of each gate the first `kept` products along the sum stay in registers, the others in shared memory.
struct BlockTile {
  int warps;  // at most
  int kept;
};

// Up to H 128 all of R is in registers: 8 warps of 255 registers, 128 of which hold it (LSTM). Up to H 192 a thread of
// 12 warps has 168, and keeps as many fragments as leave about 85 for the rest. With 16 warps it has 128, and what does not
// fit there no longer fits in shared memory.
constexpr BlockTile kSmallTile = {8, 8};
constexpr BlockTile large_tile(int gates) { return {12, gates > 3 ? 5 : 7}; }
constexpr int kMostUnits = 12 * kUnits;

constexpr int64_t block_warps(int64_t hidden) { return (hidden + kUnits - 1) / kUnits; }

// Elements from row to row of a tile in shared memory: the padded units and so many more that rows begin 8 banks apart,
// modulo 32.
constexpr int64_t tile_pitch(int64_t hidden) {
  const int64_t units = block_warps(hidden) * kUnits;
  return units + (16 - units % 64 + 64) % 64;
}

// parts: tiles of [8,H] that a step leaves in shared memory, twice (a step's and the next one's).
constexpr size_t block_shared_bytes(int gates, int64_t hidden, int kept, int parts) {
  const int64_t warps = block_warps(hidden), rest = warps > kept ? warps - kept : 0;
  return static_cast<size_t>(warps * rest * gates * 32 * 16 + 2 * parts * kRows * tile_pitch(hidden) * 2);
}

// Of the sweep forward, which leaves h, the saved values and, where rows can stand still, y beside h; and back.
constexpr int forward_parts(int saved, bool training, bool masked) { return 1 + (training ? saved : 0) + (masked ? 1 : 0); }
constexpr int backward_parts(int gates, int apart) { return gates + apart; }

constexpr BlockTile block_tile(int gates, int64_t hidden) {
  return block_warps(hidden) <= kSmallTile.warps ? kSmallTile : large_tile(gates);
}

}  // namespace recur::kernels::resident
