// Asynchronous operations: bulk copies and reductions, st.async and red.async, and the cp.async of a warp's
// lanes.
//
// The ISA lets them happen at any time between their issue and the moment that somebody who waits for them
// may go on. The engine of a cluster holds what was issued and performs it early (at once) or late: when a
// wait asks for it, when nobody else can go on, when the block gives up its worker, at the latest when the
// block ends. Source bytes are read when the operation is performed. PTXVM_SEED chooses: 1, the default, is
// late for all, 2 early for all; other seeds draw for each operation, and in which order those that are due
// together are performed.
//
// Three moments of every operation have a function each: issue, perform, complete.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <list>
#include <mutex>
#include <set>
#include <unordered_map>
#include <vector>

#include "check/agent.hpp"
#include "exec/mbarrier.hpp"
#include "exec/range.hpp"

namespace ptxvm::exec {

// Reduces bytes of a type into memory that others may update at the same time.
using Reduction = void (*)(char* to, const char* from, std::uint64_t bytes);
Reduction find_reduction(int number);  // reduction.cpp

// The seed's choices.
struct Draw {
  std::uint64_t seed = 1, drawn = 0;
  bool late();
};

struct Operation {
  Origin origin;
  Range from, to;                    // from.host null: the value's bytes
  Range barrier;                     // complete-tx is performed on it; host null: a bulk group
  Reduction reduction = nullptr;     // null: a copy
  std::uint16_t byte_mask = 0xffff;  // of each 16 bytes
  char value[16] = {};
  std::uint32_t group = 0;  // of the thread's bulk groups
  bool read = false;        // the source has been read into staged
  std::vector<char> staged;
  check::Agent reader, writer;  // at PTXVM_CHECK=full
};

// Bulk operations, st.async, red.async and the mbarriers of a cluster's blocks.
class Async {
 public:
  void start(const Block& block, std::uint64_t seed);
  // The block has come to its end: everything it issued is performed. A block whose shared memory may still
  // be read or written by operations that nobody has waited for is at fault: on a GPU the memory is no longer
  // its own.
  void finish(Block& block);

  void issue(Operation operation);
  void commit(const Origin& origin);
  void wait(const Origin& origin, std::uint32_t but, bool read_only);  // for all groups but the last few

  // A wait found its phase incomplete: what is to complete it is performed at the block's next turn. The lock
  // is held.
  void request(const Range& barrier);
  bool perform_requested();  // false where nothing was held that was asked for
  bool perform_all();

  Mbarriers barriers;  // guarded by the lock
  std::mutex lock;

 private:
  struct Thread {                        // one that has issued bulk operations with groups
    std::uint32_t open = 0, waited = 0;  // groups below `waited` have at least been read
    std::uint32_t end = 0;               // one above the last group with an operation
    Origin last;
    struct Used {
      std::uint32_t group;
      check::Knowledge read, written;
    };
    std::vector<Used> used;  // at PTXVM_CHECK=full: operations of groups not waited for yet
  };
  void perform(Operation& operation);
  void read_source(Operation& operation);
  void complete(Operation& operation);
  template <class Due>
  bool perform_where(Due due);  // false where none is
  static std::uint64_t thread_key(const Origin& origin);

  std::list<Operation> held_;
  std::unordered_map<std::uint64_t, Thread> threads_;
  std::set<const char*> requested_;  // mbarriers
  std::atomic<bool> requests_{false}, used_{false};
  Draw draw_;
};

// The cp.async of one instruction: each lane's copy, or its arrival when its earlier ones are done.
struct LaneCopies {
  const Inst* inst = nullptr;
  std::uint32_t mask = 0;   // lanes still to be performed
  std::uint32_t group = 0;  // which of the lane's groups; the same for all lanes here
  std::uint8_t bytes = 0;   // 0: an arrival
  std::uint8_t read[32];    // bytes read, the rest is zero
  char *from[32], *to[32];  // host; to: the mbarrier of an arrival
  std::uint64_t from_address[32], to_address[32];
  std::vector<check::Agent> agents;  // of the lanes, at PTXVM_CHECK=full; an arrival's know what it tells
};

// The cp.async of a block's threads. One worker runs a block at a time: no lock.
class AsyncLanes {
 public:
  void start(Block& block, std::uint64_t seed);
  void finish() { perform_all(); }
  void issue(Warp& warp, const LaneCopies& copies);
  void commit(Warp& warp, std::uint32_t mask);
  void wait(Warp& warp, std::uint32_t mask, std::uint32_t but);
  void request(const Range& barrier) { requested_.insert(barrier.host); }
  bool perform_requested();
  bool perform_all();

 private:
  struct OfWarp {
    std::deque<LaneCopies> held;
    std::uint32_t open[32] = {};
    // At PTXVM_CHECK=full: each lane's copies by group, until it waits for them, and all of them.
    std::vector<std::pair<std::uint32_t, check::Knowledge>> used[32];
    check::Knowledge all[32];
  };
  void perform(Warp& warp, LaneCopies& copies, std::uint32_t lanes);
  void complete(Warp& warp, const LaneCopies& copies, std::uint32_t lanes);
  void drain(Warp& warp, std::size_t end, std::uint32_t lanes);  // what the lanes hold below an index
  static void drop_empty(OfWarp& w);

  Block* block_ = nullptr;
  std::vector<OfWarp> warps_;  // empty until the first cp.async
  std::set<const char*> requested_;
  Draw draw_;
};

// An operation's accesses are the checker's business where there is one.
inline check::LaunchChecker* checker_of(const Warp& w) { return w.block->image->checker; }
void tell(const check::Agent& agent, const Origin& origin, const Range& range, std::uint64_t bytes, bool write,
          std::uint8_t kind);

// Both, for a block's turn.
inline bool perform_requested(Block& block) {
  const bool any = block.lane_copies->perform_requested();
  return block.async->perform_requested() || any;
}
inline bool perform_all(Block& block) {
  const bool any = block.lane_copies->perform_all();
  return block.async->perform_all() || any;
}

}  // namespace ptxvm::exec
