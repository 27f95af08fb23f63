// Matrix instructions that are refused, with what is said of them; and lanes that do not come.
#include <cstdlib>

#include "exec/tensor.hpp"
#include "matrix_support.hpp"
#include "support/error.hpp"

namespace instruction_test {
namespace {

using ptxvm::Status;

const std::string declared =
    ".reg .b32 %r<16>;\n.reg .f32 %f<8>;\n.reg .f64 %e<8>;\n.reg .b64 %s;\n.reg .pred %p;\n.reg .b16 %h;\n";

void expect_refusal(const std::string& instruction, const std::string& what) {
  const Fault fault = fault_of(kernel_text(0, declared + instruction), {{1, 1, 1}, {32, 1, 1}}, {});
  EXPECT_EQ(fault.status, static_cast<int>(Status::InvalidPtx)) << instruction << "\n" << fault.message;
  const std::string opcode = instruction.substr(0, instruction.find_first_of(" ;"));
  for (const std::string& part : {what, opcode, std::string("PTX line ")})
    EXPECT_NE(fault.message.find(part), std::string::npos) << "'" << part << "' is missing in\n" << fault.message;
}

TEST(MatrixRefusal, FormsThatAreNotThere) {
  const std::string integers = "integers and of single bits are not supported", small = "8-, 6- and 4-bit";
  expect_refusal(
      "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%r0, %r1, %r2, %r3}, {%r4, %r5, %r6, %r7}, {%r8, "
      "%r9}, "
      "{%r0, %r1, %r2, %r3};",
      integers);
  expect_refusal(
      "mma.sync.aligned.m8n8k32.row.col.satfinite.s32.u4.s4.s32 {%r0, %r1}, {%r2}, {%r3}, {%r0, %r1};",
      integers);
  expect_refusal(
      "mma.sync.aligned.m8n8k128.row.col.s32.b1.b1.s32.xor.popc {%r0, %r1}, {%r2}, {%r3}, {%r0, %r1};",
      integers);
  expect_refusal("wmma.load.a.sync.aligned.row.m16n16k16.s8 {%r0, %r1}, [%s];", integers);
  expect_refusal(
      "wmma.mma.sync.aligned.row.col.m16n16k16.s32.s8.s8.s32 {%r0, %r1, %r2, %r3, %r4, %r5, %r6, %r7}, {%r0, "
      "%r1}, "
      "{%r2, %r3}, {%r0, %r1, %r2, %r3, %r4, %r5, %r6, %r7};",
      integers);
  expect_refusal(
      "mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e5m2.f32 {%f0, %f1, %f2, %f3}, {%r4, %r5, %r6, %r7}, {%r8, "
      "%r9}, "
      "{%f0, %f1, %f2, %f3};",
      small);
  expect_refusal(
      "mma.sync.aligned.m16n8k32.row.col.kind::f8f6f4.f32.e3m2.e2m1.f32 {%f0, %f1, %f2, %f3}, {%r4, %r5, "
      "%r6, %r7}, "
      "{%r8, %r9}, {%f0, %f1, %f2, %f3};",
      small);
  expect_refusal("ldmatrix.sync.aligned.m16n16.x1.trans.shared.b8 {%r0, %r1}, [%s];", small);
  expect_refusal("ldmatrix.sync.aligned.m8n16.x1.shared.b8x16.b6x16_p32 {%r0}, [%s];", small);
  expect_refusal("stmatrix.sync.aligned.m16n8.x1.trans.shared.b8 [%s], {%r0};", small);
  for (const char* sp : {"mma.sp", "mma.sp::ordered_metadata"})
    expect_refusal(sp + std::string(".sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%f0, %f1, %f2, %f3}, "
                                    "{%r4, %r5}, {%r8, %r9}, "
                                    "{%f0, %f1, %f2, %f3}, %r0, 0;"),
                   "sparse matrices are not supported");
  expect_refusal("wgmma.fence.sync.aligned;", "warpgroup matrix instructions are not supported");
  expect_refusal(
      "wmma.mma.sync.aligned.row.col.m16n16k16.f32.f32.satfinite {%f0, %f1, %f2, %f3, %f4, %f5, %f6, %f7}, "
      "{%r0, %r1, %r2, "
      "%r3, %r4, %r5, %r6, %r7}, {%r0, %r1, %r2, %r3, %r4, %r5, %r6, %r7}, {%f0, %f1, %f2, %f3, %f4, %f5, "
      "%f6, %f7};",
      "PTX ISA 6.5 removed it");
}

// What the ISA does not have either.
TEST(MatrixRefusal, FormsThatDoNotExist) {
  const std::string a = "{%r0, %r1, %r2, %r3}", b = "{%r4, %r5}", c = "{%f0, %f1, %f2, %f3}",
                    unknown = "unknown matrix instruction";
  const auto mma = [&](const std::string& modifiers) {
    return "mma.sync.aligned." + modifiers + " " + c + ", " + a + ", " + b + ", " + c + ";";
  };
  expect_refusal(mma("m16n8k16.row.row.f32.f16.f16.f32"), "this shape is .row.col only");
  expect_refusal(mma("m16n8k16.row.col.f32.f16.bf16.f32"), unknown);
  expect_refusal(mma("m16n8k16.row.col.f32.f16.f16.f16"), unknown);
  expect_refusal(mma("m16n8k16.row.col.f32.tf32.tf32.f32"), unknown);
  expect_refusal(mma("m16n8k16.row.col.rz.f32.f16.f16.f32"), unknown);
  expect_refusal(mma("m16n8k12.row.col.f32.f16.f16.f32"), unknown);
  expect_refusal(mma("m16n8k16.row.col.relu.f32.f16.f16.f32"), "unknown modifier .relu");
  expect_refusal("mma.aligned.m16n8k16.row.col.f32.f16.f16.f32 " + c + ", " + a + ", " + b + ", " + c + ";", unknown);
  expect_refusal("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 " + c + ", " + b + ", " + b + ", " + c + ";",
                 "expected a vector of 4 registers");
  expect_refusal("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 " + c + ", " + b + ", %r0, " + c + ";",
                 "expected a vector of 1 registers");
  expect_refusal("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 " + c + ", " + b + ", {%h}, " + c + ";", "16 bits");
  expect_refusal("movmatrix.sync.aligned.m8n8.b16 %r0, %r1;", unknown);
  expect_refusal("ldmatrix.sync.aligned.m8n8.x3.shared.b16 {%r0, %r1, %r2}, [%s];", "unknown modifier .x3");
  expect_refusal("ldmatrix.sync.aligned.m8n8.x1.shared::cluster.b16 {%r0}, [%s];", "unknown modifier .shared::cluster");
  expect_refusal("wmma.load.d.sync.aligned.row.m16n16k16.f32 {%f0, %f1, %f2, %f3, %f4, %f5, %f6, %f7}, [%s];", unknown);
  expect_refusal("wmma.load.a.sync.aligned.row.m16n16k16.tf32 " + a + ", [%s];", unknown);
  expect_refusal("wmma.load.c.sync.aligned.row.m16n16k8.f16 " + a + ", [%s];", unknown);
  expect_refusal("wmma.store.c.sync.aligned.row.m16n16k8.f32 [%s], {%f0, %f1, %f2, %f3, %f4, %f5, %f6, %f7};", unknown);
}

const std::string mma =
    "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%f0, %f1, %f2, %f3}, {%r0, %r1}, {%r2}, {%f0, %f1, "
    "%f2, %f3};\n";

void expect_fault(const std::string& body, u32 threads, Status status, const std::vector<std::string>& what) {
  const Fault fault = fault_of(kernel_text(0, declared + body), {{1, 1, 1}, {threads, 1, 1}}, {});
  EXPECT_EQ(fault.status, static_cast<int>(status)) << fault.message;
  for (const std::string& part : what)
    EXPECT_NE(fault.message.find(part), std::string::npos) << "'" << part << "' is missing in\n" << fault.message;
}

TEST(MatrixRefusal, LanesThatDoNotCome) {
  const std::string movmatrix = "movmatrix.sync.aligned.m8n8.trans.b16 %r0, %r1;\n";
  const std::string ldmatrix = "ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r0}, [0];\n";
  const std::string few = "setp.lt.u32 %p, %i, 16;\n";
  for (const std::string& text : {mma, movmatrix, ldmatrix}) {
    // Some wait at a barrier that the others never reach.
    expect_fault(few + "@%p bra OTHERS;\n" + text + "bar.sync 0;\nret;\nOTHERS:\nbar.sync 1;", 32,
                 Status::LaunchFailure,
                 {"deadlock", "lanes 0xffff0000 waiting for lanes of their member mask"});
    // Some have exited, or were never there.
    expect_fault(few + "@%p exit;\n" + text, 32, Status::IllegalInstruction,
                 {"all 32 lanes", "lanes 0x0000ffff have exited"});
    expect_fault(few + "@%p " + text, 32, Status::IllegalInstruction, {"all 32 lanes", "lanes 0xffff0000 have exited"});
    expect_fault(text, 24, Status::IllegalInstruction, {"all 32 lanes", "lanes 0xff000000 have exited"});
  }
}

// PTXVM_MMA is read at each launch.
class Mode {
 public:
  explicit Mode(const char* mode)
      : had_(std::getenv("PTXVM_MMA") != nullptr), before_(had_ ? std::getenv("PTXVM_MMA") : "") {
    setenv("PTXVM_MMA", mode, 1);
  }
  ~Mode() { had_ ? setenv("PTXVM_MMA", before_.c_str(), 1) : unsetenv("PTXVM_MMA"); }

 private:
  bool had_;
  std::string before_;
};

// Bits behind the largest term's point and bytes of a step, as measured (exec/tensor.hpp names by whom).
TEST(MatrixMode, TruncatesAsTheDeviceDoes) {
  const Mode mode("truncate");
  const unsigned wanted[][3] = {{70, 23, 8},  {75, 24, 16}, {80, 24, 16},  {86, 24, 16},
                                {89, 24, 16}, {90, 25, 32}, {100, 25, 32}, {120, 25, 32}};
  for (const auto& [target, bits, bytes] : wanted) {
    const auto sums = ptxvm::exec::tensor_sums(static_cast<int>(target));
    EXPECT_EQ(sums.fraction_bits, bits) << target;
    EXPECT_EQ(sums.step_bytes, bytes) << target;
  }
}

// The difference between the modes, by hand: of 1 + 2^-26 - 1 nothing is left where 25 bits behind the point count.
TEST(MatrixMode, WhatIsCutOff) {
  const Product& p = products()[3];  // m16n8k16, f16, f32
  Matrix a(16, 16), b(16, 8), c(16, 8);
  a.at(0, 0) = 1, a.at(0, 1) = -1, a.at(0, 2) = 0x1p-13;
  b.at(0, 0) = 1, b.at(1, 0) = 1, b.at(2, 0) = 0x1p-13;
  a.at(1, 0) = 1, a.at(1, 3) = 0x1p-12, a.at(1, 1) = -1;
  b.at(3, 0) = 0x1p-13;  // 2^-25 stays
  {
    const Mode mode("exact");
    const Matrix d = multiply(p, a, b, c);
    EXPECT_EQ(d.at(0, 0), 0x1p-26);
    EXPECT_EQ(d.at(1, 0), 0x1p-25);
  }
  const Mode mode("truncate");
  const Matrix d = multiply(p, a, b, c);
  EXPECT_EQ(d.at(0, 0), 0);
  EXPECT_EQ(d.at(1, 0), 0x1p-25);
}

// An accumulator of zero counts with the exponent -126: smaller terms are cut off at 2^-151, each for itself.
TEST(MatrixMode, TermsBelowTheAccumulatorsRange) {
  const Product& p = products()[5];  // m16n8k16, bf16, f32
  ASSERT_EQ(p.a.format.name, std::string("bf16"));
  Matrix a(16, 16), b(16, 8), c(16, 8);
  for (int k = 0; k < 16; k++) {
    a.at(0, k) = 0x1p-76;
    a.at(1, k) = 0x1p-75;
    b.at(k, 0) = 0x1p-76;
  }
  {
    const Mode mode("exact");
    const Matrix d = multiply(p, a, b, c);
    EXPECT_EQ(d.at(0, 0), 0x1p-148);
    EXPECT_EQ(d.at(1, 0), 0x1p-147);
  }
  const Mode mode("truncate");
  const Matrix d = multiply(p, a, b, c);
  EXPECT_EQ(d.at(0, 0), 0);
  EXPECT_EQ(d.at(1, 0), 0x1p-147);
}

}  // namespace
}  // namespace instruction_test
