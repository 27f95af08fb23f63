#include "device/profile.hpp"

namespace ptxvm::device {

// GeForce RTX 4090 (AD102): 128 multiprocessors in eleven GPCs.
Profile rtx4090() {
  Profile p{};
  p.key = "rtx4090";
  p.name = "GeForce RTX 4090";
  p.target = 89;
  p.gpcs = {12, 12, 12, 12, 12, 12, 12, 12, 12, 10, 10};
  p.memory_bytes = std::uint64_t{24} << 30;
  p.l2_bytes = 72u << 20;
  p.memory_clock_khz = 10501000;
  p.memory_bus_bits = 384;
  p.clock_khz = 2520000;
  p.shared_per_multiprocessor = 100 * 1024;
  p.shared_per_block_optin = 99 * 1024;
  p.shared_reserved = 1024;
  p.shared_granularity = 128;
  p.threads_per_multiprocessor = 1536;
  p.blocks_per_multiprocessor = 24;
  p.max_cluster = 0;
  p.single_to_double_ratio = 64;
  return p;
}

}  // namespace ptxvm::device
