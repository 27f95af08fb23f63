// The walk over layers, directions and time, which issues a layer's products and kernels (with pass.* and
// backward_pass.*, and nobody else). Arguments have been checked.
#pragma once

#include <functional>

#include "plan.hpp"

namespace recur {

// cut: see ForkedCall.
void forward(const recur_layer_plan& plan, const recur_layer_forward_args& args, std::function<void()> cut = nullptr);
void backward(const recur_layer_plan& plan, const recur_layer_backward_args& args, std::function<void()> cut = nullptr);
void step(const recur_layer_plan& plan, const recur_layer_step_args& args);
void cast_parameters(const recur_layer_plan& plan, recur_stream stream, const float* from, void* to);

}  // namespace recur
