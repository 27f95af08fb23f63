// Graphs as wholes: made, copied, instantiated, launched, ended.
#include <cuda_runtime_api.h>

#include <algorithm>

#include "runtime/capture.hpp"
#include "runtime/enqueue.hpp"

namespace ptxvm::runtime {
namespace {

constexpr unsigned long long known_flags = cudaGraphInstantiateFlagAutoFreeOnLaunch |
                                           cudaGraphInstantiateFlagUpload |
                                           cudaGraphInstantiateFlagUseNodePriority;

cudaGraphExec_t make_launchable(cudaGraph_t handle, unsigned long long flags) {
  if ((flags & cudaGraphInstantiateFlagDeviceLaunch) != 0)
    refuse(cudaErrorNotSupported,
           "graphs that kernels launch (cudaGraphInstantiateFlagDeviceLaunch) are not emulated");
  if ((flags & ~known_flags) != 0) refuse(cudaErrorInvalidValue, "cudaGraphInstantiate: an unknown flag");
  const auto graph = Graphs::instance().find(handle);
  if (graph->owned) refuse(cudaErrorInvalidValue, "the graph belongs to a node of another");
  auto launchable = std::make_shared<Launchable>();
  launchable->graph = instantiate(*graph, flags);
  return Launchables::instance().add(std::move(launchable));
}

cudaError_t launch(cudaGraphExec_t handle, cudaStream_t stream) {
  return guarded([&] {
    const auto launchable = Launchables::instance().find(handle);
    counters().graph_launches++;
    const auto target = Scheduler::instance().find(stream);
    if (target->capture != nullptr) {
      target->capture->add_child(target, *launchable->graph->source);
      return cudaSuccess;
    }
    if (launchable->last.stream != nullptr && launchable->last.stream != target)
      enqueue_wait(stream, launchable->last);
    launchable->last = enqueue(stream, launchable->graph);
    return cudaSuccess;
  });
}

// Nothing has to be brought to the device.
cudaError_t upload(cudaGraphExec_t handle, cudaStream_t stream) {
  return guarded([&] {
    Launchables::instance().find(handle);
    refuse_capture(Scheduler::instance().find(stream), "cudaGraphUpload");
    return cudaSuccess;
  });
}

cudaError_t with_parameters(cudaGraphExec_t* out, cudaGraph_t graph, cudaGraphInstantiateParams* p,
                            cudaStream_t (*resolve)(cudaStream_t)) {
  return guarded([&] {
    if (out == nullptr || p == nullptr) return cudaErrorInvalidValue;
    p->errNode_out = nullptr;
    p->result_out = cudaGraphInstantiateError;
    *out = make_launchable(graph, p->flags);
    if ((p->flags & cudaGraphInstantiateFlagUpload) != 0)
      Scheduler::instance().find(resolve(p->uploadStream));
    p->result_out = cudaGraphInstantiateSuccess;
    return cudaSuccess;
  });
}

}  // namespace
}  // namespace ptxvm::runtime

using namespace ptxvm::runtime;

extern "C" {

cudaError_t cudaGraphCreate(cudaGraph_t* out, unsigned flags) {
  return guarded([&] {
    if (out == nullptr || flags != 0) return cudaErrorInvalidValue;
    *out = publish(std::make_shared<Graph>());
    return cudaSuccess;
  });
}

cudaError_t cudaGraphClone(cudaGraph_t* out, cudaGraph_t original) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    *out = publish(Graphs::instance().find(original)->clone());
    return cudaSuccess;
  });
}

cudaError_t cudaGraphDestroy(cudaGraph_t handle) {
  return guarded([&] {
    const auto graph = Graphs::instance().find(handle);
    if (graph->owned) refuse(cudaErrorInvalidValue, "the graph belongs to a node of another");
    if (graph->capturing) refuse(cudaErrorInvalidValue, "a stream is being captured into the graph");
    Graphs::instance().remove(handle);
    return cudaSuccess;
  });
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* out, cudaGraph_t graph, unsigned long long flags) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    *out = make_launchable(graph, flags);
    return cudaSuccess;
  });
}

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t* out, cudaGraph_t graph, unsigned long long flags) {
  return cudaGraphInstantiate(out, graph, flags);
}

cudaError_t cudaGraphInstantiateWithParams(cudaGraphExec_t* out, cudaGraph_t graph,
                                           cudaGraphInstantiateParams* parameters) {
  return with_parameters(out, graph, parameters, legacy);
}
cudaError_t cudaGraphInstantiateWithParams_ptsz(cudaGraphExec_t* out, cudaGraph_t graph,
                                                cudaGraphInstantiateParams* parameters) {
  return with_parameters(out, graph, parameters, per_thread);
}

cudaError_t cudaGraphExecGetFlags(cudaGraphExec_t handle, unsigned long long* out) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    *out = Launchables::instance().find(handle)->graph->flags;
    return cudaSuccess;
  });
}

cudaError_t cudaGraphUpload(cudaGraphExec_t graph, cudaStream_t stream) {
  return upload(graph, legacy(stream));
}
cudaError_t cudaGraphUpload_ptsz(cudaGraphExec_t graph, cudaStream_t stream) {
  return upload(graph, per_thread(stream));
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream) {
  return launch(graph, legacy(stream));
}
cudaError_t cudaGraphLaunch_ptsz(cudaGraphExec_t graph, cudaStream_t stream) {
  return launch(graph, per_thread(stream));
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) {
  return guarded([&] {
    Launchables::instance().remove(graph);
    return cudaSuccess;
  });
}

// No graph here allocates memory.
cudaError_t cudaDeviceGraphMemTrim(int device) {
  return guarded([&] { return device == 0 ? cudaSuccess : cudaErrorInvalidDevice; });
}

}  // extern "C"
