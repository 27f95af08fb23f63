// A cluster: blocks that are resident together and reach each other's shared memory. A launch without clusters
// has clusters of one block.
//
// Shared-memory addresses: a block's own memory begins at 0; that of the block of rank r also at (r + 1) << 24,
// for every block of the cluster.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "exec/warp.hpp"

namespace ptxvm::exec {

constexpr unsigned kRankShift = 24;

struct Cluster {
  std::uint64_t linear = 0;                    // in the grid
  std::uint32_t left = 0;                      // blocks that have not exited
  std::size_t place = 0;                       // among the resident
  std::vector<std::unique_ptr<Block>> blocks;  // by rank; kept, with their memory, until all have exited
  // Whether anybody can go on; the grid's mutex guards these. running: blocks that a worker runs. events: turns of blocks
  // that did something. idle: blocks found Idle since the last of them; when all are, with nobody at work, all are stuck.
  std::uint32_t running = 0, idle = 0;
  std::uint64_t events = 1;
  // barrier.cluster
  std::mutex lock;
  std::atomic<std::uint32_t> threads{0}, arrived{0};  // not exited; of them, come to the phase
  std::atomic<std::uint64_t> phase{0};         // completed phases

  void begin();                                // when all blocks have been started
};

// barrier.cluster.arrive of the lanes in the mask. Lanes of the mask that may pass barrier.cluster.wait now.
void cluster_arrive(Warp& w, const Inst& in, std::uint32_t mask);
std::uint32_t cluster_passed(const Warp& w, std::uint32_t mask);
void cluster_waited(Warp& w, std::uint32_t mask);
// Lanes that exit are no longer waited for.
void cluster_exit(Warp& w, std::uint32_t mask);

// Block of the given rank in the cluster of that number; axis by axis, clusters tile the grid.
void place_block(const Image& image, std::uint64_t cluster, std::uint32_t rank, std::uint32_t id[3]);

// Where the block of that rank runs: a cluster's are neighbours in one GPC, apart from each other where it has so many.
std::uint32_t multiprocessor_of(const Image& image, std::uint64_t cluster, std::uint32_t rank);

// Memory of the block that address >> kRankShift names (not 0), and its size; null where it cannot be used,
// and then *why says so.
char* cluster_shared(Warp& w, std::uint64_t window, std::uint64_t* size, std::string* why);

}  // namespace ptxvm::exec
