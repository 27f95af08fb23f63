#include "runtime/enqueue.hpp"

namespace ptxvm::runtime {

void refuse_capture(const std::shared_ptr<Stream>& stream, const char* what) {
  if (stream->capture != nullptr)
    refuse(cudaErrorStreamCaptureUnsupported, std::string(what) + ": the stream is being captured");
}

Moment enqueue(cudaStream_t handle, Work work) {
  Operation operation;
  operation.work = std::move(work);
  Scheduler& scheduler = Scheduler::instance();
  return scheduler.submit(scheduler.find(handle), std::move(operation));
}

void enqueue_wait(cudaStream_t handle, const Moment& moment) {
  Operation operation;
  operation.waits.push_back(moment);
  Scheduler& scheduler = Scheduler::instance();
  scheduler.submit(scheduler.find(handle), std::move(operation));
}

void enqueue_and_wait(cudaStream_t handle, Work work) {
  Scheduler& scheduler = Scheduler::instance();
  const auto stream = scheduler.find(handle);
  refuse_capture(stream, "a call that waits");
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

cudaError_t wait_for_device() { return wait_for(Scheduler::instance().tails()); }

}  // namespace ptxvm::runtime
