// Instructions and their operands; names become registers, variables, functions or labels.
#include <algorithm>

#include "ptx/parser.hpp"

namespace ptxvm::ptx {
namespace {

bool starts_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

bool is_number(std::string_view text, unsigned limit) {
  if (text.empty() || text.size() > 3) return false;
  unsigned value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value < limit;
}

// b0, h1, b7230: bytes and halves that video instructions pick.
bool is_register_part(std::string_view text) {
  if (text.size() < 2 || text.size() > 5 || (text[0] != 'b' && text[0] != 'h')) return false;
  return std::all_of(text.begin() + 1, text.end(), [](char c) { return c >= '0' && c <= '7'; });
}

bool is_vector_special(std::string_view name) {
  constexpr std::string_view kNames[] = {"%tid",       "%ntid",       "%ctaid",         "%nctaid",
                                         "%clusterid", "%nclusterid", "%cluster_ctaid", "%cluster_nctaid"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

bool is_scalar_special(std::string_view name) {
  constexpr std::string_view kNames[] = {
      "%laneid",
      "%warpid",
      "%nwarpid",
      "%smid",
      "%nsmid",
      "%gridid",
      "%cluster_ctarank",
      "%cluster_nctarank",
      "%lanemask_eq",
      "%lanemask_le",
      "%lanemask_lt",
      "%lanemask_ge",
      "%lanemask_gt",
      "%clock",
      "%clock_hi",
      "%clock64",
      "%globaltimer",
      "%globaltimer_lo",
      "%globaltimer_hi",
      "%is_explicit_cluster",
      "%total_smem_size",
      "%aggr_smem_size",
      "%dynamic_smem_size",
      "%current_graph_exec",
      "%reserved_smem_offset_begin",
      "%reserved_smem_offset_end",
      "%reserved_smem_offset_cap",
  };
  if (std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames)) return true;
  if (starts_with(name, "%envreg")) return is_number(name.substr(7), 32);
  if (starts_with(name, "%reserved_smem_offset_")) return is_number(name.substr(22), 2);
  if (!starts_with(name, "%pm")) return false;
  const auto end = name.find('_');
  return is_number(name.substr(3, end - 3), 8) && (end == name.npos || name.substr(end) == "_64");
}

}  // namespace

void Parser::parse_instruction(const Token& opcode, int guard, bool guard_negated) {
  Instruction instruction;
  instruction.guard = guard;
  instruction.guard_negated = guard_negated;
  instruction.line = opcode.line;
  instruction.source_file = place_.file;
  instruction.source_line = place_.line;
  instruction.inlined_file = user_place_.file;
  instruction.inlined_line = user_place_.line;
  instruction.opcode.reserve(4);
  instruction.opcode.emplace_back(opcode.text);
  while (lexer_.peek().kind == Token::Kind::DotWord) instruction.opcode.emplace_back(lexer_.take().text);
  if (opcode.text[0] == '%' || opcode.text[0] == '$' || opcode.text == "_") {
    lexer_.fail(opcode.line, "instruction expected");
  }
  labels_only_ = opcode.text == "bra" || opcode.text == "brx";
  label_names_.clear();
  if (!lexer_.peek().is(';')) {
    instruction.operands.reserve(4);
    do {
      instruction.operands.push_back(parse_operand(false));
    } while (lexer_.accept(','));
  }
  lexer_.expect(';', "after an instruction");
  function_->body.push_back(std::move(instruction));
  // The strings stay where they are from now on: a vector that grows moves the vectors inside it.
  if (!label_names_.empty()) defer_labels(function_->body.back().operands, opcode.line);
}

void Parser::defer_labels(std::vector<Operand>& operands, int line) {
  for (Operand& operand : operands) {
    if (std::find(label_names_.begin(), label_names_.end(), operand.symbol) != label_names_.end()) {
      scopes_->use_label(&operand.symbol, line);
    }
    defer_labels(operand.parts, line);
  }
}

Operand Parser::parse_operand(bool nested) {
  Operand first = parse_plain_operand(nested);
  if (!lexer_.accept('|')) return first;
  Operand pair;
  pair.kind = Operand::Kind::Pair;
  pair.parts.push_back(std::move(first));
  pair.parts.push_back(parse_plain_operand(true));
  for (const Operand& part : pair.parts) {
    if (part.kind != Operand::Kind::Register && part.kind != Operand::Kind::Sink) {
      lexer_.fail("a pair is of two registers");
    }
  }
  return pair;
}

Operand Parser::parse_plain_operand(bool nested) {
  const Token& next = lexer_.peek();
  if (next.kind == Token::Kind::Word) return parse_name_operand(nested);
  if (next.is('!')) {
    lexer_.take();
    Operand operand;
    operand.kind = Operand::Kind::Register;
    operand.negated = true;
    operand.reg = parse_register("predicate after '!'");
    return operand;
  }
  if (!nested) {
    if (next.is('[')) return parse_address();
    if (next.is('{')) return parse_list_operand(Operand::Kind::Vector, '}');
    if (next.is('(')) return parse_list_operand(Operand::Kind::Tuple, ')');
  }
  if (next.kind != Token::Kind::Number && !next.is('-') && !next.is('+')) lexer_.fail("operand expected");
  const bool minus = lexer_.accept('-');
  if (minus && !nested && lexer_.peek().kind == Token::Kind::Word) {
    Operand operand = parse_name_operand(false);
    if (operand.kind != Operand::Kind::Register) lexer_.fail("register or number expected after '-'");
    operand.minus = true;
    return operand;
  }
  if (minus && lexer_.peek().kind != Token::Kind::Number) lexer_.fail("number expected after '-'");
  const Literal literal = minus ? parse_number().negated() : parse_number();
  Operand operand;
  operand.kind = Operand::Kind::Immediate;
  operand.literal = literal.kind;
  operand.bits = literal.bits;
  return operand;
}

Operand Parser::parse_list_operand(Operand::Kind kind, char end) {
  Operand list;
  list.kind = kind;
  lexer_.take();
  if (lexer_.accept(end)) {
    if (kind == Operand::Kind::Vector) lexer_.fail("empty vector");
    return list;
  }
  do {
    list.parts.push_back(parse_operand(true));
  } while (lexer_.accept(','));
  lexer_.expect(end, kind == Operand::Kind::Vector ? "after a vector" : "after arguments");
  return list;
}

Operand Parser::parse_address() {
  lexer_.take();
  Operand address;
  const Token base = lexer_.peek();
  if (base.kind == Token::Kind::Word) {
    lexer_.take();
    address.reg = scopes_->find_register(base.text);
    if (address.reg < 0) address.symbol = resolve(base.text);
    address.offset = parse_offset();
  } else {
    const Literal literal = parse_number();
    if (literal.kind != Operand::Literal::Integer) lexer_.fail(base.line, "an address is an integer");
    address.offset = static_cast<std::int64_t>(literal.bits);
  }
  address.kind = Operand::Kind::Address;
  if (lexer_.accept(',')) {
    do {
      if (!lexer_.peek().is('{')) lexer_.fail("coordinates in braces expected");
      address.parts.push_back(parse_list_operand(Operand::Kind::Vector, '}'));
    } while (lexer_.accept(','));
  }
  lexer_.expect(']', "after an address");
  return address;
}

Operand Parser::parse_name_operand(bool nested) {
  const Token name = lexer_.take();
  Operand operand;
  if (name.text == "_") return operand;
  operand.reg = scopes_->find_register(name.text);
  if (operand.reg >= 0) {
    operand.kind = Operand::Kind::Register;
    if (lexer_.peek().kind == Token::Kind::DotWord) {
      const Token part = lexer_.take();
      if (nested || !is_register_part(part.text)) lexer_.fail(part.line, "part of a register expected");
      operand.part = std::string(part.text);
    }
    return operand;
  }
  if (name.text[0] == '%' || name.text == "WARP_SZ") {
    operand.kind = Operand::Kind::Special;
    operand.symbol = std::string(name.text);
    if (is_vector_special(name.text)) {
      const Token axis = lexer_.expect(Token::Kind::DotWord, "axis of a special register");
      if (axis.text != "x" && axis.text != "y" && axis.text != "z")
        lexer_.fail(axis.line, "axis x, y or z expected");
      operand.symbol += "." + std::string(axis.text);
    } else if (name.text[0] == '%' && !is_scalar_special(name.text)) {
      lexer_.fail(name.line, "no declaration of register " + std::string(name.text));
    }
    return operand;
  }
  operand.kind = Operand::Kind::Symbol;
  operand.symbol = resolve(name.text);
  if (!nested) operand.offset = parse_offset();
  return operand;
}

Literal Parser::parse_number() {
  const bool negative = lexer_.peek().is('-');
  if (negative || lexer_.peek().is('+')) lexer_.take();
  const Token token = lexer_.expect(Token::Kind::Number, "number");
  const auto literal = parse_literal(token.text);
  if (!literal) lexer_.fail(token.line, "not a number: " + std::string(token.text));
  return negative ? literal->negated() : *literal;
}

std::int64_t Parser::parse_offset() {
  const bool negative = lexer_.peek().is('-');
  if (!negative && !lexer_.peek().is('+')) return 0;
  lexer_.take();
  const Literal literal = parse_number();
  if (literal.kind != Operand::Literal::Integer) lexer_.fail("an offset is an integer");
  return static_cast<std::int64_t>(negative ? literal.negated().bits : literal.bits);
}

int Parser::parse_register(const char* what) {
  const Token name = lexer_.expect(Token::Kind::Word, what);
  const int found = scopes_->find_register(name.text);
  if (found < 0) lexer_.fail(name.line, "no declaration of register " + std::string(name.text));
  return found;
}

// A name as the flat function knows it. What is not declared yet can only be a label.
std::string Parser::resolve(std::string_view name) {
  if (!labels_only_) {
    if (const std::string* variable = scopes_->find_variable(name)) return *variable;
    if (variable_index_.count(name) != 0 || function_index_.count(name) != 0) return std::string(name);
  }
  label_names_.push_back(name);
  return std::string(name);
}

}  // namespace ptxvm::ptx
