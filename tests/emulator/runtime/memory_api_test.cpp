#include <cstring>
#include <vector>

#include "fixture.hpp"

namespace {

using MemoryApi = Runtime;

TEST_F(MemoryApi, FreshMemoryIsPoisoned) {
  void* d = device(100);
  std::vector<unsigned char> h(100, 1);
  CUDA(cudaMemcpy(h.data(), d, 100, cudaMemcpyDeviceToHost));
  EXPECT_EQ(h, std::vector<unsigned char>(100, 0xFF));
}

TEST_F(MemoryApi, NothingIsAllocatedForNoBytes) {
  void* d = &d;
  EXPECT_EQ(cudaMalloc(&d, 0), cudaSuccess);
  EXPECT_EQ(d, nullptr);
  EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
  EXPECT_EQ(cudaMalloc(nullptr, 4), cudaErrorInvalidValue);
}

TEST_F(MemoryApi, FreeingTwiceIsRefused) {
  void* d = device(64);
  EXPECT_EQ(cudaFree(d), cudaSuccess);
  EXPECT_EQ(cudaFree(d), cudaErrorInvalidValue);
  EXPECT_TRUE(reported("has been freed")) << ptxvm_last_report();
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess) << "not sticky";
}

TEST_F(MemoryApi, OnlyABaseOfTheRightKindIsFreed) {
  char* d = static_cast<char*>(device(64));
  int* h = pinned<int>(4);
  int local = 0;
  EXPECT_EQ(cudaFree(d + 4), cudaErrorInvalidValue);
  EXPECT_TRUE(reported("4 bytes into allocation")) << ptxvm_last_report();
  EXPECT_EQ(cudaFree(&local), cudaErrorInvalidValue);
  EXPECT_TRUE(reported("a pointer to plain host memory")) << ptxvm_last_report();
  EXPECT_EQ(cudaFree(h), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFreeHost(d), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFreeHost(h), cudaSuccess);
  EXPECT_EQ(cudaFree(d), cudaSuccess);
}

TEST_F(MemoryApi, TheDeviceHasItsProfilesMemory) {
  std::size_t free = 0, total = 0;
  CUDA(cudaMemGetInfo(&free, &total));
  cudaDeviceProp properties;
  CUDA(cudaGetDeviceProperties(&properties, 0));
  EXPECT_EQ(total, properties.totalGlobalMem);
  void* d = nullptr;
  EXPECT_EQ(cudaMalloc(&d, free + 1), cudaErrorMemoryAllocation);
  EXPECT_EQ(d, nullptr);
  CUDA(cudaMalloc(&d, free / 2));
  std::size_t left = 0;
  CUDA(cudaMemGetInfo(&left, &total));
  EXPECT_EQ(left, free - free / 2);
}

TEST_F(MemoryApi, PointersTellWhatTheyAre) {
  char* d = static_cast<char*>(device(64));
  int* h = pinned<int>(4);
  int local = 0;
  cudaPointerAttributes a;
  CUDA(cudaPointerGetAttributes(&a, d + 10));
  EXPECT_EQ(a.type, cudaMemoryTypeDevice);
  EXPECT_EQ(a.devicePointer, d + 10);
  EXPECT_EQ(a.hostPointer, nullptr);
  CUDA(cudaPointerGetAttributes(&a, h));
  EXPECT_EQ(a.type, cudaMemoryTypeHost);
  EXPECT_EQ(a.devicePointer, h);
  CUDA(cudaPointerGetAttributes(&a, &local));
  EXPECT_EQ(a.type, cudaMemoryTypeUnregistered);
  CUDA(cudaHostRegister(&local, sizeof local, cudaHostRegisterDefault));
  EXPECT_EQ(cudaHostRegister(&local, sizeof local, cudaHostRegisterDefault),
            cudaErrorHostMemoryAlreadyRegistered);
  CUDA(cudaPointerGetAttributes(&a, &local));
  EXPECT_EQ(a.type, cudaMemoryTypeHost);
  CUDA(cudaHostUnregister(&local));
  EXPECT_EQ(cudaHostUnregister(&local), cudaErrorHostMemoryNotRegistered);
  void* seen = nullptr;
  EXPECT_EQ(cudaHostGetDevicePointer(&seen, &local, 0), cudaErrorInvalidValue);
  CUDA(cudaHostGetDevicePointer(&seen, h, 0));
  EXPECT_EQ(seen, h);
}

TEST_F(MemoryApi, StreamOrderedMemoryIsReleasedInItsTurn) {
  cudaStream_t s = stream(cudaStreamNonBlocking);
  int* h = pinned<int>(2);
  h[0] = 42;
  Gate gate;
  gate.close(s);
  void* d = nullptr;
  CUDA(cudaMallocAsync(&d, 4, s));
  CUDA(cudaMemcpyAsync(d, h, 4, cudaMemcpyHostToDevice, s));
  CUDA(cudaMemcpyAsync(h + 1, d, 4, cudaMemcpyDeviceToHost, s));
  CUDA(cudaFreeAsync(d, s));
  EXPECT_EQ(cudaFreeAsync(d, s), cudaErrorInvalidValue) << "freed twice";
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
  gate.open();
  CUDA(cudaStreamSynchronize(s));
  EXPECT_EQ(h[1], 42);
  EXPECT_EQ(cudaFree(d), cudaErrorInvalidValue);
}

TEST_F(MemoryApi, PoolsKeepAccount) {
  cudaMemPool_t pool = nullptr;
  cudaMemPoolProps properties{};
  properties.allocType = cudaMemAllocationTypePinned;
  properties.location.type = cudaMemLocationTypeDevice;
  properties.location.id = 0;
  properties.maxSize = 1000;
  CUDA(cudaMemPoolCreate(&pool, &properties));
  void *a = nullptr, *b = nullptr;
  CUDA(cudaMallocFromPoolAsync(&a, 600, pool, nullptr));
  EXPECT_EQ(cudaMallocFromPoolAsync(&b, 600, pool, nullptr), cudaErrorMemoryAllocation);
  std::uint64_t used = 0, high = 0;
  CUDA(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &used));
  EXPECT_EQ(used, 600u);
  CUDA(cudaFreeAsync(a, nullptr));
  CUDA(cudaMallocFromPoolAsync(&b, 500, pool, nullptr));
  CUDA(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &used));
  CUDA(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemHigh, &high));
  EXPECT_EQ(used, 500u);
  EXPECT_EQ(high, 600u);
  EXPECT_EQ(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &used), cudaErrorInvalidValue);
  CUDA(cudaMemPoolDestroy(pool));
  EXPECT_EQ(cudaMallocFromPoolAsync(&a, 8, pool, nullptr), cudaErrorInvalidValue);
  CUDA(cudaFreeAsync(b, nullptr));
  properties.handleTypes = cudaMemHandleTypePosixFileDescriptor;
  EXPECT_EQ(cudaMemPoolCreate(&pool, &properties), cudaErrorNotSupported);
}

TEST_F(MemoryApi, ResetFreesEverything) {
  void* d = device(100);
  CUDA(cudaDeviceReset());
  EXPECT_EQ(cudaFree(d), cudaErrorInvalidValue);
}

TEST_F(MemoryApi, CallsAreCounted) {
  ptxvm_counts before, after;
  ptxvm_api_counts(&before);
  void* d = device(16);
  CUDA(cudaMemsetAsync(d, 0, 16, nullptr));
  ptxvm_api_counts(&after);
  EXPECT_EQ(after.allocations - before.allocations, 1u);
  EXPECT_EQ(after.fills - before.fills, 1u);
  EXPECT_EQ(after.synchronisations, before.synchronisations);
  CUDA(cudaDeviceSynchronize());
  CUDA(cudaFree(d));
  ptxvm_api_counts(&after);
  EXPECT_EQ(after.synchronisations - before.synchronisations, 2u);
  EXPECT_EQ(after.frees - before.frees, 1u);
}

using MemoryApiDeathTest = Runtime;

TEST_F(MemoryApiDeathTest, HostCodeThatFollowsADevicePointerIsTold) {
  int* d = static_cast<int*>(device(4));
  EXPECT_DEATH(*static_cast<volatile int*>(d) = 1, "host code touched device address 0x");
}

}  // namespace
