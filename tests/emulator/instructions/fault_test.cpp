// What the machine refuses, and that it says where.
#include "support/error.hpp"
#include "tables.hpp"

namespace instruction_test {
namespace {

using ptxvm::Status;

u32 line_of(const std::string& text, const std::string& instruction) {
  return static_cast<u32>(
      std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(text.find(instruction)), '\n') + 1);
}

bool has(const Fault& fault, const std::string& part) {
  return fault.message.find(part) != std::string::npos;
}

// The block and thread named are (1,0,0) and (5,0,0), whose number in the grid is 69.
void expect_fault(const std::string& setup, const std::string& instruction, Status status,
                  const std::string& what, const std::vector<u64>& parameters,
                  const std::string& before = "") {
  const std::string text = kernel_text(static_cast<unsigned>(parameters.size()),
                                       ".reg .b32 %x;\n.reg .b64 %a, %wide;\n.reg .pred %p;\n" + setup +
                                           "setp.eq.u32 %p, %i, 69;\n@%p " + instruction,
                                       before);
  const Fault fault = fault_of(text, {{2, 1, 1}, {64, 1, 1}}, parameters);
  EXPECT_EQ(fault.status, static_cast<int>(status)) << instruction << "\n" << fault.message;
  for (const std::string& part :
       {what, std::string("kernel k"), "PTX line " + std::to_string(line_of(text, "@%p " + instruction)),
        std::string("block (1,0,0)"), std::string("thread (5,0,0)")})
    EXPECT_TRUE(has(fault, part)) << instruction << ": '" << part << "' is missing in\n" << fault.message;
  // The same without the lane that errs.
  std::string right = text;
  right.replace(right.find("setp.eq.u32 %p, %i, 69;"), 23, "setp.eq.u32 %p, %i, 999;");
  EXPECT_EQ(fault_of(right, {{2, 1, 1}, {64, 1, 1}}, parameters).message, "");
}

TEST(Fault, OutOfBounds) {
  const Buffer buffer(std::vector<u32>(16, 0));
  const std::vector<u64> p{buffer.address()};
  const std::string bounds = "out of bounds";
  for (const char* access :
       {"ld.global.u32 %x, [%q0+64];", "st.global.u32 [%q0+64], %x;", "ld.global.u32 %x, [%q0+-4];",
        "ld.u32 %x, [%q0+64];", "st.global.v2.u32 [%q0+64], {%x, %x};", "ld.global.u8 %x, [%q0+64];",
        "atom.global.add.u32 %x, [%q0+64], 1;", "red.global.add.u32 [%q0+64], 1;",
        "ld.volatile.global.u32 %x, [%q0+64];"})
    expect_fault("", access, Status::IllegalAddress, bounds, p);
  expect_fault("mov.u64 %a, 0;\n", "ld.global.u32 %x, [%a];", Status::IllegalAddress, bounds, p);
  const std::string shared = ".shared .align 16 .b8 sh[32];\nmov.u64 %a, sh;\n";
  for (const char* access : {"ld.shared.u32 %x, [%a+32];", "st.shared.u64 [%a+32], %wide;",
                             "ld.shared.u8 %x, [%a+-1];", "atom.shared.add.u32 %x, [%a+32], 1;"})
    expect_fault(shared, access, Status::IllegalAddress, bounds, p);
  expect_fault(shared + "cvta.shared.u64 %a, %a;\n", "ld.u32 %x, [%a+32];", Status::IllegalAddress, bounds,
               p);
  const std::string local = ".local .align 16 .b8 lo[32];\nmov.u64 %a, lo;\n";
  expect_fault(local, "ld.local.u32 %x, [%a+1024];", Status::IllegalAddress, bounds, p);
  expect_fault(local, "st.local.u32 [%a+-4], %x;", Status::IllegalAddress, bounds, p);
}

// An access that begins inside and ends behind the allocation.
TEST(Fault, PartlyOutOfBounds) {
  const Buffer buffer(std::size_t{60});
  expect_fault("", "ld.global.u64 %wide, [%q0+56];", Status::IllegalAddress, "out of bounds",
               {buffer.address()});
  expect_fault("", "ld.global.v4.u32 {%x, _, _, _}, [%q0+48];", Status::IllegalAddress, "out of bounds",
               {buffer.address()});
}

TEST(Fault, Misaligned) {
  const Buffer buffer(std::vector<u32>(16, 0));
  const std::vector<u64> p{buffer.address()};
  for (const char* access :
       {"ld.global.u32 %x, [%q0+2];", "st.global.u64 [%q0+4], %wide;", "ld.global.v2.u32 {%x, %x}, [%q0+4];",
        "ld.global.v4.u32 {%x, _, _, _}, [%q0+8];", "ld.global.u16 %x, [%q0+1];",
        "atom.global.add.u32 %x, [%q0+2], 1;", "ld.u32 %x, [%q0+1];"})
    expect_fault("", access, Status::MisalignedAddress, "misaligned", p);
  expect_fault(".shared .align 16 .b8 sh[32];\nmov.u64 %a, sh;\n", "ld.shared.u32 %x, [%a+2];",
               Status::MisalignedAddress, "misaligned", p);
  expect_fault(".local .align 16 .b8 lo[32];\nmov.u64 %a, lo;\n", "st.local.u64 [%a+4], %wide;",
               Status::MisalignedAddress, "misaligned", p);
}

TEST(Fault, UseAfterFree) {
  u64 address;
  {
    const Buffer buffer(std::size_t{256});
    address = buffer.address();
  }
  expect_fault("", "ld.global.u32 %x, [%q0+16];", Status::IllegalAddress, "freed", {address});
}

TEST(Fault, ConstantsCannotBeWritten) {
  expect_fault("mov.u64 %a, table;\ncvta.const.u64 %a, %a;\n", "st.u32 [%a], %x;", Status::IllegalAddress,
               "cannot be written", {0}, ".const .u32 table[2] = {1, 2};\n");
}

TEST(Fault, Trap) { expect_fault("", "trap;", Status::IllegalInstruction, "trap", {0}); }

TEST(Fault, TheFirstBlocksFaultIsNamed) {
  const std::string text = kernel_text(1, ".reg .b32 %x;\nld.global.u32 %x, [%q0];");
  for (int run = 0; run < 5; run++)
    EXPECT_TRUE(has(fault_of(text, {{50, 1, 1}, {64, 1, 1}}, {8}), "block (0,0,0), thread (0,0,0)"));
}

TEST(Fault, TheSourceLineIsNamed) {
  const Fault fault = fault_of(
      kernel_text(1, ".reg .b32 %x;\n.loc 1 77 3\nld.global.u32 %x, [%q0];") + ".file 1 \"gates.cu\"\n",
      {{1, 1, 1}, {1, 1, 1}}, {8});
  EXPECT_TRUE(has(fault, "gates.cu:77")) << fault.message;
}

// Refused when the module is loaded, with the text and the line.
TEST(Fault, UnknownInstructions) {
  for (const std::string instruction :
       {"frobnicate.u32 %x, %x;", "add.u31 %x, %x, %x;", "add.f32.rx %x, %x, %x;",
        "ld.global.v3.u32 {%x, %x, %x}, [%q0];", "mov.u32 %x, %nonsense;", "add.u32 %x, %x, %q0;",
        "add.u32 %x, %x;", "shfl.sync.around.b32 %x, %x, 1, 31, -1;", "atom.global.mul.u32 %x, [%q0], 1;",
        "cvt.rn.f32.b99 %x, %x;", "setp.almost.u32 %p, %x, %x;", "bar.jump 0;"}) {
    const std::string text = kernel_text(1, ".reg .b32 %x;\n.reg .pred %p;\nmov.u32 %x, 0;\n" + instruction);
    const Fault fault = fault_of(text, {{1, 1, 1}, {32, 1, 1}}, {0});
    EXPECT_NE(fault.status, 0) << instruction << " was taken";
    EXPECT_TRUE(has(fault, std::to_string(line_of(text, instruction)))) << instruction << "\n"
                                                                        << fault.message;
    const std::string opcode = instruction.substr(0, instruction.find(' '));
    EXPECT_TRUE(has(fault, opcode) || has(fault, "%nonsense")) << fault.message;
  }
}

TEST(Fault, BranchBehindItsTable) {
  const std::string text = kernel_text(
      1, ".reg .b32 %x;\nmov.u32 %x, 2;\ntargets: .branchtargets A, A;\nbrx.idx %x, targets;\nA:\n");
  EXPECT_EQ(fault_of(text, {{1, 1, 1}, {32, 1, 1}}, {0}).status, static_cast<int>(Status::InvalidPc));
}

// Nobody can go on: half of the block waits at another barrier, or a shuffle's members never come.
TEST(Fault, Deadlock) {
  const std::string parts =
      ".reg .b32 %t;\n.reg .pred %p;\nmov.u32 %t, %tid.x;\nsetp.lt.u32 %p, %t, 32;\n@%p bra A;\n";
  const Fault barrier = fault_of(kernel_text(1, parts + "bar.sync 1;\nbra END;\nA:\nbar.sync 2;\nEND:\n"),
                                 {{1, 1, 1}, {64, 1, 1}}, {0});
  EXPECT_EQ(barrier.status, static_cast<int>(Status::LaunchFailure));
  EXPECT_TRUE(has(barrier, "deadlock")) << barrier.message;
  EXPECT_TRUE(has(barrier, "barrier 1") && has(barrier, "barrier 2")) << barrier.message;
  const Fault shuffle =
      fault_of(kernel_text(1,
                           ".reg .b32 %t, %v;\n.reg .pred %p;\nmov.u32 %t, %tid.x;\n"
                           "setp.lt.u32 %p, %t, 16;\n@%p bra A;\nbar.sync 0;\nbra END;\nA:\n"
                           "shfl.sync.bfly.b32 %v, %t, 1, 31, -1;\nEND:\n"),
               {{1, 1, 1}, {32, 1, 1}}, {0});
  EXPECT_EQ(shuffle.status, static_cast<int>(Status::LaunchFailure));
  EXPECT_TRUE(has(shuffle, "member mask")) << shuffle.message;
}

TEST(Fault, BarrierMisuse) {
  EXPECT_NE(fault_of(kernel_text(1, ".reg .b32 %t;\nmov.u32 %t, 16;\nbarrier.sync %t;"),
                     {{1, 1, 1}, {32, 1, 1}}, {0})
                .status,
            0);
  EXPECT_NE(fault_of(kernel_text(1, "bar.sync 1, 48;"), {{1, 1, 1}, {64, 1, 1}}, {0}).status, 0);
}

TEST(Fault, LaunchesBeyondTheDevice) {
  const std::string text = kernel_text(1, "");
  const auto status = [&](Shape shape) { return fault_of(text, shape, {0}).status; };
  EXPECT_EQ(status({{1, 1, 1}, {1024, 1, 1}}), 0);
  EXPECT_EQ(status({{1, 1, 1}, {1025, 1, 1}}), static_cast<int>(Status::InvalidConfiguration));
  EXPECT_EQ(status({{1, 1, 1}, {1, 1, 65}}), static_cast<int>(Status::InvalidConfiguration));
  EXPECT_EQ(status({{1, 65536, 1}, {1, 1, 1}}), static_cast<int>(Status::InvalidConfiguration));
  EXPECT_EQ(status({{0, 1, 1}, {1, 1, 1}}), static_cast<int>(Status::InvalidConfiguration));
  EXPECT_NE(status({{1, 1, 1}, {1, 1, 1}, 228 * 1024}), 0);
}

}  // namespace
}  // namespace instruction_test
