// A grid on the worker threads. Blocks start in order; a block that spins gives its worker to others, so all
// resident blocks go on.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>

#include "check/launch.hpp"
#include "check/level.hpp"
#include "code/program.hpp"
#include "exec/cluster.hpp"
#include "exec/grid_workspace.hpp"
#include "exec/launch.hpp"
#include "exec/launch_check.hpp"
#include "exec/pool.hpp"
#include "exec/progress.hpp"
#include "exec/schedule.hpp"
#include "exec/strict.hpp"
#include "exec/standing.hpp"
#include "exec/tally.hpp"
#include "exec/tensor.hpp"
#include "support/environment.hpp"
#include "support/error.hpp"
#include "support/format.hpp"
#include "support/settings.hpp"

namespace ptxvm::exec {
namespace {

// Longer than a test suite is waited for, shorter than a night: whoever emulates for longer says so.
constexpr std::uint64_t kTimeoutSeconds = 600;

constexpr std::chrono::microseconds kNap{200};

struct Grid {
  Image image;
  std::uint64_t blocks = 0, clusters = 0;
  std::uint32_t cluster_size = 1;
  std::uint64_t most_resident = 1;    // clusters
  std::mutex mutex;
  std::uint64_t next = 0;             // cluster to begin
  std::uint64_t preparing = 0;        // clusters that a worker begins
  std::uint64_t turns = 0;            // since one began
  std::vector<std::unique_ptr<Cluster>> resident;
  std::deque<Block*> waiting;         // resident blocks that no worker runs
  std::uint64_t running = 0;          // blocks that a worker runs
  std::uint64_t polls = 0;            // turns in a row that ended in asking for what other blocks do
  unsigned asleep = 0;                // workers
  std::condition_variable turn_ended;
  std::atomic<bool> failed{false};
  std::exception_ptr failure;
  std::uint64_t failed_block = ~std::uint64_t{0};
  // PTXVM_TIMEOUT: a kernel that never ends is stopped.
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
  std::atomic<bool> late{false};
  std::atomic<Cluster*> stuck{nullptr};
};

void fail(Grid& grid, std::uint64_t block) {
  std::lock_guard<std::mutex> lock(grid.mutex);
  // The lowest block's fault is reported, so that the message does not depend on the workers' speed alone.
  if (!grid.failure || block < grid.failed_block) {
    grid.failure = std::current_exception();
    grid.failed_block = block;
  }
  grid.failed = true;
}

// The storage of blocks outlives launches: one spare a thread.
thread_local std::unique_ptr<Cluster> spare;

// All blocks of a cluster. Takes no lock: filling their memory takes time.
std::unique_ptr<Cluster> prepare_cluster(Grid& grid, Worker& worker, std::uint64_t number) {
  std::unique_ptr<Cluster> cluster = spare ? std::move(spare) : std::make_unique<Cluster>();
  cluster->linear = number;
  cluster->left = grid.cluster_size;
  cluster->blocks.resize(grid.cluster_size);
  for (std::uint32_t rank = 0; rank < grid.cluster_size; ++rank) {
    std::unique_ptr<Block>& block = cluster->blocks[rank];
    if (!block) block = std::make_unique<Block>();
    start_block(*block, grid.image, *cluster, rank);
    block->progress = worker.tally ? std::make_shared<Progress>() : nullptr;
    if (worker.checker) worker.checker->block_started(*block);
  }
  cluster->begin();
  return cluster;
}

// Blocks at work go on before others begin: what they use is warm. Where the next in line waits, perhaps for one that
// has not begun, another cluster begins; and after some turns in any case, since who waits may look as if at work.
// In the strict modes as many as may be are there from the beginning. The grid's mutex is held.
bool may_begin(const Grid& grid) {
  if (grid.resident.size() + grid.preparing >= grid.most_resident || grid.next >= grid.clusters) return false;
  return strict().any() || grid.waiting.empty() || !grid.waiting.front()->at_work || grid.turns > 8 * grid.waiting.size();
}

void begin_cluster(Grid& grid, Worker& worker, std::unique_lock<std::mutex>& lock) {
  const std::uint64_t number = grid.next++;
  ++grid.preparing;
  grid.turns = 0;
  lock.unlock();
  std::unique_ptr<Cluster> cluster = prepare_cluster(grid, worker, number);
  lock.lock();
  --grid.preparing;
  for (const auto& block : cluster->blocks) grid.waiting.push_back(block.get());
  cluster->place = grid.resident.size();
  grid.resident.push_back(std::move(cluster));
}

// The grid's mutex is held.
void end_block(Grid& grid, Block& block) {
  block.stage.store(Stage::Exited, std::memory_order_release);
  Cluster& cluster = *block.cluster;
  if (--cluster.left != 0) return;
  if (grid.image.checker)
    for (const auto& each : cluster.blocks) grid.image.checker->block_ended(*each);
  const std::size_t place = cluster.place;
  spare = std::move(grid.resident[place]);
  if (place + 1 < grid.resident.size()) {
    grid.resident[place] = std::move(grid.resident.back());
    grid.resident[place]->place = place;
  }
  grid.resident.pop_back();
}

// All that wait have asked for what others do, and a block that another worker runs is the one that could do it, at any
// time in its turn. Asking on would take the processor from it where there are more threads than processors.
void nap(Grid& grid, std::unique_lock<std::mutex>& lock) {
  grid.polls = 0;
  ++grid.asleep;
  grid.turn_ended.wait_for(lock, kNap);
  --grid.asleep;
}

void work(Grid& grid, Worker& worker) {
  while (!grid.failed) {
    Block* block = nullptr;
    bool undisturbed = false;  // since it was asked last
    {
      std::unique_lock<std::mutex> lock(grid.mutex);
      if (may_begin(grid)) begin_cluster(grid, worker, lock);
      else if (grid.waiting.empty() && grid.next >= grid.clusters && grid.preparing == 0)
        return;  // whoever still runs a block will finish it
      else if (grid.running != 0 && grid.polls >= grid.waiting.size()) nap(grid, lock);
      ++grid.turns;
      if (!grid.waiting.empty()) {
        block = grid.waiting.front();
        grid.waiting.pop_front();
        ++grid.running;
        ++block->cluster->running;
        undisturbed = block->asked_at == block->cluster->events;
        block->asked_at = block->cluster->events;
      }
    }
    if (!block) {
      std::this_thread::yield();
      continue;
    }
    try {
      const bool exited = run_block(*block, worker, undisturbed);
      if (exited && worker.tally) count_phase(*worker.tally, *block, model::Latency::Launch);
      if (std::chrono::steady_clock::now() > grid.deadline) grid.late = grid.failed = true;
      std::lock_guard<std::mutex> lock(grid.mutex);
      Cluster& cluster = *block->cluster;
      --cluster.running;
      --grid.running;
      grid.polls = block->polled || block->turn != Turn::WentOn ? grid.polls + 1 : 0;
      if (grid.asleep) grid.turn_ended.notify_one();
      if (exited || block->turn == Turn::WentOn) {
        ++cluster.events;
        cluster.idle = 0;
      } else if (block->turn == Turn::Idle && block->asked_at == cluster.events && block->idle_at != cluster.events) {
        block->idle_at = cluster.events;
        ++cluster.idle;
      }
      if (exited) {
        end_block(grid, *block);
      } else {
        const std::size_t place = place_in_line(*block, grid.waiting.size() + 1);
        grid.waiting.push_back(block);
        std::swap(grid.waiting[place], grid.waiting.back());
      }
      // Everybody has been asked since anything last happened, and nobody is at work who could change the answer.
      if (cluster.running == 0 && cluster.idle != 0 && cluster.idle == cluster.left) {
        grid.stuck = &cluster;
        grid.failed = true;
      }
    } catch (...) {
      fail(grid, block->linear);
      return;
    }
  }
}

[[noreturn]] void report_deadlock(const Cluster& cluster, const std::string& kernel) {
  std::vector<Block*> blocks;
  for (const auto& block : cluster.blocks)
    if (block->stage != Stage::Exited) blocks.push_back(block.get());
  throw Error(Status::LaunchFailure,
              format("deadlock: no block of cluster %llu of kernel %s can go on; where they stand:",
                     static_cast<unsigned long long>(cluster.linear), kernel.c_str()) +
                  where_blocks_stand(blocks));
}

[[noreturn]] void report_timeout(const Grid& grid, const std::string& kernel, std::uint64_t seconds) {
  const std::vector<Block*> blocks(grid.waiting.begin(), grid.waiting.end());
  throw Error(Status::LaunchTimeout,
              format("kernel %s has not ended after %llu s (PTXVM_TIMEOUT sets the limit, 0 for none); where "
                     "its %zu resident blocks stand:",
                     kernel.c_str(), static_cast<unsigned long long>(seconds), blocks.size()) +
                  where_blocks_stand(blocks));
}

}  // namespace

void run(const Request& request, const MachineLimits& limits) {
  const auto begin = std::chrono::steady_clock::now();
  const auto* program = dynamic_cast<const DecodedProgram*>(request.program.get());
  if (!program) throw Error(Status::InvalidKernelImage, "launch without a program");
  const KernelInfo* info = program->kernel(request.kernel);
  if (!info) throw Error(Status::InvalidDeviceFunction, "no kernel " + request.kernel + " in " + program->name);
  check_launch(request, *info, limits);
  const FunctionCode& kernel = program->functions[std::size_t(program->function_index.at(request.kernel))];
  if (!kernel.refusal.empty()) throw Error(kernel.refusal_status, kernel.refusal);
  if (kernel.begin == kernel.end)
    throw Error(Status::InvalidDeviceFunction, "kernel " + request.kernel + " has no body");

  static std::atomic<std::uint64_t> launches{0};
  Grid grid;
  Image& image = grid.image;
  image.program = program;
  image.kernel = &kernel;
  image.code = program->code.data();
  image.operand_lists = program->operand_lists.data();
  image.tensor = tensor_sums(limits.target);
  image.constants = program->constants;
  image.parameters = request.parameters.data();
  image.parameter_bytes = info->parameter_bytes;
  const auto copy = [](const Dim3& from, std::uint32_t to[3]) { to[0] = from.x, to[1] = from.y, to[2] = from.z; };
  copy(request.grid, image.grid);
  copy(request.block, image.block);
  copy(request.cluster, image.cluster);
  image.explicit_cluster = request.explicit_cluster;
  image.dynamic_shared = request.dynamic_shared;
  image.multiprocessors = limits.multiprocessors;
  image.gpcs = limits.gpcs;
  const memory::Windows& windows = memory::AddressSpace::instance().windows();
  image.shared_window = windows.shared;
  image.local_window = windows.local;
  image.parameter_window = windows.param;
  image.clock_khz = limits.clock_khz;
  image.launch_id = ++launches;
  image.seed = environment_number("PTXVM_SEED", 1);
  std::optional<GridWorkspace> workspace;
  if (request.cooperative) image.grid_workspace = workspace.emplace().address();
  grid.blocks = request.grid.count();
  grid.cluster_size = std::uint32_t(request.cluster.count());
  grid.clusters = grid.blocks / grid.cluster_size;
  grid.most_resident = resident_clusters(limits, grid.cluster_size);

  Pool& pool = Pool::instance();
  static auto& workers = *new std::vector<std::unique_ptr<Worker>>;  // launches are run one at a time
  static std::mutex one_launch;
  std::lock_guard<std::mutex> serial(one_launch);
  while (workers.size() < pool.size()) workers.push_back(std::make_unique<Worker>());
  Count counting(*program, request, limits);
  const check::Level level = check::level();
  AddressCache found;  // nothing yet; with checks off, all memory of the device, whoever owns it
  if (level == check::Level::Off) {
    const memory::Allocation all = memory::AddressSpace::instance().whole_device();
    found = {all.base, all.base + all.size, all.delta, false};
  }
  std::unique_ptr<check::LaunchChecker> checker;
  if (level == check::Level::Full) {
    check::Clusters clusters;
    std::copy_n(image.grid, 3, clusters.grid);
    clusters.size[0] = request.cluster.x, clusters.size[1] = request.cluster.y, clusters.size[2] = request.cluster.z;
    checker = std::make_unique<check::LaunchChecker>(image, clusters);
    image.checker = checker.get();
  }
  // The checker's verdict must not depend on how fast the host's threads are: it has one.
  const unsigned helpers = checker ? 0 : unsigned(std::min<std::uint64_t>(pool.size(), grid.blocks)) - 1;
  for (unsigned k = 0; k <= helpers; ++k) {
    Worker& w = *workers[k];
    w.image = &image;
    w.cache.assign(program->sites + 1, found);
    counting.prepare(w);
    w.checker = checker.get();
  }
  const std::uint64_t timeout = environment_number("PTXVM_TIMEOUT", kTimeoutSeconds);
  if (timeout)
    grid.deadline =
        std::chrono::steady_clock::now() + std::chrono::seconds(std::min<std::uint64_t>(timeout, 1u << 30));
  pool.run([&](unsigned k) { work(grid, *workers[k]); }, helpers);
  for (unsigned k = 0; k <= helpers; ++k) program->note_executed(workers[k]->warps);
  if (grid.failure) std::rethrow_exception(grid.failure);
  if (grid.stuck) report_deadlock(*grid.stuck, request.kernel);
  if (grid.late) report_timeout(grid, request.kernel, timeout);

  for (unsigned k = 0; k <= helpers; ++k) counting.finish(*workers[k]);
  counting.finish(request.kernel, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
}

}  // namespace ptxvm::exec
