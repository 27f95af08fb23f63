// Where things lie in the buffers of a layer: pure functions of the descriptor, the one place from which both
// sizes and pointers come.
#pragma once

#include <cstddef>
#include <cstdint>

#include "recur/layer.h"

namespace recur {

// Offsets in bytes from the start of a workspace or reserve, each a multiple of 256.
struct LayerLayout {
  recur_layer_sizes sizes;

  struct Reserve {
    size_t gates;  // [T,N,4H] activated
    size_t c;      // [T,N,H]
  } reserve;
  struct Training {
    size_t biases;    // [8H]: b_ih and b_hh, if the caller's are not aligned
    size_t products;  // of cuBLASLt
  } training;
  struct Inference {
    int64_t chunk;  // steps whose input products are computed at once
    size_t gates;   // [chunk,N,4H]
    size_t c;       // [N,H]
    size_t biases;  // [8H]
    size_t products;
  } inference;
  struct Backward {
    size_t dgates;  // [T,N,4H]
    size_t dh, dc;  // [N,H]
    size_t db;      // [4H]
    size_t sums;    // of db, chunk by chunk
    size_t products;
  } backward;
  struct Step {
    size_t gates;   // [N,4H]
    size_t biases;  // [8H]
    size_t products;
  } step;
};

LayerLayout layout(const recur_layer_descriptor& descriptor);

}  // namespace recur
