// A launch and what the checker says of it.
#pragma once

#include <cuda_runtime.h>
#include <gtest/gtest.h>
#include <ptxvm/ptxvm.h>

#include <string>
#include <vector>

namespace check_test {

// Device memory of zeros.
class Words {
 public:
  explicit Words(std::size_t count) {
    EXPECT_EQ(cudaMalloc(&data_, count * sizeof(unsigned)), cudaSuccess);
    EXPECT_EQ(cudaMemset(data_, 0, count * sizeof(unsigned)), cudaSuccess);
  }
  ~Words() { cudaFree(data_); }
  Words(const Words&) = delete;
  Words& operator=(const Words&) = delete;
  operator unsigned*() const { return data_; }

 private:
  unsigned* data_ = nullptr;
};

// The report of the fault; empty where all went well. The device is whole again afterwards.
inline std::string verdict() {
  const cudaError_t error = cudaDeviceSynchronize();
  if (error == cudaSuccess) return {};
  const std::string text = ptxvm_last_report();
  cudaDeviceReset();
  return text.empty() ? cudaGetErrorString(error) : text;
}

inline bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// Whether the text has every part; a failure shows it.
inline ::testing::AssertionResult tells(const std::string& text, const std::vector<std::string>& parts) {
  for (const std::string& p : parts)
    if (!says(text, p)) return ::testing::AssertionFailure() << "no \"" << p << "\" in: " << (text.empty() ? "(no fault)" : text);
  return ::testing::AssertionSuccess();
}

}  // namespace check_test
