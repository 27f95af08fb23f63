// Numbers as PTX writes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "ptx/ast.hpp"

namespace ptxvm::ptx {

struct Literal {
  Operand::Literal kind = Operand::Literal::Integer;
  std::uint64_t bits = 0;

  Literal negated() const;
  double as_double() const;
};

// 12, 12U, 0x1F, 017, 0b101, 1.5, 1e-3, 0f3F800000, 0d3FF0000000000000; nothing else, and no sign.
std::optional<Literal> parse_literal(std::string_view text);

}  // namespace ptxvm::ptx
