/// What the sweep over time asks of a cell: its description, and the arguments of its two kernels. Host code; a
/// cell itself is written against recur/cell.cuh, which makes a description of it. @file
///
///   N batch, H hidden size, G gates; "typed" pointers are of the plan's element type.
#pragma once

#include <cstdint>

#include "recur/layer.h"

namespace recur {

/// Which rows take part in a step. A row is at work while time < lengths[row]; a reset counts while it is.
struct SweepMask {
  const int32_t* lengths;      ///< [N] or null: every row
  const uint8_t* reset;        ///< [N], of this step, or null: none
  const uint8_t* reset_other;  /**< [N], of the sweep's next step (forward), last (backward) */ /** their times @{ */
  int64_t time, time_other;    /** @} */
};

/// One step: a = the pre-activations, then the cell's formula.
struct SweepForward {  /** N, H @{ */
  int64_t batch, hidden;      /** @} */
  const float* a;             ///< [N,G,H]: W x + b, and U h' + b where the cell does not take it apart
  const float* u;             ///< [N,G,H] or null: U h' + b, for a cell that takes it apart
  const float* bias;          ///< [G,H] or null: the recurrent bias, where there was no product to bring it
  const void* h_previous;     ///< typed [N,H] or null: zeros
  int64_t h_previous_pitch;   ///< elements from row to row
  const float* c_previous;    ///< [N,H] or null: zeros
  const float* constants;     ///< [K,H] or null: zeros
  float limit;                ///< of the cell state; 0: none
  void* h;                    ///< typed [N,H]; zero in rows that are not at work
  int64_t h_pitch;            ///< elements from row to row
  void* h_next;               ///< typed [N,H] or null: the state for the next step; may be h_previous
  float* c;                   ///< [N,H] or null; may be c_previous
  void* saved;                ///< typed [N,S,H] or null
  void* h_last;               ///< typed [N,H] or null: the state again, without a reset
  float* c_last;              ///< [N,H] or null
  SweepMask mask;             ///< which rows are at work
};

/// One step back: from the gradients of h and c those of the pre-activations and of c'.
struct SweepBackward {  /** N, H @{ */
  int64_t batch, hidden;      /** @} */
  const void* saved;          ///< typed [N,S,H]
  const void* h;              ///< typed [N,H]
  int64_t h_pitch;            ///< elements from row to row
  const void* h_previous;     ///< typed [N,H] or null: zeros
  int64_t h_previous_pitch;   ///< elements from row to row
  const float* c;             ///< [N,H]
  const float* c_previous;    ///< [N,H] or null: zeros
  const float* constants;     ///< [K,H] or null: zeros
  float limit;                ///< of the cell state; 0: none
  const void* dy;             ///< typed [N,H] or null: zeros
  int64_t dy_pitch;           ///< elements from row to row
  const float* dh;            ///< [N,H] or null: zeros; from the step after
  const float* dc;            ///< [N,H] or null: zeros; from the step after
  float* dh_direct;           ///< [N,H] or null: what reaches h' other than through U; may be dh
  float* dc_previous;         ///< [N,H] or null; may be dc
  void* da;                   ///< typed [N,G,H]: of the pre-activations as the recurrent product sees them
  void* da_apart;             ///< typed [N,A,H]: of the last A gates as the input product sees them, if A > 0
  float* dconstants;          ///< [N,K,H] or null
  SweepMask mask;             ///< which rows are at work
};

}  // namespace recur

/// Of a cell for one element type: recur::describe in recur/cell.cuh makes it.
struct recur_custom_cell {
  recur_type type;    ///< TFLOAT32 plans take the description of FLOAT32
  int gates;          ///< G
  int apart;          ///< A: so many of the last gates see their recurrent part apart from the rest
  int saved;          ///< S: values a unit that forward keeps for backward
  int constants;      ///< K: learned values a unit beside the weights
  bool state;         ///< carries c
  bool direct;        ///< h' reaches h other than through U h'
  bool reads_h;       ///< backward reads h
  int (*forward)(const recur::SweepForward&, recur_stream);    ///< a cudaError_t
  int (*backward)(const recur::SweepBackward&, recur_stream);  ///< a cudaError_t
};
