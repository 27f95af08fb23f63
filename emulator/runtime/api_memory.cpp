// Memory of the device, and what a pointer means.
#include <cuda_runtime_api.h>

#include <string>

#include "runtime/access.hpp"
#include "runtime/capture.hpp"
#include "runtime/device_memory.hpp"
#include "runtime/enqueue.hpp"

using namespace ptxvm;
using namespace ptxvm::runtime;

namespace {

constexpr std::size_t row_unit = 512;  // rows begin where a texture row might

// Throws Error where there is no memory, or the product of the sizes is beyond all numbers.
void* allocate_rows(std::size_t* pitch, std::size_t width, std::size_t rows) {
  std::size_t padded = 0, bytes = 0;
  if (__builtin_add_overflow(width, row_unit - 1, &padded) ||
      __builtin_mul_overflow(padded / row_unit * row_unit, rows, &bytes))
    refuse(cudaErrorMemoryAllocation, "out of memory: rows of " + std::to_string(width) + " bytes, " +
                                          std::to_string(rows) + " of them");
  *pitch = padded / row_unit * row_unit;
  return allocate(bytes, memory::Kind::Device);
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
    *out = nullptr;
    refuse_during_capture("cudaMallocPitch");
    *out = allocate_rows(pitch, width, height);
    return cudaSuccess;
  });
}

cudaError_t cudaMalloc3D(cudaPitchedPtr* out, cudaExtent extent) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    *out = {nullptr, 0, extent.width, extent.height};
    refuse_during_capture("cudaMalloc3D");
    std::size_t rows = 0;
    if (__builtin_mul_overflow(extent.height, extent.depth, &rows)) return cudaErrorMemoryAllocation;
    out->ptr = allocate_rows(&out->pitch, extent.width, rows);
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
