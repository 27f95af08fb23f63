// Attributes of streams. The priority means something; the others are hints, which are kept to be asked for.
#include <cuda_runtime_api.h>

#include <algorithm>

#include "runtime/enqueue.hpp"

namespace ptxvm::runtime {
namespace {

bool is_hint(cudaLaunchAttributeID id) {
  return id == cudaLaunchAttributeAccessPolicyWindow || id == cudaLaunchAttributeSynchronizationPolicy ||
         id == cudaLaunchAttributeMemSyncDomainMap || id == cudaLaunchAttributeMemSyncDomain ||
         id == cudaLaunchAttributeNvlinkUtilCentricScheduling;
}

cudaError_t get(cudaStream_t handle, cudaLaunchAttributeID id, cudaLaunchAttributeValue* out) {
  return guarded([&] {
    const auto stream = Scheduler::instance().find(handle);
    if (out == nullptr) return cudaErrorInvalidValue;
    *out = {};
    if (id == cudaLaunchAttributePriority) {
      out->priority = stream->priority;
    } else if (is_hint(id)) {
      if (const auto found = stream->hints.find(id); found != stream->hints.end()) *out = found->second;
    } else {
      return cudaErrorInvalidValue;
    }
    return cudaSuccess;
  });
}

cudaError_t set(cudaStream_t handle, cudaLaunchAttributeID id, const cudaLaunchAttributeValue* value) {
  return guarded([&] {
    const auto stream = Scheduler::instance().find(handle);
    if (value == nullptr) return cudaErrorInvalidValue;
    if (id == cudaLaunchAttributePriority) {
      stream->priority = std::clamp(value->priority, greatest_priority, least_priority);
    } else if (is_hint(id)) {
      stream->hints[id] = *value;
    } else {
      return cudaErrorInvalidValue;
    }
    return cudaSuccess;
  });
}

cudaError_t copy(cudaStream_t to, cudaStream_t from) {
  return guarded([&] {
    const auto source = Scheduler::instance().find(from), target = Scheduler::instance().find(to);
    target->hints = source->hints;
    target->priority = source->priority.load();
    return cudaSuccess;
  });
}

}  // namespace
}  // namespace ptxvm::runtime

using namespace ptxvm::runtime;

extern "C" {

cudaError_t cudaStreamGetAttribute(cudaStream_t stream, cudaLaunchAttributeID id,
                                   cudaLaunchAttributeValue* out) {
  return get(legacy(stream), id, out);
}
cudaError_t cudaStreamGetAttribute_ptsz(cudaStream_t stream, cudaLaunchAttributeID id,
                                        cudaLaunchAttributeValue* out) {
  return get(per_thread(stream), id, out);
}

cudaError_t cudaStreamSetAttribute(cudaStream_t stream, cudaLaunchAttributeID id,
                                   const cudaLaunchAttributeValue* value) {
  return set(legacy(stream), id, value);
}
cudaError_t cudaStreamSetAttribute_ptsz(cudaStream_t stream, cudaLaunchAttributeID id,
                                        const cudaLaunchAttributeValue* value) {
  return set(per_thread(stream), id, value);
}

cudaError_t cudaStreamCopyAttributes(cudaStream_t to, cudaStream_t from) {
  return copy(legacy(to), legacy(from));
}
cudaError_t cudaStreamCopyAttributes_ptsz(cudaStream_t to, cudaStream_t from) {
  return copy(per_thread(to), per_thread(from));
}

}  // extern "C"
