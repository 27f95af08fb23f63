// A layer's descriptor in the letters of recur/layer.h, and what follows from them: pure, no device.
#pragma once

#include <cstddef>
#include <cstdint>

#include "recur/sweep.hpp"

namespace recur {

struct Geometry {
  Geometry(const recur_layer_descriptor& validated, const recur_custom_cell& cell);

  int64_t T, N, I, H, L, D, R, P;  // P is 0 without a projection
  int64_t G, A, S, K;              // of the cell: gates, of which apart, values saved, constants a unit
  recur_type type;
  size_t element;        // bytes
  bool state, direct;    // of the cell
  bool before;           // GRU with the reset before the product
  bool masked;           // lengths or resets may be given: the state is kept beside y
  bool own_x;            // x is copied: laid out time first, padding made zero
  bool own_y;            // y is copied at the end: batch first
  bool dropout;
  bool learned;          // initial states are shared by the rows

  int64_t inputs(int64_t layer) const { return layer == 0 ? I : D * R; }
  int64_t passes() const { return L * D; }
  int64_t initial_rows() const { return learned ? 1 : N; }
  size_t state_elements() const { return static_cast<size_t>(passes() * N * R); }

  // Elements from the start of the parameters.
  recur_parameter_place parameter(int64_t layer, int64_t direction, recur_parameter which) const;
  size_t parameter_elements() const { return static_cast<size_t>(pass_begin(L, 0)); }

 private:
  int64_t pass_begin(int64_t layer, int64_t direction) const;
  int64_t pass_elements(int64_t layer) const;
};

}  // namespace recur
