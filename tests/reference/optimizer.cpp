#include "tests/reference/optimizer.hpp"

#include <algorithm>
#include <cmath>

namespace reference {

void sgd_step(Vector& parameters, const Vector& gradients, OptimizerState& state, const SgdOptions& options) {
  state.first_moment.resize(parameters.size(), 0.0);
  ++state.steps;
  for (size_t k = 0; k < parameters.size(); ++k) {
    double update = gradients[k] + options.weight_decay * parameters[k];
    if (options.momentum != 0) {
      double& m = state.first_moment[k];
      m = options.momentum * m + update;
      update = options.nesterov ? update + options.momentum * m : m;
    }
    parameters[k] -= options.learning_rate * update;
  }
}

void adam_step(Vector& parameters, const Vector& gradients, OptimizerState& state,
               const AdamOptions& options) {
  state.first_moment.resize(parameters.size(), 0.0);
  state.second_moment.resize(parameters.size(), 0.0);
  ++state.steps;
  const double correction1 = 1 - std::pow(options.beta1, double(state.steps));
  const double correction2 = 1 - std::pow(options.beta2, double(state.steps));
  for (size_t k = 0; k < parameters.size(); ++k) {
    double gradient = gradients[k];
    if (options.decoupled) {
      parameters[k] -= options.learning_rate * options.weight_decay * parameters[k];
    } else {
      gradient += options.weight_decay * parameters[k];
    }
    double& m = state.first_moment[k];
    double& v = state.second_moment[k];
    m = options.beta1 * m + (1 - options.beta1) * gradient;
    v = options.beta2 * v + (1 - options.beta2) * gradient * gradient;
    parameters[k] -=
        options.learning_rate * (m / correction1) / (std::sqrt(v / correction2) + options.epsilon);
  }
}

double global_norm(const std::vector<Vector>& buffers) {
  double sum = 0;
  for (const Vector& buffer : buffers) {
    for (double value : buffer) sum += value * value;
  }
  return std::sqrt(sum);
}

double clip_factor(double norm, double max_norm) { return std::min(1.0, max_norm / (norm + 1e-6)); }

}  // namespace reference
