// What a kernel launch asks for, checked against the kernel and the device as a driver would.
#pragma once

#include <cuda_runtime_api.h>

#include "device/occupancy.hpp"
#include "runtime/modules.hpp"

namespace ptxvm::runtime {

struct LaunchShape {
  dim3 grid, block;
  std::size_t dynamic_shared = 0;
  dim3 cluster{0, 0, 0};  // zeros: what the kernel requires, or single blocks
  bool cooperative = false;
};

// Queues the launch. Throws Error.
void launch(Function& function, const LaunchShape& shape, void** arguments, cudaStream_t stream);

device::BlockNeeds needs_of(const exec::KernelInfo& info, std::uint32_t threads,
                            std::uint64_t dynamic_shared);

// The most dynamic shared memory that a launch may ask for now.
std::uint64_t allowed_dynamic_shared(const Function& function, const exec::KernelInfo& info);

// The attributes of cudaLaunchConfig_t that mean something here; others are refused.
LaunchShape shape_of(const cudaLaunchConfig_t& config);

// Checks the cluster's size and returns it: the shape's, the function's or the kernel's own.
exec::Dim3 cluster_of(const Function& function, const exec::KernelInfo& info, const LaunchShape& shape);

}  // namespace ptxvm::runtime
