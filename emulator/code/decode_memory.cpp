// cvta, isspacep, ld, st: state space, width, vector. Cache and eviction hints are dropped. The machine meets
// every order and scope by the strongest; what was asked for goes to Inst::sem.
#include <algorithm>

#include "code/decoder.hpp"
#include "exec/ops/space.hpp"

namespace ptxvm::exec {

using ptx::Operand;

namespace {

// What may change an access's speed and never its result.
bool is_hint(const std::string& m, bool load) {
  static const std::set<std::string> loads{"ca", "cg", "cs", "lu", "cv", "L2::64B", "L2::128B", "L2::256B"};
  static const std::set<std::string> stores{"wb", "cg", "cs", "wt"};
  static const std::set<std::string> both{
      "unified",         "L1::evict_normal", "L1::evict_unchanged", "L1::evict_first", "L1::evict_last",
      "L1::no_allocate", "L2::evict_normal", "L2::evict_first",     "L2::evict_last",  "L2::cache_hint"};
  return both.count(m) || (load ? loads : stores).count(m);
}

}  // namespace

bool space_of(const std::string& m, std::uint8_t* space) {
  if (m == "global") *space = kGlobal;
  else if (m == "shared" || m == "shared::cta") *space = kShared;
  else if (m == "shared::cluster") *space = kSharedCluster;
  else if (m == "local") *space = kLocal;
  else if (m == "const") *space = kConstantSpace;
  else if (m == "param" || m == "param::entry" || m == "param::func") *space = kParameter;
  else return false;
  return true;
}

namespace {

// The name under which a load handler is listed: sign matters only where the register is wider.
std::string element(const std::string& type, unsigned register_bits) {
  const unsigned bits = type_bits(type);
  const bool extend = type[0] == 's' && bits < register_bits;
  return (extend ? "s" : "u") + std::to_string(bits) + ".r" + std::to_string(register_bits);
}

}  // namespace

// Takes m if it is an order, a scope or the read-only path; an order and a scope may be named once.
bool FunctionDecoder::take_order(MemoryForm& form, const std::string& m) const {
  static const std::set<std::string> scopes{"cta", "cluster", "gpu", "sys"};
  if (!order_or_scope(m, &form.semantics)) return false;
  std::string& to = scopes.count(m) ? form.order.scope
                    : m == "mmio"   ? form.order.mmio
                    : m == "nc"     ? form.order.path
                                    : form.order.sem;
  if (!to.empty()) refuse("." + m + " behind ." + to);
  to = m;
  return true;
}

FunctionDecoder::MemoryForm FunctionDecoder::memory_form(const Instruction& i) const {
  const bool is_load = i.opcode[0] != "st";
  MemoryForm form{kGeneric, "", 0, 1, false, {}, {}};
  bool policy = false;
  for (std::size_t k = 1; k < i.opcode.size(); ++k) {
    const std::string& m = i.opcode[k];
    policy |= m == "L2::cache_hint";
    if (is_hint(m, is_load) || take_order(form, m)) continue;
    if (space_of(m, &form.space)) continue;
    if (m == "v2") form.count = 2;
    else if (m == "v4") form.count = 4;
    else if (m == "v8") form.count = 8;
    else if (type_bits(m)) form.type = m, form.bytes = type_bits(m) / 8;
    else refuse("unknown modifier ." + m);
  }
  const std::string& sem = form.order.sem;
  const bool strong = sem == "relaxed" || sem == (is_load ? "acquire" : "release");
  if (!sem.empty() && !strong && sem != "weak" && sem != "volatile")
    refuse("no order of this instruction: ." + sem);
  if (strong == form.order.scope.empty())
    refuse(strong ? "." + sem + " needs a scope" : "a scope without an order");
  if (!form.order.path.empty() && !is_load) refuse("unknown modifier .nc");
  if (!form.order.mmio.empty() && (sem != "relaxed" || form.order.scope != "sys"))
    refuse(".mmio is .relaxed.sys");
  if (form.type.empty() || form.type == "pred" || (form.bytes > 8 && form.count > 1)) refuse("unknown type");
  check_policy(i, policy, 2);
  form.parameter = form.space == kParameter;
  form.semantics.size_log2 = unsigned(__builtin_ctz(form.bytes));
  return form;
}

// .L2::cache_hint comes with one operand more, a policy of 64 bits; it is a hint, too.
void FunctionDecoder::check_policy(const Instruction& i, bool policy, std::size_t operands) const {
  if (i.operands.size() != operands + policy)
    refuse("expected " + std::to_string(operands + policy) + " operands");
  if (!policy) return;
  const Operand& o = i.operands.back();
  if (o.kind != Operand::Kind::Immediate && (o.kind != Operand::Kind::Register || width(o) != 64))
    refuse("a cache policy has 64 bits");
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
  const std::string scalar = prefix + element(form.type, bits) + ".v";
  const Op* op = find_op(scalar + std::to_string(form.count));
  if (!op) refuse("unknown load");
  if (form.semantics.strong() && prefix == "ld.") inst.flow = Flow::Poll;
  inst.full = op->full;
  inst.masked = op->masked;
  if (torn(form)) tear(inst, form, true, scalar + "1");
  else emit(inst);
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
  const std::string scalar = std::string("st.") + (argument ? "argument." : "") + "u" + std::to_string(8 * form.bytes) +
                             ".r" + std::to_string(bits) + ".v";
  const Op* op = find_op(scalar + std::to_string(form.count));
  if (!op) refuse("unknown store");
  inst.full = op->full;
  inst.masked = op->masked;
  if (torn(form)) tear(inst, form, false, scalar + "1");
  else emit(inst);
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
  if (space == "shared" || space == "shared::cta" || space == "shared::cluster") {
    Inst inst;
    inst.full = inst.masked = is_shared_handler();
    inst.aux = space == "shared::cluster" ? kSharedCluster : kShared;
    inst.op[0] = p;
    inst.op[1] = a;
    emit(inst);
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
