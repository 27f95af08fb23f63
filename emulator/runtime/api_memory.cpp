// Memory: the device's, pinned, registered.
#include <cuda_runtime_api.h>

#include "runtime/access.hpp"
#include "runtime/device_memory.hpp"
#include "runtime/enqueue.hpp"
#include "runtime/graph.hpp"

using namespace ptxvm;
using namespace ptxvm::runtime;

namespace {

cudaError_t host_allocate(void** out, std::size_t size, unsigned flags) {
  return guarded([&] {
    constexpr unsigned known = cudaHostAllocPortable | cudaHostAllocMapped | cudaHostAllocWriteCombined;
    if (out == nullptr || (flags & ~known) != 0) return cudaErrorInvalidValue;
    refuse_during_capture("an allocation of pinned memory");
    *out = allocate(size, memory::Kind::Pinned);
    return cudaSuccess;
  });
}

}  // namespace

extern "C" {

cudaError_t cudaMalloc(void** out, std::size_t size) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    *out = nullptr;
    refuse_during_capture("cudaMalloc");
    *out = allocate(size, memory::Kind::Device);
    return cudaSuccess;
  });
}

cudaError_t cudaFree(void* pointer) {
  return guarded([&] {
    if (pointer == nullptr) return cudaSuccess;
    const cudaError_t error = wait_for_device();
    if (error == cudaSuccess) free_now(pointer, memory::Kind::Device);
    return error;
  });
}

cudaError_t cudaMallocPitch(void** out, std::size_t* pitch, std::size_t width, std::size_t height) {
  return guarded([&] {
    if (out == nullptr || pitch == nullptr) return cudaErrorInvalidValue;
    constexpr std::size_t unit = 512;  // rows begin where a texture row might
    *pitch = (width + unit - 1) / unit * unit;
    *out = allocate(*pitch * height, memory::Kind::Device);
    return cudaSuccess;
  });
}

cudaError_t cudaMallocHost(void** out, std::size_t size) {
  return host_allocate(out, size, cudaHostAllocDefault);
}

cudaError_t cudaHostAlloc(void** out, std::size_t size, unsigned flags) {
  return host_allocate(out, size, flags);
}

cudaError_t cudaFreeHost(void* pointer) {
  return guarded([&] {
    if (pointer == nullptr) return cudaSuccess;
    const cudaError_t error = wait_for_device();
    if (error == cudaSuccess) free_now(pointer, memory::Kind::Pinned);
    return error;
  });
}

cudaError_t cudaHostRegister(void* pointer, std::size_t size, unsigned flags) {
  return guarded([&] {
    constexpr unsigned known = cudaHostRegisterPortable | cudaHostRegisterMapped;
    if (pointer == nullptr || size == 0) return cudaErrorInvalidValue;
    if ((flags & ~known) != 0) refuse(cudaErrorNotSupported, "cudaHostRegister: I/O and read-only memory");
    if (place_of(pointer, 1, "cudaHostRegister") != Place::Pageable ||
        place_of(static_cast<char*>(pointer) + size - 1, 1, "cudaHostRegister") != Place::Pageable)
      return cudaErrorHostMemoryAlreadyRegistered;
    device_space().adopt(pointer, size);
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

cudaError_t cudaHostGetDevicePointer(void** out, void* host, unsigned flags) {
  return guarded([&] {
    if (out == nullptr || flags != 0) return cudaErrorInvalidValue;
    if (place_of(host, 1, "cudaHostGetDevicePointer") != Place::Pinned) return cudaErrorInvalidValue;
    *out = host;
    return cudaSuccess;
  });
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* out, const void* pointer) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    *out = cudaPointerAttributes{};
    void* const p = const_cast<void*>(pointer);
    const auto found = device_space().find(address_of(pointer));
    if (!found) {
      out->type = cudaMemoryTypeUnregistered;
      out->device = cudaInvalidDeviceId;
      out->hostPointer = device_space().is_device_range(address_of(pointer)) ? nullptr : p;
    } else if (found->kind == memory::Kind::Pinned) {
      out->type = cudaMemoryTypeHost;
      out->devicePointer = out->hostPointer = p;
    } else {
      out->type = cudaMemoryTypeDevice;
      out->devicePointer = p;
    }
    return cudaSuccess;
  });
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  return guarded([&] {
    if (free == nullptr || total == nullptr) return cudaErrorInvalidValue;
    *total = device_space().capacity();
    *free = *total - device_space().used();
    return cudaSuccess;
  });
}

}  // extern "C"
