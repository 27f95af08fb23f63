// From a fat binary, as nvcc leaves it in the program, to a decoded program.
#pragma once

#include <cstddef>
#include <memory>

#include "exec/launch.hpp"

namespace ptxvm::runtime {

// Throws Error where there is no code for the target (90 for sm_90), or it cannot be read.
std::shared_ptr<exec::Program> load_program(const void* wrapper, int target);

// The same for what a program loads itself: a fat binary, or PTX as text that ends with a zero. Their length
// is known for a file alone; null elsewhere.
std::shared_ptr<exec::Program> load_library(const void* data, const std::size_t* size, int target);

}  // namespace ptxvm::runtime
