// The heap of device code's malloc and new: cudaLimitMallocHeapSize bytes, kept apart from what the host allocates.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "memory/address_space.hpp"

namespace ptxvm::memory {

class DeviceHeap {
 public:
  static DeviceHeap& instance();

  // Nothing where the heap has no room. label says who asked, for messages.
  std::optional<Address> allocate(std::uint64_t size, std::string label);
  // False where base is not the start of a live allocation of this heap.
  bool release(Address base);

  std::uint64_t capacity() const;
  // False once device code has asked for memory: the heap's size is fixed from then on.
  bool set_capacity(std::uint64_t bytes);
  // The device was reset: the allocations are gone, and the size can be chosen anew.
  void reset();

 private:
  static constexpr std::uint64_t usual = 8 << 20;
  mutable std::mutex mutex_;
  std::uint64_t capacity_ = usual, used_ = 0;
  bool in_use_ = false;
};

}  // namespace ptxvm::memory
