// Which path a layer takes, and why: a pure function, printable, compared by tests.
#pragma once

#include "recur/layer.h"

namespace recur {

recur_layer_choice choose(const recur_layer_descriptor& descriptor);

}  // namespace recur
