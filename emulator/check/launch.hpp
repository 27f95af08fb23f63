// The checker of one launch, at PTXVM_CHECK=full: told of every access and everything that orders accesses, it
// faults at the first access that may not happen where it does. The launch then runs on one thread of the host.
//
// Happens-before is kept as PTX's memory model has it: barriers; release patterns that acquire patterns observe,
// each with its scope; program order. Lanes of a warp are threads like others: shuffles and votes order nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "check/agent.hpp"
#include "check/races.hpp"
#include "code/semantics.hpp"
#include "exec/warp.hpp"

namespace ptxvm::check {

// What a strong write has released, for those who observe it.
struct Release {
  unsigned reach = 0;        // 0 block, 1 cluster, 2 device
  std::uint32_t block = 0;   // of the thread that released; several where many is set
  bool many = false;
  bool by_fences = false;    // not released: the fence.sc before the write, of any threads (Knowledge::fenced, as seen)
  Knowledge knowledge;
};
using SyncPoint = std::vector<Release>;

struct ThreadState {
  Knowledge knowledge;
  std::uint32_t now = 1;
  Knowledge released[3];  // at the last releasing fence, by how far it reaches
  Knowledge pending[3];   // observed by relaxed reads, for an acquiring fence; by how far away the releaser is
};

// Threads that have come to a barrier.
struct Meeting {
  struct Arrival {
    std::uint32_t warp, lanes, time;
    bool waits;
  };
  Knowledge joined;
  std::vector<Arrival> arrivals;
};

// Threads of several blocks, at a cluster's barrier.
struct ClusterMeeting {
  struct Arrival {
    std::uint32_t block, warp, lanes, time;
  };
  Knowledge joined, completed;
  std::vector<Arrival> arrivals;
};

struct BlockState {
  std::uint32_t id = 0, time = 1;
  std::vector<ThreadState> threads;
  Table shared{0};
  std::vector<std::uint8_t> local_initialised;  // a bit a byte, thread after thread
  Meeting barriers[16];
  std::uint32_t bulk_copies = 0;
};

// Access::kind of an instruction.
std::uint8_t kind_of(const exec::Inst& in);

class LaunchChecker {
 public:
  LaunchChecker(const exec::Image& image, const Clusters& clusters);
  ~LaunchChecker();

  void block_started(exec::Block& block);
  void block_ended(exec::Block& block);

  // Before the access happens. space: exec::SpaceCode; addresses of the lanes in mask.
  void access(exec::Warp& w, const exec::Inst& in, unsigned space, const std::uint64_t* address, std::uint32_t mask,
              unsigned bytes, bool write, const std::uint64_t* host);

  void fence(exec::Warp& w, const exec::Inst& in);
  void proxy_fence(exec::Warp& w, std::uint32_t mask);

  // bar.sync and its kin.
  void barrier_arrived(exec::Warp& w, unsigned number, std::uint32_t mask, bool waits);
  void barrier_completed(exec::Block& block, unsigned number);
  // barrier.cluster
  void cluster_arrived(exec::Warp& w, std::uint32_t mask, bool releases);
  void cluster_completed(const exec::Cluster& cluster);
  void cluster_waited(exec::Warp& w, std::uint32_t mask);
  // bar.warp.sync: these lanes go on together.
  void warp_met(exec::Warp& w, std::uint32_t lanes);

  // Asynchronous operations: who accesses for them, and their accesses. owner: of shared memory; null: global.
  Agent issue_lane_copy(exec::Warp& w, unsigned lane);
  Agent issue_bulk(exec::Warp& w, unsigned lane);
  void agent_access(const Agent& agent, exec::Warp& w, const exec::Inst& in, unsigned lane, const exec::Block* owner,
                    std::uint64_t address, std::uint64_t bytes, bool write, std::uint8_t kind);

  // What a thread tells whoever learns it: all that it knows, and all that it has done.
  Knowledge publish(exec::Warp& w, unsigned lane);
  void learn(exec::Warp& w, unsigned lane, const Knowledge& knowledge);
  // At an mbarrier, of the thread's block (away 0) or of another of its cluster (1): what an arrival tells those who wait,
  // by its own order or by that of a fence before it; and what such arrivals have told, to one who has waited.
  Knowledge arrival(exec::Warp& w, unsigned lane, const exec::Semantics& semantics, unsigned away);
  void waited(exec::Warp& w, unsigned lane, const exec::Semantics& semantics, unsigned away, const Knowledge& told);

 private:
  ThreadState& thread(exec::Warp& w, unsigned lane);
  BlockState* owner_of(exec::Warp& w, std::uint64_t* address);
  void touch(exec::Warp& w, const exec::Inst& in, unsigned lane, unsigned space, std::uint64_t address, unsigned bytes,
             bool write, std::uint64_t host);
  void touch_local(exec::Warp& w, const exec::Inst& in, unsigned lane, std::uint64_t offset, unsigned bytes, bool write);
  void check_operations(exec::Warp& w, const exec::Inst& in, unsigned lane, const Table& table, const Cell& cell,
                        std::uint8_t which, std::uint64_t address, bool write);
  static bool initialised(const Table& table, const Cell& cell, std::uint8_t which, Conflict* conflict);
  static void fill_if_host_did(Cell& cell, std::uint8_t which, std::uint64_t address);
  void order(exec::Warp& w, unsigned lane, const exec::Semantics& semantics, std::uint64_t key, bool write, bool atomic,
             Cell& first);
  void observe(exec::Warp& w, unsigned lane, const exec::Semantics& semantics, const SyncPoint& point);
  [[noreturn]] void report(exec::Warp& w, const exec::Inst& in, unsigned lane, const Conflict& conflict, unsigned space,
                           std::uint64_t address, unsigned bytes, bool write);
  [[noreturn]] void report_operation(exec::Warp& w, const exec::Inst& in, unsigned lane, const std::string& other,
                                     std::uint64_t address, bool write);
  std::string place(const Access& a) const;

  const exec::Image& image_;
  const Clusters clusters_;
  const Races races_;
  std::unordered_map<std::uint64_t, std::unique_ptr<BlockState>> blocks_;
  std::unordered_map<std::uint64_t, SyncPoint> sync_;
  std::unordered_map<std::uint64_t, ClusterMeeting> clusters_meeting_;
  std::uint8_t serial_ = 0;  // of the executed instruction
};

}  // namespace ptxvm::check
