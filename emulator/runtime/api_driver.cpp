// Versions, the driver's own functions (there are none), the profiler's switches, and hints that change
// nothing.
#include <cuda_runtime_api.h>

#include <atomic>

#include "runtime/errors.hpp"
#include "runtime/modules.hpp"

using namespace ptxvm::runtime;

namespace {

std::atomic<cudaFuncCache> cache_config{cudaFuncCachePreferNone};

// CUDA's way of saying no: the call has worked, and the symbol is not there.
cudaError_t no_entry_point(const char* symbol, void** out, cudaDriverEntryPointQueryResult* result) {
  return guarded([&] {
    if (symbol == nullptr || out == nullptr) return cudaErrorInvalidValue;
    *out = nullptr;
    if (result == nullptr) return cudaErrorSymbolNotFound;
    *result = cudaDriverEntryPointSymbolNotFound;
    return cudaSuccess;
  });
}

}  // namespace

extern "C" {

cudaError_t cudaDriverGetVersion(int* out) {
  if (out == nullptr) return remember(cudaErrorInvalidValue);
  *out = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* out) { return cudaDriverGetVersion(out); }

cudaError_t cudaGetDriverEntryPoint(const char* symbol, void** out, unsigned long long,
                                    cudaDriverEntryPointQueryResult* result) {
  return no_entry_point(symbol, out, result);
}
cudaError_t cudaGetDriverEntryPoint_ptsz(const char* symbol, void** out, unsigned long long,
                                         cudaDriverEntryPointQueryResult* result) {
  return no_entry_point(symbol, out, result);
}
cudaError_t cudaGetDriverEntryPointByVersion(const char* symbol, void** out, unsigned, unsigned long long,
                                             cudaDriverEntryPointQueryResult* result) {
  return no_entry_point(symbol, out, result);
}
cudaError_t cudaGetDriverEntryPointByVersion_ptsz(const char* symbol, void** out, unsigned,
                                                  unsigned long long,
                                                  cudaDriverEntryPointQueryResult* result) {
  return no_entry_point(symbol, out, result);
}

// Nobody is listening.
cudaError_t cudaProfilerStart(void) { return cudaSuccess; }
cudaError_t cudaProfilerStop(void) { return cudaSuccess; }

// How the L1 cache and shared memory are shared out, and how wide the banks are: nothing here depends on it.
cudaError_t cudaDeviceSetCacheConfig(cudaFuncCache config) {
  return guarded([&] {
    if (config < cudaFuncCachePreferNone || config > cudaFuncCachePreferEqual) return cudaErrorInvalidValue;
    cache_config = config;
    return cudaSuccess;
  });
}
cudaError_t cudaDeviceGetCacheConfig(cudaFuncCache* out) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    *out = cache_config;
    return cudaSuccess;
  });
}
cudaError_t cudaDeviceSetSharedMemConfig(cudaSharedMemConfig) { return cudaSuccess; }
cudaError_t cudaDeviceGetSharedMemConfig(cudaSharedMemConfig* out) {
  if (out == nullptr) return remember(cudaErrorInvalidValue);
  *out = cudaSharedMemBankSizeFourByte;
  return cudaSuccess;
}
cudaError_t cudaFuncSetSharedMemConfig(const void* kernel, cudaSharedMemConfig) {
  return guarded([&] {
    Modules::instance().function(kernel);
    return cudaSuccess;
  });
}
cudaError_t cudaCtxResetPersistingL2Cache(void) { return cudaSuccess; }

// A description only; arrays and textures, which it is for, are refused.
cudaChannelFormatDesc cudaCreateChannelDesc(int x, int y, int z, int w, cudaChannelFormatKind kind) {
  return {x, y, z, w, kind};
}

}  // extern "C"
