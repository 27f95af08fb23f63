#include "count/traits.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "code/modifiers.hpp"

namespace ptxvm::count {
namespace {

using Opcode = std::vector<std::string>;

bool has(const Opcode& o, const char* part) { return std::find(o.begin(), o.end(), part) != o.end(); }

bool one_of(const std::string& s, std::initializer_list<const char*> list) {
  return std::any_of(list.begin(), list.end(), [&](const char* l) { return s == l; });
}

bool starts(const std::string& s, const char* with) { return s.rfind(with, 0) == 0; }

// Of ld and st. Without a space the address is generic.
Class space(const Opcode& o) {
  for (const std::string& m : o) {
    if (m == "global") return Class::Global;
    if (starts(m, "shared")) return Class::Shared;
    if (m == "local") return Class::Local;
    if (m == "const") return Class::Constant;
    if (starts(m, "param")) return Class::Parameter;
  }
  return Class::Generic;
}

// A product's shape is "m16n8k16"; the types are those of d, a, b, c (wmma with halves only: d, c).
void matrix(const Opcode& o, Traits* t) {
  t->cls = Class::Matrix;
  unsigned m = 0, n = 0, k = 0;
  std::vector<std::string> types;
  for (const std::string& part : o) {
    if (std::sscanf(part.c_str(), "m%un%uk%u", &m, &n, &k) == 3) continue;
    if (one_of(part, {"f16", "bf16", "tf32", "f32", "f64", "u8", "s8", "u4", "s4", "b1", "s32"}) || starts(part, "e"))
      types.push_back(part);
  }
  const std::string a = types.size() > 2 ? types[1] : types.size() == 2 && o[0] != "wmma" ? types[1] : "f16";
  t->factor = a == "bf16"              ? Factor::Bfloat
              : a == "tf32"            ? Factor::Tf32
              : a == "f64"             ? Factor::Double
              : a == "u8" || a == "s8" ? Factor::Byte
              : starts(a, "e4m3") || starts(a, "e5m2") ? Factor::Float8
              : a == "f16"             ? Factor::Half
                                       : Factor::Narrow;
  t->matrix_flops = 2 * m * n * k;
  if (o[0] == "mma" && m == 8 && n == 8 && k == 4 && a == "f16") t->matrix_flops *= 4;  // four products
  if (o[0] == "wgmma") t->matrix_flops /= 4;  // executed by each of four warps
}

void arithmetic(const Opcode& o, Traits* t) {
  // The type of setp and selp is the last part, as of all; set names the destination's before it.
  const std::string& type = o.back();
  if (exec::type_bits(type) == 0) return;
  const bool bfloat = starts(type, "bf16"), half = type == "f16" || type == "f16x2" || bfloat;
  const bool single = type == "f32" || type == "f32x2", twice = type.find("x2") != std::string::npos;
  t->cls = half ? Class::Half : single ? Class::Single : type == "f64" ? Class::Double : Class::Integer;
  if (t->cls == Class::Integer) return;
  t->number = bfloat ? Number::Bfloat : half ? Number::Half : single ? Number::Single : Number::Double;
  const std::string& base = o[0];
  unsigned flops = 0;
  if (one_of(base, {"add", "sub", "mul", "div"})) flops = 1;
  if (one_of(base, {"fma", "mad"})) flops = 2;
  if (one_of(base, {"rcp", "sqrt", "rsqrt", "sin", "cos", "lg2", "ex2", "tanh"})) {
    flops = 1;
    t->cls = Class::Special;
  }
  if (base == "div") t->cls = Class::Special;
  if (base == "selp" || base == "slct") t->cls = Class::Integer;
  t->flops = std::uint16_t(flops * (twice ? 2 : 1));
}

bool repeats(const Opcode& o, Class c) {
  switch (c) {
    case Class::Global: case Class::Generic: case Class::Copy: case Class::BlockBarrier: case Class::ClusterBarrier:
    case Class::Atomic: case Class::Other:
      return false;
    case Class::Control: return o[0] == "nanosleep" || o[0] == "ret";
    case Class::Exchange: return o[0] != "activemask";
    case Class::Shared: return o[0] == "ld" || o[0] == "ldmatrix" || (o[0] == "wmma" && has(o, "load"));
    case Class::MemoryBarrier: return has(o, "test_wait") || has(o, "try_wait") || has(o, "pending_count");
    default: return true;
  }
}

}  // namespace

bool tells_time(const std::string& s) { return starts(s, "%clock") || starts(s, "%globaltimer"); }

Traits traits(const Opcode& o) {
  Traits t;
  const std::string& base = o[0];
  const std::string second = o.size() > 1 ? o[1] : "";
  if (base == "ld" || base == "st" || base == "ldu") {
    t.cls = has(o, "async") ? Class::Copy : space(o);
  } else if (base == "ldmatrix" || base == "stmatrix" || base == "multimem") {
    t.cls = base == "multimem" ? Class::Global : Class::Shared;
  } else if (base == "atom" || base == "red") {
    t.cls = has(o, "async") ? Class::Copy : Class::Atomic;
  } else if (base == "cp") {
    t.cls = Class::Copy;
  } else if (base == "mbarrier") {
    t.cls = Class::MemoryBarrier;
  } else if (base == "bar" || base == "barrier") {
    t.cls = second == "warp" ? Class::WarpBarrier : second == "cluster" ? Class::ClusterBarrier : Class::BlockBarrier;
  } else if (base == "fence" || base == "membar" || base == "griddepcontrol") {
    t.cls = Class::Fence;
  } else if (one_of(base, {"shfl", "vote", "match", "redux", "elect", "activemask"})) {
    t.cls = Class::Exchange;
  } else if (base == "mma" || (base == "wmma" && second == "mma") || (base == "wgmma" && second == "mma_async")) {
    matrix(o, &t);
  } else if (base == "wgmma") {
    t.cls = Class::Fence;
  } else if (base == "wmma") {  // load and store
    t.cls = space(o);
  } else if (base == "movmatrix") {
    t.cls = Class::Exchange;
  } else if (base == "bra" || base == "brx") {
    t.cls = Class::Branch;
  } else if (one_of(base, {"call", "ret", "exit", "trap", "brkpt", "nanosleep", "setmaxnreg"})) {
    t.cls = Class::Control;
  } else if (base == "cvt") {
    t.cls = Class::Conversion;
  } else if (one_of(base, {"mov", "cvta", "isspacep", "mapa", "getctarank", "istypep"})) {
    t.cls = Class::Move;
  } else if (one_of(base, {"prefetch", "prefetchu", "applypriority", "discard", "createpolicy", "pmevent"})) {
    t.cls = Class::Other;
  } else {
    arithmetic(o, &t);
  }
  const bool orders = t.cls == Class::Fence || has(o, "release") || has(o, "acq_rel") || has(o, "sc");
  t.device_fence = orders && base != "wgmma" && (has(o, "gpu") || has(o, "sys") || has(o, "gl"));
  t.repeats = repeats(o, t.cls);
  return t;
}

bool touches_memory(Class c) {
  return (c >= Class::Global && c <= Class::Copy && c != Class::Parameter) || c == Class::Atomic || c == Class::MemoryBarrier;
}

const char* name(Class c) {
  static constexpr std::array<const char*, kClasses> names = {
      "integer", "fp32",     "fp64",      "fp16 and bf16", "conversion",    "special function", "move",
      "branch",  "control",  "global",    "shared",        "local",         "constant",         "parameter",
      "generic", "copy",     "exchange",  "block barrier", "warp barrier",  "cluster barrier",  "mbarrier",
      "fence",   "atomic",   "matrix",    "other"};
  return names[std::size_t(c)];
}

const char* name(Number n) {
  static constexpr std::array<const char*, kNumbers> names = {"fp16", "bf16", "fp32", "fp64"};
  return names[std::size_t(n)];
}

const char* name(Factor f) {
  static constexpr std::array<const char*, kFactors> names = {"fp16", "bf16", "tf32", "fp64", "int8", "fp8", "narrower"};
  return names[std::size_t(f)];
}

}  // namespace ptxvm::count
