// Attributes of kernels.
#include <cuda_runtime_api.h>

#include "device/profile.hpp"
#include "runtime/errors.hpp"
#include "runtime/launch.hpp"
#include "runtime/modules.hpp"

using namespace ptxvm;
using namespace ptxvm::runtime;

namespace {

Function& function_of(const void* kernel) { return Modules::instance().function(kernel); }

cudaError_t set_dynamic_shared(Function& function, int value) {
  const std::int64_t most = device::current().shared_per_block_optin;
  const std::int64_t fixed = function.info().static_shared;
  if (value < 0 || value + fixed > most) {
    refuse(cudaErrorInvalidValue,
           function.name + ": " + std::to_string(value) + " bytes of dynamic and " + std::to_string(fixed) +
               " of static shared memory, but a block gets at most " + std::to_string(most));
  }
  function.max_dynamic_shared = value;
  return cudaSuccess;
}

// The most threads of a block that the register file and the launch bounds allow.
int max_threads(const exec::KernelInfo& info) {
  std::uint32_t threads = info.max_threads;
  while (threads > 32 && device::resident_blocks(device::current(), {threads, info.registers, 0}) == 0)
    threads -= 32;
  return static_cast<int>(threads);
}

}  // namespace

extern "C" {

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* out, const void* kernel) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    Function& function = function_of(kernel);
    const exec::KernelInfo& info = function.info();
    *out = cudaFuncAttributes{};
    out->sharedSizeBytes = info.static_shared;
    out->localSizeBytes = info.local_bytes;
    out->maxThreadsPerBlock = max_threads(info);
    out->numRegs = static_cast<int>(info.registers);
    out->ptxVersion = info.target;
    out->binaryVersion = device::current().target;
    out->maxDynamicSharedSizeBytes = static_cast<int>(allowed_dynamic_shared(function, info));
    out->preferredShmemCarveout = function.carveout;
    out->clusterDimMustBeSet = info.required_cluster[0] != 0;
    const bool compiled = info.required_cluster[0] != 0;
    out->requiredClusterWidth =
        compiled ? static_cast<int>(info.required_cluster[0]) : function.cluster[0].load();
    out->requiredClusterHeight =
        compiled ? static_cast<int>(info.required_cluster[1]) : function.cluster[1].load();
    out->requiredClusterDepth =
        compiled ? static_cast<int>(info.required_cluster[2]) : function.cluster[2].load();
    out->nonPortableClusterSizeAllowed = function.non_portable_cluster;
    return cudaSuccess;
  });
}

cudaError_t cudaKernelSetAttributeForDevice(cudaKernel_t kernel, cudaFuncAttribute attribute, int value,
                                            int device) {
  if (device != 0) return guarded([] { return cudaErrorInvalidDevice; });
  return cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), attribute, value);
}

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  return guarded([&] {
    Function& function = function_of(kernel);
    switch (attribute) {
      case cudaFuncAttributeMaxDynamicSharedMemorySize:
        return set_dynamic_shared(function, value);
      case cudaFuncAttributePreferredSharedMemoryCarveout:
        if (value < -1 || value > 100) return cudaErrorInvalidValue;
        function.carveout = value;  // a hint
        return cudaSuccess;
      case cudaFuncAttributeNonPortableClusterSizeAllowed:
        if (value != 0 && value != 1) return cudaErrorInvalidValue;
        function.non_portable_cluster = value == 1;
        return cudaSuccess;
      case cudaFuncAttributeRequiredClusterWidth:
      case cudaFuncAttributeRequiredClusterHeight:
      case cudaFuncAttributeRequiredClusterDepth:
        if (value < 0 || function.info().required_cluster[0] != 0) return cudaErrorInvalidValue;
        function.cluster[attribute - cudaFuncAttributeRequiredClusterWidth] = value;
        return cudaSuccess;
      case cudaFuncAttributeClusterSchedulingPolicyPreference:
        return cudaSuccess;  // a hint
      default:
        return cudaErrorInvalidValue;
    }
  });
}

// A hint.
cudaError_t cudaFuncSetCacheConfig(const void* kernel, cudaFuncCache) {
  return guarded([&] {
    function_of(kernel);
    return cudaSuccess;
  });
}

cudaError_t cudaFuncGetName(const char** out, const void* kernel) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    *out = function_of(kernel).name.c_str();
    return cudaSuccess;
  });
}

cudaError_t cudaFuncGetParamInfo(const void* kernel, std::size_t index, std::size_t* offset,
                                 std::size_t* size) {
  return guarded([&] {
    const auto& parameters = function_of(kernel).info().parameters;
    if (index >= parameters.size() || offset == nullptr) return cudaErrorInvalidValue;
    *offset = parameters[index].offset;
    if (size != nullptr) *size = parameters[index].size;
    return cudaSuccess;
  });
}

// Both kinds of handle are the kernel's.
cudaError_t cudaGetFuncBySymbol(cudaFunction_t* out, const void* kernel) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    *out = reinterpret_cast<cudaFunction_t>(&function_of(kernel));
    return cudaSuccess;
  });
}

cudaError_t cudaGetKernel(cudaKernel_t* out, const void* kernel) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    *out = reinterpret_cast<cudaKernel_t>(&function_of(kernel));
    return cudaSuccess;
  });
}

}  // extern "C"
