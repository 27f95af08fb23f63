// What the tests of the runtime share. They see only CUDA's own functions and ptxvm.h.
#pragma once

#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <chrono>
#include <string>
#include <thread>

#include "ptxvm/ptxvm.h"

inline void check(cudaError_t error, const char* what) {
  ASSERT_EQ(error, cudaSuccess) << what << ": " << cudaGetErrorName(error) << ", " << ptxvm_last_report();
}
#define CUDA(call) check(call, #call)

// A device as new for every test.
class Runtime : public testing::Test {
 protected:
  void SetUp() override { CUDA(cudaDeviceReset()); }
  void TearDown() override { CUDA(cudaDeviceReset()); }

  static void* device(std::size_t size) {
    void* p = nullptr;
    CUDA(cudaMalloc(&p, size));
    return p;
  }
  template <class T>
  static T* pinned(std::size_t count) {
    void* p = nullptr;
    CUDA(cudaMallocHost(&p, count * sizeof(T)));
    return static_cast<T*>(p);
  }
  static cudaStream_t stream(unsigned flags = cudaStreamDefault) {
    cudaStream_t s = nullptr;
    CUDA(cudaStreamCreateWithFlags(&s, flags));
    return s;
  }
  static cudaEvent_t event(unsigned flags = cudaEventDefault) {
    cudaEvent_t e = nullptr;
    CUDA(cudaEventCreateWithFlags(&e, flags));
    return e;
  }
  static bool reported(const char* part) {
    return std::string(ptxvm_last_report()).find(part) != std::string::npos;
  }
};

// Holds a stream until it is opened.
class Gate {
 public:
  void close(cudaStream_t stream) {
    CUDA(cudaLaunchHostFunc(
        stream,
        [](void* data) {
          auto& open = *static_cast<std::atomic<bool>*>(data);
          while (!open) std::this_thread::sleep_for(std::chrono::microseconds(50));
        },
        &open_));
  }
  void open() { open_ = true; }

 private:
  // Outlives the gate, since the stream may look once more; reachable, so that it is no leak.
  static std::atomic<bool>& next() {
    static auto& all = *new std::deque<std::atomic<bool>>;
    return all.emplace_back(false);
  }
  std::atomic<bool>& open_ = next();
};
