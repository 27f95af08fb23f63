// The module: its head, its directives, and what can only be checked once everything has been read.
#include <algorithm>

#include "ptx/parser.hpp"
#include "support/error.hpp"

namespace ptxvm::ptx {
namespace {

constexpr int kNewestMajor = 9, kNewestMinor = 0;
constexpr unsigned kMostFiles = 1u << 16;

}  // namespace

Module parse(std::string_view text) {
  // Images end in zeros, sometimes several.
  while (!text.empty() && text.back() == '\0') text.remove_suffix(1);
  return Parser(text).parse();
}

Module Parser::parse() {
  parse_version();
  parse_target();
  while (lexer_.peek().kind != Token::Kind::End) {
    if (!lexer_.accept(';')) parse_directive();
  }
  resolve_aliases();
  check_references();
  return std::move(module_);
}

void Parser::parse_version() {
  const Token word = lexer_.expect(Token::Kind::DotWord, ".version at the start of the text");
  if (word.text != "version") lexer_.fail(word.line, ".version expected at the start of the text");
  const Token number = lexer_.expect(Token::Kind::Number, "version");
  const auto dot = number.text.find('.');
  if (dot == number.text.npos) lexer_.fail(number.line, "version with a dot expected");
  const auto major = parse_literal(number.text.substr(0, dot));
  const auto minor = parse_literal(number.text.substr(dot + 1));
  const auto valid = [](const std::optional<Literal>& part) {
    return part && part->kind == Operand::Literal::Integer && part->bits < 1000;
  };
  if (!valid(major) || !valid(minor)) lexer_.fail(number.line, "version expected");
  module_.version_major = static_cast<int>(major->bits);
  module_.version_minor = static_cast<int>(minor->bits);
  if (module_.version_major > kNewestMajor ||
      (module_.version_major == kNewestMajor && module_.version_minor > kNewestMinor)) {
    throw Error(Status::UnsupportedPtxVersion,
                "PTX " + std::string(number.text) + " is newer than the newest version known, " +
                    std::to_string(kNewestMajor) + "." + std::to_string(kNewestMinor));
  }
}

// .target sm_90a, debug
void Parser::parse_target() {
  const Token word = lexer_.expect(Token::Kind::DotWord, ".target after .version");
  if (word.text != "target") lexer_.fail(word.line, ".target expected after .version");
  Token target = lexer_.expect(Token::Kind::Word, "target");
  const Token whole = target;
  if (target.text.substr(0, 3) == "sm_") {
    target.text.remove_prefix(3);
    if (!target.text.empty() && (target.text.back() == 'a' || target.text.back() == 'f')) {
      module_.target_accelerated = true;
      target.text.remove_suffix(1);
    }
    const auto number = parse_literal(target.text);
    if (number && number->bits < 1000) module_.target = static_cast<int>(number->bits);
  }
  if (module_.target == 0) lexer_.fail(whole.line, "unknown target " + std::string(whole.text));
  while (lexer_.accept(',')) lexer_.expect(Token::Kind::Word, "option of the target");
}

void Parser::parse_directive() {
  const Token word = lexer_.expect(Token::Kind::DotWord, "directive");
  if (word.text == "address_size") {
    if (parse_unsigned("address size", 1000) != 64)
      lexer_.fail(word.line, "only 64-bit addresses are supported");
  } else if (word.text == "visible" || word.text == "extern" || word.text == "weak" ||
             word.text == "common") {
    const Token kind = lexer_.expect(Token::Kind::DotWord, "declaration");
    const bool is_extern = word.text == "extern";
    if (!parse_declaration(kind.text, is_extern, word.text == "common")) {
      lexer_.fail(kind.line, "declaration expected after ." + std::string(word.text));
    }
  } else if (word.text == "file") {
    parse_file();
  } else if (word.text == "loc") {
    parse_loc();
  } else if (word.text == "section") {
    skip_section();
  } else if (word.text == "pragma") {
    skip_pragma();
  } else if (word.text == "alias") {
    parse_alias();
  } else if (!parse_declaration(word.text, false, false)) {
    lexer_.fail(word.line, "unknown directive: ." + std::string(word.text));
  }
}

bool Parser::parse_declaration(std::string_view kind, bool is_extern, bool is_common) {
  if (kind == "entry" || kind == "func") {
    parse_function(kind == "entry", is_extern);
  } else if (kind == "global") {
    parse_module_variables(Space::Global, is_extern, is_common);
  } else if (kind == "const") {
    parse_module_variables(Space::Constant, is_extern, is_common);
  } else if (kind == "shared") {
    parse_module_variables(Space::Shared, is_extern, is_common);
  } else {
    return false;
  }
  return true;
}

// .file 1 "a.cu", 1700000000, 1234
void Parser::parse_file() {
  const unsigned index = parse_unsigned("file number", kMostFiles);
  const Token path = lexer_.expect(Token::Kind::String, "path of a file");
  if (index >= module_.files.size()) module_.files.resize(index + 1);
  module_.files[index] = std::string(path.text);
  while (lexer_.accept(',')) lexer_.expect(Token::Kind::Number, "time or size of a file");
}

// .section .debug_str { ... }: nothing that is executed.
void Parser::skip_section() {
  lexer_.expect(Token::Kind::DotWord, "name of a section");
  lexer_.expect('{', "before a section");
  for (int depth = 1; depth > 0;) {
    const Token token = lexer_.take();
    if (token.kind == Token::Kind::End) lexer_.fail("'}' expected after a section");
    depth += token.is('{');
    depth -= token.is('}');
  }
}

void Parser::skip_pragma() {
  do {
    lexer_.expect(Token::Kind::String, "text of a pragma");
  } while (lexer_.accept(','));
  lexer_.expect(';', "after a pragma");
}

// .alias name, target;
void Parser::parse_alias() {
  const Token name = lexer_.expect(Token::Kind::Word, "name");
  lexer_.expect(',', "after the name of an alias");
  const Token target = lexer_.expect(Token::Kind::Word, "name of a function");
  lexer_.expect(';', "after an alias");
  const auto is_function = [&](const Token& token) { return function_index_.count(token.text) != 0; };
  if (!is_function(name)) lexer_.fail(name.line, "no declaration of " + std::string(name.text));
  if (!is_function(target)) lexer_.fail(target.line, "no declaration of " + std::string(target.text));
  aliases_.push_back({name.text, target.text, name.line});
}

// Every use of an alias becomes one of its target, and its declaration goes: what runs knows no aliases.
void Parser::resolve_aliases() {
  if (aliases_.empty()) return;
  std::unordered_map<std::string_view, std::string_view> targets;
  for (const Alias& alias : aliases_) {
    const Function& target = module_.functions[function_index_.at(alias.target)];
    if (!target.has_body || target.is_entry)
      lexer_.fail(alias.line, "an alias stands for a function with a body");
    if (module_.functions[function_index_.at(alias.name)].has_body) {
      lexer_.fail(alias.line, "an alias has no body of its own");
    }
    targets[alias.name] = alias.target;
  }
  const auto rename = [&](std::string& name) {
    if (const auto found = targets.find(name); found != targets.end()) name = std::string(found->second);
  };
  for (Function& function : module_.functions) {
    for (BranchTable& table : function.call_targets) {
      for (std::string& name : table.targets) rename(name);
    }
    for (Instruction& instruction : function.body) {
      for (Operand& operand : instruction.operands) {
        if (operand.kind == Operand::Kind::Symbol) rename(operand.symbol);
      }
    }
  }
  for (Variable& variable : module_.variables) {
    for (Variable::Reference& reference : variable.references) rename(reference.symbol);
  }
  const auto is_alias = [&](const Function& function) { return targets.count(function.name) != 0; };
  auto& functions = module_.functions;
  functions.erase(std::remove_if(functions.begin(), functions.end(), is_alias), functions.end());
}

void Parser::check_references() {
  for (const Variable& variable : module_.variables) {
    for (const Variable::Reference& reference : variable.references) {
      if (variable_index_.count(reference.symbol) == 0 && function_index_.count(reference.symbol) == 0) {
        lexer_.fail(variable.line, "no declaration of " + reference.symbol);
      }
    }
  }
}

}  // namespace ptxvm::ptx
