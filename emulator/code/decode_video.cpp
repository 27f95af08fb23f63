// The video instructions: what the opcode and the parts of the operands say becomes a Video.
#include <algorithm>
#include <map>

#include "code/decoder.hpp"
#include "exec/ops/video.hpp"

namespace ptxvm::exec {

using ptx::Operand;

namespace {

// "b2" and "h1" of a word.
unsigned part_of_word(const std::string& part) {
  if (part.empty()) return 0;
  if (part.size() != 2) return 8;
  const unsigned n = unsigned(part[1] - '0');
  return part[0] == 'b' ? (n < 4 ? 1 + n : 8) : n < 2 ? 5 + n : 8;
}

// "b7230" and "h13", the highest place first; false where that is no selection.
bool places(const std::string& part, unsigned lanes, unsigned* select) {
  if (part.size() != 1 + lanes || part[0] != (lanes == 2 ? 'h' : 'b')) return false;
  *select = 0;
  for (unsigned k = 0; k < lanes; ++k) {
    const unsigned n = unsigned(part[lanes - k] - '0');
    if (n >= 2 * lanes) return false;
    *select |= n << 3 * k;
  }
  return true;
}
bool mask_of(const std::string& part, unsigned lanes, unsigned* mask) {
  if (part.size() < 2 || part.size() > 1 + lanes || part[0] != (lanes == 2 ? 'h' : 'b')) return false;
  *mask = 0;
  for (std::size_t k = 1; k < part.size(); ++k) {
    const unsigned n = unsigned(part[k] - '0');
    if (n >= lanes || (k > 1 && part[k] >= part[k - 1])) return false;
    *mask |= 1u << n;
  }
  return true;
}

}  // namespace

bool FunctionDecoder::video(const Instruction& i) {
  static const std::map<std::string, Video::Operation> operations{
      {"vadd", Video::Add},        {"vsub", Video::Sub},        {"vabsdiff", Video::AbsDiff},
      {"vmin", Video::Min},        {"vmax", Video::Max},        {"vavrg", Video::Average},
      {"vshl", Video::ShiftLeft},  {"vshr", Video::ShiftRight}, {"vset", Video::Set},
      {"vmad", Video::MultiplyAdd}};
  static const std::map<std::string, unsigned> comparisons{{"lt", 1}, {"eq", 2}, {"le", 3},
                                                           {"gt", 4}, {"ne", 5}, {"ge", 6}};
  std::string base = i.opcode[0];
  unsigned lanes = 1;
  if (base.back() == '2' || base.back() == '4') lanes = unsigned(base.back() - '0'), base.pop_back();
  const auto operation = operations.find(base);
  if (base[0] != 'v' || operation == operations.end()) return false;
  Video v{};
  v.operation = operation->second;
  v.lanes = lanes;
  const bool set = base == "vset", shift = base == "vshl" || base == "vshr", mad = base == "vmad";
  if (lanes > 1 ? shift || mad : base == "vavrg") refuse("unknown instruction");
  std::vector<bool> types;
  bool shifted = false;
  for (std::size_t k = 1; k < i.opcode.size(); ++k) {
    const std::string& m = i.opcode[k];
    const auto comparison = comparisons.find(m);
    if (m == "u32" || m == "s32")
      types.push_back(m == "s32");
    else if (m == "sat" && !set)
      v.saturate = 1;
    else if (set && comparison != comparisons.end() && !v.compare)
      v.compare = comparison->second;
    else if (shift && (m == "clamp" || m == "wrap") && !shifted)
      v.wrap = m == "wrap", shifted = true;
    else if (mad && (m == "shr7" || m == "shr15") && !v.scale)
      v.scale = m == "shr7" ? 7 : 15;
    else if (mad && m == "po")
      v.plus_one = 1;
    else if (!mad && m == "add" && !v.second)
      v.second = Video::Accumulate;
    else if (!mad && lanes == 1 && m == "min" && !v.second)
      v.second = Video::Least;
    else if (!mad && lanes == 1 && m == "max" && !v.second)
      v.second = Video::Most;
    else
      refuse("unknown modifier ." + m);
  }
  if (types.size() != (set ? 2 : 3) || (set && !v.compare) || (shift && (!shifted || types[2])) ||
      (lanes > 1 && v.saturate && v.second))
    refuse("unknown instruction");
  if (!set) v.d_signed = types[0], types.erase(types.begin());
  v.a_signed = types[0], v.b_signed = types[1];

  const std::size_t n = i.operands.size();
  const std::string none, &d_part = n ? i.operands[0].part : none;
  const bool third = lanes > 1 || mad || v.second || !d_part.empty();
  if (n != (third ? 4 : 3)) refuse("expected " + std::to_string(third ? 4 : 3) + " operands");
  if (third && !i.operands[3].part.empty()) refuse("the last operand is a whole register");
  if (lanes == 1) {
    const unsigned a = part_of_word(i.operands[1].part), b = part_of_word(i.operands[2].part),
                   d = part_of_word(d_part);
    if (a > 6 || b > 6 || d > 6 || (d && (v.second || mad))) refuse("unknown part of a register");
    v.a_select = a, v.b_select = b, v.d_select = d == 0 ? 7 : d;
  } else {
    unsigned a = lanes == 2 ? 0 + (1 << 3) : 0 + (1 << 3) + (2 << 6) + (3 << 9);  // its own places
    unsigned b = lanes == 2 ? 2 + (3 << 3) : 4 + (5 << 3) + (6 << 6) + (7 << 9), mask = (1u << lanes) - 1;
    if ((!i.operands[1].part.empty() && !places(i.operands[1].part, lanes, &a)) ||
        (!i.operands[2].part.empty() && !places(i.operands[2].part, lanes, &b)) ||
        (!d_part.empty() && !mask_of(d_part, lanes, &mask)))
      refuse("unknown part of a register");
    v.a_select = a, v.b_select = b, v.mask = mask;
  }
  const bool minus_a = i.operands[1].minus, minus_b = i.operands[2].minus,
             minus_c = third && i.operands[3].minus;
  v.negate_product = minus_a != minus_b, v.negate_c = minus_c;
  if (((minus_a || minus_b || minus_c) && (!mad || v.plus_one)) || (v.negate_product && v.negate_c))
    refuse("these signs are not supported");
  const Op* op = find_op(lanes == 1 ? "video.scalar" : "video.packed");
  Inst inst;
  inst.full = op->full;
  inst.masked = op->masked;
  static_assert(sizeof v == sizeof inst.imm);
  __builtin_memcpy(&inst.imm, &v, sizeof v);
  for (std::size_t k = 1; k < n; ++k) inst.op[k] = source(i.operands[k], 32);
  inst.op[0] = destination(i.operands[0], 32);
  emit(inst);
  return true;
}

// Parts and signs of registers are video instructions' alone.
void FunctionDecoder::refuse_parts(const Instruction& i) const {
  for (const Operand& o : i.operands)
    if (!o.part.empty() || o.minus) refuse("parts and signs of registers are not supported here");
}

}  // namespace ptxvm::exec
