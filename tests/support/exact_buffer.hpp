// Device memory that ends with its data, so that a memory checker finds the first access past it; and may
// begin where only its elements are aligned.
#pragma once

#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <utility>
#include <vector>

#include "tests/support/guarded_buffer.hpp"

namespace recur::test {

template <class T>
class ExactBuffer {
 public:
  // skip: elements left free before the data, so that it begins at a multiple of sizeof(T) only.
  explicit ExactBuffer(size_t count, size_t skip = 0) : count_(count), skip_(skip) {
    check_cuda(cudaMalloc(&base_, std::max<size_t>((count + skip) * sizeof(T), 1)), "cudaMalloc");
  }
  explicit ExactBuffer(const std::vector<T>& values, size_t skip = 0) : ExactBuffer(values.size(), skip) {
    upload(values);
  }
  ExactBuffer(ExactBuffer&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)), count_(other.count_), skip_(other.skip_) {}
  ExactBuffer& operator=(ExactBuffer&&) = delete;
  ~ExactBuffer() { cudaFree(base_); }

  T* get() const { return static_cast<T*>(base_) + skip_; }
  size_t size() const { return count_; }
  size_t bytes() const { return count_ * sizeof(T); }

  void upload(const std::vector<T>& values) {
    if (values.size() != count_) throw std::runtime_error("upload of another size");
    if (count_ > 0)
      check_cuda(cudaMemcpy(get(), values.data(), bytes(), cudaMemcpyHostToDevice), "cudaMemcpy");
    check_cuda(cudaDeviceSynchronize(), "cudaDeviceSynchronize");  // the copy may still be under way
  }
  // After everything enqueued on any stream.
  std::vector<T> download() const {
    std::vector<T> values(count_);
    check_cuda(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
    if (count_ > 0)
      check_cuda(cudaMemcpy(values.data(), get(), bytes(), cudaMemcpyDeviceToHost), "cudaMemcpy");
    return values;
  }

 private:
  void* base_ = nullptr;
  size_t count_;
  size_t skip_;
};

}  // namespace recur::test
