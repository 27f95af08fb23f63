// Where things lie in the buffers of a layer: pure functions of its geometry, the one place from which both
// sizes and pointers come.
#pragma once

#include <cstddef>
#include <cstdint>

#include "geometry.hpp"

namespace recur {

// Offsets in bytes from the start of a workspace or reserve, each a multiple of 256. A pass is one direction of one
// layer; "of a pass" pieces lie at pass * pass_stride beyond the first. Typed: of the plan's element type.
struct LayerLayout {
  recur_layer_sizes sizes;
  int64_t chunk;   // steps whose input products are computed at once
  int64_t window;  // steps that a backward pass takes at most: T, less with truncation

  struct Reserve {
    size_t pass_stride;
    size_t saved;    // of a pass: typed [T,N,S,H]
    size_t c;        // of a pass: [T,N,H]
    size_t h;        // of a pass: typed [T,N,R], the state before each step, if masked
    size_t m;        // of a pass: typed [T,N,H], what is projected
    size_t layer_stride;
    size_t out;      // of a layer: typed [T,N,D*R]; of the last only if y is copied
    size_t dropped;  // of a layer: the same after dropout
  } reserve;

  // Of a forward call, training and inference, and of a step. Passes that work side by side have places of their own,
  // their lane's, at lane * lane_stride beyond the first's.
  struct Forward {
    int64_t lanes;
    int64_t lane_of(int64_t layer, int64_t direction) const { return lanes == 1 ? 0 : (layer + direction) % lanes; }
    size_t x;         // typed [T,N,I], if copied
    size_t h0, c0;    // typed [L*D,N,R] and [L*D,N,H], if the caller's are shared by the rows
    size_t out[2];    // typed [T,N,D*R]: layers in turn, inference
    size_t pass_stride;
    size_t b_ih, b_hh, constants;  // of a pass: [G,H], [G,H] and [K,H] as float
    size_t h;         // of a pass: typed [N,R], inference, if masked
    size_t c;         // of a pass: [N,H], inference
    size_t lane_stride;
    size_t a;         // of a lane: [chunk,N,G,H]
    size_t u;         // of a lane: [N,G,H], for a cell that takes it apart
    size_t rh;        // of a lane: typed [N,H], for the reset before
    size_t m;         // of a lane: typed [N,H], inference and step, projected
    size_t products;  // of a lane: of cuBLASLt
  } training, inference, step;

  // Of a backward call. A lane is one direction of one layer, of which two are at work: the sweep of one layer, the
  // weight gradients of the one above.
  struct Backward {
    int64_t lanes;
    int64_t lane_of(int64_t layer, int64_t direction, int64_t directions) const {
      return (layer * directions + direction) % lanes;
    }
    size_t x;           // typed [T,N,I], if copied
    size_t h0, c0;      // typed [L*D,N,R] and [L*D,N,H], if the caller's are shared by the rows
    size_t dh0, dc0;    // [L*D,N,R] and [L*D,N,H], likewise
    size_t state_sums;  // of their sums over rows
    size_t dy;          // typed [T,N,D*R], if copied
    size_t dx;          // typed [T,N,I], if copied
    size_t between[2];  // typed [window,N,D*R]: gradients between layers, in turn
    size_t lane_stride;  // what follows is of a lane
    size_t da;          // typed [window,N,G,H]
    size_t da_apart;    // typed [window,N,A,H]
    size_t rh;          // typed [window,N,H], reset before
    size_t drh;         // [N,H], reset before
    size_t total;       // typed [window,N,R], projected
    size_t dm;          // [N,H], projected
    size_t dh, dc;      // [N,R], [N,H]
    size_t constants;   // [K,H] as float
    size_t dconstants;  // [window,N,K,H]
    size_t db;          // [G,H]
    size_t sums;        // of db, chunk by chunk
    size_t products;      // of the sweep
    size_t sum_products;  // of the weight gradients, which run beside the next sweep
  } backward;
};

LayerLayout layout(const recur_layer_descriptor& descriptor, const Geometry& geometry);

}  // namespace recur
