#include "plan.hpp"

#include "choose.hpp"
#include "validate.hpp"

recur_layer_plan::recur_layer_plan(const recur_layer_descriptor& d)
    : descriptor(d), cell(recur::cell_of(d)), geometry(d, cell), layout(recur::layout(d, geometry)),
      choice(recur::choose(d, geometry)), products(recur::LayerShapes(d, geometry, layout.chunk)) {}
