// The sweeps whose recurrent weights stay on one multiprocessor (docs/kernels/block.md). One launch takes all steps of
// a pass, or of a chunk of it. Pointers name the first step taken; the next one's lies `direction` steps on in time.
//   N batch, H hidden size, G gates, A gates taken apart, S saved values; "typed": __half or __nv_bfloat16
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "recur/layer.h"

namespace recur::kernels {

// Which rows work when: as SweepMask (recur/sweep.hpp), for many steps.
struct BlockMask {
  const int32_t* lengths;  // [N] or null: every row
  const uint8_t* reset;    // [N] of the first step, or null: none
  int time;                // of the first step
};

struct BlockForward {
  int64_t batch, hidden;
  int steps, direction;              // of time: 1 or -1
  const float* a;             // [N,G,H] a step: W x + b_ih, and b_hh but for the last A gates
  const void* w_hh;           // typed [G,H,H]
  const float* b_hh;          // [G,H], of which the last A gates are read
  const void* h_first;        // typed [N,H] or null: zeros; where rows can stand still, reset already
  int64_t h_first_pitch;      // elements from row to row
  const float* c_first;       // [N,H] or null: zeros
  void* y;                    // typed [N,H] a step
  int64_t y_pitch, y_step;    // elements from row to row, from step to step in time
  void* saved;                // typed [N,S,H] a step, or null
  float* c;                   // [N,H] or null: after each step; after the last alone if c_step is 0
  int64_t c_step;             // elements from step to step in time
  bool masked;                // rows may stand still or reset: y is no state then
  void* kept;                 // typed [N,H], if masked and a step follows: the state before what follows each step; the last
  int64_t kept_step;          // alone if kept_step is 0
  bool more;                  // the pass goes on after these steps
  void* h_last;               // typed [N,H] or null: after the last step
  float* c_last;              // [N,H] or null
  BlockMask mask;
};

// From the last step that forward took to its first: direction is forward's, pointers name the last step.
struct BlockBackward {
  int64_t batch, hidden;
  int steps, direction;
  const void* w_hh;           // typed [G,H,H]
  const void* saved;          // typed [N,S,H] a step
  const float* c;             // [N,H] a step
  const float* c_first;       // [N,H] or null: zeros; before the first step
  const void* h_before;       // typed [N,H] a step: the state before it, for all but the first step
  int64_t h_pitch, h_step;
  const void* h_first;        // typed [N,H] or null: zeros; before the first step
  int64_t h_first_pitch;
  const void* dy;             // typed [N,H] a step, or null: zeros
  int64_t dy_pitch, dy_step;
  int dy_steps;               // the last so many steps have one
  const float* dh_last;       // [N,H] or null: zeros; of the state after the last step
  const float* dc_last;       // [N,H] or null
  float* dh_first;            // [N,H] or null: of the state before the first step
  float* dc_first;            // [N,H] or null
  void* da;                   // typed [N,G,H] a step
  void* da_apart;             // typed [N,A,H] a step, if A > 0
  BlockMask mask;             // reset and time: of the last step
};

struct BlockSweep {
  cudaError_t (*forward)(const BlockForward&, cudaStream_t);
  cudaError_t (*backward)(const BlockBackward&, cudaStream_t);
  // Before the first launch: lets the kernels for this hidden size have that many bytes of shared memory.
  cudaError_t (*prepare_forward)(int64_t hidden, size_t most_shared);
  cudaError_t (*prepare_backward)(int64_t hidden, size_t most_shared);
};

// Null functions where a cell has none.
BlockSweep block_sweep(recur_cell cell, recur_type type);

}  // namespace recur::kernels
