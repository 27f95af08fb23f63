#include "runtime/enqueue.hpp"

#include "runtime/capture.hpp"

namespace ptxvm::runtime {

void refuse_capture(const std::shared_ptr<Stream>& stream, const char* what) {
  if (stream->capture == nullptr) return;
  stream->capture->invalidate();
  refuse(cudaErrorStreamCaptureUnsupported, std::string(what) + ": the stream is being captured");
}

namespace {

void check_legacy(const std::shared_ptr<Stream>& stream) {
  if (stream == Scheduler::instance().legacy()) refuse_implicit_capture();
}

}  // namespace

Moment enqueue(cudaStream_t handle, Work work, std::optional<int> priority) {
  Scheduler& scheduler = Scheduler::instance();
  const auto stream = scheduler.find(handle);
  if (stream->capture != nullptr) {
    stream->capture->add(stream, std::move(work));
    return {};
  }
  check_legacy(stream);
  Operation operation;
  operation.work = std::move(work);
  operation.priority = priority;
  return scheduler.submit(stream, std::move(operation));
}

void enqueue_wait(cudaStream_t handle, const Moment& moment) {
  Scheduler& scheduler = Scheduler::instance();
  const auto stream = scheduler.find(handle);
  if (stream->capture != nullptr) {
    stream->capture->invalidate();
    refuse(cudaErrorStreamCaptureIsolation,
           "a captured stream cannot wait for an event that is not captured");
  }
  check_legacy(stream);
  Operation operation;
  operation.waits.push_back(moment);
  scheduler.submit(stream, std::move(operation));
}

void enqueue_and_wait(cudaStream_t handle, Work work) {
  Scheduler& scheduler = Scheduler::instance();
  const auto stream = scheduler.find(handle);
  refuse_capture(stream, "a call that waits");
  check_legacy(stream);
  Operation operation;
  operation.work = std::move(work);
  counters().synchronisations++;
  scheduler.wait(scheduler.submit(stream, std::move(operation)));
}

cudaError_t wait_for(const std::vector<Moment>& moments) {
  counters().synchronisations++;
  Scheduler::instance().wait(moments);
  return sticky_error();
}

cudaError_t wait_for_device() {
  refuse_during_capture("a wait for the device");
  return wait_for(Scheduler::instance().tails());
}

}  // namespace ptxvm::runtime
