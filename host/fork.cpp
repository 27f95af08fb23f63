#include "fork.hpp"

#include "check.hpp"

namespace recur {
namespace {

constexpr int kStepsOfAPiece = 2048;

constexpr unsigned long long kNoCapture = 0, kInvalidated = ~0ull;

unsigned long long capture_of(cudaStream_t stream) {
  if (stream == nullptr) return kNoCapture;  // the legacy stream cannot be captured
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  unsigned long long id = 0;
  RECUR_CUDA(cudaStreamGetCaptureInfo(stream, &status, &id));
  if (status == cudaStreamCaptureStatusNone) return kNoCapture;
  return status == cudaStreamCaptureStatusActive ? id : kInvalidated;
}

}  // namespace

Fork::Fork(int events) {
  if (events == 0) return;
  try {
    sides_.resize(kSides);
    for (cudaStream_t& side : sides_) RECUR_CUDA(cudaStreamCreateWithFlags(&side, cudaStreamNonBlocking));
    events_.resize(static_cast<size_t>(kSides + 1 + events));
    for (cudaEvent_t& event : events_) RECUR_CUDA(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  } catch (...) {
    destroy();
    throw;
  }
}

Fork::~Fork() { destroy(); }

void Fork::destroy() {
  for (cudaStream_t side : sides_)
    if (side != nullptr) cudaStreamDestroy(side);
  for (cudaEvent_t event : events_)
    if (event != nullptr) cudaEventDestroy(event);
}

ForkedCall::ForkedCall(const Fork& fork, recur_stream caller, std::function<void()> cut)
    : fork_(fork), caller_(caller), cut_(std::move(cut)) {
  if (fork.sides_.empty() || cut_) return;
  lock_ = std::unique_lock<std::mutex>(fork.mutex_);
  const unsigned long long own = capture_of(caller);
  if (own == kInvalidated) throw Failure(RECUR_CUDA_ERROR, "stream is in a capture that was invalidated");
  for (cudaStream_t side : fork.sides_) {
    const unsigned long long other = capture_of(side);
    if (other != kNoCapture && other != own) return;
  }
  serial_ = false;
}

ForkedCall::~ForkedCall() {
  if (forked_ && wait_for_sides() != cudaSuccess) cudaGetLastError();  // the failure that led here is the one told
}

cudaError_t ForkedCall::wait_for_sides() const {
  cudaError_t first = cudaSuccess;
  for (int k = 0; k < Fork::kSides; ++k) {
    cudaError_t error = cudaEventRecord(fork_.events_[k + 1], fork_.sides_[k]);
    if (error == cudaSuccess) error = cudaStreamWaitEvent(caller_, fork_.events_[k + 1], 0);
    if (first == cudaSuccess) first = error;
  }
  return first;
}

void ForkedCall::fork() const {
  if (serial_) return;
  forked_ = true;
  RECUR_CUDA(cudaEventRecord(fork_.events_[0], caller_));
  for (cudaStream_t side : fork_.sides_) RECUR_CUDA(cudaStreamWaitEvent(side, fork_.events_[0], 0));
}

void ForkedCall::join() const {
  if (serial_) return;
  RECUR_CUDA(wait_for_sides());
  forked_ = false;
}

void ForkedCall::record(int event, int lane) const {
  if (!serial_) RECUR_CUDA(cudaEventRecord(fork_.events_[Fork::kSides + 1 + event], stream(lane)));
}

void ForkedCall::wait(int lane, int event) const {
  if (!serial_) RECUR_CUDA(cudaStreamWaitEvent(stream(lane), fork_.events_[Fork::kSides + 1 + event], 0));
}

void ForkedCall::step_done() {
  if (!cut_ || ++steps_ < kStepsOfAPiece) return;
  steps_ = 0;
  cut_();
}

}  // namespace recur
