#include "plan.hpp"

#include "choose.hpp"

recur_layer_plan::recur_layer_plan(const recur_layer_descriptor& d)
    : descriptor(d), layout(recur::layout(d)), choice(recur::choose(d)),
      products(recur::LayerShapes(d, layout.inference.chunk)) {}
