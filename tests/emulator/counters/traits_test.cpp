// The class and the operations of opcodes.
#include "count/traits.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace {

using namespace ptxvm::count;

Traits of(const std::string& opcode) {
  std::vector<std::string> parts;
  std::stringstream text(opcode);
  for (std::string part; std::getline(text, part, '.');) parts.push_back(part);
  return traits(parts);
}

TEST(Traits, Classes) {
  const std::pair<const char*, Class> expected[] = {
      {"add.s32", Class::Integer}, {"mad.lo.s32", Class::Integer}, {"setp.lt.u64", Class::Integer},
      {"lop3.b32", Class::Integer}, {"and.pred", Class::Integer}, {"selp.f32", Class::Integer},
      {"fma.rn.f32", Class::Single}, {"setp.lt.f32", Class::Single}, {"max.f32", Class::Single},
      {"fma.rn.f64", Class::Double}, {"fma.rn.f16x2", Class::Half}, {"add.bf16", Class::Half},
      {"cvt.rn.f32.s32", Class::Conversion}, {"ex2.approx.ftz.f32", Class::Special}, {"div.rn.f32", Class::Special},
      {"mov.b64", Class::Move}, {"cvta.to.global.u64", Class::Move}, {"bra.uni", Class::Branch}, {"brx.idx", Class::Branch},
      {"ret", Class::Control}, {"call.uni", Class::Control}, {"ld.global.nc.f32", Class::Global},
      {"st.shared::cta.v4.f32", Class::Shared}, {"ld.local.u8", Class::Local}, {"ld.param.u64", Class::Parameter},
      {"ld.const.f32", Class::Constant}, {"ld.u32", Class::Generic}, {"ld.volatile.u32", Class::Generic},
      {"ldmatrix.sync.aligned.m8n8.x4.shared.b16", Class::Shared}, {"cp.async.ca.shared.global", Class::Copy},
      {"shfl.sync.bfly.b32", Class::Exchange}, {"vote.sync.ballot.b32", Class::Exchange}, {"bar.sync", Class::BlockBarrier},
      {"barrier.cta.sync", Class::BlockBarrier}, {"bar.warp.sync", Class::WarpBarrier},
      {"barrier.cluster.arrive", Class::ClusterBarrier}, {"mbarrier.try_wait.shared.b64", Class::MemoryBarrier},
      {"fence.acq_rel.gpu", Class::Fence}, {"membar.gl", Class::Fence}, {"atom.global.add.f32", Class::Atomic},
      {"red.shared.add.u32", Class::Atomic}, {"mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32", Class::Matrix},
      {"prefetch.global.L2", Class::Other}};
  for (const auto& [opcode, cls] : expected) EXPECT_EQ(name(of(opcode).cls), name(cls)) << opcode;
}

TEST(Traits, FlopsOfALane) {
  EXPECT_EQ(of("fma.rn.f32").flops, 2);
  EXPECT_EQ(of("add.ftz.f32").flops, 1);
  EXPECT_EQ(of("max.f32").flops, 0);
  EXPECT_EQ(of("neg.f32").flops, 0);
  EXPECT_EQ(of("setp.gt.f32").flops, 0);
  EXPECT_EQ(of("add.s32").flops, 0);
  EXPECT_EQ(of("fma.rn.f16x2").flops, 4);
  EXPECT_EQ(of("mul.bf16x2").flops, 2);
  EXPECT_EQ(of("mul.bf16x2").number, Number::Bfloat);
  EXPECT_EQ(of("mul.f16").number, Number::Half);
  EXPECT_EQ(of("fma.rn.f64").number, Number::Double);
  EXPECT_EQ(of("div.rn.f64").flops, 1);
  EXPECT_EQ(of("tanh.approx.f32").flops, 1);
}

TEST(Traits, ProductsOfMatrices) {
  const Traits half = of("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32");
  EXPECT_EQ(half.matrix_flops, 2u * 16 * 8 * 16);
  EXPECT_EQ(half.factor, Factor::Half);
  EXPECT_EQ(of("mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32").factor, Factor::Bfloat);
  EXPECT_EQ(of("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32").factor, Factor::Tf32);
  EXPECT_EQ(of("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64").factor, Factor::Double);
  EXPECT_EQ(of("mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32").factor, Factor::Byte);
  EXPECT_EQ(of("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64").matrix_flops, 2u * 8 * 8 * 4);
  EXPECT_EQ(of("mma.sync.aligned.m8n8k4.row.col.f32.f16.f16.f32").matrix_flops, 4u * 2 * 8 * 8 * 4);
  const Traits wmma = of("wmma.mma.sync.aligned.row.col.m16n16k16.f32.f32");
  EXPECT_EQ(wmma.matrix_flops, 2u * 16 * 16 * 16);
  EXPECT_EQ(wmma.factor, Factor::Half);
  EXPECT_EQ(of("wmma.mma.sync.aligned.row.col.m16n16k16.f32.bf16.bf16.f32").factor, Factor::Bfloat);
  EXPECT_EQ(of("wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16").matrix_flops, 2u * 64 * 64 * 16 / 4);
  EXPECT_EQ(of("wmma.load.a.sync.aligned.row.m16n16k16.shared.f16").cls, Class::Shared);
}

TEST(Traits, WhatOrdersMemoryOfTheDevice) {
  EXPECT_TRUE(of("fence.acq_rel.gpu").device_fence);
  EXPECT_TRUE(of("membar.gl").device_fence);
  EXPECT_TRUE(of("st.release.gpu.global.u32").device_fence);
  EXPECT_TRUE(of("atom.acq_rel.sys.global.add.u32").device_fence);
  EXPECT_FALSE(of("fence.acq_rel.cta").device_fence);
  EXPECT_FALSE(of("ld.acquire.gpu.global.u32").device_fence);
  EXPECT_FALSE(of("st.relaxed.gpu.global.u32").device_fence);
}

TEST(Traits, WhatDoesTheSameAgain) {
  for (const char* opcode : {"add.s32", "fma.rn.f32", "mov.b64", "setp.lt.u64", "bra.uni", "ld.shared.u32", "ld.local.u32",
                             "st.local.u32", "ld.const.f32", "ld.param.u64", "mbarrier.try_wait.shared.b64",
                             "mbarrier.test_wait.parity.b64", "vote.sync.all.pred", "bar.warp.sync", "fence.acq_rel.gpu", "nanosleep.u32"})
    EXPECT_TRUE(of(opcode).repeats) << opcode;
  for (const char* opcode : {"ld.global.u32", "ld.u32", "st.shared.u32", "atom.shared.add.u32", "mbarrier.arrive.shared.b64",
                             "bar.sync", "barrier.cluster.arrive", "barrier.cluster.wait", "cp.async.wait_all", "exit", "call.uni",
                             "activemask.b32", "st.async.b32", "stmatrix.sync.aligned.m8n8.x1.shared.b16"})
    EXPECT_FALSE(of(opcode).repeats) << opcode;
  EXPECT_TRUE(tells_time("%clock64") && tells_time("%globaltimer_lo"));
  EXPECT_FALSE(tells_time("%cluster_ctarank") || tells_time("%tid.x"));
}

}  // namespace
