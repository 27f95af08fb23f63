// The instruction handlers of the widest vector unit that this CPU has, by canonical PTX name.
#pragma once

#include <string_view>

#include "exec/ops/signature.hpp"

namespace ptxvm::exec {

struct Op {
  Handler full = nullptr, masked = nullptr;
  Signature signature;
};

const Op* find_op(std::string_view name);  // null where there is none
const char* vector_unit();                 // "x86-64-v3", for reports

}  // namespace ptxvm::exec
