#include <gtest/gtest.h>

#include <ctime>

#include "parser_support.hpp"

namespace ptxvm::ptx {
namespace {

using test::function_of;
using test::kernel_of;
using test::module_text;
using test::name_of;

TEST(Functions, ParametersAndDirectives) {
  const Module module = parse(module_text(
      ".visible .entry k(.param .u64 .ptr .global .align 16 k_0, .param .align 8 .b8 k_1[24], .param .f32 "
      "k_2)\n"
      ".maxntid 128, 2\n.minnctapersm 3\n.maxnreg 64\n.explicitcluster\n.reqnctapercluster 4, 1, 1\n"
      ".maxclusterrank 8\n.pragma \"nounroll\";\n{ ret; }\n"
      ".entry l\n.reqntid 32\n{ ret; }\n"));
  const Function& k = function_of(module, "k");
  EXPECT_TRUE(k.is_entry);
  EXPECT_TRUE(k.has_body);
  ASSERT_EQ(k.parameters.size(), 3u);
  EXPECT_EQ(k.parameters[0].align, 8u);  // not the 16 of what it points to
  EXPECT_EQ(k.parameters[1].size, 24u);
  EXPECT_EQ(k.parameters[1].align, 8u);
  EXPECT_EQ(k.parameters[2].space, Space::Param);
  EXPECT_EQ(k.max_threads[0], 128u);
  EXPECT_EQ(k.max_threads[1], 2u);
  EXPECT_EQ(k.max_threads[2], 1u);
  EXPECT_EQ(k.required_threads[0], 0u);
  EXPECT_EQ(k.min_blocks, 3u);
  EXPECT_EQ(k.max_registers, 64u);
  EXPECT_TRUE(k.explicit_cluster);
  EXPECT_EQ(k.required_cluster[0], 4u);
  EXPECT_EQ(k.max_cluster_rank, 8u);
  EXPECT_EQ(function_of(module, "l").required_threads[0], 32u);
  EXPECT_EQ(function_of(module, "l").max_threads[0], 0u);
}

TEST(Functions, DeclarationThenDefinition) {
  const Module module =
      parse(module_text(".extern .func (.param .b32 r) vprintf (.param .b64 a, .param .b64 b);\n.func "
                        "f(.param .b32 a) .noreturn;\n"
                        ".func g { call f, (1); ret; }\n.func f(.param .b32 a) .noreturn { ret; }\n"));
  ASSERT_EQ(module.functions.size(), 3u);
  EXPECT_FALSE(function_of(module, "vprintf").has_body);
  EXPECT_EQ(function_of(module, "vprintf").results.size(), 1u);
  EXPECT_TRUE(function_of(module, "f").has_body);
}

TEST(Functions, RegisterParameters) {
  const Module module =
      parse(module_text(".func (.reg .u32 out) f (.reg .u32 in) { add.u32 out, in, 1; ret; }"));
  const Function& f = function_of(module, "f");
  EXPECT_EQ(f.parameters.at(0).space, Space::None);
  EXPECT_EQ(name_of(f, f.body[0].operands[0].reg), "out");
  EXPECT_EQ(name_of(f, f.body[0].operands[1].reg), "in");
}

TEST(Functions, Aliases) {
  const Module module = parse(module_text(
      ".func f;\n.func g { ret; }\n.entry k { call f; ret; }\n.global .u64 x = f;\n.alias f, g;\n"));
  EXPECT_EQ(module.functions.size(), 2u);
  EXPECT_EQ(function_of(module, "k").body[0].operands[0].symbol, "g");
  EXPECT_EQ(module.variables.at(0).references.at(0).symbol, "g");
}

TEST(Functions, RegisterRanges) {
  const Function kernel = kernel_of(".reg .f64 %fd<12>, single;\nadd.f64 %fd11, %fd0, single;");
  const Instruction& add = kernel.body[0];
  EXPECT_EQ(name_of(kernel, add.operands[0].reg), "%fd11");
  EXPECT_EQ(name_of(kernel, add.operands[1].reg), "%fd0");
  EXPECT_EQ(name_of(kernel, add.operands[2].reg), "single");
  EXPECT_EQ(kernel.registers[static_cast<std::size_t>(add.operands[2].reg)].type, Type::F64);
  EXPECT_EQ(add.operands[0].reg - add.operands[1].reg, 11);
  EXPECT_ANY_THROW(kernel_of("mov.b32 %r9, 0;"));
  EXPECT_ANY_THROW(kernel_of("mov.b32 %r01, 0;"));
}

TEST(Functions, ScopesShadow) {
  const Function kernel = kernel_of(
      "mov.b32 %r1, 0;\n{\n.reg .b64 %r1;\n.local .b32 bytes;\nmov.b64 %r1, 0;\nst.local.b32 [bytes], 1;\n}\n"
      "mov.b32 %r1, 0;\nst.global.b32 [bytes], 1;\n{ .local .b64 bytes; st.local.b32 [bytes], 1; }");
  EXPECT_EQ(kernel.body[0].operands[0].reg, kernel.body[3].operands[0].reg);
  EXPECT_NE(kernel.body[0].operands[0].reg, kernel.body[1].operands[0].reg);
  ASSERT_EQ(kernel.variables.size(), 2u);
  EXPECT_NE(kernel.variables[0].name, kernel.variables[1].name);
  EXPECT_EQ(kernel.body[2].operands[0].symbol, kernel.variables[0].name);
  EXPECT_EQ(kernel.body[4].operands[0].symbol, "bytes");  // the module's
  EXPECT_NE(kernel.variables[0].name, "bytes");
  EXPECT_EQ(kernel.body[5].operands[0].symbol, kernel.variables[1].name);
  EXPECT_ANY_THROW(kernel_of("{ .reg .b32 inner; }\nmov.b32 inner, 0;"));
  EXPECT_ANY_THROW(kernel_of(".reg .b32 a;\n.reg .b32 a;"));
}

TEST(Functions, LabelsBelongToTheirScope) {
  const std::string loop = "{ again: @%p1 bra done; bra again; done: }\n";
  const Function kernel = kernel_of(loop + loop + "{ bra out; }\nout: ret;");
  ASSERT_EQ(kernel.labels.size(), 5u);
  const auto position_of = [&](const std::string& name) {
    for (const Label& label : kernel.labels) {
      if (label.name == name) return static_cast<int>(label.position);
    }
    return -1;
  };
  const int targets[] = {2, 0, 4, 2, 5};
  for (std::size_t i = 0; i < 5; ++i)
    EXPECT_EQ(position_of(kernel.body[i].operands[0].symbol), targets[i]) << i;
  EXPECT_ANY_THROW(kernel_of("bra inner; { inner: ret; }"));
  EXPECT_ANY_THROW(kernel_of("a: ret; a: ret;"));
}

TEST(Functions, ALabelMayHaveAVariablesName) {
  const Function kernel = kernel_of("bra bytes;\nmov.u64 %rd1, bytes;\nbytes: ret;");
  EXPECT_EQ(kernel.body[0].operands[0].symbol, "bytes");
  EXPECT_EQ(kernel.labels.at(0).position, 2u);
}

TEST(Functions, SourceLines) {
  const Function kernel = kernel_of(
      "membar.cta;\n.loc 1 23 5\nmembar.cta;\n.loc 2 7 1, function_name $L__info_string0+12, inlined_at 1 45 "
      "7\n"
      ".pragma \"nounroll\";\nmembar.cta; // comment\n/* two\nlines */ membar.cta;");
  ASSERT_EQ(kernel.body.size(), 4u);
  EXPECT_EQ(kernel.body[0].source_file, 0);
  EXPECT_EQ(kernel.body[1].source_file, 1);
  EXPECT_EQ(kernel.body[1].source_line, 23);
  EXPECT_EQ(kernel.body[2].source_file, 2);
  EXPECT_EQ(kernel.body[2].source_line, 7);
  EXPECT_EQ(kernel.body[2].line, 14);
  EXPECT_EQ(kernel.body[3].line, 16);
  EXPECT_EQ(kernel.body[1].inlined_file, 0);
  EXPECT_EQ(kernel.body[2].inlined_file, 1);
  EXPECT_EQ(kernel.body[2].inlined_line, 45);
}

// h in g in the kernel, at two places of it; then a place of the kernel that has the numbers of one in g.
TEST(Functions, SourceLinesOfInlinedCallsAreFollowedToTheirUser) {
  const Function kernel = kernel_of(
      ".loc 1 3 3\n.loc 2 5 3, function_name $L0, inlined_at 1 3 3\n.loc 2 2 3, function_name $L1, inlined_at 2 5 3\nmembar.cta;\n"
      ".loc 2 5 3, function_name $L0, inlined_at 1 3 3\nmembar.cta;\n.loc 1 3 3\nmembar.cta;\n"
      ".loc 1 4 3\n.loc 2 5 3, function_name $L0, inlined_at 1 4 3\n.loc 2 2 3, function_name $L1, inlined_at 2 5 3\nmembar.cta;\n"
      ".loc 2 5 3\nmembar.cta;\n.loc 3 1 1, function_name $L1, inlined_at 2 5 3\nmembar.cta;");
  const int wanted[][4] = {{2, 2, 1, 3}, {2, 5, 1, 3}, {1, 3, 0, 0}, {2, 2, 1, 4}, {2, 5, 0, 0}, {3, 1, 2, 5}};
  ASSERT_EQ(kernel.body.size(), std::size(wanted));
  for (std::size_t k = 0; k < std::size(wanted); ++k) {
    const auto& i = kernel.body[k];
    EXPECT_EQ(i.source_file, wanted[k][0]) << k;
    EXPECT_EQ(i.source_line, wanted[k][1]) << k;
    EXPECT_EQ(i.inlined_file, wanted[k][2]) << k;
    EXPECT_EQ(i.inlined_line, wanted[k][3]) << k;
  }
}

// CPU time of parsing a kernel of about 3 n instructions.
double seconds_for(int n) {
  std::string statements = ".reg .f32 %x<" + std::to_string(n) + ">;\n";
  for (int i = 0; i + 2 < n; ++i) {
    const std::string n = std::to_string(i);
    statements +=
        "fma.rn.f32 %x" + n + ", %x" + std::to_string(i + 1) + ", %x" + std::to_string(i + 2) + ", %f1;\n";
    statements += "L" + n + ": @%p1 bra L" + std::to_string(i / 2) + ";\n";
    statements += "{ .param .b32 a, r; call (r), callee, (a); }\n";
  }
  const std::clock_t start = std::clock();
  EXPECT_EQ(kernel_of(statements).body.size(), 3 * std::size_t(n - 2));
  return double(std::clock() - start) / CLOCKS_PER_SEC;
}

// Eight times the text takes about eight times as long; where the time grew with the square, sixty-four.
TEST(Functions, TimeGrowsWithTheLength) {
  seconds_for(2000);  // memory is there from now on
  EXPECT_LT(seconds_for(20000), 24 * seconds_for(2500));
}

}  // namespace
}  // namespace ptxvm::ptx
