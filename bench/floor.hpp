// The fewest bytes that a call can move: what it is given and what it returns once each, and the weights as
// often as where they live asks for.
#pragma once

#include "recur/layer.h"
#include "shapes.hpp"

namespace recur::bench {

// One sentence, for the head of a table.
extern const char* const kFloorInWords;

// reserve in bytes. Of a streamed layer W_hh is read at every step, forward and back; on chip once a
// sequence, forward and back.
double floor_bytes(const recur_layer_descriptor& layer, Pass pass, bool streamed, double reserve);

}  // namespace recur::bench
