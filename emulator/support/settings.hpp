// Settings that change what an execution does: PTXVM_SEED, PTXVM_STRICT, PTXVM_APPROX. Read once each.
#pragma once

#include <cstdint>

namespace ptxvm {

// PTXVM_SEED: which of the possible interleavings.
std::uint64_t seed();

// PTXVM_STRICT=tear,split: liberties that the PTX ISA leaves to a machine, taken.
struct Strict {
  bool tear = false;   // the elements of a vector access are accesses of their own, with time between them
  bool split = false;  // warps part anywhere; warps and blocks take turns in another order
  bool any() const { return tear || split; }
};
const Strict& strict();

// PTXVM_APPROX=exact|worst: the .approx functions as exact as can be, or as inexact as their bounds allow.
bool worst_approximations();

// Well-mixed bits of a number; a sequence of them by counting it up.
constexpr std::uint64_t mixed(std::uint64_t v) {
  v += 0x9e3779b97f4a7c15u;
  v = (v ^ (v >> 30)) * 0xbf58476d1ce4e5b9u;
  v = (v ^ (v >> 27)) * 0x94d049bb133111ebu;
  return v ^ (v >> 31);
}

}  // namespace ptxvm
