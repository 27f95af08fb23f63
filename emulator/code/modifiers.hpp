// What the modifiers of an opcode say: types, rounding, flushing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "code/semantics.hpp"

namespace ptxvm::exec {

unsigned type_bits(const std::string& type);  // "f32" 32, "pred" 1; 0 where it is no type
bool is_float_type(const std::string& type);
bool is_half_type(const std::string& type);          // f16, bf16 and their pairs
unsigned relations_of(const std::string& comparison);  // of floats: 1 less, 2 equal, 4 greater, 8 unordered
std::string dotted(const std::vector<std::string>& parts);
bool is_rounding(const std::string& modifier);
std::uint8_t rounding(const std::string& modifier);  // bits of Inst::aux, 0 for nearest
// Order, scope or .nc of a memory instruction or fence: false where the modifier says nothing of these.
bool order_or_scope(const std::string& modifier, Semantics* semantics);
constexpr std::uint8_t kFlush = 4;                   // of Inst::aux

}  // namespace ptxvm::exec
