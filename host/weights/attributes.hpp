// A format's settings of a layer, as attributes beside its tensors: what each must be for a plan, what its absence
// means, and which are written on export. Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "../geometry.hpp"
#include "recur/weights.h"
#include "tensor_set.hpp"

namespace recur {

// Throws a Failure that names the first setting that the plan has not, or that recur does not know.
void check_attributes(recur_weights_format format, const recur_layer_descriptor& validated, const TensorSet& set,
                      const std::string& prefix);
// Name and text of those that export writes.
std::vector<std::pair<std::string, std::string>> exported_attributes(recur_weights_format format,
                                                                     const recur_layer_descriptor& validated);

}  // namespace recur
