// Device memory between two guard zones: what writes before its first or after its last byte is found out.
#pragma once

#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace recur::test {

inline void check_cuda(cudaError_t error, const char* what) {
  if (error != cudaSuccess) throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(error));
}

// The data begins `offset` elements after a multiple of 256 bytes and is filled with bytes of 0xFF: NaN as
// float, so that a read of what nobody wrote shows.
template <class T>
class GuardedBuffer {
 public:
  explicit GuardedBuffer(size_t count, size_t offset = 0)
      : count_(count), before_(guard + offset * sizeof(T)), total_(before_ + count * sizeof(T) + guard) {
    check_cuda(cudaMalloc(&base_, total_), "cudaMalloc");
    check_cuda(cudaMemset(base_, canary, total_), "cudaMemset");
    if (count_ > 0) check_cuda(cudaMemset(get(), 0xFF, bytes()), "cudaMemset");
    check_cuda(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
  }
  explicit GuardedBuffer(const std::vector<T>& values, size_t offset = 0)
      : GuardedBuffer(values.size(), offset) {
    upload(values);
  }
  GuardedBuffer(GuardedBuffer&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)),
        count_(other.count_),
        before_(other.before_),
        total_(other.total_) {}
  GuardedBuffer& operator=(GuardedBuffer&&) = delete;
  ~GuardedBuffer() { cudaFree(base_); }

  T* get() const { return reinterpret_cast<T*>(static_cast<unsigned char*>(base_) + before_); }
  size_t size() const { return count_; }
  size_t bytes() const { return count_ * sizeof(T); }

  void upload(const std::vector<T>& values) {
    if (values.size() != count_) throw std::runtime_error("upload of another size");
    if (count_ > 0) {
      check_cuda(cudaMemcpy(get(), values.data(), bytes(), cudaMemcpyHostToDevice),
                 "cudaMemcpy to the device");
      check_cuda(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
    }
  }

  // After everything enqueued on any stream.
  std::vector<T> download() const {
    check_cuda(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
    std::vector<T> values(count_);
    if (count_ > 0) {
      check_cuda(cudaMemcpy(values.data(), get(), bytes(), cudaMemcpyDeviceToHost), "cudaMemcpy to the host");
    }
    return values;
  }

  // "" if both guard zones are whole, else the nearest damage: "byte 4 after the end was overwritten".
  std::string damage() const {
    check_cuda(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
    std::vector<unsigned char> all(total_);
    check_cuda(cudaMemcpy(all.data(), base_, total_, cudaMemcpyDeviceToHost), "cudaMemcpy to the host");
    for (size_t k = 0; k < before_; ++k) {
      if (all[before_ - 1 - k] != canary)
        return "byte " + std::to_string(k + 1) + " before the start was overwritten";
    }
    for (size_t k = before_ + bytes(); k < total_; ++k) {
      if (all[k] != canary) {
        return "byte " + std::to_string(k - before_ - bytes() + 1) + " after the end was overwritten";
      }
    }
    return "";
  }

 private:
  static constexpr size_t guard = 256;
  static constexpr unsigned char canary = 0xC5;

  void* base_ = nullptr;
  size_t count_;
  size_t before_;  // bytes from the allocation's start to the data
  size_t total_;
};

}  // namespace recur::test
