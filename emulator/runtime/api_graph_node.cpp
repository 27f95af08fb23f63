// The nodes of a graph that the program builds itself: what is read, set and added of each kind.
#include <cuda_runtime_api.h>

#include <string>

#include "runtime/copy.hpp"
#include "runtime/graph.hpp"
#include "runtime/launch.hpp"
#include "runtime/node_parameters.hpp"

namespace ptxvm::runtime {
namespace {

cudaError_t add(cudaGraphNode_t* out, cudaGraph_t handle, const cudaGraphNode_t* after, std::size_t count,
                const Work& work) {
  const auto graph = Graphs::instance().find(handle);
  *out = handle_of(graph->add(work, nodes_of(*graph, after, count)));
  return cudaSuccess;
}

cudaError_t add_child(cudaGraphNode_t* out, cudaGraph_t handle, const cudaGraphNode_t* after,
                      std::size_t count, cudaGraph_t child) {
  const auto graph = Graphs::instance().find(handle);
  *out = handle_of(graph->add_child(*Graphs::instance().find(child), nodes_of(*graph, after, count)));
  return cudaSuccess;
}

template <class Parameters>
cudaError_t add_described(cudaGraphNode_t* out, cudaGraph_t graph, const cudaGraphNode_t* after,
                          std::size_t count, const Parameters* p) {
  return guarded([&] {
    if (out == nullptr || p == nullptr) return cudaErrorInvalidValue;
    return add(out, graph, after, count, work_of(*p));
  });
}

template <class Parameters>
cudaError_t read_node(cudaGraphNode_t node, Parameters* out) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    describe(node_of(node), out);
    return cudaSuccess;
  });
}

template <class Parameters>
cudaError_t set_node(cudaGraphNode_t handle, const Parameters* p) {
  return guarded([&] {
    if (p == nullptr) return cudaErrorInvalidValue;
    Node& node = node_of(handle);
    Parameters now;
    describe(node, &now);  // throws where the node is of another kind
    node.work = work_of(*p);
    return cudaSuccess;
  });
}

Work work_of_any(const cudaGraphNodeParams& p) {
  switch (p.type) {
    case cudaGraphNodeTypeKernel: {
      const cudaKernelNodeParamsV2& k = p.kernel;
      return work_of(
          cudaKernelNodeParams{k.func, k.gridDim, k.blockDim, k.sharedMemBytes, k.kernelParams, k.extra});
    }
    case cudaGraphNodeTypeMemcpy:
      return work_of(p.memcpy.copyParams);
    case cudaGraphNodeTypeMemset: {
      const cudaMemsetParamsV2& m = p.memset;
      return work_of(cudaMemsetParams{m.dst, m.pitch, m.value, m.elementSize, m.width, m.height});
    }
    case cudaGraphNodeTypeHost:
      return work_of(cudaHostNodeParams{p.host.fn, p.host.userData});
    case cudaGraphNodeTypeEmpty:
      return std::monostate{};
    default:
      refuse(cudaErrorNotSupported,
             "nodes of type " + std::to_string(p.type) +
                 " of a graph (events, semaphores, memory, conditions) are not emulated");
  }
}

cudaError_t add_line(cudaGraphNode_t* out, cudaGraph_t graph, const cudaGraphNode_t* after, std::size_t count,
                     const Copy& copy) {
  if (out == nullptr) return cudaErrorInvalidValue;
  if (copy.extent.empty()) refuse(cudaErrorInvalidValue, "a node of a graph that copies nothing");
  checked(copy);
  return add(out, graph, after, count, copy);
}

}  // namespace
}  // namespace ptxvm::runtime

using namespace ptxvm::runtime;

extern "C" {

cudaError_t cudaGraphAddKernelNode(cudaGraphNode_t* out, cudaGraph_t graph, const cudaGraphNode_t* after,
                                   std::size_t count, const cudaKernelNodeParams* p) {
  return add_described(out, graph, after, count, p);
}
cudaError_t cudaGraphAddMemcpyNode(cudaGraphNode_t* out, cudaGraph_t graph, const cudaGraphNode_t* after,
                                   std::size_t count, const cudaMemcpy3DParms* p) {
  return add_described(out, graph, after, count, p);
}
cudaError_t cudaGraphAddMemsetNode(cudaGraphNode_t* out, cudaGraph_t graph, const cudaGraphNode_t* after,
                                   std::size_t count, const cudaMemsetParams* p) {
  return add_described(out, graph, after, count, p);
}
cudaError_t cudaGraphAddHostNode(cudaGraphNode_t* out, cudaGraph_t graph, const cudaGraphNode_t* after,
                                 std::size_t count, const cudaHostNodeParams* p) {
  return add_described(out, graph, after, count, p);
}

cudaError_t cudaGraphKernelNodeGetParams(cudaGraphNode_t node, cudaKernelNodeParams* p) {
  return read_node(node, p);
}
cudaError_t cudaGraphMemcpyNodeGetParams(cudaGraphNode_t node, cudaMemcpy3DParms* p) {
  return read_node(node, p);
}
cudaError_t cudaGraphMemsetNodeGetParams(cudaGraphNode_t node, cudaMemsetParams* p) {
  return read_node(node, p);
}
cudaError_t cudaGraphHostNodeGetParams(cudaGraphNode_t node, cudaHostNodeParams* p) {
  return read_node(node, p);
}

cudaError_t cudaGraphKernelNodeSetParams(cudaGraphNode_t node, const cudaKernelNodeParams* p) {
  return set_node(node, p);
}
cudaError_t cudaGraphMemcpyNodeSetParams(cudaGraphNode_t node, const cudaMemcpy3DParms* p) {
  return set_node(node, p);
}
cudaError_t cudaGraphMemsetNodeSetParams(cudaGraphNode_t node, const cudaMemsetParams* p) {
  return set_node(node, p);
}
cudaError_t cudaGraphHostNodeSetParams(cudaGraphNode_t node, const cudaHostNodeParams* p) {
  return set_node(node, p);
}

cudaError_t cudaGraphAddMemcpyNode1D(cudaGraphNode_t* out, cudaGraph_t graph, const cudaGraphNode_t* after,
                                     std::size_t count, void* to, const void* from, std::size_t bytes,
                                     cudaMemcpyKind kind) {
  return guarded([&] {
    return add_line(out, graph, after, count, line(address_of(to), address_of(from), bytes, kind));
  });
}
cudaError_t cudaGraphAddMemcpyNodeToSymbol(cudaGraphNode_t* out, cudaGraph_t graph,
                                           const cudaGraphNode_t* after, std::size_t count,
                                           const void* symbol, const void* from, std::size_t bytes,
                                           std::size_t offset, cudaMemcpyKind kind) {
  return guarded([&] {
    return add_line(out, graph, after, count,
                    line(inside_symbol(symbol, offset, bytes), address_of(from), bytes, kind));
  });
}
cudaError_t cudaGraphAddMemcpyNodeFromSymbol(cudaGraphNode_t* out, cudaGraph_t graph,
                                             const cudaGraphNode_t* after, std::size_t count, void* to,
                                             const void* symbol, std::size_t bytes, std::size_t offset,
                                             cudaMemcpyKind kind) {
  return guarded([&] {
    return add_line(out, graph, after, count,
                    line(address_of(to), inside_symbol(symbol, offset, bytes), bytes, kind));
  });
}

cudaError_t cudaGraphAddEmptyNode(cudaGraphNode_t* out, cudaGraph_t graph, const cudaGraphNode_t* after,
                                  std::size_t count) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    return add(out, graph, after, count, std::monostate{});
  });
}

cudaError_t cudaGraphAddChildGraphNode(cudaGraphNode_t* out, cudaGraph_t graph, const cudaGraphNode_t* after,
                                       std::size_t count, cudaGraph_t child) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    return add_child(out, graph, after, count, child);
  });
}

cudaError_t cudaGraphChildGraphNodeGetGraph(cudaGraphNode_t node, cudaGraph_t* out) {
  return guarded([&] {
    const auto& child = node_of(node).child;
    if (out == nullptr || child == nullptr) return cudaErrorInvalidValue;
    *out = child->handle;
    return cudaSuccess;
  });
}

cudaError_t cudaGraphAddNode(cudaGraphNode_t* out, cudaGraph_t graph, const cudaGraphNode_t* after,
                             const cudaGraphEdgeData* data, std::size_t count, cudaGraphNodeParams* p) {
  return guarded([&] {
    if (out == nullptr || p == nullptr) return cudaErrorInvalidValue;
    refuse_edge_data(data, count);
    if (p->type == cudaGraphNodeTypeGraph) return add_child(out, graph, after, count, p->graph.graph);
    return add(out, graph, after, count, work_of_any(*p));
  });
}

cudaError_t cudaGraphNodeSetParams(cudaGraphNode_t handle, cudaGraphNodeParams* p) {
  return guarded([&] {
    if (p == nullptr) return cudaErrorInvalidValue;
    Node& node = node_of(handle);
    if (type_of(node) != p->type) return cudaErrorInvalidValue;
    if (node.child != nullptr) refuse(cudaErrorNotSupported, "cudaGraphNodeSetParams of a child graph");
    node.work = work_of_any(*p);
    return cudaSuccess;
  });
}

cudaError_t cudaGraphKernelNodeSetAttribute(cudaGraphNode_t handle, cudaLaunchAttributeID id,
                                            const cudaLaunchAttributeValue* value) {
  return guarded([&] {
    if (value == nullptr) return cudaErrorInvalidValue;
    Node& node = node_of(handle);
    cudaKernelNodeParams now;
    describe(node, &now);
    LaunchShape shape = shape_of(std::get<Launch>(node.work));
    set_attribute(id, *value, &shape);
    node.work = prepare(Modules::instance().function(now.func), shape, now.kernelParams);
    return cudaSuccess;
  });
}

cudaError_t cudaGraphKernelNodeGetAttribute(cudaGraphNode_t handle, cudaLaunchAttributeID id,
                                            cudaLaunchAttributeValue* value) {
  return guarded([&] {
    if (value == nullptr) return cudaErrorInvalidValue;
    Node& node = node_of(handle);
    cudaKernelNodeParams now;
    describe(node, &now);
    get_attribute(id, shape_of(std::get<Launch>(node.work)), value);
    return cudaSuccess;
  });
}

}  // extern "C"
