// Device arrays, and kernels launched under each order of asynchronous copies.
#pragma once

#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "ptxvm/ptxvm.h"

namespace async_test {

template <class T>
class Array {
 public:
  explicit Array(const std::vector<T>& values) : count_(values.size()) {
    EXPECT_EQ(cudaMalloc(&data_, count_ * sizeof(T)), cudaSuccess);
    EXPECT_EQ(cudaMemcpy(data_, values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice), cudaSuccess);
  }
  explicit Array(std::size_t count) : Array(std::vector<T>(count)) {}
  ~Array() { cudaFree(data_); }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;
  operator T*() const { return data_; }
  std::vector<T> host() const {
    std::vector<T> values(count_);
    EXPECT_EQ(cudaMemcpy(values.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost), cudaSuccess);
    return values;
  }

 private:
  std::size_t count_;
  T* data_ = nullptr;
};

inline std::vector<int> numbers(std::size_t count) {
  std::vector<int> v(count);
  unsigned x = 12345;
  for (int& n : v) n = int(x = x * 1664525u + 1013904223u) >> 8;
  return v;
}

// Late, at once, drawn.
constexpr int kSeeds[] = {1, 2, 3, 11};

inline void choose(int seed) { setenv("PTXVM_SEED", std::to_string(seed).c_str(), 1); }

inline bool checks_races() {
  const char* const level = std::getenv("PTXVM_CHECK");
  return level && std::strcmp(level, "full") == 0;
}

// launch() fills `out`, which must be `wanted` under every seed.
template <class T, class Launch>
void always_gives(const std::vector<T>& wanted, Launch launch) {
  for (const int seed : kSeeds) {
    choose(seed);
    const Array<T> out(wanted.size());
    launch(static_cast<T*>(out));
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess) << ptxvm_last_report();
    ASSERT_EQ(out.host(), wanted) << "seed " << seed;
  }
  unsetenv("PTXVM_SEED");
}

// A program that misses a wait: right by luck if copies happen at once, wrong if late, a race by proof (after
// which the device has been reset).
template <class T, class Launch>
void is_wrong_late(const std::vector<T>& wanted, Launch launch) {
  for (const int seed : {1, 2}) {
    choose(seed);
    const Array<T> out(wanted.size());
    launch(static_cast<T*>(out));
    const cudaError_t error = cudaDeviceSynchronize();
    if (checks_races()) {
      EXPECT_NE(std::string(ptxvm_last_report()).find("race: "), std::string::npos) << ptxvm_last_report();
      cudaDeviceReset();  // what the callers hold is gone with it
      break;
    }
    ASSERT_EQ(error, cudaSuccess) << ptxvm_last_report();
    EXPECT_EQ(out.host() == wanted, seed == 2) << "seed " << seed;
  }
  unsetenv("PTXVM_SEED");
}

}  // namespace async_test
