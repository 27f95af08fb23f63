#include "check/clock.hpp"

#include <algorithm>

namespace ptxvm::check {
namespace {

// Parts of a block: 0 all its threads, 1 + w a warp, kAgents + 32 w + lane one agent.
constexpr std::uint64_t kAgents = 128, kPartBits = 12;

std::uint64_t key_of(std::uint32_t block, std::uint64_t part) { return std::uint64_t{block} << kPartBits | part; }
std::uint64_t part_of(std::uint64_t key) { return key & ((1u << kPartBits) - 1); }
std::uint64_t block_of(std::uint64_t key) { return key >> kPartBits; }

bool before(const Clock::Entry& e, std::uint64_t key) { return e.key < key; }

}  // namespace

bool Clock::covers(std::uint32_t block, unsigned warp, std::uint32_t lanes, std::uint32_t time) const {
  if (lanes == 0) return true;
  const std::uint64_t first = key_of(block, 0);
  auto e = std::lower_bound(entries_.begin(), entries_.end(), first, before);
  if (e == entries_.end() || block_of(e->key) != block) return false;
  if (e->key == first && warp < kAsyncWarps && e->time >= time) return true;
  const auto whole = std::lower_bound(e, entries_.end(), key_of(block, 1 + warp), before);
  if (whole != entries_.end() && whole->key == key_of(block, 1 + warp) && whole->time >= time) return true;
  const std::uint64_t base = key_of(block, kAgents + 32 * warp);
  for (e = std::lower_bound(whole, entries_.end(), base, before); e != entries_.end() && e->key < base + 32; ++e)
    if (e->time >= time) lanes &= ~(1u << (e->key - base));
  return lanes == 0;
}

void Clock::add(std::uint64_t key, std::uint32_t time) {
  const auto at = std::lower_bound(entries_.begin(), entries_.end(), key, before);
  if (at != entries_.end() && at->key == key) at->time = std::max(at->time, time);
  else entries_.insert(at, {key, time});
}

void Clock::add_block(std::uint32_t block, std::uint32_t time) {
  add(key_of(block, 0), time);
  fold();
}
void Clock::add_warp(std::uint32_t block, unsigned warp, std::uint32_t time) {
  add(key_of(block, 1 + warp), time);
  fold();
}
void Clock::add_agents(std::uint32_t block, unsigned warp, std::uint32_t lanes, std::uint32_t time) {
  for (; lanes; lanes &= lanes - 1) add(key_of(block, kAgents + 32 * warp + unsigned(__builtin_ctz(lanes))), time);
}

// Drops what an entry for the whole block or the whole warp says already.
void Clock::fold() {
  std::uint64_t block = ~std::uint64_t{0};
  std::uint32_t whole = 0, warps[kWarps];
  auto to = entries_.begin();
  for (const Entry& e : entries_) {
    if (block_of(e.key) != block) {
      block = block_of(e.key);
      whole = 0;
      std::fill(std::begin(warps), std::end(warps), 0u);
    }
    const std::uint64_t part = part_of(e.key);
    if (part == 0) {
      whole = e.time;
    } else {
      const std::uint64_t warp = part < kAgents ? part - 1 : (part - kAgents) / 32;
      if (warp < kAsyncWarps && e.time <= whole) continue;
      if (part < kAgents) warps[warp] = e.time;
      else if (e.time <= warps[warp]) continue;
    }
    *to++ = e;
  }
  entries_.erase(to, entries_.end());
}

bool Clock::has_parts_of(std::uint32_t block) const {
  const auto part = std::lower_bound(entries_.begin(), entries_.end(), key_of(block, 1), before);
  return part != entries_.end() && block_of(part->key) == block;
}

void Clock::fold_block(std::uint32_t block, std::uint32_t threads) {
  const auto first = std::lower_bound(entries_.begin(), entries_.end(), key_of(block, 0), before);
  const auto last = std::lower_bound(first, entries_.end(), key_of(block + 1, 0), before);
  if (first == last) return;
  const std::uint32_t whole = part_of(first->key) == 0 ? first->time : 0;
  std::uint32_t warps[kAsyncWarps] = {}, known = ~0u, next = 0;
  const auto reaches = [&](std::uint32_t upto) {  // nothing tells of threads before this one but their warp and block
    for (; next < upto && next < threads; ++next) known = std::min(known, std::max(whole, warps[next / 32]));
  };
  for (auto e = first; e != last; ++e) {
    const std::uint64_t part = part_of(e->key);
    if (part >= 1 && part <= kAsyncWarps) warps[part - 1] = e->time;
    if (part < kAgents || part - kAgents >= threads) continue;
    const auto thread = std::uint32_t(part - kAgents);
    reaches(thread);
    known = std::min(known, std::max({whole, warps[thread / 32], e->time}));
    next = thread + 1;
  }
  reaches(threads);
  if (known > whole && known != ~0u) add_block(block, known);
}

bool Clock::includes(const Clock& other) const {
  auto mine = entries_.begin();
  for (const Entry& e : other.entries_) {
    mine = std::lower_bound(mine, entries_.end(), e.key, before);
    if (mine != entries_.end() && mine->key == e.key && mine->time >= e.time) continue;
    const auto block = std::uint32_t(block_of(e.key));
    const std::uint64_t part = part_of(e.key);
    if (part == 0) return false;
    if (part < kAgents) {
      if (!covers(block, unsigned(part - 1), ~0u, e.time)) return false;
    } else if (!covers(block, unsigned((part - kAgents) / 32), 1u << (part - kAgents) % 32, e.time)) {
      return false;
    }
  }
  return true;
}

void Clock::join(const Clock& other) {
  std::vector<Entry> all;
  all.reserve(entries_.size() + other.entries_.size());
  auto a = entries_.cbegin(), b = other.entries_.cbegin();
  const auto a_end = entries_.cend(), b_end = other.entries_.cend();
  while (a != a_end || b != b_end) {
    if (b == b_end || (a != a_end && a->key < b->key)) all.push_back(*a++);
    else if (a == a_end || b->key < a->key) all.push_back(*b++);
    else all.push_back({a->key, std::max(a->time, b->time)}), ++a, ++b;
  }
  entries_.swap(all);
  fold();
}

Clock& ClockRef::change() {
  if (clock_ == nullptr) {
    clock_ = new Clock;
    clock_->references_ = 1;
  } else if (clock_->references_ > 1) {
    Clock* const copy = new Clock(*clock_);
    copy->references_ = 1;
    --clock_->references_;
    clock_ = copy;
  }
  return *clock_;
}

void ClockRef::join(const ClockRef& other) {
  if (other.clock_ == nullptr || clock_ == other.clock_) return;
  if (clock_ == nullptr || other.clock_->includes(*clock_)) {
    *this = other;
  } else if (!clock_->includes(*other.clock_)) {
    change().join(*other.clock_);
  }
}

}  // namespace ptxvm::check
