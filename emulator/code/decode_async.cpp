// cp.async, cp.async.bulk, cp.reduce.async.bulk, st.async, red.async, st.bulk. Copies of tensors are
// refused.
#include <algorithm>

#include "code/decoder.hpp"
#include "exec/async_forms.hpp"
#include "exec/ops/space.hpp"

namespace ptxvm::exec {

using ptx::Operand;

namespace {

bool has(const std::vector<std::string>& parts, const char* m) {
  return std::find(parts.begin(), parts.end(), m) != parts.end();
}

bool is_prefetch_size(const std::string& m) { return m == "L2::64B" || m == "L2::128B" || m == "L2::256B"; }

}  // namespace

bool FunctionDecoder::asynchronous(const Instruction& i) {
  const std::string& base = i.opcode[0];
  const std::string second = i.opcode.size() > 1 ? i.opcode[1] : "";
  if (base == "mbarrier") return mbarrier(i), true;
  if (base == "fence" || base == "membar") return fence(i), true;
  if (base == "cp" && (has(i.opcode, "tensor") || !has(i.opcode, "async")))
    refuse("copies of tensors are not supported");
  if (base == "tensormap") refuse("tensor maps are not supported");
  if (base == "cp" && second == "reduce") return bulk_copy(i), true;
  if (base == "cp") return i.opcode.size() > 2 ? copy_async(i) : refuse("unknown instruction"), true;
  if (base == "st" && second == "bulk") return store_bulk(i), true;
  if ((base == "st" || base == "red") && second == "async") return store_async(i), true;
  return false;
}

void FunctionDecoder::copy_async(const Instruction& i) {
  const std::string& kind = i.opcode[2];
  if (kind == "bulk" && i.opcode.size() > 3 && i.opcode[3] != "commit_group" && i.opcode[3] != "wait_group")
    return bulk_copy(i);
  const bool bulk = kind == "bulk";
  const std::string& action = bulk ? i.opcode.at(3) : kind;
  Inst inst;
  if (action == "commit_group" || action == "wait_group" || action == "wait_all") {
    WaitForm form;
    form.bulk = bulk;
    const std::size_t words = bulk ? 4 : 3;
    form.read_only =
        bulk && action == "wait_group" && i.opcode.size() == words + 1 && i.opcode[words] == "read";
    if (i.opcode.size() != words + form.read_only) refuse("unknown instruction");
    if (action == "wait_group") {
      if (i.operands.size() != 1 || i.operands[0].kind != Operand::Kind::Immediate)
        refuse("expected a number of groups");
      form.but = std::uint32_t(i.operands[0].bits);
    } else if (!i.operands.empty()) {
      refuse("expected no operands");
    }
    form.commit_first = action == "wait_all";
    inst.full = inst.masked = action == "commit_group" ? commit_group_handler() : wait_group_handler();
    inst.imm = form.encode();
    emit(inst);
    return;
  }
  if (kind == "mbarrier") {  // cp.async.mbarrier.arrive{.noinc}{.space}.b64 [addr]
    MbarrierForm form;
    form.op = MbarrierOp::CopyArrive;
    form.space = kGeneric;
    if (i.opcode.at(3) != "arrive" || i.opcode.back() != "b64" || i.operands.size() != 1)
      refuse("unknown instruction");
    for (std::size_t k = 4; k + 1 < i.opcode.size(); ++k) {
      if (i.opcode[k] == "noinc")
        form.no_increment = true;
      else if (i.opcode[k] == "global" || !async_space(i.opcode[k], &form.space))
        refuse("unknown modifier ." + i.opcode[k]);
    }
    inst.full = inst.masked = mbarrier_handler();
    inst.op[1] = whole_address(i.operands[0]);
    inst.imm = form.encode();
    inst.sem = Semantics{Order::Release, Scope::Block, false, 3}.encode();
    emit(inst);
    return;
  }
  // cp.async.{ca,cg}.shared.global{hints} [dst], [src], cp-size{, src-size | ignore-src}{, cache-policy}
  CopyForm form{kGeneric, kGeneric, 0};
  bool policy = false;
  if (kind != "ca" && kind != "cg") refuse("unknown instruction");
  for (std::size_t k = 3; k < i.opcode.size(); ++k) {
    const std::string& m = i.opcode[k];
    if (m == "L2::cache_hint")
      policy = true;
    else if (m == "global")
      form.from_space = kGlobal;
    else if (m == "shared" || m == "shared::cta")
      form.to_space = kShared;
    else if (!is_prefetch_size(m))
      refuse("unknown modifier ." + m);
  }
  const auto& o = i.operands;
  const std::size_t count = o.size() - (policy ? 1 : 0);
  if (form.to_space != kShared || form.from_space != kGlobal || count < 3 || count > 4)
    refuse("unknown form of cp.async");
  if (policy) source(o.back(), 64);
  form.bytes = std::uint8_t(o[2].bits);
  const bool known = o[2].kind == Operand::Kind::Immediate &&
                     (o[2].bits == 16 || (kind == "ca" && (o[2].bits == 4 || o[2].bits == 8)));
  if (!known) refuse("cp.async copies 4, 8 or 16 bytes, .cg 16");
  inst.op[0] = whole_address(o[0]);
  inst.op[1] = whole_address(o[1]);
  if (count == 4) {
    const bool predicate = o[3].kind == Operand::Kind::Register && width(o[3]) == 1;
    inst.op[predicate ? 3 : 2] = source(o[3], predicate ? 1 : 32);
  }
  inst.full = inst.masked = copy_handler();
  inst.imm = form.encode();
  inst.site = ++p_.sites;
  inst.sem = Semantics{Order::Weak, Scope::Block, false, unsigned(__builtin_ctz(form.bytes))}.encode();
  emit(inst);
}

// cp{.reduce}.async.bulk.dst.src.completion{.multicast}{.hint}{.op.type} [dst], [src], size{, [mbar]}{,
// mask}{, policy} cp.async.bulk.prefetch.L2.global{.hint} [src], size{, policy}
void FunctionDecoder::bulk_copy(const Instruction& i) {
  const bool reduces = i.opcode[1] == "reduce";
  BulkForm form;
  bool policy = false, group = false, barrier = false;
  std::vector<std::string> spaces, operation;
  for (std::size_t k = reduces ? 4 : 3; k < i.opcode.size(); ++k) {
    const std::string& m = i.opcode[k];
    std::uint8_t space;
    if (async_space(m, &space))
      spaces.push_back(m);
    else if (m == "L2::cache_hint")
      policy = true;
    else if (m == "bulk_group")
      group = true;
    else if (m == "mbarrier::complete_tx::bytes")
      barrier = true;
    else if (m == "multicast::cluster" && !reduces)
      form.multicast = true;
    else if (m == "cp_mask" && !reduces)
      form.masked = true;
    else if (m == "prefetch" && !reduces && k == 3 && i.opcode.size() > 4 && i.opcode[4] == "L2")
      form.prefetch = true, ++k;
    else if (reduces)
      operation.push_back(m);
    else
      refuse("unknown modifier ." + m);
  }
  const auto& o = i.operands;
  Inst inst;
  inst.full = inst.masked = bulk_handler();
  inst.site = ++p_.sites;
  inst.sem = Semantics{Order::Weak, Scope::Cluster, false, 4, true}.encode();
  std::size_t at = 0;
  if (form.prefetch) {
    if (spaces != std::vector<std::string>{"global"} || o.size() != 2u + policy)
      refuse("unknown form of prefetch");
    form.from_space = kGlobal;
    inst.op[1] = whole_address(o[0]);
    inst.op[2] = source(o[1], 32);
    if (policy) source(o[2], 64);
    inst.imm = form.encode();
    emit(inst);
    return;
  }
  if (spaces.size() != 2) refuse("expected the spaces of destination and source");
  const std::string &to = spaces[0], &from = spaces[1];
  const bool out = to == "global" && from == "shared::cta" && group && !barrier;
  const bool in =
      !reduces && (to == "shared::cta" || to == "shared::cluster") && from == "global" && barrier && !group;
  const bool across = to == "shared::cluster" && from == "shared::cta" && barrier && !group;
  if ((!out && !in && !across) || (form.multicast && (!in || to != "shared::cluster")) ||
      (form.masked && !out) || (policy && across))
    refuse("unknown form of a bulk copy");
  async_space(to, &form.to_space);
  async_space(from, &form.from_space);
  form.barrier_space = form.to_space;
  form.remote = across;
  if (reduces) {
    const std::string name = dotted(operation);
    static const std::set<std::string> within_cluster = {"add.u32", "add.s32", "add.u64", "min.u32",
                                                         "min.s32", "max.u32", "max.s32", "inc.u32",
                                                         "dec.u32", "and.b32", "or.b32",  "xor.b32"};
    const int number = reduction_number(name.c_str());
    if (number < 0 || (across && !within_cluster.count(name))) refuse("unknown reduction ." + name);
    form.reduction = std::uint8_t(number + 1);
  }
  const std::size_t wanted = 3u + barrier + (form.multicast || form.masked) + policy;
  if (o.size() != wanted) refuse("expected " + std::to_string(wanted) + " operands");
  inst.op[0] = whole_address(o[at++]);
  inst.op[1] = whole_address(o[at++]);
  inst.op[2] = source(o[at++], 32);
  if (barrier) inst.op[3] = whole_address(o[at++]);
  if (form.multicast) inst.op[4] = source(o[at++], 16);
  if (policy) source(o[at++], 64);
  if (form.masked) inst.op[4] = source(o[at++], 16);
  inst.imm = form.encode();
  emit(inst);
}

// st.async{.weak}{.shared::cluster}.mbarrier::complete_tx::bytes{.vec}.type [a], b, [mbar]
// red.async.relaxed.cluster{.shared::cluster}{.mbarrier::complete_tx::bytes}.op.type [a], b, [mbar]
void FunctionDecoder::store_async(const Instruction& i) {
  const bool reduces = i.opcode[0] == "red";
  BulkForm form;
  form.to_space = form.barrier_space = kGeneric;
  form.values = 1;
  Semantics semantics{reduces ? Order::Relaxed : Order::Weak, Scope::Cluster};
  std::string operation, type;
  bool barrier = reduces;
  for (std::size_t k = 2; k < i.opcode.size(); ++k) {
    const std::string& m = i.opcode[k];
    if (m == "shared::cluster")
      async_space(m, &form.to_space);
    else if (m == "mbarrier::complete_tx::bytes")
      barrier = true;
    else if (!reduces && (m == "v2" || m == "v4"))
      form.values = m == "v2" ? 2 : 4;
    else if ((m == "weak" && !reduces) || (m == "relaxed" && reduces) || m == "cluster")
      order_or_scope(m, &semantics);
    else if (type_bits(m) >= 32 && k + 1 == i.opcode.size())
      type = m, form.element = std::uint8_t(type_bits(m) / 8);
    else if (reduces && operation.empty())
      operation = m;
    else
      refuse("unknown modifier ." + m);
  }
  if (!barrier || type.empty() || form.element > 8 || form.values * form.element > 16 ||
      i.operands.size() != 3)
    refuse("unknown form of an asynchronous store");
  form.barrier_space = form.to_space;
  if (reduces) {
    static const std::set<std::string> known = {"add.u32", "add.s32", "add.u64", "min.u32",
                                                "min.s32", "max.u32", "max.s32", "inc.u32",
                                                "dec.u32", "and.b32", "or.b32",  "xor.b32"};
    const std::string name = operation + "." + type;
    if (!known.count(name)) refuse("unknown reduction ." + name);
    form.reduction = std::uint8_t(reduction_number(name.c_str()) + 1);
    form.remote = true;
  }
  const auto& o = i.operands;
  Inst inst;
  inst.op[0] = whole_address(o[0]);
  const bool vector = o[1].kind == Operand::Kind::Vector;
  if ((vector ? o[1].parts.size() : 1) != form.values) refuse("vector and width disagree");
  for (unsigned k = 0; k < form.values; ++k)
    inst.op[5 + k] = source(vector ? o[1].parts[k] : o[1], 8u * form.element);
  inst.op[3] = whole_address(o[2]);
  inst.full = inst.masked = bulk_handler();
  inst.imm = form.encode();
  inst.site = ++p_.sites;
  semantics.size_log2 = unsigned(__builtin_ctz(form.element));
  inst.sem = semantics.encode();
  emit(inst);
}

// st.bulk{.weak}{.shared::cta} [a], size, 0
void FunctionDecoder::store_bulk(const Instruction& i) {
  std::uint8_t space = kGeneric;
  for (std::size_t k = 2; k < i.opcode.size(); ++k) {
    const std::string& m = i.opcode[k];
    if (m == "shared" || m == "shared::cta")
      space = kShared;
    else if (m != "weak")
      refuse("unknown modifier ." + m);
  }
  const auto& o = i.operands;
  if (o.size() != 3 || o[2].kind != Operand::Kind::Immediate || o[2].bits != 0)
    refuse("st.bulk stores zeros only");
  Inst inst;
  inst.op[0] = whole_address(o[0]);
  if (o[1].kind == Operand::Kind::Register && width(o[1]) == 32) {
    inst.op[1] = temporary(64);
    emit("cvt.u64.u32", {inst.op[1], source(o[1], 32)});
  } else {
    inst.op[1] = source(o[1], 64);
  }
  inst.full = inst.masked = store_zeros_handler();
  inst.imm = space;
  inst.site = ++p_.sites;
  inst.sem = Semantics{Order::Weak, Scope::Block, false, 3}.encode();
  emit(inst);
}

}  // namespace ptxvm::exec
