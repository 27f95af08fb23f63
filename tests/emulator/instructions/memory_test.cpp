// ld and st in every space, width, vector and with every modifier; addresses, constants, parameters,
// isspacep.
#include "ptx/ast.hpp"
#include "tables.hpp"

namespace instruction_test {
namespace {

constexpr u32 threads = 80;
constexpr u32 slot = 16;  // bytes a thread
const Shape shape{{2, 1, 1}, {threads, 1, 1}};
constexpr u32 count = 2 * threads;

const std::string spaces_declared = ".shared .align 16 .b8 sh[1280];\n";

// The thread's 16 bytes in a space, as an address of the space or a generic one, in %slot.
std::string slot_address(const std::string& space, bool generic) {
  std::string text;
  if (space == "global") return "mad.wide.u32 %slot, %i, 16, %q2;\n";
  if (space == "shared")
    text = "mov.u32 %word, %tid.x;\nmov.u64 %slot, sh;\nmad.wide.u32 %slot, %word, 16, %slot;\n";
  if (space == "local") text = "mov.u64 %slot, lo;\n";
  if (generic) text += "cvta." + space + ".u64 %slot, %slot;\n";
  return text;
}

struct Form {
  std::string type;
  int bits, registers, vector;
};

std::vector<Form> forms() {
  std::vector<Form> list;
  for (const int bits : {8, 16, 32, 64})
    for (const char* kind : {"b", "u", "s", "f"})
      for (const int vector : {1, 2, 4})
        if ((kind[0] != 'f' || bits >= 32) && bits * vector <= 128)
          list.push_back({kind + std::to_string(bits), bits, std::max(bits, 16), vector});
  return list;
}

std::string declared(const Form& form) { return ".reg .b" + std::to_string(form.registers) + " %v<4>;\n"; }

std::string registers(const Form& form) {
  std::string list;
  for (int v = 0; v < form.vector; v++) list += (v ? ", %v" : "%v") + std::to_string(v);
  return form.vector > 1 ? "{" + list + "}" : list;
}

std::string suffix(const Form& form) {
  return (form.vector > 1 ? ".v" + std::to_string(form.vector) : "") + "." + form.type;
}

// Of every slot the bytes that the form moves, zeros behind them.
std::vector<u8> first_bytes(const std::vector<u8>& in, const Form& form) {
  std::vector<u8> first(in.size(), 0);
  for (std::size_t at = 0; at < in.size(); at += slot)
    std::copy_n(&in[at], form.bits * form.vector / 8, &first[at]);
  return first;
}

// Loads by `load` from global memory, stores by `store` into the slot, which was zero; then the slot byte by
// byte.
void round_trip(const Form& form, const std::string& load, const std::string& store, const std::string& space,
                bool generic) {
  SCOPED_TRACE(load + " " + store);
  std::vector<u8> in(count * slot);
  for (u8& byte : in) byte = static_cast<u8>(generator()());
  const Buffer input(in), out(count * slot), home(count * slot);
  const std::string list = registers(form);
  std::string body =
      ".local .align 16 .b8 lo[16];\n.reg .b64 %slot, %from, %to;\n.reg .b32 %word;\n.reg .b16 %byte;\n" +
      declared(form) + slot_address(space, generic) +
      "mad.wide.u32 %from, %i, 16, %q0;\nmad.wide.u32 %to, %i, 16, %q1;\n";
  const std::string where = generic ? "" : "." + space;
  for (u32 b = 0; b < slot; b++) body += "st" + where + ".u8 [%slot+" + std::to_string(b) + "], 0;\n";
  body += load + " " + list + ", [%from];\n" + store + " [%slot], " + list + ";\n";
  for (u32 b = 0; b < slot; b++)
    body += "ld" + where + ".u8 %byte, [%slot+" + std::to_string(b) + "];\nst.global.u8 [%to+" +
            std::to_string(b) + "], %byte;\n";
  ASSERT_NO_THROW(
      run(kernel_text(3, body, spaces_declared), shape, {input.address(), out.address(), home.address()}));
  EXPECT_EQ(out.read<u8>(count * slot), first_bytes(in, form));
}

TEST(Memory, EveryTypeAndVectorInEverySpace) {
  for (const Form& form : forms())
    for (const std::string space : {"global", "shared", "local"})
      for (const bool generic : {false, true})
        round_trip(form, "ld.global" + suffix(form), "st" + (generic ? "" : "." + space) + suffix(form),
                   space, generic);
}

// The other direction: the slot is filled byte by byte and loaded in one piece.
TEST(Memory, LoadsFromEverySpace) {
  std::vector<u8> in(count * slot);
  for (u8& byte : in) byte = static_cast<u8>(generator()());
  const Buffer input(in), out(in.size()), home(in.size());
  for (const Form& form : forms())
    for (const std::string space : {"global", "shared", "local"})
      for (const bool generic : {false, true}) {
        const std::string where = generic ? "" : "." + space;
        std::string body =
            ".local .align 16 .b8 lo[16];\n.reg .b64 %slot, %from, %to;\n.reg .b32 %word;\n"
            ".reg .b16 %byte;\n" +
            declared(form) + slot_address(space, generic) +
            "mad.wide.u32 %from, %i, 16, %q0;\nmad.wide.u32 %to, %i, 16, %q1;\n";
        for (u32 b = 0; b < slot; b++)
          body += "ld.global.u8 %byte, [%from+" + std::to_string(b) + "];\nst" + where + ".u8 [%slot+" +
                  std::to_string(b) + "], %byte;\n";
        const std::string load = "ld" + where + suffix(form);
        body += load + " " + registers(form) + ", [%slot];\nst.global" + suffix(form) + " [%to], " +
                registers(form) + ";\n";
        const std::vector<u8> zeros(in.size(), 0);
        std::memcpy(out.host(), zeros.data(), zeros.size());
        ASSERT_NO_THROW(run(kernel_text(3, body, spaces_declared), shape,
                            {input.address(), out.address(), home.address()}))
            << load;
        EXPECT_EQ(out.read<u8>(in.size()), first_bytes(in, form)) << load << " " << space;
      }
}

// A parameter of 16 bytes, read in every way.
TEST(Memory, LoadsOfParameters) {
  std::vector<u8> in(slot);
  for (u8& byte : in) byte = static_cast<u8>(generator()());
  u64 halves[2];
  std::memcpy(halves, in.data(), slot);
  for (const Form& form : forms()) {
    const Buffer out(std::vector<u8>(slot, 0));
    const std::string load = "ld.param" + suffix(form);
    run(module_text(".visible .entry k(.param .u64 to, .param .align 16 .b8 s[16])\n{\n.reg .b64 %to;\n" +
                    declared(form) + "ld.param.u64 %to, [to];\n" + load + " " + registers(form) +
                    ", [s];\nst.global" + suffix(form) + " [%to], " + registers(form) + ";\nret;\n}\n"),
        {{1, 1, 1}, {1, 1, 1}}, {out.address(), halves[0], halves[1]});
    EXPECT_EQ(out.read<u8>(slot), first_bytes(in, form)) << load;
  }
}

TEST(Memory, EveryModifier) {
  const Form forms[] = {{"b32", 32, 32, 4}, {"f64", 64, 64, 1}, {"u8", 8, 16, 1}};
  const char* const loads[] = {"ld.global",
                               "ld.weak.global",
                               "ld.volatile.global",
                               "ld.relaxed.cta.global",
                               "ld.relaxed.gpu.global",
                               "ld.relaxed.sys.global",
                               "ld.acquire.cta.global",
                               "ld.acquire.gpu.global",
                               "ld.acquire.sys.global",
                               "ld.global.ca",
                               "ld.global.cg",
                               "ld.global.cs",
                               "ld.global.lu",
                               "ld.global.cv",
                               "ld.global.nc",
                               "ld.global.ca.nc",
                               "ld.global.L1::evict_last",
                               "ld.global.L1::no_allocate.L2::128B",
                               "ld.global.nc.L1::no_allocate.L2::256B"};
  for (const Form& form : forms)
    for (const char* load : loads)
      round_trip(form, load + suffix(form), "st.global" + suffix(form), "global", false);
  const char* const stores[] = {"st.weak.",        "st.volatile.",    "st.relaxed.cta.", "st.relaxed.gpu.",
                                "st.relaxed.sys.", "st.release.cta.", "st.release.gpu.", "st.release.sys."};
  for (const Form& form : forms) {
    for (const char* store : stores)
      for (const std::string space : {"global", "shared"})
        round_trip(form, "ld.global" + suffix(form), store + space + suffix(form), space, false);
    for (const char* store :
         {"st.global.wb", "st.global.cg", "st.global.cs", "st.global.wt", "st.global.L1::evict_first"})
      round_trip(form, "ld.global" + suffix(form), store + suffix(form), "global", false);
  }
}

// Registers wider than the type: signed types are extended by their sign, others by zeros; stores take the
// low part.
template <class T, class R>
void extension(const std::string& type) {
  std::vector<u64> in;
  for (u32 i = 0; i < count; i++) in.push_back(generator()());
  const Buffer input(in), out(count * 8);
  const std::string r = ".b" + std::to_string(sizeof(R) * 8);
  run(kernel_text(2, ".reg .b64 %to;\n.reg " + r +
                         " %v;\nmad.wide.u32 %at, %i, 8, %q0;\nmad.wide.u32 %to, %i, 8, %q1;\nld.global." +
                         type + " %v, [%at];\nst.global" + r + " [%to], %v;\n"),
      shape, {input.address(), out.address()});
  std::vector<R> expected;
  for (const u64 x : in)
    expected.push_back(
        static_cast<R>(static_cast<std::conditional_t<std::is_signed_v<T>, s64, u64>>(static_cast<T>(x))));
  const auto got = out.read<u64>(count);
  for (u32 i = 0; i < count; i++) ASSERT_EQ(static_cast<R>(got[i]), expected[i]) << type << " " << r;
  if (sizeof(R) < 8) return;
  run(kernel_text(2,
                  ".reg .b64 %to, %v;\nmad.wide.u32 %at, %i, 8, %q0;\nmad.wide.u32 %to, %i, 8, %q1;\n"
                  "ld.global.u64 %v, [%at];\nst.global.u64 [%to], 0;\nst.global." +
                      type + " [%to], %v;\n"),
      shape, {input.address(), out.address()});
  const auto stored = out.read<u64>(count);
  for (u32 i = 0; i < count; i++)
    ASSERT_EQ(stored[i], static_cast<u64>(static_cast<std::make_unsigned_t<T>>(in[i])))
        << "store of " << type;
}
TEST(Memory, ExtensionAndTruncation) {
  extension<u8, u16>("u8"), extension<s8, u16>("s8"), extension<u8, u32>("u8"), extension<s8, u32>("s8");
  extension<u8, u64>("b8"), extension<s8, u64>("s8"), extension<u16, u32>("u16"), extension<s16, u32>("s16");
  extension<u16, u64>("u16"), extension<s16, u64>("s16"), extension<u32, u64>("b32"),
      extension<u32, u64>("u32"), extension<s32, u64>("s32");
}

// The same of parameters: what a register of 64 bits holds of a smaller one.
template <class T>
void extension_of_parameter(const std::string& type) {
  for (const u64 bits : {0x0123456789abcdefull, 0xfedcba9876543210ull, 0x7f7f7f7f80808080ull}) {
    const Buffer out(8);
    run(module_text(".visible .entry k(.param .u64 to, .param .u64 x)\n{\n.reg .b64 %to, %v;\nld.param.u64 %to, [to];\n"
                    "ld.param." + type + " %v, [x];\nst.global.u64 [%to], %v;\nret;\n}\n"),
        {{1, 1, 1}, {1, 1, 1}}, {out.address(), bits});
    const auto wide = static_cast<std::conditional_t<std::is_signed_v<T>, s64, u64>>(static_cast<T>(bits));
    EXPECT_EQ(out.read<u64>(1)[0], static_cast<u64>(wide)) << type;
  }
}
TEST(Memory, ExtensionOfParameters) {
  extension_of_parameter<u8>("u8"), extension_of_parameter<s8>("s8"), extension_of_parameter<u16>("u16");
  extension_of_parameter<s16>("s16"), extension_of_parameter<u32>("u32"), extension_of_parameter<s32>("s32");
}

TEST(Memory, PartsOfVectorsAndOffsets) {
  std::vector<u32> in;
  for (u32 i = 0; i < 4 * count; i++) in.push_back(i * 2654435761u);
  const Buffer input(in);
  auto got = values("mad.wide.u32 %at, %i, 16, %q1;\nld.global.v4.u32 {_, _, %d, _}, [%at];", shape, "",
                    {input.address()});
  for (u32 i = 0; i < count; i++) ASSERT_EQ(got[i], in[4 * i + 2]);
  got = values("mad.wide.u32 %at, %i, 16, %q1;\nadd.u64 %at, %at, 16;\nld.global.u32 %d, [%at+-12];", shape,
               "", {input.address()});
  for (u32 i = 0; i < count; i++) ASSERT_EQ(got[i], in[4 * i + 1]);
  // a source of the store twice
  got = values(
      ".reg .b32 %x, %y;\n.reg .b64 %u;\nmad.wide.u32 %at, %i, 8, %q1;\n"
      "st.global.v2.u32 [%at], {%i, %i};\nld.global.v2.u32 {%x, %y}, [%at];\nadd.u32 %d, %x, %y;",
      shape, "", {input.address()});
  for (u32 i = 0; i < count; i++) ASSERT_EQ(got[i], 2 * i);
}

TEST(Memory, ModuleVariables) {
  const std::string variables =
      ".const .align 8 .u32 table[4] = {10, 20, 30, 40};\n"
      ".global .align 4 .s16 words[4] = {-1, 2, -3, 4};\n"
      ".global .align 8 .f64 real = 0d3FF8000000000000;\n.global .align 8 .u64 link = generic(words);\n"
      ".global .u32 plain;\n";
  const std::string pick = ".reg .b64 %a, %b;\n.reg .b32 %x;\n.reg .f64 %f;\nand.b32 %x, %i, 3;\n";
  auto got = values(pick + "mov.u64 %a, table;\nmad.wide.u32 %a, %x, 4, %a;\nld.const.u32 %d, [%a];", shape,
                    variables);
  for (u32 i = 0; i < count; i++) ASSERT_EQ(got[i], 10 * (i % 4 + 1));
  got = values(pick + "mov.u64 %a, table;\ncvta.const.u64 %a, %a;\nld.u32 %d, [%a+8];", shape, variables);
  EXPECT_EQ(got[5], 30u);
  got = values(pick + "ld.const.u32 %d, [table+12];", shape, variables);
  EXPECT_EQ(got[5], 40u);
  got = values(pick + "ld.global.u64 %a, [link];\nmad.wide.u32 %a, %x, 2, %a;\nld.s16 %d, [%a];", shape,
               variables);
  for (u32 i = 0; i < count; i++)
    ASSERT_EQ(static_cast<s32>(got[i]), (std::array<s32, 4>{-1, 2, -3, 4})[i % 4]);
  got = values(pick +
                   "ld.global.f64 %f, [real];\ncvt.rni.s32.f64 %d, %f;\nld.global.u32 %x, [plain];\n"
                   "add.u32 %d, %d, %x;",
               shape, variables);
  EXPECT_EQ(got[0], 2u);
}

TEST(Memory, ParametersAtOffsets) {
  const Buffer out(threads * 8);
  const std::string text = module_text(
      ".visible .entry k(.param .u64 to, .param .align 8 .b8 s[24], .param .u8 small)\n{\n"
      ".reg .b64 %t, %x, %y, %b;\n.reg .b32 %w, %i;\nmov.u32 %i, %tid.x;\nld.param.u64 %t, [to];\n"
      "mad.wide.u32 %t, %i, 8, %t;\nld.param.u64 %x, [s+8];\nld.param.u32 %w, [s+20];\n"
      "cvt.u64.u32 %y, %w;\nadd.u64 %x, %x, %y;\nld.param.u8 %b, [small];\nadd.u64 %x, %x, %b;\n"
      "st.global.u64 [%t], %x;\nret;\n}\n");
  const auto program = ptxvm::exec::Program::load(ptxvm::ptx::parse(text), "parameters");
  const auto* info = program->kernel("k");
  ASSERT_EQ(info->parameters.size(), 3u);
  EXPECT_EQ(info->parameters[1].offset, 8u);
  EXPECT_EQ(info->parameters[2].offset, 32u);
  ptxvm::exec::Request request;
  request.program = program;
  request.kernel = "k";
  request.block = {threads, 1, 1};
  request.parameters.resize(info->parameter_bytes);
  const auto put = [&](std::size_t at, auto v) { std::memcpy(request.parameters.data() + at, &v, sizeof v); };
  put(0, out.address()), put(16, u64{1} << 40), put(28, u32{77}), put(32, u8{200});
  ptxvm::exec::run(request, {});
  for (const u64 x : out.read<u64>(threads)) EXPECT_EQ(x, (u64{1} << 40) + 277);
}

TEST(Memory, DynamicSharedLiesBehindTheStaticPart) {
  Shape s{{3, 1, 1}, {64, 1, 1}, 256};
  const auto got = values(
      ".shared .align 4 .b8 fixed[20];\n.reg .b32 %x, %y;\n.reg .b64 %a, %z;\nmov.u32 %x, %tid.x;\n"
      "mov.u64 %a, dyn;\nmad.wide.u32 %z, %x, 4, %a;\nadd.u32 %y, %i, 7;\nst.shared.u32 [%z], %y;\n"
      "bar.sync 0;\nxor.b32 %x, %x, 63;\nmad.wide.u32 %z, %x, 4, %a;\nld.shared.u32 %d, [%z];\n"
      "cvt.u32.u64 %x, %a;\nrem.u32 %x, %x, 16;\nadd.u32 %d, %d, %x;",
      s, ".extern .shared .align 16 .b8 dyn[];\n");
  for (u32 i = 0; i < got.size(); i++) ASSERT_EQ(got[i], (i / 64 * 64 + (i % 64 ^ 63)) + 7);
}

// 288 bytes that the toolkit's headers may use, apart from the program's own, whose end still is one.
TEST(Memory, SharedMemoryOfTheSystem) {
  const Shape s{{2, 1, 1}, {64, 1, 1}};
  const std::string setup =
      ".shared .align 4 .b8 own[256];\n.reg .b32 %t, %x, %y, %n;\nmov.u32 %t, %tid.x;\nshl.b32 %x, %t, 2;\n"
      "st.shared.u32 [%x], %i;\nmov.u32 %y, %reserved_smem_offset_1;\n";
  const auto got = values(setup +
                              "add.u32 %y, %y, %x;\nadd.u32 %n, %i, 1000;\nst.shared.u32 [%y+32], %n;\nbar.sync 0;\n"
                              "xor.b32 %n, %x, 252;\nsub.u32 %y, %y, %x;\nadd.u32 %y, %y, %n;\nld.shared.u32 %d, [%y+32];\n"
                              "ld.shared.u32 %n, [%x];\nsub.u32 %d, %d, %n;",
                          s);
  for (u32 i = 0; i < got.size(); i++) ASSERT_EQ(got[i], (i / 64 * 64 + (i % 64 ^ 63)) + 1000 - i);
  const auto behind = fault_of(kernel_text(1, setup + "bar.sync 0;\nst.shared.u32 [%x+4], %i;"), s, {0});
  EXPECT_NE(behind.message.find("the block has 256 bytes of shared memory"), std::string::npos) << behind.message;
}

TEST(Memory, WhichSpaceAnAddressLiesIn) {
  const std::string setup =
      ".local .align 8 .b8 lo[8];\n.shared .align 8 .b8 sh[8];\n.reg .pred %p;\n.reg .b64 %a;\n";
  for (const std::string lies : {"global", "shared", "local"})
    for (const std::string asked : {"global", "shared", "local"}) {
      const std::string address =
          lies == "global" ? "mov.u64 %a, %q0;\n"
                           : "mov.u64 %a, " + lies.substr(0, 2) + ";\ncvta." + lies + ".u64 %a, %a;\n";
      const auto got =
          values(setup + address + "isspacep." + asked + " %p, %a;\nselp.u32 %d, 1, 0, %p;", shape);
      EXPECT_EQ(got[count - 1], lies == asked ? 1u : 0u) << lies << " asked for " << asked;
    }
}

// Half of the blocks write pairs of equal numbers, a place for each lane, the others read them: no device is known to
// part a strong access to an aligned vector of 8 or 16 bytes.
TEST(Memory, StrongVectorsAreOnePiece) {
  for (const std::string order : {"relaxed.gpu.global", "volatile.global"}) {
    for (const bool wide : {true, false}) {
      const Buffer places(std::vector<u64>(64));
      const std::string access = order + (wide ? ".v2.u64 " : ".v2.u32 ");
      const auto torn = values(
          (wide ? ".reg .b64 %x, %y;\n" : ".reg .b32 %x, %y;\n") +
              std::string(".reg .b32 %n;\n.reg .pred %p, %q;\n.reg .b64 %a;\nmov.u32 %n, %tid.x;\n"
                          "mad.wide.u32 %a, %n, ") +
              (wide ? "16" : "8") +
              ", %q1;\nand.b32 %n, %block, 1;\nsetp.eq.u32 %q, %n, 0;\nmov.u32 %n, 200000;\n"
              "LOOP:\n@%q bra WRITE;\nld." + access + "{%x, %y}, [%a];\n" +
              (wide ? "setp.ne.u64 %p, %x, %y;\n" : "setp.ne.u32 %p, %x, %y;\n") +
              "@%p add.u32 %d, %d, 1;\nbra NEXT;\nWRITE:\n" + (wide ? "cvt.u64.u32 %x, %n;\n" : "mov.b32 %x, %n;\n") +
              "st." + access + "[%a], {%x, %x};\nNEXT:\nsub.u32 %n, %n, 1;\nsetp.ne.u32 %p, %n, 0;\n@%p bra LOOP;\n",
          {{4, 1, 1}, {32, 1, 1}}, "", {places.address()});
      for (const u32 t : torn) EXPECT_EQ(t, 0u) << access;
      const auto last = places.read<u64>(wide ? 64 : 32);  // that was written, in both halves
      for (const u64 v : last) EXPECT_EQ(v, wide ? 1u : (u64{1} << 32 | 1u)) << access;
    }
  }
}

// A lane whose guard fails does not touch its address.
TEST(Memory, GuardedLanesTouchNothing) {
  const Buffer input(std::vector<u32>(count, 9));
  const auto got = values(
      ".reg .pred %p;\n.reg .b64 %a;\n.reg .b32 %x;\nand.b32 %x, %i, 1;\nsetp.eq.u32 %p, %x, 0;\n"
      "mov.u64 %a, 0;\n@%p mad.wide.u32 %a, %i, 4, %q1;\n@%p ld.global.u32 %d, [%a];\n"
      "@%p st.global.u32 [%a], %i;",
      shape, "", {input.address()});
  const auto left = input.read<u32>(count);
  for (u32 i = 0; i < count; i++) {
    ASSERT_EQ(got[i], i % 2 ? 0u : 9u);
    ASSERT_EQ(left[i], i % 2 ? 9u : i);
  }
}

}  // namespace
}  // namespace instruction_test
