#include <gtest/gtest.h>

#include <cstring>

#include "parser_support.hpp"

namespace ptxvm::ptx {
namespace {

using test::module_text;
using test::variable_of;
using Bytes = std::vector<std::uint8_t>;

Variable declared(const std::string& text, const std::string& name = "x") {
  return variable_of(parse(module_text(text)).variables, name);
}

template <typename T>
std::vector<T> values(const Variable& variable) {
  std::vector<T> result(variable.initial.size() / sizeof(T));
  std::memcpy(result.data(), variable.initial.data(), result.size() * sizeof(T));
  return result;
}

TEST(Declarations, HeadOfTheModule) {
  const Module module = parse(".version 8.4\n.target sm_90a, debug\n.address_size 64\n");
  EXPECT_EQ(module.version_major, 8);
  EXPECT_EQ(module.version_minor, 4);
  EXPECT_EQ(module.target, 90);
  EXPECT_TRUE(module.target_accelerated);
  EXPECT_FALSE(parse(module_text("")).target_accelerated);
}

TEST(Declarations, SizesOfTypes) {
  const std::pair<const char*, unsigned> sizes[] = {{"b8", 1},   {"u16", 2},   {"s32", 4},
                                                    {"f64", 8},  {"b128", 16}, {"f16", 2},
                                                    {"bf16", 2}, {"f16x2", 4}, {"f32", 4}};
  for (const auto& [type, size] : sizes) {
    const Variable variable = declared(std::string(".global .") + type + " x;");
    EXPECT_EQ(variable.size, size) << type;
    EXPECT_EQ(variable.align, size) << type;
    EXPECT_EQ(size_of(variable.type), size) << type;
  }
  EXPECT_EQ(size_of(Type::Pred), 0u);
  EXPECT_EQ(size_of(Type::None), 0u);
}

TEST(Declarations, SpacesAndArrays) {
  const Variable matrix = declared(".visible .const .align 16 .f32 x[2][3];");
  EXPECT_EQ(matrix.space, Space::Constant);
  EXPECT_EQ(matrix.size, 24u);
  EXPECT_EQ(matrix.align, 16u);
  EXPECT_TRUE(matrix.initial.empty());
  const Variable open = declared(".extern .shared .align 8 .b8 x[];");
  EXPECT_EQ(open.space, Space::Shared);
  EXPECT_TRUE(open.is_extern);
  EXPECT_EQ(open.size, 0u);
  EXPECT_EQ(declared(".weak .global .v4 .f32 x[2];").size, 32u);
  EXPECT_EQ(declared(".weak .global .v4 .f32 x[2];").align, 16u);
  EXPECT_EQ(declared(".common .global .u32 y, x[3];").size, 12u);
  EXPECT_EQ(declared(".global .attribute(.managed) .align 4 .u32 x = 3;").initial, (Bytes{3, 0, 0, 0}));
  EXPECT_FALSE(declared(".extern .global .u32 x;\n.global .u32 x;").is_extern);
}

TEST(Initialisers, Numbers) {
  EXPECT_EQ(declared(".global .b8 x[4] = {1, 255, -1};").initial, (Bytes{1, 255, 255, 0}));
  EXPECT_EQ(values<std::int16_t>(declared(".global .s16 x = -2;")), (std::vector<std::int16_t>{-2}));
  EXPECT_EQ(values<float>(declared(".global .f32 x[3] = {0f3FC00000, 2.5, 3};")),
            (std::vector<float>{1.5f, 2.5f, 3.0f}));
  EXPECT_EQ(values<double>(declared(".global .f64 x[2] = {0d3FF8000000000000, 0f3F000000};")),
            (std::vector<double>{1.5, 0.5}));
  const Variable open = declared(".global .u16 x[] = {1, 2, 3};");
  EXPECT_EQ(open.size, 6u);
  EXPECT_EQ(values<std::uint16_t>(open), (std::vector<std::uint16_t>{1, 2, 3}));
}

TEST(Initialisers, NestedListsFillRows) {
  EXPECT_EQ(values<int>(declared(".global .s32 x[2][3] = {{1}, {2, 3}};")),
            (std::vector<int>{1, 0, 0, 2, 3, 0}));
  EXPECT_EQ(values<int>(declared(".global .s32 x[2][2] = {1, 2, 3, 4};")), (std::vector<int>{1, 2, 3, 4}));
  EXPECT_EQ(values<int>(declared(".global .v2 .s32 x[2] = {{1, 2}, {3}};")), (std::vector<int>{1, 2, 3, 0}));
  const Variable open = declared(".global .s32 x[][2] = {{1}, {2, 3}};");
  EXPECT_EQ(open.size, 16u);
  EXPECT_EQ(values<int>(open), (std::vector<int>{1, 0, 2, 3}));
}

TEST(Initialisers, Addresses) {
  const Variable x =
      declared(".global .b8 y[64];\n.global .u64 x[5] = {7, y, generic(y)+4, generic(y+8)+-2, y-1};");
  ASSERT_EQ(x.references.size(), 4u);
  const std::int64_t addends[] = {0, 4, 6, -1};
  const bool generic[] = {false, true, true, false};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(x.references[i].offset, 8 * (i + 1));
    EXPECT_EQ(x.references[i].symbol, "y");
    EXPECT_EQ(x.references[i].addend, addends[i]);
    EXPECT_EQ(x.references[i].generic, generic[i]);
  }
  EXPECT_EQ(x.initial[0], 7);
}

std::string masked(const std::string& symbol, int bytes) {
  const char* masks[] = {"0xFF",         "0xFF00",         "0xFF0000",         "0xFF000000",
                         "0xFF00000000", "0xFF0000000000", "0xFF000000000000", "0xFF00000000000000"};
  std::string text;
  for (int i = 0; i < bytes; ++i) text += std::string(i == 0 ? "" : ", ") + masks[i] + "(" + symbol + ")";
  return text;
}

TEST(Initialisers, MaskedBytesMakeOneAddress) {
  const Variable x =
      declared(".global .b8 y[64];\n.global .align 1 .u8 x[10] = {9, " + masked("generic(y)+8", 8) + ", 5};");
  ASSERT_EQ(x.references.size(), 1u);
  EXPECT_EQ(x.references[0].offset, 1u);
  EXPECT_EQ(x.references[0].addend, 8);
  EXPECT_TRUE(x.references[0].generic);
  EXPECT_EQ(x.initial[0], 9);
  EXPECT_EQ(x.initial[9], 5);
  EXPECT_ANY_THROW(declared(".global .b8 y[64];\n.global .u8 x[10] = {" + masked("y", 7) + "};"));
  EXPECT_ANY_THROW(declared(".global .b8 y[64];\n.global .u8 x[20] = {" + masked("y", 3) + ", 1};"));
  EXPECT_ANY_THROW(declared(".global .b8 y[64];\n.global .u8 x[7] = {" + masked("y", 8) + "};"));
}

TEST(Declarations, FilesAndSections) {
  const Module module = parse(
      module_text(".file 1 \"/a/b.cu\", 17, 23\n.file 3 \"c.cuh\"\n"
                  ".section .debug_str\n{\n$L__info_string0:\n.b8 95,{ { 0 } }\n}\n.pragma \"nounroll\";\n"));
  ASSERT_EQ(module.files.size(), 4u);
  EXPECT_EQ(module.files[1], "/a/b.cu");
  EXPECT_EQ(module.files[3], "c.cuh");
}

}  // namespace
}  // namespace ptxvm::ptx
