// What the streamed sweep launches beside the products and the cells' own kernels (recur/sweep.hpp). Arguments are
// device memory, checked by the caller; each launcher enqueues on the stream and returns the launch's error.
//   T steps, N batch, H hidden size, R what a layer puts out, "typed": of the plan's element type
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "recur/sweep.hpp"

namespace recur::kernels {

// A cell of the library; null where the combination is not offered. extended: with peepholes or a limit.
const recur_custom_cell* built_in_cell(recur_cell cell, recur_type type, recur_activation activation, bool extended);

// to[t,n,:] = from[t,n,:], each with its own strides; where lengths is given, rows beyond theirs become zero
// and are not read.
struct Rows {
  int64_t steps, batch, columns;
  const void* from;
  int64_t from_step, from_row;  // elements
  void* to;
  int64_t to_step, to_row;
  const int32_t* lengths;
};
cudaError_t copy_rows(size_t element, const Rows& a, cudaStream_t stream);

// to[n,:] = zero where the row is at work and resets, else from[n,:] (null: zeros). to may be from.
struct StateRows {
  int64_t batch, columns;
  const void* from;
  void* to;
  const int32_t* lengths;
  const uint8_t* reset;  // [N] or null
  int64_t time;
};
cudaError_t start_state(size_t element, const StateRows& a, cudaStream_t stream);

// Elements first.. of a layer's output, k counted from its beginning:
// to[k] = from[k] / (1-p) with probability 1-p, else 0: word k % 4 of Philox(key seed + layer * 0x9E3779B97F4A7C15,
// counter (k / 4, offset)) as a number in [0,1) is at least p where the element stays. to may be from.
struct Dropout {
  int64_t elements;
  const void* from;
  void* to;
  float probability;
  uint64_t seed, offset;
  int64_t layer, first = 0;
};
cudaError_t dropout(recur_type type, const Dropout& a, cudaStream_t stream);

cudaError_t widen(recur_type type, const void* from, float* to, int64_t count, cudaStream_t stream);
cudaError_t narrow(recur_type type, const float* from, void* to, int64_t count, cudaStream_t stream);

// Behind a projection, in place: y of rows that are not at work is zero, the state of the others is y.
struct ProjectedState {
  int64_t batch, columns;
  void* y;  // typed [N,R]
  int64_t y_pitch;
  const void* h_previous;  // typed [N,R] or null: zeros
  void* h_next;            // typed [N,R] or null; may be h_previous
  void* h_last;            // typed [N,R] or null
  SweepMask mask;
};
cudaError_t projected_state(recur_type type, const ProjectedState& a, cudaStream_t stream);

// Before a projection's backward product: total = dy + dh, zero in rows that are not at work, whose dh goes on.
struct ProjectedGradient {
  int64_t batch, columns;
  const void* dy;  // typed [N,R] or null: zeros
  int64_t dy_pitch;
  const float* dh;   // [N,R] or null: zeros
  void* total;       // typed [N,R]
  float* dh_direct;  // [N,R] or null; may be dh
  SweepMask mask;
};
cudaError_t projected_gradient(recur_type type, const ProjectedGradient& a, cudaStream_t stream);

// GRU with the reset before the product: rh = s(a_r) h', zero in rows that are not at work.
struct ResetHidden {
  int64_t batch, hidden;
  const float* a;          // [N,3,H]
  const void* h_previous;  // typed [N,H] or null: zeros
  int64_t h_previous_pitch;
  void* rh;  // typed [N,H]
  SweepMask mask;
};
cudaError_t reset_hidden(recur_type type, const ResetHidden& a, cudaStream_t stream);

// And back: drh = da_n U_n has come; da_r = drh h' r (1 - r), dh_direct += drh r, and rh again for U_n's gradient.
struct ResetGradient {
  int64_t batch, hidden;
  const float* drh;        // [N,H]
  const void* saved;       // typed [N,3,H]
  const void* h_previous;  // typed [N,H] or null: zeros
  int64_t h_previous_pitch;
  void* da;  // typed [N,3,H]: gate r is written
  void* rh;  // typed [N,H]
  float* dh_direct;  // [N,H] or null
  SweepMask mask;
};
cudaError_t reset_gradient(recur_type type, const ResetGradient& a, cudaStream_t stream);

}  // namespace recur::kernels
