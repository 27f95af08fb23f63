// The block-resident sweeps of each element type (one translation unit a type and direction of the walk).
#pragma once

#include "kernels/resident/launch.hpp"

namespace recur::kernels::resident {

struct ForwardSweep {
  cudaError_t (*run)(const BlockForward&, cudaStream_t);
  cudaError_t (*prepare)(int64_t hidden, size_t most_shared);
};
struct BackwardSweep {
  cudaError_t (*run)(const BlockBackward&, cudaStream_t);
  cudaError_t (*prepare)(int64_t hidden, size_t most_shared);
};

struct ForwardSweeps {
  ForwardSweep lstm, gru;
};
struct BackwardSweeps {
  BackwardSweep lstm, gru;
};
extern const ForwardSweeps forward_float16, forward_bfloat16;
extern const BackwardSweeps backward_float16, backward_bfloat16;

}  // namespace recur::kernels::resident
