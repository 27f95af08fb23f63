// ldmatrix, stmatrix, movmatrix (PTX ISA 9.7.14.5): rows by the lanes' addresses, places of the elements,
// checked access.
#include <numeric>

#include "matrix_support.hpp"
#include "support/error.hpp"

namespace instruction_test {
namespace {

using ptxvm::Status;

std::string copy(bool in) {  // 1024 bytes between %q0 and the shared array
  std::string s = ".reg .b64 %from, %to;\n.reg .b32 %word;\nmov.u64 %to, tile;\n";
  for (int part = 0; part < 8; part++) {
    const std::string offset = std::to_string(part * 128);
    s += "mad.wide.u32 %from, %i, 4, %q0;\ncvt.u64.u32 %at, %i;\nmad.lo.u64 %at, %at, 4, %to;\n";
    s += in ? "ld.global.u32 %word, [%from+" + offset + "];\nst.shared.u32 [%at+" + offset + "], %word;\n"
            : "ld.shared.u32 %word, [%at+" + offset + "];\nst.global.u32 [%from+" + offset + "], %word;\n";
  }
  return s + (in ? "bar.warp.sync 0xffffffff;\n" : "");  // the rows that a lane reads or writes next are others'
}

std::vector<u16> halves() {
  std::vector<u16> v(512);
  for (u16& x : v) x = static_cast<u16>(generator()());
  return v;
}

// Rows of 16 bytes in an order of their own, one a lane; lanes that give no address have a wrong one.
std::vector<u32> row_offsets(int count, bool spoil) {
  std::vector<u32> rows(64);
  std::iota(rows.begin(), rows.end(), 0u);
  std::shuffle(rows.begin(), rows.end(), generator());
  rows.resize(32);
  for (u32& r : rows) r *= 16;
  for (int l = 8 * count; spoil && l < 32; l++) rows[static_cast<std::size_t>(l)] = 0x7ffffff1u;
  return rows;
}

// Row and column in its matrix of the low element of lane l; the high one is the next column, or row where transposed.
Place low_element(int l, bool trans) { return trans ? Place{l % 4 * 2, l / 4} : Place{l / 4, l % 4 * 2}; }

const std::string declared =
    ".shared .align 16 .b8 tile[1024];\n.reg .b64 %s, %out;\n.reg .b32 %r<4>, %a, %b;\n"
    "mad.wide.u32 %s, %i, 4, %q1;\nld.global.u32 %a, [%s];\nmov.u64 %s, tile;\ncvt.u32.u64 %b, %s;\nadd.u32 "
    "%a, %a, %b;\n";

// "[%a]" in the space asked for; generic addresses in %s.
std::string address(const std::string& space) {
  return space.empty() ? "cvt.u64.u32 %s, %a;\ncvta.shared.u64 %s, %s;\n" : "";
}

TEST(MatrixMemory, Load) {
  for (const int count : {1, 2, 4})
    for (const bool trans : {false, true})
      for (const std::string space : {".shared", ".shared::cta", ""}) {
        const std::vector<u16> data = halves();
        const std::vector<u32> rows = row_offsets(count, true);
        const Buffer tile(data), offsets(rows), out(4 * 32 * static_cast<std::size_t>(count));
        const std::string text = "ldmatrix.sync.aligned.m8n8.x" + std::to_string(count) +
                                 (trans ? ".trans" : "") + space + ".b16 ";
        std::string body = declared + copy(true) + address(space) + text + vector_of("%r", count) +
                           (space.empty() ? ", [%s];\n" : ", [%a];\n") + "mad.wide.u32 %out, %i, 4, %q2;\n";
        for (int n = 0; n < count; n++)
          body += "st.global.u32 [%out+" + std::to_string(128 * n) + "], %r" + std::to_string(n) + ";\n";
        run(kernel_text(3, body), {{1, 1, 1}, {32, 1, 1}}, {tile.address(), offsets.address(), out.address()});
        const auto got = out.read<u32>(32 * static_cast<std::size_t>(count));
        for (int n = 0; n < count; n++)
          for (int l = 0; l < 32; l++) {
            const auto element = [&](Place p) {
              return data[rows[static_cast<std::size_t>(8 * n + p.row)] / 2 + static_cast<u32>(p.column)];
            };
            const Place p = low_element(l, trans), q = trans ? Place{p.row + 1, p.column} : Place{p.row, p.column + 1};
            ASSERT_EQ(got[static_cast<std::size_t>(32 * n + l)], element(p) | static_cast<u32>(element(q)) << 16)
                << text << " matrix " << n << ", lane " << l;
          }
      }
}

TEST(MatrixMemory, Store) {
  for (const int count : {1, 2, 4})
    for (const bool trans : {false, true})
      for (const std::string space : {".shared", ".shared::cta", ""}) {
        const std::vector<u16> before = halves();
        const std::vector<u32> rows = row_offsets(count, true);
        std::vector<u32> values(32 * static_cast<std::size_t>(count));
        for (u32& v : values) v = static_cast<u32>(generator()());
        const Buffer tile(before), offsets(rows), in(values);
        const std::string text = "stmatrix.sync.aligned.m8n8.x" + std::to_string(count) +
                                 (trans ? ".trans" : "") + space + ".b16 ";
        std::string body = declared + copy(true) + address(space) + "mad.wide.u32 %out, %i, 4, %q2;\n";
        for (int n = 0; n < count; n++)
          body += "ld.global.u32 %r" + std::to_string(n) + ", [%out+" + std::to_string(128 * n) + "];\n";
        body += text + (space.empty() ? "[%s], " : "[%a], ") + vector_of("%r", count) +
                ";\nbar.warp.sync 0xffffffff;\n{\n" + copy(false) + "}\n";
        run(kernel_text(3, body), {{1, 1, 1}, {32, 1, 1}}, {tile.address(), offsets.address(), in.address()});
        std::vector<u16> wanted = before;
        for (int n = 0; n < count; n++)
          for (int l = 0; l < 32; l++) {
            const u32 value = values[static_cast<std::size_t>(32 * n + l)];
            const Place p = low_element(l, trans), q = trans ? Place{p.row + 1, p.column} : Place{p.row, p.column + 1};
            wanted[rows[static_cast<std::size_t>(8 * n + p.row)] / 2 + static_cast<u32>(p.column)] =
                static_cast<u16>(value);
            wanted[rows[static_cast<std::size_t>(8 * n + q.row)] / 2 + static_cast<u32>(q.column)] =
                static_cast<u16>(value >> 16);
          }
        ASSERT_EQ(tile.read<u16>(512), wanted) << text;
      }
}

TEST(MatrixMemory, Move) {
  std::vector<u32> data(32);
  for (u32& v : data) v = static_cast<u32>(generator()());
  const Buffer in(data);
  // To another register, and in place.
  const auto got = values(
      ".reg .b32 %x;\n.reg .pred %p;\nmad.wide.u32 %at, %i, 4, %q1;\nld.global.u32 %x, [%at];\n"
      "movmatrix.sync.aligned.m8n8.trans.b16 %d, %x;\nmovmatrix.sync.aligned.m8n8.trans.b16 %x, %x;\n"
      "setp.ne.b32 %p, %x, %d;\n@%p mov.u32 %d, 0;\n",
      {{1, 1, 1}, {32, 1, 1}}, "", {in.address()});
  for (int l = 0; l < 32; l++) {
    u32 wanted = 0;
    for (int h = 0; h < 2;
         h++) {  // row l / 4, column 2 (l % 4) + h of the result lies in the source's row of that number
      const int row = l % 4 * 2 + h, column = l / 4;
      wanted |= (data[static_cast<std::size_t>(4 * row + column / 2)] >> column % 2 * 16 & 0xffff) << 16 * h;
    }
    EXPECT_EQ(got[static_cast<std::size_t>(l)], wanted) << l;
  }
}

// The fault names the lane whose row it was.
void expect_fault(const std::string& instruction, u32 lane, const std::string& spoil, Status status,
                  const std::string& what, bool sm_75 = false) {
  std::string text = kernel_text(
      0, ".shared .align 16 .b8 tile[512];\n.reg .b32 %a, %r<4>;\n.reg .b64 %s;\n.reg .pred %p;\nmov.u64 %s, tile;\n"
         "cvt.u32.u64 %a, %s;\nmad.lo.u32 %a, %i, 16, %a;\ncvta.shared.u64 %s, %s;\nsetp.eq.u32 %p, %i, " +
             std::to_string(lane) + ";\n@%p " + spoil + "\n" + instruction);
  if (sm_75) text.replace(text.find("sm_90"), 5, "sm_75");
  const Fault fault = fault_of(text, {{1, 1, 1}, {32, 1, 1}}, {});
  EXPECT_EQ(fault.status, static_cast<int>(status)) << instruction << "\n" << fault.message;
  for (const std::string& part : {what, "thread (" + std::to_string(lane) + ",0,0)", std::string("PTX line ")})
    EXPECT_NE(fault.message.find(part), std::string::npos)
        << instruction << ": '" << part << "' is missing in\n"
        << fault.message;
}
void expect_none(const std::string& instruction, u32 lane, const std::string& spoil) {
  const std::string text = kernel_text(0,
                                       ".shared .align 16 .b8 tile[512];\n.reg .b32 %a, %r<4>;\n.reg .b64 "
                                       "%s;\n.reg .pred %p;\nmov.u64 %s, tile;\n"
                                       "cvt.u32.u64 %a, %s;\nmad.lo.u32 %a, %i, 16, %a;\nmov.b32 %r0, "
                                       "0;\nst.shared.v4.b32 [%a], {%r0, %r0, %r0, %r0};\n"
                                       "bar.warp.sync 0xffffffff;\nsetp.eq.u32 %p, %i, " +
                                           std::to_string(lane) + ";\n@%p " + spoil + "\n" + instruction);
  EXPECT_EQ(fault_of(text, {{1, 1, 1}, {32, 1, 1}}, {}).message, "");
}

TEST(MatrixMemory, Faults) {
  const std::string x2 = "ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%r0, %r1}, [%a];";
  const std::string x4 = "stmatrix.sync.aligned.m8n8.x4.shared.b16 [%a], {%r0, %r1, %r2, %r3};";
  for (const std::string& text : {x2, x4}) {
    expect_fault(text, 13, "add.u32 %a, %a, 8;", Status::MisalignedAddress, "misaligned: 16-byte access");
    expect_fault(text, 9, "add.u32 %a, %a, 512;", Status::IllegalAddress, "out of bounds");
  }
  // Lane 20 gives no address of two matrices, and one of four.
  expect_none(x2, 20, "add.u32 %a, %a, 512;");
  expect_fault(x4, 20, "add.u32 %a, %a, 512;", Status::IllegalAddress, "write to");
  // In code for sm_75 all lanes' addresses must be valid.
  expect_fault(x2, 20, "add.u32 %a, %a, 512;", Status::IllegalAddress, "out of bounds", true);
  // Generic addresses must lie in shared memory.
  expect_fault("ldmatrix.sync.aligned.m8n8.x4.b16 {%r0, %r1, %r2, %r3}, [%s];", 17, "mov.u64 %s, 4096;",
               Status::IllegalAddress, "not in shared memory");
}

}  // namespace
}  // namespace instruction_test
