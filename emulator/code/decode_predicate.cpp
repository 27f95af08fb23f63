// Comparisons, and what combines a result with a predicate.
#include <algorithm>

#include "code/decoder.hpp"

namespace ptxvm::exec {

using ptx::Operand;

// setp.cmp{.bool}.type p{|q}, a, b{, {!}c}
void FunctionDecoder::set_predicate(const Instruction& i) {
  std::uint8_t aux = 0;
  std::string combine, compare = i.opcode.at(1), type = i.opcode.back();
  for (std::size_t k = 2; k + 1 < i.opcode.size(); ++k) {
    const std::string& m = i.opcode[k];
    if (m == "and" || m == "or" || m == "xor") combine = m;
    else if (m == "ftz") aux |= kFlush;
    else refuse("unknown modifier ." + m);
  }
  const unsigned bits = type_bits(type);
  if (type[0] == 'b') type[0] = 'u';
  // lo, ls, hi, hs are the unsigned comparisons' other names.
  if (compare == "lo") compare = "lt";
  if (compare == "ls") compare = "le";
  if (compare == "hi") compare = "gt";
  if (compare == "hs") compare = "ge";
  const Op* op = find_op("setp." + compare + "." + type);
  if (!op) refuse("unknown comparison");
  const std::size_t wanted = combine.empty() ? 3 : 4;
  if (i.operands.size() != wanted) refuse("expected " + std::to_string(wanted) + " operands");
  const Operand& d = i.operands[0];
  const bool pair = d.kind == Operand::Kind::Pair;
  const bool simple = !pair && combine.empty();
  Inst inst;
  inst.full = op->full;
  inst.masked = op->masked;
  inst.aux = aux;
  inst.op[1] = source(i.operands[1], bits);
  inst.op[2] = source(i.operands[2], bits);
  inst.op[0] = simple ? destination(d, 1) : temporary(1);
  Ref result = inst.op[0];
  emit(inst);
  if (simple) return;
  // All parts are computed before a destination is written: it may be the guard or c.
  Ref p = temporary(1), q = temporary(1), negated = temporary(1);
  emit("not.pred", {negated, result});
  if (combine.empty()) {
    p = result;
    q = negated;
  } else {
    Ref c = source(i.operands[3], 1);
    const std::string name = combine + ".pred";
    emit(name.c_str(), {p, result, c});
    emit(name.c_str(), {q, negated, c});
  }
  if (pair && d.parts[1].kind != Operand::Kind::Sink) {
    // Where q is the guard, p must not be lost: the guard is read anew by each Inst, so write it last.
    const bool q_is_guard = d.parts[1].reg == i.guard;
    if (q_is_guard && d.parts[0].kind != Operand::Kind::Sink) emit("mov.pred", {destination(d.parts[0], 1), p});
    emit("mov.pred", {destination(d.parts[1], 1), q});
    if (q_is_guard) return;
  }
  const Operand& first = pair ? d.parts[0] : d;
  if (first.kind != Operand::Kind::Sink) emit("mov.pred", {destination(first, 1), p});
}

// lop3.bool.b32 d|p, a, b, c, table, q: p is (d != 0) joined with q.
void FunctionDecoder::logic_with_predicate(const Instruction& i) {
  if (i.operands.size() != 6 || i.operands[0].kind != Operand::Kind::Pair || (i.opcode[1] != "and" && i.opcode[1] != "or"))
    refuse("unknown instruction");
  const Operand& d = i.operands[0];
  Ref value = temporary(32), p = temporary(1);
  Ref a = source(i.operands[1], 32), b = source(i.operands[2], 32), c = source(i.operands[3], 32), table = source(i.operands[4], 32);
  emit("lop3.b32", {value, a, b, c, table});
  emit("setp.ne.u32", {p, value, m_.constant(32, 0)});
  emit((i.opcode[1] + ".pred").c_str(), {p, p, source(i.operands[5], 1)});
  if (d.parts[0].kind != Operand::Kind::Sink) emit("mov.b32", {destination(d.parts[0], 32), value});
  if (d.parts[1].kind != Operand::Kind::Sink) emit("mov.pred", {destination(d.parts[1], 1), p});
}

// set.cmp{.bool}.dtype.stype d, a, b{, c}: all ones (integer) or 1.0f where it holds.
void FunctionDecoder::set_value(const Instruction& i) {
  const std::string dtype = i.opcode.at(i.opcode.size() - 2);
  Instruction compare = i;
  compare.opcode[0] = "setp";
  compare.opcode.erase(compare.opcode.end() - 2);
  // Compare into a temporary predicate register: as set_predicate does, without a name.
  std::string stype = compare.opcode.back();
  if (stype[0] == 'b') stype[0] = 'u';
  std::string combine;
  std::uint8_t aux = 0;
  for (std::size_t k = 2; k + 1 < compare.opcode.size(); ++k) {
    if (compare.opcode[k] == "ftz") aux |= kFlush;
    else combine = compare.opcode[k];
  }
  const Op* op = find_op("setp." + compare.opcode[1] + "." + stype);
  if (!op) refuse("unknown comparison");
  const unsigned bits = type_bits(stype);
  Inst inst;
  inst.full = op->full;
  inst.masked = op->masked;
  inst.aux = aux;
  inst.op[1] = source(i.operands.at(1), bits);
  inst.op[2] = source(i.operands.at(2), bits);
  Ref p = inst.op[0] = temporary(1);
  emit(inst);
  if (!combine.empty()) emit((combine + ".pred").c_str(), {p, p, source(i.operands.at(3), 1)});
  Ref yes = m_.constant(32, dtype == "f32" ? 0x3f800000u : 0xffffffffu);
  emit("selp.b32", {destination(i.operands[0], 32), yes, m_.constant(32, 0), p});
}

}  // namespace ptxvm::exec
