// cvta, isspacep, ld, st, atom, red: state space, width, vector. Cache and eviction hints are dropped. The
// machine meets every order and scope by the strongest; what was asked for goes to Inst::sem.
#include <algorithm>

#include "code/decoder.hpp"
#include "exec/ops/space.hpp"

namespace ptxvm::exec {

using ptx::Operand;

namespace {

bool is_hint(const std::string& m) {
  static const std::set<std::string> hints = {"ca", "cg", "cs", "lu", "cv", "wb", "wt", "unified", "noftz"};
  return hints.count(m) || m.rfind("L1::", 0) == 0 || m.rfind("L2::", 0) == 0;
}

bool space_of(const std::string& m, std::uint8_t* space) {
  if (m == "global") *space = kGlobal;
  else if (m == "shared" || m == "shared::cta" || m == "shared::cluster") *space = kShared;
  else if (m == "local") *space = kLocal;
  else if (m == "const") *space = kConstantSpace;
  else if (m == "param" || m == "param::entry" || m == "param::func") *space = kParameter;
  else return false;
  return true;
}

// The name under which a load handler is listed: sign matters only where the register is wider.
std::string element(const std::string& type, unsigned register_bits) {
  const unsigned bits = type_bits(type);
  const bool extend = type[0] == 's' && bits < register_bits;
  return (extend ? "s" : "u") + std::to_string(bits) + ".r" + std::to_string(register_bits);
}

}  // namespace

FunctionDecoder::MemoryForm FunctionDecoder::memory_form(const Instruction& i) const {
  MemoryForm form{kGeneric, "", 0, 1, false, {}};
  for (std::size_t k = 1; k < i.opcode.size(); ++k) {
    const std::string& m = i.opcode[k];
    if (is_hint(m) || order_or_scope(m, &form.semantics)) continue;
    if (space_of(m, &form.space)) continue;
    if (m == "v2") form.count = 2;
    else if (m == "v4") form.count = 4;
    else if (m == "v8") form.count = 8;
    else if (type_bits(m)) form.type = m, form.bytes = type_bits(m) / 8;
    else refuse("unknown modifier ." + m);
  }
  if (form.type.empty() || form.bytes > 8) refuse("unknown type");
  form.parameter = form.space == kParameter;
  form.semantics.size_log2 = unsigned(__builtin_ctz(form.bytes));
  return form;
}

Ref FunctionDecoder::vector_part(const Operand& operand, int index) const {
  const Operand& o = operand.kind == Operand::Kind::Vector ? operand.parts.at(std::size_t(index)) : operand;
  if (o.kind == Operand::Kind::Sink) return kNone;
  if (o.kind != Operand::Kind::Register) refuse("the destination is no register");
  return register_.at(std::size_t(o.reg));
}

void FunctionDecoder::address(Inst& inst, int slot, const Operand& o, const MemoryForm& form) {
  if (o.kind != Operand::Kind::Address) refuse("the operand is no address");
  inst.aux = form.space;
  inst.sem = form.semantics.encode();
  inst.imm = std::uint64_t(o.offset);
  if (o.reg >= 0) {
    const unsigned bits = width(o);
    if (bits == 32) inst.aux |= kAddress32;
    else if (bits != 64) refuse("the address register has neither 32 nor 64 bits");
    inst.op[slot] = register_[std::size_t(o.reg)];
  } else if (!o.symbol.empty()) {
    Operand symbol = o;
    symbol.kind = Operand::Kind::Symbol;
    symbol.offset = 0;
    inst.op[slot] = source(symbol, 64);
  } else {
    inst.op[slot] = m_.constant(64, 0);
  }
  if (form.space == kGlobal || form.space == kGeneric || form.space == kConstantSpace) inst.site = ++p_.sites;
}

void FunctionDecoder::load(const Instruction& i) {
  const MemoryForm form = memory_form(i);
  const Operand& d = i.operands.at(0);
  const Operand& a = i.operands.at(1);
  if ((d.kind == Operand::Kind::Vector ? d.parts.size() : 1) != form.count) refuse("vector and width disagree");
  unsigned bits = 0;
  for (unsigned k = 0; k < form.count; ++k) {
    const Operand& o = d.kind == Operand::Kind::Vector ? d.parts[k] : d;
    if (o.kind == Operand::Kind::Register) bits = std::max(bits, width(o));
  }
  if (bits == 0) bits = std::max(16u, 8 * form.bytes);
  std::string prefix = "ld.";
  Inst inst;
  bool partial = false;
  for (unsigned k = 0; k < form.count; ++k) {
    inst.op[k] = vector_part(d, int(k));
    if (form.count == 1) break;
    if (inst.op[k] != kNone && !wanted_[std::size_t(d.parts[k].reg)]) inst.op[k] = kNone;
    partial = partial || inst.op[k] == kNone;
  }
  if (form.parameter && a.reg < 0) {
    if (auto argument = arguments_.find(a.symbol); argument != arguments_.end()) {
      prefix = "ld.argument.";
      inst.op[form.count] = argument->second.offset;
      inst.op[form.count + 1] = argument->second.stride;
      inst.imm = std::uint64_t(a.offset);
    } else if (auto parameter = entry_parameters_.find(a.symbol); parameter != entry_parameters_.end()) {
      prefix = "ld.parameter.";
      inst.imm = parameter->second + std::uint64_t(a.offset);
      if (inst.imm + form.bytes * form.count > code_.info.parameter_bytes) refuse("reads behind the parameters");
    } else {
      refuse("unknown parameter " + a.symbol);
    }
  } else {
    MemoryForm marked = form;
    marked.semantics.partial = partial;
    address(inst, int(form.count), a, marked);
  }
  const std::string name = prefix + element(form.type, bits) + ".v" + std::to_string(form.count);
  const Op* op = find_op(name);
  if (!op) refuse("unknown load");
  inst.full = op->full;
  inst.masked = op->masked;
  emit(inst);
}

void FunctionDecoder::store(const Instruction& i) {
  const MemoryForm form = memory_form(i);
  const Operand& a = i.operands.at(0);
  const Operand& s = i.operands.at(1);
  if ((s.kind == Operand::Kind::Vector ? s.parts.size() : 1) != form.count) refuse("vector and width disagree");
  unsigned bits = std::max(16u, 8 * form.bytes);
  for (unsigned k = 0; k < form.count; ++k) {
    const Operand& o = s.kind == Operand::Kind::Vector ? s.parts[k] : s;
    if (o.kind == Operand::Kind::Register) bits = std::max(bits, width(o));
  }
  const bool argument = form.parameter && a.reg < 0;
  Inst inst;
  const int first = argument ? 2 : 1;
  for (unsigned k = 0; k < form.count; ++k)
    inst.op[first + int(k)] = source(s.kind == Operand::Kind::Vector ? s.parts[k] : s, bits);
  if (argument) {
    auto found = arguments_.find(a.symbol);
    if (found == arguments_.end()) refuse("parameters of an entry cannot be written");
    inst.op[0] = found->second.offset;
    inst.op[1] = found->second.stride;
    inst.imm = std::uint64_t(a.offset);
  } else {
    address(inst, 0, a, form);
    if (form.space == kConstantSpace || form.space == kParameter) refuse("this space cannot be written");
  }
  const std::string name = std::string("st.") + (argument ? "argument." : "") + "u" + std::to_string(8 * form.bytes) +
                           ".r" + std::to_string(bits) + ".v" + std::to_string(form.count);
  const Op* op = find_op(name);
  if (!op) refuse("unknown store");
  inst.full = op->full;
  inst.masked = op->masked;
  emit(inst);
}

void FunctionDecoder::atomic(const Instruction& i, bool reduction) {
  MemoryForm form{kGeneric, "", 0, 1, false, {Order::Relaxed, Scope::Device}};
  std::string operation;
  for (std::size_t k = 1; k < i.opcode.size(); ++k) {
    const std::string& m = i.opcode[k];
    if (is_hint(m) || order_or_scope(m, &form.semantics) || space_of(m, &form.space)) continue;
    if (type_bits(m)) form.type = m, form.bytes = type_bits(m) / 8;
    else if (operation.empty()) operation = m;
    else refuse("unknown modifier ." + m);
  }
  const Op* op = find_op("atom." + operation + "." + form.type);
  if (!op) refuse("unknown atomic operation");
  const unsigned bits = 8 * form.bytes;
  form.semantics.size_log2 = unsigned(__builtin_ctz(form.bytes));
  const std::size_t first = reduction ? 0 : 1;
  Inst inst;
  inst.full = op->full;
  inst.masked = op->masked;
  inst.op[2] = source(i.operands.at(first + 1), bits);
  if (operation == "cas") inst.op[3] = source(i.operands.at(first + 2), bits);
  address(inst, 1, i.operands.at(first), form);
  inst.aux |= kAtomic;
  if (!reduction && i.operands[0].kind != Operand::Kind::Sink) inst.op[0] = destination(i.operands[0], bits);
  emit(inst);
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
