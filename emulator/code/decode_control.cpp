// Branches, calls, barriers, and the instructions that gather the lanes of a member mask.
#include <algorithm>

#include "code/decoder.hpp"
#include "exec/builtins.hpp"

namespace ptxvm::exec {

using ptx::Operand;

bool FunctionDecoder::control(const Instruction& i) {
  const std::string& base = i.opcode[0];
  Inst inst;
  if (base == "bra") {
    inst.flow = Flow::Branch;
    branches_.emplace_back(std::uint32_t(p_.code.size()), i.operands.at(0).symbol);
    emit(inst);
    pending_join_ = true;
  } else if (base == "brx") {
    inst.flow = Flow::BranchTable;
    inst.op[0] = source(i.operands.at(0), 32);
    tables_.emplace_back(std::uint32_t(p_.code.size()), i.operands.at(1).symbol);
    emit(inst);
    pending_join_ = true;
  } else if (base == "ret" || base == "exit") {
    inst.flow = base == "exit" || code_.is_entry ? Flow::Exit : Flow::Return;
    emit(inst);
    pending_join_ = true;
  } else if (base == "trap" || base == "brkpt") {
    inst.flow = Flow::Trap;
    emit(inst);
  } else if (base == "call") {
    call(i);
  } else if (base == "bar" || base == "barrier") {
    barrier(i);
  } else if (base == "griddepcontrol") {
    // One grid runs after another, so who waits for the grids before has them done, and who lets the next begin
    // early may be followed late.
    if (i.opcode.size() != 2 || (i.opcode[1] != "wait" && i.opcode[1] != "launch_dependents")) refuse("unknown instruction");
  } else if (base == "nanosleep") {
    inst.flow = Flow::Yield;
    emit(inst);
  } else if (base == "shfl" || base == "vote" || base == "match" || base == "redux" || base == "elect" ||
             base == "activemask") {
    collective(i);
  } else {
    return cluster(i);
  }
  return true;
}

void FunctionDecoder::barrier(const Instruction& i) {
  std::vector<std::string> parts;
  for (std::size_t k = 1; k < i.opcode.size(); ++k)
    if (i.opcode[k] != "cta" && i.opcode[k] != "aligned") parts.push_back(i.opcode[k]);
  if (parts.empty()) refuse("unknown barrier");
  if (parts[0] == "cluster") return cluster_barrier(i);
  Inst inst;
  if (parts[0] == "warp") {  // bar.warp.sync members
    inst.flow = Flow::Collective;
    inst.full = inst.masked = find_op("nothing")->full;
    inst.mask_op = 0;
    inst.op[0] = source(i.operands.at(0), 32);
    inst.aux = 1;  // lanes may come to it at different places
    emit(inst);
    return;
  }
  inst.flow = Flow::Barrier;
  if (parts[0] == "sync" || parts[0] == "arrive") {
    inst.imm = std::uint64_t(parts[0] == "sync" ? BarrierKind::Sync : BarrierKind::Arrive);
    inst.op[0] = source(i.operands.at(0), 32);
    if (i.operands.size() > 1) inst.op[1] = source(i.operands[1], 32);
    emit(inst);
    return;
  }
  if (parts[0] != "red" || parts.size() < 2) refuse("unknown barrier");
  const BarrierKind kind = parts[1] == "popc"  ? BarrierKind::ReducePopc
                           : parts[1] == "and" ? BarrierKind::ReduceAnd
                           : parts[1] == "or"  ? BarrierKind::ReduceOr
                                               : BarrierKind::Sync;
  if (kind == BarrierKind::Sync) refuse("unknown barrier");
  inst.imm = std::uint64_t(kind);
  inst.op[0] = source(i.operands.at(1), 32);
  if (i.operands.size() > 3) inst.op[1] = source(i.operands[2], 32);
  inst.op[3] = source(i.operands.back(), 1);
  const Ref id = inst.op[0];
  emit(inst);
  Inst result;  // runs when the barrier has completed
  result.full = result.masked = barrier_result_handler();
  result.imm = std::uint64_t(kind);
  result.op[0] = destination(i.operands[0], kind == BarrierKind::ReducePopc ? 32 : 1);
  result.op[1] = id;
  emit(result);
}

void FunctionDecoder::collective(const Instruction& i) {
  const std::string& base = i.opcode[0];
  std::string name = base;
  for (std::size_t k = 1; k < i.opcode.size(); ++k)
    if (i.opcode[k] != "sync") name += "." + i.opcode[k];
  Inst inst;
  inst.flow = Flow::Collective;
  const auto& o = i.operands;
  auto pair_parts = [&](const Operand& d, unsigned bits, Ref* value, Ref* predicate) {
    *predicate = kNone;
    if (d.kind == Operand::Kind::Pair) {
      *value = destination(d.parts[0], bits);
      if (d.parts[1].kind != Operand::Kind::Sink) *predicate = destination(d.parts[1], 1);
    } else {
      *value = destination(d, bits);
    }
  };
  if (base == "activemask") {
    inst.flow = Flow::Plain;
    inst.op[0] = destination(o.at(0), 32);
  } else if (base == "shfl") {
    if (o.size() != 5) refuse("shfl without .sync is not supported");
    for (int k = 1; k < 5; ++k) inst.op[k + 1] = source(o[std::size_t(k)], 32);
    pair_parts(o[0], 32, &inst.op[0], &inst.op[1]);
    inst.mask_op = 5;
  } else if (base == "vote") {
    if (o.size() != 3) refuse("vote without .sync is not supported");
    Operand p = o[1];
    inst.aux = p.negated;
    p.negated = false;
    inst.op[1] = p.kind == Operand::Kind::Immediate ? m_.constant(1, p.bits) : source(p, 1);
    inst.op[2] = source(o[2], 32);
    inst.op[0] = destination(o[0], i.opcode.back() == "b32" ? 32 : 1);
    inst.mask_op = 2;
  } else if (base == "match") {
    inst.op[2] = source(o.at(1), type_bits(i.opcode.back()));
    inst.op[3] = source(o.at(2), 32);
    pair_parts(o[0], 32, &inst.op[0], &inst.op[1]);
    inst.mask_op = 3;
  } else if (base == "redux") {
    inst.op[1] = source(o.at(1), 32);
    inst.op[2] = source(o.at(2), 32);
    inst.op[0] = destination(o[0], 32);
    inst.mask_op = 2;
  } else {  // elect.sync d|p, members
    if (o.at(0).kind != Operand::Kind::Pair) refuse("elect needs d|p");
    if (o[0].parts[0].kind != Operand::Kind::Sink) inst.op[0] = destination(o[0].parts[0], 32);
    inst.op[1] = destination(o[0].parts[1], 1);
    inst.op[2] = source(o.at(1), 32);
    inst.mask_op = 2;
  }
  const Op* op = find_op(name);
  if (!op) refuse("unknown instruction");
  inst.full = op->full;
  inst.masked = op->masked;
  emit(inst);
}

std::uint32_t FunctionDecoder::argument_bytes(const std::string& variable) const {
  for (const ptx::Variable& v : f_.variables)
    if (v.name == variable) return std::uint32_t(v.size);
  for (const auto* list : {&f_.parameters, &f_.results})
    for (const ptx::Variable& v : *list)
      if (v.name == variable) return std::uint32_t(v.size);
  refuse("unknown argument " + variable);
}

// call{.uni} {(results),} target{, (arguments)}{, prototype}
void FunctionDecoder::call(const Instruction& i) {
  const auto& o = i.operands;
  std::size_t k = 0;
  std::vector<Operand> results, arguments;
  if (k < o.size() && o[k].kind == Operand::Kind::Tuple) results = o[k++].parts;
  if (k >= o.size()) refuse("call without a target");
  const Operand& target = o[k++];
  if (k < o.size() && o[k].kind == Operand::Kind::Tuple) arguments = o[k++].parts;

  CallSite site;
  site.caller = number_;
  // Offsets follow the callee's layout: sizes and alignments are those of the variables passed.
  auto copies = [&](const std::vector<Operand>& passed, std::uint32_t base, bool to_callee, std::vector<ArgumentCopy>* out) {
    std::uint32_t stride = 0;
    std::vector<ArgumentCopy> list;
    for (const Operand& p : passed) {
      auto found = arguments_.find(p.symbol);
      if (found == arguments_.end()) refuse("call passes " + p.symbol + ", which is no .param variable");
      std::uint32_t bytes = argument_bytes(p.symbol), align = 1;
      for (const ptx::Variable& v : f_.variables)
        if (v.name == p.symbol) align = std::max(1u, v.align);
      stride = (stride + align - 1) / align * align;
      list.push_back({found->second.offset, found->second.stride, stride, 0, bytes});
      stride += bytes;
    }
    stride = (stride + 15) & ~15u;
    for (ArgumentCopy& c : list) {
      c.to += base;
      c.to_stride = stride;
      if (!to_callee) std::swap(c.from, c.to), std::swap(c.from_stride, c.to_stride);
    }
    *out = list;
    return stride;
  };
  const std::uint32_t result_stride = copies(results, kFrameHeader, false, &site.results);
  copies(arguments, kFrameHeader + 32 * result_stride, true, &site.arguments);

  Inst inst;
  if (target.kind == Operand::Kind::Symbol) {
    if (Handler builtin = builtin_function(target.symbol)) {
      site.callee = -1;
      inst.full = inst.masked = builtin;
      inst.imm = p_.calls.size();
      for (int n = 0; n < 4; ++n) {
        if (n < int(site.arguments.size())) {
          inst.op[2 * n] = site.arguments[std::size_t(n)].from;
          inst.op[2 * n + 1] = site.arguments[std::size_t(n)].from_stride;
        }
      }
      if (!site.results.empty()) inst.op[8] = site.results[0].to, inst.op[9] = site.results[0].to_stride;
      p_.calls.push_back(std::move(site));
      emit(inst);
      return;
    }
    auto found = p_.function_index.find(target.symbol);
    if (found == p_.function_index.end()) refuse("call of unknown function " + target.symbol);
    bool has_body = false;
    for (const ptx::Function& f : m_.module.functions) has_body |= f.name == target.symbol && f.has_body;
    if (!has_body) refuse("call of " + target.symbol + ", which has no body in this module");
    site.callee = found->second;
    code_.callees.push_back(site.callee);
    inst.flow = Flow::Call;
  } else if (target.kind == Operand::Kind::Register) {
    inst.flow = Flow::CallIndirect;
    inst.op[0] = source(target, 64);
    code_.calls_unknown = true;
  } else {
    refuse("unknown call");
  }
  inst.imm = p_.calls.size();
  emit(inst);
  if (!site.results.empty()) {
    Inst collect;
    collect.full = collect.masked = collect_results_handler();
    collect.imm = p_.calls.size();
    emit(collect);
  }
  p_.calls.push_back(std::move(site));
  pending_join_ = true;
}

}  // namespace ptxvm::exec
