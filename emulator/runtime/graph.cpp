#include "runtime/graph.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <unordered_set>

#include "check/level.hpp"
#include "check/operations.hpp"
#include "runtime/scheduler.hpp"
#include "support/settings.hpp"

namespace ptxvm::runtime {
namespace {

struct Living {
  std::mutex mutex;
  std::unordered_set<const Node*> nodes;
};
Living& living() {
  static Living* const only = new Living;
  return *only;
}

void take_over(const Graph& from, Graph& to) {
  for (const auto& node : from.nodes) {
    Node* copy = to.add(node->work, {});
    if (node->child != nullptr) {
      copy->child = node->child->clone();
      copy->child->owned = true;
      publish(copy->child);
    }
    to.clones.emplace(node.get(), copy);
  }
  for (const auto& node : from.nodes)
    for (const Node* before : node->after) to.clones.at(node.get())->after.push_back(to.clones.at(before));
}

// Nodes so that each comes after those it waits for. Throws Error where they wait in a circle.
std::vector<const Node*> in_order(const Graph& graph) {
  std::vector<const Node*> order;
  std::unordered_map<const Node*, std::size_t> waits;
  std::unordered_map<const Node*, std::vector<const Node*>> followers;
  for (const auto& node : graph.nodes) {
    waits[node.get()] = node->after.size();
    if (node->after.empty()) order.push_back(node.get());
    for (const Node* before : node->after) followers[before].push_back(node.get());
  }
  for (std::size_t i = 0; i < order.size(); i++)
    for (const Node* follower : followers[order[i]])
      if (--waits[follower] == 0) order.push_back(follower);
  if (order.size() != graph.nodes.size())
    refuse(cudaErrorInvalidValue, "the nodes of the graph wait for each other in a circle");
  return order;
}

// The steps of a graph behind those of `after`; a child graph's take the place of its node, with a step that
// does nothing as their end. Returns the last steps: those that none of the graph's waits for.
std::vector<std::size_t> unfold(const Graph& graph, const std::vector<std::size_t>& after, Executable& to) {
  std::unordered_map<const Node*, std::size_t> step;
  std::unordered_set<const Node*> waited_for;
  for (const Node* node : in_order(graph)) {
    std::vector<std::size_t> before = node->after.empty() ? after : std::vector<std::size_t>{};
    for (const Node* b : node->after) before.push_back(step.at(b));
    waited_for.insert(node->after.begin(), node->after.end());
    if (node->child != nullptr) before = unfold(*node->child, before, to);
    to.steps.push_back({node->work, std::move(before)});
    step.emplace(node, to.steps.size() - 1);
  }
  if (step.empty()) return after;
  std::vector<std::size_t> last;
  for (const auto& [node, index] : step)
    if (waited_for.count(node) == 0) last.push_back(index);
  std::sort(last.begin(), last.end());
  return last;
}

}  // namespace

Node::Node(Graph* g, Work w, std::vector<Node*> a) : graph(g), work(std::move(w)), after(std::move(a)) {
  const std::lock_guard lock(living().mutex);
  living().nodes.insert(this);
}

Node::~Node() {
  if (child != nullptr) Graphs::instance().remove(child->handle);
  const std::lock_guard lock(living().mutex);
  living().nodes.erase(this);
}

Node* Graph::add(Work work, std::vector<Node*> after) {
  return nodes.emplace_back(std::make_unique<Node>(this, std::move(work), std::move(after))).get();
}

Node* Graph::add_child(const Graph& graph, std::vector<Node*> after) {
  std::shared_ptr<Graph> copy = graph.clone();
  copy->owned = true;
  publish(copy);
  Node* node = add(std::monostate{}, std::move(after));
  node->child = std::move(copy);
  return node;
}

std::shared_ptr<Graph> Graph::clone() const {
  auto copy = std::make_shared<Graph>();
  take_over(*this, *copy);
  return copy;
}

cudaGraph_t publish(const std::shared_ptr<Graph>& graph) {
  return graph->handle = Graphs::instance().add(graph);
}

Node& node_of(cudaGraphNode_t handle) {
  Node* node = reinterpret_cast<Node*>(handle);
  const std::lock_guard lock(living().mutex);
  if (living().nodes.count(node) == 0) refuse(cudaErrorInvalidValue, "there is no such node of a graph");
  return *node;
}

Node& node_of(const Graph& graph, cudaGraphNode_t handle) {
  Node& node = node_of(handle);
  if (node.graph != &graph) refuse(cudaErrorInvalidValue, "a node of another graph");
  return node;
}

std::vector<Node*> nodes_of(const Graph& graph, const cudaGraphNode_t* handles, std::size_t count) {
  if (handles == nullptr && count > 0) refuse(cudaErrorInvalidValue, "null where nodes of a graph should be");
  std::vector<Node*> nodes;
  for (std::size_t i = 0; i < count; i++) {
    Node* node = &node_of(graph, handles[i]);
    if (std::find(nodes.begin(), nodes.end(), node) != nodes.end())
      refuse(cudaErrorInvalidValue, "a node is named twice");
    nodes.push_back(node);
  }
  return nodes;
}

void refuse_edge_data(const cudaGraphEdgeData* data, std::size_t count) {
  for (std::size_t i = 0; data != nullptr && i < count; i++) {
    if (data[i].type != cudaGraphDependencyTypeDefault || data[i].from_port != 0 || data[i].to_port != 0)
      refuse(cudaErrorNotSupported, "edges of a graph with ports or of a programmatic type are not emulated");
  }
}

std::shared_ptr<Executable> instantiate(const Graph& graph, unsigned long long flags) {
  auto made = std::make_shared<Executable>();
  made->flags = flags;
  made->source = graph.clone();
  unfold(graph, {}, *made);
  return made;
}

void Executable::run() const {
  thread_local std::mt19937_64 choices(seed() + 2);
  std::vector<std::size_t> waits(steps.size(), 0);
  std::vector<std::vector<std::size_t>> followers(steps.size());
  std::vector<std::size_t> ready;
  for (std::size_t i = 0; i < steps.size(); i++) {
    waits[i] = steps[i].after.size();
    for (const std::size_t before : steps[i].after) followers[before].push_back(i);
    if (waits[i] == 0) ready.push_back(i);
  }
  const bool full = check::level() == check::Level::Full;
  check::Operations& operations = check::Operations::instance();
  const check::History before = full ? operations.before() : nullptr;
  std::vector<check::History> history(full ? steps.size() : 0, before);
  while (!ready.empty()) {
    std::swap(ready[choices() % ready.size()], ready.back());
    const std::size_t next = ready.back();
    ready.pop_back();
    if (full) {
      const std::uint64_t node = operations.next_node();
      operations.begin(operations.stream(), operations.count(), node, history[next],
                       name_of(steps[next].work));
      history[next] = check::Operations::after_node(history[next], node);
      for (const std::size_t follower : followers[next])
        history[follower] = check::joined(history[follower], history[next]);
    }
    execute(steps[next].work);
    for (const std::size_t follower : followers[next])
      if (--waits[follower] == 0) ready.push_back(follower);
  }
}

}  // namespace ptxvm::runtime
