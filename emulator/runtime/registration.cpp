// The calls that nvcc puts into a program's start and around its launches. Their names are the compiler's;
// no header declares all of them for plain C++.
#include <cuda_runtime_api.h>

#include <string>
#include <vector>

#include "runtime/errors.hpp"
#include "runtime/host_access.hpp"
#include "runtime/launch.hpp"
#include "runtime/modules.hpp"

namespace {

using ptxvm::runtime::FatBinary;
using ptxvm::runtime::Modules;

struct Configuration {
  dim3 grid, block;
  std::size_t shared;
  cudaStream_t stream;
};

// One per `<<<` not yet followed by its call; arguments of a launch may launch themselves.
std::vector<Configuration>& configurations() {
  thread_local std::vector<Configuration> stack;
  return stack;
}

}  // namespace

extern "C" {

void** __cudaRegisterFatBinary(void* wrapper) {
  ptxvm::runtime::watch_host_access();
  return reinterpret_cast<void**>(Modules::instance().add_binary(wrapper));
}

void __cudaRegisterFatBinaryEnd(void**) {}

// The program is ending: there is nobody left to use what could be given back.
void __cudaUnregisterFatBinary(void**) {}

char __cudaInitModule(void**) { return 1; }

void __cudaRegisterFunction(void** handle, const char* host, char*, const char* name, int, uint3*, uint3*,
                            dim3*, dim3*, int*) {
  Modules::instance().add_function(reinterpret_cast<FatBinary*>(handle), host, name);
}

void __cudaRegisterVar(void** handle, char* host, char*, const char* name, int, std::size_t size, int, int) {
  Modules::instance().add_variable(reinterpret_cast<FatBinary*>(handle), host, name, size);
}

// Managed memory is not emulated. The host's pointer to the variable stays null.
void __cudaRegisterManagedVar(void** handle, void**, char*, const char* name, int, std::size_t, int, int) {
  const std::string why = std::string("__managed__ variable ") + name + ": managed memory is not emulated";
  ptxvm::runtime::report(why);
  reinterpret_cast<FatBinary*>(handle)->refuse_always(ptxvm::Error(ptxvm::Status::NotSupported, why));
}
char __cudaInitManagedRuntime(void**) { return 1; }

void __cudaRegisterHostVar(void** handle, const char* name, char*, std::size_t) {
  const std::string why = std::string("host variable ") + name + " in device code: not emulated";
  ptxvm::runtime::report(why);
  reinterpret_cast<FatBinary*>(handle)->refuse_always(ptxvm::Error(ptxvm::Status::NotSupported, why));
}

cudaError_t __cudaGetKernel(cudaKernel_t* kernel, const void* host) {
  try {
    *kernel = reinterpret_cast<cudaKernel_t>(&Modules::instance().function(host));
    return cudaSuccess;
  } catch (const ptxvm::Error&) {
    // Asked for in a static initialiser whose result the compiler ignores: the launch will say it.
    return cudaErrorInvalidDeviceFunction;
  }
}

unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, std::size_t shared, CUstream_st* stream) {
  configurations().push_back({grid, block, shared, stream});
  return 0;
}

cudaError_t __cudaPopCallConfiguration(dim3* grid, dim3* block, std::size_t* shared, void* stream) {
  if (configurations().empty()) return ptxvm::runtime::remember(cudaErrorMissingConfiguration);
  const Configuration top = configurations().back();
  configurations().pop_back();
  *grid = top.grid;
  *block = top.block;
  *shared = top.shared;
  *static_cast<cudaStream_t*>(stream) = top.stream;
  return cudaSuccess;
}

}  // extern "C"
