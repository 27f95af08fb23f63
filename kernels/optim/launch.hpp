// Launchers of the optimisers' kernels. Arguments are device memory, checked by the caller; each launcher
// enqueues on the stream and returns the launch's error.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace recur::kernels {

// How many partial sums square_sums makes of so many elements: a function of the size alone.
int64_t square_sum_count(int64_t size);

// partial[0 .. square_sum_count(size)) = sums of squares of shares of values[size], in fp64.
cudaError_t square_sums(const float* values, int64_t size, double* partial, cudaStream_t stream);

// norm[0] = sqrt(sum of partial[count]); adds 1 to nonfinite (may be null) if it is NaN or infinite.
cudaError_t finish_norm(const double* partial, int64_t count, float* norm, int32_t* nonfinite,
                        cudaStream_t stream);

// What one step's update reads; made on the device by the first of its two kernels.
struct StepScalars {
  float clip;                 // factor of the gradient
  float step_size;            // learning rate, for Adam over 1 - beta1^t
  float second_moment_scale;  // 1 / sqrt(1 - beta2^t)
  int32_t skip;
};

struct OptimizerStep {
  bool adam;  // else SGD
  int64_t size;
  float* parameters;
  const float* gradients;
  float* first_moment;   // null: SGD without momentum
  float* second_moment;  // Adam
  int64_t* step;
  float learning_rate;
  float beta1;           // SGD: momentum
  float beta2, epsilon;  // Adam
  float one_minus_beta1, one_minus_beta2;
  bool nesterov;               // SGD
  float gradient_decay;        // added to the gradient times the parameter
  float parameter_factor;      // 1 - learning rate * decay where decay is decoupled, else 1
  const float* gradient_norm;  // or null
  float max_norm;              // or 0
  bool skip_nonfinite;
  int32_t* skipped_steps;  // or null
  StepScalars* scalars;    // scratch [1]
};
cudaError_t optimizer_step(const OptimizerStep& a, cudaStream_t stream);

}  // namespace recur::kernels
