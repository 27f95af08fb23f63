// Graphs made by capturing streams. Building them node by node is not emulated: those symbols are missing.
#include <cuda_runtime_api.h>

#include <mutex>
#include <unordered_map>

#include "runtime/enqueue.hpp"
#include "runtime/graph.hpp"

namespace ptxvm::runtime {
namespace {

// Handles of graphs and of executable graphs; what is being run outlives its handle.
template <class Handle>
class Table {
 public:
  Handle add(std::shared_ptr<const Graph> graph) {
    const std::lock_guard lock(mutex_);
    const auto handle = reinterpret_cast<Handle>(next_ += 16);
    graphs_.emplace(handle, std::move(graph));
    return handle;
  }
  std::shared_ptr<const Graph> find(Handle handle) {
    const std::lock_guard lock(mutex_);
    const auto found = graphs_.find(handle);
    if (found == graphs_.end()) refuse(cudaErrorInvalidValue, "there is no such graph");
    return found->second;
  }
  void remove(Handle handle) {
    const std::lock_guard lock(mutex_);
    if (graphs_.erase(handle) == 0) refuse(cudaErrorInvalidValue, "there is no such graph");
  }
  static Table& instance() {
    static Table* const only = new Table;
    return *only;
  }

 private:
  std::mutex mutex_;
  std::unordered_map<Handle, std::shared_ptr<const Graph>> graphs_;
  std::uintptr_t next_ = 0x1000;
};

using Graphs = Table<cudaGraph_t>;
using Executables = Table<cudaGraphExec_t>;

std::shared_ptr<Stream> find(cudaStream_t handle) { return Scheduler::instance().find(handle); }

cudaError_t begin_capture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  return guarded([&] {
    if (mode < cudaStreamCaptureModeGlobal || mode > cudaStreamCaptureModeRelaxed)
      return cudaErrorInvalidValue;
    Capture::begin(find(stream), mode);
    return cudaSuccess;
  });
}

cudaError_t end_capture(cudaStream_t stream, cudaGraph_t* out) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    *out = nullptr;
    *out = Graphs::instance().add(Capture::end(find(stream)));
    return cudaSuccess;
  });
}

cudaError_t capture_status(cudaStream_t stream, cudaStreamCaptureStatus* status, unsigned long long* id) {
  return guarded([&] {
    if (status == nullptr) return cudaErrorInvalidValue;
    const std::shared_ptr<Capture> capture = find(stream)->capture;
    *status = cudaStreamCaptureStatusNone;
    if (capture == nullptr) return cudaSuccess;
    *status = capture->valid() ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusInvalidated;
    if (id != nullptr) *id = capture->id();
    return cudaSuccess;
  });
}

cudaError_t launch_graph(cudaGraphExec_t handle, cudaStream_t stream) {
  return guarded([&] {
    auto graph = Executables::instance().find(handle);
    refuse_capture(find(stream), "cudaGraphLaunch");
    counters().graph_launches++;
    enqueue(stream, std::move(graph));
    return cudaSuccess;
  });
}

cudaError_t capture_info(cudaStream_t stream, cudaStreamCaptureStatus* status, unsigned long long* id,
                         bool wants_nodes) {
  if (wants_nodes) {
    return guarded([&]() -> cudaError_t {
      refuse(cudaErrorNotSupported, "cudaStreamGetCaptureInfo: the nodes of a graph are not shown");
    });
  }
  return capture_status(stream, status, id);
}

}  // namespace
}  // namespace ptxvm::runtime

using namespace ptxvm::runtime;

extern "C" {

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  return begin_capture(legacy(stream), mode);
}
cudaError_t cudaStreamBeginCapture_ptsz(cudaStream_t stream, cudaStreamCaptureMode mode) {
  return begin_capture(per_thread(stream), mode);
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  return end_capture(legacy(stream), graph);
}
cudaError_t cudaStreamEndCapture_ptsz(cudaStream_t stream, cudaGraph_t* graph) {
  return end_capture(per_thread(stream), graph);
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  return capture_status(legacy(stream), status, nullptr);
}
cudaError_t cudaStreamIsCapturing_ptsz(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  return capture_status(per_thread(stream), status, nullptr);
}

cudaError_t cudaStreamGetCaptureInfo(cudaStream_t stream, cudaStreamCaptureStatus* status,
                                     unsigned long long* id, cudaGraph_t* graph,
                                     const cudaGraphNode_t** nodes, const cudaGraphEdgeData** edges,
                                     std::size_t* count) {
  return capture_info(legacy(stream), status, id, graph || nodes || edges || count);
}
cudaError_t cudaStreamGetCaptureInfo_ptsz(cudaStream_t stream, cudaStreamCaptureStatus* status,
                                          unsigned long long* id, cudaGraph_t* graph,
                                          const cudaGraphNode_t** nodes, const cudaGraphEdgeData** edges,
                                          std::size_t* count) {
  return capture_info(per_thread(stream), status, id, graph || nodes || edges || count);
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* out, cudaGraph_t graph, unsigned long long flags) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    if (flags != 0) refuse(cudaErrorNotSupported, "cudaGraphInstantiate: flags");
    *out = Executables::instance().add(Graphs::instance().find(graph));
    return cudaSuccess;
  });
}

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t* out, cudaGraph_t graph, unsigned long long flags) {
  return cudaGraphInstantiate(out, graph, flags);
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream) {
  return launch_graph(graph, legacy(stream));
}
cudaError_t cudaGraphLaunch_ptsz(cudaGraphExec_t graph, cudaStream_t stream) {
  return launch_graph(graph, per_thread(stream));
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  return guarded([&] {
    Graphs::instance().remove(graph);
    return cudaSuccess;
  });
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) {
  return guarded([&] {
    Executables::instance().remove(graph);
    return cudaSuccess;
  });
}

}  // extern "C"
