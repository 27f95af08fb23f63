#include "runtime/access.hpp"

#include <string>

#include "support/error.hpp"

namespace ptxvm::runtime {
namespace {

std::string complaint(memory::Address a, std::uint64_t bytes, const char* what) {
  return std::string(what) + ", " + std::to_string(bytes) + " bytes: " + memory::describe(a, bytes);
}

}  // namespace

Place place_of(const void* pointer, std::uint64_t bytes, const char* what) {
  const auto& space = memory::AddressSpace::instance();
  const memory::Address a = address_of(pointer);
  if (a == 0) throw Error(Status::InvalidValue, complaint(a, bytes, what));
  const auto found = space.find(a);
  if (!found) {
    if (space.is_device_range(a)) throw Error(Status::InvalidValue, complaint(a, bytes, what));
    return Place::Pageable;
  }
  if (!found->contains(a, bytes)) throw Error(Status::InvalidValue, complaint(a, bytes, what));
  if (found->kind == memory::Kind::Heap)
    throw Error(Status::InvalidValue, "memory of device code's malloc is not the runtime's: " + complaint(a, bytes, what));
  return found->kind == memory::Kind::Pinned ? Place::Pinned : Place::Device;
}

unsigned char* bytes_at(memory::Address a, std::uint64_t bytes, const char* what) {
  const auto& space = memory::AddressSpace::instance();
  const auto found = space.find(a);
  if (found && found->contains(a, bytes))
    return reinterpret_cast<unsigned char*>(a + static_cast<memory::Address>(found->delta));
  if (found || space.is_device_range(a)) throw Error(Status::IllegalAddress, complaint(a, bytes, what));
  return reinterpret_cast<unsigned char*>(a);
}

}  // namespace ptxvm::runtime
