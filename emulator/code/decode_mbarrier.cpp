// mbarrier.*, and the fences of all kinds.
#include <algorithm>

#include "code/decoder.hpp"
#include "code/fence.hpp"
#include "exec/async_forms.hpp"
#include "exec/builtins.hpp"
#include "exec/ops/space.hpp"

namespace ptxvm::exec {

using ptx::Operand;

// An address operand as one 64-bit value.
Ref FunctionDecoder::whole_address(const Operand& o) {
  if (o.kind != Operand::Kind::Address) refuse("the operand is no address");
  if (o.reg < 0) {
    if (o.symbol.empty()) return m_.constant(64, std::uint64_t(o.offset));
    Operand symbol = o;
    symbol.kind = Operand::Kind::Symbol;
    return source(symbol, 64);
  }
  Ref base = register_[std::size_t(o.reg)];
  const unsigned bits = width(o);
  if (bits != 32 && bits != 64) refuse("the address register has neither 32 nor 64 bits");
  if (o.offset != 0) {
    Ref sum = temporary(bits);
    emit(bits == 32 ? "add.u32" : "add.u64", {sum, base, m_.constant(bits, std::uint64_t(o.offset))});
    base = sum;
  }
  if (bits == 64) return base;
  Ref wide = temporary(64);
  emit("cvt.u64.u32", {wide, base});
  return wide;
}

bool FunctionDecoder::async_space(const std::string& m, std::uint8_t* space) const {
  if (m == "shared" || m == "shared::cta")
    *space = kShared;
  else if (m == "shared::cluster")
    *space = kSharedCluster;
  else if (m == "global")
    *space = kGlobal;
  else
    return false;
  return true;
}

// mbarrier.op{.variants}{.sem.scope}{.space}.b64
void FunctionDecoder::mbarrier(const Instruction& i) {
  const std::string& name = i.opcode.at(1);
  const auto& o = i.operands;
  Inst inst;
  inst.full = inst.masked = mbarrier_handler();
  if (i.opcode.back() != "b64") refuse("unknown instruction");
  if (name == "pending_count") {
    inst.full = inst.masked = pending_count_handler();
    inst.op[1] = source(o.at(1), 64);
    inst.op[0] = destination(o[0], 32);
    emit(inst);
    return;
  }
  MbarrierForm form;
  form.space = kGeneric;
  Semantics semantics{Order::Release, Scope::Block};
  const bool waits = name == "test_wait" || name == "try_wait",
             arrives = name == "arrive" || name == "arrive_drop";
  const bool counts = name == "expect_tx" || name == "complete_tx";
  if (waits) semantics.order = Order::Acquire;
  if (counts) semantics.order = Order::Relaxed;
  if (name == "init" || name == "inval") semantics.order = Order::Weak;
  for (std::size_t k = 2; k + 1 < i.opcode.size(); ++k) {
    const std::string& m = i.opcode[k];
    if (m != "global" && async_space(m, &form.space)) continue;
    if (m == "parity" && waits)
      form.parity = true;
    else if (m == "noComplete" && arrives)
      form.no_complete = true;
    else if (m == "expect_tx" && arrives)
      form.expect = true;
    else if (!(waits || arrives || counts) || !order_or_scope(m, &semantics))
      refuse("unknown modifier ." + m);
  }
  semantics.size_log2 = 3;
  inst.sem = semantics.encode();
  if (name == "init")
    form.op = MbarrierOp::Init;
  else if (name == "inval")
    form.op = MbarrierOp::Inval;
  else if (name == "expect_tx")
    form.op = MbarrierOp::ExpectTx;
  else if (name == "complete_tx")
    form.op = MbarrierOp::CompleteTx;
  else if (name == "test_wait")
    form.op = MbarrierOp::TestWait;
  else if (name == "try_wait")
    form.op = MbarrierOp::TryWait;
  else if (arrives)
    form.op = MbarrierOp::Arrive, form.drop = name == "arrive_drop";
  else
    refuse("unknown instruction");

  const bool has_result = waits || arrives;
  const std::size_t address = has_result ? 1 : 0, most = has_result        ? (name == "try_wait" ? 4 : 3)
                                                         : name == "inval" ? 1
                                                                           : 2;
  const bool needs_value = !arrives ? name != "inval" : form.expect || form.no_complete;
  if (o.size() > most || o.size() < address + (needs_value ? 2 : 1)) refuse("wrong number of operands");
  inst.op[1] = whole_address(o[address]);
  if (o.size() > address + 1) inst.op[2] = source(o[address + 1], waits && !form.parity ? 64 : 32);
  if (o.size() > address + 2) source(o[address + 2], 32);  // how long try_wait may suspend: a hint
  if (waits) {
    inst.op[0] = destination(o[0], 1);
    inst.flow = Flow::PhaseWait;
  } else if (arrives && o[0].kind != Operand::Kind::Sink) {
    inst.op[0] = destination(o[0], 64);
  }
  inst.imm = form.encode();
  emit(inst);
}

// membar.level, fence{.sem}.scope, fence.proxy.*, fence.mbarrier_init.*, fence.*.sync_restrict::*
void FunctionDecoder::fence(const Instruction& i) {
  const bool membar = i.opcode[0] == "membar";
  Semantics semantics{membar ? Order::Sequential : Order::AcquireRelease, Scope::System};
  FenceForm form;
  auto is = [&](std::size_t k, const char* m) { return k < i.opcode.size() && i.opcode[k] == m; };
  std::size_t k = 1;
  if (is(1, "proxy")) {
    if (is(2, "alias"))
      form.kind = FenceForm::Kind::ProxyAlias;
    else if (is(2, "async") && !membar)
      form.kind = FenceForm::Kind::ProxyAsync;
    else if (is(2, "async::generic") && !membar)
      form.kind = FenceForm::Kind::ProxyAsyncGeneric;
    else
      refuse("this proxy fence is not supported");
    semantics.async_proxy = form.kind != FenceForm::Kind::ProxyAlias;
    k = 3;
  } else if (is(1, "mbarrier_init") && !membar) {
    form.kind = FenceForm::Kind::MbarrierInit;
    k = 2;
  }
  bool scoped = false;
  for (; k < i.opcode.size(); ++k) {
    const std::string& m = i.opcode[k];
    std::uint8_t space;
    const bool restricted = m.rfind("sync_restrict::", 0) == 0;
    if (membar && m == "gl")
      semantics.scope = Scope::Device, scoped = true;
    else if (restricted && (m == "sync_restrict::shared::cta" || m == "sync_restrict::shared::cluster")) {
      if (form.kind == FenceForm::Kind::Thread) form.kind = FenceForm::Kind::SyncRestrict;
      form.memory = m == "sync_restrict::shared::cta" ? FenceForm::Memory::SharedOfBlock
                                                      : FenceForm::Memory::SharedOfCluster;
    } else if (form.kind == FenceForm::Kind::ProxyAsync && async_space(m, &space)) {
      form.memory = m == "global"            ? FenceForm::Memory::Global
                    : m == "shared::cluster" ? FenceForm::Memory::SharedOfCluster
                                             : FenceForm::Memory::SharedOfBlock;
    } else if (form.kind != FenceForm::Kind::ProxyAlias && form.kind != FenceForm::Kind::ProxyAsync &&
               order_or_scope(m, &semantics)) {
      scoped |= m == "cta" || m == "cluster" || m == "gpu" || m == "sys";
    } else {
      refuse("unknown modifier ." + m);
    }
  }
  if (form.kind == FenceForm::Kind::Thread && !scoped) refuse("a fence without a scope");
  Inst inst;
  inst.sem = semantics.encode();
  inst.imm = form.encode();
  inst.full = inst.masked = fence_handler();
  emit(inst);
}

}  // namespace ptxvm::exec
