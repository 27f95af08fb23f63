// Which path a layer takes, and why: a pure function, printable, compared by tests.
#pragma once

#include <string>

#include "device_info.hpp"
#include "geometry.hpp"
#include "recur/layer.h"

namespace recur {

// Throws Failure where the descriptor forces a residency that cannot be.
// chunk: steps that follow one input product, and that one launch of a resident sweep takes.
recur_layer_choice choose(const recur_layer_descriptor& descriptor, const Geometry& geometry, int64_t chunk,
                          const DeviceInfo& device);

// What keeps R from staying on one multiprocessor, as a clause that begins with a name; empty: nothing.
std::string block_obstacle(const recur_layer_descriptor& descriptor, const Geometry& geometry, const DeviceInfo& device);

}  // namespace recur
