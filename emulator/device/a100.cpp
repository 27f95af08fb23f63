#include "device/profile.hpp"

namespace ptxvm::device {

// A100 SXM4 80 GB: 108 of 128 multiprocessors are on; seven GPCs are in use.
Profile a100() {
  Profile p{};
  p.key = "a100";
  p.name = "A100";
  p.target = 80;
  p.gpcs = {16, 16, 16, 16, 16, 14, 14};
  p.memory_bytes = std::uint64_t{80} << 30;
  p.l2_bytes = 40u << 20;
  p.memory_clock_khz = 1593000;
  p.memory_bus_bits = 5120;
  p.clock_khz = 1410000;
  p.shared_per_multiprocessor = 164 * 1024;
  p.shared_per_block_optin = 163 * 1024;
  p.shared_reserved = 1024;
  p.shared_granularity = 128;
  p.threads_per_multiprocessor = 2048;
  p.blocks_per_multiprocessor = 32;
  p.max_cluster = 0;
  p.single_to_double_ratio = 2;
  return p;
}

}  // namespace ptxvm::device
