// What a launch may ask for, and how much of it the device holds at a time.
#include <algorithm>

#include "exec/launch_check.hpp"
#include "support/error.hpp"
#include "support/format.hpp"

namespace ptxvm::exec {

std::uint64_t resident_clusters(const MachineLimits& limits, std::uint32_t size) {
  const std::uint64_t each = std::max(1u, limits.resident_blocks);
  if (size == 1 || limits.gpcs.empty()) return std::max<std::uint64_t>(1, limits.multiprocessors * each / size);
  std::uint64_t clusters = 0;
  for (const std::uint32_t multiprocessors : limits.gpcs) clusters += multiprocessors * each / size;
  return std::max<std::uint64_t>(1, clusters);
}

void check_launch(const Request& r, const KernelInfo& info, const MachineLimits& limits) {
  auto refuse = [&](Status status, const std::string& why) {
    throw Error(status, "launch of " + r.kernel + ": " + why);
  };
  if (r.grid.x == 0 || r.grid.y == 0 || r.grid.z == 0) refuse(Status::InvalidConfiguration, "an empty grid");
  if (r.block.x == 0 || r.block.y == 0 || r.block.z == 0) refuse(Status::InvalidConfiguration, "an empty block");
  if (r.grid.x > 0x7fffffffu || r.grid.y > 65535 || r.grid.z > 65535)
    refuse(Status::InvalidConfiguration, "the grid exceeds 2^31-1 x 65535 x 65535 blocks");
  if (r.block.count() > 1024 || r.block.x > 1024 || r.block.y > 1024 || r.block.z > 64)
    refuse(Status::InvalidConfiguration, "the block exceeds 1024 threads (1024 x 1024 x 64)");
  if (r.block.count() > info.max_threads)
    refuse(Status::InvalidValue, format("%llu threads a block, compiled for at most %u",
                                        static_cast<unsigned long long>(r.block.count()), info.max_threads));
  if (std::uint64_t{info.static_shared} + r.dynamic_shared > limits.shared_bytes)
    refuse(Status::InvalidValue, format("%u + %u bytes of shared memory, the device has %u a block", info.static_shared,
                                        r.dynamic_shared, limits.shared_bytes));
  if (std::uint64_t{info.registers} * r.block.count() > 65536)
    refuse(Status::LaunchOutOfResources, format("%u registers for each of %llu threads exceed 65536", info.registers,
                                                static_cast<unsigned long long>(r.block.count())));
  const Dim3 &c = r.cluster, &g = r.grid;
  if (c.count() == 0 || c.count() > 16 || g.x % c.x != 0 || g.y % c.y != 0 || g.z % c.z != 0)
    refuse(Status::InvalidConfiguration,
           format("clusters of %u x %u x %u blocks in a grid of %u x %u x %u", c.x, c.y, c.z, g.x, g.y, g.z));
  if (c.count() > 1 && limits.target < 90) refuse(Status::NotSupported, "the device has no clusters");
  if (r.parameters.size() < info.parameter_bytes)
    refuse(Status::InvalidValue,
           format("%zu bytes of parameters, %u expected", r.parameters.size(), info.parameter_bytes));
}

}  // namespace ptxvm::exec
