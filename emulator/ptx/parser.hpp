// The parser: recursive descent over the tokens, one source file per part of the language.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ptx/ast.hpp"
#include "ptx/lexer.hpp"
#include "ptx/literal.hpp"
#include "ptx/scope.hpp"

namespace ptxvm::ptx {

std::optional<Type> type_of(std::string_view name);  // "f32"

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}
  Module parse();

 private:
  // What stands between a state space and the names: .align 8 .v4 .f32
  struct TypeSpec {
    Type type = Type::None;
    unsigned vector = 1;
    unsigned align = 0;
    unsigned element_size() const { return size_of(type) * vector; }
  };
  // An initialiser's target: the array's dimensions, the vector's length as the last of them.
  struct Shape {
    std::vector<std::uint64_t> dimensions;
    bool unsized = false;  // the first dimension is as long as the initialiser
    std::uint64_t elements(std::size_t level) const;
  };
  struct Alias {
    std::string_view name, target;
    int line;
  };

  // module.cpp
  void parse_version();
  void parse_target();
  void parse_directive();
  bool parse_declaration(std::string_view kind, bool is_extern, bool is_common);  // false: not one
  void parse_file();
  void parse_alias();
  void skip_section();
  void skip_pragma();
  void resolve_aliases();
  void check_references();

  // declaration.cpp
  unsigned parse_unsigned(const char* what, std::uint64_t limit);
  void skip_attribute();
  TypeSpec parse_type(bool is_parameter);
  Variable parse_declarator(const TypeSpec& spec, Space space, bool may_initialise);
  void parse_module_variables(Space space, bool is_extern, bool is_common);
  void parse_local_variables(Space space);
  void parse_registers();
  Variable parse_parameter();
  std::vector<Variable> parse_parameters();

  // initialiser.cpp
  void parse_initialiser(Variable& variable, const TypeSpec& spec, Shape& shape);
  void parse_list(Variable& variable, const TypeSpec& spec, const Shape& shape, std::size_t level,
                  std::uint64_t first);
  void parse_element(Variable& variable, const TypeSpec& spec, std::uint64_t element);
  Variable::Reference parse_reference(std::string_view name);
  void store_literal(Variable& variable, const TypeSpec& spec, std::uint64_t at, const Literal& literal);

  // function.cpp
  void parse_function(bool is_entry, bool is_extern);
  void parse_function_directives(Function& function);
  void parse_extents(unsigned (&extents)[3], const char* what);
  void parse_body(Function& function);
  void parse_body_directive();
  void parse_loc();
  void parse_label(const Token& name);
  std::vector<std::string> parse_names();
  void declare_parameters(std::vector<Variable>& parameters);

  // operand.cpp
  void parse_instruction(const Token& opcode, int guard, bool guard_negated);
  Operand parse_operand(bool nested);
  Operand parse_plain_operand(bool nested);
  Operand parse_list_operand(Operand::Kind kind, char end);
  Operand parse_address();
  Operand parse_name_operand(bool nested);
  Literal parse_number();       // with an optional sign
  std::int64_t parse_offset();  // +4, -4, +-4, or nothing
  int parse_register(const char* what);
  std::string resolve(std::string_view name);
  void defer_labels(std::vector<Operand>& operands, int line);

  Lexer lexer_;
  Module module_;
  std::unordered_map<std::string_view, std::size_t> variable_index_, function_index_;
  std::vector<Alias> aliases_;

  unsigned masked_bytes_ = 0;  // bytes read of an address that is written byte by byte

  Function* function_ = nullptr;  // the one whose body is being read
  std::optional<Scopes> scopes_;
  struct Place {
    int file = 0, line = 0, column = 0;
    bool operator<(const Place& o) const { return std::tie(file, line, column) < std::tie(o.file, o.line, o.column); }
  };
  Place parse_place();
  Place place_, user_place_;         // of .loc, and where that was inlined into, through all calls
  std::map<Place, Place> inlined_;   // the places of this function that were inlined, and where to
  bool labels_only_ = false;                   // the instruction's names are labels
  std::vector<std::string_view> label_names_;  // names of this instruction to be looked for among labels
};

}  // namespace ptxvm::ptx
