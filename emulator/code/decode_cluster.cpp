// Clusters: addresses in other blocks' shared memory; grid dependencies, and registers that warps hand over.
#include "code/decoder.hpp"
#include "exec/ops/space.hpp"

namespace ptxvm::exec {

bool FunctionDecoder::cluster(const Instruction& i) {
  const std::string& base = i.opcode[0];
  if (base == "mapa") return map_address(i), true;
  if (base == "getctarank") return rank_of_address(i), true;
  if (base == "setmaxnreg") return set_registers(i), true;
  return false;
}

namespace {

// "mapa.shared::cluster.u32", "mapa.u64": the address's form and width; false where it is neither.
bool address_form(const std::vector<std::string>& opcode, std::uint8_t* space, unsigned* bits) {
  const bool shared = opcode.size() == 3 && opcode[1] == "shared::cluster";
  if (!shared && opcode.size() != 2) return false;
  *space = shared ? kSharedCluster : kGeneric;
  *bits = opcode.back() == "u32" ? 32 : opcode.back() == "u64" ? 64 : 0;
  return *bits != 0;
}

}  // namespace

void FunctionDecoder::map_address(const Instruction& i) {
  Inst inst;
  unsigned bits = 0;
  if (!address_form(i.opcode, &inst.aux, &bits)) refuse("unknown form");
  if (i.operands.size() != 3) refuse("expected 3 operands");
  if (inst.aux == kGeneric && bits == 32) refuse("32-bit generic addresses are not supported");
  inst.full = inst.masked = map_address_handler(bits);
  inst.op[1] = source(i.operands[1], bits);
  inst.op[2] = source(i.operands[2], 32);
  inst.op[0] = destination(i.operands[0], bits);
  emit(inst);
}

void FunctionDecoder::rank_of_address(const Instruction& i) {
  Inst inst;
  unsigned bits = 0;
  if (!address_form(i.opcode, &inst.aux, &bits)) refuse("unknown form");
  if (i.operands.size() != 2) refuse("expected 2 operands");
  if (inst.aux == kGeneric && bits == 32) refuse("32-bit generic addresses are not supported");
  inst.full = inst.masked = rank_of_address_handler(bits);
  inst.op[1] = source(i.operands[1], bits);
  inst.op[0] = destination(i.operands[0], 32);
  emit(inst);
}

// setmaxnreg.inc/dec.sync.aligned.u32 count
void FunctionDecoder::set_registers(const Instruction& i) {
  const bool more = i.opcode.size() > 1 && i.opcode[1] == "inc";
  const std::vector<std::string> form = {"setmaxnreg", more ? "inc" : "dec", "sync", "aligned", "u32"};
  if (std::vector<std::string>(i.opcode.begin(), i.opcode.end()) != form) refuse("unknown form");
  if (i.operands.size() != 1 || i.operands[0].kind != Operand::Kind::Immediate) refuse("expected a number");
  const std::uint64_t count = i.operands[0].bits;
  if (count < 24 || count > 256 || count % 8 != 0) refuse("the number of registers is no multiple of 8 from 24 to 256");
  if (m_.module.target < 90 || !m_.module.target_accelerated) refuse("it needs a target like sm_90a");
  Inst inst;
  inst.flow = Flow::Collective;
  inst.full = inst.masked = set_registers_handler();
  inst.op[0] = m_.constant(32, 0xffffffffu);
  inst.mask_op = 0;
  inst.aux = std::uint8_t(count / 8);
  inst.imm = std::uint64_t(more) | std::uint64_t(f_.max_registers) << 1;
  emit(inst);
}

// barrier.cluster.arrive{.release, .relaxed}{.aligned}, barrier.cluster.wait{.acquire}{.aligned}
void FunctionDecoder::cluster_barrier(const Instruction& i) {
  const bool arrives = i.opcode.size() > 2 && i.opcode[2] == "arrive";
  if (!arrives && !(i.opcode.size() > 2 && i.opcode[2] == "wait")) refuse("unknown barrier");
  if (!i.operands.empty()) refuse("expected no operands");
  Inst inst;
  Semantics semantics{arrives ? Order::Release : Order::Acquire, Scope::Cluster};
  for (std::size_t k = 3; k < i.opcode.size(); ++k) {
    const std::string& m = i.opcode[k];
    if (m == "aligned") continue;
    if (arrives && m == "relaxed") semantics.order = Order::Relaxed;
    else if (m != (arrives ? "release" : "acquire")) refuse("unknown modifier ." + m);
  }
  inst.sem = semantics.encode();
  if (arrives) inst.full = inst.masked = cluster_arrive_handler();
  else inst.flow = Flow::ClusterWait;
  emit(inst);
}

}  // namespace ptxvm::exec
