// Who is in a cluster, and the memory that its blocks share.
#include "exec/cluster.hpp"

#include <algorithm>

#include "check/launch.hpp"
#include "exec/ops/space.hpp"
#include "memory/address_space.hpp"
#include "code/semantics.hpp"
#include "support/error.hpp"
#include "support/format.hpp"

namespace ptxvm::exec {

void place_block(const Image& image, std::uint64_t cluster, std::uint32_t rank, std::uint32_t id[3]) {
  for (int axis = 0; axis < 3; ++axis) {
    const std::uint32_t size = image.cluster[axis], clusters = image.grid[axis] / size;
    id[axis] = std::uint32_t(cluster % clusters) * size + rank % size;
    cluster /= clusters;
    rank /= size;
  }
}

std::uint32_t multiprocessor_of(const Image& image, std::uint64_t cluster, std::uint32_t rank) {
  const std::uint32_t size = image.cluster[0] * image.cluster[1] * image.cluster[2];
  if (size == 1) return std::uint32_t(cluster % image.multiprocessors);
  const std::vector<std::uint32_t> gpcs = image.gpcs.empty() ? std::vector<std::uint32_t>{image.multiprocessors} : image.gpcs;
  std::uint64_t places = 0;
  for (const std::uint32_t g : gpcs) places += std::max(1u, g / size);
  std::uint64_t place = cluster % places;
  std::uint32_t first = 0;
  for (const std::uint32_t g : gpcs) {
    const std::uint32_t here = std::max(1u, g / size);
    if (place < here) return first + (std::uint32_t(place) * size + rank) % g;
    place -= here;
    first += g;
  }
  return first;
}

char* cluster_shared(Warp& w, std::uint64_t window, std::uint64_t* size, std::string* why) {
  const std::vector<std::unique_ptr<Block>>& blocks = w.block->cluster->blocks;
  const std::uint64_t rank = window - 1;
  if (rank >= blocks.size()) {
    if (why) *why = format("the cluster has %zu block%s, none of rank %llu", blocks.size(), blocks.size() == 1 ? "" : "s",
                           static_cast<unsigned long long>(rank));
    return nullptr;
  }
  Block& block = *blocks[std::size_t(rank)];
  const Stage stage = block.stage.load(std::memory_order_acquire);
  if (stage != Stage::Running) {
    if (why) {
      const bool exited = stage == Stage::Exited;
      *why = format("block (%u,%u,%u), rank %llu of the cluster, %s", block.id[0], block.id[1], block.id[2],
                    static_cast<unsigned long long>(rank),
                    exited ? "has exited: a block must not exit while others of its cluster use its shared memory"
                           : "has not begun: a cluster barrier must come first");
    }
    return nullptr;
  }
  *size = block.shared_size;
  return block.shared_memory;
}

char* cluster_shared(Warp& w, std::uint64_t window, std::uint64_t* size) {
  return cluster_shared(w, window, size, nullptr);
}

void Cluster::begin() {
  std::uint32_t all = 0;
  arrived = 0;
  phase = 0;
  running = idle = 0;
  events = 1;
  for (const auto& block : blocks) all += block->threads;
  threads = all;
}

namespace {

// The lock is held.
void complete_phase(Cluster& cluster, check::LaunchChecker* checker) {
  if (checker) checker->cluster_completed(cluster);
  cluster.arrived = 0;
  cluster.phase.fetch_add(1, std::memory_order_release);
}

std::uint32_t in_phase(const Warp& w, std::uint64_t phase) { return phase & 1 ? w.cluster_parity : ~w.cluster_parity; }

}  // namespace

void cluster_arrive(Warp& w, const Inst& in, std::uint32_t mask) {
  Cluster& cluster = *w.block->cluster;
  if (const std::uint32_t twice = mask & w.cluster_arrived)
    fault(w, in, unsigned(__builtin_ctz(twice)), int(Status::IllegalInstruction),
          "barrier.cluster.arrive by a thread that has arrived already and not waited");
  std::lock_guard<std::mutex> guard(cluster.lock);
  w.cluster_arrived |= mask;
  w.cluster_parity = cluster.phase & 1 ? w.cluster_parity | mask : w.cluster_parity & ~mask;
  if (w.worker->checker) w.worker->checker->cluster_arrived(w, mask, Semantics::of(in.sem).releases());
  cluster.arrived += std::uint32_t(__builtin_popcount(mask));
  if (cluster.arrived == cluster.threads) complete_phase(cluster, w.worker->checker);
}

// A phase cannot complete twice before a lane that came to the first has waited: its parity tells.
std::uint32_t cluster_passed(const Warp& w, std::uint32_t mask) {
  return mask & ~in_phase(w, w.block->cluster->phase.load(std::memory_order_acquire));
}

void cluster_waited(Warp& w, std::uint32_t mask) {
  w.cluster_arrived &= ~mask;
  if (w.worker->checker) w.worker->checker->cluster_waited(w, mask);
}

// Who exits between phases need not take the lock: an arrival after that sees the smaller number of threads, and one
// before it is seen here.
void cluster_exit(Warp& w, std::uint32_t mask) {
  Cluster& cluster = *w.block->cluster;
  const std::uint32_t owed = mask & w.cluster_arrived, count = std::uint32_t(__builtin_popcount(mask));
  if (owed == 0) {
    cluster.threads -= count;
    if (cluster.arrived == 0) return;
  }
  std::lock_guard<std::mutex> guard(cluster.lock);
  if (owed != 0) {
    cluster.threads -= count;
    cluster.arrived -= std::uint32_t(__builtin_popcount(owed & in_phase(w, cluster.phase)));
    w.cluster_arrived &= ~mask;
  }
  if (cluster.arrived != 0 && cluster.arrived == cluster.threads) complete_phase(cluster, w.worker->checker);
}

namespace {

void arrive(Warp& w, const Inst& in) { cluster_arrive(w, in, w.mask); }

constexpr std::uint64_t kOffset = (std::uint64_t{1} << kRankShift) - 1;

// The shared-memory address in a: itself, or what a generic one points to.
std::uint64_t shared_address(Warp& w, const Inst& in, unsigned lane, std::uint64_t a) {
  if (in.aux == kGeneric) a -= w.block->image->shared_window;
  if (a >= memory::Windows::size)
    fault(w, in, lane, int(Status::InvalidAddressSpace), "the address is not in shared memory");
  return a;
}

// op: d, a, rank.
template <class T>
void map_address(Warp& w, const Inst& in) {
  const T* a = w.at<T>(in.op[1]);
  const std::uint32_t* rank = w.at<std::uint32_t>(in.op[2]);
  T* d = w.at<T>(in.op[0]);
  for (std::uint32_t m = w.mask; m; m &= m - 1) {
    const unsigned lane = unsigned(__builtin_ctz(m));
    const std::uint64_t offset = shared_address(w, in, lane, a[lane]) & kOffset;
    // A rank that nobody has is an error of who uses the address, and keeps looking like one.
    const std::uint64_t window = std::uint64_t(rank[lane] < 254 ? rank[lane] + 1 : 255);
    d[lane] = T((window << kRankShift | offset) + (in.aux == kGeneric ? w.block->image->shared_window : 0));
  }
}

// op: d, a.
template <class T>
void rank_of_address(Warp& w, const Inst& in) {
  const T* a = w.at<T>(in.op[1]);
  std::uint32_t* d = w.at<std::uint32_t>(in.op[0]);
  for (std::uint32_t m = w.mask; m; m &= m - 1) {
    const unsigned lane = unsigned(__builtin_ctz(m));
    const std::uint64_t window = shared_address(w, in, lane, a[lane]) >> kRankShift;
    d[lane] = window ? std::uint32_t(window) - 1 : w.block->rank;
  }
}

// op: p, a (generic); aux kShared: this block's own, kSharedCluster: any block's of the cluster.
void is_shared(Warp& w, const Inst& in) {
  const std::uint64_t* a = w.at<std::uint64_t>(in.op[1]);
  const std::uint64_t own = w.block->rank + 1, blocks = w.block->cluster->blocks.size();
  std::uint32_t inside = 0;
  for (std::uint32_t m = w.mask; m; m &= m - 1) {
    const unsigned lane = unsigned(__builtin_ctz(m));
    const std::uint64_t window = (a[lane] - w.block->image->shared_window) >> kRankShift;
    const bool yes = window == 0 || window == own || (in.aux == kSharedCluster && window <= blocks);
    inside |= std::uint32_t(yes) << lane;
  }
  std::uint32_t* p = w.at<std::uint32_t>(in.op[0]);
  *p = (*p & ~w.mask) | inside;
}

}  // namespace

Handler map_address_handler(unsigned bits) {
  return bits == 32 ? &map_address<std::uint32_t> : &map_address<std::uint64_t>;
}
Handler rank_of_address_handler(unsigned bits) {
  return bits == 32 ? &rank_of_address<std::uint32_t> : &rank_of_address<std::uint64_t>;
}
Handler is_shared_handler() { return &is_shared; }
Handler cluster_arrive_handler() { return &arrive; }

}  // namespace ptxvm::exec
