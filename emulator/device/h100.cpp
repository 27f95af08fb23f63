#include "device/profile.hpp"

namespace ptxvm::device {

// H100 SXM5 80 GB: 132 of 144 multiprocessors are on, in GPCs of 16 and 18 (six and two make 132).
Profile h100() {
  Profile p{};
  p.key = "h100";
  p.name = "H100";
  p.target = 90;
  p.gpcs = {16, 16, 16, 16, 16, 16, 18, 18};
  p.memory_bytes = std::uint64_t{80} << 30;
  p.l2_bytes = 50u << 20;
  p.memory_clock_khz = 2619000;
  p.memory_bus_bits = 5120;
  p.clock_khz = 1980000;
  p.shared_per_multiprocessor = 228 * 1024;
  p.shared_per_block_optin = 227 * 1024;
  p.shared_reserved = 1024;
  p.shared_granularity = 128;
  p.threads_per_multiprocessor = 2048;
  p.blocks_per_multiprocessor = 32;
  p.max_cluster = 16;
  p.single_to_double_ratio = 2;
  return p;
}

}  // namespace ptxvm::device
