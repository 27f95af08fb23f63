// Arithmetic, moves and conversions. Most instructions are looked up by their canonical name; what the name
// does not say (rounding, flushing, packed operands, carries) is added here.
#include <algorithm>

#include "code/decoder.hpp"

namespace ptxvm::exec {

using ptx::Operand;

// Canonical names: rounding and .ftz go to aux; bitwise types to .b, shifts and moves by width.
void FunctionDecoder::table_op(const Instruction& i) {
  auto parts = i.opcode;
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
  if ((base == "min" || base == "max") && kept.back() == "relu")
    std::swap(kept[kept.size() - 1], kept[kept.size() - 2]);
  std::string name = dotted(kept);
  if ((aux & kFlush) && base[0] == 'r' && name == base + ".approx.f64") name = base + ".approx.ftz.f64";  // another instruction
  if ((aux & kFlush) && name.find(".f32") == std::string::npos && name.find(".approx") == std::string::npos)
    refuse("unknown modifier .ftz");
  if ((base == "fma" || (base == "mad" && is_float_type(parts.back()))) &&
      std::none_of(parts.begin(), parts.end(), [](const std::string& m) { return is_rounding(m); }))
    refuse("a rounding is wanted");
  const bool approximate = std::find_if(kept.begin(), kept.end(), [](const std::string& m) { return m == "approx" || m == "full"; }) != kept.end();
  const Op* op = approximate ? approximation(name) : find_op(name);
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
  return mixed_arithmetic(i) || half_arithmetic(i) || extreme_of_three(i) || hint(i);
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
    for (std::size_t k = 0; k < s.parts.size(); ++k)
      inst.op[k + 1] = source(s.parts[k], std::max(part, 16u));  // bytes: in 16 bits
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
      emit(name.c_str(), {destination(d.parts[k], std::max(part, 16u)), from});
    }
    return;
  }
  if (s.kind == Operand::Kind::Special && s.symbol != "WARP_SZ") {
    Inst inst;
    inst.full = inst.masked = special(s.symbol, bits);
    if (!inst.full) refuse("unknown special register " + s.symbol);
    inst.op[0] = destination(d, bits);
    emit(inst);
    return;
  }
  const std::string name = bits == 1 ? "mov.pred" : "mov.b" + std::to_string(bits);
  Ref from = source(s, bits);
  emit(name.c_str(), {destination(d, bits), from});
}

// The low bits of an operand, whose register may be wider.
Ref FunctionDecoder::low_part(const Operand& s, unsigned bits) {
  bits = std::max(bits, 16u);
  if (s.kind != Operand::Kind::Register || width(s) <= bits) return source(s, bits);
  Ref in = temporary(bits);
  emit(("part.b" + std::to_string(width(s)) + ".b" + std::to_string(bits) + ".0").c_str(),
       {in, source(s, width(s))});
  return in;
}

// Writes what make(Ref) computes into a register that may be wider, extended by its sign.
void FunctionDecoder::write_converted(const Operand& d, unsigned bits, bool is_signed,
                                      const std::function<void(Ref)>& make) {
  const unsigned have = d.kind == Operand::Kind::Register ? width(d) : bits;
  if (have <= bits) return make(destination(d, bits));
  Ref out = temporary(bits);
  make(out);
  const char sign = is_signed ? 's' : 'u';
  const std::string widen =
      std::string("cvt.") + sign + std::to_string(have) + "." + sign + std::to_string(bits);
  emit(widen.c_str(), {destination(d, have), out});
}

void FunctionDecoder::convert(const Instruction& i) {
  if (i.opcode.size() > 1 && i.opcode[1] == "pack") return convert_pack(i);
  Conversion c;
  std::vector<std::string> types;
  for (std::size_t k = 1; k < i.opcode.size(); ++k) {
    const std::string& m = i.opcode[k];
    if (is_rounding(m) || m == "rna")
      c.integral = m.size() == 3 && m != "rna", c.mode = m;
    else if (m == "ftz")
      c.ftz = true;
    else if (m == "sat")
      c.sat = true;
    else if (m == "relu")
      c.relu = true;
    else if (m == "satfinite")
      c.satfinite = true;
    else if (type_bits(m)) types.push_back(m);
    else refuse("unknown modifier ." + m);
  }
  if (types.size() != 2) refuse("unknown conversion");
  c.to = types[0], c.from = types[1];
  if (is_half_type(c.to) || is_half_type(c.from) || c.to == "tf32") return convert_half(i, c);
  if (i.operands.size() != 2 || c.relu || c.satfinite || c.mode == "rna") refuse("unknown conversion");
  std::string name = "cvt.";
  if (c.integral && is_float_type(c.to) && is_float_type(c.from)) name += "integral.";
  if (c.sat) name += "sat.";
  name += c.to + "." + c.from;
  const Op* op = find_op(name);
  if (!op) refuse("unknown conversion");
  Ref in = low_part(i.operands[1], op->signature.width[1]);
  write_converted(i.operands[0], op->signature.width[0], c.to[0] == 's', [&](Ref out) {
    emit_flagged(name, out, in, std::uint8_t(rounding(c.mode) | (c.ftz ? kFlush : 0)));
  });
}

// min and max{.ftz}{.NaN}{.abs}.f32 of three: of two, then with the third; .abs takes their magnitudes.
bool FunctionDecoder::extreme_of_three(const Instruction& i) {
  const std::string& base = i.opcode[0];
  if ((base != "min" && base != "max") || i.opcode.back() != "f32" || i.operands.size() != 4) return false;
  std::uint8_t aux = 0;
  bool strict = false, magnitude = false;
  for (std::size_t k = 1; k + 1 < i.opcode.size(); ++k) {
    const std::string& m = i.opcode[k];
    if (m == "ftz")
      aux |= kFlush;
    else if (m == "NaN")
      strict = true;
    else if (m == "abs")
      magnitude = true;
    else
      refuse("unknown modifier ." + m);
  }
  const Op* op = find_op(base + (strict ? ".NaN.f32" : ".f32"));
  Inst inst;
  inst.full = op->full;
  inst.masked = op->masked;
  inst.aux = aux;
  Ref in[3], first = temporary(32);
  for (std::size_t k = 0; k < 3; ++k) {
    in[k] = source(i.operands[k + 1], 32);
    if (!magnitude) continue;
    Ref positive = temporary(32);
    emit_flagged("abs.f32", positive, in[k], 0);
    in[k] = positive;
  }
  inst.op[0] = first, inst.op[1] = in[0], inst.op[2] = in[1];
  emit(inst);
  inst.op[0] = destination(i.operands[0], 32), inst.op[1] = first, inst.op[2] = in[2];
  emit(inst);
  return true;
}

// The carry flag is one predicate of the frame.
void FunctionDecoder::carry(const Instruction& i) {
  const std::string& base = i.opcode[0];
  const unsigned bits = type_bits(i.opcode.back());
  const bool sets = std::find(i.opcode.begin(), i.opcode.end(), "cc") != i.opcode.end();
  if (carry_ == kNone) carry_ = allocate(1);
  const bool reads = base == "addc" || base == "subc" || base == "madc";
  const bool subtracts = base.substr(0, 3) == "sub";
  Ref in = reads ? carry_ : m_.constant(1, subtracts), out = sets ? carry_ : kNone;
  const std::string name = std::string(subtracts ? "carry.sub.b" : "carry.add.b") + std::to_string(bits);
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
