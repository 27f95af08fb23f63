// A layer's plan: everything that is decided once. Immutable after creation.
#pragma once

#include "fork.hpp"
#include "geometry.hpp"
#include "layer_products.hpp"
#include "layout.hpp"
#include "kernels/resident/launch.hpp"
#include "recur/layer.h"

struct recur_layer_plan {
  explicit recur_layer_plan(const recur_layer_descriptor& validated);

  // The weights stay on chip: one launch takes many steps.
  bool resident() const { return choice.residency != RECUR_RESIDENCY_STREAMED; }

  const recur_layer_descriptor descriptor;
  const int device;  // that was current
  const recur_custom_cell& cell;
  const recur::Geometry geometry;
  const std::vector<recur::Window> windows;  // of a backward call
  const recur::LayerLayout layout;
  const recur_layer_choice choice;
  const recur::kernels::BlockSweep block;  // if that is the choice
  const recur::LayerProducts products;
  const recur::Fork fork;  // streams for passes side by side
};
