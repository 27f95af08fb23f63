// Optimisers by the formulas of torch.optim, in fp64, and the global norm that clips gradients.
#pragma once

#include <cstdint>
#include <vector>

namespace reference {

using Vector = std::vector<double>;

struct SgdOptions {
  double learning_rate = 0.01, momentum = 0, weight_decay = 0;
  bool nesterov = false;
};

struct AdamOptions {
  double learning_rate = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0;
  bool decoupled = false;  // AdamW: the decay acts on the parameter, not through the gradient
};

struct OptimizerState {
  Vector first_moment, second_moment;  // sized by the first step
  int64_t steps = 0;
};

void sgd_step(Vector& parameters, const Vector& gradients, OptimizerState& state, const SgdOptions& options);
void adam_step(Vector& parameters, const Vector& gradients, OptimizerState& state,
               const AdamOptions& options);

// sqrt of the sum of squares of every element of every buffer.
double global_norm(const std::vector<Vector>& buffers);

// min(1, max_norm / (norm + 1e-6)), torch.nn.utils.clip_grad_norm_'s factor.
double clip_factor(double norm, double max_norm);

}  // namespace reference
