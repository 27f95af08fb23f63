#include <gtest/gtest.h>

#include "parser_support.hpp"

namespace ptxvm::ptx {
namespace {

using test::instruction_of;
using test::kernel_of;
using test::name_of;
using Kind = Operand::Kind;
using Words = std::vector<std::string>;

TEST(Operands, OpcodeIsSplitAtDots) {
  EXPECT_EQ(instruction_of("ld.global.nc.L1::no_allocate.L2::128B.v4.f32 {%f1,%f2,%f3,%f4}, [%rd1];").opcode,
            (Words{"ld", "global", "nc", "L1::no_allocate", "L2::128B", "v4", "f32"}));
  EXPECT_EQ(instruction_of("barrier.cluster.arrive.aligned;").opcode,
            (Words{"barrier", "cluster", "arrive", "aligned"}));
}

TEST(Operands, Guards) {
  const Function kernel = kernel_of("@%p1 bra L;\n@!%p2 bra.uni L;\nL: ret;");
  ASSERT_EQ(kernel.body.size(), 3u);
  EXPECT_EQ(name_of(kernel, kernel.body[0].guard), "%p1");
  EXPECT_FALSE(kernel.body[0].guard_negated);
  EXPECT_EQ(name_of(kernel, kernel.body[1].guard), "%p2");
  EXPECT_TRUE(kernel.body[1].guard_negated);
  EXPECT_EQ(kernel.body[2].guard, -1);
  EXPECT_EQ(kernel.body[0].line, 9);
  EXPECT_EQ(kernel.body[1].line, 10);
  ASSERT_EQ(kernel.labels.size(), 1u);
  EXPECT_EQ(kernel.labels[0].position, 2u);
}

TEST(Operands, Vectors) {
  const Function kernel = kernel_of("mov.b64 {%r1, _}, %rd3;");
  const Operand& vector = kernel.body[0].operands.at(0);
  EXPECT_EQ(vector.kind, Kind::Vector);
  ASSERT_EQ(vector.parts.size(), 2u);
  EXPECT_EQ(name_of(kernel, vector.parts[0].reg), "%r1");
  EXPECT_EQ(vector.parts[1].kind, Kind::Sink);
  EXPECT_EQ(name_of(kernel, kernel.body[0].operands.at(1).reg), "%rd3");
  EXPECT_EQ(instruction_of("mov.b64 %rd1, {%r1, 0x10};").operands.at(1).parts.at(1).bits, 16u);
}

TEST(Operands, PairsAndNegatedPredicates) {
  const Function kernel =
      kernel_of("setp.lt.and.s32 %p1|%p2, %r1, %r2, !%p3;\nshfl.sync.bfly.b32 %r1|%p1, %r2, 1, 31, -1;");
  const Operand& pair = kernel.body[0].operands.at(0);
  EXPECT_EQ(pair.kind, Kind::Pair);
  EXPECT_EQ(name_of(kernel, pair.parts.at(0).reg), "%p1");
  EXPECT_EQ(name_of(kernel, pair.parts.at(1).reg), "%p2");
  const Operand& negated = kernel.body[0].operands.at(3);
  EXPECT_EQ(negated.kind, Kind::Register);
  EXPECT_TRUE(negated.negated);
  EXPECT_EQ(kernel.body[1].operands.at(0).kind, Kind::Pair);
  EXPECT_EQ(kernel.body[1].operands.at(4).bits, ~std::uint64_t{0});
}

TEST(Operands, PartsAndSignsOfRegisters) {
  const Function kernel = kernel_of(
      "vmad.s32.s32.s32 %r1, -%r2.h1, %r3.b0, %r4;\nvadd4.u32.u32.u32 %r1.b20, %r2.b7230, %r3, -1;");
  const auto& mad = kernel.body[0].operands;
  EXPECT_EQ(name_of(kernel, mad.at(1).reg), "%r2");
  EXPECT_TRUE(mad.at(1).minus);
  EXPECT_EQ(mad.at(1).part, "h1");
  EXPECT_FALSE(mad.at(2).minus);
  EXPECT_EQ(mad.at(2).part, "b0");
  EXPECT_EQ(mad.at(3).part, "");
  EXPECT_EQ(kernel.body[1].operands.at(0).part, "b20");
  EXPECT_EQ(kernel.body[1].operands.at(1).part, "b7230");
  EXPECT_EQ(kernel.body[1].operands.at(3).bits, ~std::uint64_t{0});
}

Operand address(const std::string& text) {
  return instruction_of("ld.u32 %r1, " + text + ";").operands.at(1);
}

TEST(Operands, Addresses) {
  for (const auto& [text, offset] : std::vector<std::pair<std::string, std::int64_t>>{
           {"[%rd2]", 0}, {"[%rd2+8]", 8}, {"[%rd2+-8]", -8}, {"[%rd2-8]", -8}, {"[ %rd2 + 0x10 ]", 16}}) {
    const Operand operand = address(text);
    EXPECT_EQ(operand.kind, Kind::Address) << text;
    EXPECT_GE(operand.reg, 0) << text;
    EXPECT_TRUE(operand.symbol.empty()) << text;
    EXPECT_EQ(operand.offset, offset) << text;
  }
  EXPECT_EQ(address("[bytes]").symbol, "bytes");
  EXPECT_EQ(address("[bytes+4]").offset, 4);
  EXPECT_EQ(address("[bytes+4]").reg, -1);
  EXPECT_EQ(address("[kernel_param_0+4]").symbol, "kernel_param_0");
  EXPECT_EQ(address("[256]").offset, 256);
  EXPECT_EQ(address("[256]").reg, -1);
  const Operand tensor = address("[%rd1, {%r1, %r2, 3}]");
  ASSERT_EQ(tensor.parts.size(), 1u);
  EXPECT_EQ(tensor.parts[0].parts.size(), 3u);
}

TEST(Operands, Immediates) {
  const auto immediate = [](const std::string& text) {
    return instruction_of("mov.b64 %rd1, " + text + ";").operands.at(1);
  };
  EXPECT_EQ(immediate("-5").bits, static_cast<std::uint64_t>(-5));
  EXPECT_EQ(immediate("0xffU").bits, 255u);
  EXPECT_EQ(immediate("010").bits, 8u);
  EXPECT_EQ(immediate("0b11").bits, 3u);
  EXPECT_EQ(immediate("0f3F800000").literal, Operand::Literal::F32);
  EXPECT_EQ(immediate("0f3F800000").bits, 0x3f800000u);
  EXPECT_EQ(immediate("-0f3F800000").bits, 0xbf800000u);
  EXPECT_EQ(immediate("0d4000000000000000").literal, Operand::Literal::F64);
  EXPECT_EQ(immediate("2.0").bits, 0x4000000000000000u);
}

TEST(Operands, SpecialRegisters) {
  for (const char* name :
       {"%tid.x", "%ntid.z", "%ctaid.y", "%envreg1", "%envreg31", "%clock64", "%lanemask_lt", "%laneid",
        "%cluster_ctarank", "%cluster_nctaid.x", "%dynamic_smem_size", "%pm7", "%pm0_64", "%globaltimer",
        "%reserved_smem_offset_1", "WARP_SZ"}) {
    const Operand operand = instruction_of(std::string("mov.b64 %rd1, ") + name + ";").operands.at(1);
    EXPECT_EQ(operand.kind, Kind::Special) << name;
    EXPECT_EQ(operand.symbol, name);
  }
}

TEST(Operands, SymbolsAsValues) {
  const Operand operand = instruction_of("mov.u64 %rd1, bytes+4;").operands.at(1);
  EXPECT_EQ(operand.kind, Kind::Symbol);
  EXPECT_EQ(operand.symbol, "bytes");
  EXPECT_EQ(operand.offset, 4);
  EXPECT_EQ(instruction_of("mov.u64 %rd1, callee;").operands.at(1).symbol, "callee");
}

TEST(Operands, Calls) {
  const Instruction with_result = instruction_of(".param .b32 a, r; call.uni (r), callee, (a);");
  ASSERT_EQ(with_result.operands.size(), 3u);
  EXPECT_EQ(with_result.operands[0].kind, Kind::Tuple);
  EXPECT_EQ(with_result.operands[0].parts.at(0).symbol, "r");
  EXPECT_EQ(with_result.operands[1].symbol, "callee");
  EXPECT_EQ(with_result.operands[2].parts.at(0).symbol, "a");
  EXPECT_EQ(instruction_of("call callee;").operands.size(), 1u);
  EXPECT_EQ(instruction_of("call callee, ();").operands.at(1).parts.size(), 0u);
}

TEST(Operands, IndirectCallsWithPrototypesOfTheirScope) {
  const std::string one =
      "{ .param .b64 a; .param .b32 r;\nproto : .callprototype (.param .b32 _) _ (.param .b64 _, .param .b32 "
      "_);\n"
      "call (r), %rd1, (a), proto; }\n";
  const Function kernel = kernel_of(one + one + "{ proto : .callprototype ()_ (.param .b64 _) .noreturn; }");
  ASSERT_EQ(kernel.prototypes.size(), 3u);
  EXPECT_EQ(kernel.prototypes[0].results.size(), 1u);
  EXPECT_EQ(kernel.prototypes[0].parameters.size(), 2u);
  EXPECT_EQ(kernel.prototypes[0].parameters[0].size, 8u);
  EXPECT_TRUE(kernel.prototypes[2].results.empty());
  EXPECT_NE(kernel.prototypes[0].name, kernel.prototypes[1].name);
  EXPECT_EQ(kernel.body[0].operands.at(3).symbol, kernel.prototypes[0].name);
  EXPECT_EQ(kernel.body[1].operands.at(3).symbol, kernel.prototypes[1].name);
  EXPECT_EQ(kernel.body[0].operands.at(1).kind, Kind::Register);
}

TEST(Operands, BranchAndCallTables) {
  const Function kernel = kernel_of(
      "targets: .calltargets callee, callee;\n"
      "table: .branchtargets A, B, A;\n@%p1 brx.idx %r1, table;\nA: ret;\nB: exit;");
  ASSERT_EQ(kernel.branch_tables.size(), 1u);
  EXPECT_EQ(kernel.branch_tables[0].targets, (Words{"A", "B", "A"}));
  EXPECT_EQ(kernel.body[0].operands.at(1).symbol, "table");
  EXPECT_EQ(kernel.call_targets.at(0).targets, (Words{"callee", "callee"}));
}

}  // namespace
}  // namespace ptxvm::ptx
