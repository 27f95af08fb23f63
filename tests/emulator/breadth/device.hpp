// Buffers of the device and sequences of numbers that the tests of others' code share.
#pragma once

#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

namespace breadth {

template <class T>
class Device {  // an array on the device
 public:
  explicit Device(std::size_t count) : count_(count) {
    if (count) EXPECT_EQ(cudaMalloc(reinterpret_cast<void**>(&data_), count * sizeof(T)), cudaSuccess);
  }
  explicit Device(const std::vector<T>& values) : Device(values.size()) { set(values); }
  ~Device() { cudaFree(data_); }
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  operator T*() const { return data_; }
  T* get() const { return data_; }
  std::size_t size() const { return count_; }
  void set(const std::vector<T>& values) {
    if (values.empty()) return;
    EXPECT_EQ(cudaMemcpy(data_, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice), cudaSuccess);
  }
  std::vector<T> read() const {
    std::vector<T> values(count_);
    // Waits for the kernel: its fault is told here.
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess) << cudaGetErrorString(cudaGetLastError());
    if (count_) EXPECT_EQ(cudaMemcpy(values.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost), cudaSuccess);
    return values;
  }
  T first() const { return read().at(0); }

 private:
  std::size_t count_;
  T* data_ = nullptr;
};

// Small whole numbers, so that sums are exact in every type and equal keys are many.
template <class T>
std::vector<T> whole_numbers(std::size_t count, int low, int high, unsigned seed = 1) {
  std::mt19937 random(seed * 7919 + unsigned(count));
  std::vector<T> values(count);
  for (T& v : values) v = T(low + int(random() % unsigned(high - low + 1)));
  return values;
}

// Every bit pattern of an integer type; finite numbers of both signs and all magnitudes of a floating one.
template <class T>
std::vector<T> any_numbers(std::size_t count, unsigned seed = 1) {
  std::mt19937_64 random(seed * 104729 + count);
  std::vector<T> values(count);
  for (T& v : values) {
    const std::uint64_t bits = random();
    if constexpr (std::is_floating_point_v<T>)
      v = T(double(std::int64_t(bits)) / double(std::uint64_t{1} << (bits >> 7 & 62)));
    else
      v = T(bits);
  }
  return values;
}

// Calls a CUB algorithm twice, as its interface asks: for the size of its temporary storage, then to run.
template <class Call>
void with_storage(Call call) {
  std::size_t bytes = 0;
  ASSERT_EQ(call(nullptr, bytes), cudaSuccess);
  Device<char> storage(bytes ? bytes : 1);
  ASSERT_EQ(call(static_cast<void*>(storage.get()), bytes), cudaSuccess);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess) << cudaGetErrorString(cudaGetLastError());
}

}  // namespace breadth
