// That guard zones find what is written outside of a buffer, on either side, and nothing else.
#include "tests/support/guarded_buffer.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace recur::test {
namespace {

void write(unsigned char* where) { check_cuda(cudaMemset(where, 0x11, 1), "cudaMemset"); }

TEST(GuardedBuffer, FindsWritesOutside) {
  for (size_t offset : {0, 1, 3}) {
    GuardedBuffer<float> buffer(std::vector<float>{1, 2, 3}, offset);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.get()) % 256, offset * sizeof(float));
    unsigned char* begin = reinterpret_cast<unsigned char*>(buffer.get());
    for (size_t k = 0; k < buffer.bytes(); ++k) write(begin + k);
    EXPECT_EQ(buffer.damage(), "");
    write(begin + buffer.bytes() + 3);
    EXPECT_EQ(buffer.damage(), "byte 4 after the end was overwritten");
    write(begin - 2);
    EXPECT_EQ(buffer.damage(), "byte 2 before the start was overwritten");
  }
}

TEST(GuardedBuffer, HoldsNaNUntilWritten) {
  GuardedBuffer<float> buffer(5, 1);
  for (float value : buffer.download()) EXPECT_TRUE(std::isnan(value));
  buffer.upload({1, 2, 3, 4, 5});
  EXPECT_EQ(buffer.download(), (std::vector<float>{1, 2, 3, 4, 5}));
  EXPECT_EQ(buffer.damage(), "");
  EXPECT_THROW(buffer.upload({1}), std::runtime_error);
}

}  // namespace
}  // namespace recur::test
