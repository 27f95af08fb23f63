// wmma (PTX ISA 9.7.14.3 to 9.7.14.5): the fragments' places are left open, so a product is loaded,
// multiplied and stored as a whole, element-wise work on fragments between.
#include "matrix_support.hpp"
#include "support/error.hpp"

namespace instruction_test {
namespace {

using ptxvm::Status;

struct Kind {  // of a product: shape, formats, registers of a lane
  int m, n, k;
  Format operand, c, d;
  int a, b;
  std::string shape() const { return "m" + std::to_string(m) + "n" + std::to_string(n) + "k" + std::to_string(k); }
  std::string types() const {
    if (operand.name == std::string("f16")) return std::string(d.name) + "." + c.name;
    return std::string(d.name) + "." + operand.name + "." + operand.name + "." + c.name;
  }
  int accumulator(const Format& f) const { return m * n / (f.bits == 16 ? 64 : 32); }
};

std::vector<Kind> kinds() {
  std::vector<Kind> list;
  for (const auto& [m, n] : {std::pair{16, 16}, std::pair{32, 8}, std::pair{8, 32}}) {
    for (const Format& c : {fp32, fp16})
      for (const Format& d : {fp32, fp16}) list.push_back({m, n, 16, fp16, c, d, 8, 8});
    list.push_back({m, n, 16, bf16, fp32, fp32, m / 4, n / 4});
  }
  list.push_back({16, 16, 8, tf32, fp32, fp32, 4, 4});
  list.push_back({8, 8, 4, fp64, fp64, fp64, 1, 1});
  return list;
}

struct Stored {  // a matrix in memory
  bool row;
  int stride;    // 0: none is given
  std::string space;
};

// Lines of the matrix, stride apart; elsewhere 0x5a.
std::vector<u8> bytes_of(const Matrix& m, const Format& f, const Stored& s) {
  const int length = s.row ? m.columns : m.rows, lines = s.row ? m.rows : m.columns,
            stride = s.stride ? s.stride : length;
  const std::size_t size = static_cast<std::size_t>(f.bits / 8);
  std::vector<u8> bytes(static_cast<std::size_t>(lines * stride) * size, 0x5a);
  for (int r = 0; r < m.rows; r++)
    for (int c = 0; c < m.columns; c++) {
      const u64 word = f.encode(m.at(r, c));
      std::memcpy(&bytes[static_cast<std::size_t>(s.row ? r * stride + c : c * stride + r) * size], &word, size);
    }
  return bytes;
}

std::string reg_type(const Format& f) { return f.bits == 64 ? ".f64" : f.name == std::string("f32") ? ".f32" : ".b32"; }

// Copies `bytes` bytes between %qN and a shared array, by words.
std::string staged(const std::string& array, const std::string& q, std::size_t bytes, bool in) {
  std::string s = "mov.u64 %sh, " + array + ";\nmad.wide.u32 %gl, %i, 4, " + q + ";\nmad.wide.u32 %sh, %i, 4, %sh;\n";
  for (std::size_t at = 0; at < bytes; at += 128) {
    const std::string o = "+" + std::to_string(at) + "]";
    if (at + 128 > bytes) s += "setp.lt.u32 %few, %i, " + std::to_string((bytes - at) / 4) + ";\n@%few ";
    s += in ? "ld.global.u32 %word, [%gl" + o + ";\n" : "ld.shared.u32 %word, [%sh" + o + ";\n";
    if (at + 128 > bytes) s += "@%few ";
    s += in ? "st.shared.u32 [%sh" + o + ", %word;\n" : "st.global.u32 [%gl" + o + ", %word;\n";
  }
  return s + "bar.sync 0;\n";
}

struct Case {
  Kind kind;
  Stored a, b, c, d;
};

std::string text_of(const Case& x, const std::size_t* sizes, const std::string& between) {
  const Kind& k = x.kind;
  std::string body =
      ".reg .b64 %sh, %gl, %pa, %pb, %pc, %pd;\n.reg .b32 %word;\n.reg .pred %few;\n"
      ".reg " +
      reg_type(k.operand.bits == 64 ? fp64 : fp16) + " %a<8>, %b<8>;\n.reg " + reg_type(k.c) +
      " %c<8>;\n.reg " + reg_type(k.d) + " %d<8>;\n";
  const Stored* stored[] = {&x.a, &x.b, &x.c, &x.d};
  std::string tail, loads;
  for (int n = 0; n < 4; n++) {
    const Stored& s = *stored[n];
    const std::string letter(1, "abcd"[n]), p = "%p" + letter, q = "%q" + std::to_string(n);
    body += "mov.u64 " + p + ", " + q + ";\n";
    if (s.space == "shared") {
      body += ".shared .align 32 .b8 s" + letter + "[" + std::to_string(sizes[n]) + "];\n" +
              staged("s" + letter, q, sizes[n], true) + "mov.u64 " + p + ", s" + letter + ";\n";
      if (n == 3) tail = "bar.sync 0;\n" + staged("s" + letter, q, sizes[n], false);
    }
    const Format& f = n < 2 ? k.operand : n == 2 ? k.c : k.d;
    const int registers = n == 0 ? k.a : n == 1 ? k.b : k.accumulator(f);
    const std::string name = letter + ".sync.aligned." + (s.row ? "row." : "col.") + k.shape() +
                             (s.space.empty() ? "" : "." + s.space) + "." + f.name + " ";
    const std::string fragment = vector_of("%" + letter, registers),
                      stride = s.stride ? ", " + std::to_string(s.stride) : "";
    if (n < 3) loads += "wmma.load." + name + fragment + ", [" + p + "]" + stride + ";\n";
    else tail = "wmma.store." + name + "[" + p + "], " + fragment + stride + ";\n" + tail;
  }
  return kernel_text(4, body + loads + between + "wmma.mma.sync.aligned." + (x.a.row ? "row." : "col.") +
                            (x.b.row ? "row." : "col.") + k.shape() + "." + k.types() + " " +
                            vector_of("%d", k.accumulator(k.d)) + ", " + vector_of("%a", k.a) + ", " +
                            vector_of("%b", k.b) + ", " + vector_of("%c", k.accumulator(k.c)) + ";\n" + tail);
}

// D = (-A) B + C where the registers of A are negated by hand.
void check_case(const Case& x, const std::function<double()>& draw, bool negate) {
  const Kind& k = x.kind;
  const Matrix a = random_matrix(k.m, k.k, k.operand, draw), b = random_matrix(k.k, k.n, k.operand, draw);
  const Matrix c = random_matrix(k.m, k.n, k.c, draw);
  const std::vector<u8> bytes[] = {bytes_of(a, k.operand, x.a), bytes_of(b, k.operand, x.b), bytes_of(c, k.c, x.c),
                                   bytes_of(Matrix(k.m, k.n), k.d, x.d)};
  std::size_t sizes[4];
  std::vector<std::unique_ptr<Buffer>> buffers;
  std::vector<u64> parameters;
  for (int n = 0; n < 4; n++) {
    sizes[n] = bytes[n].size();
    buffers.push_back(std::make_unique<Buffer>(bytes[n]));
    parameters.push_back(buffers.back()->address());
  }
  std::string between;
  for (int r = 0; negate && r < k.a; r++) {
    const std::string reg = "%a" + std::to_string(r);
    between += k.operand.bits == 64 ? "neg.f64 " + reg + ", " + reg + ";\n"
                                    : "xor.b32 " + reg + ", " + reg +
                                          (k.operand.bits == 16 ? ", 0x80008000;\n" : ", 0x80000000;\n");
  }
  const std::string text = text_of(x, sizes, between);
  SCOPED_TRACE(text.substr(text.find("wmma.load")));
  ASSERT_NO_THROW(run(text, {{1, 1, 1}, {32, 1, 1}}, parameters));
  Matrix minus = a;
  if (negate) for (double& v : minus.values) v = -v;
  const Fragment fa{k.operand, 0, nullptr}, fc{k.c, 0, nullptr}, fd{k.d, 0, nullptr};
  const Matrix wanted = expected({"", k.m, k.n, k.k, fa, fa, fc, fd}, minus, b, c);
  EXPECT_EQ(buffers[3]->read<u8>(bytes[3].size()), bytes_of(wanted, k.d, x.d));
}

double integer() { return 0.5 + static_cast<double>(generator()() % 5); }  // no sum is zero, whose sign is open
double normal() { return std::normal_distribution<double>(0, 1)(generator()); }

TEST(MatrixTile, Products) {
  int number = 0;
  for (const Kind& k : kinds())
    for (int layout = 0; layout < 16; layout++) {
      const std::string spaces[] = {"global", "", "shared"};
      const auto stored = [&](bool row, int rows, int columns, const Format& f) {
        const int length = row ? columns : rows, unit = 16 / (f.bits / 8);
        const int choice = number++ % 3;
        return Stored{row, choice == 0 ? 0 : length + (choice - 1) * unit, spaces[number / 3 % 3]};
      };
      const Case x{k, stored(layout & 1, k.m, k.k, k.operand), stored(layout & 2, k.k, k.n, k.operand),
                   stored(layout & 4, k.m, k.n, k.c), stored(layout & 8, k.m, k.n, k.d)};
      check_case(x, integer, false);
      check_case(x, normal, layout % 2 == 0);
    }
}

// Each element of a matrix is in its fragment as often as any other: where a fragment has more places than
// the matrix has elements, in several.
TEST(MatrixTile, FragmentsHoldEveryElement) {
  for (const Kind& k : kinds())
    for (int which = 0; which < 3; which++)
      for (const bool row : {true, false}) {
        const int rows = which == 1 ? k.k : k.m, columns = which == 0 ? k.k : k.n;
        const Format& f = which == 2 ? k.c : k.operand;
        const int registers = which == 0 ? k.a : which == 1 ? k.b : k.accumulator(f);
        const std::size_t size = static_cast<std::size_t>(f.bits / 8), count = static_cast<std::size_t>(rows * columns);
        std::vector<u8> bytes(count * size);  // words are numbers, which no instruction here interprets
        for (std::size_t i = 0; i < count; i++) std::memcpy(&bytes[i * size], &i, size);
        const int width = std::max(f.bits, 32) / 8;
        const Buffer in(bytes), out(static_cast<std::size_t>(registers * 32 * width));
        const std::string type = reg_type(f), text = std::string("wmma.load.") + "abc"[which] + ".sync.aligned." +
                                                     (row ? "row." : "col.") + k.shape() + "." + f.name + " ";
        std::string body = ".reg " + type + " %r<8>;\n.reg .b64 %out;\nmad.wide.u32 %out, %i, " +
                           std::to_string(width) + ", %q1;\n" + text + vector_of("%r", registers) +
                           ", [%q0];\n";
        for (int r = 0; r < registers; r++)
          body += "st.global" + type + " [%out+" + std::to_string(r * 32 * width) + "], %r" + std::to_string(r) + ";\n";
        ASSERT_NO_THROW(run(kernel_text(2, body), {{1, 1, 1}, {32, 1, 1}}, {in.address(), out.address()})) << text;
        const std::vector<u8> got = out.read<u8>(static_cast<std::size_t>(registers * 32 * width));
        std::vector<std::size_t> seen(count);
        for (std::size_t at = 0; at < got.size(); at += size) {
          u64 word = 0;
          std::memcpy(&word, &got[at], size);
          ASSERT_LT(word, count) << text;
          seen[word]++;
        }
        EXPECT_EQ(seen, std::vector<std::size_t>(count, got.size() / size / count)) << text;
      }
}

// What goes wrong, where, and with which words.
TEST(MatrixTile, Faults) {
  const Buffer buffer(std::vector<u16>(16 * 16, 0));
  const auto expect = [&](const std::string& setup, const std::string& instruction, Status status,
                          const std::string& what) {
    const std::string text = kernel_text(1,
                                         ".reg .b32 %r<8>, %stride;\n.reg .f32 %f<8>;\n.reg .pred "
                                         "%p;\nmov.u32 %stride, 16;\nsetp.eq.u32 %p, %i, 5;\n" +
                                             setup + instruction);
    const Fault fault = fault_of(text, {{1, 1, 1}, {32, 1, 1}}, {buffer.address()});
    EXPECT_EQ(fault.status, static_cast<int>(status)) << fault.message;
    EXPECT_NE(fault.message.find(what), std::string::npos) << "'" << what << "' is missing in\n" << fault.message;
    EXPECT_NE(fault.message.find("PTX line"), std::string::npos) << fault.message;
  };
  const std::string load =
      "wmma.load.a.sync.aligned.row.m16n16k16.global.f16 " + vector_of("%r", 8) + ", [%q0], %stride;";
  const std::string store = "wmma.store.d.sync.aligned.row.m16n16k16.f32 [%q0], " + vector_of("%f", 8) + ", %stride;";
  expect("add.u64 %q0, %q0, 16;\n", load, Status::MisalignedAddress, "a fragment of 32 bytes");
  expect("mov.u32 %stride, 20;\n", load, Status::MisalignedAddress, "a stride of 20 elements");
  expect("mov.u32 %stride, 24;\n", load, Status::IllegalAddress, "out of bounds: read of 16 bytes");
  expect("add.u64 %q0, %q0, 32;\n", load, Status::IllegalAddress, "out of bounds");
  expect("", store, Status::IllegalAddress, "out of bounds: write to 16 bytes");
  expect("@%p add.u64 %q0, %q0, 32;\n", load, Status::IllegalInstruction, "the lanes of a warp must name one matrix");
  expect("@%p mov.u32 %stride, 32;\n", load, Status::IllegalInstruction, "the lanes of a warp must name one matrix");
}

}  // namespace
}  // namespace instruction_test
