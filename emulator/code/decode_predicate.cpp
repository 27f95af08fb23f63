// Comparisons, and what combines a result with a predicate.
#include <algorithm>

#include "code/decoder.hpp"

namespace ptxvm::exec {

using ptx::Operand;

// Of setp and set: the comparison, what it is combined with, and its operands' type; types are how many end
// the opcode.
FunctionDecoder::Predicate FunctionDecoder::comparison(const Instruction& i, std::size_t types) const {
  if (i.opcode.size() < 2 + types) refuse("unknown comparison");
  Predicate c;
  c.compare = i.opcode[1];
  c.type = i.opcode.back();
  for (std::size_t k = 2; k + types < i.opcode.size(); ++k) {
    const std::string& m = i.opcode[k];
    if ((m == "and" || m == "or" || m == "xor") && c.combine.empty())
      c.combine = m;
    else if (m == "ftz")
      c.aux |= kFlush;
    else refuse("unknown modifier ." + m);
  }
  if (c.type[0] == 'b' && c.type[1] != 'f') {
    if (c.compare != "eq" && c.compare != "ne") refuse("unknown comparison");
    c.type[0] = 'u';
  }
  // lo, ls, hi, hs are the unsigned comparisons' other names.
  static const std::map<std::string, std::string> other{
      {"lo", "lt"}, {"ls", "le"}, {"hi", "gt"}, {"hs", "ge"}};
  if (const auto name = other.find(c.compare); c.type[0] == 'u' && name != other.end())
    c.compare = name->second;
  if (c.aux && c.type != "f32" && c.type != "f16" && c.type != "f16x2") refuse("unknown modifier .ftz");
  return c;
}

// part 0 or 1: of a packed type.
void FunctionDecoder::emit_comparison(Ref to, const Predicate& c, const Operand& a, const Operand& b,
                                      int part) {
  const bool half = is_half_type(c.type), packed = half && type_bits(c.type) == 32;
  const std::string name = half ? "compare." + c.type + (packed ? "." + std::to_string(part) : "")
                                : "setp." + c.compare + "." + c.type;
  const Op* op = find_op(name);
  const unsigned bits = type_bits(c.type);
  if (!op || bits == 0 || (half && relations_of(c.compare) == 0)) refuse("unknown comparison");
  Inst inst;
  inst.full = op->full;
  inst.masked = op->masked;
  inst.aux = c.aux;
  if (half) inst.imm = relations_of(c.compare);
  inst.op[1] = source(a, bits);
  inst.op[2] = source(b, bits);
  inst.op[0] = to;
  emit(inst);
}

void FunctionDecoder::combine(Ref to, const std::string& how, Ref result, Ref with) {
  emit((how + ".pred").c_str(), {to, result, with});
}

// setp.cmp{.bool}.type p{|q}, a, b{, {!}c}. q has the opposite result, or, of a packed type, the upper
// half's.
void FunctionDecoder::set_predicate(const Instruction& i) {
  const Predicate c = comparison(i, 1);
  const std::size_t wanted = c.combine.empty() ? 3 : 4;
  if (i.operands.size() != wanted) refuse("expected " + std::to_string(wanted) + " operands");
  const Operand& d = i.operands[0];
  const bool pair = d.kind == Operand::Kind::Pair, packed = is_half_type(c.type) && type_bits(c.type) == 32;
  if (packed && !pair) refuse("a packed comparison has two results");
  if (pair && is_half_type(c.type) && !packed) refuse("a comparison of 16-bit floats has one result");
  if (!pair && c.combine.empty())
    return emit_comparison(destination(d, 1), c, i.operands[1], i.operands[2], 0);
  // All parts are computed before a destination is written: it may be the guard or c.
  Ref p = temporary(1), q = temporary(1);
  emit_comparison(p, c, i.operands[1], i.operands[2], 0);
  if (packed)
    emit_comparison(q, c, i.operands[1], i.operands[2], 1);
  else
    emit("not.pred", {q, p});
  if (!c.combine.empty()) {
    Ref with = source(i.operands[3], 1);
    combine(p, c.combine, p, with);
    combine(q, c.combine, q, with);
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

// set.cmp{.bool}.dtype.stype d, a, b{, c}: all ones (integer) or 1.0 (floating point) where it holds.
void FunctionDecoder::set_value(const Instruction& i) {
  const Predicate c = comparison(i, 2);
  if (i.operands.size() != (c.combine.empty() ? 3 : 4)) refuse("unknown comparison");
  const std::string& dtype = i.opcode[i.opcode.size() - 2];
  static const std::map<std::string, std::uint64_t> ones{
      {"u16", 0xffffu},     {"s16", 0xffffu},       {"u32", 0xffffffffu},
      {"s32", 0xffffffffu}, {"f32", 0x3f800000u},   {"f16", 0x3c00u},
      {"bf16", 0x3f80u},    {"f16x2", 0x3c003c00u}, {"bf16x2", 0x3f803f80u}};
  const auto one = ones.find(dtype);
  const bool packed = is_half_type(c.type) && type_bits(c.type) == 32;
  if (one == ones.end()) refuse("unknown comparison");
  if (packed ? dtype != c.type && dtype != "u32" && dtype != "s32" : dtype == "f16x2" || dtype == "bf16x2")
    refuse("unknown comparison");
  const unsigned bits = type_bits(dtype);
  const std::string select = "selp.b" + std::to_string(bits);
  Ref p = temporary(1), zero = m_.constant(bits, 0),
      with = c.combine.empty() ? kNone : source(i.operands[3], 1);
  emit_comparison(p, c, i.operands[1], i.operands[2], 0);
  if (with != kNone) combine(p, c.combine, p, with);
  if (!packed) {
    emit(select.c_str(), {destination(i.operands[0], bits), m_.constant(bits, one->second), zero, p});
    return;
  }
  Ref q = temporary(1), low = temporary(32), high = temporary(32);
  emit_comparison(q, c, i.operands[1], i.operands[2], 1);
  if (with != kNone) combine(q, c.combine, q, with);
  emit("selp.b32", {low, m_.constant(32, one->second & 0xffffu), zero, p});
  emit("selp.b32", {high, m_.constant(32, one->second & 0xffff0000u), zero, q});
  emit("or.b32", {destination(i.operands[0], 32), low, high});
}

}  // namespace ptxvm::exec
