#include "memory/heap.hpp"

namespace ptxvm::memory {
namespace {

std::uint64_t taken(std::uint64_t size) { return (size + 15) & ~std::uint64_t{15}; }

}  // namespace

DeviceHeap& DeviceHeap::instance() {
  static DeviceHeap* const only = new DeviceHeap;
  return *only;
}

std::optional<Address> DeviceHeap::allocate(std::uint64_t size, std::string label) {
  {
    const std::lock_guard lock(mutex_);
    in_use_ = true;
    if (size > capacity_ || taken(size) > capacity_ - used_) return std::nullopt;
    used_ += taken(size);
  }
  if (const auto a = AddressSpace::instance().allocate(size, Kind::Heap, std::move(label))) return a->base;
  const std::lock_guard lock(mutex_);
  used_ -= taken(size);
  return std::nullopt;
}

bool DeviceHeap::release(Address base) {
  AddressSpace& space = AddressSpace::instance();
  const auto found = space.find(base);
  // Of two threads that free one allocation, release() lets one through.
  if (!found || found->base != base || found->kind != Kind::Heap || !space.release(base)) return false;
  const std::lock_guard lock(mutex_);
  used_ -= taken(found->size);
  return true;
}

std::uint64_t DeviceHeap::capacity() const {
  const std::lock_guard lock(mutex_);
  return capacity_;
}

bool DeviceHeap::set_capacity(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (in_use_) return false;
  capacity_ = bytes;
  return true;
}

void DeviceHeap::reset() {
  const std::lock_guard lock(mutex_);
  capacity_ = usual;
  used_ = 0;
  in_use_ = false;
}

}  // namespace ptxvm::memory
