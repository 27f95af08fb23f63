// The one device: choosing it, asking it, waiting for it, resetting it.
#include <cuda_runtime_api.h>

#include <mutex>

#include "device/profile.hpp"
#include "runtime/device_memory.hpp"
#include "runtime/enqueue.hpp"
#include "runtime/event.hpp"
#include "runtime/modules.hpp"

using namespace ptxvm;
using namespace ptxvm::runtime;

namespace {

// Kept so that they can be asked for; of the machine only the stack size could mean anything, and there
// kernels get what their code declares.
struct Limits {
  std::mutex mutex;
  std::size_t value[3] = {1024, 1 << 20, 8 << 20};  // stack, printf buffer, heap
};
Limits& limits() {
  static Limits* const only = new Limits;
  return *only;
}

cudaError_t known_device(int device) { return device == 0 ? cudaSuccess : cudaErrorInvalidDevice; }

}  // namespace

extern "C" {

cudaError_t cudaGetDeviceCount(int* out) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    device::current();
    *out = 1;
    return cudaSuccess;
  });
}

cudaError_t cudaGetDevice(int* out) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    *out = 0;
    return cudaSuccess;
  });
}

cudaError_t cudaSetDevice(int device) {
  return guarded([&] { return known_device(device); });
}

cudaError_t cudaInitDevice(int device, unsigned, unsigned) {
  return guarded([&] { return known_device(device); });
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* out, int device) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    if (device != 0) return cudaErrorInvalidDevice;
    device::fill_properties(device::current(), out);
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetAttribute(int* out, cudaDeviceAttr attribute, int device) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    if (device != 0) return cudaErrorInvalidDevice;
    return device::attribute(device::current(), attribute, out) ? cudaSuccess : cudaErrorInvalidValue;
  });
}

cudaError_t cudaDeviceSynchronize(void) { return guarded(wait_for_device); }

// A device that has faulted can be used again after this, which a real one cannot promise.
cudaError_t cudaDeviceReset(void) {
  clear_sticky_error();
  return guarded([] {
    wait_for_device();
    clear_sticky_error();
    Scheduler::instance().destroy_all();
    Events::instance().destroy_all();
    Modules::instance().unload_all();
    free_all();
    cudaGetLastError();
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceSetLimit(cudaLimit limit, std::size_t value) {
  return guarded([&] {
    if (limit > cudaLimitMallocHeapSize) return cudaErrorUnsupportedLimit;
    const std::lock_guard lock(limits().mutex);
    limits().value[limit] = value;
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetLimit(std::size_t* out, cudaLimit limit) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    if (limit > cudaLimitMallocHeapSize) return cudaErrorUnsupportedLimit;
    const std::lock_guard lock(limits().mutex);
    *out = limits().value[limit];
    return cudaSuccess;
  });
}

cudaError_t cudaDriverGetVersion(int* out) {
  if (out == nullptr) return remember(cudaErrorInvalidValue);
  *out = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* out) { return cudaDriverGetVersion(out); }

}  // extern "C"
