// The linear layer of recur/linear.h as an owning handle.
#pragma once

#include <memory>

#include "recur/error.hpp"
#include "recur/linear.h"

namespace recur {

using LinearForward = recur_linear_forward_args;
using LinearBackward = recur_linear_backward_args;

class Linear {
 public:
  explicit Linear(const recur_linear_descriptor& descriptor) {
    recur_linear_plan* plan = nullptr;
    check(recur_linear_create(&plan, &descriptor));
    plan_.reset(plan);
  }

  recur_linear_sizes sizes() const {
    recur_linear_sizes sizes = {};
    check(recur_linear_get_sizes(plan_.get(), &sizes));
    return sizes;
  }
  void forward(const LinearForward& args) const { check(recur_linear_forward(plan_.get(), &args)); }
  void backward(const LinearBackward& args) const { check(recur_linear_backward(plan_.get(), &args)); }
  void cast_parameters(recur_stream stream, const float* weight, const float* bias, void* typed_weight,
                       void* typed_bias) const {
    check(recur_linear_cast_parameters(plan_.get(), stream, weight, bias, typed_weight, typed_bias));
  }
  const recur_linear_plan* get() const { return plan_.get(); }

 private:
  struct Destroy {
    void operator()(recur_linear_plan* plan) const { recur_linear_destroy(plan); }
  };
  std::unique_ptr<recur_linear_plan, Destroy> plan_;
};

}  // namespace recur
