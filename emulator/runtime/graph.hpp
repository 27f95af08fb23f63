// Graphs as the program builds them or captures them, and what they become when they are instantiated.
#pragma once

#include <cuda_runtime_api.h>

#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "runtime/errors.hpp"
#include "runtime/operation.hpp"

namespace ptxvm::runtime {

struct Graph;

struct Node {
  Node(Graph* g, Work w, std::vector<Node*> a);
  ~Node();
  Graph* graph;
  Work work;  // a child graph's node has none
  std::vector<Node*> after;
  std::shared_ptr<Graph> child;
  std::vector<void*> shown_arguments;  // where the program is told that a kernel's arguments are
};

// Several host threads may not use one graph at a time (CUDA says so too), captures excepted.
struct Graph {
  std::vector<std::unique_ptr<Node>> nodes;
  cudaGraph_t handle = nullptr;
  bool owned = false;                             // a child of a node: not the program's to destroy
  bool capturing = false;                         // a stream is recorded into it
  std::unordered_map<const Node*, Node*> clones;  // of the nodes of the graph that it was made from

  Node* add(Work work, std::vector<Node*> after);
  Node* add_child(const Graph& graph, std::vector<Node*> after);
  std::shared_ptr<Graph> clone() const;
};

// The work of a graph, put in order: what is launched.
struct Executable {
  struct Step {
    Work work;
    std::vector<std::size_t> after;
  };
  std::vector<Step> steps;
  unsigned long long flags = 0;
  std::shared_ptr<const Graph> source;  // as it was

  // Does every step's work, in an order that a seed picks among those its edges allow. Throws Error.
  void run() const;
};

// Throws Error where the edges form a circle.
std::shared_ptr<Executable> instantiate(const Graph& graph, unsigned long long flags);

// Throws Error for what is no node now.
Node& node_of(cudaGraphNode_t handle);
// The same, of that graph.
Node& node_of(const Graph& graph, cudaGraphNode_t handle);
inline cudaGraphNode_t handle_of(Node* node) { return reinterpret_cast<cudaGraphNode_t>(node); }
// The nodes behind an array of handles, all of which must be the graph's.
std::vector<Node*> nodes_of(const Graph& graph, const cudaGraphNode_t* handles, std::size_t count);
// Edges carry an order and nothing else here. Throws Error for others.
void refuse_edge_data(const cudaGraphEdgeData* data, std::size_t count);

// Handles of graphs and of executable graphs, never used twice; what is being run outlives its handle.
template <class Handle, class Object>
class Table {
 public:
  Handle add(std::shared_ptr<Object> object) {
    const std::lock_guard lock(mutex_);
    const auto handle = reinterpret_cast<Handle>(next_ += 16);
    objects_.emplace(handle, std::move(object));
    return handle;
  }
  std::shared_ptr<Object> find(Handle handle) {
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(handle);
    if (found == objects_.end()) refuse(cudaErrorInvalidValue, "there is no such graph");
    return found->second;
  }
  // The object lives on until the caller lets go of it: its end may use the table.
  std::shared_ptr<Object> remove(Handle handle) {
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(handle);
    if (found == objects_.end()) refuse(cudaErrorInvalidValue, "there is no such graph");
    std::shared_ptr<Object> object = std::move(found->second);
    objects_.erase(found);
    return object;
  }
  static Table& instance() {
    static Table* const only = new Table;
    return *only;
  }

 private:
  std::mutex mutex_;
  std::unordered_map<Handle, std::shared_ptr<Object>> objects_;
  std::uintptr_t next_ = 0x1000;
};

// Launches of one executable graph follow each other, in whichever streams they are.
struct Launchable {
  std::shared_ptr<const Executable> graph;
  Moment last;
};

using Graphs = Table<cudaGraph_t, Graph>;
using Launchables = Table<cudaGraphExec_t, Launchable>;

// Gives the graph a handle.
cudaGraph_t publish(const std::shared_ptr<Graph>& graph);

}  // namespace ptxvm::runtime
