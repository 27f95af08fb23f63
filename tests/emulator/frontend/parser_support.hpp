// Texts for the parser's tests: a module around declarations, a kernel around statements.
#pragma once

#include <stdexcept>
#include <string>

#include "ptx/ast.hpp"

namespace ptxvm::test {

inline std::string module_text(const std::string& declarations) {
  return ".version 9.0\n.target sm_90\n.address_size 64\n" + declarations;
}

// The statements begin on line 9.
inline std::string kernel_text(const std::string& statements) {
  return module_text(
      ".global .align 4 .b8 bytes[16];\n.func (.param .b32 r) callee (.param .b32 a);\n"
      ".visible .entry kernel(.param .u64 kernel_param_0)\n{\n"
      ".reg .pred %p<4>; .reg .b32 %r<9>; .reg .b64 %rd<9>; .reg .f32 %f<9>;\n" +
      statements + "\n}\n");
}

inline const ptx::Function& function_of(const ptx::Module& module, const std::string& name) {
  for (const ptx::Function& function : module.functions) {
    if (function.name == name) return function;
  }
  throw std::runtime_error("no function " + name);
}

inline const ptx::Variable& variable_of(const std::vector<ptx::Variable>& variables,
                                        const std::string& name) {
  for (const ptx::Variable& variable : variables) {
    if (variable.name == name) return variable;
  }
  throw std::runtime_error("no variable " + name);
}

inline ptx::Function kernel_of(const std::string& statements) {
  return function_of(ptx::parse(kernel_text(statements)), "kernel");
}

inline ptx::Instruction instruction_of(const std::string& statement) {
  const ptx::Function kernel = kernel_of(statement);
  if (kernel.body.size() != 1) throw std::runtime_error("not one instruction");
  return kernel.body[0];
}

inline std::string name_of(const ptx::Function& function, int reg) {
  return function.registers.at(static_cast<std::size_t>(reg)).name;
}

}  // namespace ptxvm::test
