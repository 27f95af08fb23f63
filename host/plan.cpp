#include "plan.hpp"

#include <algorithm>

#include "check.hpp"
#include "choose.hpp"
#include "validate.hpp"

recur_layer_plan::recur_layer_plan(const recur_layer_descriptor& d)
    : descriptor(d), device(recur::current_device()), cell(recur::cell_of(d)), geometry(d, cell), windows(recur::windows_of(d)), layout(recur::layout(d, geometry)),
      choice(recur::choose(d, geometry)), products(recur::LayerShapes(d, geometry, layout.chunk)),
      // An event for each layer's latest chunk, and for each lane of the backward pass.
      fork(geometry.passes() == 1 ? 0 : static_cast<int>(std::max(geometry.L, 2 * layout.backward.lanes))) {}
