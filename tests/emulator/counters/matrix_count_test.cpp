// Matrix instructions and the rows that they read from shared memory.
#include <gtest/gtest.h>

#include "support.hpp"

namespace {

using namespace counters_test;
using count::Class;
using count::Factor;

// ldmatrix of four 8 x 8 matrices whose rows are `pitch` bytes apart, then two products of 16 x 8 x 16.
count::Kernel product(unsigned pitch) {
  return counted(
      kernel_text(
          0,
          ".shared .align 16 .b8 s[8192];\n.reg .b32 %a, %m<4>, %c<4>, %at32, %row;\n.reg .f32 %f<4>;\n"
          "mov.b32 %a, s;\nmov.b32 %row, 0;\nmov.b32 %m0, 0;\n"
          "mad.lo.u32 %at32, %i, 4, %a;\nCLEAR:\n.reg .pred %p;\nst.shared.b32 [%at32], %m0;\n"
          "add.u32 %at32, %at32, 128;\nadd.u32 %row, %row, 1;\nsetp.lt.u32 %p, %row, 64;\n@%p bra CLEAR;\n"
          "bar.warp.sync 0xffffffff;\nmad.lo.u32 %a, %i, " +
              std::to_string(pitch) +
              ", %a;\n"
              "mov.f32 %f0, 0f00000000; mov.f32 %f1, %f0; mov.f32 %f2, %f0; mov.f32 %f3, %f0;\n"
              "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%m0, %m1, %m2, %m3}, [%a];\n"
              "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%f0, %f1, %f2, %f3}, {%m0, %m1, %m2, %m3}, "
              "{%m0, %m1}, "
              "{%f0, %f1, %f2, %f3};\n"
              "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%f0, %f1, %f2, %f3}, {%m0, %m1, %m2, "
              "%m3}, {%m0, "
              "%m1}, {%f0, %f1, %f2, %f3};\n"),
      {{1}, {32}}, {});
}

TEST(MatrixCount, FlopsByType) {
  const auto k = product(16);
  EXPECT_EQ(k.classes[int(Class::Matrix)], 2u);
  EXPECT_EQ(k.matrix_flops[int(Factor::Half)], 2u * 16 * 8 * 16);
  EXPECT_EQ(k.matrix_flops[int(Factor::Bfloat)], 2u * 16 * 8 * 16);
  EXPECT_EQ(k.flops[int(count::Number::Single)], 0u) << "sums of a product are the product's";
}

TEST(MatrixCount, RowsOfLdmatrix) {
  const auto packed = product(16);
  EXPECT_EQ(packed.memory.shared_load.requests, 1u);
  EXPECT_EQ(packed.memory.shared_load.bytes, 512u);
  EXPECT_EQ(packed.memory.shared_load.wavefronts, 4u);
  EXPECT_EQ(packed.memory.shared_load.conflicts(), 0u);
  EXPECT_EQ(product(128).memory.shared_load.wavefronts, 32u) << "64 halves a row, unpadded";
  EXPECT_EQ(product(144).memory.shared_load.wavefronts, 4u) << "16 bytes of padding";
  EXPECT_EQ(product(64).memory.shared_load.conflicts(), 12u);
}

}  // namespace
