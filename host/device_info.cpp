#include "device_info.hpp"

#include "check.hpp"

namespace recur {
namespace {

int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  RECUR_CUDA(cudaDeviceGetAttribute(&value, which, device));
  return value;
}

}  // namespace

DeviceInfo device_info(int device) {
  return {10 * attribute(cudaDevAttrComputeCapabilityMajor, device) +
              attribute(cudaDevAttrComputeCapabilityMinor, device),
          attribute(cudaDevAttrMultiProcessorCount, device),
          static_cast<size_t>(attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, device))};
}

}  // namespace recur
