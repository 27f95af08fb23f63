// 128 bits: one host instruction loads or stores them, so that they do not tear.
#pragma once

#include "exec/ops/op.hpp"

namespace ptxvm::exec::PTXVM_ISA {

typedef u64 Wide __attribute__((vector_size(16)));

}  // namespace ptxvm::exec::PTXVM_ISA
