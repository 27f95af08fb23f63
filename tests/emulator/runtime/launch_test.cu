// Kernels compiled by nvcc, launched through every door.
#include <vector>

#include "fixture.hpp"

__constant__ int factor = 3;
__device__ int total;
__device__ int table[4] = {10, 20, 30, 40};

__global__ void scale(int* x, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) x[i] = x[i] * factor + table[i % 4];
}

__global__ void count() { atomicAdd(&total, 1); }

__global__ void empty() {}

__global__ void touch(int* p) { *p = 1; }

__global__ void __launch_bounds__(64) bounded(int* p) { p[threadIdx.x] = 0; }

__global__ void shared_user(int* p) {
  extern __shared__ int s[];
  __shared__ int fixed[256];
  fixed[threadIdx.x] = threadIdx.x;
  s[threadIdx.x] = fixed[threadIdx.x] * 2;
  __syncthreads();
  p[threadIdx.x] = s[blockDim.x - 1 - threadIdx.x];
}

namespace {

using LaunchApi = Runtime;

TEST_F(LaunchApi, AKernelComputes) {
  std::vector<int> h(1000);
  for (int i = 0; i < 1000; i++) h[i] = i;
  int* d = static_cast<int*>(device(4000));
  CUDA(cudaMemcpy(d, h.data(), 4000, cudaMemcpyHostToDevice));
  scale<<<4, 256>>>(d, 1000);
  CUDA(cudaGetLastError());
  CUDA(cudaMemcpy(h.data(), d, 4000, cudaMemcpyDeviceToHost));
  for (int i = 0; i < 1000; i++) ASSERT_EQ(h[i], 3 * i + 10 * (i % 4 + 1));
}

TEST_F(LaunchApi, SymbolsAreReadAndWritten) {
  int value = 7;
  CUDA(cudaMemcpyToSymbol(factor, &value, sizeof value));
  int* d = static_cast<int*>(device(4));
  CUDA(cudaMemset(d, 0, 4));
  CUDA(cudaMemcpyToSymbol(table, &value, 4, 4));
  int back[4] = {};
  CUDA(cudaMemcpyFromSymbol(back, table, sizeof back));
  EXPECT_EQ(back[0], 10);
  EXPECT_EQ(back[1], 7);
  EXPECT_EQ(back[3], 40);
  EXPECT_EQ(cudaMemcpyFromSymbol(back, table, 8, 12), cudaErrorInvalidValue) << "past its end";
  std::size_t size = 0;
  void* at = nullptr;
  CUDA(cudaGetSymbolSize(&size, table));
  CUDA(cudaGetSymbolAddress(&at, table));
  EXPECT_EQ(size, 16u);
  CUDA(cudaMemset(at, 0, 16));
  CUDA(cudaMemcpyFromSymbol(back, table, sizeof back));
  EXPECT_EQ(back[3], 0);
  EXPECT_EQ(cudaGetSymbolAddress(&at, "table"), cudaErrorInvalidSymbol);
  EXPECT_EQ(cudaGetSymbolAddress(&at, &value), cudaErrorInvalidSymbol);
}

TEST_F(LaunchApi, AResetGivesVariablesTheirInitialValues) {
  int back = 0;
  CUDA(cudaMemcpyFromSymbol(&back, factor, 4));
  EXPECT_EQ(back, 3) << "whatever an earlier test has made of it";
}

TEST_F(LaunchApi, EveryDoorLeadsToTheKernel) {
  int zero = 0, seen = 0;
  CUDA(cudaMemcpyToSymbol(total, &zero, 4));
  void* none = nullptr;
  count<<<1, 1>>>();
  CUDA(cudaLaunchKernel(reinterpret_cast<const void*>(count), dim3(2), dim3(3), &none, 0, nullptr));
  CUDA(
      cudaLaunchCooperativeKernel(reinterpret_cast<const void*>(count), dim3(2), dim3(5), &none, 0, nullptr));
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(7);
  config.blockDim = dim3(1);
  CUDA(cudaLaunchKernelEx(&config, count));
  cudaKernel_t kernel = nullptr;
  CUDA(cudaGetKernel(&kernel, reinterpret_cast<const void*>(count)));
  CUDA(cudaLaunchKernel(kernel, dim3(1), dim3(1), &none, 0, nullptr));
  CUDA(cudaMemcpyFromSymbol(&seen, total, 4));
  EXPECT_EQ(seen, 1 + 6 + 10 + 7 + 1);
}

TEST_F(LaunchApi, ShapesAreChecked) {
  void* none = nullptr;
  const auto launch = [&](dim3 grid, dim3 block) {
    return cudaLaunchKernel(reinterpret_cast<const void*>(empty), grid, block, &none, 0, nullptr);
  };
  EXPECT_EQ(launch(dim3(0), dim3(1)), cudaErrorInvalidConfiguration);
  EXPECT_EQ(launch(dim3(1), dim3(0)), cudaErrorInvalidConfiguration);
  EXPECT_EQ(launch(dim3(1), dim3(1025)), cudaErrorInvalidConfiguration);
  EXPECT_EQ(launch(dim3(1), dim3(1, 1, 65)), cudaErrorInvalidConfiguration);
  EXPECT_EQ(launch(dim3(1, 65536), dim3(1)), cudaErrorInvalidConfiguration);
  EXPECT_EQ(launch(dim3(1), dim3(32, 32)), cudaSuccess);
  empty<<<1, 2000>>>();
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidConfiguration);
  bounded<<<1, 65>>>(nullptr);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
  EXPECT_TRUE(reported("launch bounds")) << ptxvm_last_report();
  EXPECT_EQ(cudaLaunchKernel(&none, dim3(1), dim3(1), &none, 0, nullptr), cudaErrorInvalidDeviceFunction);
  CUDA(cudaDeviceSynchronize());
}

TEST_F(LaunchApi, MuchDynamicSharedMemoryNeedsOptingIn) {
  const void* kernel = reinterpret_cast<const void*>(shared_user);
  int* d = static_cast<int*>(device(1024));
  cudaFuncAttributes a;
  CUDA(cudaFuncGetAttributes(&a, kernel));
  EXPECT_EQ(a.sharedSizeBytes, 1024u);
  EXPECT_EQ(a.maxDynamicSharedSizeBytes, 48 * 1024 - 1024);
  EXPECT_GT(a.numRegs, 0);
  EXPECT_EQ(a.maxThreadsPerBlock, 1024);
  shared_user<<<1, 256, 47 * 1024>>>(d);
  CUDA(cudaGetLastError());
  shared_user<<<1, 256, 47 * 1024 + 1>>>(d);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, 227 * 1024),
            cudaErrorInvalidValue);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
  CUDA(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, 226 * 1024));
  shared_user<<<1, 256, 226 * 1024>>>(d);
  CUDA(cudaGetLastError());
  std::vector<int> h(256);
  CUDA(cudaMemcpy(h.data(), d, 1024, cudaMemcpyDeviceToHost));
  for (int i = 0; i < 256; i++) ASSERT_EQ(h[i], 2 * (255 - i));
  CUDA(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, 47 * 1024));
}

TEST_F(LaunchApi, CooperativeGridsMustBeResident) {
  int blocks = 0;
  CUDA(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, empty, 1024, 0));
  EXPECT_EQ(blocks, 2);
  void* none = nullptr;
  const void* kernel = reinterpret_cast<const void*>(empty);
  EXPECT_EQ(cudaLaunchCooperativeKernel(kernel, dim3(2 * 132 + 1), dim3(1024), &none, 0, nullptr),
            cudaErrorCooperativeLaunchTooLarge);
  CUDA(cudaLaunchCooperativeKernel(kernel, dim3(2 * 132), dim3(1024), &none, 0, nullptr));
  CUDA(cudaDeviceSynchronize());
}

TEST_F(LaunchApi, ClusterShapesAreChecked) {
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(15);
  config.blockDim = dim3(1024);
  cudaLaunchAttribute attribute{};
  attribute.id = cudaLaunchAttributeClusterDimension;
  attribute.val.clusterDim.x = 4;
  attribute.val.clusterDim.y = attribute.val.clusterDim.z = 1;
  config.attrs = &attribute;
  config.numAttrs = 1;
  EXPECT_EQ(cudaLaunchKernelEx(&config, empty), cudaErrorInvalidConfiguration) << "4 does not divide 15";
  config.gridDim = dim3(32);
  attribute.val.clusterDim.x = 16;
  EXPECT_EQ(cudaLaunchKernelEx(&config, empty), cudaErrorInvalidClusterSize) << "not portable";
  EXPECT_TRUE(reported("NonPortable")) << ptxvm_last_report();
  int clusters = 0;
  CUDA(cudaFuncSetAttribute(empty, cudaFuncAttributeNonPortableClusterSizeAllowed, 1));
  CUDA(cudaOccupancyMaxActiveClusters(&clusters, empty, &config));
  EXPECT_EQ(clusters, 6 * 2 + 2 * 2);  // two blocks on each of 16 or 18 multiprocessors
  CUDA(cudaOccupancyMaxPotentialClusterSize(&clusters, empty, &config));
  EXPECT_EQ(clusters, 16);
  attribute.val.clusterDim.x = 32;
  EXPECT_EQ(cudaLaunchKernelEx(&config, empty), cudaErrorInvalidClusterSize);
  CUDA(cudaFuncSetAttribute(empty, cudaFuncAttributeNonPortableClusterSizeAllowed, 0));
  attribute.id = static_cast<cudaLaunchAttributeID>(999);
  EXPECT_EQ(cudaLaunchKernelEx(&config, empty), cudaErrorNotSupported) << "never a silent success";
}

TEST_F(LaunchApi, AFaultBreaksTheDevice) {
  touch<<<1, 1>>>(nullptr);
  CUDA(cudaGetLastError());
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
  EXPECT_TRUE(reported("touch")) << ptxvm_last_report();
  EXPECT_TRUE(reported("null pointer")) << ptxvm_last_report();
  empty<<<1, 1>>>();
  EXPECT_EQ(cudaGetLastError(), cudaErrorIllegalAddress);
}

TEST_F(LaunchApi, AHostPointerIsNoDevicePointer) {
  static int plain = 0;
  touch<<<1, 1>>>(&plain);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
  EXPECT_TRUE(reported("touch")) << ptxvm_last_report();
  EXPECT_TRUE(reported("a pointer to plain host memory")) << ptxvm_last_report();
  EXPECT_EQ(plain, 0);
}

TEST_F(LaunchApi, ALaunchCostsLittle) {
  empty<<<1, 32>>>();
  CUDA(cudaDeviceSynchronize());
  constexpr int launches = 20000;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < launches; i++) empty<<<1, 32>>>();
  CUDA(cudaDeviceSynchronize());
  const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - begin;
  std::printf("an empty kernel: %.2f us\n", time.count() / launches);
  ptxvm_counts counts;
  ptxvm_api_counts(&counts);
  EXPECT_GE(counts.launches, launches + 1u);
}

}  // namespace
