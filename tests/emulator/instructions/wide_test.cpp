// 128-bit registers and accesses, 256-bit vectors, orders of ld and st, and the instructions that speak to
// caches.
#include "tables.hpp"

namespace instruction_test {
namespace {

const Shape one_block{{1, 1, 1}, {64, 1, 1}};

TEST(Wide, PackAndUnpack) {
  check<u64>(
      "{ .reg .b128 %w, %v; .reg .b64 %lo; mov.b128 %w, {%a, %b}; mov.b128 %v, %w; mov.b128 {%lo, %d}, %v; "
      "xor.b64 %d, %d, %lo; }",
      table<u64, u64>(), [](u64 a, u64 b) { return a ^ b; });
  check<u64>("{ .reg .b128 %w; mov.b128 %w, {%a, %b}; mov.b128 {_, %d}, %w; }", table<u64, u64>(),
             [](u64, u64 b) { return b; });
  check<u64>("{ .reg .b128 %w; mov.b128 %w, {%a, %b}; mov.b128 {%d, _}, %w; }", table<u64, u64>(),
             [](u64 a, u64) { return a; });
  check<u64>("{ .reg .b128 %w; mov.b128 %w, {%a, 77}; mov.b128 {_, %d}, %w; }", table<u64>(),
             [](u64) { return u64{77}; });
}

TEST(Wide, Words) {
  check<u32>(
      "{ .reg .b128 %w; .reg .b32 %x, %y, %z; mov.b128 %w, {%a, %b, %c, %e}; mov.b128 {%d, %x, %y, %z}, %w; "
      "shl.b32 %x, %x, 1; shl.b32 %y, %y, 2; shl.b32 %z, %z, 3; xor.b32 %d, %d, %x; xor.b32 %d, %d, %y; "
      "xor.b32 %d, %d, %z; }",
      table<u32, u32, u32, u32>(), [](u32 a, u32 b, u32 c, u32 e) { return a ^ b << 1 ^ c << 2 ^ e << 3; });
  check<u64>("{ .reg .b128 %w; mov.b128 %w, {%a, %b, %c, %e}; mov.b128 {_, %d}, %w; }",
             table<u32, u32, u32, u32>(), [](u32, u32, u32 c, u32 e) { return c | u64{e} << 32; });
}

TEST(Wide, Bytes) {
  check<u16>("{ .reg .b8 %x, %y; cvt.u8.u16 %x, %a; cvt.u8.u16 %y, %b; mov.b16 %d, {%x, %y}; }",
             table<u16, u16>(), [](u16 a, u16 b) { return static_cast<u16>((a & 0xff) | b << 8); });
  check<u16>("{ .reg .b8 %x; cvt.s8.s16 %x, %a; mov.b16 %d, {%x, 0}; }", table<u16>(),
             [](u16 a) { return static_cast<u16>(a & 0xff); });
  check<u16>("{ .reg .b8 %x, %y; mov.b16 {%x, %y}, %a; mov.b16 %d, {%y, %x}; }", table<u16>(),
             [](u16 a) { return static_cast<u16>(a >> 8 | a << 8); });
  check<u32>("{ .reg .b8 %x, %y, %z, %u; mov.b32 {%x, %y, %z, %u}, %a; mov.b32 %d, {%u, %z, %y, %x}; }",
             table<u32>(), [](u32 a) { return __builtin_bswap32(a); });
}

// Copies in global, shared, local and generic memory, whole warps and parted ones, and what a wide access may
// name.
template <class T>
void copies(const std::string& load, const std::string& store, const std::string& declared,
            const std::string& value) {
  std::vector<T> in(64);
  for (std::size_t i = 0; i < in.size() * sizeof(T) / 8; i++)
    reinterpret_cast<u64*>(in.data())[i] = random_value<u64>();
  const std::string size = std::to_string(sizeof(T));
  for (const std::string space : {".global", "", ".shared", ".local"})
    for (const bool parted : {false, true}) {
      SCOPED_TRACE(load + " " + space + (parted ? " parted" : ""));
      const Buffer from(in), to(std::vector<T>(64));
      std::string body = declared +
                         ".reg .pred %odd;\n.reg .b32 %x;\n.reg .b64 %f, %t, %s;\n.shared .align 32 .b8 "
                         "sh[2048];\n.local .align 32 .b8 lo[64];\n";
      body += "and.b32 %x, %i, 1;\nsetp.eq.u32 %odd, %x, 1;\nmad.wide.u32 %f, %i, " + size +
              ", %q0;\nmad.wide.u32 %t, %i, " + size + ", %q1;\n";
      if (parted) body += "@!%odd bra PAST;\n";
      const auto ld = [&](const std::string& where, const std::string& address) {
        return "ld" + where + load + " " + value + ", [" + address + "];\n";
      };
      const auto st = [&](const std::string& where, const std::string& address) {
        return "st" + where + store + " [" + address + "], " + value + ";\n";
      };
      if (space == ".shared") body += "mov.u64 %s, sh;\nmad.wide.u32 %s, %i, " + size + ", %s;\n";
      if (space == ".local") body += "mov.u64 %s, lo;\n";
      const bool staged = space == ".shared" || space == ".local";
      body += ld(staged ? ".global" : space, "%f");
      if (staged) body += st(space, "%s") + ld(space, "%s");
      body += st(staged ? ".global" : space, "%t") + "PAST:\n";
      ASSERT_NO_THROW(run(kernel_text(2, body), one_block, {from.address(), to.address()}));
      const auto out = to.template read<T>(64);
      for (std::size_t i = 0; i < 64; i++) {
        const T zero{};
        EXPECT_EQ(std::memcmp(&out[i], parted && i % 2 == 0 ? &zero : &in[i], sizeof(T)), 0) << i;
      }
    }
}
struct Bits128 {
  u64 part[2];
};
struct Bits256 {
  u64 part[4];
};

TEST(Wide, Copies) {
  copies<Bits128>(".b128", ".b128", ".reg .b128 %w;\n", "%w");
  copies<Bits256>(".v8.b32", ".v8.b32", ".reg .b32 %w<8>;\n", "{%w0, %w1, %w2, %w3, %w4, %w5, %w6, %w7}");
  copies<Bits256>(".v8.f32", ".v8.f32", ".reg .f32 %w<8>;\n", "{%w0, %w1, %w2, %w3, %w4, %w5, %w6, %w7}");
  copies<Bits256>(".v4.b64", ".v4.b64", ".reg .b64 %w<4>;\n", "{%w0, %w1, %w2, %w3}");
  copies<Bits256>(".v4.f64", ".v4.f64", ".reg .f64 %w<4>;\n", "{%w0, %w1, %w2, %w3}");
}

TEST(Wide, UniformAndSelected) {  // all lanes at one address; elements that are not wanted
  const Buffer from(std::vector<u32>{10, 11, 12, 13, 14, 15, 16, 17});
  const auto d = values(
      ".reg .b32 %x, %y;\nld.global.v8.b32 {_, %x, _, _, _, _, _, %y}, [%q1];\nmad.lo.u32 %d, %x, 100, %y;",
      one_block, "", {from.address()});
  for (const u32 v : d) ASSERT_EQ(v, 1117u);
}

TEST(Wide, Parameters) {
  const std::string text = module_text(
      ".visible .entry k(.param .u64 p0, .param .align 16 .b8 p1[16])\n{\n.reg .b128 %w;\n.reg .b64 "
      "%q;\nld.param.u64 %q, [p0];\n"
      "ld.param.b128 %w, [p1];\nst.global.b128 [%q], %w;\nret;\n}\n");
  const Buffer out(16);
  run(text, {{1, 1, 1}, {32, 1, 1}}, {out.address(), 0x1122334455667788ull, 99});
  EXPECT_EQ(out.read<u64>(2), (std::vector<u64>{0x1122334455667788ull, 99}));
}

std::string message_of(const std::string& text, u64 address = 0) {
  return fault_of(kernel_text(
                      1, ".reg .b16 %h<8>;\n.reg .b32 %r<8>;\n.reg .b64 %l<8>;\n.reg .b128 %w<4>;\n" + text),
                  {{1, 1, 1}, {1, 1, 1}}, {address})
      .message;
}

TEST(Wide, Alignment) {
  const Buffer memory(128);
  EXPECT_NE(message_of("ld.global.b128 %w0, [%q0+8];", memory.address()).find("misaligned: 16-byte"),
            std::string::npos);
  EXPECT_NE(message_of("st.global.v4.b64 [%q0+16], {%l0, %l1, %l2, %l3};", memory.address())
                .find("misaligned: 32-byte"),
            std::string::npos);
  EXPECT_NE(message_of("ld.global.b128 %w0, [%q0+128];", memory.address()).find("out of bounds"),
            std::string::npos);
}

TEST(Wide, OrdersAndScopes) {
  const Buffer memory(std::vector<u32>{41, 0, 0, 0});
  for (const std::string scope : {"cta", "cluster", "gpu", "sys"})
    for (const std::string sem : {"relaxed", "acquire"}) {
      const std::string store = sem == "acquire" ? "release" : sem;
      EXPECT_EQ(message_of("ld." + sem + "." + scope + ".global.b32 %r0, [%q0];\nadd.u32 %r0, %r0, 1;\nst." +
                               store + "." + scope + ".global.b32 [%q0+4], %r0;",
                           memory.address()),
                "");
      EXPECT_EQ(memory.read<u32>(2)[1], 42u);
    }
  for (const std::string sem : {"weak", "volatile", "mmio.relaxed.sys"})
    EXPECT_EQ(message_of("ld." + sem + ".global.b32 %r0, [%q0];\nst." + sem + ".global.b32 [%q0+8], %r0;",
                         memory.address()),
              "");
  EXPECT_EQ(memory.read<u32>(3)[2], 41u);
}

TEST(Wide, Refusals) {
  for (const char* text : {"ld.relaxed.global.b32 %r0, [%q0];",
                           "ld.release.gpu.global.b32 %r0, [%q0];",
                           "st.acquire.gpu.global.b32 [%q0], %r0;",
                           "ld.gpu.global.b32 %r0, [%q0];",
                           "ld.volatile.gpu.global.b32 %r0, [%q0];",
                           "ld.weak.relaxed.gpu.global.b32 %r0, [%q0];",
                           "ld.mmio.global.b32 %r0, [%q0];",
                           "ld.mmio.relaxed.gpu.global.b32 %r0, [%q0];",
                           "st.sc.gpu.global.b32 [%q0], %r0;",
                           "ld.acquire.gpu.sys.global.b32 %r0, [%q0];",
                           "ld.global.L1::evict_sometimes.b32 %r0, [%q0];",
                           "ld.global.wb.b32 %r0, [%q0];",
                           "st.global.nc.b32 [%q0], %r0;",
                           "ld.global.v2.b128 {%w0, %w1}, [%q0];",
                           "ld.global.b32 %r0, [%q0], %l0;",
                           "ld.global.L2::cache_hint.b32 %r0, [%q0];",
                           "ld.global.L2::cache_hint.b32 %r0, [%q0], %r1;",
                           "mov.b128 %w0, 5;",
                           "prefetch.tensormap [%q0];",
                           "prefetch.global.L3 [%q0];",
                           "applypriority.global.L2::evict_last [%q0], 128;",
                           "discard.global.L2 [%q0], 64;",
                           "discard.shared.L2 [%q0], 128;",
                           "createpolicy.fractional.L1::evict_last.b64 %l0;",
                           "createpolicy.random.L2::evict_last.b64 %l0;",
                           "createpolicy.range.L2::evict_last.b64 %l0;",
                           "add.ftz.f64 %l0, %l1, %l2;",
                           "neg.ftz.s32 %r0, %r1;",
                           "fma.f64 %l0, %l1, %l2, %l3;"}) {
    const std::string opcode = std::string(text).substr(0, std::string(text).find(' '));
    EXPECT_NE(message_of(text).find(opcode), std::string::npos)
        << text << " gives '" << message_of(text) << "'";
  }
}

// Hints are read and change nothing, wherever they point.
TEST(Wide, CacheHints) {
  const Buffer memory(std::vector<u32>{5, 0, 7, 8, 6});
  EXPECT_EQ(
      message_of(
          "prefetch.global.L1 [%q0];\nprefetch.L2 [%q0+4096];\nprefetch.global.L2::evict_last [%q0];\n"
          "prefetch.global.L2::evict_normal [%q0];\nprefetch.local.L2 [%q0];\nprefetchu.L1 [%q0];\n"
          "applypriority.global.L2::evict_normal [%q0], 128;\napplypriority.L2::evict_normal [%q0], 128;\n"
          "createpolicy.fractional.L2::evict_last.L2::evict_unchanged.b64 %l0, "
          "0.25;\ncreatepolicy.fractional.L2::evict_first.b64 %l1;\n"
          "createpolicy.range.global.L2::evict_last.L2::evict_first.b64 %l2, [%q0], 64, "
          "128;\ncreatepolicy.cvt.L2.b64 %l3, %l2;\n"
          "ld.global.L2::cache_hint.b32 %r0, [%q0], "
          "%l0;\nld.global.nc.L1::no_allocate.L2::cache_hint.L2::256B.b32 %r1, [%q0+16], %l1;\n"
          "ld.global.L1::evict_last.L2::evict_first.b32 %r2, [%q0+8];\nld.global.lu.b32 %r3, [%q0+12];\n"
          "st.global.L1::no_allocate.L2::cache_hint.b32 [%q0], %r3, %l3;\nst.global.wt.b32 [%q0+4], %r2;\n"
          "st.global.L2::evict_last.b32 [%q0+8], %r1;\nst.global.cs.b32 [%q0+12], %r0;\n",
          memory.address()),
      "");
  EXPECT_EQ(memory.read<u32>(4), (std::vector<u32>{8, 7, 6, 5}));
}

// What discarded bytes hold is undetermined: they no longer hold what they did, and their neighbours do.
TEST(Wide, Discard) {
  const Buffer memory(std::vector<u32>(128, 3));
  EXPECT_EQ(message_of("discard.global.L2 [%q0+128], 128;", memory.address()), "");
  const auto left = memory.read<u32>(128);
  for (std::size_t i = 0; i < 128; i++) EXPECT_EQ(left[i] == 3, i < 32 || i >= 64) << i;
  EXPECT_NE(message_of("discard.L2 [%q0+64], 128;", memory.address()).find("misaligned"), std::string::npos);
  EXPECT_NE(message_of("discard.L2 [%q0+512], 128;", memory.address()).find("out of bounds"),
            std::string::npos);
}

}  // namespace
}  // namespace instruction_test
