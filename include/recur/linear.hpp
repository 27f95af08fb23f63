/// The linear layer of recur/linear.h as an owning handle. @file
#pragma once

#include <memory>

#include "recur/error.hpp"
#include "recur/linear.h"

namespace recur {

using LinearForward = recur_linear_forward_args;    ///< to be set to zero first
using LinearBackward = recur_linear_backward_args;  ///< likewise
/// A plan. Its calls throw Error; threads may share it. It can be moved, not copied.
class Linear {
 public:
  explicit Linear(const recur_linear_descriptor& descriptor) {  ///< recur_linear_create
    recur_linear_plan* plan = nullptr;
    check(recur_linear_create(&plan, &descriptor));
    plan_.reset(plan);
  }

  recur_linear_sizes sizes() const {  ///< bytes of its workspaces
    recur_linear_sizes sizes = {};
    check(recur_linear_get_sizes(plan_.get(), &sizes));
    return sizes;
  }
  void forward(const LinearForward& args) const { check(recur_linear_forward(plan_.get(), &args)); }  ///< enqueues
  void backward(const LinearBackward& args) const { check(recur_linear_backward(plan_.get(), &args)); }  ///< enqueues
  void cast_parameters(recur_stream stream, const float* weight, const float* bias, void* typed_weight,
                       void* typed_bias) const {  ///< recur_linear_cast_parameters
    check(recur_linear_cast_parameters(plan_.get(), stream, weight, bias, typed_weight, typed_bias));
  }
  const recur_linear_plan* get() const { return plan_.get(); }  ///< for the C calls; still owned by this

 private:
  struct Destroy {
    void operator()(recur_linear_plan* plan) const { recur_linear_destroy(plan); }
  };
  std::unique_ptr<recur_linear_plan, Destroy> plan_;
};

}  // namespace recur
