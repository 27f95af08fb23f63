#include "runtime/node_parameters.hpp"

#include "runtime/copy.hpp"
#include "runtime/launch.hpp"

namespace ptxvm::runtime {
namespace {

template <class Kind>
const Kind& only(const Node& node, const char* name) {
  const Kind* work = node.child == nullptr ? std::get_if<Kind>(&node.work) : nullptr;
  if (work == nullptr) refuse(cudaErrorInvalidValue, std::string("the node of the graph is no ") + name);
  return *work;
}

}  // namespace

Work work_of(const cudaKernelNodeParams& p) {
  if (p.kernelParams == nullptr && p.extra != nullptr)
    refuse(cudaErrorNotSupported, "kernel arguments through `extra` are not emulated");
  LaunchShape shape;
  shape.grid = p.gridDim;
  shape.block = p.blockDim;
  shape.dynamic_shared = p.sharedMemBytes;
  return prepare(Modules::instance().function(p.func), shape, p.kernelParams);
}

Work work_of(const cudaMemcpy3DParms& p) {
  Copy copy = box_copy(p);
  if (copy.extent.empty()) refuse(cudaErrorInvalidValue, "a node of a graph that copies nothing");
  checked(copy);
  return copy;
}

Work work_of(const cudaMemsetParams& p) {
  const std::uint64_t width = std::uint64_t{p.width} * p.elementSize;
  Fill fill{
      {address_of(p.dst), p.height > 1 ? p.pitch : width, 0}, {width, p.height}, p.value, p.elementSize};
  if (fill.extent.empty()) refuse(cudaErrorInvalidValue, "a node of a graph that sets nothing");
  checked(fill);
  return fill;
}

Work work_of(const cudaHostNodeParams& p) {
  if (p.fn == nullptr) refuse(cudaErrorInvalidValue, "a host node of a graph without a function");
  return HostFunction{p.fn, p.userData};
}

void describe(Node& node, cudaKernelNodeParams* out) {
  const Launch& launch = only<Launch>(node, "kernel");
  const LaunchShape shape = shape_of(launch);
  node.shown_arguments.clear();
  for (const exec::Parameter& p : launch.request.program->kernel(launch.request.kernel)->parameters)
    node.shown_arguments.push_back(const_cast<std::byte*>(launch.request.parameters.data()) + p.offset);
  *out = {const_cast<void*>(launch.function), shape.grid, shape.block, launch.request.dynamic_shared,
          node.shown_arguments.data(),        nullptr};
}

void describe(Node& node, cudaMemcpy3DParms* out) { *out = parameters_of(only<Copy>(node, "copy")); }

void describe(Node& node, cudaMemsetParams* out) {
  const Fill& f = only<Fill>(node, "memset");
  *out = {};
  out->dst = reinterpret_cast<void*>(f.to.at);
  out->pitch = f.to.pitch;
  out->value = f.value;
  out->elementSize = f.element;
  out->width = f.extent.width / f.element;
  out->height = f.extent.rows;
}

void describe(Node& node, cudaHostNodeParams* out) {
  const HostFunction& h = only<HostFunction>(node, "host function");
  *out = {h.function, h.data};
}

cudaGraphNodeType type_of(const Node& node) {
  if (node.child != nullptr) return cudaGraphNodeTypeGraph;
  if (std::holds_alternative<Launch>(node.work)) return cudaGraphNodeTypeKernel;
  if (std::holds_alternative<Copy>(node.work)) return cudaGraphNodeTypeMemcpy;
  if (std::holds_alternative<Fill>(node.work)) return cudaGraphNodeTypeMemset;
  if (std::holds_alternative<HostFunction>(node.work) || std::holds_alternative<Callback>(node.work) ||
      std::holds_alternative<Task>(node.work))
    return cudaGraphNodeTypeHost;
  return cudaGraphNodeTypeEmpty;
}

}  // namespace ptxvm::runtime
