#include "memory/arena.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "support/error.hpp"

namespace ptxvm::memory {
namespace {

Address align_up(Address a) { return (a + Arena::alignment - 1) / Arena::alignment * Arena::alignment; }

}  // namespace

Address reserve(std::uint64_t size, bool accessible, Address hint) {
  const int access = accessible ? PROT_READ | PROT_WRITE : PROT_NONE;
  void* at =
      mmap(reinterpret_cast<void*>(hint), size, access, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) {
    throw Error(Status::OutOfMemory,
                "cannot reserve " + std::to_string(size >> 30) +
                    " GiB of address space for the device's memory: " + std::strerror(errno));
  }
  return reinterpret_cast<Address>(at);
}

std::optional<Address> Arena::place(std::uint64_t size, Records& records, bool* reused) {
  *reused = false;
  if (size > end_ - begin_) return std::nullopt;
  const std::uint64_t needed = std::max<std::uint64_t>(size, 1);
  const Address next = align_up(cursor_ + guard);
  if (next + needed + guard <= end_) {
    cursor_ = next + needed;
    return next;
  }
  *reused = true;
  for (auto it = records.begin(); it != records.end();) {
    it = it->second.freed && contains(it->first) ? records.erase(it) : std::next(it);
  }
  Address candidate = align_up(begin_ + guard);
  for (auto it = records.lower_bound(begin_); it != records.end() && contains(it->first); ++it) {
    if (candidate + needed + guard <= it->first) return candidate;
    candidate = align_up(it->first + std::max<std::uint64_t>(it->second.size, 1) + guard);
  }
  if (candidate + needed + guard <= end_) return candidate;
  return std::nullopt;
}

}  // namespace ptxvm::memory
