// What the emulated device claims to be. One small file each; PTXVM_DEVICE picks one by its key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

struct cudaDeviceProp;

namespace ptxvm::device {

struct Profile {
  const char* key;                  // what PTXVM_DEVICE says
  const char* name;                 // the product, without its maker
  int target;                       // 90 for compute capability 9.0
  std::vector<std::uint32_t> gpcs;  // multiprocessors of each GPC; clusters do not cross them

  std::uint64_t memory_bytes;
  std::uint32_t l2_bytes;
  std::uint32_t memory_clock_khz, memory_bus_bits;
  std::uint32_t clock_khz;

  std::uint32_t shared_per_multiprocessor;
  std::uint32_t shared_per_block_optin;  // without opting in: 48 KB
  std::uint32_t shared_reserved;         // of the system, per block
  std::uint32_t shared_granularity;      // blocks get a multiple of it
  std::uint32_t threads_per_multiprocessor;
  std::uint32_t blocks_per_multiprocessor;
  std::uint32_t max_cluster;  // non-portable size; 0 where clusters do not exist
  int single_to_double_ratio;

  // The same for every device that we know.
  static constexpr std::uint32_t warp = 32;
  static constexpr std::uint32_t threads_per_block = 1024;
  static constexpr std::uint32_t registers_per_multiprocessor = 65536;
  static constexpr std::uint32_t registers_per_block = 65536;
  static constexpr std::uint32_t registers_per_thread = 255;
  static constexpr std::uint32_t register_granularity = 256;  // per warp
  static constexpr std::uint32_t partitions = 4;              // of a multiprocessor's register file
  static constexpr std::uint32_t shared_per_block = 48 * 1024;
  static constexpr std::uint32_t portable_cluster = 8;

  std::uint32_t multiprocessors() const;
};

Profile h100();
Profile a100();
Profile rtx4090();
Profile rtx5090();
Profile t4();

std::vector<Profile> profiles();

// Throws Error, naming every key, where there is no such profile.
Profile find_profile(const std::string& key);

// The profile that PTXVM_DEVICE names (default h100), found once. Throws as find_profile does.
const Profile& current();

void fill_properties(const Profile& profile, cudaDeviceProp* properties);
// attribute is a cudaDeviceAttr; false where we do not know it.
bool attribute(const Profile& profile, int attribute, int* value);

}  // namespace ptxvm::device
