#include <gtest/gtest.h>

#include "image/fatbin.hpp"
#include "images.hpp"
#include "parser_support.hpp"
#include "support/error.hpp"

namespace ptxvm::ptx {
namespace {

using test::kernel_text;
using test::module_text;

std::string refusal(const std::string& text) {
  try {
    parse(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), Status::InvalidPtx) << error.what();
    return error.what();
  }
  return "parsed";
}

TEST(Refusals, NameLineAndText) {
  const std::string message = refusal(kernel_text("mov.b32 %r1, 0;\n  mov.b32 %q1, 0; // here\nret;"));
  EXPECT_NE(message.find("line 10"), std::string::npos) << message;
  EXPECT_NE(message.find("mov.b32 %q1, 0; // here"), std::string::npos) << message;
  EXPECT_NE(message.find("%q1"), std::string::npos) << message;
}

TEST(Refusals, NewerVersions) {
  for (const char* version : {"9.1", "10.0", "9.10"}) {
    try {
      parse(std::string(".version ") + version + "\n.target sm_90\n");
      ADD_FAILURE() << version;
    } catch (const Error& error) {
      EXPECT_EQ(error.status(), Status::UnsupportedPtxVersion);
      EXPECT_NE(std::string(error.what()).find(version), std::string::npos);
    }
  }
}

TEST(Refusals, Modules) {
  for (const char* text : {"", ".version", ".version 9", ".version x", ".target sm_90", ".version 9.0\n",
                           ".version 9.0\n.target 90", ".version 9.0\n.target sm_x",
                           "\x7f"
                           "ELF"}) {
    EXPECT_NE(refusal(text), "parsed") << text;
  }
  for (const char* text : {".address_size 32",
                           ".texref t;",
                           ".global .u32 x",
                           ".global .u32 x = ;",
                           ".global .pred p;",
                           ".global .u32 x[2] = {1, 2, 3};",
                           ".global .u32 x = y;",
                           ".global .u64 x = y;",
                           ".global .u32 x = 1.5;",
                           ".global .align 3 .b8 x;",
                           ".global .v3 .f32 x;",
                           ".global .u32 x; .global .u32 x;",
                           ".global .u32 x[];",
                           ".global .u32 x[2][] = {1};",
                           ".global .u32 x[0xffffffff][0xffffffff][0xffffffff];",
                           ".global .u32 x[2][2] = {1, {2}};",
                           ".global .u32 x[][0] = {{1}};",
                           ".global .b8 x[0x80000000] = {1};",
                           ".global .u32 x[2] = {{{1}}};",
                           ".shared .u32 x = 3;",
                           ".extern .global .u32 x = 3;",
                           ".func f { ret; } .func f { ret; }",
                           ".entry k { ret;",
                           ".entry (.param .u32 r) k { ret; }",
                           ".extern .func f { ret; }",
                           ".entry k .maxntid 1,2,3,4 { ret; }",
                           ".entry k .unheard { ret; }",
                           ".section .debug_str { {",
                           ".file 1",
                           ".file 99999999 \"x\"",
                           ".alias f, g;",
                           "ret;",
                           "/* open",
                           ".pragma \"open",
                           ".global .u8 x[9] = {0xFFFF(y)};",
                           ".global .u32 x[2] = {0x,1};"}) {
    EXPECT_NE(refusal(module_text(text)), "parsed") << text;
  }
}

TEST(Refusals, Statements) {
  for (const char* text : {"mov.b32 %r1, 0",
                           "mov.b32 %r1 0;",
                           "mov.b32 %r1, ;",
                           "@%r1 ret;",
                           "@ret;",
                           "bra nowhere;",
                           "brx.idx %r1, t;",
                           "t: .branchtargets a, b;",
                           "t: .calltargets a;",
                           "mov.b32 %tid, 0;",
                           "mov.b32 %r1, %tid.w1;",
                           "ld.u32 %r1, [%rd1;",
                           "ld.u32 %r1, [%rd1+];",
                           "ld.u32 %r1, [%rd1+1.5];",
                           "ld.u32 %r1, [%f];",
                           "mov.b64 {%r1, %r2, %rd1;",
                           "mov.b64 {}, %rd1;",
                           "mov.b64 {{%r1}, %r2}, %rd1;",
                           "mov.b32 %r1, 99999999999999999999;",
                           "mov.b32 %r1, 0f12;",
                           "mov.b32 %r1, undeclared;",
                           "setp.eq.b32 %p1|bytes, %r1, 0;",
                           "vadd.u32.u32.u32 %r1, %r2.q0, %r3;",
                           "vadd.u32.u32.u32 %r1, %r2.b8, %r3;",
                           "vmad.s32.s32.s32 %r1, -, %r2, %r3;",
                           "mov.b32 %r1, --5;",
                           ".reg .v2 .f32 %v;",
                           ".reg .b32 %huge<4000000000>;",
                           ".reg .b32 %q<3;",
                           ".global .b32 x;",
                           ".loc 1 2",
                           ".unheard;",
                           "%r1;",
                           "$x;",
                           "}",
                           "{",
                           "mov.b32 % r1, 0;",
                           "mov.b32 %envreg32, 0;",
                           "call (r, callee;",
                           "x: .callprototype (.param .b32) _;",
                           "mov.b32 %r1, \"text\";",
                           "\\"}) {
    EXPECT_NE(refusal(kernel_text(text)), "parsed") << text;
  }
}

TEST(Refusals, EveryTruncationIsRefusedOrParsed) {
  const std::string text =
      kernel_text(
          "@%p1 ld.global.v2.u32 {%r1, _}, [%rd1+-8];\n{ .reg .b32 t; a: bra a; }\nsetp.lt.s32 %p1|%p2, %r1, "
          "0x1F;\n"
          ".loc 1 2 3, function_name $L, inlined_at 1 2 3\nproto: .callprototype (.param .b32 _) _ (.param "
          ".b32 _);\n"
          "T: .branchtargets L, L; brx.idx %r1, T; L: mov.f32 %f1, 0f3F800000; mov.b32 %r1, %tid.x; ret;") +
      ".global .u64 g[2][2] = {{generic(bytes)+4, 1}, {bytes}};\n.section .debug { x { } }\n/* end */\n";
  ASSERT_EQ(refusal(text), "parsed");
  int refused = 0;
  for (std::size_t size = 0; size < text.size(); ++size) {
    refused += refusal(std::string(text.c_str(), size)) != "parsed";  // exactly sized: no bytes beyond
  }
  EXPECT_GT(refused, static_cast<int>(text.size()) / 2);
}

TEST(Refusals, EveryDamagedByteIsRefusedOrParsed) {
  const std::string file = test::read_image_file("default.fatbin");
  std::string text = image::select_ptx(image::read_fatbin(file.data(), file.size()), 80)->bytes;
  ASSERT_EQ(refusal(text), "parsed");
  for (char& byte : text) {
    const char kept = byte;
    for (const char damage : {'\0', '{', '}', '"', '.', '%', '9', '\xff', '/', '-'}) {
      byte = damage;
      try {
        parse(text);
      } catch (const Error&) {
      }
    }
    byte = kept;
  }
  for (std::size_t size = 0; size < text.size(); ++size) {
    try {
      parse(std::string(text.data(), size));
    } catch (const Error&) {
    }
  }
}

}  // namespace
}  // namespace ptxvm::ptx
