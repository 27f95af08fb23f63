// Arithmetic, moves and conversions. Most instructions are looked up by their canonical name; what the name
// does not say (rounding, flushing, packed operands, carries) is added here.
#include <algorithm>

#include "code/decoder.hpp"

namespace ptxvm::exec {

using ptx::Operand;

// Canonical names: rounding and .ftz go to aux; bitwise types to .b, shifts and moves by width.
void FunctionDecoder::table_op(const Instruction& i) {
  std::vector<std::string> parts = i.opcode;
  std::uint8_t aux = 0;
  const std::string& base = parts[0];
  const bool bitwise = base == "and" || base == "or" || base == "xor" || base == "not" || base == "cnot" ||
                       base == "shl" || base == "selp" || base == "mov" || base == "popc" || base == "clz" || base == "brev";
  std::vector<std::string> kept{base};
  for (std::size_t k = 1; k < parts.size(); ++k) {
    const std::string& m = parts[k];
    if (is_rounding(m)) {
      aux |= rounding(m);
    } else if (m == "ftz") {
      aux |= kFlush;
    } else if (bitwise && type_bits(m) > 1) {
      kept.push_back("b" + std::to_string(type_bits(m)));
    } else if (base == "shr" && m[0] == 'b') {
      kept.push_back("u" + m.substr(1));
    } else if (base == "slct" && k + 2 == parts.size()) {
      kept.push_back("b" + std::to_string(type_bits(m)));
    } else if ((base == "add" || base == "sub" || base == "min" || base == "max") && (m == "b32" || m == "b64")) {
      refuse("unknown instruction");
    } else {
      kept.push_back(m);
    }
  }
  const std::string name = dotted(kept);
  const Op* op = find_op(name);
  if (!op || op->signature.count == 0) refuse("unknown instruction");
  const Signature& s = op->signature;
  if (i.operands.size() != s.count) refuse("expected " + std::to_string(s.count) + " operands");
  Inst inst;
  inst.full = op->full;
  inst.masked = op->masked;
  inst.aux = aux;
  for (unsigned k = 1; k < s.count; ++k) inst.op[k] = source(i.operands[k], s.width[k]);
  inst.op[0] = destination(i.operands[0], s.width[0]);
  emit(inst);
}

bool FunctionDecoder::special_form(const Instruction& i) {
  const std::string& base = i.opcode[0];
  if (base == "mov") return move(i), true;
  if (base == "cvt") return convert(i), true;
  if (base == "setp") return set_predicate(i), true;
  if (base == "set") return set_value(i), true;
  if (base == "cvta") return address_conversion(i), true;
  if (base == "isspacep") return space_test(i), true;
  if (base == "lop3" && i.opcode.size() == 3) return logic_with_predicate(i), true;
  if (base == "addc" || base == "subc" || base == "madc") return carry(i), true;
  if ((base == "add" || base == "sub" || base == "mad") &&
      std::find(i.opcode.begin(), i.opcode.end(), "cc") != i.opcode.end())
    return carry(i), true;
  if (base == "ld" || base == "ldu") return load(i), true;
  if (base == "st") return store(i), true;
  if (base == "atom") return atomic(i, false), true;
  if (base == "red") return atomic(i, true), true;
  // Hints: they may change speed, never results.
  if (base == "prefetch" || base == "prefetchu" || base == "applypriority" || base == "pmevent") return true;
  return false;
}

void FunctionDecoder::move(const Instruction& i) {
  if (i.operands.size() != 2) refuse("expected 2 operands");
  const unsigned bits = type_bits(i.opcode.back());
  const Operand &d = i.operands[0], &s = i.operands[1];
  if (s.kind == Operand::Kind::Vector) {  // pack
    const unsigned part = bits / unsigned(s.parts.size());
    const std::string name = "pack.b" + std::to_string(bits) + ".b" + std::to_string(part);
    const Op* op = find_op(name);
    if (!op) refuse("unknown pack");
    Inst inst;
    inst.full = op->full;
    inst.masked = op->masked;
    for (std::size_t k = 0; k < s.parts.size(); ++k) inst.op[k + 1] = source(s.parts[k], part);
    inst.op[0] = destination(d, bits);
    emit(inst);
    return;
  }
  if (d.kind == Operand::Kind::Vector) {  // unpack; the source may be one of the destinations
    const unsigned part = bits / unsigned(d.parts.size());
    Ref from = source(s, bits);
    for (std::size_t k = 0; k < d.parts.size(); ++k) {
      if (d.parts[k].kind == Operand::Kind::Sink) continue;
      const std::string name = "part.b" + std::to_string(bits) + ".b" + std::to_string(part) + "." + std::to_string(k);
      emit(name.c_str(), {destination(d.parts[k], part), from});
    }
    return;
  }
  if (s.kind == Operand::Kind::Special && s.symbol != "WARP_SZ") {
    Inst inst;
    inst.full = inst.masked = special_register(s.symbol, bits);
    if (!inst.full) refuse("unknown special register " + s.symbol);
    inst.op[0] = destination(d, bits);
    emit(inst);
    return;
  }
  const std::string name = bits == 1 ? "mov.pred" : "mov.b" + std::to_string(bits);
  Ref from = source(s, bits);
  emit(name.c_str(), {destination(d, bits), from});
}

void FunctionDecoder::convert(const Instruction& i) {
  std::uint8_t aux = 0;
  bool sat = false, integral = false;
  std::string mode;
  std::vector<std::string> types;
  for (std::size_t k = 1; k < i.opcode.size(); ++k) {
    const std::string& m = i.opcode[k];
    if (is_rounding(m)) aux |= rounding(m), integral |= m.size() == 3, mode = m + ".";
    else if (m == "ftz") aux |= kFlush;
    else if (m == "sat") sat = true;
    else if (type_bits(m)) types.push_back(m);
    else refuse("unknown modifier ." + m);
  }
  if (types.size() != 2) refuse("unknown conversion");
  const std::string &to = types[0], &from = types[1];
  const bool pair = to == "f16x2" || to == "bf16x2";
  if (i.operands.size() != (pair ? 3 : 2)) refuse("unknown conversion");
  std::string name = "cvt.";
  if (pair || to == "f16" || to == "bf16") {  // rounded by the handler's own arithmetic, not by the host's mode
    name += mode;
    if (aux & kFlush) refuse("unknown conversion");
    aux = 0;
  }
  if (pair) {
    const std::string full = name + to + "." + from;
    if (sat || !find_op(full)) refuse("unknown conversion");
    Ref a = source(i.operands[1], 32), b = source(i.operands[2], 32);
    emit(full.c_str(), {destination(i.operands[0], 32), a, b});
    return;
  }
  if (integral && is_float_type(to) && is_float_type(from)) name += "integral.";
  if (sat) name += "sat.";
  const Op* op = find_op(name + to + "." + from);
  if (!op) refuse("unknown conversion");
  // Registers may be wider than the types: the source's low part is taken, the result extended by its sign.
  const unsigned from_bits = op->signature.width[1], to_bits = op->signature.width[0];
  const Operand& s = i.operands[1];
  Ref in;
  if (s.kind == Operand::Kind::Register && width(s) > from_bits) {
    in = temporary(from_bits);
    const std::string part = "part.b" + std::to_string(width(s)) + ".b" + std::to_string(from_bits) + ".0";
    emit(part.c_str(), {in, source(s, width(s))});
  } else {
    in = source(s, from_bits);
  }
  const Operand& d = i.operands[0];
  const unsigned have = d.kind == Operand::Kind::Register ? width(d) : to_bits;
  Ref out = have > to_bits ? temporary(to_bits) : destination(d, to_bits);
  Inst inst;
  inst.full = op->full;
  inst.masked = op->masked;
  inst.aux = aux;
  inst.op[0] = out;
  inst.op[1] = in;
  emit(inst);
  if (have > to_bits) {
    const char sign = to[0] == 's' ? 's' : 'u';
    const std::string widen = std::string("cvt.") + sign + std::to_string(have) + "." + sign + std::to_string(to_bits);
    emit(widen.c_str(), {destination(d, have), out});
  }
}

// The carry flag is one predicate of the frame.
void FunctionDecoder::carry(const Instruction& i) {
  const std::string& base = i.opcode[0];
  const unsigned bits = type_bits(i.opcode.back());
  const bool sets = std::find(i.opcode.begin(), i.opcode.end(), "cc") != i.opcode.end();
  if (carry_ == kNone) carry_ = allocate(1);
  const bool reads = base == "addc" || base == "subc" || base == "madc";
  Ref in = reads ? carry_ : m_.constant(1, 0), out = sets ? carry_ : kNone;
  const std::string name = std::string(base.substr(0, 3) == "sub" ? "carry.sub.b" : "carry.add.b") + std::to_string(bits);
  if (base == "mad" || base == "madc") {
    Ref product = temporary(bits);
    const std::string mul = "mul." + i.opcode.at(1) + "." + i.opcode.back();
    Ref a = source(i.operands.at(1), bits), b = source(i.operands.at(2), bits), c = source(i.operands.at(3), bits);
    emit(mul.c_str(), {product, a, b});
    emit(name.c_str(), {destination(i.operands[0], bits), product, c, in, out});
  } else {
    Ref a = source(i.operands.at(1), bits), b = source(i.operands.at(2), bits);
    emit(name.c_str(), {destination(i.operands[0], bits), a, b, in, out});
  }
}

}  // namespace ptxvm::exec
