#include "device/occupancy.hpp"

#include <algorithm>

namespace ptxvm::device {
namespace {

std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) { return (value + unit - 1) / unit * unit; }

std::uint64_t allocated_shared(const Profile& p, std::uint64_t shared) {
  return round_up(shared + p.shared_reserved, p.shared_granularity);
}

// A multiprocessor's register file is cut in four, and a warp's registers lie in one part. A block whose
// warps do not divide by four is taken to need the next multiple, but only to be launched at all.
std::uint64_t by_registers(const Profile& p, const BlockNeeds& needs, std::uint64_t warps) {
  const std::uint64_t per_warp = round_up(std::uint64_t{needs.registers} * p.warp, p.register_granularity);
  const std::uint64_t spread = round_up(warps, p.partitions);
  if (per_warp * spread > p.registers_per_block) return 0;
  const std::uint64_t warps_per_partition = p.registers_per_multiprocessor / p.partitions / per_warp;
  return warps_per_partition * p.partitions / warps;
}

}  // namespace

std::uint32_t resident_blocks(const Profile& p, const BlockNeeds& needs) {
  if (needs.threads == 0 || needs.threads > p.threads_per_block) return 0;
  if (needs.registers > p.registers_per_thread) return 0;
  const std::uint64_t warps = round_up(needs.threads, p.warp) / p.warp;
  std::uint64_t blocks =
      std::min<std::uint64_t>(p.blocks_per_multiprocessor, p.threads_per_multiprocessor / p.warp / warps);
  if (needs.registers > 0) blocks = std::min(blocks, by_registers(p, needs, warps));
  if (needs.shared > p.shared_per_block_optin) return 0;
  const std::uint64_t shared = allocated_shared(p, needs.shared);
  if (shared > 0) blocks = std::min<std::uint64_t>(blocks, p.shared_per_multiprocessor / shared);
  return static_cast<std::uint32_t>(blocks);
}

std::uint64_t available_shared(const Profile& p, std::uint32_t blocks) {
  if (blocks == 0) return 0;
  const std::uint64_t each =
      p.shared_per_multiprocessor / blocks / p.shared_granularity * p.shared_granularity;
  if (each < p.shared_reserved) return 0;
  return std::min<std::uint64_t>(each - p.shared_reserved, p.shared_per_block_optin);
}

std::uint32_t resident_clusters(const Profile& p, const BlockNeeds& needs, std::uint32_t size) {
  if (size == 0 || size > p.max_cluster) return 0;
  const std::uint32_t blocks = resident_blocks(p, needs);
  std::uint32_t clusters = 0;
  for (const std::uint32_t multiprocessors : p.gpcs) clusters += multiprocessors * blocks / size;
  return clusters;
}

}  // namespace ptxvm::device
