// Memory of the host that the device sees at the same address: pinned and registered.
#include <cuda_runtime_api.h>

#include <mutex>
#include <unordered_map>

#include "runtime/access.hpp"
#include "runtime/capture.hpp"
#include "runtime/device_memory.hpp"
#include "runtime/enqueue.hpp"

using namespace ptxvm;
using namespace ptxvm::runtime;

namespace {

// What each block was asked for with; mapped is always true in the end.
struct Flags {
  std::mutex mutex;
  std::unordered_map<memory::Address, unsigned> of;
};
Flags& flags() {
  static Flags* const only = new Flags;
  return *only;
}

void keep(memory::Address base, unsigned asked) {
  const std::lock_guard lock(flags().mutex);
  flags().of[base] = asked;
}

cudaError_t host_allocate(void** out, std::size_t size, unsigned asked) {
  return guarded([&] {
    constexpr unsigned known = cudaHostAllocPortable | cudaHostAllocMapped | cudaHostAllocWriteCombined;
    if (out == nullptr || (asked & ~known) != 0) return cudaErrorInvalidValue;
    *out = nullptr;
    refuse_during_capture("an allocation of pinned memory");
    *out = allocate(size, memory::Kind::Pinned);
    keep(address_of(*out), asked);
    return cudaSuccess;
  });
}

}  // namespace

extern "C" {

cudaError_t cudaMallocHost(void** out, std::size_t size) {
  return host_allocate(out, size, cudaHostAllocDefault);
}

cudaError_t cudaHostAlloc(void** out, std::size_t size, unsigned asked) {
  return host_allocate(out, size, asked);
}

cudaError_t cudaFreeHost(void* pointer) {
  return guarded([&] {
    if (pointer == nullptr) return cudaSuccess;
    const cudaError_t error = wait_for_device();
    if (error == cudaSuccess) free_now(pointer, memory::Kind::Pinned);
    return error;
  });
}

cudaError_t cudaHostRegister(void* pointer, std::size_t size, unsigned asked) {
  return guarded([&] {
    constexpr unsigned known = cudaHostRegisterPortable | cudaHostRegisterMapped;
    if (pointer == nullptr || size == 0) return cudaErrorInvalidValue;
    if ((asked & ~known) != 0) refuse(cudaErrorNotSupported, "cudaHostRegister: I/O and read-only memory");
    refuse_during_capture("cudaHostRegister");
    if (place_of(pointer, 1, "cudaHostRegister") != Place::Pageable ||
        place_of(static_cast<char*>(pointer) + size - 1, 1, "cudaHostRegister") != Place::Pageable)
      return cudaErrorHostMemoryAlreadyRegistered;
    device_space().adopt(pointer, size);
    keep(address_of(pointer), asked);
    return cudaSuccess;
  });
}

cudaError_t cudaHostUnregister(void* pointer) {
  return guarded([&] {
    const auto found = device_space().find(address_of(pointer));
    if (!found || found->base != address_of(pointer) || found->kind != memory::Kind::Pinned)
      return cudaErrorHostMemoryNotRegistered;
    const cudaError_t error = wait_for_device();
    device_space().forget(pointer);
    return error;
  });
}

cudaError_t cudaHostGetDevicePointer(void** out, void* host, unsigned asked) {
  return guarded([&] {
    if (out == nullptr || asked != 0) return cudaErrorInvalidValue;
    if (place_of(host, 1, "cudaHostGetDevicePointer") != Place::Pinned) return cudaErrorInvalidValue;
    *out = host;
    return cudaSuccess;
  });
}

// All pinned memory is mapped, whether that was asked for or not, as with unified addresses on a GPU.
cudaError_t cudaHostGetFlags(unsigned* out, void* host) {
  return guarded([&] {
    if (out == nullptr || place_of(host, 1, "cudaHostGetFlags") != Place::Pinned)
      return cudaErrorInvalidValue;
    const auto found = device_space().find(address_of(host));
    const std::lock_guard lock(flags().mutex);
    *out = flags().of[found->base] | cudaHostAllocMapped;
    return cudaSuccess;
  });
}

}  // extern "C"
