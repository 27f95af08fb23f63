// The two ways in which CUDA tells what a device is. Both read the profile. Textures and surfaces, which the
// emulator does not have, are of size 0.
#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <utility>

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
  const std::pair<cudaDeviceAttr, int> has[] = {
      {cudaDevAttrMaxThreadsPerBlock, q.maxThreadsPerBlock},
      {cudaDevAttrMaxBlockDimX, q.maxThreadsDim[0]},
      {cudaDevAttrMaxBlockDimY, q.maxThreadsDim[1]},
      {cudaDevAttrMaxBlockDimZ, q.maxThreadsDim[2]},
      {cudaDevAttrMaxGridDimX, q.maxGridSize[0]},
      {cudaDevAttrMaxGridDimY, q.maxGridSize[1]},
      {cudaDevAttrMaxGridDimZ, q.maxGridSize[2]},
      {cudaDevAttrMaxSharedMemoryPerBlock, as_int(q.sharedMemPerBlock)},
      {cudaDevAttrTotalConstantMemory, as_int(q.totalConstMem)},
      {cudaDevAttrWarpSize, q.warpSize},
      {cudaDevAttrMaxPitch, as_int(q.memPitch)},
      {cudaDevAttrMaxRegistersPerBlock, q.regsPerBlock},
      {cudaDevAttrClockRate, as_int(p.clock_khz)},
      {cudaDevAttrTextureAlignment, as_int(q.textureAlignment)},
      {cudaDevAttrTexturePitchAlignment, as_int(q.texturePitchAlignment)},
      {cudaDevAttrSurfaceAlignment, as_int(q.surfaceAlignment)},
      {cudaDevAttrGpuOverlap, 1},
      {cudaDevAttrMultiProcessorCount, q.multiProcessorCount},
      {cudaDevAttrCanMapHostMemory, q.canMapHostMemory},
      {cudaDevAttrComputeMode, cudaComputeModeDefault},
      {cudaDevAttrConcurrentKernels, q.concurrentKernels},
      {cudaDevAttrMemoryClockRate, as_int(p.memory_clock_khz)},
      {cudaDevAttrGlobalMemoryBusWidth, q.memoryBusWidth},
      {cudaDevAttrL2CacheSize, q.l2CacheSize},
      {cudaDevAttrMaxThreadsPerMultiProcessor, q.maxThreadsPerMultiProcessor},
      {cudaDevAttrAsyncEngineCount, q.asyncEngineCount},
      {cudaDevAttrUnifiedAddressing, q.unifiedAddressing},
      {cudaDevAttrComputeCapabilityMajor, q.major},
      {cudaDevAttrComputeCapabilityMinor, q.minor},
      {cudaDevAttrStreamPrioritiesSupported, q.streamPrioritiesSupported},
      {cudaDevAttrGlobalL1CacheSupported, q.globalL1CacheSupported},
      {cudaDevAttrLocalL1CacheSupported, q.localL1CacheSupported},
      {cudaDevAttrMaxSharedMemoryPerMultiprocessor, as_int(q.sharedMemPerMultiprocessor)},
      {cudaDevAttrMaxRegistersPerMultiprocessor, q.regsPerMultiprocessor},
      {cudaDevAttrSingleToDoublePrecisionPerfRatio, p.single_to_double_ratio},
      {cudaDevAttrComputePreemptionSupported, q.computePreemptionSupported},
      {cudaDevAttrCanUseHostPointerForRegisteredMem, q.canUseHostPointerForRegisteredMem},
      {cudaDevAttrCooperativeLaunch, q.cooperativeLaunch},
      {cudaDevAttrMaxSharedMemoryPerBlockOptin, as_int(q.sharedMemPerBlockOptin)},
      {cudaDevAttrHostRegisterSupported, q.hostRegisterSupported},
      {cudaDevAttrMaxBlocksPerMultiprocessor, q.maxBlocksPerMultiProcessor},
      {cudaDevAttrReservedSharedMemoryPerBlock, as_int(q.reservedSharedMemPerBlock)},
      {cudaDevAttrMemoryPoolsSupported, q.memoryPoolsSupported},
      {cudaDevAttrClusterLaunch, q.clusterLaunch},
      {cudaDevAttrNumaId, q.deviceNumaId},
      {cudaDevAttrHostNumaId, q.hostNumaId},
      {cudaDevAttrMemSyncDomainCount, 1},
  };
  for (const auto& [key, held] : has) {
    if (key != attribute) continue;
    *value = held;
    return true;
  }
  // What this device cannot do, or does not have.
  constexpr cudaDeviceAttr has_not[] = {
      cudaDevAttrKernelExecTimeout,
      cudaDevAttrIntegrated,
      cudaDevAttrEccEnabled,
      cudaDevAttrPciBusId,
      cudaDevAttrPciDeviceId,
      cudaDevAttrPciDomainId,
      cudaDevAttrTccDriver,
      cudaDevAttrManagedMemory,
      cudaDevAttrIsMultiGpuBoard,
      cudaDevAttrMultiGpuBoardGroupID,
      cudaDevAttrHostNativeAtomicSupported,
      cudaDevAttrPageableMemoryAccess,
      cudaDevAttrConcurrentManagedAccess,
      cudaDevAttrCanFlushRemoteWrites,
      cudaDevAttrPageableMemoryAccessUsesHostPageTables,
      cudaDevAttrDirectManagedMemAccessFromHost,
      cudaDevAttrMaxPersistingL2CacheSize,
      cudaDevAttrMaxAccessPolicyWindowSize,
      cudaDevAttrSparseCudaArraySupported,
      cudaDevAttrHostRegisterReadOnlySupported,
      cudaDevAttrTimelineSemaphoreInteropSupported,
      cudaDevAttrGPUDirectRDMASupported,
      cudaDevAttrGPUDirectRDMAFlushWritesOptions,
      cudaDevAttrGPUDirectRDMAWritesOrdering,
      cudaDevAttrMemoryPoolSupportedHandleTypes,
      cudaDevAttrDeferredMappingCudaArraySupported,
      cudaDevAttrIpcEventSupport,
      cudaDevAttrNumaConfig,
      cudaDevAttrMpsEnabled,
      cudaDevAttrHostNumaMemoryPoolsSupported,
      cudaDevAttrHostMemoryPoolsSupported,
      cudaDevAttrD3D12CigSupported,
      cudaDevAttrVulkanCigSupported,
      cudaDevAttrGpuPciDeviceId,
      cudaDevAttrGpuPciSubsystemId,
      cudaDevAttrHostNumaMultinodeIpcSupported,
      cudaDevAttrOnlyPartialHostNativeAtomicSupported,
      cudaDevAttrMaxTexture1DWidth,
      cudaDevAttrMaxTexture2DWidth,
      cudaDevAttrMaxTexture2DHeight,
      cudaDevAttrMaxTexture3DWidth,
      cudaDevAttrMaxTexture3DHeight,
      cudaDevAttrMaxTexture3DDepth,
      cudaDevAttrMaxTexture2DLayeredWidth,
      cudaDevAttrMaxTexture2DLayeredHeight,
      cudaDevAttrMaxTexture2DLayeredLayers,
      cudaDevAttrMaxTexture1DLayeredWidth,
      cudaDevAttrMaxTexture1DLayeredLayers,
      cudaDevAttrMaxTexture2DGatherWidth,
      cudaDevAttrMaxTexture2DGatherHeight,
      cudaDevAttrMaxTexture3DWidthAlt,
      cudaDevAttrMaxTexture3DHeightAlt,
      cudaDevAttrMaxTexture3DDepthAlt,
      cudaDevAttrMaxTextureCubemapWidth,
      cudaDevAttrMaxTextureCubemapLayeredWidth,
      cudaDevAttrMaxTextureCubemapLayeredLayers,
      cudaDevAttrMaxSurface1DWidth,
      cudaDevAttrMaxSurface2DWidth,
      cudaDevAttrMaxSurface2DHeight,
      cudaDevAttrMaxSurface3DWidth,
      cudaDevAttrMaxSurface3DHeight,
      cudaDevAttrMaxSurface3DDepth,
      cudaDevAttrMaxSurface1DLayeredWidth,
      cudaDevAttrMaxSurface1DLayeredLayers,
      cudaDevAttrMaxSurface2DLayeredWidth,
      cudaDevAttrMaxSurface2DLayeredHeight,
      cudaDevAttrMaxSurface2DLayeredLayers,
      cudaDevAttrMaxSurfaceCubemapWidth,
      cudaDevAttrMaxSurfaceCubemapLayeredWidth,
      cudaDevAttrMaxSurfaceCubemapLayeredLayers,
      cudaDevAttrMaxTexture1DLinearWidth,
      cudaDevAttrMaxTexture2DLinearWidth,
      cudaDevAttrMaxTexture2DLinearHeight,
      cudaDevAttrMaxTexture2DLinearPitch,
      cudaDevAttrMaxTexture2DMipmappedWidth,
      cudaDevAttrMaxTexture2DMipmappedHeight,
      cudaDevAttrMaxTexture1DMipmappedWidth,
  };
  *value = 0;
  return std::find(std::begin(has_not), std::end(has_not), attribute) != std::end(has_not);
}

}  // namespace ptxvm::device
