#include <cfloat>

#include "arguments.hpp"
#include "check.hpp"
#include "kernels/optim/launch.hpp"
#include "overlap.hpp"
#include "recur/optim.h"

namespace recur {
namespace {

constexpr int64_t kMaxSize = int64_t{1} << 60;
static_assert(sizeof(kernels::StepScalars) <= RECUR_OPTIMIZER_WORKSPACE);

// The count of partial sums over all buffers.
int64_t partial_sums(int count, const int64_t* sizes) {
  require_range("count", count, 1, 1024);
  require_not_null("sizes", sizes);
  int64_t partials = 0;
  for (int i = 0; i < count; ++i) {
    require_range(("sizes[" + std::to_string(i) + "]").c_str(), sizes[i], 0, kMaxSize);
    partials += kernels::square_sum_count(sizes[i]);
  }
  return partials;
}

size_t norm_bytes(int64_t partials) { return (partials * sizeof(double) + 15) / 16 * 16; }

void check_step(const recur_optimizer_step_args& a) {
  require_range("kind", a.kind, RECUR_OPTIMIZER_SGD, RECUR_OPTIMIZER_ADAMW);
  require_range("size", a.size, 0, kMaxSize);
  require_number("learning_rate", a.learning_rate, 0, FLT_MAX);
  require_number("weight_decay", a.weight_decay, 0, FLT_MAX);
  require_number("max_norm", a.max_norm, 0, FLT_MAX);
  bool adam = a.kind != RECUR_OPTIMIZER_SGD;
  if (adam) {
    require_below("beta1", a.beta1, 0, 1);
    require_below("beta2", a.beta2, 0, 1);
    require_number("epsilon", a.epsilon, FLT_MIN, FLT_MAX);
  } else {
    require_below("momentum", a.momentum, 0, 1);
    if (a.nesterov && a.momentum == 0) {
      throw Failure(RECUR_INVALID_ARGUMENT, "momentum is 0, must be above 0 with nesterov");
    }
  }
  if (a.max_norm > 0 && a.gradient_norm == nullptr) {
    throw Failure(RECUR_INVALID_ARGUMENT, "gradient_norm is NULL, must be given with max_norm");
  }
  if (a.skip_nonfinite && a.gradient_norm == nullptr) {
    throw Failure(RECUR_INVALID_ARGUMENT, "gradient_norm is NULL, must be given with skip_nonfinite");
  }
  Overlaps buffers;
  if (a.size > 0) {
    const size_t bytes = sizeof(float) * a.size;
    buffers.output("parameters", a.parameters, bytes);
    buffers.input("gradients", a.gradients, bytes);
    if (adam || a.momentum > 0) buffers.output("first_moment", a.first_moment, bytes);
    if (adam) buffers.output("second_moment", a.second_moment, bytes);
  }
  require_device("step", a.step, alignof(int64_t));
  buffers.output("step", a.step, sizeof(int64_t));
  buffers.optional_input("gradient_norm", a.gradient_norm, sizeof(float));
  buffers.optional_output("skipped_steps", a.skipped_steps, sizeof(int32_t));
  require_workspace("workspace", a.workspace, a.workspace_size, RECUR_OPTIMIZER_WORKSPACE);
  buffers.scratch("workspace", a.workspace, RECUR_OPTIMIZER_WORKSPACE);
  buffers.check();
  require_no_pending_error();
}

}  // namespace
}  // namespace recur

recur_status recur_global_norm_workspace(int count, const int64_t* sizes, size_t* bytes) {
  return recur::guard([&] {
    recur::require_not_null("bytes", bytes);
    *bytes = recur::norm_bytes(recur::partial_sums(count, sizes));
  });
}

recur_status recur_global_norm(const recur_global_norm_args* args) {
  return recur::guard([&] {
    using namespace recur;
    require_not_null("args", args);
    const recur_global_norm_args& a = *args;
    int64_t partials = partial_sums(a.count, a.sizes);
    require_not_null("buffers", a.buffers);
    Overlaps buffers;
    for (int i = 0; i < a.count; ++i) {
      if (a.sizes[i] == 0) continue;
      require_device(("buffers[" + std::to_string(i) + "]").c_str(), a.buffers[i]);
      buffers.input("a buffer", a.buffers[i], sizeof(float) * a.sizes[i]);
    }
    buffers.output("norm", a.norm, sizeof(float));
    buffers.optional_output("nonfinite", a.nonfinite, sizeof(int32_t));
    require_workspace("workspace", a.workspace, a.workspace_size, norm_bytes(partials));
    buffers.scratch("workspace", a.workspace, norm_bytes(partials));
    buffers.check();
    require_no_pending_error();
    double* partial = static_cast<double*>(a.workspace);
    for (int i = 0; i < a.count; ++i) {
      RECUR_CUDA(kernels::square_sums(a.buffers[i], a.sizes[i], partial, a.stream));
      partial += kernels::square_sum_count(a.sizes[i]);
    }
    RECUR_CUDA(
        kernels::finish_norm(static_cast<double*>(a.workspace), partials, a.norm, a.nonfinite, a.stream));
  });
}

recur_status recur_optimizer_step(const recur_optimizer_step_args* args) {
  return recur::guard([&] {
    using namespace recur;
    require_not_null("args", args);
    const recur_optimizer_step_args& a = *args;
    check_step(a);
    bool adam = a.kind != RECUR_OPTIMIZER_SGD;
    bool decoupled = a.kind == RECUR_OPTIMIZER_ADAMW;

    kernels::OptimizerStep k = {};
    k.adam = adam;
    k.size = a.size;
    k.parameters = a.parameters;
    k.gradients = a.gradients;
    k.first_moment = adam || a.momentum > 0 ? a.first_moment : nullptr;
    k.second_moment = adam ? a.second_moment : nullptr;
    k.step = a.step;
    k.learning_rate = a.learning_rate;
    k.beta1 = adam ? a.beta1 : a.momentum;
    k.beta2 = a.beta2;
    k.epsilon = a.epsilon;
    k.one_minus_beta1 = static_cast<float>(1.0 - k.beta1);
    k.one_minus_beta2 = static_cast<float>(1.0 - k.beta2);
    k.nesterov = a.nesterov != 0;
    k.gradient_decay = decoupled ? 0.0f : a.weight_decay;
    k.parameter_factor =
        decoupled ? static_cast<float>(1.0 - static_cast<double>(a.learning_rate) * a.weight_decay) : 1.0f;
    k.gradient_norm = a.gradient_norm;
    k.max_norm = a.max_norm;
    k.skip_nonfinite = a.skip_nonfinite != 0;
    k.skipped_steps = a.skipped_steps;
    k.scalars = static_cast<kernels::StepScalars*>(a.workspace);
    RECUR_CUDA(kernels::optimizer_step(k, a.stream));
  });
}
