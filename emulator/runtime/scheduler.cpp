#include "runtime/scheduler.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include "check/level.hpp"
#include "runtime/errors.hpp"
#include "support/settings.hpp"

namespace ptxvm::runtime {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t max_pending = 1024;  // the launch queue's depth: then the host waits
constexpr auto spin_time = 20us;
// Nothing is left lying longer than this. Long enough that a host thread which the system has put aside for
// a moment does not change the batches, and with them the order.
constexpr auto gather_time = 50ms;

template <class Condition>
bool spin_until(Condition&& condition) {
  const auto end = std::chrono::steady_clock::now() + spin_time;
  do {
    for (int i = 0; i < 32; i++) {
      if (condition()) return true;
      __builtin_ia32_pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return condition();
}

}  // namespace

bool Moment::reached() const { return stream->completed.load(std::memory_order_acquire) >= count; }

Scheduler& Scheduler::instance() {
  // Never destroyed: its thread may outlast static objects.
  static Scheduler* const only = new Scheduler;
  return *only;
}

Scheduler::Scheduler() : full_(check::level() == check::Level::Full), batch_sizes_(seed()), choices_(seed() + 1) {
  legacy_ = std::make_shared<Stream>();
  threshold_ = 32;
  std::atexit([] { instance().stop(); });
  std::thread([this] { run(); }).detach();
}

cudaStream_t Scheduler::create(unsigned flags, int priority) {
  auto stream = std::make_shared<Stream>();
  stream->flags = flags;
  stream->priority = priority;
  const std::lock_guard lock(mutex_);
  stream->id = ++next_id_;
  const auto handle = reinterpret_cast<cudaStream_t>(stream.get());
  streams_.emplace(handle, std::move(stream));
  return handle;
}

std::shared_ptr<Stream> Scheduler::find(cudaStream_t handle) {
  if (handle == nullptr || handle == cudaStreamLegacy) return legacy_;
  if (handle == cudaStreamPerThread) {
    thread_local std::shared_ptr<Stream> mine;
    if (mine == nullptr) {
      mine = std::make_shared<Stream>();
      const std::lock_guard lock(mutex_);
      mine->id = ++next_id_;
    }
    return mine;
  }
  const std::lock_guard lock(mutex_);
  const auto found = streams_.find(handle);
  if (found == streams_.end()) refuse(cudaErrorInvalidResourceHandle, "there is no such stream");
  return found->second;
}

void Scheduler::destroy(cudaStream_t handle) {
  const std::lock_guard lock(mutex_);
  if (streams_.erase(handle) == 0)
    refuse(cudaErrorInvalidResourceHandle, "cudaStreamDestroy: there is no such stream");
}

void Scheduler::destroy_all() {
  const std::lock_guard lock(mutex_);
  streams_.clear();
}

Moment Scheduler::submit(const std::shared_ptr<Stream>& stream, Operation operation) {
  std::unique_lock lock(mutex_);
  if (pending_ >= max_pending) {
    close_batch();
    waiters_++;
    done_.wait(lock, [this] { return pending_ < max_pending / 2 || stopping_; });
    waiters_--;
  }
  // The legacy stream and blocking streams wait for each other.
  if (stream == legacy_) {
    for (const auto& other : active_)
      if (other != legacy_ && other->blocking()) operation.waits.push_back({other, other->submitted, other->history});
  } else if (stream->blocking()) {
    const Moment before{legacy_, legacy_->submitted, legacy_->history};
    if (!before.reached()) operation.waits.push_back(before);
  }
  if (stream->submitted == stream->completed.load(std::memory_order_relaxed)) active_.push_back(stream);
  operation.sequence = ++sequence_;
  operation.number = stream->submitted + 1;
  if (full_) keep_history(stream, operation);
  stream->queue.push_back(std::move(operation));
  pending_++;
  if (sequence_ - closed_ >= threshold_) close_batch();
  return {stream, ++stream->submitted, stream->history};
}

// What comes before an operation, whatever the order in which the machine happens to do things.
void Scheduler::keep_history(const std::shared_ptr<Stream>& stream, Operation& operation) {
  check::History before = check::joined(stream->history, host_history_);
  for (const Moment& m : operation.waits) before = check::joined(before, m.history);
  if (stream == legacy_) before = check::joined(before, blocking_history_);
  else if (stream->blocking()) before = check::joined(before, legacy_->history);
  operation.before = before;
  stream->history = check::extended(before, stream->id, operation.number);
  if (stream->blocking()) blocking_history_ = check::joined(blocking_history_, stream->history);
}

void Scheduler::host_saw(const Moment& moment) {
  if (!full_) return;
  const std::lock_guard lock(mutex_);
  host_history_ = check::joined(host_history_, moment.history);
}

std::vector<Moment> Scheduler::tail(const std::shared_ptr<Stream>& stream) {
  const std::lock_guard lock(mutex_);
  std::vector<Moment> moments{{stream, stream->submitted, stream->history}};
  if (stream == legacy_) {
    for (const auto& other : active_)
      if (other->blocking()) moments.push_back({other, other->submitted, other->history});
  }
  return moments;
}

std::vector<Moment> Scheduler::tails() {
  const std::lock_guard lock(mutex_);
  std::vector<Moment> moments;
  for (const auto& stream : active_) moments.push_back({stream, stream->submitted, stream->history});
  return moments;
}

void Scheduler::close_batch() {
  if (closed_ == sequence_) return;
  closed_ = sequence_;
  limits_.push_back(closed_);
  batch_waits_.store(true, std::memory_order_release);
  threshold_ = 16 + batch_sizes_() % 48;
  if (sleeping_) work_.notify_one();
}

void Scheduler::wait(const Moment& moment) {
  await(moment);
  host_saw(moment);
}

void Scheduler::await(const Moment& moment) {
  if (moment.reached()) return;
  {
    const std::lock_guard lock(mutex_);
    close_batch();
  }
  if (spin_until([&] { return moment.reached(); })) return;
  std::unique_lock lock(mutex_);
  waiters_++;
  done_.wait(lock, [&] { return moment.reached() || stopping_; });
  waiters_--;
}

void Scheduler::wait(const std::vector<Moment>& moments) {
  for (const Moment& m : moments) wait(m);
}

bool Scheduler::done(const std::vector<Moment>& moments) {
  if (std::all_of(moments.begin(), moments.end(), [](const Moment& m) { return m.reached(); })) {
    for (const Moment& m : moments) host_saw(m);
    return true;
  }
  const std::lock_guard lock(mutex_);
  close_batch();
  return false;
}

std::shared_ptr<Stream> Scheduler::choose() {
  ready_.clear();
  for (const auto& stream : active_) {
    if (stream->queue.empty()) continue;
    const Operation& next = stream->queue.front();
    if (next.sequence > limit_) continue;
    if (std::all_of(next.waits.begin(), next.waits.end(), [](const Moment& m) { return m.reached(); }))
      ready_.push_back(stream);
  }
  if (ready_.empty()) return nullptr;
  if (ready_.size() == 1) return ready_[0];
  // The lower the number, the more urgent.
  const auto priority = [](const auto& stream) {
    return stream->queue.front().priority.value_or(stream->priority.load());
  };
  int most_urgent = priority(ready_[0]);
  for (const auto& stream : ready_) most_urgent = std::min(most_urgent, priority(stream));
  ready_.erase(
      std::remove_if(ready_.begin(), ready_.end(), [&](const auto& s) { return priority(s) > most_urgent; }),
      ready_.end());
  // In an order that does not depend on which stream last ran dry.
  std::sort(ready_.begin(), ready_.end(), [](const auto& a, const auto& b) { return a->id < b->id; });
  return ready_[choices_() % ready_.size()];
}

void Scheduler::await_batch(std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  spin_until([this] { return batch_waits_.load(std::memory_order_acquire); });
  lock.lock();
  while (limits_.empty()) {
    const std::uint64_t before = sequence_;
    sleeping_ = true;
    const bool woken = work_.wait_for(lock, gather_time, [this] { return !limits_.empty(); });
    sleeping_ = false;
    if (!woken && pending_ > 0 && before == sequence_) close_batch();
  }
  limit_ = limits_.front();
  limits_.pop_front();
  batch_waits_.store(!limits_.empty(), std::memory_order_release);
}

void Scheduler::run() {
  on_dispatcher_thread() = true;
  std::unique_lock lock(mutex_);
  for (;;) {
    const std::shared_ptr<Stream> stream = stopping_ ? nullptr : choose();
    if (stopping_) {
      work_.wait(lock, [] { return false; });
    } else if (stream == nullptr) {
      // Waits point backwards only, so that a batch always comes to its end.
      await_batch(lock);
      continue;
    }
    Operation operation = std::move(stream->queue.front());
    stream->queue.pop_front();
    executing_ = true;
    lock.unlock();
    try {
      if (full_)
        check::Operations::instance().begin(stream->id, operation.number, 0, operation.before, name_of(operation.work));
      execute(operation.work);
    } catch (const Error& e) {
      device_fault(e);
    } catch (const std::exception& e) {
      device_fault(Error(Status::LaunchFailure, e.what()));
    }
    operation.work = std::monostate{};
    lock.lock();
    executing_ = false;
    pending_--;
    const std::uint64_t completed = stream->completed.load(std::memory_order_relaxed) + 1;
    if (completed == stream->submitted) active_.erase(std::find(active_.begin(), active_.end(), stream));
    stream->completed.store(completed, std::memory_order_release);
    if (waiters_ > 0) done_.notify_all();
  }
}

void Scheduler::stop() {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  waiters_++;
  done_.wait_for(lock, 10s, [this] { return !executing_; });
  waiters_--;
  done_.notify_all();
}

}  // namespace ptxvm::runtime
