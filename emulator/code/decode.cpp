// Arithmetic, moves and conversions. Most instructions are looked up by their canonical name; what the name
// does not say (rounding, flushing, packed operands, predicate pairs) is added here.
#include <algorithm>

#include "code/decoder.hpp"

namespace ptxvm::exec {

using ptx::Operand;

unsigned type_bits(const std::string& t) {
  if (t == "pred") return 1;
  if (t == "f16x2" || t == "bf16x2" || t == "u16x2" || t == "s16x2") return 32;
  if (t == "f32x2") return 64;
  if (t == "bf16") return 16;
  if (t == "tf32") return 32;
  if (t.size() < 2 || (t[0] != 'u' && t[0] != 's' && t[0] != 'b' && t[0] != 'f')) return 0;
  const std::string n = t.substr(1);
  return n == "8" ? 8 : n == "16" ? 16 : n == "32" ? 32 : n == "64" ? 64 : n == "128" ? 128 : 0;
}

bool is_float_type(const std::string& t) { return t == "f32" || t == "f64" || t == "f16" || t == "bf16" || t == "tf32"; }

namespace {

std::string dotted(const std::vector<std::string>& parts) {
  std::string s;
  for (const std::string& p : parts) s += (s.empty() ? "" : ".") + p;
  return s;
}

std::uint8_t rounding(const std::string& m) {  // bits of Inst::aux, 0 for nearest
  if (m == "rm" || m == "rmi") return 1;
  if (m == "rp" || m == "rpi") return 2;
  if (m == "rz" || m == "rzi") return 3;
  return 0;
}
bool is_rounding(const std::string& m) {
  return m == "rn" || m == "rz" || m == "rm" || m == "rp" || m == "rni" || m == "rzi" || m == "rmi" || m == "rpi";
}
constexpr std::uint8_t kFlush = 4;

}  // namespace

void FunctionDecoder::refuse(const std::string& why) const {
  std::string where = f_.name;
  if (now_) where += ", PTX line " + std::to_string(now_->line);
  throw Error(Status::IllegalInstruction, where + ": " + why + (now_ ? ": " + text() : ""));
}

std::string FunctionDecoder::text() const { return dotted(now_->opcode); }

void FunctionDecoder::decode() {
  layout();
  code_.begin = std::uint32_t(p_.code.size());
  std::unordered_multimap<std::size_t, std::string> labels;
  for (const ptx::Label& l : f_.labels) labels.emplace(l.position, l.name);
  join();
  for (std::size_t k = 0; k <= f_.body.size(); ++k) {
    auto [first, last] = labels.equal_range(k);
    if (first != last || pending_join_) {
      const std::uint32_t pc = std::uint32_t(p_.code.size());
      for (; first != last; ++first) label_pc_[first->second] = pc;
      pending_join_ = false;
      join();
    }
    if (k == f_.body.size()) break;
    now_ = &f_.body[k];
    for (auto& [width, used] : used_temporaries_) {
      auto& free = free_temporaries_[width];
      free.insert(free.end(), used.begin(), used.end());
      used.clear();
    }
    instruction(*now_);
  }
  now_ = nullptr;
  Inst end;  // falling off the end returns
  end.flow = code_.is_entry ? Flow::Exit : Flow::Return;
  emit(end);
  for (auto& [at, label] : branches_) {
    auto target = label_pc_.find(label);
    if (target == label_pc_.end()) refuse("branch to unknown label " + label);
    p_.code[at].imm = target->second;
  }
  for (auto& [at, name] : tables_) {
    auto table = std::find_if(f_.branch_tables.begin(), f_.branch_tables.end(),
                              [&wanted = name](auto& t) { return t.name == wanted; });
    if (table == f_.branch_tables.end()) refuse("unknown branch table " + name);
    std::vector<std::uint32_t> targets;
    for (const std::string& label : table->targets) targets.push_back(label_pc_.at(label));
    p_.code[at].imm = p_.branch_tables.size();
    p_.branch_tables.push_back(std::move(targets));
  }
  code_.end = std::uint32_t(p_.code.size());
  code_.frame_bytes = (frame_ + 63) & ~63u;
}

void FunctionDecoder::join() {
  Inst leader;
  leader.flow = Flow::Join;
  leader.imm = p_.blocks.size();
  p_.blocks.push_back({std::uint32_t(p_.code.size()), 0});
  const Instruction* keep = now_;
  now_ = nullptr;
  emit(leader);
  now_ = keep;
}

Inst& FunctionDecoder::emit(Inst inst) {
  LineInfo line;
  if (now_) {
    if (now_->guard >= 0) {
      inst.guard = register_[std::size_t(now_->guard)];
      inst.guard_negated = now_->guard_negated;
    }
    line = {now_->line, now_->source_file, now_->source_line};
    if (!p_.blocks.empty()) ++p_.blocks.back().instructions;
  }
  p_.code.push_back(inst);
  p_.lines.push_back(line);
  return p_.code.back();
}

Inst& FunctionDecoder::emit(const char* name, std::initializer_list<Ref> operands) {
  const Op* op = find_op(name);
  if (!op) refuse(std::string("no handler ") + name);
  Inst inst;
  inst.full = op->full;
  inst.masked = op->masked;
  int n = 0;
  for (Ref r : operands) inst.op[n++] = r;
  return emit(inst);
}

bool FunctionDecoder::symbol_value(const Operand& o, std::uint64_t* value, bool* per_frame) const {
  *per_frame = false;
  auto place = places_.find(o.symbol);
  if (place == places_.end()) {
    place = m_.places.find(o.symbol);
    if (place == m_.places.end()) {
      if (auto parameter = entry_parameters_.find(o.symbol); parameter != entry_parameters_.end()) {
        *value = parameter->second + std::uint64_t(o.offset);
        return true;
      }
      if (auto function = p_.function_index.find(o.symbol); function != p_.function_index.end()) {
        *value = kFunctionBase + 16 * std::uint64_t(function->second);
        return true;
      }
      return false;
    }
  }
  *value = place->second.offset + std::uint64_t(o.offset);
  *per_frame = place->second.per_frame;
  return true;
}

Ref FunctionDecoder::source(const Operand& o, unsigned bits) {
  switch (o.kind) {
    case Operand::Kind::Register: {
      Ref r = register_.at(std::size_t(o.reg));
      const unsigned have = width(o);
      if (have != bits) refuse("register " + f_.registers[std::size_t(o.reg)].name + " has " + std::to_string(have) +
                               " bits where " + std::to_string(bits) + " are read");
      if (!o.negated) return r;
      Ref t = temporary(1);
      emit("not.pred", {t, r});
      return t;
    }
    case Operand::Kind::Immediate:
      if (o.literal == Operand::Literal::F64 && bits == 32) {  // a decimal literal in an fp32 instruction
        double d;
        std::uint64_t b = o.bits;
        static_assert(sizeof d == sizeof b);
        __builtin_memcpy(&d, &b, 8);
        float f = float(d);
        std::uint32_t w;
        __builtin_memcpy(&w, &f, 4);
        return m_.constant(32, w);
      }
      return m_.constant(bits, o.bits);
    case Operand::Kind::Special: {
      if (o.symbol == "WARP_SZ") return m_.constant(bits, 32);
      Ref t = temporary(bits);
      Inst inst;
      inst.full = inst.masked = special_register(o.symbol, bits);
      if (!inst.full) refuse("unknown special register " + o.symbol);
      inst.op[0] = t;
      emit(inst);
      return t;
    }
    case Operand::Kind::Symbol: {
      std::uint64_t value;
      bool per_frame;
      if (!symbol_value(o, &value, &per_frame)) refuse("unknown symbol " + o.symbol);
      if (!per_frame) return m_.constant(bits, value);
      Ref t = temporary(bits);
      Inst inst;
      inst.full = inst.masked = local_address(bits);
      inst.op[0] = t;
      inst.imm = value;
      emit(inst);
      return t;
    }
    default:
      refuse("an operand has a form that is not known here");
  }
}

Ref FunctionDecoder::destination(const Operand& o, unsigned bits) {
  if (o.kind == Operand::Kind::Sink) return temporary(bits);
  if (o.kind != Operand::Kind::Register || o.negated) refuse("the destination is no register");
  if (width(o) != bits) refuse("register " + f_.registers[std::size_t(o.reg)].name + " has " + std::to_string(width(o)) +
                               " bits where " + std::to_string(bits) + " are written");
  return register_[std::size_t(o.reg)];
}

void FunctionDecoder::instruction(const Instruction& i) {
  if (control(i) || special_form(i)) return;
  table_op(i);
}

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

void FunctionDecoder::address_conversion(const Instruction& i) {
  const bool to = i.opcode.at(1) == "to";
  std::string space = i.opcode.at(to ? 2 : 1);
  if (i.opcode.back() != "u64") refuse("32-bit generic addresses are not supported");
  const memory::Windows& windows = memory::AddressSpace::instance().windows();
  std::uint64_t window = 0;
  if (space.rfind("shared", 0) == 0) window = windows.shared;
  else if (space == "local") window = windows.local;
  else if (space.rfind("param", 0) == 0) window = windows.param;
  else if (space != "global" && space != "const") refuse("unknown state space");
  Ref from = source(i.operands.at(1), 64), d = destination(i.operands[0], 64);
  if (window == 0) emit("mov.b64", {d, from});
  else emit(to ? "sub.u64" : "add.u64", {d, from, m_.constant(64, window)});
}

void FunctionDecoder::space_test(const Instruction& i) {
  const std::string space = i.opcode.at(1);
  const memory::Windows& windows = memory::AddressSpace::instance().windows();
  Ref a = source(i.operands.at(1), 64), p = destination(i.operands[0], 1);
  Ref size = m_.constant(64, memory::Windows::size), offset = temporary(64), inside = temporary(1);
  auto test = [&](std::uint64_t window) {
    emit("sub.u64", {offset, a, m_.constant(64, window)});
    emit("setp.lt.u64", {inside, offset, size});
  };
  if (space.rfind("shared", 0) == 0) {
    test(windows.shared);
    emit("mov.pred", {p, inside});
  } else if (space == "local") {
    test(windows.local);
    emit("mov.pred", {p, inside});
  } else if (space.rfind("param", 0) == 0) {
    test(windows.param);
    emit("mov.pred", {p, inside});
  } else if (space == "global") {
    Ref any = temporary(1);
    test(windows.shared);
    emit("mov.pred", {any, inside});
    for (std::uint64_t window : {windows.local, windows.param}) {
      test(window);
      emit("or.pred", {any, any, inside});
    }
    emit("not.pred", {p, any});
  } else {
    refuse("unknown state space");
  }
}

}  // namespace ptxvm::exec
