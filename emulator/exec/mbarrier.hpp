// mbarrier objects (PTX ISA, "Parallel Synchronization and Communication Instructions: mbarrier").
//
// What an object counts is kept beside the emulated shared memory; the object's 64 bits there are a copy of
// it, from which a plain store over a live object is known. They hold, from the lowest bit: pending arrivals
// (20 bits), expected arrivals (20), tx-count (21, signed), the parity of the phase, and 10 (binary).
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "check/clock.hpp"
#include "exec/range.hpp"

namespace ptxvm::exec {

struct Mbarrier {
  std::uint32_t expected = 0, pending = 0;
  std::int64_t transactions = 0;
  std::uint64_t phase = 0;     // the current, incomplete one
  std::uint64_t observed = 0;  // phases below this one have been seen complete by a wait
  std::uint64_t tracked = 0;   // one above the last phase that an asynchronous operation completed in
  Origin tracked_by;
  bool remote = false, last_remote = false;  // others of the cluster had a part in the current phase, in the last
  // At PTXVM_CHECK=full: what those who arrived in the current phase have released, and all in phases before; by how far
  // away they are, 0 in the object's block, 1 in another.
  check::Knowledge arriving[2], arrived[2];

  std::uint64_t content() const;
};

// The state that an arrival returns: phase and pending count before it, and part of the object's address.
struct MbarrierState {
  std::uint32_t phase, pending, object;
  static MbarrierState of(std::uint64_t bits);
  std::uint64_t bits() const;
};

// Those of the blocks of a cluster. Every operation checks the object and its counts, faults where the ISA
// leaves the outcome undefined, and is atomic: the caller holds the lock of the asynchronous engine they
// belong to.
class Mbarriers {
 public:
  static constexpr std::uint32_t kMostArrivals = (1u << 20) - 1;
  static constexpr std::int64_t kMostTransactions = (1 << 20) - 1;

  void initialise(const Origin& origin, const Range& place, std::uint32_t count);
  void invalidate(const Origin& origin, const Range& place);
  MbarrierState arrive(const Origin& origin, const Range& place, std::uint32_t count, bool drop,
                       bool may_complete);
  void expect_transactions(const Origin& origin, const Range& place, std::uint32_t bytes);
  void complete_transactions(const Origin& origin, const Range& place, std::uint64_t bytes, bool tracked);
  void add_pending(const Origin& origin, const Range& place);
  // What an arrival or an operation that completes tells those who wait for the phase, before it does so;
  // they learn it.
  void release(const Range& place, const check::Knowledge& knowledge, unsigned away = 0);
  check::Knowledge acquire(const Range& place, unsigned away) const;
  // Has the phase that a state or a parity names completed? first: nobody has seen it before.
  struct Seen {
    bool complete = false, first = false, remote = false;
  };
  Seen complete(const Origin& origin, const Range& place, std::uint64_t state);
  Seen complete_parity(const Origin& origin, const Range& place, std::uint32_t parity);

  // Phases completed so far: who waits looks again when it has changed.
  std::uint32_t changes() const { return changes_.load(std::memory_order_acquire); }
  std::string describe(const Range& place) const;
  bool initialised(const Range& place) const { return objects_.count(key(place)) != 0; }
  // At the end of a block: asynchronous operations completed into its memory without anybody having waited.
  const Mbarrier* unobserved(const Block& block, std::uint64_t* address) const;
  void forget(const Block& block);

 private:
  static Seen see(Mbarrier& barrier, bool complete);
  Mbarrier& use(const Origin& origin, const Range& place);
  void finish(Mbarrier& barrier,
              const Range& place);  // completes the phase where it is due, writes the content
  static std::uint64_t key(const Range& place);

  std::unordered_map<std::uint64_t, Mbarrier> objects_;
  std::atomic<std::uint32_t> changes_{0};
};

}  // namespace ptxvm::exec
