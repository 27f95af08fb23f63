#include "runtime/device_memory.hpp"

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <unordered_set>

#include "check/level.hpp"
#include "check/operations.hpp"
#include "device/profile.hpp"
#include "memory/heap.hpp"
#include "runtime/access.hpp"
#include "runtime/errors.hpp"
#include "runtime/host_access.hpp"
#include "support/environment.hpp"

namespace ptxvm::runtime {
namespace {

struct Releasing {
  std::mutex mutex;
  std::unordered_set<memory::Address> bases;
};
Releasing& releasing() {
  static Releasing* const only = new Releasing;
  return *only;
}

bool is_releasing(memory::Address base) {
  const std::lock_guard lock(releasing().mutex);
  return releasing().bases.count(base) != 0;
}

void report_leaks() {
  std::size_t count = 0;
  std::uint64_t bytes = 0;
  for (const memory::Allocation& a : memory::AddressSpace::instance().live()) {
    if (a.kind == memory::Kind::ModuleVariable) continue;
    const char* kind = a.kind == memory::Kind::Pinned ? "host" : a.kind == memory::Kind::Heap ? "heap" : "device";
    std::fprintf(stderr, "ptxvm: leaked: %s allocation %llu, %llu bytes at 0x%llx%s%s\n", kind,
                 static_cast<unsigned long long>(a.id), static_cast<unsigned long long>(a.size),
                 static_cast<unsigned long long>(a.base), a.label.empty() ? "" : ", ", a.label.c_str());
    count++;
    bytes += a.size;
  }
  std::fprintf(stderr, "ptxvm: %zu allocations leaked, %llu bytes\n", count,
               static_cast<unsigned long long>(bytes));
}

}  // namespace

void watch_leaks() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (environment_flag("PTXVM_LEAKS", false)) std::atexit(report_leaks);
  });
}

memory::AddressSpace& device_space() {
  static memory::AddressSpace* const space = [] {
    memory::AddressSpace& s = memory::AddressSpace::instance();
    s.set_capacity(device::current().memory_bytes);
    watch_host_access();
    watch_leaks();
    return &s;
  }();
  return *space;
}

void* allocate(std::size_t size, memory::Kind kind) {
  memory::AddressSpace& space = device_space();
  if (size == 0) return nullptr;
  const auto a = space.allocate(size, kind);
  if (!a) {
    refuse(cudaErrorMemoryAllocation, "out of memory: " + std::to_string(size) + " bytes wanted, " +
                                          std::to_string(space.capacity() - space.used()) +
                                          " of the device's left");
  }
  counters().allocations++;
  return reinterpret_cast<void*>(a->base);
}

void free_now(void* pointer, memory::Kind kind) {
  memory::AddressSpace& space = device_space();
  const memory::Address base = address_of(pointer);
  const auto found = space.find(base);
  const bool ours = found && found->base == base && found->kind == kind && !is_releasing(base);
  if (ours && check::level() == check::Level::Full) check::Operations::instance().forget(base, found->size);
  if (!ours || !space.release(base))
    refuse(cudaErrorInvalidValue, "free of what is no live allocation: " + memory::describe(base, 1));
  counters().frees++;
}

void begin_release(void* pointer) {
  const memory::Address base = address_of(pointer);
  const auto found = device_space().find(base);
  const bool ours = found && found->base == base && found->kind == memory::Kind::Device;
  const std::lock_guard lock(releasing().mutex);
  if (!ours || !releasing().bases.insert(base).second)
    refuse(cudaErrorInvalidValue, "free of what is no live allocation: " + memory::describe(base, 1));
  counters().frees++;
}

void end_release(memory::Address base) {
  const auto found = device_space().find(base);
  if (found && check::level() == check::Level::Full) check::Operations::instance().forget(base, found->size);
  device_space().release(base);
  const std::lock_guard lock(releasing().mutex);
  releasing().bases.erase(base);
}

void free_all() {
  memory::AddressSpace& space = device_space();
  for (const memory::Allocation& a : space.live()) {
    if (check::level() == check::Level::Full) check::Operations::instance().forget(a.base, a.size);
    if (!space.release(a.base)) space.forget(reinterpret_cast<void*>(a.base));
  }
  memory::DeviceHeap::instance().reset();
}

}  // namespace ptxvm::runtime
