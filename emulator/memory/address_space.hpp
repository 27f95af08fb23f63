// Device memory: where it lives, who owns each byte, what is nearest to an address that nobody owns.
//
// A device address is never a valid host address: the range that device pointers come from is reserved
// without access rights, so that host code that follows one faults at once. The bytes live elsewhere, at
// address + delta. Pinned and mapped host memory keeps its host address (delta 0).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ptxvm::memory {

using Address = std::uint64_t;

enum class Kind : std::uint8_t { Device, Pinned, ModuleVariable, Heap };  // Heap: allocated by device code

struct Allocation {
  Address base = 0;
  std::uint64_t size = 0;
  std::int64_t delta = 0;  // host address of a byte = device address + delta
  Kind kind = Kind::Device;
  std::uint64_t id = 0;    // counts up from 1 over the life of the process
  bool freed = false;      // kept for a while so that use after free is named
  std::string label;       // variable's name; who asked, of the heap's; empty for plain allocations
  bool read_only = false;  // .const variables

  bool contains(Address a, std::uint64_t n) const { return a >= base && n <= size && a - base <= size - n; }
};

// Generic-address windows of one thread's view (PTX ISA, "Generic Addressing"). They lie in the reserved
// range, behind the part that allocations come from. Offsets in a window are what .shared, .local and
// .param addresses are.
struct Windows {
  Address shared, local, param;
  static constexpr std::uint64_t size = std::uint64_t{1} << 32;  // each
};

class AddressSpace {
 public:
  static AddressSpace& instance();

  // Null where the device's memory (capacity) is used up. Aligned to at least 256 bytes, with at least
  // 512 unowned bytes on both sides.
  std::optional<Allocation> allocate(std::uint64_t size, Kind kind, std::string label = {}, bool read_only = false);
  // Makes host memory visible to the device at its own address.
  void adopt(void* host, std::uint64_t size);
  void forget(void* host);
  // False where base is not the base of a live device allocation.
  bool release(Address base);

  // The live allocation that holds the byte, else nothing. Safe to call while others allocate.
  std::optional<Allocation> find(Address a) const;
  // The allocation (live or freed) nearest to an address, for messages.
  std::optional<Allocation> nearest(Address a) const;
  std::vector<Allocation> live() const;   // in the order of their addresses
  bool is_device_range(Address a) const;  // anywhere in the reserved range

  Allocation whole_device() const;        // all that device allocations come from, as if it were one

  std::uint64_t capacity() const;
  void set_capacity(std::uint64_t bytes);
  std::uint64_t used() const;
  const Windows& windows() const;

 private:
  AddressSpace();
  ~AddressSpace();
  struct State;
  std::unique_ptr<State> state_;
};

// "0x7f.. is 4 bytes past the end of allocation 12 (1024 bytes at 0x7f..)"; freed ones say so.
std::string describe(Address a, std::uint64_t size);

}  // namespace ptxvm::memory
