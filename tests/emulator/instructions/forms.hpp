// The forms of instructions in a module: what a handler is chosen by, as text.
#pragma once

#include <set>
#include <string>

#include "ptx/ast.hpp"

namespace instruction_test {

using Forms = std::set<std::string>;

// The opcode without hints; then what its operands add: "{4}" and "|" for vectors and pairs, "%tid.x" for
// special registers and, where a register is wider than the instruction's type, its bits: "ld.global.u8" into
// 16 bits and "ld.global.u8 r32" are two forms.
std::string form_of(const ptxvm::ptx::Instruction& instruction, const ptxvm::ptx::Function& function);

Forms forms_of(const ptxvm::ptx::Module& module);

}  // namespace instruction_test
