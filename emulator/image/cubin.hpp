// What ptxas' machine code says of a kernel that its PTX does not.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

namespace ptxvm::image {

// Registers per thread of every function in a cubin (an ELF file), by mangled name. Throws
// InvalidKernelImage.
std::unordered_map<std::string, int> registers_per_thread(std::string_view cubin);

// Bytes of each function's stack frame, where local arrays and spilled registers lie.
std::unordered_map<std::string, int> stack_per_thread(std::string_view cubin);

}  // namespace ptxvm::image
