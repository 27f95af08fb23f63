// How much of a kernel fits on a multiprocessor, and how many clusters on the device. Pure arithmetic.
#pragma once

#include <cstdint>

#include "device/profile.hpp"

namespace ptxvm::device {

struct BlockNeeds {
  std::uint32_t threads = 0;    // per block
  std::uint32_t registers = 0;  // per thread; 0 where unknown, and then registers limit nothing
  std::uint64_t shared = 0;     // static and dynamic, per block, without what the system reserves
};

// Blocks of this kind that one multiprocessor holds at a time; 0 where a single one does not fit.
std::uint32_t resident_blocks(const Profile& profile, const BlockNeeds& needs);

// The most dynamic shared memory with which `blocks` blocks still fit, by shared memory alone.
std::uint64_t available_shared(const Profile& profile, std::uint32_t blocks);

// Clusters of `size` blocks that the device holds at a time: all blocks of a cluster lie in one GPC.
std::uint32_t resident_clusters(const Profile& profile, const BlockNeeds& needs, std::uint32_t size);

}  // namespace ptxvm::device
