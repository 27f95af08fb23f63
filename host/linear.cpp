#include "recur/linear.h"

#include <algorithm>
#include <memory>

#include "arguments.hpp"
#include "check.hpp"
#include "gemm.hpp"
#include "kernels/sequence/launch.hpp"
#include "kernels/streamed/launch.hpp"
#include "overlap.hpp"

// Read only once made.
struct recur_linear_plan {
  recur_linear_descriptor shape;
  recur::GemmHandle handle;
  recur::Gemm output, input_gradient, weight_gradient;
  recur_linear_sizes sizes;
};

namespace recur {
namespace {

// y[M,O] = x[M,I] W[O,I]^T, dx[M,I] = dy[M,O] W[O,I], dW[O,I] = dy[M,O]^T x[M,I]; m, n and k in this order.
GemmShape output_shape(const recur_linear_descriptor& d) {
  GemmShape shape;
  shape.m = d.rows;
  shape.n = d.outputs;
  shape.k = d.inputs;
  shape.transpose_b = true;
  shape.bias = d.has_bias != 0;
  shape.type = d.type;
  shape.float_result = false;
  return shape;
}

GemmShape input_gradient_shape(const recur_linear_descriptor& d) {
  GemmShape shape;
  shape.m = d.rows;
  shape.n = d.inputs;
  shape.k = d.outputs;
  shape.type = d.type;
  shape.float_result = false;
  return shape;
}

GemmShape weight_gradient_shape(const recur_linear_descriptor& d) {
  GemmShape shape;
  shape.m = d.outputs;
  shape.n = d.inputs;
  shape.k = d.rows;
  shape.transpose_a = true;
  shape.type = d.type;
  return shape;
}

size_t bias_bytes(const recur_linear_descriptor& d) { return d.has_bias ? element_size(d.type) * d.outputs : 0; }

void check_descriptor(const recur_linear_descriptor& d) {
  require_known("type", d.type, RECUR_TYPE_BFLOAT16);
  require_range("rows", d.rows, 1, INT32_MAX);
  require_range("inputs", d.inputs, 1, INT32_MAX);
  require_range("outputs", d.outputs, 1, INT32_MAX);
  require_elements("rows * inputs", d.rows, d.inputs);
  require_elements("rows * outputs", d.rows, d.outputs);
  require_elements("outputs * inputs", d.outputs, d.inputs);
}

// Forward: the product's scratch memory, then room for the bias. The parts of backward follow each other on one
// stream and share the scratch memory.
recur_linear_sizes sizes_of(const recur_linear_descriptor& d) {
  size_t sum = d.has_bias ? kernels::column_sum_workspace(d.rows, d.outputs) : 0;
  return {Gemm::workspace(output_shape(d)) + bias_bytes(d),
          std::max({Gemm::workspace(input_gradient_shape(d)), Gemm::workspace(weight_gradient_shape(d)), sum})};
}

const void* bias_of(const recur_linear_descriptor& d, const recur_linear_forward_args& a) {
  if (!d.has_bias) return nullptr;
  return aligned_bias(a.bias, bias_bytes(d), static_cast<char*>(a.workspace) + Gemm::workspace(output_shape(d)),
                      a.stream);
}

void check_backward(const recur_linear_plan& plan, const recur_linear_backward_args& a) {
  const recur_linear_descriptor& d = plan.shape;
  const size_t element = element_size(d.type), inputs = d.rows * d.inputs, weights = d.outputs * d.inputs;
  Overlaps buffers;
  buffers.input("output_gradient", a.output_gradient, element * d.rows * d.outputs, element);
  if (a.input_gradient != nullptr) buffers.input("weight", a.weight, element * weights, element);
  if (a.weight_gradient != nullptr) buffers.input("input", a.input, element * inputs, element);
  buffers.optional_output("input_gradient", a.input_gradient, element * inputs, nullptr, element);
  buffers.optional_output("weight_gradient", a.weight_gradient, sizeof(float) * weights);
  buffers.optional_output("bias_gradient", a.bias_gradient, sizeof(float) * d.outputs);
  if (a.bias_gradient != nullptr && !plan.shape.has_bias) {
    throw Failure(RECUR_INVALID_ARGUMENT, "bias_gradient is given, must be NULL as the plan has no bias");
  }
  require_workspace("workspace", a.workspace, a.workspace_size, plan.sizes.backward_workspace);
  buffers.scratch("workspace", a.workspace, plan.sizes.backward_workspace);
  buffers.check();
  require_no_pending_error();
}

}  // namespace
}  // namespace recur

recur_status recur_linear_create(recur_linear_plan** plan, const recur_linear_descriptor* descriptor) {
  return recur::guard([&] {
    using namespace recur;
    require_not_null("plan", plan);
    *plan = nullptr;
    require_not_null("descriptor", descriptor);
    check_descriptor(*descriptor);
    auto made = std::make_unique<recur_linear_plan>();
    made->shape = *descriptor;
    made->output = Gemm(made->handle, output_shape(*descriptor));
    made->input_gradient = Gemm(made->handle, input_gradient_shape(*descriptor));
    made->weight_gradient = Gemm(made->handle, weight_gradient_shape(*descriptor));
    made->sizes = sizes_of(*descriptor);
    *plan = made.release();
  });
}

void recur_linear_destroy(recur_linear_plan* plan) { delete plan; }

recur_status recur_linear_get_sizes(const recur_linear_plan* plan, recur_linear_sizes* sizes) {
  return recur::guard([&] {
    recur::require_not_null("plan", plan);
    recur::require_not_null("sizes", sizes);
    *sizes = plan->sizes;
  });
}

recur_status recur_linear_forward(const recur_linear_plan* plan, const recur_linear_forward_args* args) {
  return recur::guard([&] {
    using namespace recur;
    require_not_null("plan", plan);
    require_not_null("args", args);
    const recur_linear_descriptor& d = plan->shape;
    Overlaps buffers;
    const size_t element = element_size(d.type);
    buffers.input("input", args->input, element * d.rows * d.inputs, element);
    buffers.input("weight", args->weight, element * d.outputs * d.inputs, element);
    if (d.has_bias) buffers.input("bias", args->bias, bias_bytes(d), element);
    buffers.output("output", args->output, element * d.rows * d.outputs, nullptr, element);
    require_workspace("workspace", args->workspace, args->workspace_size, plan->sizes.forward_workspace);
    buffers.scratch("workspace", args->workspace, plan->sizes.forward_workspace);
    buffers.check();
    require_no_pending_error();
    plan->output.run(args->stream, 1, args->input, args->weight, 0, args->output, args->output,
                     args->workspace, bias_of(d, *args));
  });
}

recur_status recur_linear_backward(const recur_linear_plan* plan, const recur_linear_backward_args* args) {
  return recur::guard([&] {
    using namespace recur;
    require_not_null("plan", plan);
    require_not_null("args", args);
    const recur_linear_backward_args& a = *args;
    check_backward(*plan, a);
    if (a.input_gradient != nullptr) {
      plan->input_gradient.run(a.stream, 1, a.output_gradient, a.weight, 0, a.input_gradient,
                               a.input_gradient, a.workspace);
    }
    if (a.weight_gradient != nullptr) {
      plan->weight_gradient.run(a.stream, 1, a.output_gradient, a.input, a.accumulate ? 1 : 0,
                                a.weight_gradient, a.weight_gradient, a.workspace);
    }
    if (a.bias_gradient != nullptr) {
      RECUR_CUDA(kernels::column_sum(a.output_gradient, a.bias_gradient, plan->shape.rows,
                                     plan->shape.outputs, a.accumulate != 0, a.workspace, a.stream, plan->shape.type));
    }
  });
}

recur_status recur_linear_cast_parameters(const recur_linear_plan* plan, recur_stream stream, const float* weight,
                                          const float* bias, void* typed_weight, void* typed_bias) {
  return recur::guard([&] {
    using namespace recur;
    require_not_null("plan", plan);
    const recur_linear_descriptor& d = plan->shape;
    const size_t element = element_size(d.type), weights = d.outputs * d.inputs;
    Overlaps buffers;
    buffers.input("weight", weight, sizeof(float) * weights);
    if (d.has_bias) buffers.input("bias", bias, sizeof(float) * d.outputs);
    buffers.output("typed_weight", typed_weight, element * weights, nullptr, element);
    if (d.has_bias) buffers.output("typed_bias", typed_bias, bias_bytes(d), nullptr, element);
    buffers.check();
    require_no_pending_error();
    RECUR_CUDA(kernels::narrow(d.type, weight, typed_weight, d.outputs * d.inputs, stream));
    if (d.has_bias) RECUR_CUDA(kernels::narrow(d.type, bias, typed_bias, d.outputs, stream));
  });
}
