// What is left out by name.
#pragma once

namespace ptxvm::runtime {

// Reports that the function is not emulated and why, and gives the code that it returns: a cudaError_t.
int refused(const char* function, const char* what);

}  // namespace ptxvm::runtime
