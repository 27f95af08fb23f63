// The one device: choosing it, asking it, waiting for it, resetting it.
#include <cuda_runtime_api.h>

#include <atomic>
#include <map>
#include <mutex>
#include <string>

#include "device/profile.hpp"
#include "memory/heap.hpp"
#include "runtime/device_memory.hpp"
#include "runtime/enqueue.hpp"
#include "runtime/event.hpp"
#include "runtime/modules.hpp"

using namespace ptxvm;
using namespace ptxvm::runtime;

namespace {

// Kept so that they can be asked for. Kernels get the stack that their code declares, printf writes at once,
// and how the L2 cache fetches changes nothing. The heap keeps its
// own.
struct Limits {
  std::mutex mutex;
  std::map<cudaLimit, std::size_t> value = {
      {cudaLimitStackSize, 1024}, {cudaLimitPrintfFifoSize, 1 << 20}, {cudaLimitMaxL2FetchGranularity, 64}};
};
Limits& limits() {
  static Limits* const only = new Limits;
  return *only;
}

// Throws Error for limits of what the emulator does not have.
std::size_t& limit_of(cudaLimit limit) {
  const auto found = limits().value.find(limit);
  if (found != limits().value.end()) return found->second;
  const char* what = limit == cudaLimitPersistingL2CacheSize ? "lines that stay in the L2 cache"
                     : limit == cudaLimitDevRuntimeSyncDepth || limit == cudaLimitDevRuntimePendingLaunchCount
                         ? "kernels that launch kernels"
                         : "an unknown limit";
  refuse(cudaErrorUnsupportedLimit, std::string("a limit for ") + what + ": not emulated");
}

std::atomic<unsigned> device_flags{cudaDeviceScheduleAuto};

bool are_device_flags(unsigned flags) {
  const unsigned schedule = flags & cudaDeviceScheduleMask;
  const bool one = schedule == cudaDeviceScheduleAuto || schedule == cudaDeviceScheduleSpin ||
                   schedule == cudaDeviceScheduleYield || schedule == cudaDeviceScheduleBlockingSync;
  return one && (flags & ~unsigned(cudaDeviceMask)) == 0;
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

cudaError_t cudaInitDevice(int device, unsigned device_flags_wanted, unsigned flags) {
  return guarded([&] {
    if (device != 0) return cudaErrorInvalidDevice;
    if ((flags & ~unsigned(cudaInitDeviceFlagsAreValid)) != 0) return cudaErrorInvalidValue;
    if (flags == 0) return cudaSuccess;
    if (!are_device_flags(device_flags_wanted)) return cudaErrorInvalidValue;
    device_flags = device_flags_wanted;
    return cudaSuccess;
  });
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
    if (limit == cudaLimitMallocHeapSize)
      return memory::DeviceHeap::instance().set_capacity(value) ? cudaSuccess : cudaErrorInvalidValue;
    const std::lock_guard lock(limits().mutex);
    std::size_t& kept = limit_of(limit);
    if (limit == cudaLimitMaxL2FetchGranularity && value > 128) return cudaErrorInvalidValue;
    kept = value;
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetLimit(std::size_t* out, cudaLimit limit) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    if (limit == cudaLimitMallocHeapSize) {
      *out = memory::DeviceHeap::instance().capacity();
      return cudaSuccess;
    }
    const std::lock_guard lock(limits().mutex);
    *out = limit_of(limit);
    return cudaSuccess;
  });
}

// How the host waits is a hint; pinned memory is always mapped.
cudaError_t cudaSetDeviceFlags(unsigned flags) {
  return guarded([&] {
    if (!are_device_flags(flags)) return cudaErrorInvalidValue;
    device_flags = flags;
    return cudaSuccess;
  });
}

cudaError_t cudaGetDeviceFlags(unsigned* out) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    *out = device_flags | cudaDeviceMapHost;
    return cudaSuccess;
  });
}

}  // extern "C"
