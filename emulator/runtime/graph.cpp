#include "runtime/graph.hpp"

#include <algorithm>
#include <atomic>
#include <random>
#include <set>
#include <string>

#include "check/level.hpp"
#include "check/operations.hpp"
#include "runtime/errors.hpp"
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

}  // namespace

void Graph::run() const {
  thread_local std::mt19937_64 choices(seed() + 2);
  std::vector<std::size_t> waits(nodes.size(), 0);
  std::vector<std::vector<std::size_t>> followers(nodes.size());
  std::vector<std::size_t> ready;
  for (std::size_t i = 0; i < nodes.size(); i++) {
    waits[i] = nodes[i].after.size();
    for (const std::size_t before : nodes[i].after) followers[before].push_back(i);
    if (waits[i] == 0) ready.push_back(i);
  }
  const bool full = check::level() == check::Level::Full;
  check::Operations& operations = check::Operations::instance();
  const check::History before = full ? operations.before() : nullptr;
  std::vector<check::History> history(full ? nodes.size() : 0, before);
  while (!ready.empty()) {
    std::swap(ready[choices() % ready.size()], ready.back());
    const std::size_t next = ready.back();
    ready.pop_back();
    if (full) {
      const std::uint64_t node = operations.next_node();
      operations.begin(operations.stream(), operations.count(), node, history[next], name_of(nodes[next].work));
      history[next] = check::Operations::after_node(history[next], node);
      for (const std::size_t follower : followers[next])
        history[follower] = check::joined(history[follower], history[next]);
    }
    execute(nodes[next].work);
    for (const std::size_t follower : followers[next])
      if (--waits[follower] == 0) ready.push_back(follower);
  }
}

void Capture::begin(const std::shared_ptr<Stream>& stream, cudaStreamCaptureMode mode) {
  if (stream == Scheduler::instance().legacy())
    refuse(cudaErrorStreamCaptureUnsupported, "the legacy stream cannot be captured");
  if (stream->capture != nullptr) refuse(cudaErrorIllegalState, "the stream is being captured already");
  auto capture = std::make_shared<Capture>();
  capture->mode_ = mode;
  capture->thread_ = std::this_thread::get_id();
  capture->wait(stream, {});
  const std::lock_guard lock(running().mutex);
  capture->id_ = running().next_id++;
  running().captures.push_back(std::move(capture));
  running().count++;
}

std::shared_ptr<Graph> Capture::end(const std::shared_ptr<Stream>& stream) {
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
  if (!valid) refuse(cudaErrorStreamCaptureInvalidated, "the capture was broken by an earlier call");
  if (!joined)
    refuse(cudaErrorStreamCaptureUnjoined, "the capture's first stream does not wait for all others");
  return std::make_shared<Graph>(std::move(capture->graph_));
}

void Capture::add(const std::shared_ptr<Stream>& stream, Work work) {
  const std::lock_guard lock(mutex_);
  if (!valid_) refuse(cudaErrorStreamCaptureInvalidated, "the capture was broken by an earlier call");
  Tail& tail = tails_[stream.get()];
  graph_.nodes.push_back({std::move(work), tail});
  tail = {graph_.nodes.size() - 1};
}

Capture::Tail Capture::tail(const std::shared_ptr<Stream>& stream) {
  const std::lock_guard lock(mutex_);
  return tails_[stream.get()];
}

void Capture::wait(const std::shared_ptr<Stream>& stream, const Tail& nodes) {
  const std::lock_guard lock(mutex_);
  if (ended_) refuse(cudaErrorCapturedEvent, "the event was recorded in a capture that has ended");
  if (stream->capture == nullptr) {
    stream->capture = shared_from_this();
    streams_.push_back(stream);
    if (stream->blocking()) running().blocking_streams++;
  }
  Tail& tail = tails_[stream.get()];
  std::set<std::size_t> all(tail.begin(), tail.end());
  all.insert(nodes.begin(), nodes.end());
  tail.assign(all.begin(), all.end());
}

bool Capture::forbids_here() const {
  if (mode_ == cudaStreamCaptureModeGlobal) return true;
  return mode_ == cudaStreamCaptureModeThreadLocal && thread_ == std::this_thread::get_id();
}

void Capture::invalidate() {
  const std::lock_guard lock(mutex_);
  valid_ = false;
}

bool Capture::valid() {
  const std::lock_guard lock(mutex_);
  return valid_;
}

bool Capture::joined() {
  const std::lock_guard lock(mutex_);
  std::vector<bool> reached(graph_.nodes.size(), false);
  for (const std::size_t node : tails_[streams_.front().get()]) reached[node] = true;
  for (std::size_t i = reached.size(); i-- > 0;) {
    if (!reached[i]) return false;  // edges point backwards: whoever comes after it has been seen
    for (const std::size_t before : graph_.nodes[i].after) reached[before] = true;
  }
  return true;
}

void Capture::leave() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  for (const auto& stream : streams_) {
    stream->capture = nullptr;
    if (stream->blocking()) running().blocking_streams--;
  }
  const std::lock_guard list(running().mutex);
  auto& all = running().captures;
  all.erase(std::remove(all.begin(), all.end(), shared_from_this()), all.end());
  running().count--;
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
