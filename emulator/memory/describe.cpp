// What a message says of an address.
#include <cstdio>
#include <string>

#include "memory/address_space.hpp"

namespace ptxvm::memory {
namespace {

std::string hex(Address a) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(a));
  return text;
}

std::string bytes(std::uint64_t n) { return std::to_string(n) + (n == 1 ? " byte" : " bytes"); }

std::string name(const Allocation& a) {
  std::string text;
  if (a.kind == Kind::ModuleVariable) {
    text = "variable " + (a.label.empty() ? std::to_string(a.id) : a.label);
  } else {
    text = a.kind == Kind::Pinned ? "host allocation " : a.kind == Kind::Heap ? "heap allocation " : "allocation ";
    text += std::to_string(a.id);
    if (!a.label.empty()) text += " \"" + a.label + "\"";
  }
  return text + " (" + bytes(a.size) + " at " + hex(a.base) + ")";
}

std::string window(const AddressSpace& space, Address a) {
  const Windows& w = space.windows();
  if (a - w.shared < Windows::size) return "shared";
  if (a - w.local < Windows::size) return "local";
  if (a - w.param < Windows::size) return "param";
  return {};
}

}  // namespace

std::string describe(Address a, std::uint64_t size) {
  constexpr Address near = 1 << 20;  // farther from an allocation than this, its distance tells nothing
  const AddressSpace& space = AddressSpace::instance();
  const std::string at = hex(a);
  if (a < 4096) return at + " is a null pointer";
  if (const std::string w = window(space, a); !w.empty())
    return at + " is a generic address of the " + w + " window";

  const auto found = space.nearest(a);
  if (found && a >= found->base && a - found->base < found->size) {
    const std::uint64_t into = a - found->base;
    const std::string where = into == 0 ? " is the start of " : " is " + bytes(into) + " into ";
    if (found->freed) return at + where + name(*found) + ", which has been freed";
    if (found->contains(a, size)) return at + where + name(*found);
    return at + where + name(*found) + ", but " + bytes(size) + " from there run " +
           bytes(size - (found->size - into)) + " past its end";
  }
  if (found) {
    const std::string freed = found->freed ? ", which has been freed" : "";
    const Address end = found->base + found->size;
    if (a >= end && a - end < near) {
      if (a == end) return at + " is just past the end of " + name(*found) + freed;
      return at + " is " + bytes(a - end) + " past the end of " + name(*found) + freed;
    }
    if (a < found->base && found->base - a < near)
      return at + " is " + bytes(found->base - a) + " before the start of " + name(*found) + freed;
  }
  if (space.is_device_range(a)) return at + " is in device memory that nobody has allocated";
  return at + " is not device memory (a pointer to plain host memory, or a wild one)";
}

}  // namespace ptxvm::memory
