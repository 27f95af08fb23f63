#include <cuda_runtime_api.h>

#include "runtime/enqueue.hpp"
#include "runtime/event.hpp"

namespace ptxvm::runtime {

Events& Events::instance() {
  static Events* const only = new Events;
  return *only;
}

cudaEvent_t Events::create(unsigned flags) {
  const std::lock_guard lock(mutex_);
  const auto handle = reinterpret_cast<cudaEvent_t>(next_ += 16);  // never used twice
  events_[handle].flags = flags;
  return handle;
}

void Events::destroy(cudaEvent_t handle) {
  const std::lock_guard lock(mutex_);
  if (events_.erase(handle) == 0) refuse(cudaErrorInvalidResourceHandle, "there is no such event");
}

void Events::destroy_all() {
  const std::lock_guard lock(mutex_);
  events_.clear();
}

Event Events::get(cudaEvent_t handle) {
  const std::lock_guard lock(mutex_);
  const auto found = events_.find(handle);
  if (found == events_.end()) refuse(cudaErrorInvalidResourceHandle, "there is no such event");
  return found->second;
}

void Events::set(cudaEvent_t handle, Event event) {
  const std::lock_guard lock(mutex_);
  events_[handle] = std::move(event);
}

void record_event(cudaEvent_t handle, cudaStream_t stream) {
  Event event = Events::instance().get(handle);
  const auto target = Scheduler::instance().find(stream);
  event.capture = target->capture;
  if (event.capture != nullptr) {
    event.nodes = event.capture->tail(target);
    event.moment = {};
    event.stamp = nullptr;
  } else {
    event.stamp = std::make_shared<Stamp>();
    event.moment = enqueue(stream, event.stamp);
  }
  Events::instance().set(handle, std::move(event));
}

void check_untimed(cudaEvent_t handle) {
  if ((Events::instance().get(handle).flags & cudaEventDisableTiming) == 0)
    refuse(cudaErrorInvalidValue, "a launch records only events made with cudaEventDisableTiming");
}

namespace {

cudaError_t record(cudaEvent_t handle, cudaStream_t stream, unsigned flags) {
  return guarded([&] {
    if (flags != cudaEventRecordDefault)
      refuse(cudaErrorNotSupported, "cudaEventRecordWithFlags: external event nodes are not emulated");
    record_event(handle, stream);
    return cudaSuccess;
  });
}

void wait_captured(const std::shared_ptr<Stream>& stream, const Event& event) {
  if (stream == Scheduler::instance().legacy())
    refuse(cudaErrorStreamCaptureImplicit, "the legacy stream cannot join a capture");
  if (stream->capture != nullptr && stream->capture != event.capture) {
    stream->capture->invalidate();
    event.capture->invalidate();
    refuse(cudaErrorStreamCaptureMerge, "the event and the stream belong to different captures");
  }
  event.capture->wait(stream, event.nodes);
}

// The host cannot ask for what only a graph will reach.
Event recorded(cudaEvent_t handle) {
  Event event = Events::instance().get(handle);
  if (event.capture != nullptr) {
    event.capture->invalidate();
    refuse(cudaErrorCapturedEvent, "the event was last recorded in a captured stream");
  }
  return event;
}

cudaError_t wait_event(cudaStream_t stream, cudaEvent_t handle, unsigned flags) {
  return guarded([&] {
    if (flags != cudaEventWaitDefault)
      refuse(cudaErrorNotSupported, "cudaStreamWaitEvent: external event nodes are not emulated");
    const Event event = Events::instance().get(handle);
    if (event.capture != nullptr) {
      wait_captured(Scheduler::instance().find(stream), event);
    } else if (event.moment.stream != nullptr) {
      enqueue_wait(stream, event.moment);
    }
    return cudaSuccess;
  });
}

}  // namespace
}  // namespace ptxvm::runtime

using namespace ptxvm::runtime;

extern "C" {

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* out, unsigned flags) {
  return guarded([&] {
    constexpr unsigned known = cudaEventBlockingSync | cudaEventDisableTiming;
    if (out == nullptr) return cudaErrorInvalidValue;
    if ((flags & cudaEventInterprocess) != 0) refuse(cudaErrorNotSupported, "events between processes");
    if ((flags & ~known) != 0) return cudaErrorInvalidValue;
    *out = Events::instance().create(flags);
    return cudaSuccess;
  });
}

cudaError_t cudaEventCreate(cudaEvent_t* out) { return cudaEventCreateWithFlags(out, cudaEventDefault); }

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return guarded([&] {
    Events::instance().destroy(event);
    return cudaSuccess;
  });
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return record(event, legacy(stream), 0);
}
cudaError_t cudaEventRecord_ptsz(cudaEvent_t event, cudaStream_t stream) {
  return record(event, per_thread(stream), 0);
}

cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned flags) {
  return record(event, legacy(stream), flags);
}
cudaError_t cudaEventRecordWithFlags_ptsz(cudaEvent_t event, cudaStream_t stream, unsigned flags) {
  return record(event, per_thread(stream), flags);
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags) {
  return wait_event(legacy(stream), event, flags);
}
cudaError_t cudaStreamWaitEvent_ptsz(cudaStream_t stream, cudaEvent_t event, unsigned flags) {
  return wait_event(per_thread(stream), event, flags);
}

cudaError_t cudaEventQuery(cudaEvent_t handle) {
  return guarded([&] {
    const Event event = recorded(handle);
    if (event.moment.stream == nullptr) return cudaSuccess;
    return Scheduler::instance().done({event.moment}) ? sticky_error() : cudaErrorNotReady;
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t handle) {
  return guarded([&] {
    const Event event = recorded(handle);
    if (event.moment.stream == nullptr) return cudaSuccess;
    return wait_for({event.moment});
  });
}

cudaError_t cudaEventElapsedTime(float* out, cudaEvent_t start, cudaEvent_t end) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    const Event a = recorded(start), b = recorded(end);
    if (a.stamp == nullptr || b.stamp == nullptr || ((a.flags | b.flags) & cudaEventDisableTiming) != 0)
      return cudaErrorInvalidResourceHandle;
    if (!a.moment.reached() || !b.moment.reached()) return cudaErrorNotReady;
    *out = std::chrono::duration<float, std::milli>(b.stamp->time.load() - a.stamp->time.load()).count();
    return cudaSuccess;
  });
}

}  // extern "C"
