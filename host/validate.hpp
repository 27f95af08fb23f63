// Checks of a layer's descriptor: pure, no device. They throw a Failure whose text names the field, its value
// and the limit.
#pragma once

#include "recur/sweep.hpp"

namespace recur {

// The descriptor with 0 layers and directions read as 1.
recur_layer_descriptor validated(const recur_layer_descriptor& descriptor);

// The cell that a validated descriptor names.
const recur_custom_cell& cell_of(const recur_layer_descriptor& validated);

}  // namespace recur
