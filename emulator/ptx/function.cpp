// Functions and kernels: heads, performance directives and the statements that are not instructions.
#include "ptx/parser.hpp"

namespace ptxvm::ptx {

void Parser::parse_function(bool is_entry, bool is_extern) {
  Function function;
  function.is_entry = is_entry;
  if (lexer_.peek().kind == Token::Kind::DotWord && lexer_.peek().text == "attribute") {
    lexer_.take();
    skip_attribute();
  }
  if (lexer_.peek().is('(')) {
    if (is_entry) lexer_.fail("a kernel has no results");
    function.results = parse_parameters();
  }
  const Token name = lexer_.expect(Token::Kind::Word, "name of a function");
  function.name = std::string(name.text);
  function.line = name.line;
  if (lexer_.peek().is('(')) function.parameters = parse_parameters();
  parse_function_directives(function);
  if (variable_index_.count(name.text) != 0) lexer_.fail(name.line, "name is a variable's already");

  // Known before its body is read: it may call itself.
  const auto [place, inserted] = function_index_.emplace(name.text, module_.functions.size());
  if (inserted) module_.functions.push_back({});
  if (lexer_.accept(';')) {
    if (inserted) module_.functions.back() = std::move(function);
    return;
  }
  if (is_extern) lexer_.fail("an external function has no body");
  if (!inserted && module_.functions[place->second].has_body) {
    lexer_.fail(name.line, "second definition of " + function.name);
  }
  lexer_.expect('{', "before the body of a function");
  function.has_body = true;
  parse_body(function);
  module_.functions[place->second] = std::move(function);
}

void Parser::parse_extents(unsigned (&extents)[3], const char* what) {
  extents[1] = extents[2] = 1;
  int axis = 0;
  do {
    if (axis == 3) lexer_.fail("more than three extents");
    extents[axis++] = parse_unsigned(what, 0x7fffffffu);
  } while (lexer_.accept(','));
}

void Parser::parse_function_directives(Function& function) {
  while (lexer_.peek().kind == Token::Kind::DotWord) {
    const Token word = lexer_.take();
    if (word.text == "maxntid") {
      parse_extents(function.max_threads, "number of threads");
    } else if (word.text == "reqntid") {
      parse_extents(function.required_threads, "number of threads");
    } else if (word.text == "minnctapersm") {
      function.min_blocks = parse_unsigned("number of blocks", 0x7fffffffu);
    } else if (word.text == "maxnreg") {
      function.max_registers = parse_unsigned("number of registers", 0x7fffffffu);
    } else if (word.text == "explicitcluster") {
      function.explicit_cluster = true;
    } else if (word.text == "reqnctapercluster") {
      parse_extents(function.required_cluster, "number of blocks");
    } else if (word.text == "maxclusterrank") {
      function.max_cluster_rank = parse_unsigned("number of blocks", 0x7fffffffu);
    } else if (word.text == "maxnctapersm" || word.text == "abi_preserve" ||
               word.text == "abi_preserve_control") {
      parse_unsigned("number", 0x7fffffffu);
    } else if (word.text == "pragma") {
      skip_pragma();
    } else if (word.text == "attribute") {
      skip_attribute();
    } else if (word.text != "noreturn" && word.text != "blocksareclusters" && word.text != "unique") {
      lexer_.fail(word.line, "unknown directive of a function: ." + std::string(word.text));
    }
  }
}

void Parser::declare_parameters(std::vector<Variable>& parameters) {
  for (Variable& parameter : parameters) {
    // The name's view must outlive the scope: the vector is not touched while the body is read.
    const std::string_view name = parameter.name;
    const bool is_register = parameter.space == Space::None;
    if (!(is_register ? scopes_->declare_register(name, parameter.type)
                      : !scopes_->declare_variable(name).empty())) {
      lexer_.fail(parameter.line, "second parameter of the name " + parameter.name);
    }
  }
}

// After the opening brace.
void Parser::parse_body(Function& function) {
  function_ = &function;
  place_ = user_place_ = {};
  inlined_.clear();
  scopes_.emplace(function);
  declare_parameters(function.results);
  declare_parameters(function.parameters);
  while (scopes_->depth() > 0) {
    const Token& next = lexer_.peek();
    if (next.kind == Token::Kind::Word) {
      const Token word = lexer_.take();
      if (lexer_.accept(':')) {
        parse_label(word);
      } else {
        parse_instruction(word, -1, false);
      }
    } else if (next.kind == Token::Kind::DotWord) {
      parse_body_directive();
    } else if (lexer_.accept('@')) {
      const bool negated = lexer_.accept('!');
      const int guard = parse_register("guard");
      if (function.registers[static_cast<std::size_t>(guard)].type != Type::Pred) {
        lexer_.fail("the guard is not a predicate");
      }
      parse_instruction(lexer_.expect(Token::Kind::Word, "instruction after a guard"), guard, negated);
    } else if (lexer_.accept('{')) {
      scopes_->open();
    } else if (next.is('}')) {
      const int line = next.line;
      scopes_->close();
      if (scopes_->depth() == 0 && !scopes_->unresolved().empty()) {
        const Scopes::LabelUse& use = scopes_->unresolved().front();
        lexer_.fail(use.line != 0 ? use.line : line, "no declaration of " + *use.use);
      }
      lexer_.take();
    } else if (!lexer_.accept(';')) {
      lexer_.fail("statement expected");
    }
  }
  scopes_.reset();
  function_ = nullptr;
}

void Parser::parse_body_directive() {
  const Token word = lexer_.take();
  if (word.text == "reg") {
    parse_registers();
  } else if (word.text == "local") {
    parse_local_variables(Space::Local);
  } else if (word.text == "shared") {
    parse_local_variables(Space::Shared);
  } else if (word.text == "param") {
    parse_local_variables(Space::Param);
  } else if (word.text == "loc") {
    parse_loc();
  } else if (word.text == "pragma") {
    skip_pragma();
  } else if (word.text == "file") {
    parse_file();
  } else {
    lexer_.fail(word.line, "unknown directive: ." + std::string(word.text));
  }
}

Parser::Place Parser::parse_place() {
  Place p;
  p.file = static_cast<int>(parse_unsigned("file number", 0x7fffffffu));
  p.line = static_cast<int>(parse_unsigned("line number", 0x7fffffffu));
  p.column = static_cast<int>(parse_unsigned("column", 0x7fffffffu));
  return p;
}

// .loc 1 23 5, function_name $L__info_string0+4, inlined_at 1 52 5: the place, and the one that it was inlined into. Where
// that was inlined itself, its own .loc comes first and says where to.
void Parser::parse_loc() {
  place_ = parse_place();
  user_place_ = {};
  while (lexer_.accept(',')) {
    const Token word = lexer_.expect(Token::Kind::Word, "function_name or inlined_at");
    if (word.text == "function_name") {
      lexer_.expect(Token::Kind::Word, "label of a name");
      parse_offset();
    } else if (word.text == "inlined_at") {
      user_place_ = parse_place();
      if (const auto outer = inlined_.find(user_place_); outer != inlined_.end()) user_place_ = outer->second;
    } else {
      lexer_.fail(word.line, "function_name or inlined_at expected");
    }
  }
  if (user_place_.file != 0) inlined_[place_] = user_place_;
  else inlined_.erase(place_);
}

std::vector<std::string> Parser::parse_names() {
  std::vector<std::string> names;
  do {
    names.emplace_back(lexer_.expect(Token::Kind::Word, "name").text);
  } while (lexer_.accept(','));
  return names;
}

// After "name:". Branch tables, call targets and prototypes are labelled directives.
void Parser::parse_label(const Token& name) {
  std::string flat = scopes_->declare_label(name.text);
  if (flat.empty()) lexer_.fail(name.line, "second label " + std::string(name.text));
  const bool is_directive = lexer_.peek().kind == Token::Kind::DotWord;
  const std::string_view directive = is_directive ? lexer_.peek().text : std::string_view();
  if (directive == "branchtargets") {
    lexer_.take();
    function_->branch_tables.push_back({std::move(flat), parse_names()});
    for (std::string& target : function_->branch_tables.back().targets)
      scopes_->use_label(&target, name.line);
  } else if (directive == "calltargets") {
    lexer_.take();
    function_->call_targets.push_back({std::move(flat), parse_names()});
    for (const std::string& target : function_->call_targets.back().targets) {
      if (function_index_.count(target) == 0) lexer_.fail(name.line, "no declaration of " + target);
    }
  } else if (directive == "callprototype") {
    lexer_.take();
    Prototype prototype;
    prototype.name = std::move(flat);
    if (lexer_.peek().is('(')) prototype.results = parse_parameters();
    lexer_.expect(Token::Kind::Word, "name of a prototype");
    if (lexer_.peek().is('(')) prototype.parameters = parse_parameters();
    Function ignored;
    parse_function_directives(ignored);
    function_->prototypes.push_back(std::move(prototype));
  } else {
    function_->labels.push_back({std::move(flat), function_->body.size()});
    return;
  }
  lexer_.expect(';', "after a labelled directive");
}

}  // namespace ptxvm::ptx
