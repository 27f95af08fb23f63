#include "runtime/capture.hpp"

#include <algorithm>
#include <atomic>
#include <string>
#include <unordered_set>

#include "runtime/scheduler.hpp"

namespace ptxvm::runtime {
namespace {

// The captures in progress; nearly always none, which is told without the lock.
struct Running {
  std::mutex mutex;
  std::vector<std::shared_ptr<Capture>> captures;
  std::atomic<int> count{0};
  std::atomic<int> blocking_streams{0};
  std::uint64_t next_id = 1;
};
Running& running() {
  static Running* const only = new Running;
  return *only;
}

void append(Capture::Tail& tail, const Capture::Tail& more) {
  for (Node* node : more)
    if (std::find(tail.begin(), tail.end(), node) == tail.end()) tail.push_back(node);
}

}  // namespace

void Capture::begin(const std::shared_ptr<Stream>& stream, cudaStreamCaptureMode mode,
                    std::shared_ptr<Graph> into, Tail after) {
  if (stream == Scheduler::instance().legacy())
    refuse(cudaErrorStreamCaptureUnsupported, "the legacy stream cannot be captured");
  if (stream->capture != nullptr) refuse(cudaErrorIllegalState, "the stream is being captured already");
  if (into != nullptr && into->capturing)
    refuse(cudaErrorIllegalState, "another stream is being captured into the graph");
  auto capture = std::make_shared<Capture>();
  capture->lent_ = into != nullptr;
  capture->graph_ = capture->lent_ ? std::move(into) : std::make_shared<Graph>();
  capture->graph_->capturing = true;
  if (!capture->lent_) publish(capture->graph_);
  capture->mode_ = mode;
  capture->thread_ = std::this_thread::get_id();
  capture->enter(stream);
  capture->tails_[stream.get()] = std::move(after);
  const std::lock_guard lock(running().mutex);
  capture->id_ = running().next_id++;
  running().captures.push_back(std::move(capture));
  running().count++;
}

cudaGraph_t Capture::end(const std::shared_ptr<Stream>& stream) {
  const std::shared_ptr<Capture> capture = stream->capture;
  if (capture == nullptr) refuse(cudaErrorIllegalState, "the stream is not being captured");
  if (stream != capture->streams_.front()) {
    capture->invalidate();
    refuse(cudaErrorStreamCaptureUnmatched, "the capture began in another stream");
  }
  if (capture->mode_ != cudaStreamCaptureModeRelaxed && capture->thread_ != std::this_thread::get_id())
    refuse(cudaErrorStreamCaptureWrongThread, "the capture began in another thread");
  const bool valid = capture->valid();
  const bool joined = capture->joined();
  capture->leave();
  if ((!valid || !joined) && !capture->lent_) Graphs::instance().remove(capture->graph_->handle);
  if (!valid) refuse(cudaErrorStreamCaptureInvalidated, "the capture was broken by an earlier call");
  if (!joined)
    refuse(cudaErrorStreamCaptureUnjoined, "the capture's first stream does not wait for all others");
  return capture->graph_->handle;
}

void Capture::check_valid() const {
  if (!valid_) refuse(cudaErrorStreamCaptureInvalidated, "the capture was broken by an earlier call");
}

void Capture::add(const std::shared_ptr<Stream>& stream, Work work) {
  const std::lock_guard lock(mutex_);
  check_valid();
  Tail& tail = tails_[stream.get()];
  tail = {graph_->add(std::move(work), tail)};
}

void Capture::add_child(const std::shared_ptr<Stream>& stream, const Graph& graph) {
  const std::lock_guard lock(mutex_);
  check_valid();
  Tail& tail = tails_[stream.get()];
  tail = {graph_->add_child(graph, tail)};
}

Capture::Tail Capture::tail(const std::shared_ptr<Stream>& stream) {
  const std::lock_guard lock(mutex_);
  return tails_[stream.get()];
}

void Capture::set_tail(const std::shared_ptr<Stream>& stream, Tail nodes, bool keep_old) {
  const std::lock_guard lock(mutex_);
  check_valid();
  Tail& tail = tails_[stream.get()];
  if (!keep_old) tail.clear();
  append(tail, nodes);
}

void Capture::wait(const std::shared_ptr<Stream>& stream, const Tail& nodes) {
  const std::lock_guard lock(mutex_);
  if (ended_) refuse(cudaErrorCapturedEvent, "the event was recorded in a capture that has ended");
  if (stream->capture == nullptr) enter(stream);
  append(tails_[stream.get()], nodes);
}

void Capture::enter(const std::shared_ptr<Stream>& stream) {
  stream->capture = shared_from_this();
  streams_.push_back(stream);
  if (stream->blocking()) running().blocking_streams++;
}

bool Capture::forbids_here() const {
  const cudaStreamCaptureMode here = thread_capture_mode();
  if (here == cudaStreamCaptureModeRelaxed) return false;
  if (thread_ == std::this_thread::get_id()) return mode_ != cudaStreamCaptureModeRelaxed;
  return mode_ == cudaStreamCaptureModeGlobal && here == cudaStreamCaptureModeGlobal;
}

void Capture::invalidate() {
  const std::lock_guard lock(mutex_);
  valid_ = false;
}

bool Capture::valid() {
  const std::lock_guard lock(mutex_);
  return valid_;
}

// Whether the first stream has come, by way of others or not, after what every stream recorded last.
bool Capture::joined() {
  const std::lock_guard lock(mutex_);
  Tail left = tails_[streams_.front().get()];
  std::unordered_set<const Node*> reached(left.begin(), left.end());
  while (!left.empty()) {
    const Node* node = left.back();
    left.pop_back();
    for (Node* before : node->after)
      if (reached.insert(before).second) left.push_back(before);
  }
  for (const auto& [stream, tail] : tails_)
    for (const Node* node : tail)
      if (reached.count(node) == 0) return false;
  return true;
}

void Capture::leave() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  graph_->capturing = false;
  for (const auto& stream : streams_) {
    stream->capture = nullptr;
    if (stream->blocking()) running().blocking_streams--;
  }
  const std::lock_guard list(running().mutex);
  auto& all = running().captures;
  all.erase(std::remove(all.begin(), all.end(), shared_from_this()), all.end());
  running().count--;
}

cudaStreamCaptureMode& thread_capture_mode() {
  thread_local cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  return mode;
}

void refuse_during_capture(const char* call) {
  if (running().count == 0) return;
  const std::lock_guard lock(running().mutex);
  for (const auto& capture : running().captures) {
    if (capture->forbids_here()) {
      capture->invalidate();
      refuse(cudaErrorStreamCaptureUnsupported, std::string(call) + " while a stream is being captured");
    }
  }
}

void refuse_implicit_capture() {
  if (running().blocking_streams == 0) return;
  const std::lock_guard lock(running().mutex);
  for (const auto& capture : running().captures) capture->invalidate();
  refuse(cudaErrorStreamCaptureImplicit, "the legacy stream would wait for a stream that is being captured");
}

}  // namespace ptxvm::runtime
