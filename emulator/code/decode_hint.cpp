// Instructions that speak to caches: prefetch, applypriority, createpolicy. They may change speed and never
// results, so they are checked for what the ISA has and left out. discard is no hint: it destroys what the
// bytes hold.
#include <algorithm>
#include <set>

#include "code/decoder.hpp"
#include "exec/ops/space.hpp"

namespace ptxvm::exec {

using ptx::Operand;

namespace {

bool is_priority(const std::string& m, bool secondary) {
  static const std::set<std::string> primary{"L2::evict_last", "L2::evict_normal", "L2::evict_first",
                                             "L2::evict_unchanged"};
  return secondary ? m == "L2::evict_first" || m == "L2::evict_unchanged" : primary.count(m) != 0;
}

}  // namespace

bool FunctionDecoder::hint(const Instruction& i) {
  static const std::set<std::string> known{"prefetch.L1",
                                           "prefetch.L2",
                                           "prefetch.global.L1",
                                           "prefetch.global.L2",
                                           "prefetch.local.L1",
                                           "prefetch.local.L2",
                                           "prefetchu.L1",
                                           "applypriority.L2::evict_normal",
                                           "prefetch.global.L2::evict_last",
                                           "prefetch.global.L2::evict_normal",
                                           "applypriority.global.L2::evict_normal"};
  const std::string& base = i.opcode[0];
  if (base == "discard") return discard(i), true;
  if (base == "createpolicy") return create_policy(i), true;
  if (base == "pmevent") return true;
  if (base != "prefetch" && base != "prefetchu" && base != "applypriority") return false;
  if (!known.count(text()) || i.operands.empty() || i.operands[0].kind != Operand::Kind::Address)
    refuse("unknown instruction");
  return true;
}

// A policy is opaque: only hints read it. createpolicy.cvt passes an access property on.
void FunctionDecoder::create_policy(const Instruction& i) {
  const auto& o = i.opcode;
  const std::size_t n = o.size(), operands = i.operands.size();
  bool known = n >= 3 && o.back() == "b64";
  if (known && o[1] == "cvt") {
    known = n == 4 && o[2] == "L2" && operands == 2;
  } else if (known && o[1] == "fractional") {
    known = n >= 4 && n <= 5 && is_priority(o[2], false) && (n == 4 || is_priority(o[3], true)) &&
            (operands == 1 || operands == 2);
  } else if (known && o[1] == "range") {
    const std::size_t first = o[2] == "global" ? 3 : 2;
    known = n >= first + 2 && n <= first + 3 && is_priority(o[first], false) &&
            (n == first + 2 || is_priority(o[first + 1], true)) && operands == 4;
  } else {
    known = false;
  }
  if (!known) refuse("unknown instruction");
  Ref policy = o[1] == "cvt" ? source(i.operands[1], 64) : m_.constant(64, 0);
  emit("mov.b64", {destination(i.operands[0], 64), policy});
}

// discard{.global}.L2 [a], 128: what the bytes hold is undetermined afterwards.
void FunctionDecoder::discard(const Instruction& i) {
  const auto& o = i.opcode;
  const bool global = o.size() == 3 && o[1] == "global";
  const bool size =
      i.operands.size() == 2 && i.operands[1].kind == Operand::Kind::Immediate && i.operands[1].bits == 128;
  if (o.back() != "L2" || (!global && o.size() != 2) || !size) refuse("unknown instruction");
  const Op* op = find_op("discard");
  Inst inst;
  inst.full = op->full;
  inst.masked = op->masked;
  address(inst, 0, i.operands[0], MemoryForm{global ? kGlobal : kGeneric, "b8", 1, 128, false, {}, {}});
  emit(inst);
}

}  // namespace ptxvm::exec
