// The capture of streams.
#include <cuda_runtime_api.h>

#include "runtime/capture.hpp"
#include "runtime/enqueue.hpp"

namespace ptxvm::runtime {
namespace {

std::shared_ptr<Stream> find(cudaStream_t handle) { return Scheduler::instance().find(handle); }

bool is_mode(cudaStreamCaptureMode mode) {
  return mode >= cudaStreamCaptureModeGlobal && mode <= cudaStreamCaptureModeRelaxed;
}

cudaError_t begin(cudaStream_t stream, cudaStreamCaptureMode mode) {
  return guarded([&] {
    if (!is_mode(mode)) return cudaErrorInvalidValue;
    Capture::begin(find(stream), mode);
    return cudaSuccess;
  });
}

cudaError_t begin_to(cudaStream_t stream, cudaGraph_t handle, const cudaGraphNode_t* after,
                     const cudaGraphEdgeData* data, std::size_t count, cudaStreamCaptureMode mode) {
  return guarded([&] {
    if (!is_mode(mode)) return cudaErrorInvalidValue;
    refuse_edge_data(data, count);
    auto graph = Graphs::instance().find(handle);
    Capture::Tail tail = nodes_of(*graph, after, count);
    Capture::begin(find(stream), mode, std::move(graph), std::move(tail));
    return cudaSuccess;
  });
}

cudaError_t end(cudaStream_t stream, cudaGraph_t* out) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    *out = nullptr;
    *out = Capture::end(find(stream));
    return cudaSuccess;
  });
}

cudaError_t status_of(cudaStream_t stream, cudaStreamCaptureStatus* out) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    const std::shared_ptr<Capture> capture = find(stream)->capture;
    *out = cudaStreamCaptureStatusNone;
    if (capture == nullptr) return cudaSuccess;
    *out = capture->valid() ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusInvalidated;
    return cudaSuccess;
  });
}

cudaError_t info(cudaStream_t stream, cudaStreamCaptureStatus* status, unsigned long long* id,
                 cudaGraph_t* graph, const cudaGraphNode_t** nodes, const cudaGraphEdgeData** edges,
                 std::size_t* count) {
  const cudaError_t error = status_of(stream, status);
  if (error != cudaSuccess || *status != cudaStreamCaptureStatusActive) return error;
  return guarded([&] {
    const auto captured = find(stream);
    if (id != nullptr) *id = captured->capture->id();
    if (graph != nullptr) *graph = captured->capture->graph().handle;
    // Valid until the stream is used again, or asked about.
    thread_local std::vector<cudaGraphNode_t> handles;
    thread_local std::vector<cudaGraphEdgeData> data;
    handles.clear();
    for (Node* node : captured->capture->tail(captured)) handles.push_back(handle_of(node));
    data.assign(handles.size(), cudaGraphEdgeData{});
    if (nodes != nullptr) *nodes = handles.data();
    if (edges != nullptr) *edges = data.data();
    if (count != nullptr) *count = handles.size();
    return cudaSuccess;
  });
}

cudaError_t update(cudaStream_t handle, const cudaGraphNode_t* nodes, const cudaGraphEdgeData* data,
                   std::size_t count, unsigned flags) {
  return guarded([&] {
    if (flags != cudaStreamAddCaptureDependencies && flags != cudaStreamSetCaptureDependencies)
      return cudaErrorInvalidValue;
    refuse_edge_data(data, count);
    const auto stream = find(handle);
    if (stream->capture == nullptr) refuse(cudaErrorIllegalState, "the stream is not being captured");
    stream->capture->set_tail(stream, nodes_of(stream->capture->graph(), nodes, count),
                              flags == cudaStreamAddCaptureDependencies);
    return cudaSuccess;
  });
}

}  // namespace
}  // namespace ptxvm::runtime

using namespace ptxvm::runtime;

extern "C" {

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  return begin(legacy(stream), mode);
}
cudaError_t cudaStreamBeginCapture_ptsz(cudaStream_t stream, cudaStreamCaptureMode mode) {
  return begin(per_thread(stream), mode);
}

cudaError_t cudaStreamBeginCaptureToGraph(cudaStream_t stream, cudaGraph_t graph,
                                          const cudaGraphNode_t* after, const cudaGraphEdgeData* data,
                                          std::size_t count, cudaStreamCaptureMode mode) {
  return begin_to(legacy(stream), graph, after, data, count, mode);
}
cudaError_t cudaStreamBeginCaptureToGraph_ptsz(cudaStream_t stream, cudaGraph_t graph,
                                               const cudaGraphNode_t* after, const cudaGraphEdgeData* data,
                                               std::size_t count, cudaStreamCaptureMode mode) {
  return begin_to(per_thread(stream), graph, after, data, count, mode);
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  return end(legacy(stream), graph);
}
cudaError_t cudaStreamEndCapture_ptsz(cudaStream_t stream, cudaGraph_t* graph) {
  return end(per_thread(stream), graph);
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  return status_of(legacy(stream), status);
}
cudaError_t cudaStreamIsCapturing_ptsz(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  return status_of(per_thread(stream), status);
}

cudaError_t cudaStreamGetCaptureInfo(cudaStream_t stream, cudaStreamCaptureStatus* status,
                                     unsigned long long* id, cudaGraph_t* graph,
                                     const cudaGraphNode_t** nodes, const cudaGraphEdgeData** edges,
                                     std::size_t* count) {
  return info(legacy(stream), status, id, graph, nodes, edges, count);
}
cudaError_t cudaStreamGetCaptureInfo_ptsz(cudaStream_t stream, cudaStreamCaptureStatus* status,
                                          unsigned long long* id, cudaGraph_t* graph,
                                          const cudaGraphNode_t** nodes, const cudaGraphEdgeData** edges,
                                          std::size_t* count) {
  return info(per_thread(stream), status, id, graph, nodes, edges, count);
}

cudaError_t cudaStreamUpdateCaptureDependencies(cudaStream_t stream, cudaGraphNode_t* nodes,
                                                const cudaGraphEdgeData* data, std::size_t count,
                                                unsigned flags) {
  return update(legacy(stream), nodes, data, count, flags);
}
cudaError_t cudaStreamUpdateCaptureDependencies_ptsz(cudaStream_t stream, cudaGraphNode_t* nodes,
                                                     const cudaGraphEdgeData* data, std::size_t count,
                                                     unsigned flags) {
  return update(per_thread(stream), nodes, data, count, flags);
}

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
  return guarded([&] {
    if (mode == nullptr || !is_mode(*mode)) return cudaErrorInvalidValue;
    std::swap(*mode, thread_capture_mode());
    return cudaSuccess;
  });
}

}  // extern "C"
