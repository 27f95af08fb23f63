#include "memory/address_space.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>
#include <shared_mutex>

#include "memory/arena.hpp"
#include "support/environment.hpp"

namespace ptxvm::memory {
namespace {

constexpr std::uint64_t GiB = std::uint64_t{1} << 30;
constexpr std::uint64_t device_range = 512 * GiB;
constexpr std::uint64_t pinned_range = 128 * GiB;
// Asked for, not insisted on: the same addresses in every run make messages and runs comparable.
constexpr Address device_hint = 0x3000'0000'0000;
constexpr Address backing_hint = 0x3400'0000'0000;
constexpr Address pinned_hint = 0x3800'0000'0000;
// Larger allocations stay untouched, so that a big workspace costs only what is used of it.
constexpr std::uint64_t poison_limit = 64 << 20;
// A NaN in every floating-point format, an absurd index in every integer one.
constexpr int poison_byte = 0xFF;
constexpr std::size_t freed_records_kept = 16384;

// Gives whole pages inside the block back to the system.
void drop_pages(Address host, std::uint64_t size) {
  const auto page = static_cast<Address>(sysconf(_SC_PAGESIZE));
  const Address first = (host + page - 1) / page * page;
  const Address last = (host + size) / page * page;
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

}  // namespace

struct AddressSpace::State {
  Address base = reserve(device_range + 3 * Windows::size, false, device_hint);
  std::int64_t delta = static_cast<std::int64_t>(reserve(device_range, true, backing_hint) - base);
  Address pinned_base = reserve(pinned_range, true, pinned_hint);
  Arena device{base, device_range};
  Arena pinned{pinned_base, pinned_range};
  Windows windows{base + device_range, base + device_range + Windows::size,
                  base + device_range + 2 * Windows::size};
  bool poison = environment_flag("PTXVM_POISON", true);

  mutable std::shared_mutex mutex;
  Records records;
  std::deque<Address> freed;  // oldest first
  std::uint64_t next_id = 1;
  std::uint64_t used = 0;
  std::uint64_t capacity = 80 * GiB;

  void remember_freed(Address a) {
    freed.push_back(a);
    if (freed.size() <= freed_records_kept) return;
    const auto oldest = records.find(freed.front());
    if (oldest != records.end() && oldest->second.freed) records.erase(oldest);
    freed.pop_front();
  }
};

AddressSpace::AddressSpace() : state_(std::make_unique<State>()) {}
AddressSpace::~AddressSpace() = default;

AddressSpace& AddressSpace::instance() {
  // Never destroyed: exit handlers of the program may still free memory.
  static AddressSpace* const only = new AddressSpace;
  return *only;
}

std::optional<Allocation> AddressSpace::allocate(std::uint64_t size, Kind kind, std::string label, bool read_only) {
  State& s = *state_;
  Allocation a;
  bool reused = false;
  {
    std::unique_lock lock(s.mutex);
    const bool pinned = kind == Kind::Pinned;
    if (!pinned && (size > s.capacity || s.used > s.capacity - size)) return std::nullopt;
    const auto place = (pinned ? s.pinned : s.device).place(size, s.records, &reused);
    if (!place) return std::nullopt;
    a.base = *place;
    a.size = size;
    a.delta = pinned ? 0 : s.delta;
    a.kind = kind;
    a.id = s.next_id++;
    a.label = std::move(label);
    a.read_only = read_only;
    if (!pinned) s.used += size;
    s.records.emplace(a.base, a);
  }
  // Nobody else knows the block yet, so it is filled without the lock.
  void* host = reinterpret_cast<void*>(a.base + static_cast<Address>(a.delta));
  if (kind == Kind::ModuleVariable) {
    if (reused) std::memset(host, 0, size);  // elsewhere its bytes have never been touched and are zero
  } else if (s.poison && size <= poison_limit) {
    std::memset(host, poison_byte, size);
  }
  return a;
}

void AddressSpace::adopt(void* host, std::uint64_t size) {
  State& s = *state_;
  std::unique_lock lock(s.mutex);
  Allocation a;
  a.base = reinterpret_cast<Address>(host);
  a.size = size;
  a.kind = Kind::Pinned;
  a.id = s.next_id++;
  s.records.insert_or_assign(a.base, a);
}

void AddressSpace::forget(void* host) {
  State& s = *state_;
  std::unique_lock lock(s.mutex);
  s.records.erase(reinterpret_cast<Address>(host));
}

bool AddressSpace::release(Address base) {
  State& s = *state_;
  std::unique_lock lock(s.mutex);
  const auto it = s.records.find(base);
  if (it == s.records.end() || it->second.freed) return false;
  Allocation& a = it->second;
  if (!s.device.contains(base) && !s.pinned.contains(base)) return false;  // adopted: forget() ends it
  a.freed = true;
  if (a.kind != Kind::Pinned) s.used -= a.size;
  drop_pages(a.base + static_cast<Address>(a.delta), a.size);
  s.remember_freed(base);
  return true;
}

std::optional<Allocation> AddressSpace::find(Address a) const {
  const State& s = *state_;
  std::shared_lock lock(s.mutex);
  auto it = s.records.upper_bound(a);
  if (it == s.records.begin()) return std::nullopt;
  --it;
  if (it->second.freed || !it->second.contains(a, 1)) return std::nullopt;
  return it->second;
}

std::optional<Allocation> AddressSpace::nearest(Address a) const {
  const State& s = *state_;
  std::shared_lock lock(s.mutex);
  if (s.records.empty()) return std::nullopt;
  const auto after = s.records.upper_bound(a);
  if (after == s.records.begin()) return after->second;
  const auto before = std::prev(after);
  if (after == s.records.end()) return before->second;
  const Allocation& b = before->second;
  const Address end = b.base + b.size;
  const std::uint64_t past = a < end ? 0 : a - end;
  return past <= after->first - a ? b : after->second;
}

std::vector<Allocation> AddressSpace::live() const {
  std::shared_lock lock(state_->mutex);
  std::vector<Allocation> all;
  for (const auto& [base, a] : state_->records)
    if (!a.freed) all.push_back(a);
  return all;
}

bool AddressSpace::is_device_range(Address a) const {
  return a >= state_->base && a - state_->base < device_range + 3 * Windows::size;
}

Allocation AddressSpace::whole_device() const {
  Allocation all;
  all.base = state_->base;
  all.size = device_range;
  all.delta = state_->delta;
  return all;
}

std::uint64_t AddressSpace::capacity() const {
  std::shared_lock lock(state_->mutex);
  return state_->capacity;
}

void AddressSpace::set_capacity(std::uint64_t bytes) {
  std::unique_lock lock(state_->mutex);
  state_->capacity = bytes;
}

std::uint64_t AddressSpace::used() const {
  std::shared_lock lock(state_->mutex);
  return state_->used;
}

const Windows& AddressSpace::windows() const { return state_->windows; }

}  // namespace ptxvm::memory
