// Inst::sem: what the memory model says of an instruction (PTX ISA, "Memory Consistency Model").
#pragma once

#include <cstdint>

namespace ptxvm::exec {

enum class Order : std::uint8_t { Weak, Relaxed, Acquire, Release, AcquireRelease, Sequential };
enum class Scope : std::uint8_t { Block, Cluster, Device, System };

// Bits 0-2 the order, 3-4 the scope, 5 the read-only (non-coherent) path, 6-8 log2 of an element's bytes,
// 9 the asynchronous proxy, 10 a vector load of which some elements are read by nobody (their op is kNone).
struct Semantics {
  Order order = Order::Weak;
  Scope scope = Scope::Block;
  bool non_coherent = false;
  unsigned size_log2 = 0;
  bool async_proxy = false;
  bool partial = false;

  constexpr std::uint16_t encode() const {
    return std::uint16_t(unsigned(order) | unsigned(scope) << 3 | unsigned(non_coherent) << 5 | size_log2 << 6 |
                         unsigned(async_proxy) << 9 | unsigned(partial) << 10);
  }
  static constexpr Semantics of(std::uint16_t bits) {
    Semantics s;
    s.order = Order(bits & 7);
    s.scope = Scope((bits >> 3) & 3);
    s.non_coherent = (bits >> 5) & 1;
    s.size_log2 = (bits >> 6) & 7;
    s.async_proxy = (bits >> 9) & 1;
    s.partial = (bits >> 10) & 1;
    return s;
  }
  constexpr bool strong() const { return order != Order::Weak; }
  constexpr bool acquires() const { return order == Order::Acquire || order >= Order::AcquireRelease; }
  constexpr bool releases() const { return order >= Order::Release; }
};

}  // namespace ptxvm::exec
