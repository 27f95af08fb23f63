// The recurrent layer of recur/layer.h as an owning handle.
#pragma once

#include <memory>

#include "recur/error.hpp"
#include "recur/layer.h"

namespace recur {

using LayerForward = recur_layer_forward_args;
using LayerBackward = recur_layer_backward_args;
using LayerStep = recur_layer_step_args;

class Layer {
 public:
  explicit Layer(const recur_layer_descriptor& descriptor) {
    recur_layer_plan* plan = nullptr;
    check(recur_layer_create(&plan, &descriptor));
    plan_.reset(plan);
  }

  recur_layer_sizes sizes() const {
    recur_layer_sizes sizes = {};
    check(recur_layer_get_sizes(plan_.get(), &sizes));
    return sizes;
  }
  recur_layer_choice choice() const {
    recur_layer_choice choice = {};
    check(recur_layer_get_choice(plan_.get(), &choice));
    return choice;
  }
  void forward(const LayerForward& args) const { check(recur_layer_forward(plan_.get(), &args)); }
  void backward(const LayerBackward& args) const { check(recur_layer_backward(plan_.get(), &args)); }
  void step(const LayerStep& args) const { check(recur_layer_step(plan_.get(), &args)); }
  const recur_layer_plan* get() const { return plan_.get(); }

 private:
  struct Destroy {
    void operator()(recur_layer_plan* plan) const { recur_layer_destroy(plan); }
  };
  std::unique_ptr<recur_layer_plan, Destroy> plan_;
};

}  // namespace recur
