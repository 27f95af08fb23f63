// The names of one function's body: PTX lets every {} scope declare registers, variables and labels of its
// own, which inline assembly and call sequences do with the same names again and again. What leaves the
// parser is flat, so names that would clash get a suffix that no PTX name can have.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ptx/ast.hpp"

namespace ptxvm::ptx {

class Scopes {
 public:
  explicit Scopes(Function& function);

  void open();
  void close();
  std::size_t depth() const { return scopes_.size(); }

  // Each returns false (or an empty name) where the scope has that name already.
  bool declare_register(std::string_view name, Type type);
  bool declare_registers(std::string_view prefix, unsigned count, Type type);  // %r<12>
  std::string declare_variable(std::string_view name);  // the name to use in the flat function
  std::string declare_label(std::string_view name);     // labels, branch tables, prototypes

  void reserve(std::string_view name);  // keeps a name of the module from the function's own

  int find_register(std::string_view name) const;                 // -1 where there is none
  const std::string* find_variable(std::string_view name) const;  // its flat name

  // Labels may be declared after their use: *use gets the flat name when its scope closes. Once the
  // outermost scope has closed, unresolved() holds the uses that are left.
  struct LabelUse {
    std::string* use;
    int line;
  };
  void use_label(std::string* use, int line);
  const std::vector<LabelUse>& unresolved() const { return unresolved_; }

 private:
  struct RegisterRange {
    int first;
    unsigned count;  // 0: a single name
  };
  struct Scope {
    std::unordered_map<std::string_view, RegisterRange> registers;
    std::unordered_map<std::string_view, RegisterRange> ranges;  // by prefix
    std::unordered_map<std::string_view, std::string> variables;
    std::unordered_map<std::string_view, std::string> labels;
    std::vector<LabelUse> uses;
  };

  std::string unique(std::string_view name);

  Function& function_;
  std::vector<Scope> scopes_;
  std::unordered_map<std::string, unsigned> taken_;  // flat names and how often they were asked for
  std::vector<LabelUse> unresolved_;
};

}  // namespace ptxvm::ptx
