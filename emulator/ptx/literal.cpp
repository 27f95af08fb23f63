#include "ptx/literal.hpp"

#include <charconv>
#include <cstring>

namespace ptxvm::ptx {
namespace {

std::optional<std::uint64_t> parse_digits(std::string_view digits, int base) {
  std::uint64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto result = std::from_chars(digits.data(), end, value, base);
  if (digits.empty() || result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return value;
}

std::optional<Literal> parse_float_bits(std::string_view digits, Operand::Literal kind, std::size_t length) {
  if (digits.size() != length) return std::nullopt;
  const auto bits = parse_digits(digits, 16);
  if (!bits) return std::nullopt;
  return Literal{kind, *bits};
}

}  // namespace

Literal Literal::negated() const {
  switch (kind) {
    case Operand::Literal::F32:
      return {kind, bits ^ 0x80000000u};
    case Operand::Literal::F64:
      return {kind, bits ^ (std::uint64_t{1} << 63)};
    case Operand::Literal::Integer:
      break;
  }
  return {kind, 0 - bits};
}

double Literal::as_double() const {
  if (kind == Operand::Literal::F32) {
    const auto word = static_cast<std::uint32_t>(bits);
    float value;
    std::memcpy(&value, &word, sizeof value);
    return value;
  }
  if (kind == Operand::Literal::F64) {
    double value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
  return static_cast<double>(static_cast<std::int64_t>(bits));
}

std::optional<Literal> parse_literal(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const char second = text.size() > 1 ? static_cast<char>(text[1] | 0x20) : '\0';
  const bool leading_zero = text[0] == '0';
  if (leading_zero && second == 'f') return parse_float_bits(text.substr(2), Operand::Literal::F32, 8);
  if (leading_zero && second == 'd') return parse_float_bits(text.substr(2), Operand::Literal::F64, 16);

  const bool prefixed = leading_zero && (second == 'x' || second == 'b');
  if (!prefixed && text.find_first_of(".eE") != text.npos) {
    double value = 0;
    const char* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, value);
    if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
    Literal literal{Operand::Literal::F64, 0};
    std::memcpy(&literal.bits, &value, sizeof value);
    return literal;
  }
  if (text.back() == 'U') text.remove_suffix(1);
  std::optional<std::uint64_t> value;
  if (prefixed) {
    value = parse_digits(text.substr(2), second == 'x' ? 16 : 2);
  } else {
    value = parse_digits(text, text.size() > 1 && text[0] == '0' ? 8 : 10);
  }
  if (!value) return std::nullopt;
  return Literal{Operand::Literal::Integer, *value};
}

}  // namespace ptxvm::ptx
