// Matrices in device memory with their values in fp64 beside, and how far a product of a tensor core may be off.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <type_traits>
#include <vector>

inline double uniform() {
  static std::mt19937 random(11);
  return std::uniform_real_distribution<double>(-1, 1)(random);
}

template <class T>
class Device {
 public:
  explicit Device(const std::vector<T>& values) : count_(values.size()) {
    EXPECT_EQ(cudaMalloc(&p_, count_ * sizeof(T)), cudaSuccess);
    EXPECT_EQ(cudaMemcpy(p_, values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice), cudaSuccess);
  }
  Device(const Device&) = delete;
  ~Device() { cudaFree(p_); }
  T* get() const { return p_; }
  std::vector<T> read() const {
    std::vector<T> values(count_);
    EXPECT_EQ(cudaMemcpy(values.data(), p_, count_ * sizeof(T), cudaMemcpyDeviceToHost), cudaSuccess);
    return values;
  }

 private:
  size_t count_;
  T* p_ = nullptr;
};

// Random values; lines (rows, or columns where it is not row-major) have pad elements behind them.
template <class T>
class Operand {
 public:
  Operand(int rows, int columns, bool row_major, int pad)
      : stride((row_major ? columns : rows) + pad), rows_(rows), columns_(columns), row_(row_major), device_(fill()) {}
  const int stride;
  T* device() const { return device_.get(); }
  double at(int r, int c) const { return value(values_[row_ ? r * stride + c : c * stride + r]); }
  std::vector<double> read_back() const {  // [rows, columns]
    const std::vector<T> now = device_.read();
    std::vector<double> v;
    for (int r = 0; r < rows_; ++r)
      for (int c = 0; c < columns_; ++c) v.push_back(value(now[row_ ? r * stride + c : c * stride + r]));
    return v;
  }

 private:
  static double value(T x) {
    if constexpr (std::is_same_v<T, double>) return x;
    else return double(float(x));
  }
  const std::vector<T>& fill() {
    for (int i = 0; i < (row_ ? rows_ : columns_) * stride; ++i) values_.push_back(T(uniform()));
    return values_;
  }
  int rows_, columns_;
  bool row_;
  std::vector<T> values_;
  Device<T> device_;
};

struct Size {
  int rows, columns, depth;
};

struct Exact {
  double sum = 0, magnitude = 0;
};
template <class A, class B>
Exact exact(const A& a, const B& b, int row, int column, int depth) {
  Exact e;
  for (int k = 0; k < depth; ++k) {
    e.sum += a.at(row, k) * b.at(k, column);
    e.magnitude += std::fabs(a.at(row, k) * b.at(k, column));
  }
  return e;
}

template <class Sum>
constexpr double unit = std::is_same_v<Sum, half> ? 0x1p-11 : std::is_same_v<Sum, float> ? 0x1p-24 : 0x1p-53;

// Of a sum of `steps` instructions of k terms each, relative to the sum of the terms' magnitudes: an
// instruction may cut off the k terms and the sum at 23 bits behind the largest one's point (the fewest of
// all devices), four at a time, and the sum to its type each time. fp64 is rounded at each term.
template <class Sum>
double error_of_steps(int steps, int k) {
  if (std::is_same_v<Sum, double>) return steps * k * unit<double> * 1.01;
  return steps * ((k + k / 4) * 0x1p-23 + k / 4 * 2 * unit<Sum>) * 1.01;
}
