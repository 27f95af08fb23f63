// The calls that expect several devices: there is one, number 0, and nobody beside it.
#include <cuda_runtime_api.h>

#include <cstdio>
#include <cstring>

#include "device/profile.hpp"
#include "runtime/errors.hpp"

using namespace ptxvm::runtime;

namespace {

constexpr char bus_id[] = "0000:00:00.0";

}  // namespace

extern "C" {

cudaError_t cudaDeviceCanAccessPeer(int* out, int device, int peer) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    if (device != 0 || peer != 0) return cudaErrorInvalidDevice;
    *out = 0;  // a device is no peer of its own
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceEnablePeerAccess(int, unsigned flags) {
  return guarded([&] { return flags != 0 ? cudaErrorInvalidValue : cudaErrorInvalidDevice; });
}

cudaError_t cudaDeviceDisablePeerAccess(int peer) {
  return guarded([&] { return peer == 0 ? cudaErrorPeerAccessNotEnabled : cudaErrorInvalidDevice; });
}

cudaError_t cudaDeviceGetP2PAttribute(int*, cudaDeviceP2PAttr, int, int) {
  return guarded([] { return cudaErrorInvalidDevice; });  // two different devices are wanted
}

cudaError_t cudaChooseDevice(int* device, const cudaDeviceProp* wanted) {
  return guarded([&] {
    if (device == nullptr || wanted == nullptr) return cudaErrorInvalidValue;
    *device = 0;
    return cudaSuccess;
  });
}

cudaError_t cudaSetValidDevices(int* devices, int count) {
  return guarded([&] {
    if (count < 0 || (count > 0 && devices == nullptr)) return cudaErrorInvalidValue;
    for (int i = 0; i < count; i++)
      if (devices[i] != 0) return cudaErrorInvalidDevice;
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetPCIBusId(char* out, int length, int device) {
  return guarded([&] {
    if (out == nullptr || length < static_cast<int>(sizeof bus_id)) return cudaErrorInvalidValue;
    if (device != 0) return cudaErrorInvalidDevice;
    std::memcpy(out, bus_id, sizeof bus_id);
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetByPCIBusId(int* device, const char* text) {
  return guarded([&] {
    if (device == nullptr || text == nullptr) return cudaErrorInvalidValue;
    unsigned domain = 0, bus = 0, slot = 0, function = 0;
    if (std::sscanf(text, "%x:%x:%x.%x", &domain, &bus, &slot, &function) != 4) {
      domain = function = 0;
      if (std::sscanf(text, "%x:%x.%x", &bus, &slot, &function) != 3) return cudaErrorInvalidValue;
    }
    if ((domain | bus | slot | function) != 0) return cudaErrorInvalidDevice;
    *device = 0;
    return cudaSuccess;
  });
}

}  // extern "C"
