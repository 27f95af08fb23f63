// Launchers of the streamed sweep: one fused gate kernel a step, between the products that cuBLAS computes.
// Arguments are device memory, checked by the caller; each launcher enqueues on the stream and returns the
// launch's error. N batch, H hidden size, G gates.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "recur/layer.h"

namespace recur::kernels {

struct StreamedForward {
  int64_t batch, hidden;
  float* gates;             // [N,G*H]: a, less bias, on entry; activated gates on return if save_gates
  const float* bias;        // [G*H] or null: none is missing in gates
  const float* c_previous;  // [N,H] or null: zeros
  float* c;                 // [N,H] or null; may be c_previous
  float* h;                 // [N,H]
  float* h_copy;            // [N,H] or null
  float* c_copy;            // [N,H] or null; may be c_previous
  bool save_gates;
  recur_activation activation;
};
cudaError_t streamed_forward(const StreamedForward& a, cudaStream_t stream);

struct StreamedBackward {
  int64_t batch, hidden;
  const float* gates;       // [N,G*H] activated
  const float* c;           // [N,H]
  const float* c_previous;  // [N,H] or null: zeros
  const float* dy;          // [N,H] or null: zeros
  const float* dh;          // [N,H] or null: zeros; from the next step
  const float* dc;          // [N,H] or null: zeros; from the next step
  float* dc_previous;       // [N,H] or null; may be dc
  float* dgates;            // [N,G*H]: gradients of the pre-activations
  recur_activation activation;
};
cudaError_t streamed_backward(const StreamedBackward& a, cudaStream_t stream);

}  // namespace recur::kernels
