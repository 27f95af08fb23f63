// What a kernel launch asks for, checked against the kernel and the device as a driver would.
#pragma once

#include <cuda_runtime_api.h>

#include <optional>
#include <vector>

#include "device/occupancy.hpp"
#include "runtime/modules.hpp"
#include "runtime/operation.hpp"

namespace ptxvm::runtime {

struct LaunchShape {
  dim3 grid, block;
  std::size_t dynamic_shared = 0;
  dim3 cluster{0, 0, 0};  // zeros: what the kernel requires, or single blocks
  bool cooperative = false;
  dim3 preferred_cluster{0, 0, 0};
  std::optional<int> priority;
  std::vector<cudaEvent_t> recorded;  // when the launch is done
};

// Checks the launch and takes the arguments' values. Throws Error.
Launch prepare(Function& function, const LaunchShape& shape, void** arguments);

// Queues the launch. Throws Error.
void launch(Function& function, const LaunchShape& shape, void** arguments, cudaStream_t stream);

device::BlockNeeds needs_of(const exec::KernelInfo& info, std::uint32_t threads,
                            std::uint64_t dynamic_shared);

// The most dynamic shared memory that a launch may ask for now.
std::uint64_t allowed_dynamic_shared(const Function& function, const exec::KernelInfo& info);

LaunchShape shape_of(const cudaLaunchConfig_t& config);
LaunchShape shape_of(const Launch& launch);

// Attributes of launches and of kernel nodes. Throws Error for those that are not emulated.
void set_attribute(cudaLaunchAttributeID id, const cudaLaunchAttributeValue& value, LaunchShape* shape);
void get_attribute(cudaLaunchAttributeID id, const LaunchShape& shape, cudaLaunchAttributeValue* value);

// Checks the cluster's size and returns it: the shape's, the function's or the kernel's own.
exec::Dim3 cluster_of(const Function& function, const exec::KernelInfo& info, const LaunchShape& shape);

}  // namespace ptxvm::runtime
