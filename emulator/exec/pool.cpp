#include "exec/pool.hpp"

#include <algorithm>

#include "support/environment.hpp"

namespace ptxvm::exec {
namespace {

unsigned worker_count() {
  return unsigned(environment_number("PTXVM_THREADS", std::max(1u, std::thread::hardware_concurrency())));
}

}  // namespace

Pool& Pool::instance() {
  // Never destroyed, like everything here that a launch may still use while the process exits.
  static Pool* pool = new Pool(worker_count());
  return *pool;
}

Pool::Pool(unsigned workers) {
  for (unsigned k = 1; k < workers; ++k) threads_.emplace_back([this, k] { loop(k); });
}

void Pool::run(const std::function<void(unsigned)>& work, unsigned helpers) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    work_ = &work;
    wanted_ = std::min<unsigned>(helpers, unsigned(threads_.size()));
    busy_ = wanted_;
    ++round_;
  }
  if (wanted_) start_.notify_all();
  work(0);
  if (wanted_) {
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, [&] { return busy_ == 0; });
  }
}

void Pool::loop(unsigned number) {
  std::uint64_t seen = 0;
  for (;;) {
    const std::function<void(unsigned)>* work;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      start_.wait(lock, [&] { return round_ != seen; });
      seen = round_;
      if (number > wanted_) continue;
      work = work_;
    }
    (*work)(number);
    std::lock_guard<std::mutex> lock(mutex_);
    if (--busy_ == 0) done_.notify_one();
  }
}

}  // namespace ptxvm::exec
