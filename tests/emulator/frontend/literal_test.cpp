#include "ptx/literal.hpp"

#include <gtest/gtest.h>

namespace ptxvm::ptx {
namespace {

void expect(std::string_view text, Operand::Literal kind, std::uint64_t bits) {
  const auto literal = parse_literal(text);
  ASSERT_TRUE(literal) << text;
  EXPECT_EQ(literal->kind, kind) << text;
  EXPECT_EQ(literal->bits, bits) << text;
}

TEST(Literal, Integers) {
  expect("0", Operand::Literal::Integer, 0);
  expect("12", Operand::Literal::Integer, 12);
  expect("12U", Operand::Literal::Integer, 12);
  expect("0x1F", Operand::Literal::Integer, 31);
  expect("0XfFU", Operand::Literal::Integer, 255);
  expect("0xdeadE1", Operand::Literal::Integer, 0xdeade1);
  expect("017", Operand::Literal::Integer, 15);
  expect("0b101", Operand::Literal::Integer, 5);
  expect("18446744073709551615", Operand::Literal::Integer, ~std::uint64_t{0});
}

TEST(Literal, Floats) {
  expect("0f3F800000", Operand::Literal::F32, 0x3f800000);
  expect("0Fff800000", Operand::Literal::F32, 0xff800000);
  expect("0d3FF0000000000000", Operand::Literal::F64, 0x3ff0000000000000);
  expect("1.5", Operand::Literal::F64, 0x3ff8000000000000);
  expect("1e-3", Operand::Literal::F64, 0x3f50624dd2f1a9fc);
}

TEST(Literal, NegatedKeepsTheKind) {
  EXPECT_EQ(parse_literal("1")->negated().bits, ~std::uint64_t{0});
  EXPECT_EQ(parse_literal("0f00000000")->negated().bits, 0x80000000u);
  EXPECT_EQ(parse_literal("0.0")->negated().bits, std::uint64_t{1} << 63);
}

TEST(Literal, Refused) {
  for (const char* text : {"", "x", "0x", "0b2", "08", "1f", "18446744073709551616", "0f3F80000",
                           "0f3F8000000", "0d3FF", "1.5.2", "1e", "12UU", "0x1G", "1e999"}) {
    EXPECT_FALSE(parse_literal(text)) << text;
  }
}

}  // namespace
}  // namespace ptxvm::ptx
