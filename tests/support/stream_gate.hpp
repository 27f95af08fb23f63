// Holds a stream of device work back for as long as a test needs it.
#pragma once

#include <cuda_runtime_api.h>

#include <atomic>
#include <thread>

#include "recur/memory.hpp"
#include "tests/support/guarded_buffer.hpp"

namespace recur::test {

// Holds a stream back until it is opened, at the latest when it goes out of scope.
class Gate {
 public:
  explicit Gate(cudaStream_t stream) {
    const auto wait = [](void* open) {
      while (!static_cast<std::atomic<bool>*>(open)->load()) std::this_thread::yield();
    };
    check_cuda(cudaLaunchHostFunc(stream, wait, &open_), "cudaLaunchHostFunc");
  }
  Gate(const Gate&) = delete;
  ~Gate() { open(); }
  void open() { open_ = true; }

 private:
  std::atomic<bool> open_{false};
};

}  // namespace recur::test
