// From a fat binary, as nvcc leaves it in the program, to a decoded program.
#pragma once

#include <memory>

#include "exec/launch.hpp"

namespace ptxvm::runtime {

// Throws Error where there is no code for the target (90 for sm_90), or it cannot be read.
std::shared_ptr<exec::Program> load_program(const void* wrapper, int target);

}  // namespace ptxvm::runtime
