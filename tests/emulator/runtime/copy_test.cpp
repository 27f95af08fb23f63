#include <numeric>
#include <vector>

#include "fixture.hpp"

namespace {

using CopyApi = Runtime;

TEST_F(CopyApi, RoundTrip) {
  std::vector<int> h(1000), back(1000);
  std::iota(h.begin(), h.end(), 1);
  void *a = device(4000), *b = device(4000);
  CUDA(cudaMemcpy(a, h.data(), 4000, cudaMemcpyHostToDevice));
  CUDA(cudaMemcpy(b, a, 4000, cudaMemcpyDeviceToDevice));
  CUDA(cudaMemcpy(back.data(), b, 4000, cudaMemcpyDefault));
  EXPECT_EQ(h, back);
}

TEST_F(CopyApi, RectanglesAndFills) {
  void* d = device(8 * 16);
  CUDA(cudaMemset(d, 0x11, 8 * 16));
  CUDA(cudaMemset2D(static_cast<char*>(d) + 16, 16, 0x22, 4, 3));
  std::vector<unsigned char> h(8 * 8, 0);
  CUDA(cudaMemcpy2D(h.data(), 8, d, 16, 8, 8, cudaMemcpyDeviceToHost));
  for (int row = 0; row < 8; row++)
    for (int column = 0; column < 8; column++)
      EXPECT_EQ(h[row * 8 + column], row >= 1 && row < 4 && column < 4 ? 0x22 : 0x11) << row << " " << column;
  EXPECT_EQ(cudaMemcpy2D(h.data(), 4, d, 16, 8, 8, cudaMemcpyDeviceToHost), cudaErrorInvalidPitchValue);
  EXPECT_EQ(cudaMemset2D(d, 16, 0, 17, 1), cudaErrorInvalidPitchValue);
  EXPECT_EQ(cudaMemset2D(d, 16, 0, 16, 9), cudaErrorInvalidValue) << "a row too many";
}

TEST_F(CopyApi, WrongKindsAreRefused) {
  void *d = device(8), *e = device(8);
  int h[2] = {}, g[2] = {};
  EXPECT_EQ(cudaMemcpy(d, h, 8, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(h, d, 8, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(d, h, 8, cudaMemcpyDeviceToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(d, e, 8, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(h, d, 8, cudaMemcpyHostToHost), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(h, d, 8, static_cast<cudaMemcpyKind>(7)), cudaErrorInvalidMemcpyDirection);
  EXPECT_EQ(cudaMemcpy(h, g, 8, cudaMemcpyHostToHost), cudaSuccess);
  EXPECT_EQ(cudaMemset(h, 0, 8), cudaErrorInvalidValue);
  int* p = pinned<int>(2);
  EXPECT_EQ(cudaMemcpy(d, p, 8, cudaMemcpyHostToDevice), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(p, h, 8, cudaMemcpyHostToDevice), cudaSuccess) << "pinned memory is the device's too";
}

TEST_F(CopyApi, RangesMustLieInALiveAllocation) {
  char* d = static_cast<char*>(device(100));
  std::vector<char> h(200);
  EXPECT_EQ(cudaMemcpy(d, h.data(), 101, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_TRUE(reported("1 byte past its end")) << ptxvm_last_report();
  EXPECT_EQ(cudaMemcpy(h.data(), d + 60, 41, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(h.data(), d - 4, 8, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  EXPECT_TRUE(reported("4 bytes before the start")) << ptxvm_last_report();
  EXPECT_EQ(cudaMemset(d, 0, 101), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemsetAsync(d, 0, 101, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(nullptr, d, 4, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(h.data(), d, 100, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(d, h.data(), 0, cudaMemcpyHostToDevice), cudaSuccess);
  CUDA(cudaFree(d));
  EXPECT_EQ(cudaMemcpy(h.data(), d, 4, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  EXPECT_TRUE(reported("freed")) << ptxvm_last_report();
}

TEST_F(CopyApi, PinnedCopiesAreAsynchronousAndPageableOnesAreNot) {
  cudaStream_t s = stream(cudaStreamNonBlocking);
  void* d = device(4);
  int* p = pinned<int>(1);
  *p = 1;
  Gate gate;
  gate.close(s);
  CUDA(cudaMemcpyAsync(d, p, 4, cudaMemcpyHostToDevice, s));
  *p = 2;  // before the copy has read it
  std::atomic<bool> returned{false};
  int h = 0;
  std::thread other([&] {
    CUDA(cudaMemcpyAsync(&h, d, 4, cudaMemcpyDeviceToHost, s));
    returned = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(returned) << "a pageable copy returns when it is done";
  gate.open();
  other.join();
  EXPECT_EQ(h, 2);
}

}  // namespace
