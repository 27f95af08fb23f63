// Calls of the library that have to succeed, and a layer's plan made by them.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include "recur/layer.h"

namespace recur::test {

inline void check_recur(recur_status status, const char* what) {
  if (status != RECUR_SUCCESS) {
    throw std::runtime_error(std::string(what) + ": " + recur_status_name(status) + ": " + recur_last_error());
  }
}

// A layer's plan, destroyed with its owner.
using LayerPlan = std::unique_ptr<recur_layer_plan, void (*)(recur_layer_plan*)>;

inline LayerPlan make_plan(const recur_layer_descriptor& descriptor) {
  recur_layer_plan* plan = nullptr;
  check_recur(recur_layer_create(&plan, &descriptor), "recur_layer_create");
  return {plan, recur_layer_destroy};
}

inline recur_layer_sizes sizes_of(const LayerPlan& plan) {
  recur_layer_sizes sizes{};
  check_recur(recur_layer_get_sizes(plan.get(), &sizes), "recur_layer_get_sizes");
  return sizes;
}

}  // namespace recur::test
