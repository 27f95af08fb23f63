// Initial values of variables: numbers, nested lists, addresses, and single bytes of addresses.
#include <cstring>

#include "ptx/parser.hpp"

namespace ptxvm::ptx {
namespace {

// Beyond this an image would not load; it keeps damaged text from asking for all memory there is.
constexpr std::uint64_t kMostInitialBytes = std::uint64_t{1} << 30;

bool same_reference(const Variable::Reference& a, const Variable::Reference& b) {
  return a.offset == b.offset && a.symbol == b.symbol && a.addend == b.addend && a.generic == b.generic;
}

}  // namespace

// How many scalars one element of this level holds; the level after the last is a scalar.
std::uint64_t Parser::Shape::elements(std::size_t level) const {
  std::uint64_t count = 1;
  for (std::size_t i = level; i < dimensions.size(); ++i) count *= dimensions[i];
  return count;
}

void Parser::parse_initialiser(Variable& variable, const TypeSpec& spec, Shape& shape) {
  if (variable.size > kMostInitialBytes) lexer_.fail("initialised variable too large");
  variable.initial.resize(variable.size);
  masked_bytes_ = 0;
  if (shape.dimensions.empty()) {
    const bool braces = lexer_.accept('{');
    parse_element(variable, spec, 0);
    if (braces) lexer_.expect('}', "after the initial value");
  } else {
    lexer_.expect('{', "before the list of initial values");
    parse_list(variable, spec, shape, 0, 0);
  }
  if (masked_bytes_ != 0) lexer_.fail("address of fewer than eight bytes");
  if (shape.unsized) {
    const std::uint64_t row = shape.elements(1) * size_of(spec.type);
    const std::uint64_t rows = row == 0 ? 0 : (variable.initial.size() + row - 1) / row;
    variable.size = rows * row;
    variable.initial.resize(variable.size);
  }
}

// The values of dimensions[level], after the opening brace; inner braces may be left out, as in C.
void Parser::parse_list(Variable& variable, const TypeSpec& spec, const Shape& shape, std::size_t level,
                        std::uint64_t first) {
  const bool open_end = level == 0 && shape.unsized;
  const std::uint64_t row = shape.elements(level + 1);
  const std::uint64_t end = open_end ? kMostInitialBytes / size_of(spec.type) : first + shape.elements(level);
  std::uint64_t at = first;
  if (lexer_.accept('}')) return;
  do {
    if (at >= end) lexer_.fail("more initial values than the variable holds");
    if (lexer_.peek().is('{')) {
      if (level + 1 >= shape.dimensions.size()) lexer_.fail("braces around a single value");
      if (row == 0 || row > end - at) lexer_.fail("initial values too large");
      if ((at - first) % row != 0) lexer_.fail("braces in the middle of a row");
      lexer_.take();
      if (open_end) variable.initial.resize((at + row) * size_of(spec.type));
      parse_list(variable, spec, shape, level + 1, at);
      at += row;
    } else {
      if (open_end) variable.initial.resize((at + 1) * size_of(spec.type));
      parse_element(variable, spec, at++);
    }
  } while (lexer_.accept(','));
  lexer_.expect('}', "after the list of initial values");
}

void Parser::parse_element(Variable& variable, const TypeSpec& spec, std::uint64_t element) {
  const unsigned size = size_of(spec.type);
  const std::uint64_t at = element * size;
  const bool is_symbol = lexer_.peek().kind == Token::Kind::Word;
  const Literal literal = is_symbol ? Literal() : parse_number();
  const bool is_masked = !is_symbol && lexer_.accept('(');
  if (masked_bytes_ != 0 && !is_masked) lexer_.fail("address of fewer than eight bytes");
  if (is_symbol) {
    if (size != 8) lexer_.fail("an address needs an element of 8 bytes");
    Variable::Reference reference = parse_reference(lexer_.take().text);
    reference.offset = at;
    variable.references.push_back(std::move(reference));
    return;
  }
  if (!is_masked) {
    store_literal(variable, spec, at, literal);
    return;
  }
  // 0xFF00(symbol) is the second byte of an address: eight of them in order make one reference.
  Variable::Reference reference =
      parse_reference(lexer_.expect(Token::Kind::Word, "symbol after a byte mask").text);
  lexer_.expect(')', "after a masked symbol");
  if (size != 1 || literal.kind != Operand::Literal::Integer) lexer_.fail("a masked address needs a byte");
  unsigned byte = 0;
  while (byte < 8 && literal.bits != std::uint64_t{0xff} << (8 * byte)) ++byte;
  if (byte == 8) lexer_.fail("the mask of an address must be one of its bytes");
  reference.offset = at - byte;
  const bool follows =
      byte == masked_bytes_ && (byte == 0 || same_reference(reference, variable.references.back()));
  if (!follows || at < byte) lexer_.fail("bytes of an address out of order");
  if (byte == 0) variable.references.push_back(std::move(reference));
  masked_bytes_ = (byte + 1) % 8;
}

// generic(symbol)+4, generic(symbol+4), symbol+4; the name, or "generic", has been taken.
Variable::Reference Parser::parse_reference(std::string_view name) {
  Variable::Reference reference{0, std::string(name), 0, false};
  if (name == "generic" && lexer_.accept('(')) {
    reference.generic = true;
    reference.symbol = std::string(lexer_.expect(Token::Kind::Word, "symbol after generic(").text);
    reference.addend = parse_offset();
    lexer_.expect(')', "after generic(symbol");
  }
  reference.addend += parse_offset();
  return reference;
}

void Parser::store_literal(Variable& variable, const TypeSpec& spec, std::uint64_t at,
                           const Literal& literal) {
  std::uint64_t bits = literal.bits;
  const bool to_float = spec.type == Type::F32 || spec.type == Type::F64;
  if (spec.type == Type::F32 && literal.kind != Operand::Literal::F32) {
    const auto value = static_cast<float>(literal.as_double());
    std::uint32_t word;
    std::memcpy(&word, &value, sizeof word);
    bits = word;
  } else if (spec.type == Type::F64 && literal.kind != Operand::Literal::F64) {
    const double value = literal.as_double();
    std::memcpy(&bits, &value, sizeof bits);
  } else if (!to_float && literal.kind != Operand::Literal::Integer) {
    lexer_.fail("a floating-point value for an integer variable");
  }
  const unsigned size = size_of(spec.type);
  for (unsigned i = 0; i < size; ++i) {
    // b128 takes the sign of what fits a literal.
    const std::uint64_t byte = i < 8 ? bits >> (8 * i) : (static_cast<std::int64_t>(bits) < 0 ? 0xff : 0);
    variable.initial[at + i] = static_cast<std::uint8_t>(byte);
  }
}

}  // namespace ptxvm::ptx
