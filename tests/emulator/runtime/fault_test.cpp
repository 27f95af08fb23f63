// A broken device stays broken until it is reset.
#include <cstdlib>

#include "fixture.hpp"

namespace {

class FaultApi : public Runtime {
 protected:
  // A copy that is in order when it is queued, and meets freed memory when its turn comes.
  void queue_a_fault(cudaStream_t s) {
    int* p = pinned<int>(1);
    void* d = nullptr;
    Gate gate;
    gate.close(s);
    CUDA(cudaMallocAsync(&d, 4, s));
    CUDA(cudaFreeAsync(d, s));
    CUDA(cudaMemcpyAsync(p, d, 4, cudaMemcpyDeviceToHost, s));
    gate.open();
  }
};

TEST_F(FaultApi, IsStickyAndNamed) {
  cudaStream_t s = stream();
  queue_a_fault(s);
  EXPECT_EQ(cudaStreamSynchronize(s), cudaErrorIllegalAddress);
  EXPECT_TRUE(reported("which has been freed")) << ptxvm_last_report();
  void* d = nullptr;
  EXPECT_EQ(cudaMalloc(&d, 4), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaGetLastError(), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaGetLastError(), cudaErrorIllegalAddress) << "reading it does not mend the device";
  EXPECT_EQ(cudaPeekAtLastError(), cudaErrorIllegalAddress);
  CUDA(cudaDeviceReset());
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  CUDA(cudaMalloc(&d, 4));
}

TEST_F(FaultApi, NothingIsDoneAfterIt) {
  cudaStream_t s = stream();
  bool called = false;
  queue_a_fault(s);
  CUDA(cudaLaunchHostFunc(
      s, [](void* c) { *static_cast<bool*>(c) = true; }, &called));
  cudaError_t told = cudaSuccess;
  CUDA(cudaStreamAddCallback(
      s, [](cudaStream_t, cudaError_t status, void* out) { *static_cast<cudaError_t*>(out) = status; }, &told,
      0));
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
  EXPECT_FALSE(called);
  EXPECT_EQ(told, cudaErrorIllegalAddress);
}

TEST_F(FaultApi, CallbacksLearnOfSuccess) {
  cudaStream_t s = stream();
  std::pair<cudaStream_t, cudaError_t> told{nullptr, cudaErrorUnknown};
  CUDA(cudaStreamAddCallback(
      s,
      [](cudaStream_t in, cudaError_t status, void* out) {
        *static_cast<std::pair<cudaStream_t, cudaError_t>*>(out) = {in, status};
      },
      &told, 0));
  CUDA(cudaStreamSynchronize(s));
  EXPECT_EQ(told.first, s);
  EXPECT_EQ(told.second, cudaSuccess);
}

TEST_F(FaultApi, ErrorsAreOfTheThread) {
  EXPECT_EQ(cudaMalloc(nullptr, 1), cudaErrorInvalidValue);
  std::thread([] { EXPECT_EQ(cudaGetLastError(), cudaSuccess); }).join();
  EXPECT_EQ(cudaPeekAtLastError(), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
  EXPECT_EQ(cudaPeekAtLastError(), cudaSuccess);
}

TEST_F(FaultApi, CodesHaveNames) {
  EXPECT_STREQ(cudaGetErrorName(cudaErrorIllegalAddress), "cudaErrorIllegalAddress");
  EXPECT_STREQ(cudaGetErrorString(cudaErrorIllegalAddress), "an illegal memory access was encountered");
  EXPECT_STREQ(cudaGetErrorName(cudaSuccess), "cudaSuccess");
  EXPECT_STREQ(cudaGetErrorString(static_cast<cudaError_t>(12345)), "unrecognized error code");
}

TEST_F(FaultApi, TheDeviceIsAsked) {
  int count = 0, value = 0;
  CUDA(cudaGetDeviceCount(&count));
  EXPECT_EQ(count, 1);
  EXPECT_EQ(cudaSetDevice(1), cudaErrorInvalidDevice);
  CUDA(cudaDeviceGetAttribute(&value, cudaDevAttrWarpSize, 0));
  EXPECT_EQ(value, 32);
  EXPECT_EQ(cudaDeviceGetAttribute(&value, static_cast<cudaDeviceAttr>(9999), 0), cudaErrorInvalidValue);
  std::size_t limit = 0;
  CUDA(cudaDeviceSetLimit(cudaLimitPrintfFifoSize, 12345));
  CUDA(cudaDeviceGetLimit(&limit, cudaLimitPrintfFifoSize));
  EXPECT_EQ(limit, 12345u);
  EXPECT_EQ(cudaDeviceSetLimit(cudaLimitPersistingL2CacheSize, 1), cudaErrorUnsupportedLimit);
  CUDA(cudaRuntimeGetVersion(&value));
  EXPECT_EQ(value, CUDART_VERSION);
}

}  // namespace
