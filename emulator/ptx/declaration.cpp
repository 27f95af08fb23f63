// Variables, registers and parameters.
#include <algorithm>

#include "ptx/parser.hpp"

namespace ptxvm::ptx {
namespace {

struct TypeName {
  std::string_view name;
  Type type;
  unsigned size;
};
constexpr TypeName kTypes[] = {
    {"b8", Type::B8, 1},      {"b16", Type::B16, 2},       {"b32", Type::B32, 4},     {"b64", Type::B64, 8},
    {"b128", Type::B128, 16}, {"u8", Type::U8, 1},         {"u16", Type::U16, 2},     {"u32", Type::U32, 4},
    {"u64", Type::U64, 8},    {"s8", Type::S8, 1},         {"s16", Type::S16, 2},     {"s32", Type::S32, 4},
    {"s64", Type::S64, 8},    {"f16", Type::F16, 2},       {"f16x2", Type::F16x2, 4}, {"bf16", Type::BF16, 2},
    {"f32", Type::F32, 4},    {"bf16x2", Type::BF16x2, 4}, {"f64", Type::F64, 8},     {"pred", Type::Pred, 0},
};

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 48;  // more than any device can address
constexpr unsigned kMostRegisters = 1u << 20;

bool is_space_name(std::string_view word) {
  return word == "global" || word == "const" || word == "shared" || word == "local" || word == "param" ||
         word == "shared::cta" || word == "shared::cluster" || word == "generic";
}

}  // namespace

unsigned size_of(Type type) {
  for (const TypeName& known : kTypes) {
    if (known.type == type) return known.size;
  }
  return 0;
}

std::optional<Type> type_of(std::string_view name) {
  for (const TypeName& known : kTypes) {
    if (known.name == name) return known.type;
  }
  return std::nullopt;
}

unsigned Parser::parse_unsigned(const char* what, std::uint64_t limit) {
  const Token token = lexer_.expect(Token::Kind::Number, what);
  const auto literal = parse_literal(token.text);
  if (!literal || literal->kind != Operand::Literal::Integer || literal->bits > limit) {
    lexer_.fail(token.line, std::string(what) + " out of range: " + std::string(token.text));
  }
  return static_cast<unsigned>(literal->bits);
}

// .attribute(.managed), .attribute(.unified(1, 2)): nothing that the text's meaning depends on here.
void Parser::skip_attribute() {
  lexer_.expect('(', "after .attribute");
  for (int depth = 1; depth > 0;) {
    const Token token = lexer_.take();
    if (token.kind == Token::Kind::End) lexer_.fail("')' expected after .attribute");
    depth += token.is('(');
    depth -= token.is(')');
  }
}

Parser::TypeSpec Parser::parse_type(bool is_parameter) {
  TypeSpec spec;
  bool is_pointer = false;
  while (lexer_.peek().kind == Token::Kind::DotWord) {
    const Token word = lexer_.take();
    if (word.text == "align") {
      const unsigned align = parse_unsigned("alignment", 1u << 20);
      if (align == 0 || (align & (align - 1)) != 0) lexer_.fail(word.line, "alignment is not a power of two");
      if (!is_pointer) spec.align = align;  // after .ptr it is the alignment of what is pointed to
    } else if (word.text == "attribute") {
      skip_attribute();
    } else if (is_parameter && word.text == "ptr") {
      is_pointer = true;
    } else if (is_pointer && is_space_name(word.text)) {
      continue;
    } else if (spec.vector == 1 && (word.text == "v2" || word.text == "v4" || word.text == "v8")) {
      spec.vector = static_cast<unsigned>(word.text[1] - '0');
    } else if (const auto type = type_of(word.text); type && spec.type == Type::None) {
      spec.type = *type;
    } else {
      lexer_.fail(word.line, "unknown word in a declaration: ." + std::string(word.text));
    }
  }
  if (spec.type == Type::None) lexer_.fail("type expected");
  if (spec.align == 0) spec.align = std::max(1u, spec.element_size());
  return spec;
}

Variable Parser::parse_declarator(const TypeSpec& spec, Space space, bool may_initialise) {
  const Token name = lexer_.expect(Token::Kind::Word, "name of a variable");
  if (spec.type == Type::Pred) lexer_.fail(name.line, "a predicate cannot be stored");
  Variable variable;
  variable.name = std::string(name.text);
  variable.space = space;
  variable.type = spec.type;
  variable.align = spec.align;
  variable.line = name.line;

  Shape shape;
  std::uint64_t size = spec.element_size();
  while (lexer_.accept('[')) {
    if (lexer_.peek().is(']')) {
      if (!shape.dimensions.empty()) lexer_.fail("only the first dimension can be left open");
      shape.unsized = true;
      shape.dimensions.push_back(0);
    } else {
      const unsigned extent = parse_unsigned("array extent", 0xffffffffu);
      shape.dimensions.push_back(extent);
      if (extent != 0 && size > kMostBytes / extent) lexer_.fail(name.line, "variable too large");
      size *= extent;
    }
    lexer_.expect(']', "after the array extent");
  }
  variable.size = shape.unsized ? 0 : size;
  if (spec.vector > 1) shape.dimensions.push_back(spec.vector);
  if (lexer_.peek().is('=')) {
    if (!may_initialise) lexer_.fail("this variable cannot have an initialiser");
    lexer_.take();
    parse_initialiser(variable, spec, shape);
  }
  return variable;
}

void Parser::parse_module_variables(Space space, bool is_extern, bool is_common) {
  const TypeSpec spec = parse_type(false);
  do {
    const std::string_view name = lexer_.peek().text;
    const bool may_initialise = (space == Space::Global || space == Space::Constant) && !is_extern;
    Variable variable = parse_declarator(spec, space, may_initialise);
    variable.is_extern = is_extern;
    if (variable.size == 0 && !is_extern && variable.initial.empty() && space != Space::Shared) {
      lexer_.fail(variable.line, "variable without a size");
    }
    if (function_index_.count(name) != 0) lexer_.fail(variable.line, "name is a function's already");
    const auto [place, inserted] = variable_index_.emplace(name, module_.variables.size());
    if (inserted) {
      module_.variables.push_back(std::move(variable));
      continue;
    }
    // A declaration may be repeated, before or after the one definition.
    Variable& known = module_.variables[place->second];
    if (!known.is_extern && !variable.is_extern && !is_common) {
      lexer_.fail(variable.line, "second definition of " + variable.name);
    }
    if (known.space != space) lexer_.fail(variable.line, variable.name + " was in another state space");
    if (known.is_extern) known = std::move(variable);
  } while (lexer_.accept(','));
  lexer_.expect(';', "after a declaration");
}

void Parser::parse_local_variables(Space space) {
  const TypeSpec spec = parse_type(false);
  do {
    const std::string_view name = lexer_.peek().text;
    Variable variable = parse_declarator(spec, space, false);
    if (variable_index_.count(name) != 0 || function_index_.count(name) != 0) scopes_->reserve(name);
    variable.name = scopes_->declare_variable(name);
    if (variable.name.empty()) lexer_.fail(variable.line, "second declaration of " + std::string(name));
    function_->variables.push_back(std::move(variable));
  } while (lexer_.accept(','));
  lexer_.expect(';', "after a declaration");
}

void Parser::parse_registers() {
  const TypeSpec spec = parse_type(false);
  if (spec.vector != 1) lexer_.fail("vector registers are not supported");
  do {
    const Token name = lexer_.expect(Token::Kind::Word, "name of a register");
    bool is_new;
    if (lexer_.accept('<')) {
      const unsigned count = parse_unsigned("number of registers", kMostRegisters);
      lexer_.expect('>', "after the number of registers");
      if (function_->registers.size() + count > kMostRegisters) lexer_.fail(name.line, "too many registers");
      is_new = scopes_->declare_registers(name.text, count, spec.type);
    } else {
      is_new = scopes_->declare_register(name.text, spec.type);
    }
    if (!is_new) lexer_.fail(name.line, "second declaration of register " + std::string(name.text));
  } while (lexer_.accept(','));
  lexer_.expect(';', "after a declaration");
}

Variable Parser::parse_parameter() {
  const Token word = lexer_.expect(Token::Kind::DotWord, ".param or .reg");
  if (word.text != "param" && word.text != "reg") lexer_.fail(word.line, ".param or .reg expected");
  const TypeSpec spec = parse_type(true);
  if (word.text == "param") return parse_declarator(spec, Space::Param, false);
  const Token name = lexer_.expect(Token::Kind::Word, "name of a register");
  if (spec.vector != 1) lexer_.fail(name.line, "vector registers are not supported");
  Variable parameter;
  parameter.name = std::string(name.text);
  parameter.type = spec.type;
  parameter.align = spec.align;
  parameter.size = size_of(spec.type);
  parameter.line = name.line;
  return parameter;
}

// (.param .b32 a, .param .align 8 .b8 b[16]); the opening parenthesis is the next token.
std::vector<Variable> Parser::parse_parameters() {
  std::vector<Variable> parameters;
  lexer_.expect('(', "before parameters");
  if (lexer_.accept(')')) return parameters;
  do {
    parameters.push_back(parse_parameter());
  } while (lexer_.accept(','));
  lexer_.expect(')', "after parameters");
  return parameters;
}

}  // namespace ptxvm::ptx
