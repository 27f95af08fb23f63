// Code that the program loads itself: PTX text and fat binaries, from memory or from a file.
#include <cuda_runtime_api.h>

#include <fstream>
#include <sstream>

#include "device/profile.hpp"
#include "runtime/enqueue.hpp"
#include "runtime/images.hpp"
#include "runtime/modules.hpp"

using namespace ptxvm;
using namespace ptxvm::runtime;

namespace {

cudaLibrary_t keep(std::shared_ptr<exec::Program> program) {
  return reinterpret_cast<cudaLibrary_t>(Modules::instance().add_library(std::move(program)));
}

// Options of a compiler and of a loader that are not here: none changes what the code does.
bool are_options(const void* options, const void* values, unsigned count) {
  return count == 0 || (options != nullptr && values != nullptr);
}

}  // namespace

extern "C" {

cudaError_t cudaLibraryLoadData(cudaLibrary_t* out, const void* code, cudaJitOption* jit, void** jit_values,
                                unsigned jit_count, cudaLibraryOption* options, void**, unsigned count) {
  return guarded([&] {
    if (out == nullptr || code == nullptr || !are_options(jit, jit_values, jit_count) ||
        (count > 0 && options == nullptr))
      return cudaErrorInvalidValue;
    *out = keep(load_library(code, nullptr, device::current().target));
    return cudaSuccess;
  });
}

cudaError_t cudaLibraryLoadFromFile(cudaLibrary_t* out, const char* path, cudaJitOption* jit,
                                    void** jit_values, unsigned jit_count, cudaLibraryOption* options, void**,
                                    unsigned count) {
  return guarded([&] {
    if (out == nullptr || path == nullptr || !are_options(jit, jit_values, jit_count) ||
        (count > 0 && options == nullptr))
      return cudaErrorInvalidValue;
    std::ifstream file(path, std::ios::binary);
    std::ostringstream content;
    if (!file || !(content << file.rdbuf()))
      refuse(cudaErrorFileNotFound, std::string("cannot read the library ") + path);
    const std::string bytes = content.str();
    const std::size_t size = bytes.size();
    *out = keep(load_library(bytes.data(), &size, device::current().target));
    return cudaSuccess;
  });
}

cudaError_t cudaLibraryUnload(cudaLibrary_t library) {
  return guarded([&] {
    Modules::instance().library(library);
    const cudaError_t error = wait_for_device();  // its kernels and variables may still be in use
    Modules::instance().remove_library(library);
    return error;
  });
}

cudaError_t cudaLibraryGetKernel(cudaKernel_t* out, cudaLibrary_t library, const char* name) {
  return guarded([&] {
    if (out == nullptr || name == nullptr) return cudaErrorInvalidValue;
    Modules& modules = Modules::instance();
    *out = reinterpret_cast<cudaKernel_t>(&modules.library_function(modules.library(library), name));
    return cudaSuccess;
  });
}

cudaError_t cudaLibraryGetGlobal(void** out, std::size_t* bytes, cudaLibrary_t library, const char* name) {
  return guarded([&] {
    if (name == nullptr || (out == nullptr && bytes == nullptr)) return cudaErrorInvalidValue;
    memory::Address address = 0;
    std::uint64_t size = 0;
    if (!Modules::instance().library(library).program()->variable(name, &address, &size))
      refuse(cudaErrorSymbolNotFound, std::string("the library has no variable ") + name);
    if (out != nullptr) *out = reinterpret_cast<void*>(address);
    if (bytes != nullptr) *bytes = size;
    return cudaSuccess;
  });
}

cudaError_t cudaLibraryGetKernelCount(unsigned* out, cudaLibrary_t library) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    *out = static_cast<unsigned>(Modules::instance().library(library).program()->kernels().size());
    return cudaSuccess;
  });
}

cudaError_t cudaLibraryEnumerateKernels(cudaKernel_t* out, unsigned count, cudaLibrary_t handle) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    Modules& modules = Modules::instance();
    FatBinary& library = modules.library(handle);
    const std::vector<std::string> names = library.program()->kernels();
    for (unsigned i = 0; i < count && i < names.size(); i++)
      out[i] = reinterpret_cast<cudaKernel_t>(&modules.library_function(library, names[i]));
    return cudaSuccess;
  });
}

}  // extern "C"
