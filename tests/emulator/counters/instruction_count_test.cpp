// Instructions, operations, predicates, divergence and barriers of small kernels, counted on paper.
#include <gtest/gtest.h>

#include "support.hpp"

namespace {

using namespace counters_test;
using count::Class;
using count::Number;

constexpr Shape kWarp{{1}, {32}};

u64 of_class(const count::Kernel& k, Class c) { return k.classes[int(c)]; }

// p(x) = ((2 x + 3) x + 4) x + 5 by Horner: three multiply-adds, six operations a thread.
TEST(InstructionCount, FlopsOfAPolynomial) {
  const Buffer out(4 * 256);
  const auto k = counted(kernel_text(1, R"(
.reg .f32 %x, %p;
cvt.rn.f32.u32 %x, %i;
mov.f32 %p, 0f40000000;
fma.rn.f32 %p, %p, %x, 0f40400000;
fma.rn.f32 %p, %p, %x, 0f40800000;
fma.rn.f32 %p, %p, %x, 0f40A00000;
mad.wide.u32 %at, %i, 4, %q0;
st.global.f32 [%at], %p;
)"), {{2}, {128}}, {out.address()});
  EXPECT_EQ(out.read<float>(4)[2], ((2 * 2.f + 3) * 2 + 4) * 2 + 5);
  EXPECT_EQ(k.flops[int(Number::Single)], 6u * 256);
  EXPECT_EQ(k.flops[int(Number::Double)], 0u);
  EXPECT_EQ(of_class(k, Class::Single), 3u * 8);
  EXPECT_EQ(of_class(k, Class::Global), 8u);
  EXPECT_EQ(of_class(k, Class::Conversion), 2u * 8) << "one of kernel_text's own";
  EXPECT_EQ(of_class(k, Class::Parameter), 8u);
  EXPECT_EQ(of_class(k, Class::Control), 8u);
  EXPECT_EQ(of_class(k, Class::Integer), 2u * 8);
  EXPECT_EQ(of_class(k, Class::Move), 4u * 8);
  u64 all = 0;
  for (const u64 n : k.classes) all += n;
  EXPECT_EQ(k.warp_instructions, all);
  EXPECT_EQ(k.thread_instructions, 32 * all);
  EXPECT_EQ(k.blocks, 2u);
}

TEST(InstructionCount, LanesThatAPredicateSwitchesOffComputeNothing) {
  const auto k = counted(kernel_text(0, R"(
.reg .pred %few, %none; .reg .f32 %x;
setp.lt.u32 %few, %i, 5;
setp.lt.u32 %none, %i, 0;
mov.f32 %x, 0f3f800000;
@%few fma.rn.f32 %x, %x, %x, %x;
@!%few add.f32 %x, %x, %x;
@%none mul.f32 %x, %x, %x;
)"), kWarp, {});
  EXPECT_EQ(k.flops[int(Number::Single)], 2u * 5 + 27);
  EXPECT_EQ(k.switched_off, 27u + 5 + 32);
  EXPECT_EQ(of_class(k, Class::Single), 3u) << "the instructions are issued all the same";
}

// The first ten lanes add once, the others go on: then all meet.
TEST(InstructionCount, DivergenceOfAKnownShape) {
  const auto k = counted(kernel_text(0, R"(
.reg .pred %p; .reg .f32 %x;
mov.f32 %x, 0f3f800000;
setp.ge.u32 %p, %i, 10;
@%p bra MEET;
add.f32 %x, %x, %x;
MEET:
mul.f32 %x, %x, %x;
)"), {{1}, {64}}, {});
  EXPECT_EQ(k.flops[int(Number::Single)], 10u + 64);
  EXPECT_EQ(of_class(k, Class::Branch), 2u);
  EXPECT_EQ(k.divergent_branches, 1u) << "of the first warp; the second branches as one";
  EXPECT_EQ(of_class(k, Class::Single), 1u + 2);
  // Seven instructions before the branch and itself, add, mul and ret.
  EXPECT_EQ(k.warp_instructions, 2u * 8 + 1 + 2 * 2);
  EXPECT_EQ(k.thread_instructions, 64u * 8 + 10 + 64 * 2);
}

TEST(InstructionCount, LoopsCountEachRound) {
  const auto k = counted(kernel_text(0, R"(
.reg .pred %p; .reg .u32 %n; .reg .f64 %x;
mov.u32 %n, 0;
mov.f64 %x, 0d3ff0000000000000;
AGAIN:
fma.rn.f64 %x, %x, %x, %x;
add.u32 %n, %n, 1;
setp.lt.u32 %p, %n, 7;
@%p bra AGAIN;
)"), kWarp, {});
  EXPECT_EQ(k.flops[int(Number::Double)], 2u * 7 * 32);
  EXPECT_EQ(of_class(k, Class::Branch), 7u);
  EXPECT_EQ(k.divergent_branches, 0u);
  EXPECT_EQ(k.switched_off, 0u) << "a branch switches nothing off";
}

// What each thread does counts the same however the lanes of a warp part and meet (the strict modes run this too);
// what a warp does as a whole, its instructions and requests, does not.
TEST(InstructionCount, FiguresOfThreadsHoldHoweverLanesPart) {
  const Buffer buffer(std::vector<u32>(64, 0));
  const auto k = counted(kernel_text(1, R"(
.reg .pred %few, %more; .reg .f32 %x; .reg .b32 %n, %w;
mad.wide.u32 %at, %i, 4, %q0;
ld.global.b32 %w, [%at];
mov.f32 %x, 0f3f800000;
setp.lt.u32 %few, %i, 5;
@%few fma.rn.f32 %x, %x, %x, %x;
mov.u32 %n, 0;
AGAIN:
add.f32 %x, %x, %x;
add.u32 %n, %n, 1;
setp.le.u32 %more, %n, %i;
@%more bra AGAIN;
st.global.f32 [%at], %x;
)"), {{1}, {64}}, {buffer.address()});
  const u64 rounds = 64 * 65 / 2;  // thread i goes round i + 1 times
  EXPECT_EQ(k.flops[int(Number::Single)], 2u * 5 + rounds);
  EXPECT_EQ(k.switched_off, 64u - 5);
  EXPECT_EQ(k.thread_instructions, 64u * (6 + 6 + 2) + 4 * rounds) << "six of kernel_text's own";
  EXPECT_EQ(k.memory.global_load.bytes, 256u);
  EXPECT_EQ(k.memory.global_store.bytes, 256u);
  EXPECT_EQ(k.unique.bytes_read, 256u);
  EXPECT_EQ(k.unique.bytes_written, 256u);
}

TEST(InstructionCount, BarriersByKind) {
  const auto k = counted(kernel_text(0, R"(
bar.sync 0;
bar.warp.sync 0xffffffff;
bar.sync 0;
fence.acq_rel.cta;
)"), {{3}, {128}}, {});
  EXPECT_EQ(of_class(k, Class::BlockBarrier), 3u * 4 * 2);
  EXPECT_EQ(k.block_barriers, 3u * 2);
  EXPECT_EQ(of_class(k, Class::WarpBarrier), 3u * 4);
  EXPECT_EQ(of_class(k, Class::Fence), 3u * 4);
}

TEST(InstructionCount, ExchangesAndSpecialFunctions) {
  const auto k = counted(kernel_text(0, R"(
.reg .b32 %d; .reg .f32 %x; .reg .pred %p;
shfl.sync.bfly.b32 %d, %i, 1, 31, 0xffffffff;
setp.eq.u32 %p, %d, 3;
vote.sync.ballot.b32 %d, %p, 0xffffffff;
mov.f32 %x, 0f3f800000;
ex2.approx.f32 %x, %x;
rcp.approx.f32 %x, %x;
)"), kWarp, {});
  EXPECT_EQ(of_class(k, Class::Exchange), 2u);
  EXPECT_EQ(of_class(k, Class::Special), 2u);
  EXPECT_EQ(k.flops[int(Number::Single)], 64u);
}

TEST(InstructionCount, LaunchesAddUp) {
  ptxvm::exec::reset_counters();
  const std::string text = kernel_text(0, "bar.sync 0;");
  for (int launch = 0; launch < 3; launch++) run(text, {{2}, {64}, 256}, {});
  const count::Kernel k = ptxvm::exec::counters().at("k");
  EXPECT_EQ(k.launches, 3u);
  EXPECT_EQ(k.blocks, 6u);
  EXPECT_EQ(k.block_barriers, 6u);
  EXPECT_EQ(k.counted_launches, 0u) << "nobody asked for memory";
  EXPECT_EQ(k.latest.dynamic_shared, 256u);
  EXPECT_EQ(k.latest.block[0], 64u);
  EXPECT_EQ(k.latest.resident_warps, 2 * k.latest.resident_blocks);
}

}  // namespace
