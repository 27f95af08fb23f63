#include "exec/mbarrier.hpp"

#include <cstring>

#include "support/error.hpp"
#include "support/format.hpp"

namespace ptxvm::exec {
namespace {

constexpr int kUndefined = int(Status::IllegalInstruction);
constexpr std::uint64_t kNoObject = ~std::uint64_t{0};  // what fresh shared memory holds

std::uint64_t read(const Range& place) {
  std::uint64_t v;
  std::memcpy(&v, place.host, sizeof v);
  return v;
}

std::uint32_t object_number(const Range& place) { return std::uint32_t(place.address / 8) & 0xfff; }

}  // namespace

std::uint64_t Mbarrier::content() const {
  return std::uint64_t(pending) | std::uint64_t(expected) << 20 |
         (std::uint64_t(transactions) & 0x1fffff) << 40 | (phase & 1) << 61 | std::uint64_t{2} << 62;
}

MbarrierState MbarrierState::of(std::uint64_t bits) {
  return {std::uint32_t(bits), std::uint32_t(bits >> 32) & 0xfffff, std::uint32_t(bits >> 52)};
}
std::uint64_t MbarrierState::bits() const {
  return phase | std::uint64_t(pending) << 32 | std::uint64_t(object) << 52;
}

std::uint64_t Mbarriers::key(const Range& place) {
  return std::uint64_t(place.block->linear) << 24 | place.address;
}

Mbarrier& Mbarriers::use(const Origin& origin, const Range& place) {
  auto found = objects_.find(key(place));
  if (found == objects_.end())
    origin.fault(kUndefined,
                 "no mbarrier at " + place.text() + ": it was never initialised, or has been invalidated");
  if (read(place) != found->second.content())
    origin.fault(kUndefined, "the mbarrier at " + place.text() +
                                 " has been overwritten without mbarrier.inval: " + describe(place));
  return found->second;
}

void Mbarriers::finish(Mbarrier& barrier, const Range& place) {
  if (barrier.pending == 0 && barrier.transactions == 0) {
    ++barrier.phase;
    barrier.last_remote = barrier.remote;
    barrier.remote = false;
    for (unsigned away = 0; away < 2; ++away) {
      barrier.arrived[away].join(barrier.arriving[away]);
      barrier.arriving[away] = {};
    }
    barrier.pending = barrier.expected;
    changes_.fetch_add(1, std::memory_order_release);
  }
  const std::uint64_t content = barrier.content();
  std::memcpy(place.host, &content, sizeof content);
}

void Mbarriers::initialise(const Origin& origin, const Range& place, std::uint32_t count) {
  if (count == 0 || count > kMostArrivals)
    origin.fault(kUndefined,
                 format("mbarrier.init with a count of %u, outside 1 to %u", count, kMostArrivals));
  auto [slot, fresh] = objects_.try_emplace(key(place));
  if (!fresh)
    origin.fault(kUndefined, "mbarrier.init at " + place.text() +
                                 ", where there is an mbarrier already: " + describe(place));
  slot->second.expected = slot->second.pending = count;
  const std::uint64_t content = slot->second.content();
  std::memcpy(place.host, &content, sizeof content);
}

void Mbarriers::invalidate(const Origin& origin, const Range& place) {
  use(origin, place);
  objects_.erase(key(place));
  std::memcpy(place.host, &kNoObject, sizeof kNoObject);
}

// A barrier that every participant has dropped out of may end its last phase, but not begin to be used again.
MbarrierState Mbarriers::arrive(const Origin& origin, const Range& place, std::uint32_t count, bool drop,
                                bool may_complete) {
  Mbarrier& b = use(origin, place);
  const MbarrierState state{std::uint32_t(b.phase), b.pending, object_number(place)};
  if (count == 0 || count > kMostArrivals)
    origin.fault(kUndefined, format("arrival with a count of %u, outside 1 to %u", count, kMostArrivals));
  if (count > b.pending)
    origin.fault(
        kUndefined,
        format("arrival with a count of %u at an mbarrier that expects no more than %u: ", count, b.pending) +
            describe(place));
  if (drop) {
    if (count > b.expected)
      origin.fault(kUndefined,
                   format("drops %u arrivals of an mbarrier that expects %u a phase", count, b.expected));
    b.expected -= count;
  }
  b.pending -= count;
  b.remote |= origin.warp->block != place.block;
  if (!may_complete && b.pending == 0 && b.transactions == 0)
    origin.fault(kUndefined, "an arrival with .noComplete completes the phase: " + describe(place));
  finish(b, place);
  return state;
}

void Mbarriers::expect_transactions(const Origin& origin, const Range& place, std::uint32_t bytes) {
  Mbarrier& b = use(origin, place);
  b.transactions += bytes;
  if (b.transactions > kMostTransactions)
    origin.fault(kUndefined, format("expects %u bytes: the tx-count would be above %lld: ", bytes,
                                    (long long)kMostTransactions) +
                                 describe(place));
  finish(b, place);
}

void Mbarriers::complete_transactions(const Origin& origin, const Range& place, std::uint64_t bytes,
                                      bool tracked) {
  Mbarrier& b = use(origin, place);
  b.transactions -= std::int64_t(bytes);
  if (b.transactions < -kMostTransactions)
    origin.fault(kUndefined, format("completes %llu bytes: the tx-count would be below -%lld: ",
                                    (unsigned long long)bytes, (long long)kMostTransactions) +
                                 describe(place));
  b.remote |= origin.warp->block != place.block;
  if (tracked) b.tracked = b.phase + 1, b.tracked_by = origin;
  finish(b, place);
}

void Mbarriers::add_pending(const Origin& origin, const Range& place) {
  Mbarrier& b = use(origin, place);
  if (b.pending == kMostArrivals) origin.fault(kUndefined, "too many pending arrivals: " + describe(place));
  ++b.pending;
  finish(b, place);
}

void Mbarriers::release(const Range& place, const check::Knowledge& knowledge, unsigned away) {
  auto found = objects_.find(key(place));
  if (found != objects_.end()) found->second.arriving[away].join(knowledge);
}

check::Knowledge Mbarriers::acquire(const Range& place, unsigned away) const {
  return objects_.at(key(place)).arrived[away];
}

Mbarriers::Seen Mbarriers::see(Mbarrier& b, bool complete) {
  if (!complete) return {};
  const bool first = b.observed < b.phase;
  b.observed = b.phase;
  return {true, first, b.last_remote};
}

Mbarriers::Seen Mbarriers::complete(const Origin& origin, const Range& place, std::uint64_t bits) {
  Mbarrier& b = use(origin, place);
  const MbarrierState state = MbarrierState::of(bits);
  if (state.object != object_number(place))
    origin.fault(kUndefined, "waits at the mbarrier at " + place.text() + " with the state of another one");
  const std::uint32_t behind = std::uint32_t(b.phase) - state.phase;
  if (behind > 1)
    origin.fault(kUndefined,
                 format("waits for phase %u, neither the current nor the preceding one: ", state.phase) +
                     describe(place));
  return see(b, behind == 1);
}

Mbarriers::Seen Mbarriers::complete_parity(const Origin& origin, const Range& place, std::uint32_t parity) {
  Mbarrier& b = use(origin, place);
  if (parity > 1)
    origin.fault(kUndefined, format("waits for the parity %u, which is neither 0 nor 1", parity));
  return see(b, (b.phase & 1) != parity);
}

std::string Mbarriers::describe(const Range& place) const {
  auto found = objects_.find(key(place));
  if (found == objects_.end()) return "no mbarrier at " + place.text();
  const Mbarrier& b = found->second;
  return format("mbarrier at %s: phase %llu, %u of %u arrivals and %lld bytes are outstanding",
                place.text().c_str(), (unsigned long long)b.phase, b.pending, b.expected,
                (long long)b.transactions);
}

const Mbarrier* Mbarriers::unobserved(const Block& block, std::uint64_t* address) const {
  for (const auto& [key, b] : objects_) {
    if (key >> 24 != block.linear || b.tracked <= b.observed) continue;
    *address = key & 0xffffff;
    return &b;
  }
  return nullptr;
}

void Mbarriers::forget(const Block& block) {
  for (auto at = objects_.begin(); at != objects_.end();)
    at = at->first >> 24 == block.linear ? objects_.erase(at) : std::next(at);
}

}  // namespace ptxvm::exec
