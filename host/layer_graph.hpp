// A layer's call as CUDA graphs, launched one after the other.
#pragma once

#include <cuda_runtime_api.h>

#include <memory>
#include <vector>

#include "plan.hpp"

struct recur_layer_graph {
  ~recur_layer_graph();
  void launch(recur_stream stream) const;
  int device = 0;  // the plan's
  std::vector<cudaGraphExec_t> pieces;
};

namespace recur {

// Arguments have been checked.
std::unique_ptr<recur_layer_graph> capture_layer(const recur_layer_plan& plan, const recur_layer_forward_args& args);
std::unique_ptr<recur_layer_graph> capture_layer(const recur_layer_plan& plan, const recur_layer_backward_args& args);

}  // namespace recur
