// What a launch may ask for, and how much of it the device holds at a time.
#pragma once

#include <cstdint>

#include "exec/launch.hpp"

namespace ptxvm::exec {

// Throws Error for a shape that the kernel or the device does not allow.
void check_launch(const Request& request, const KernelInfo& info, const MachineLimits& limits);

// Clusters of `size` blocks that are resident together: each lies on the multiprocessors of one GPC.
std::uint64_t resident_clusters(const MachineLimits& limits, std::uint32_t size);

}  // namespace ptxvm::exec
