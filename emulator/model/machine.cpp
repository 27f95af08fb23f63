#include "model/machine.hpp"

#include <string>

namespace ptxvm::model {
namespace {

constexpr double kTera = 1e12, kNano = 1e-9;

void set(Machine& m, count::Factor f, double flops) { m.matrix_flops[std::size_t(f)] = flops; }
void set(Machine& m, Latency l, double seconds) { m.latency[std::size_t(l)] = seconds; }
void set_cycles(Machine& m, Latency l, double cycles) { set(m, l, cycles / m.clock_hz); }

// Rates by compute capability: the programming guide's table of arithmetic throughput.
void arithmetic(Machine& m, int target) {
  m.single = target == 75 || target == 80 ? 64 : 128;
  m.half = target == 80 || target == 90 ? 128 : target == 75 ? 64 : 128;  // instructions, packed ones count once
  m.integer = 64;
  m.double_ = target == 90 ? 64 : target == 80 ? 32 : 2;
  m.special = 16;
  m.conversion = target == 89 || target >= 90 ? 64 : 16;
  m.exchange = 32;
}

// Dense products, per multiprocessor and cycle: the peak of the white papers over multiprocessors and boost clock.
void matrices(Machine& m, int target) {
  using count::Factor;
  switch (target) {
    case 75:
      set(m, Factor::Half, 1024), set(m, Factor::Byte, 2048), set(m, Factor::Narrow, 4096);
      break;
    case 80:
      set(m, Factor::Half, 2048), set(m, Factor::Bfloat, 2048), set(m, Factor::Tf32, 1024);
      set(m, Factor::Double, 128), set(m, Factor::Byte, 4096), set(m, Factor::Narrow, 8192);
      break;
    case 90: {
      const double reached = 0.62;  // mma.sync; only wgmma comes near the peak
      set(m, Factor::Half, 4096 * reached), set(m, Factor::Bfloat, 4096 * reached);
      set(m, Factor::Tf32, 2048 * reached), set(m, Factor::Byte, 8192 * reached);
      set(m, Factor::Double, 256 * reached), set(m, Factor::Float8, 8192 * reached);
      break;
    }
    default:  // 89 and 120, sums in fp32
      set(m, Factor::Half, 512), set(m, Factor::Bfloat, 512), set(m, Factor::Tf32, 256);
      set(m, Factor::Byte, 2048), set(m, Factor::Float8, 1024), set(m, Factor::Narrow, 4096);
  }
}

}  // namespace

Machine machine(const device::Profile& p) {
  Machine m;
  m.clock_hz = 1e3 * p.clock_khz;
  m.multiprocessors = p.multiprocessors();
  arithmetic(m, p.target);
  matrices(m, p.target);
  m.l2_bytes_each = 64;
  m.l2_capacity = p.l2_bytes;
  m.dram_bytes = 0.88 * 2e3 * p.memory_clock_khz * p.memory_bus_bits / 8;
  set_cycles(m, Latency::BlockBarrier, 21);
  m.barrier_cycles_per_warp = 2;
  const std::string key = p.key;
  if (key == "h100") {
    m.l2_bytes = 5.5 * kTera;
    m.remote_bytes = 16;
    set_cycles(m, Latency::ClusterBarrier, 851);
    set_cycles(m, Latency::Shared, 29);
    set_cycles(m, Latency::Remote, 190);
    set_cycles(m, Latency::L2, 336);
    set_cycles(m, Latency::Dram, 551);
    set(m, Latency::Fence, 540 * kNano);
    set(m, Latency::Exchange, 160 * kNano);
    set(m, Latency::Launch, 2100 * kNano);
  } else if (key == "a100") {
    m.l2_bytes = 4.96 * kTera;
    set_cycles(m, Latency::Shared, 29);
    set_cycles(m, Latency::L2, 282);
    set_cycles(m, Latency::Dram, 549);
    set(m, Latency::Fence, 542 * kNano);
    set(m, Latency::Exchange, 166 * kNano);
    set(m, Latency::Launch, 1500 * kNano);
  } else if (key == "t4") {
    m.l2_bytes = 1.27 * kTera;
    set_cycles(m, Latency::Shared, 19);
    set_cycles(m, Latency::L2, 188);
    set_cycles(m, Latency::Dram, 450);
    set(m, Latency::Fence, 540 * kNano);
    set(m, Latency::Exchange, 200 * kNano);
    set(m, Latency::Launch, 1160 * kNano);
  } else {  // rtx4090, rtx5090
    const bool newer = p.target >= 120;
    m.l2_bytes = (newer ? 5.2 : 4.1) * kTera;
    if (newer) {
      m.remote_bytes = 16;
      set_cycles(m, Latency::ClusterBarrier, 404);
      set_cycles(m, Latency::Remote, 190);
    }
    set_cycles(m, Latency::Shared, 30);
    set_cycles(m, Latency::L2, 273);
    set_cycles(m, Latency::Dram, 541);
    set(m, Latency::Fence, 540 * kNano);
    set(m, Latency::Exchange, 160 * kNano);
    set(m, Latency::Launch, 1025 * kNano);
  }
  return m;
}

const char* name(Resource r) {
  static constexpr const char* names[kResources] = {"issue",  "fp32 and fp16", "integer",            "fp64", "special functions",
                                                    "matrix", "shared memory", "distributed shared", "L2",   "DRAM"};
  return names[std::size_t(r)];
}

const char* name(Latency l) {
  static constexpr const char* names[kLatencies] = {
      "launch",     "block barriers", "cluster barriers", "shared-memory latency", "distributed shared latency",
      "L2 latency", "DRAM latency",   "fences",           "exchanges through L2"};
  return names[std::size_t(l)];
}

}  // namespace ptxvm::model
