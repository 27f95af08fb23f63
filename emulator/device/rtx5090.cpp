#include "device/profile.hpp"

namespace ptxvm::device {

// GeForce RTX 5090 (GB202): 170 multiprocessors in eleven GPCs, ten of them taken as complete.
Profile rtx5090() {
  Profile p{};
  p.key = "rtx5090";
  p.name = "GeForce RTX 5090";
  p.target = 120;
  p.gpcs = {16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 10};
  p.memory_bytes = std::uint64_t{32} << 30;
  p.l2_bytes = 96u << 20;
  p.memory_clock_khz = 14001000;
  p.memory_bus_bits = 512;
  p.clock_khz = 2407000;
  p.shared_per_multiprocessor = 100 * 1024;
  p.shared_per_block_optin = 99 * 1024;
  p.shared_reserved = 1024;
  p.shared_granularity = 128;
  p.threads_per_multiprocessor = 1536;
  p.blocks_per_multiprocessor = 24;
  p.max_cluster = 8;
  p.single_to_double_ratio = 64;
  return p;
}

}  // namespace ptxvm::device
