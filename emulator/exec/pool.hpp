// The worker threads on which grids run.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace ptxvm::exec {

// The caller is worker 0; the others wait for work between launches.
class Pool {
 public:
  static Pool& instance();
  unsigned size() const { return unsigned(threads_.size()) + 1; }
  // Runs work(number) on the caller and on so many of the others, to the end of all.
  void run(const std::function<void(unsigned)>& work, unsigned helpers);

 private:
  explicit Pool(unsigned workers);
  void loop(unsigned number);

  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable start_, done_;
  const std::function<void(unsigned)>* work_ = nullptr;
  unsigned wanted_ = 0, busy_ = 0;
  std::uint64_t round_ = 0;
};

}  // namespace ptxvm::exec
