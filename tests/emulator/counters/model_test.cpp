// The model against sums done by hand.
#include <gtest/gtest.h>

#include "model/time.hpp"
#include "support.hpp"

namespace {

using namespace ptxvm::model;
namespace device = ptxvm::device;
using ptxvm::count::Class;

// A machine with round figures: 10 multiprocessors at 1 GHz, L2 of 320 and DRAM of 32 bytes a cycle.
Machine round_machine() {
  Machine m;
  m.clock_hz = 1e9;
  m.multiprocessors = 10;
  m.single = m.half = 128, m.integer = 64, m.double_ = 32, m.special = m.conversion = 16, m.exchange = 32;
  m.matrix_flops.fill(1024);
  m.remote_bytes = 16;
  m.l2_bytes = 320e9, m.l2_bytes_each = 64, m.dram_bytes = 32e9, m.l2_capacity = 1e6;
  m.latency[int(Latency::Launch)] = 1e-6;
  m.latency[int(Latency::BlockBarrier)] = 20e-9;
  m.latency[int(Latency::Dram)] = 500e-9;
  m.latency[int(Latency::L2)] = 200e-9;
  m.barrier_cycles_per_warp = 1;
  return m;
}

double of(const Work& w, Resource r) { return w[std::size_t(r)]; }

TEST(Model, APhaseTakesTheLargestDemand) {
  const Machine m = round_machine();
  const Rates r = rates(m, {10, 8, 1});
  Phase p;
  add(p.work, r, Class::Single, 1000);   // 250 cycles of 32 lanes on 128, 250 of issue
  add(p.work, r, Class::Integer, 100);   // 50 cycles
  EXPECT_DOUBLE_EQ(of(p.work, Resource::Single), 250);
  EXPECT_DOUBLE_EQ(of(p.work, Resource::Integer), 50);
  EXPECT_DOUBLE_EQ(of(p.work, Resource::Issue), 275);
  Chain c;
  end_phase(c, p, r, Latency::BlockBarrier);
  EXPECT_DOUBLE_EQ(of(c.decided, Resource::Issue), 275);
  EXPECT_DOUBLE_EQ(c.cycles(), 275 + 20 + 8);
  EXPECT_EQ(c.phases, 1u);
}

TEST(Model, PhasesAddUpEachWithItsOwnLargest) {
  const Machine m = round_machine();
  const Rates r = rates(m, {10, 4, 1});
  Chain c;
  for (int step = 0; step < 100; step++) {
    Phase p;
    add(p.work, r, Class::Special, 40);  // 80 cycles
    end_phase(c, p, r, Latency::BlockBarrier);
    p.work[std::size_t(Resource::Shared)] = 50;
    p.meet(Latency::L2);
    end_phase(c, p, r, Latency::BlockBarrier);
  }
  EXPECT_DOUBLE_EQ(c.cycles(), 100 * (80 + 24 + 50 + 200 + 24));
  Demand d;
  d.shape = {10, 4, 1};
  d.critical = c;
  const Estimate e = estimate(m, d);
  EXPECT_NEAR(e.seconds(), 1e-6 + c.cycles() / 1e9, 1e-15);
  EXPECT_STREQ(e.largest(), "L2 latency");
}

TEST(Model, FewWarpsLeaveSchedulersIdle) {
  const Machine m = round_machine();
  for (const std::uint32_t warps : {1u, 2u, 4u, 8u}) {
    const Rates r = rates(m, {10, warps, 1});
    Phase p;
    add(p.work, r, Class::Control, 400);
    Chain c;
    end_phase(c, p, r, Latency::Launch);
    EXPECT_DOUBLE_EQ(c.cycles(), 400.0 / std::min(4u, warps)) << warps;
  }
}

TEST(Model, BlocksThatShareAMultiprocessorTakeTurns) {
  const Machine m = round_machine();
  const Rates r = rates(m, {20, 4, 2});
  EXPECT_TRUE(lockstep(m, {20, 4, 2}));
  EXPECT_FALSE(lockstep(m, {21, 4, 2}));
  Phase p;
  p.work[std::size_t(Resource::Shared)] = 100;
  Chain c;
  end_phase(c, p, r, Latency::Launch);
  EXPECT_DOUBLE_EQ(c.cycles(), 200);
}

TEST(Model, ManyBlocksAreBoundByTheMostDemandedResource) {
  const Machine m = round_machine();
  Demand d;
  d.shape = {1000, 8, 2};
  d.work[std::size_t(Resource::Single)] = 1000 * 30;  // 100 blocks a multiprocessor: 3000 cycles
  d.l2_sectors = 20000;                               // 640 kB: 2000 cycles
  d.dram_sectors = 10000;                             // 320 kB: 10000 cycles
  const Estimate e = estimate(m, d);
  EXPECT_NEAR(e.seconds(), 1e-6 + 10e-6, 1e-12);
  EXPECT_STREQ(e.largest(), "DRAM");
  EXPECT_NEAR(of(e.decided, Resource::Dram), 10e-6, 1e-12);
  d.work[std::size_t(Resource::Single)] = 1000 * 300;
  EXPECT_STREQ(estimate(m, d).largest(), "fp32 and fp16");
}

TEST(Model, OneBusyBlockAmongIdleOnesMovesItsOwnBytesOnly) {
  const Machine m = round_machine();
  Demand d;
  d.shape = {20, 4, 2};
  const Rates r = rates(m, d.shape);
  Phase p;
  p.work[std::size_t(Resource::Dram)] = r.dram * 1000;  // as if all 20 blocks moved 32 kB
  end_phase(d.critical, p, r, Latency::Launch);
  EXPECT_DOUBLE_EQ(d.critical.cycles(), 20 * 1000);
  d.dram_sectors = d.l2_sectors = 1000;
  EXPECT_NEAR(estimate(m, d).seconds(), 1e-6 + 1e-6, 1e-12);
}

TEST(Model, WavesOfBlocksWaitOneAfterAnother) {
  const Machine m = round_machine();
  Demand d;
  d.shape = {41, 1, 2};  // three waves
  d.critical.waited[std::size_t(Latency::Dram)] = 500;
  EXPECT_NEAR(estimate(m, d).seconds(), 1e-6 + 1.5e-6, 1e-12);
}

TEST(Model, WhatDoesNotFitL2ComesFromDramAgain) {
  const Machine m = round_machine();
  Demand d;
  d.shape = {1000, 8, 2};
  d.dram_sectors = 62500;  // 2 MB, twice the cache
  d.l2_sectors = 4 * 62500;
  // 2 MB once, half of the other 6 MB again: 5 MB at 32 bytes a cycle.
  EXPECT_NEAR(estimate(m, d).seconds(), 1e-6 + 5e6 / 32e9, 1e-12);
}

TEST(Model, MoreIsNeverFaster) {
  for (const device::Profile& profile : device::profiles()) {
    const Machine m = machine(profile);
    for (const std::uint64_t blocks : {1u, 100u, 132u, 1000u}) {
      double before = 0;
      for (double bytes = 1e3; bytes < 1e10; bytes *= 1.5) {
        Demand d;
        d.shape = {blocks, 8, 2};
        d.dram_sectors = bytes / 32;
        d.l2_sectors = 1.2 * bytes / 32;
        const double now = estimate(m, d).seconds();
        EXPECT_GE(now, before) << profile.key << " " << blocks << " " << bytes;
        before = now;
      }
    }
    for (int k = 0; k < kResources; k++) {
      Demand d;
      d.shape = {500, 8, 2};
      d.l2_sectors = d.dram_sectors = 1e5;
      const double before = estimate(m, d).seconds();
      d.work[std::size_t(k)] = 1e9;
      EXPECT_GE(estimate(m, d).seconds(), before) << k;
    }
  }
}

TEST(Model, EveryDeviceIsWhole) {
  for (const device::Profile& profile : device::profiles()) {
    const Machine m = machine(profile);
    for (const Latency l : {Latency::Launch, Latency::BlockBarrier, Latency::Shared, Latency::L2, Latency::Dram, Latency::Fence,
                            Latency::Exchange})
      EXPECT_GT(m.latency[std::size_t(l)], 0) << profile.key << " " << name(l);
    EXPECT_EQ(m.latency[std::size_t(Latency::ClusterBarrier)] > 0, profile.max_cluster > 0) << profile.key;
    EXPECT_GT(m.latency[std::size_t(Latency::Dram)], m.latency[std::size_t(Latency::L2)]) << profile.key;
    EXPECT_GT(m.matrix_flops[0], 0) << profile.key;
    EXPECT_GT(m.l2_bytes, m.dram_bytes) << profile.key;
  }
}

// 512 MB read and written on the H100: the DRAM figure of its profile, 88 % of 3.35 TB/s, and little else.
TEST(Model, ACopyIsBoundByDram) {
  const Machine m = machine(device::h100());
  Demand d;
  d.shape = {std::uint64_t{1} << 17, 8, 8};
  d.dram_sectors = d.l2_sectors = 2 * double(512 << 20) / 32;
  const Estimate e = estimate(m, d);
  EXPECT_STREQ(e.largest(), "DRAM");
  EXPECT_NEAR(2.0 * (512 << 20) / e.seconds(), 0.88 * 3.352e12, 0.02e12);
}

// The same by a kernel that runs: 4 MB, 16 bytes a thread.
TEST(Model, ACopyKernelIsBoundByDram) {
  using namespace counters_test;
  const std::size_t bytes = 4 << 20;
  const Buffer from(std::vector<u32>(bytes / 4, 1)), to(bytes);
  const auto k = counted(kernel_text(2, R"(
.reg .b64 %a, %b; .reg .b32 %w<4>;
mad.wide.u32 %a, %i, 16, %q0;
mad.wide.u32 %b, %i, 16, %q1;
ld.global.v4.b32 {%w0, %w1, %w2, %w3}, [%a];
st.global.v4.b32 [%b], {%w0, %w1, %w2, %w3};
)"), {{unsigned(bytes / 16 / 256)}, {256}}, {from.address(), to.address()});
  EXPECT_EQ(k.unique.bytes_read, bytes);
  EXPECT_EQ(k.unique.bytes_written, bytes);
  const Estimate& e = k.modelled;
  const Machine m = machine(device::h100());
  const double launch = m.latency[int(Latency::Launch)];
  // All its blocks are there at once, so the latency of the one load stands beside the bytes.
  EXPECT_NEAR(e.seconds() - launch - m.latency[int(Latency::Dram)], 2.0 * bytes / m.dram_bytes, 0.05 * 2.0 * bytes / m.dram_bytes);
  EXPECT_GT(of(e.decided, Resource::Dram), 0);
  EXPECT_EQ(of(e.decided, Resource::L2), 0);
}

// T steps with a barrier each are T phases, and take T times as long.
TEST(Model, StepsAreAddedAlongTheChain) {
  using namespace counters_test;
  double seconds[2];
  for (const int steps : {100, 200}) {
    const auto k = counted(kernel_text(0, ".reg .u32 %n; .reg .pred %p; .reg .f32 %x; mov.u32 %n, 0; mov.f32 %x, 0f3f800000;\nSTEP:\n"
                                          "fma.rn.f32 %x, %x, %x, %x;\nbar.sync 0;\nadd.u32 %n, %n, 1;\nsetp.lt.u32 %p, %n, " +
                                          std::to_string(steps) + ";\n@%p bra STEP;"),
                           {{4}, {256}}, {});
    EXPECT_EQ(k.phases, u64(steps) + 1);
    seconds[steps == 200] = k.modelled.seconds() - machine(device::h100()).latency[int(Latency::Launch)];
    EXPECT_STREQ(k.modelled.largest(), steps == 100 ? "launch" : "block barriers");
    EXPECT_NEAR(k.modelled.waited[int(Latency::BlockBarrier)], steps * (21 + 2 * 8) / 1.98e9, 1e-12);
  }
  EXPECT_NEAR(seconds[1] / seconds[0], 2, 0.02);
}

// So does the cluster's barrier, and an mbarrier, whoever of a block waits for it; its arrivals come from the block itself or from another.
TEST(Model, BarriersOfClustersAndMbarriersEndPhases) {
  using namespace counters_test;
  const Machine m = machine(device::h100());
  const auto loop = [](const std::string& body, int steps) {
    return ".reg .u32 %n, %m, %b; .reg .pred %p; .reg .f32 %x; mov.u32 %n, 0; mov.f32 %x, 0f3f800000;\nmov.u32 %b, bar;\n"
           "setp.eq.u32 %p, %i, 0;\nmov.u32 %m, %tid.x;\nsetp.eq.u32 %p, %m, 0;\n@%p mbarrier.init.shared.b64 [bar], 64;\n"
           "@%p mbarrier.init.shared.b64 [bar+8], 64;\nfence.mbarrier_init.release.cluster;\nbarrier.cluster.arrive;\nbarrier.cluster.wait;\nSTEP:\nand.b32 %m, %n, 1;\n" +
           body + "fma.rn.f32 %x, %x, %x, %x;\nadd.u32 %n, %n, 1;\nsetp.lt.u32 %p, %n, " + std::to_string(steps) + ";\n@%p bra STEP;\n";
  };
  const std::string before = ".shared .align 8 .b64 bar[2];\n";
  const instruction_test::Shape two{{4, 1, 1}, {64, 1, 1}, 0, {2, 1, 1}, true};
  for (const int steps : {100, 200}) {
    const auto barriers = counted(kernel_text(0, loop("barrier.cluster.arrive;\nbarrier.cluster.wait;\n", steps), before), two, {});
    EXPECT_EQ(barriers.phases, u64(steps) + 2);
    EXPECT_NEAR(barriers.modelled.waited[int(Latency::ClusterBarrier)], (steps + 1) * m.latency[int(Latency::ClusterBarrier)], 1e-12);
    const std::string wait = "W:\nmbarrier.try_wait.parity.acquire.cluster.shared.b64 %p, [bar], %m;\n@!%p bra W;\n";
    const auto own = counted(kernel_text(0, loop("mbarrier.arrive.shared.b64 _, [bar];\n" + wait, steps), before), two, {});
    EXPECT_EQ(own.phases, u64(steps) + 2);
    EXPECT_NEAR(own.modelled.waited[int(Latency::Shared)], steps * m.latency[int(Latency::Shared)], 1e-12);
    EXPECT_EQ(own.modelled.waited[int(Latency::Remote)], 0);
    // Each block arrives at the other's, by turns at two, so that nobody is two phases ahead.
    const auto other = counted(
        kernel_text(0, ".reg .u32 %r, %q, %o;\n" +
                           loop("mov.u32 %r, %cluster_ctarank;\nxor.b32 %r, %r, 1;\nshl.b32 %o, %m, 3;\nadd.u32 %q, %b, %o;\n"
                                "mapa.shared::cluster.u32 %r, %q, %r;\nshr.b32 %m, %n, 1;\nand.b32 %m, %m, 1;\n"
                                "mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%r];\n"
                                "W:\nmbarrier.try_wait.parity.acquire.cluster.shared.b64 %p, [%q], %m;\n@!%p bra W;\n", steps) +
                           "barrier.cluster.arrive;\nbarrier.cluster.wait;\n", before), two, {});
    EXPECT_EQ(other.phases, u64(steps) + 3);
    EXPECT_NEAR(other.modelled.waited[int(Latency::Remote)], steps * m.latency[int(Latency::Remote)], 1e-12);
    EXPECT_NEAR(other.modelled.waited[int(Latency::ClusterBarrier)], 2 * m.latency[int(Latency::ClusterBarrier)], 1e-12);
  }
}

}  // namespace
