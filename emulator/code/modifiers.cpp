#include "code/modifiers.hpp"

namespace ptxvm::exec {

unsigned type_bits(const std::string& t) {
  if (t == "pred") return 1;
  if (t == "f16x2" || t == "bf16x2" || t == "u16x2" || t == "s16x2") return 32;
  if (t == "f32x2") return 64;
  if (t == "bf16") return 16;
  if (t == "tf32") return 32;
  if (t.size() < 2 || (t[0] != 'u' && t[0] != 's' && t[0] != 'b' && t[0] != 'f')) return 0;
  const std::string n = t.substr(1);
  return n == "8" ? 8 : n == "16" ? 16 : n == "32" ? 32 : n == "64" ? 64 : n == "128" ? 128 : 0;
}

bool is_float_type(const std::string& t) { return t == "f32" || t == "f64" || t == "f16" || t == "bf16" || t == "tf32"; }

std::string dotted(const std::vector<std::string>& parts) {
  std::string s;
  for (const std::string& p : parts) s += (s.empty() ? "" : ".") + p;
  return s;
}

std::uint8_t rounding(const std::string& m) {
  if (m == "rm" || m == "rmi") return 1;
  if (m == "rp" || m == "rpi") return 2;
  if (m == "rz" || m == "rzi") return 3;
  return 0;
}

bool is_rounding(const std::string& m) {
  return m == "rn" || m == "rz" || m == "rm" || m == "rp" || m == "rni" || m == "rzi" || m == "rmi" || m == "rpi";
}

bool order_or_scope(const std::string& m, Semantics* s) {
  if (m == "weak") s->order = Order::Weak;
  else if (m == "relaxed") s->order = Order::Relaxed;
  else if (m == "acquire") s->order = Order::Acquire;
  else if (m == "release") s->order = Order::Release;
  else if (m == "acq_rel") s->order = Order::AcquireRelease;
  else if (m == "sc") s->order = Order::Sequential;
  else if (m == "volatile" || m == "mmio") s->order = Order::Relaxed, s->scope = Scope::System;
  else if (m == "cta") s->scope = Scope::Block;
  else if (m == "cluster") s->scope = Scope::Cluster;
  else if (m == "gpu") s->scope = Scope::Device;
  else if (m == "sys") s->scope = Scope::System;
  else if (m == "nc") s->non_coherent = true;
  else return false;
  return true;
}

}  // namespace ptxvm::exec
