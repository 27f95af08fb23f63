// Matrix instructions: mma, wmma, ldmatrix, stmatrix, movmatrix. Their many operands go to
// DecodedProgram::operand_lists.
#include <algorithm>
#include <cstdio>

#include "code/decoder.hpp"
#include "exec/ops/space.hpp"

namespace ptxvm::exec {

using ptx::Operand;

namespace {

struct Shape {
  unsigned m = 0, n = 0, k = 0;
};

bool is_shape(const std::string& modifier, Shape* shape) {
  char end;
  return std::sscanf(modifier.c_str(), "m%un%uk%u%c", &shape->m, &shape->n, &shape->k, &end) == 3;
}

// Why a form of instruction is not there; empty where that is not known.
std::string missing(const std::vector<std::string>& opcode) {
  for (const std::string& m : opcode) {
    if (m == "s8" || m == "u8" || m == "s4" || m == "u4" || m == "b1" || m == "s32")
      return "matrices of integers and of single bits are not supported";
    if (m == "e4m3" || m == "e5m2" || m == "e3m2" || m == "e2m3" || m == "e2m1" || m == "ue8m0" || m == "ue4m3" ||
        m.rfind("kind", 0) == 0)
      return "matrices of 8-, 6- and 4-bit floating-point numbers are not supported";
  }
  for (const std::string& m : opcode)
    if (m == "satfinite") return ".satfinite is not supported for floating-point matrices: PTX ISA 6.5 removed it";
  return "";
}

// Bits of a register of a fragment; 16-bit elements come in pairs.
unsigned register_width(const std::string& type) { return type == "f64" ? 64 : 32; }
unsigned accumulator_registers(const Shape& s, const std::string& type) {
  return s.m * s.n / (type == "f16" ? 64 : 32);
}
bool paired(const std::string& type) { return type == "f16" || type == "bf16"; }
unsigned operand_registers(unsigned rows, unsigned columns, const std::string& type, bool wmma) {
  if (wmma && type == "f16") return 8;
  return rows * columns / (paired(type) ? 64 : 32);
}

}  // namespace

bool FunctionDecoder::matrix(const Instruction& i) {
  const std::string& base = i.opcode[0];
  if (base == "wgmma" || base == "tcgen05") refuse("warpgroup matrix instructions are not supported");
  if (base == "mma") {
    if (i.opcode.size() > 1 && i.opcode[1].rfind("sp", 0) == 0) refuse("sparse matrices are not supported");
    matrix_multiply(i);
  } else if (base == "wmma" && i.opcode.size() > 1 && i.opcode[1] == "mma") {
    matrix_multiply(i);
  } else if (base == "wmma" && i.opcode.size() > 2 && (i.opcode[1] == "load" || i.opcode[1] == "store")) {
    matrix_tile(i, i.opcode[1] == "store");
  } else if (base == "ldmatrix" || base == "stmatrix" || base == "movmatrix") {
    matrix_rows(i);
  } else {
    return false;
  }
  return true;
}

// The registers of a fragment, a vector even where it is one.
void FunctionDecoder::registers(const Operand& o, unsigned count, unsigned width, bool written,
                                std::vector<Ref>* list) {
  if (o.kind != Operand::Kind::Vector || o.parts.size() != count)
    refuse("expected a vector of " + std::to_string(count) + " registers");
  for (const Operand& part : o.parts) list->push_back(written ? destination(part, width) : source(part, width));
}

void FunctionDecoder::emit_matrix(const std::string& name, Inst inst, const std::vector<Ref>& list) {
  const Op* op = find_op(name);
  if (!op) refuse("unknown matrix instruction");
  inst.full = op->full;
  inst.masked = op->masked;
  inst.flow = Flow::Collective;
  inst.mask_op = kMatrixMembers;
  inst.op[kMatrixMembers] = m_.constant(32, 0xffffffffu);
  inst.op[kMatrixList] = Ref(p_.operand_lists.size());
  p_.operand_lists.insert(p_.operand_lists.end(), list.begin(), list.end());
  emit(inst);
}

// mma.sync.aligned.shape.alayout.blayout.dtype.atype.btype.ctype; wmma.mma the same, with the types of D and
// C alone where A and B are f16. The layouts of wmma's operands were those of its loads: a fragment does not
// depend on them.
void FunctionDecoder::matrix_multiply(const Instruction& i) {
  const bool wmma = i.opcode[0] == "wmma";
  Shape shape;
  std::string shape_name;
  std::vector<std::string> types, layouts;
  Inst inst;
  bool sync = false, aligned = false;
  for (std::size_t k = wmma ? 2 : 1; k < i.opcode.size(); ++k) {
    const std::string& m = i.opcode[k];
    if (m == "sync") sync = true;
    else if (m == "aligned") aligned = true;
    else if (m == "row" || m == "col") layouts.push_back(m);
    else if (is_shape(m, &shape)) shape_name = m;
    else if (is_rounding(m)) inst.aux |= rounding(m);
    else if (m == "f16" || m == "bf16" || m == "tf32" || m == "f32" || m == "f64") types.push_back(m);
    else refuse(missing(i.opcode).empty() ? "unknown modifier ." + m : missing(i.opcode));
  }
  if (wmma && types.size() == 2) types = {types[0], "f16", "f16", types[1]};
  if (!sync || !aligned || types.size() != 4 || layouts.size() != 2 || types[1] != types[2])
    refuse("unknown matrix instruction");
  const bool quads = !wmma && shape_name == "m8n8k4" && types[1] == "f16";
  if (quads) {
    inst.aux = std::uint8_t((layouts[0] == "col" ? 1 : 0) | (layouts[1] == "row" ? 2 : 0));
  } else {
    if (inst.aux != 0 && types[1] != "f64") refuse("unknown matrix instruction");
    if (!wmma && (layouts[0] != "row" || layouts[1] != "col")) refuse("this shape is .row.col only");
  }
  if (i.operands.size() != 4) refuse("expected 4 operands");
  const unsigned d = accumulator_registers(shape, types[0]), c = accumulator_registers(shape, types[3]);
  const unsigned a = operand_registers(shape.m, shape.k, types[1], wmma),
                 b = operand_registers(shape.k, shape.n, types[1], wmma);
  const std::string name =
      (wmma ? "wmma.mma." : "mma.") + shape_name + "." + types[0] + "." + types[1] + "." + types[3];
  if (!find_op(name)) refuse("unknown matrix instruction");
  std::vector<Ref> list;
  registers(i.operands[0], quads ? 4 * d : d, register_width(types[0]), true, &list);
  registers(i.operands[1], quads ? 2 : a, register_width(types[1]), false, &list);
  registers(i.operands[2], quads ? 2 : b, register_width(types[1]), false, &list);
  registers(i.operands[3], quads ? 4 * c : c, register_width(types[3]), false, &list);
  emit_matrix(name, inst, list);
}

// wmma.load.{a,b,c}.sync.aligned.layout.shape{.space}.type r, [p]{, stride}; wmma.store.d has p first.
void FunctionDecoder::matrix_tile(const Instruction& i, bool write) {
  const std::string& which = i.opcode[2];
  if (write ? which != "d" : which != "a" && which != "b" && which != "c") refuse("unknown matrix instruction");
  const bool accumulator = which == "c" || which == "d";
  Shape shape;
  std::string type, layout, shape_name;
  MemoryForm form{};
  form.space = kGeneric;
  bool sync = false, aligned = false;
  for (std::size_t k = 3; k < i.opcode.size(); ++k) {
    const std::string& m = i.opcode[k];
    if (m == "sync") sync = true;
    else if (m == "aligned") aligned = true;
    else if (m == "row" || m == "col") layout = m;
    else if (m == "global") form.space = kGlobal;
    else if (m == "shared" || m == "shared::cta") form.space = kShared;
    else if (is_shape(m, &shape)) shape_name = m;
    else if (type.empty() && (m == "f16" || m == "bf16" || m == "tf32" || m == "f32" || m == "f64")) type = m;
    else refuse(missing(i.opcode).empty() ? "unknown modifier ." + m : missing(i.opcode));
  }
  // A type and shape are there where a multiplication has them.
  const std::string product = shape_name == "m16n16k8" ? "f32.tf32.f32"
                              : shape_name == "m8n8k4" ? "f64.f64.f64"
                                                       : "f32.f16.f32";
  const bool known_type = shape_name == "m16n16k8" ? type == (accumulator ? "f32" : "tf32")
                          : shape_name == "m8n8k4" ? type == "f64"
                                                   : type == "f16" || type == (accumulator ? "f32" : "bf16");
  if (!sync || !aligned || layout.empty() || !known_type || !find_op("wmma.mma." + shape_name + "." + product))
    refuse("unknown matrix instruction");
  if (i.operands.size() != 2 && i.operands.size() != 3) refuse("expected 2 or 3 operands");

  // The fragment's rows are A's, B's columns, the accumulator's.
  const unsigned rows = which == "b" ? shape.n : shape.m, columns = accumulator ? shape.n : shape.k;
  const bool turned = (layout == "col") != (which == "b");
  const unsigned width = accumulator || paired(type) ? 8 : 4, element = paired(type) ? 2 : type == "f64" ? 8 : 4;
  const unsigned count =
      accumulator ? accumulator_registers(shape, type) : operand_registers(rows, columns, type, true);
  const unsigned together = accumulator ? rows / 8 : which == "a" && rows > 8 ? 2 : 1;
  std::vector<Ref> list{rows / 8, columns / width, together, count, turned};
  Inst inst;
  registers(i.operands[write ? 1 : 0], count, register_width(type), !write, &list);
  form.semantics.size_log2 = element == 2 ? 1 : element == 4 ? 2 : 3;
  address(inst, 0, i.operands[write ? 0 : 1], form);
  inst.op[1] = i.operands.size() == 3 ? source(i.operands[2], 32) : m_.constant(32, turned ? rows : columns);
  const bool pairs = accumulator && type != "f16";
  emit_matrix(std::string(write ? "wmma.store." : "wmma.load.") + (pairs ? "pairs.b" : "b") +
                  std::to_string(8 * element),
              inst, list);
}

// ldmatrix.sync.aligned.m8n8.num{.trans}{.space}.b16 r, [p]; stmatrix has p first;
// movmatrix.sync.aligned.m8n8.trans.b16 d, a.
void FunctionDecoder::matrix_rows(const Instruction& i) {
  const std::string& base = i.opcode[0];
  const bool move = base == "movmatrix", write = base == "stmatrix";
  unsigned count = move ? 1 : 0;
  bool sync = false, aligned = false, trans = false, shape = false, type = false;
  MemoryForm form{};
  form.space = kGeneric;
  for (std::size_t k = 1; k < i.opcode.size(); ++k) {
    const std::string& m = i.opcode[k];
    if (m == "sync") sync = true;
    else if (m == "aligned") aligned = true;
    else if (m == "trans") trans = true;
    else if (m == "m8n8") shape = true;
    else if (m == "b16") type = true;
    else if (!move && (m == "x1" || m == "x2" || m == "x4")) count = unsigned(m[1] - '0');
    else if (!move && (m == "shared" || m == "shared::cta")) form.space = kShared;
    else if (m == "m16n16" || m == "m8n16" || m == "m16n8" || m == "b8" || m.rfind("b8x16", 0) == 0)
      refuse("matrices of 8-, 6- and 4-bit elements are not supported");
    else refuse("unknown modifier ." + m);
  }
  if (!sync || !aligned || !shape || !type || count == 0 || (move && !trans)) refuse("unknown matrix instruction");
  if (i.operands.size() != 2) refuse("expected 2 operands");
  std::vector<Ref> list;
  Inst inst;
  if (move) {
    list = {destination(i.operands[0], 32), source(i.operands[1], 32)};
    emit_matrix("movmatrix.trans", inst, list);
    return;
  }
  list.push_back(m_.module.target <= 75);
  registers(i.operands[write ? 1 : 0], count, 32, !write, &list);
  form.semantics.size_log2 = 1;
  address(inst, 0, i.operands[write ? 0 : 1], form);
  emit_matrix(base + ".x" + std::to_string(count) + (trans ? ".trans" : ""), inst, list);
}

}  // namespace ptxvm::exec
