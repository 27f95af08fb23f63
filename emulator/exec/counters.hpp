// What launches did, added up per kernel name.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace ptxvm::exec {

struct MemoryTraffic {
  std::uint64_t requests = 0, bytes = 0, sectors = 0;  // warp instructions; bytes that lanes asked for; 32-byte pieces
};

struct KernelCounters {
  std::uint64_t launches = 0, blocks = 0;
  std::uint64_t warp_instructions = 0, thread_instructions = 0;  // PTX, predicated-off ones counted as executed
  MemoryTraffic global_load, global_store, shared_load, shared_store, atomics;
  double seconds = 0;  // of the emulator, not of any device
};

std::map<std::string, KernelCounters> counters();  // a copy; since the start or the last reset
void reset_counters();
void count_memory(bool on);  // memory traffic costs time, so it is counted on request (or PTXVM_COUNTERS=1)

}  // namespace ptxvm::exec
