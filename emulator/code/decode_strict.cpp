// What the strict modes and the worst approximations change in the code (support/settings.hpp).
#include <algorithm>

#include "code/decoder.hpp"
#include "exec/ops/space.hpp"
#include "exec/strict.hpp"
#include "support/settings.hpp"

namespace ptxvm::exec {

// Outside of every PTX instruction: it has no guard and counts for nothing.
void FunctionDecoder::liberty(std::uint8_t kind) {
  Inst inst;
  inst.flow = Flow::Strict;
  inst.aux = kind;
  const Instruction* keep = now_;
  const bool first = first_;
  now_ = nullptr;
  emit(inst);
  now_ = keep;
  first_ = first;
}

// The memory consistency model (PTX ISA 8.2.2) knows a vector access as accesses of its elements, in no order, and
// elements of up to 64 bits; those of 128 bits that have an order and a scope are atomic by their definition. Local
// memory and constants are nobody else's to see.
bool FunctionDecoder::torn(const MemoryForm& form) const {
  const bool wide = form.bytes == 16 && (form.order.sem.empty() || form.order.sem == "weak" || form.order.sem == "volatile");
  return strict().tear && (form.count > 1 || wide) && form.space != kLocal && form.space != kConstantSpace && !form.parameter;
}

// whole: the vector access, complete; scalar: the name of the access to one element.
void FunctionDecoder::tear(const Inst& whole, const MemoryForm& form, bool is_load, const std::string& scalar) {
  if (form.bytes == 16) return tear_wide(whole, form, is_load);
  const Op* op = find_op(scalar);
  if (!op) refuse("its elements cannot be accessed one by one");
  const bool narrow = whole.aux & kAddress32;
  Ref address = whole.op[is_load ? form.count : 0];
  if (is_load && !(address & kConstant)) {  // an element may be loaded over the address
    const Ref kept = temporary(narrow ? 32 : 64);
    emit(narrow ? "mov.b32" : "mov.b64", {kept, address});
    address = kept;
  }
  Inst check = whole;
  check.flow = Flow::Plain;
  check.full = check.masked = alignment_handler();
  check.op[0] = address;
  check.op[1] = form.bytes * form.count;
  emit(check);

  std::vector<unsigned> order(form.count);
  for (unsigned k = 0; k < form.count; ++k) order[k] = k;
  std::uint64_t state = mixed(seed()) + p_.code.size();
  for (unsigned k = form.count; k-- > 1;) std::swap(order[k], order[mixed(state++) % (k + 1)]);
  bool first = true;
  for (const unsigned k : order) {
    const Ref value = whole.op[is_load ? k : k + 1];
    if (!first) {
      Inst wait;
      wait.flow = Flow::Strict;
      wait.aux = kMayWait;
      emit(wait);
    }
    first = false;
    Inst element = whole;
    element.full = op->full;
    element.masked = op->masked;
    std::fill(std::begin(element.op), std::end(element.op), kNone);
    element.op[0] = is_load ? value : address;
    element.op[1] = is_load ? address : value;
    element.imm += std::uint64_t{k} * form.bytes;
    Semantics semantics = Semantics::of(whole.sem);
    semantics.partial = value == kNone;  // its place must be there all the same
    element.sem = semantics.encode();
    if (whole.site) element.site = ++p_.sites;
    emit(element);
  }
}

// 128 bits as two elements of 64.
void FunctionDecoder::tear_wide(Inst whole, MemoryForm form, bool is_load) {
  const Ref low = temporary(64), high = temporary(64), value = whole.op[is_load ? 0 : 1];
  if (is_load) {
    whole.op[2] = whole.op[1];
    whole.op[0] = low;
    whole.op[1] = high;
  } else {
    emit("part.b128.b64.0", {low, value});
    emit("part.b128.b64.1", {high, value});
    whole.op[1] = low;
    whole.op[2] = high;
  }
  Semantics semantics = Semantics::of(whole.sem);
  semantics.size_log2 = 3;
  whole.sem = semantics.encode();
  form.bytes = 8;
  form.count = 2;
  tear(whole, form, is_load, is_load ? "ld.u64.r64.v1" : "st.u64.r64.v1");
  if (is_load && value != kNone) emit("pack.b128.b64", {value, low, high});
}

const Op* FunctionDecoder::approximation(const std::string& name) const {
  const Op* op = find_op(name);
  if (!op || !worst_approximations()) return op;
  op = find_op(name + ".worst");
  if (!op) refuse("its worst result is not known (PTXVM_APPROX=worst)");
  return op;
}

}  // namespace ptxvm::exec
