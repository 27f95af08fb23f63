// malloc, free and their aligned form, as device code calls them; new and delete are calls of these.
#include <cstring>

#include "exec/builtins.hpp"
#include "exec/warp.hpp"
#include "memory/heap.hpp"
#include "support/error.hpp"
#include "support/format.hpp"

namespace ptxvm::exec {
namespace {

using memory::Address;
using memory::DeviceHeap;

std::uint64_t argument(Warp& w, const Inst& in, int number, unsigned lane) {
  std::uint64_t v;
  std::memcpy(&v, w.base[0] + in.op[2 * number] + lane * in.op[2 * number + 1], sizeof v);
  return v;
}

void give(Warp& w, const Inst& in, unsigned lane, std::uint64_t size) {
  Address at = 0;  // what device code gets where the heap is full, and for no bytes
  if (size != 0)
    if (const auto found = DeviceHeap::instance().allocate(size, "malloc in " + position(w, in, lane))) at = *found;
  if (in.op[8] != kNone) std::memcpy(w.base[0] + in.op[8] + lane * in.op[9], &at, sizeof at);
}

void device_malloc(Warp& w, const Inst& in) {
  for (std::uint32_t m = w.mask; m; m &= m - 1) {
    const unsigned lane = unsigned(__builtin_ctz(m));
    give(w, in, lane, argument(w, in, 0, lane));
  }
}

// size, alignment
void device_aligned_malloc(Warp& w, const Inst& in) {
  constexpr std::uint64_t every_allocation_has = 256;
  for (std::uint32_t m = w.mask; m; m &= m - 1) {
    const unsigned lane = unsigned(__builtin_ctz(m));
    const std::uint64_t alignment = argument(w, in, 1, lane);
    if (alignment & (alignment - 1)) {
      fault(w, in, lane, int(Status::InvalidValue),
            format("aligned malloc: %llu is no power of two", static_cast<unsigned long long>(alignment)));
    }
    if (alignment > every_allocation_has) {
      fault(w, in, lane, int(Status::NotSupported),
            format("aligned malloc: alignments above 256 are not emulated, %llu is asked for",
                   static_cast<unsigned long long>(alignment)));
    }
    give(w, in, lane, argument(w, in, 0, lane));
  }
}

void device_free(Warp& w, const Inst& in) {
  for (std::uint32_t m = w.mask; m; m &= m - 1) {
    const unsigned lane = unsigned(__builtin_ctz(m));
    const Address at = argument(w, in, 0, lane);
    if (at != 0 && !DeviceHeap::instance().release(at))
      fault(w, in, lane, int(Status::LaunchFailure),
            "free of what is no live allocation of device code: " + memory::describe(at, 1));
  }
}

}  // namespace

Handler heap_function(const std::string& name) {
  if (name == "malloc") return &device_malloc;
  if (name == "free") return &device_free;
  if (name == "__cuda_syscall_aligned_malloc") return &device_aligned_malloc;
  return nullptr;
}

}  // namespace ptxvm::exec
