// Checks of a layer's descriptor: pure, no device. They throw a Failure whose text names the field, its value
// and the limit.
#pragma once

#include "recur/layer.h"

namespace recur {

// The descriptor with 0 layers and directions read as 1.
recur_layer_descriptor validated(const recur_layer_descriptor& descriptor);

}  // namespace recur
