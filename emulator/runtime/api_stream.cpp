#include <cuda_runtime_api.h>

#include <algorithm>

#include "runtime/enqueue.hpp"

namespace ptxvm::runtime {
namespace {

Scheduler& scheduler() { return Scheduler::instance(); }

cudaError_t query(cudaStream_t handle) {
  return guarded([&] {
    const auto stream = scheduler().find(handle);
    refuse_capture(stream, "cudaStreamQuery");
    if (!scheduler().done(scheduler().tail(stream))) return cudaErrorNotReady;
    return sticky_error();
  });
}

cudaError_t synchronize(cudaStream_t handle) {
  return guarded([&] {
    const auto stream = scheduler().find(handle);
    refuse_capture(stream, "cudaStreamSynchronize");
    return wait_for(scheduler().tail(stream));
  });
}

cudaError_t add_callback(cudaStream_t handle, cudaStream_t shown, cudaStreamCallback_t function, void* data,
                         unsigned flags) {
  return guarded([&] {
    if (function == nullptr || flags != 0) return cudaErrorInvalidValue;
    refuse_capture(scheduler().find(handle), "cudaStreamAddCallback");
    counters().host_functions++;
    enqueue(handle, Callback{function, shown, data});
    return cudaSuccess;
  });
}

template <class Value, class Read>
cudaError_t tell(cudaStream_t handle, Value* out, Read&& read) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    *out = read(*scheduler().find(handle));
    return cudaSuccess;
  });
}

unsigned flags_of(const Stream& s) { return s.flags; }
int priority_of(const Stream& s) { return s.priority; }
unsigned long long id_of(const Stream& s) { return s.id; }
int device_of(const Stream&) { return 0; }

}  // namespace
}  // namespace ptxvm::runtime

using namespace ptxvm::runtime;

extern "C" {

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* out, unsigned flags, int priority) {
  return guarded([&] {
    if (out == nullptr || (flags & ~cudaStreamNonBlocking) != 0) return cudaErrorInvalidValue;
    *out = scheduler().create(flags, std::clamp(priority, greatest_priority, least_priority));
    return cudaSuccess;
  });
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* out, unsigned flags) {
  return cudaStreamCreateWithPriority(out, flags, least_priority);
}

cudaError_t cudaStreamCreate(cudaStream_t* out) { return cudaStreamCreateWithFlags(out, cudaStreamDefault); }

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return guarded([&] {
    if (stream == nullptr || stream == cudaStreamLegacy || stream == cudaStreamPerThread)
      return cudaErrorInvalidResourceHandle;
    scheduler().destroy(stream);
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  return guarded([&] {
    if (least != nullptr) *least = least_priority;
    if (greatest != nullptr) *greatest = greatest_priority;
    return cudaSuccess;
  });
}

cudaError_t cudaStreamQuery(cudaStream_t stream) { return query(legacy(stream)); }
cudaError_t cudaStreamQuery_ptsz(cudaStream_t stream) { return query(per_thread(stream)); }

cudaError_t cudaStreamSynchronize(cudaStream_t stream) { return synchronize(legacy(stream)); }
cudaError_t cudaStreamSynchronize_ptsz(cudaStream_t stream) { return synchronize(per_thread(stream)); }

cudaError_t cudaStreamAddCallback(cudaStream_t stream, cudaStreamCallback_t function, void* data,
                                  unsigned flags) {
  return add_callback(legacy(stream), stream, function, data, flags);
}
cudaError_t cudaStreamAddCallback_ptsz(cudaStream_t stream, cudaStreamCallback_t function, void* data,
                                       unsigned flags) {
  return add_callback(per_thread(stream), stream, function, data, flags);
}

cudaError_t cudaStreamGetFlags(cudaStream_t stream, unsigned* out) {
  return tell(legacy(stream), out, flags_of);
}
cudaError_t cudaStreamGetFlags_ptsz(cudaStream_t stream, unsigned* out) {
  return tell(per_thread(stream), out, flags_of);
}

cudaError_t cudaStreamGetPriority(cudaStream_t stream, int* out) {
  return tell(legacy(stream), out, priority_of);
}
cudaError_t cudaStreamGetPriority_ptsz(cudaStream_t stream, int* out) {
  return tell(per_thread(stream), out, priority_of);
}

cudaError_t cudaStreamGetId(cudaStream_t stream, unsigned long long* out) {
  return tell(legacy(stream), out, id_of);
}
cudaError_t cudaStreamGetId_ptsz(cudaStream_t stream, unsigned long long* out) {
  return tell(per_thread(stream), out, id_of);
}

cudaError_t cudaStreamGetDevice(cudaStream_t stream, int* out) {
  return tell(legacy(stream), out, device_of);
}
cudaError_t cudaStreamGetDevice_ptsz(cudaStream_t stream, int* out) {
  return tell(per_thread(stream), out, device_of);
}

}  // extern "C"
