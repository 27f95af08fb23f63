#include "device/profile.hpp"

namespace ptxvm::device {

// T4 (TU104): 40 multiprocessors.
Profile t4() {
  Profile p{};
  p.key = "t4";
  p.name = "T4";
  p.target = 75;
  p.gpcs = {8, 8, 8, 8, 8};
  p.memory_bytes = std::uint64_t{16} << 30;
  p.l2_bytes = 4u << 20;
  p.memory_clock_khz = 5001000;
  p.memory_bus_bits = 256;
  p.clock_khz = 1590000;
  p.shared_per_multiprocessor = 64 * 1024;
  p.shared_per_block_optin = 64 * 1024;
  p.shared_reserved = 0;
  p.shared_granularity = 256;
  p.threads_per_multiprocessor = 1024;
  p.blocks_per_multiprocessor = 16;
  p.max_cluster = 0;
  p.single_to_double_ratio = 32;
  return p;
}

}  // namespace ptxvm::device
