// A range of addresses and the rule by which allocations are placed in it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "memory/address_space.hpp"

namespace ptxvm::memory {

// By base address.
using Records = std::map<Address, Allocation>;

// Reserves size bytes of address space; readable and writable, or without any access. Throws Error.
Address reserve(std::uint64_t size, bool accessible, Address hint);

class Arena {
 public:
  static constexpr std::uint64_t alignment = 256;
  static constexpr std::uint64_t guard = 512;  // unowned bytes on both sides of every allocation

  Arena(Address begin, std::uint64_t size) : begin_(begin), end_(begin + size), cursor_(begin) {}

  bool contains(Address a) const { return a >= begin_ && a < end_; }

  // Addresses are handed out once, upwards, so that a stale pointer never meets a new allocation. Only
  // when the range has been used up are gaps among the live records searched; *reused tells. Freed
  // records of this arena are dropped then.
  std::optional<Address> place(std::uint64_t size, Records& records, bool* reused);

 private:
  Address begin_, end_, cursor_;
};

}  // namespace ptxvm::memory
