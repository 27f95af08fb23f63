// Every form of instruction in the library's own PTX has a test here. What the tests executed was written to
// a file by the run of ptxvm_instruction_test before this one; the PTX is that which librecur.a holds.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>

#include "forms.hpp"
#include "image/fatbin.hpp"

namespace instruction_test {
namespace {

// The fat binaries in an archive of object files, each in the section where nvcc left it.
std::vector<std::string> ptx_of_archive(const std::string& bytes) {
  std::vector<std::string> texts;
  const std::string magic("\x50\xed\x55\xba\x01\x00", 6);
  for (std::size_t at = bytes.find(magic); at != std::string::npos; at = bytes.find(magic, at + 1))
    for (const auto& image : ptxvm::image::read_fatbin(bytes.data() + at, bytes.size() - at))
      if (image.kind == ptxvm::image::Image::Kind::Ptx) texts.push_back(image.bytes);
  return texts;
}

Forms missing(const Forms& wanted, const Forms& tested) {
  Forms rest;
  std::set_difference(wanted.begin(), wanted.end(), tested.begin(), tested.end(),
                      std::inserter(rest, rest.end()));
  return rest;
}

TEST(Census, EveryFormOfTheLibraryIsTested) {
  std::ifstream list(TESTED_FORMS);
  ASSERT_TRUE(list) << TESTED_FORMS
                    << " is written by ptxvm_instruction_test with PTXVM_RECORD_FORMS set to it";
  Forms tested;
  for (std::string form; std::getline(list, form);) tested.insert(form);

  std::ifstream archive(LIBRARY, std::ios::binary);
  ASSERT_TRUE(archive) << LIBRARY;
  const std::string bytes((std::istreambuf_iterator<char>(archive)), std::istreambuf_iterator<char>());
  const std::vector<std::string> texts = ptx_of_archive(bytes);
  ASSERT_FALSE(texts.empty()) << LIBRARY << " holds no PTX";

  std::map<std::string, std::string> where;  // form: a function that has it
  Forms wanted;
  for (const std::string& text : texts) {
    const auto module = ptxvm::ptx::parse(text);
    for (const auto& function : module.functions)
      for (const auto& instruction : function.body) where[form_of(instruction, function)] = function.name;
    wanted.merge(forms_of(module));
  }
  EXPECT_FALSE(wanted.empty());
  for (const std::string& form : missing(wanted, tested))
    ADD_FAILURE() << "no instruction test has '" << form << "', of " << where[form];
  std::printf("%zu modules, %zu forms; the tests have %zu\n", texts.size(), wanted.size(), tested.size());
}

Forms of(const std::string& body) {
  return forms_of(
      ptxvm::ptx::parse(".version 8.6\n.target sm_90\n.address_size 64\n.visible .entry k(.param .u64 p)\n{\n"
                        ".reg .b16 %h;\n.reg .b32 %r<4>;\n.reg .b64 %q;\n.reg .pred %p, %o;\n" +
                        body + "\n}\n"));
}

TEST(Census, FormsSayWhatChoosesAHandler) {
  EXPECT_EQ(of("add.rn.ftz.f32 %r0, %r1, 0f3F800000;"), Forms{"add.rn.ftz.f32"});
  EXPECT_EQ(of("ld.global.u8 %h, [%q]; ld.global.u8 %r0, [%q];"),
            (Forms{"ld.global.u8", "ld.global.u8 r32"}));
  EXPECT_EQ(of("st.global.v2.u32 [%q], {%r0, %r1};"), Forms{"st.global.v2.u32 {2}"});
  EXPECT_EQ(of("mov.u32 %r0, %tid.x; mov.u32 %r0, %r1;"), (Forms{"mov.u32", "mov.u32 %tid.x"}));
  EXPECT_EQ(of("mov.b64 %q, {%r0, %r1};"), Forms{"mov.b64 {2}"});
  EXPECT_EQ(of("setp.lt.u32 %p|%o, %r0, %r1; setp.lt.u32 %p, %r0, 1;"),
            (Forms{"setp.lt.u32", "setp.lt.u32 |"}));
}

TEST(Census, HintsAreNoForms) {
  for (const char* load :
       {"ld.global", "ld.weak.global", "ld.global.nc", "ld.global.cg", "ld.global.L1::no_allocate"})
    EXPECT_EQ(of(std::string(load) + ".b32 %r0, [%q];"), Forms{"ld.global.b32"}) << load;
  EXPECT_EQ(of("ld.volatile.global.b32 %r0, [%q];"), Forms{"ld.volatile.global.b32"});
  EXPECT_EQ(of("ld.acquire.gpu.global.b32 %r0, [%q];"), Forms{"ld.acquire.gpu.global.b32"});
  EXPECT_EQ(of("L: bra.uni L;"), of("L: bra L;"));
}

TEST(Census, NamesWhatIsMissing) {
  const Forms tested = of("add.u32 %r0, %r1, %r2; ld.global.u32 %r0, [%q];");
  EXPECT_EQ(missing(of("add.u32 %r0, %r1, 1; ld.global.nc.u32 %r3, [%q+4];"), tested), Forms{});
  EXPECT_EQ(missing(of("add.u32 %r0, %r1, 1; made.up.u32 %r0, %r1; ld.global.u32 %q, [%q];"), tested),
            (Forms{"ld.global.u32 r64", "made.up.u32"}));
}

}  // namespace
}  // namespace instruction_test
