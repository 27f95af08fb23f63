// What the model knows of a device. docs/performance-model.md names the source of every number in machine.cpp.
#pragma once

#include <array>
#include <cstdint>

#include "count/traits.hpp"
#include "device/profile.hpp"

namespace ptxvm::model {

// What work waits for. Of a multiprocessor: issue to remote; of the device: L2 and DRAM.
enum class Resource : std::uint8_t { Issue, Single, Integer, Double, Special, Matrix, Shared, Remote, L2, Dram };
constexpr int kResources = int(Resource::Dram) + 1;
const char* name(Resource r);

// What a chain of dependent work waits for without using it up.
enum class Latency : std::uint8_t { Launch, BlockBarrier, ClusterBarrier, Shared, Remote, L2, Dram, Fence, Exchange };
constexpr int kLatencies = int(Latency::Exchange) + 1;
const char* name(Latency l);

struct Machine {
  double clock_hz = 0;
  std::uint32_t multiprocessors = 0;
  // Lanes that a multiprocessor serves a cycle.
  double single = 0, half = 0, integer = 0, double_ = 0, special = 0, conversion = 0, exchange = 0;
  std::array<double, count::kFactors> matrix_flops{};  // a multiprocessor and cycle, by mma.sync; 0: has none
  double remote_bytes = 0;                             // a multiprocessor and cycle, distributed shared memory
  double l2_bytes = 0;                                 // the device, a second
  double l2_bytes_each = 0;                            // the most that one multiprocessor gets, a cycle
  double dram_bytes = 0;                               // the device, a second, as reached by a copy
  double l2_capacity = 0;
  std::array<double, kLatencies> latency{};            // seconds
  double barrier_cycles_per_warp = 0;                  // beside Latency::BlockBarrier
};

Machine machine(const device::Profile& profile);

}  // namespace ptxvm::model
