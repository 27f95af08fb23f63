// What a handler's operands are, and how handlers are announced.
#pragma once

#include <cstdint>

#include "code/inst.hpp"

namespace ptxvm::exec {

// Operand widths in bits, 1 for a predicate; width[0] is the destination's. count 0: not table-driven.
struct Signature {
  std::uint8_t count = 0;
  std::uint8_t width[6] = {0, 0, 0, 0, 0, 0};
};

// Receives each handler with its canonical PTX name.
struct Sink {
  void* context;
  void (*put)(void* context, const char* name, Handler full, Handler masked, Signature signature);
};

}  // namespace ptxvm::exec
