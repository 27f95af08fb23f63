#include <cuda_runtime_api.h>

#include "device/occupancy.hpp"
#include "runtime/errors.hpp"
#include "runtime/launch.hpp"

using namespace ptxvm;
using namespace ptxvm::runtime;

namespace {

cudaError_t max_blocks(int* out, const void* kernel, int threads, std::size_t dynamic_shared) {
  return guarded([&] {
    if (out == nullptr || threads <= 0) return cudaErrorInvalidValue;
    const exec::KernelInfo& info = Modules::instance().function(kernel).info();
    *out = 0;
    if (static_cast<std::uint32_t>(threads) > info.max_threads) return cudaSuccess;
    const auto needs = needs_of(info, static_cast<std::uint32_t>(threads), dynamic_shared);
    *out = static_cast<int>(device::resident_blocks(device::current(), needs));
    return cudaSuccess;
  });
}

std::uint32_t threads_of(const dim3& block) { return block.x * block.y * block.z; }

}  // namespace

extern "C" {

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* out, const void* kernel, int threads,
                                                          std::size_t dynamic_shared) {
  return max_blocks(out, kernel, threads, dynamic_shared);
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* out, const void* kernel, int threads,
                                                                   std::size_t dynamic_shared, unsigned) {
  return max_blocks(out, kernel, threads, dynamic_shared);
}

cudaError_t cudaOccupancyAvailableDynamicSMemPerBlock(std::size_t* out, const void* kernel, int blocks,
                                                      int threads) {
  return guarded([&] {
    if (out == nullptr || blocks <= 0 || threads <= 0) return cudaErrorInvalidValue;
    const exec::KernelInfo& info = Modules::instance().function(kernel).info();
    const std::uint64_t shared =
        device::available_shared(device::current(), static_cast<std::uint32_t>(blocks));
    *out = shared > info.static_shared ? shared - info.static_shared : 0;
    return cudaSuccess;
  });
}

cudaError_t cudaOccupancyMaxPotentialClusterSize(int* out, const void* kernel,
                                                 const cudaLaunchConfig_t* config) {
  return guarded([&] {
    if (out == nullptr || config == nullptr) return cudaErrorInvalidValue;
    Function& function = Modules::instance().function(kernel);
    const device::Profile& profile = device::current();
    const auto needs = needs_of(function.info(), threads_of(config->blockDim), config->dynamicSmemBytes);
    std::uint32_t size = function.non_portable_cluster ? profile.max_cluster : profile.portable_cluster;
    while (size > 0 && device::resident_clusters(profile, needs, size) == 0) size /= 2;
    *out = static_cast<int>(size);
    return cudaSuccess;
  });
}

cudaError_t cudaOccupancyMaxActiveClusters(int* out, const void* kernel, const cudaLaunchConfig_t* config) {
  return guarded([&] {
    if (out == nullptr || config == nullptr) return cudaErrorInvalidValue;
    Function& function = Modules::instance().function(kernel);
    const exec::KernelInfo& info = function.info();
    const exec::Dim3 cluster = cluster_of(function, info, shape_of(*config));
    const auto needs = needs_of(info, threads_of(config->blockDim), config->dynamicSmemBytes);
    const auto size = static_cast<std::uint32_t>(cluster.count());
    *out = static_cast<int>(device::resident_clusters(device::current(), needs, size));
    return cudaSuccess;
  });
}

}  // extern "C"
