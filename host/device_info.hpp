// What the choice of a residency needs to know of a device.
#pragma once

#include <cstddef>

namespace recur {

struct DeviceInfo {
  int capability;            // 10 * major + minor
  int multiprocessors;
  size_t shared_per_block;   // bytes that a block may have if it asks
};

DeviceInfo device_info(int device);

}  // namespace recur
