// The two ways in which CUDA tells what a device is. Both read the profile; nothing is said of textures,
// which the emulator does not have.
#include <cuda_runtime_api.h>

#include <cstdio>
#include <cstring>

#include "device/profile.hpp"

namespace ptxvm::device {
namespace {

constexpr int max_dimension = 2147483647;
constexpr int max_grid_yz = 65535;
constexpr int max_block_z = 64;
constexpr int constant_bytes = 65536;

int as_int(std::uint64_t value) { return static_cast<int>(value); }

}  // namespace

void fill_properties(const Profile& p, cudaDeviceProp* out) {
  *out = cudaDeviceProp{};
  std::snprintf(out->name, sizeof out->name, "%s profile, emulated", p.name);
  std::memcpy(out->uuid.bytes, "ptxvm", 5);
  std::strncpy(out->uuid.bytes + 6, p.key, 9);
  out->totalGlobalMem = p.memory_bytes;
  out->sharedMemPerBlock = p.shared_per_block;
  out->regsPerBlock = as_int(p.registers_per_block);
  out->warpSize = as_int(p.warp);
  out->memPitch = max_dimension;
  out->maxThreadsPerBlock = as_int(p.threads_per_block);
  out->maxThreadsDim[0] = out->maxThreadsDim[1] = as_int(p.threads_per_block);
  out->maxThreadsDim[2] = max_block_z;
  out->maxGridSize[0] = max_dimension;
  out->maxGridSize[1] = out->maxGridSize[2] = max_grid_yz;
  out->totalConstMem = constant_bytes;
  out->major = p.target / 10;
  out->minor = p.target % 10;
  out->textureAlignment = 512;
  out->texturePitchAlignment = 32;
  out->multiProcessorCount = as_int(p.multiprocessors());
  out->canMapHostMemory = 1;
  out->surfaceAlignment = 512;
  out->concurrentKernels = 1;
  out->asyncEngineCount = 1;
  out->unifiedAddressing = 1;
  out->memoryBusWidth = as_int(p.memory_bus_bits);
  out->l2CacheSize = as_int(p.l2_bytes);
  out->maxThreadsPerMultiProcessor = as_int(p.threads_per_multiprocessor);
  out->streamPrioritiesSupported = 1;
  out->globalL1CacheSupported = 1;
  out->localL1CacheSupported = 1;
  out->sharedMemPerMultiprocessor = p.shared_per_multiprocessor;
  out->regsPerMultiprocessor = as_int(p.registers_per_multiprocessor);
  out->computePreemptionSupported = 1;
  out->canUseHostPointerForRegisteredMem = 1;
  out->cooperativeLaunch = 1;
  out->sharedMemPerBlockOptin = p.shared_per_block_optin;
  out->maxBlocksPerMultiProcessor = as_int(p.blocks_per_multiprocessor);
  out->reservedSharedMemPerBlock = p.shared_reserved;
  out->hostRegisterSupported = 1;
  out->memoryPoolsSupported = 1;
  out->clusterLaunch = p.max_cluster > 0;
  out->hostNumaId = -1;
  out->deviceNumaId = -1;
}

bool attribute(const Profile& p, int attribute, int* value) {
  cudaDeviceProp q;
  fill_properties(p, &q);
  switch (static_cast<cudaDeviceAttr>(attribute)) {
    case cudaDevAttrMaxThreadsPerBlock:
      *value = q.maxThreadsPerBlock;
      return true;
    case cudaDevAttrMaxBlockDimX:
      *value = q.maxThreadsDim[0];
      return true;
    case cudaDevAttrMaxBlockDimY:
      *value = q.maxThreadsDim[1];
      return true;
    case cudaDevAttrMaxBlockDimZ:
      *value = q.maxThreadsDim[2];
      return true;
    case cudaDevAttrMaxGridDimX:
      *value = q.maxGridSize[0];
      return true;
    case cudaDevAttrMaxGridDimY:
      *value = q.maxGridSize[1];
      return true;
    case cudaDevAttrMaxGridDimZ:
      *value = q.maxGridSize[2];
      return true;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      *value = as_int(q.sharedMemPerBlock);
      return true;
    case cudaDevAttrTotalConstantMemory:
      *value = as_int(q.totalConstMem);
      return true;
    case cudaDevAttrWarpSize:
      *value = q.warpSize;
      return true;
    case cudaDevAttrMaxPitch:
      *value = as_int(q.memPitch);
      return true;
    case cudaDevAttrMaxRegistersPerBlock:
      *value = q.regsPerBlock;
      return true;
    case cudaDevAttrClockRate:
      *value = as_int(p.clock_khz);
      return true;
    case cudaDevAttrTextureAlignment:
      *value = as_int(q.textureAlignment);
      return true;
    case cudaDevAttrTexturePitchAlignment:
      *value = as_int(q.texturePitchAlignment);
      return true;
    case cudaDevAttrSurfaceAlignment:
      *value = as_int(q.surfaceAlignment);
      return true;
    case cudaDevAttrGpuOverlap:
      *value = 1;
      return true;
    case cudaDevAttrMultiProcessorCount:
      *value = q.multiProcessorCount;
      return true;
    case cudaDevAttrCanMapHostMemory:
      *value = q.canMapHostMemory;
      return true;
    case cudaDevAttrComputeMode:
      *value = cudaComputeModeDefault;
      return true;
    case cudaDevAttrConcurrentKernels:
      *value = q.concurrentKernels;
      return true;
    case cudaDevAttrMemoryClockRate:
      *value = as_int(p.memory_clock_khz);
      return true;
    case cudaDevAttrGlobalMemoryBusWidth:
      *value = q.memoryBusWidth;
      return true;
    case cudaDevAttrL2CacheSize:
      *value = q.l2CacheSize;
      return true;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      *value = q.maxThreadsPerMultiProcessor;
      return true;
    case cudaDevAttrAsyncEngineCount:
      *value = q.asyncEngineCount;
      return true;
    case cudaDevAttrUnifiedAddressing:
      *value = q.unifiedAddressing;
      return true;
    case cudaDevAttrComputeCapabilityMajor:
      *value = q.major;
      return true;
    case cudaDevAttrComputeCapabilityMinor:
      *value = q.minor;
      return true;
    case cudaDevAttrStreamPrioritiesSupported:
      *value = q.streamPrioritiesSupported;
      return true;
    case cudaDevAttrGlobalL1CacheSupported:
      *value = q.globalL1CacheSupported;
      return true;
    case cudaDevAttrLocalL1CacheSupported:
      *value = q.localL1CacheSupported;
      return true;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      *value = as_int(q.sharedMemPerMultiprocessor);
      return true;
    case cudaDevAttrMaxRegistersPerMultiprocessor:
      *value = q.regsPerMultiprocessor;
      return true;
    case cudaDevAttrSingleToDoublePrecisionPerfRatio:
      *value = p.single_to_double_ratio;
      return true;
    case cudaDevAttrComputePreemptionSupported:
      *value = q.computePreemptionSupported;
      return true;
    case cudaDevAttrCanUseHostPointerForRegisteredMem:
      *value = q.canUseHostPointerForRegisteredMem;
      return true;
    case cudaDevAttrCooperativeLaunch:
      *value = q.cooperativeLaunch;
      return true;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = as_int(q.sharedMemPerBlockOptin);
      return true;
    case cudaDevAttrHostRegisterSupported:
      *value = q.hostRegisterSupported;
      return true;
    case cudaDevAttrMaxBlocksPerMultiprocessor:
      *value = q.maxBlocksPerMultiProcessor;
      return true;
    case cudaDevAttrReservedSharedMemoryPerBlock:
      *value = as_int(q.reservedSharedMemPerBlock);
      return true;
    case cudaDevAttrMemoryPoolsSupported:
      *value = q.memoryPoolsSupported;
      return true;
    case cudaDevAttrClusterLaunch:
      *value = q.clusterLaunch;
      return true;
    case cudaDevAttrNumaId:
      *value = q.deviceNumaId;
      return true;
    case cudaDevAttrHostNumaId:
      *value = q.hostNumaId;
      return true;
    // What this device cannot do, or does not have.
    case cudaDevAttrKernelExecTimeout:
    case cudaDevAttrIntegrated:
    case cudaDevAttrEccEnabled:
    case cudaDevAttrPciBusId:
    case cudaDevAttrPciDeviceId:
    case cudaDevAttrPciDomainId:
    case cudaDevAttrTccDriver:
    case cudaDevAttrManagedMemory:
    case cudaDevAttrIsMultiGpuBoard:
    case cudaDevAttrMultiGpuBoardGroupID:
    case cudaDevAttrHostNativeAtomicSupported:
    case cudaDevAttrPageableMemoryAccess:
    case cudaDevAttrConcurrentManagedAccess:
    case cudaDevAttrCanFlushRemoteWrites:
    case cudaDevAttrPageableMemoryAccessUsesHostPageTables:
    case cudaDevAttrDirectManagedMemAccessFromHost:
    case cudaDevAttrMaxPersistingL2CacheSize:
    case cudaDevAttrMaxAccessPolicyWindowSize:
    case cudaDevAttrSparseCudaArraySupported:
    case cudaDevAttrHostRegisterReadOnlySupported:
    case cudaDevAttrTimelineSemaphoreInteropSupported:
    case cudaDevAttrGPUDirectRDMASupported:
    case cudaDevAttrGPUDirectRDMAFlushWritesOptions:
    case cudaDevAttrGPUDirectRDMAWritesOrdering:
    case cudaDevAttrMemoryPoolSupportedHandleTypes:
    case cudaDevAttrDeferredMappingCudaArraySupported:
    case cudaDevAttrIpcEventSupport:
    case cudaDevAttrNumaConfig:
    case cudaDevAttrMpsEnabled:
    case cudaDevAttrHostNumaMemoryPoolsSupported:
    case cudaDevAttrHostMemoryPoolsSupported:
      *value = 0;
      return true;
    default:
      return false;
  }
}

}  // namespace ptxvm::device
