// atom and red: which operations there are on which types, spaces and vectors; every order and scope is met
// by the strongest.
#include <algorithm>

#include "code/decoder.hpp"
#include "exec/ops/space.hpp"

namespace ptxvm::exec {

using ptx::Operand;

namespace {

// An addition of nothing and the like: how much code reads what others write.
bool changes_nothing(const std::string& operation, const std::string& type, const Operand& by) {
  if (by.kind != Operand::Kind::Immediate) return false;
  if (operation == "and") return (by.bits << (64 - type_bits(type))) == ~std::uint64_t{0} << (64 - type_bits(type));
  return by.bits == 0 && (operation == "add" || operation == "or" || operation == "xor" || (operation == "max" && type[0] == 'u'));
}

}  // namespace

// atom{.sem}{.scope}{.space}.op{.noftz}{.L2::cache_hint}{.vec}.type d, [a], b{, c}{, policy}; red has no d.
void FunctionDecoder::atomic(const Instruction& i, bool reduction) {
  MemoryForm form{kGeneric, "", 0, 1, false, {Order::Relaxed, Scope::Device}, {}};
  std::string operation;
  bool noftz = false, policy = false, space = false;
  for (std::size_t k = 1; k < i.opcode.size(); ++k) {
    const std::string& m = i.opcode[k];
    if (take_order(form, m)) continue;
    if (!space && space_of(m, &form.space))
      space = true;
    else if (m == "noftz" && !noftz)
      noftz = true;
    else if (m == "L2::cache_hint" && !policy)
      policy = true;
    else if ((m == "v2" || m == "v4" || m == "v8") && form.count == 1)
      form.count = unsigned(m[1] - '0');
    else if (type_bits(m) && form.type.empty())
      form.type = m, form.bytes = type_bits(m) / 8;
    else if (operation.empty())
      operation = m;
    else
      refuse("unknown modifier ." + m);
  }
  const std::string& sem = form.order.sem;
  const bool known_order = sem.empty() || sem == "relaxed" || sem == "release" ||
                           (!reduction && (sem == "acquire" || sem == "acq_rel"));
  if (!known_order || !(form.order.mmio + form.order.path).empty())
    refuse("no order of this instruction: ." + sem + form.order.mmio + form.order.path);
  if (form.space == kLocal || form.space == kParameter || form.space == kConstantSpace)
    refuse("no atomic operations in this space");
  const bool remote =
      form.space == kGlobal || form.space == kGeneric;  // where a cache policy and vectors are known
  if (form.bytes == 0) refuse("unknown type");
  const bool half = is_half_type(form.type), exchange = operation == "cas" || operation == "exch";
  if (half != noftz || (policy && !remote) || (reduction && exchange)) refuse("unknown atomic operation");
  form.semantics.size_log2 = half ? 1 : unsigned(__builtin_ctz(form.bytes));  // of what is atomic by itself
  const std::size_t first = reduction ? 0 : 1;
  check_policy(i, policy, first + (operation == "cas" ? 3 : 2));
  if (form.count > 1) {
    if (!remote) refuse("vectors are atomic in global memory only");
    return atomic_vector(i, operation, form, reduction);
  }
  const Op* op = find_op("atom." + operation + "." + form.type);
  if (!op || (half && operation != "add")) refuse("unknown atomic operation");
  const unsigned bits = 8 * form.bytes;
  Inst inst;
  inst.full = op->full;
  inst.masked = op->masked;
  inst.op[2] = source(i.operands[first + 1], bits);
  if (operation == "cas") inst.op[3] = source(i.operands[first + 2], bits);
  address(inst, 1, i.operands[first], form);
  inst.aux |= kAtomic;
  if (!reduction && i.operands[0].kind != Operand::Kind::Sink) inst.op[0] = destination(i.operands[0], bits);
  if (operation == "cas" || operation == "exch" || (inst.op[0] != kNone && changes_nothing(operation, form.type, i.operands[first + 1])))
    inst.flow = Flow::Poll;
  emit(inst);
}

// Vectors of 16-bit floats are packed into words, two and two: a word's halves are atomic each.
void FunctionDecoder::atomic_vector(const Instruction& i, const std::string& operation, MemoryForm form,
                                    bool reduction) {
  const bool narrow = form.type == "f16" || form.type == "bf16";
  const unsigned words = narrow ? form.count / 2 : form.count;
  if (words > 4 || (form.type == "f32" && operation != "add")) refuse("unknown atomic operation");
  const std::string type = narrow ? form.type + "x2" : form.type;
  const Op* op = find_op("atom." + operation + (words > 1 ? ".v" + std::to_string(words) : "") + "." + type);
  if (!op) refuse("unknown atomic operation");
  const std::size_t first = reduction ? 0 : 1;
  const auto parts = [&](const Operand& o) -> const auto& {
    if (o.kind != Operand::Kind::Vector || o.parts.size() != form.count) refuse("vector and width disagree");
    return o.parts;
  };
  Inst inst;
  inst.full = op->full;
  inst.masked = op->masked;
  const auto& b = parts(i.operands[first + 1]);
  for (unsigned v = 0; v < words; ++v) {
    Ref& word = inst.op[words + 1 + v];
    if (!narrow) {
      word = source(b[v], 32);
      continue;
    }
    Ref low = source(b[2 * v], 16), high = source(b[2 * v + 1], 16);
    word = temporary(32);
    emit("pack.b32.b16", {word, low, high});
  }
  address(inst, int(words), i.operands[first], form);
  inst.aux |= kAtomic;
  if (reduction || i.operands[0].kind == Operand::Kind::Sink) {
    emit(inst);
    return;
  }
  const auto& d = parts(i.operands[0]);
  for (unsigned v = 0; v < words; ++v) inst.op[v] = narrow ? temporary(32) : destination(d[v], 32);
  const Inst copy = emit(inst);
  if (!narrow) return;
  for (unsigned k = 0; k < form.count; ++k)
    emit(k % 2 ? "part.b32.b16.1" : "part.b32.b16.0", {destination(d[k], 16), copy.op[k / 2]});
}

}  // namespace ptxvm::exec
