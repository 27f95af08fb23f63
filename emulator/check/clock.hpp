// What a thread knows of others: vector clocks, folded where whole warps and blocks are known.
//
// Every block counts a time of its own; each access of a thread carries the block's time at which the thread
// last synchronised. A clock says, thread by thread, up to which time what it did happened before. Threads
// that meet at a barrier know each other whole, so one entry stands for a block or a warp.
//
// Used by one thread of the host at a time.
#pragma once

#include <cstdint>
#include <vector>

namespace ptxvm::check {

// An agent is one who accesses memory. Threads are agents in warps 0 to 31 of their block. What a thread's
// cp.async do beside it is another agent's (warps 32 to 63), and so is each bulk copy (64 to 95, in turn).
constexpr unsigned kAsyncWarps = 32, kBulkWarps = 64, kWarps = 96;

class Clock {
 public:
  struct Entry {
    std::uint64_t key;  // block << 12 | part
    std::uint32_t time;
  };

  // Whether everything that these agents did up to the time is known.
  bool covers(std::uint32_t block, unsigned warp, std::uint32_t lanes, std::uint32_t time) const;
  bool empty() const { return entries_.empty(); }

  void add_block(std::uint32_t block, std::uint32_t time);  // its threads, not their asynchronous copies
  void add_warp(std::uint32_t block, unsigned warp, std::uint32_t time);
  void add_agents(std::uint32_t block, unsigned warp, std::uint32_t lanes, std::uint32_t time);
  // One entry for the block in the place of many, as far as all of its threads are known.
  void fold_block(std::uint32_t block, std::uint32_t threads);
  bool has_parts_of(std::uint32_t block) const;
  void join(const Clock& other);
  bool includes(const Clock& other) const;

 private:
  friend class ClockRef;
  void add(std::uint64_t key, std::uint32_t time);
  void fold();
  std::vector<Entry> entries_;  // in the order of their keys
  std::uint32_t references_ = 0;
};

// A shared clock; null knows nothing. Changing one that is shared copies it first.
class ClockRef {
 public:
  ClockRef() = default;
  ClockRef(const ClockRef& o) : clock_(o.clock_) {
    if (clock_) ++clock_->references_;
  }
  ClockRef(ClockRef&& o) noexcept : clock_(o.clock_) { o.clock_ = nullptr; }
  ClockRef& operator=(ClockRef o) noexcept {
    Clock* const keep = clock_;
    clock_ = o.clock_;
    o.clock_ = keep;
    return *this;
  }
  ~ClockRef() {
    if (clock_ && --clock_->references_ == 0) delete clock_;
  }

  explicit operator bool() const { return clock_ != nullptr; }
  bool same(const ClockRef& o) const { return clock_ == o.clock_; }
  bool covers(std::uint32_t block, unsigned warp, std::uint32_t lanes, std::uint32_t time) const {
    return clock_ != nullptr && clock_->covers(block, warp, lanes, time);
  }
  Clock& change();
  void fold_block(std::uint32_t block, std::uint32_t threads) {
    if (clock_ && clock_->has_parts_of(block)) change().fold_block(block, threads);
  }
  void join(const ClockRef& other);

 private:
  Clock* clock_ = nullptr;
};

// Knowledge of what memory shows to ordinary accesses, and of that part of it which a proxy fence has shown
// to the asynchronous proxy as well. Of fence.sc (which membar is) there is one order for all, so that one which came
// before a write orders what was before it even where another thread did the write: `fenced` is what those showed that
// happened before, `observed` what those did that came before a write which was read; the next fence.sc learns it.
struct Knowledge {
  ClockRef seen, proxied, fenced, observed;
  void join(const Knowledge& o) {
    seen.join(o.seen);
    proxied.join(o.proxied);
    fenced.join(o.fenced);
    observed.join(o.observed);
  }
};

}  // namespace ptxvm::check
