#include "forms.hpp"

#include <algorithm>

namespace instruction_test {

using ptxvm::ptx::Function;
using ptxvm::ptx::Instruction;
using ptxvm::ptx::Module;
using ptxvm::ptx::Operand;

namespace {

// The one place where something is left out: hints, which may change an instruction's speed and never its
// result. Cache operators, eviction priorities and prefetch sizes of ld and st; .weak, which is what an
// access without it is; and .uni, a promise about control flow that the machine does not rely on. Everything
// else, such as .volatile, .relaxed and scopes, is part of the form.
bool is_hint(const std::string& base, const std::string& modifier) {
  if (base == "bra" || base == "call" || base == "ret") return modifier == "uni";
  if (base != "ld" && base != "ldu" && base != "st") return false;
  static const Forms hints{"nc", "ca", "cg", "cs", "lu", "cv", "wb", "wt", "weak"};
  return hints.count(modifier) != 0 || modifier.compare(0, 4, "L1::") == 0 ||
         modifier.compare(0, 4, "L2::") == 0;
}

// 32 of "u32" or "bf16x2"; no register has less than 16.
unsigned register_bits(const std::string& type) {
  const auto digits = type.find_first_of("0123456789");
  if (digits == std::string::npos) return 0;
  const unsigned n = static_cast<unsigned>(std::stoul(type.substr(digits)));
  return std::max(16u, type.find('x') == std::string::npos ? n : 2 * n);
}

// What an operand of a type adds to its instruction's form; of an empty type: one whose registers have its
// width.
void describe(const Operand& operand, const std::string& type, const Function& function, std::string* form) {
  switch (operand.kind) {
    case Operand::Kind::Register:
      if (!type.empty()) {
        const unsigned bits = 8 * size_of(function.registers.at(static_cast<std::size_t>(operand.reg)).type);
        if (bits > register_bits(type)) *form += " r" + std::to_string(bits);
      }
      break;
    case Operand::Kind::Special:
      *form += " " + operand.symbol;
      break;
    case Operand::Kind::Vector:
      *form += " {" + std::to_string(operand.parts.size()) + "}";
      for (const Operand& part : operand.parts)
        if (part.kind == Operand::Kind::Register) return describe(part, type, function, form);
      break;
    case Operand::Kind::Pair:
      *form += " |";
      break;
    default:  // immediates, addresses and symbols become operands like registers before a handler is chosen
      break;
  }
}

}  // namespace

std::string form_of(const Instruction& instruction, const Function& function) {
  const std::vector<std::string>& opcode = instruction.opcode;
  const std::string& base = opcode.front();
  std::string form = base;
  for (std::size_t k = 1; k < opcode.size(); k++)
    if (!is_hint(base, opcode[k])) form += "." + opcode[k];
  for (std::size_t k = 0; k < instruction.operands.size(); k++) {
    std::string type;  // where registers may be wider than it
    if (base == "ld" || base == "st") type = opcode.back();
    if (base == "cvt") type = opcode.at(opcode.size() - (k == 0 ? 2 : 1));
    describe(instruction.operands[k], type, function, &form);
  }
  return form;
}

Forms forms_of(const Module& module) {
  Forms forms;
  for (const Function& function : module.functions)
    for (const Instruction& instruction : function.body) forms.insert(form_of(instruction, function));
  return forms;
}

}  // namespace instruction_test
