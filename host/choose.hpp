// Which path a layer takes, and why: a pure function, printable, compared by tests.
#pragma once

#include "geometry.hpp"
#include "recur/layer.h"

namespace recur {

recur_layer_choice choose(const recur_layer_descriptor& descriptor, const Geometry& geometry);

}  // namespace recur
