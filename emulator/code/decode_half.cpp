// fp16 and bfloat16: arithmetic, the comparisons of halves, and conversions from and to them.
#include <algorithm>
#include <map>

#include "code/decoder.hpp"

namespace ptxvm::exec {

using ptx::Operand;

namespace {

// Of Inst::aux, see exec/ops/half.hpp and half.cpp.
constexpr std::uint8_t kRelu = 8, kSaturate = 16, kSatFinite = 32;
constexpr std::uint8_t kNan = 8, kXorSign = 16;

bool is_pair(const std::string& type) { return type == "f16x2" || type == "bf16x2"; }
bool is_half(const std::string& type) { return type == "f16" || type == "bf16"; }
bool is_integer(const std::string& type) { return type[0] == 'u' || type[0] == 's'; }

}  // namespace

bool is_half_type(const std::string& type) { return is_half(type) || is_pair(type); }

// The relations (1 less, 2 equal, 4 greater, 8 unordered) under which a comparison holds; 0: no comparison of
// floats.
unsigned relations_of(const std::string& comparison) {
  static const std::map<std::string, unsigned> known{
      {"eq", 2},   {"ne", 5},   {"lt", 1},  {"le", 3},   {"gt", 4},   {"ge", 6},   {"num", 7},
      {"equ", 10}, {"neu", 13}, {"ltu", 9}, {"leu", 11}, {"gtu", 12}, {"geu", 14}, {"nan", 8}};
  const auto found = known.find(comparison);
  return found == known.end() ? 0 : found->second;
}

// add, sub, mul, fma, neg, abs, min, max, ex2 and tanh of one type; what they allow differs.
bool FunctionDecoder::half_arithmetic(const Instruction& i) {
  const std::string &base = i.opcode[0], &type = i.opcode.back();
  if (!is_half_type(type)) return false;
  const bool sum = base == "add" || base == "sub" || base == "mul", fma = base == "fma";
  const bool extreme = base == "min" || base == "max", sign = base == "neg" || base == "abs";
  const bool approximate = base == "ex2" || base == "tanh";
  if (!sum && !fma && !extreme && !sign && !approximate) return false;
  const bool bfloat = type[0] == 'b';
  std::uint8_t flags = 0;
  bool rounded = false, approx = false;
  for (std::size_t k = 1; k + 1 < i.opcode.size(); ++k) {
    const std::string& m = i.opcode[k];
    if (m == "rn" && (sum || fma))
      rounded = true;
    else if (m == "ftz" && base != "tanh" && bfloat == (base == "ex2"))
      flags |= kFlush;
    else if (m == "sat" && !bfloat && (sum || fma))
      flags |= kSaturate;
    else if (m == "relu" && fma)
      flags |= kRelu;
    else if (m == "NaN" && extreme)
      flags |= kNan;
    else if (m == "xorsign" && extreme && i.opcode[k + 1] == "abs")
      flags |= kXorSign, ++k;
    else if (m == "approx" && approximate)
      approx = true;
    else
      refuse("unknown modifier ." + m);
  }
  if ((fma && !rounded) || (approximate && !approx) || (base == "ex2" && bfloat && !(flags & kFlush)) ||
      (flags & kSaturate && flags & kRelu && fma))
    refuse("unknown instruction");
  const std::size_t operands = fma ? 4 : sum || extreme ? 3 : 2;
  if (i.operands.size() != operands) refuse("expected " + std::to_string(operands) + " operands");
  const Op* op = approximate ? approximation(base + "." + type) : find_op(base + "." + type);
  if (!op) refuse("unknown instruction");
  const unsigned bits = type_bits(type);
  Inst inst;
  inst.full = op->full;
  inst.masked = op->masked;
  inst.aux = flags;
  for (std::size_t k = 1; k < operands; ++k) inst.op[k] = source(i.operands[k], bits);
  inst.op[0] = destination(i.operands[0], bits);
  emit(inst);
  return true;
}

// add, sub and fma of fp32 with factors (or one summand) of 16 bits: these are widened, which is exact.
bool FunctionDecoder::mixed_arithmetic(const Instruction& i) {
  const std::string &base = i.opcode[0], &type = i.opcode.back();
  const std::size_t n = i.opcode.size();
  if ((base != "add" && base != "sub" && base != "fma") || n < 3 || !is_half(type) ||
      i.opcode[n - 2] != "f32")
    return false;
  std::uint8_t aux = 0;
  std::string sat;
  bool rounded = false;
  for (std::size_t k = 1; k + 2 < n; ++k) {
    const std::string& m = i.opcode[k];
    if (is_rounding(m) && m.size() == 2)
      aux |= rounding(m), rounded = true;
    else if (m == "sat")
      sat = "sat.";
    else
      refuse("unknown modifier ." + m);
  }
  const std::size_t operands = base == "fma" ? 4 : 3;
  if (i.operands.size() != operands || (base == "fma" && !rounded)) refuse("unknown instruction");
  const Op* op = find_op(base + "." + sat + "f32");
  if (!op) refuse("unknown instruction");
  Inst inst;
  inst.full = op->full;
  inst.masked = op->masked;
  inst.aux = aux;
  for (std::size_t k = 1; k + 1 < operands; ++k) {
    Ref from = source(i.operands[k], 16);
    inst.op[k] = temporary(32);
    emit(("cvt.f32." + type).c_str(), {inst.op[k], from});
  }
  inst.op[operands - 1] = source(i.operands[operands - 1], 32);
  inst.op[0] = destination(i.operands[0], 32);
  emit(inst);
  return true;
}

void FunctionDecoder::emit_flagged(const std::string& name, Ref to, Ref from, std::uint8_t aux) {
  const Op* op = find_op(name);
  if (!op) refuse("unknown conversion");
  Inst inst;
  inst.full = op->full;
  inst.masked = op->masked;
  inst.aux = aux;
  inst.op[0] = to;
  inst.op[1] = from;
  emit(inst);
}

// cvt where a 16-bit float or tf32 takes part. By steps: the source widened to fp32, rounded to an integer or
// converted there, and narrowed again.
void FunctionDecoder::convert_half(const Instruction& i, const Conversion& c) {
  const std::string& to = c.to;
  std::string from = c.from;
  const bool narrow = is_half(to), from_half = is_half(from), restricted = c.relu || c.satfinite;
  std::uint8_t aux = rounding(c.mode), flush = c.ftz ? kFlush : 0;
  std::uint8_t flags = (c.integral ? 0 : aux) | (c.sat ? kSaturate : 0) | (c.relu ? kRelu : 0) |
                       (c.satfinite ? kSatFinite : 0);
  if (restricted && (from != "f32" || c.sat || c.ftz || c.integral)) refuse("unknown conversion");
  if (c.sat && (to == "bf16" || is_pair(to) || to == "tf32")) refuse("unknown conversion");
  if (c.ftz && from != "f32" && to != "f32") refuse("unknown conversion");
  if (is_pair(to) || to == "tf32") {
    const bool away = c.mode == "rna";
    if (from != "f32" || c.ftz || (c.mode != "rn" && c.mode != "rz" && !(away && to == "tf32" && !c.relu)))
      refuse("unknown conversion");
    if (i.operands.size() != (is_pair(to) ? 3 : 2)) refuse("unknown conversion");
    const bool plain = is_pair(to) && !restricted;
    const Op* op = find_op(plain ? "cvt." + c.mode + "." + to + ".f32" : "narrow." + to + ".f32");
    if (!op) refuse("unknown conversion");
    Inst inst;
    inst.full = op->full;
    inst.masked = op->masked;
    inst.aux = plain ? 0 : flags;
    inst.imm = away;
    inst.op[1] = source(i.operands[1], 32);
    if (is_pair(to)) inst.op[2] = source(i.operands[2], 32);
    inst.op[0] = destination(i.operands[0], 32);
    emit(inst);
    return;
  }
  if (i.operands.size() != 2 || is_pair(from) || from == "tf32" || c.mode == "rna")
    refuse("unknown conversion");
  const bool same = to == from;
  if (narrow && !same && (c.mode.empty() || c.integral)) refuse("unknown conversion");  // it loses bits
  if (same && !c.integral && !c.mode.empty()) refuse("unknown conversion");
  if (from_half && is_integer(to) && !c.integral) refuse("unknown conversion");
  if (from_half && !narrow && is_float_type(to) && c.integral) refuse("unknown conversion");
  if (restricted && c.mode != "rn" && c.mode != "rz") refuse("unknown conversion");

  Ref value = low_part(i.operands[1], type_bits(from));
  const unsigned to_bits = type_bits(to);
  const auto step = [&](const std::string& name, unsigned bits, std::uint8_t step_aux) {
    Ref next = temporary(bits);
    emit_flagged(name, next, value, step_aux);
    value = next;
  };
  if (from_half) {
    step("cvt.f32." + from, 32, 0);
    from = "f32";
    if (narrow && c.integral) step("cvt.integral.f32.f32", 32, aux);
  } else if (narrow && is_integer(from) && type_bits(from) < 64) {
    step("cvt.f64." + from, 64, 0);  // exact
    from = "f64";
  } else if (flush && from == "f32") {
    step("cvt.f32.f32", 32, flush);
  }
  std::string name = std::string("cvt.") + (c.sat ? "sat." : "") + to + "." + from;
  std::uint8_t last = is_integer(to) ? aux : flush;
  if (narrow) {
    const bool plain = from == "f32" && !(flags & ~3) && (c.mode == "rn" || c.mode == "rz");
    name = plain ? "cvt." + c.mode + "." + to + ".f32" : "narrow." + to + "." + from;
    last = plain ? 0 : flags;
  } else if (to == "f32" && !flush && !c.sat) {  // the widened value itself
    name = "mov.b32";
    last = 0;
  }
  write_converted(i.operands[0], to_bits, to[0] == 's',
                  [&](Ref out) { emit_flagged(name, out, value, last); });
}

// cvt.pack.sat.type.s32{.b32} d, a, b{, c}
void FunctionDecoder::convert_pack(const Instruction& i) {
  const auto& o = i.opcode;
  static const std::map<std::string, unsigned> sizes{
      {"u2", 2},          {"u4", 4},          {"u8", 8},          {"u16", 16},
      {"s2", 2 | 0x100u}, {"s4", 4 | 0x100u}, {"s8", 8 | 0x100u}, {"s16", 16 | 0x100u}};
  const auto size = o.size() >= 5 ? sizes.find(o[3]) : sizes.end();
  const bool third = size != sizes.end() && (size->second & 0xff) < 16;
  if (size == sizes.end() || o[2] != "sat" || o[4] != "s32" || o.size() != (third ? 6 : 5) ||
      (third && o[5] != "b32") || i.operands.size() != (third ? 4 : 3))
    refuse("unknown conversion");
  const Op* op = find_op("cvt.pack");
  Inst inst;
  inst.full = op->full;
  inst.masked = op->masked;
  inst.imm = size->second;
  for (std::size_t k = 1; k < i.operands.size(); ++k) inst.op[k] = source(i.operands[k], 32);
  inst.op[0] = destination(i.operands[0], 32);
  emit(inst);
}

}  // namespace ptxvm::exec
