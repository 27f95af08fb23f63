// What is in a graph, and its edges.
#include <cuda_runtime_api.h>

#include <algorithm>

#include "runtime/graph.hpp"
#include "runtime/node_parameters.hpp"

namespace ptxvm::runtime {
namespace {

// CUDA's way of giving lists: without an array their length is told; with one as much as it holds is filled
// in, the rest is null, and the number of what was filled in is told.
template <class Handle>
cudaError_t give(const std::vector<Handle>& list, Handle* out, std::size_t* count) {
  if (count == nullptr) return cudaErrorInvalidValue;
  if (out == nullptr) {
    *count = list.size();
    return cudaSuccess;
  }
  for (std::size_t i = 0; i < *count; i++) out[i] = i < list.size() ? list[i] : nullptr;
  *count = std::min(*count, list.size());
  return cudaSuccess;
}

void clear(cudaGraphEdgeData* data, const std::size_t* count) {
  if (data != nullptr && count != nullptr) std::fill_n(data, *count, cudaGraphEdgeData{});
}

template <class Wanted>
std::vector<cudaGraphNode_t> select(const Graph& graph, Wanted&& wanted) {
  std::vector<cudaGraphNode_t> list;
  for (const auto& node : graph.nodes)
    if (wanted(*node)) list.push_back(handle_of(node.get()));
  return list;
}

// The graph's own, in pairs. Throws Error for anything else.
std::vector<std::pair<Node*, Node*>> edges_of(const Graph& graph, const cudaGraphNode_t* from,
                                              const cudaGraphNode_t* to, std::size_t count) {
  if (count > 0 && (from == nullptr || to == nullptr))
    refuse(cudaErrorInvalidValue, "null where nodes should be");
  std::vector<std::pair<Node*, Node*>> edges;
  for (std::size_t i = 0; i < count; i++) {
    edges.emplace_back(&node_of(graph, from[i]), &node_of(graph, to[i]));
    if (edges.back().first == edges.back().second)
      refuse(cudaErrorInvalidValue, "a node cannot wait for itself");
  }
  return edges;
}

bool waits_for(const Node& node, const Node* other) {
  return std::find(node.after.begin(), node.after.end(), other) != node.after.end();
}

}  // namespace
}  // namespace ptxvm::runtime

using namespace ptxvm::runtime;

extern "C" {

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, std::size_t* count) {
  return guarded([&] {
    return give(select(*Graphs::instance().find(graph), [](const Node&) { return true; }), nodes, count);
  });
}

cudaError_t cudaGraphGetRootNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, std::size_t* count) {
  return guarded([&] {
    return give(select(*Graphs::instance().find(graph), [](const Node& n) { return n.after.empty(); }), nodes,
                count);
  });
}

cudaError_t cudaGraphGetEdges(cudaGraph_t graph, cudaGraphNode_t* from, cudaGraphNode_t* to,
                              cudaGraphEdgeData* data, std::size_t* count) {
  return guarded([&] {
    if (count == nullptr || (from == nullptr) != (to == nullptr)) return cudaErrorInvalidValue;
    std::vector<cudaGraphNode_t> starts, ends;
    for (const auto& node : Graphs::instance().find(graph)->nodes) {
      for (Node* before : node->after) {
        starts.push_back(handle_of(before));
        ends.push_back(handle_of(node.get()));
      }
    }
    clear(data, count);
    std::size_t same = *count;
    give(starts, from, &same);
    return give(ends, to, count);
  });
}

cudaError_t cudaGraphNodeGetDependencies(cudaGraphNode_t handle, cudaGraphNode_t* out,
                                         cudaGraphEdgeData* data, std::size_t* count) {
  return guarded([&] {
    std::vector<cudaGraphNode_t> list;
    for (Node* before : node_of(handle).after) list.push_back(handle_of(before));
    clear(data, count);
    return give(list, out, count);
  });
}

cudaError_t cudaGraphNodeGetDependentNodes(cudaGraphNode_t handle, cudaGraphNode_t* out,
                                           cudaGraphEdgeData* data, std::size_t* count) {
  return guarded([&] {
    const Node& node = node_of(handle);
    clear(data, count);
    return give(select(*node.graph, [&](const Node& other) { return waits_for(other, &node); }), out, count);
  });
}

cudaError_t cudaGraphAddDependencies(cudaGraph_t handle, const cudaGraphNode_t* from,
                                     const cudaGraphNode_t* to, const cudaGraphEdgeData* data,
                                     std::size_t count) {
  return guarded([&] {
    refuse_edge_data(data, count);
    const auto edges = edges_of(*Graphs::instance().find(handle), from, to, count);
    for (const auto& edge : edges)
      if (waits_for(*edge.second, edge.first))
        refuse(cudaErrorInvalidValue, "the graph has that edge already");
    for (const auto& edge : edges) edge.second->after.push_back(edge.first);
    return cudaSuccess;
  });
}

cudaError_t cudaGraphRemoveDependencies(cudaGraph_t handle, const cudaGraphNode_t* from,
                                        const cudaGraphNode_t* to, const cudaGraphEdgeData* data,
                                        std::size_t count) {
  return guarded([&] {
    refuse_edge_data(data, count);
    const auto edges = edges_of(*Graphs::instance().find(handle), from, to, count);
    for (const auto& edge : edges)
      if (!waits_for(*edge.second, edge.first)) refuse(cudaErrorInvalidValue, "the graph has no such edge");
    for (const auto& edge : edges) {
      auto& after = edge.second->after;
      after.erase(std::remove(after.begin(), after.end(), edge.first), after.end());
    }
    return cudaSuccess;
  });
}

cudaError_t cudaGraphDestroyNode(cudaGraphNode_t handle) {
  return guarded([&] {
    Node& node = node_of(handle);
    Graph& graph = *node.graph;
    if (graph.capturing) refuse(cudaErrorInvalidValue, "a stream is being captured into the graph");
    for (const auto& other : graph.nodes)
      other->after.erase(std::remove(other->after.begin(), other->after.end(), &node), other->after.end());
    graph.nodes.erase(std::find_if(graph.nodes.begin(), graph.nodes.end(),
                                   [&](const auto& other) { return other.get() == &node; }));
    return cudaSuccess;
  });
}

cudaError_t cudaGraphNodeGetType(cudaGraphNode_t node, cudaGraphNodeType* out) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    *out = type_of(node_of(node));
    return cudaSuccess;
  });
}

cudaError_t cudaGraphNodeFindInClone(cudaGraphNode_t* out, cudaGraphNode_t original, cudaGraph_t clone) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    const auto graph = Graphs::instance().find(clone);
    const auto found = graph->clones.find(&node_of(original));
    if (found == graph->clones.end()) refuse(cudaErrorInvalidValue, "the graph has no copy of that node");
    node_of(handle_of(found->second));  // it may have been destroyed
    *out = handle_of(found->second);
    return cudaSuccess;
  });
}

}  // extern "C"
