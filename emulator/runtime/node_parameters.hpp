// The work of a graph's node and CUDA's structures that describe it.
#pragma once

#include <cuda_runtime_api.h>

#include "runtime/graph.hpp"

namespace ptxvm::runtime {

// Throw Error where the work would be refused in a stream.
Work work_of(const cudaKernelNodeParams& parameters);
Work work_of(const cudaMemcpy3DParms& parameters);
Work work_of(const cudaMemsetParams& parameters);
Work work_of(const cudaHostNodeParams& parameters);

// Throw Error where the node is of another kind. What kernelParams points to lives as long as the node.
void describe(Node& node, cudaKernelNodeParams* out);
void describe(Node& node, cudaMemcpy3DParms* out);
void describe(Node& node, cudaMemsetParams* out);
void describe(Node& node, cudaHostNodeParams* out);

cudaGraphNodeType type_of(const Node& node);

}  // namespace ptxvm::runtime
