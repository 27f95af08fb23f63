// State of one warp, one block, one worker: what instruction handlers see.
//
// Each lane has a program counter of its own. Lanes that share one form a group; one group runs, the
// others are parked. The deepest call frame and then the lowest counter runs first, so that diverged lanes
// meet again; a fairness bound (block.cpp) lets the others run while one group spins.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "code/inst.hpp"
#include "exec/vain.hpp"

namespace ptxvm::check {
class LaunchChecker;
struct BlockState;
}  // namespace ptxvm::check

namespace ptxvm::exec {

class Async;
class AsyncLanes;
struct Block;
struct Cluster;
struct Worker;
struct Image;
struct Tally;
struct Progress;
class DecodedProgram;
struct FunctionCode;

constexpr std::uint32_t kAllLanes = 0xffffffffu;

// What a group that waited has been told; the instruction that it waited at runs again and need not look.
enum class Pass : std::uint8_t {
  None,
  Members,  // its member mask is complete, or its time to wait for a phase is up
  Phase     // the phase that it waited for has completed
};

struct Group {
  enum class State : std::uint8_t { Runnable, Barrier, Collective, PhaseWait, ClusterWait };
  std::uint32_t pc = 0;
  std::uint32_t frame = 0;       // byte offset of the register frame
  std::uint32_t local = 0;       // byte offset of the local-memory frame
  std::uint32_t mask = 0;
  State state = State::Runnable;
  std::uint32_t barrier = 0;     // Barrier: which, and the generation waited for. PhaseWait: the phases completed
  std::uint64_t generation = 0;  // when it was looked at last; the block's round in which the wait gives up
  std::uint64_t parked_at = 0;   // Warp::clock; who waited longest runs first when one group spins
  Pass passed = Pass::None;
};

struct Warp {
  std::uint32_t mask = 0;        // lanes that the handler works on
  char* base[2] = {nullptr, nullptr};  // register frame; constants
  Block* block = nullptr;
  Worker* worker = nullptr;

  std::uint32_t active = 0;      // lanes of the running group
  std::uint32_t pc = 0;
  std::uint32_t frame = 0, local = 0;
  std::uint32_t next_parked = ~0u;  // a Join at or above this counter must look at the parked groups
  std::uint32_t alive = 0;       // lanes that have not exited
  std::uint32_t parked_count = 0;
  std::uint32_t index = 0;       // in the block
  std::uint32_t cluster_arrived = 0, cluster_parity = 0;  // lanes between arrive and wait; in which phase they came
  std::uint32_t most_registers = 0;           // by the last setmaxnreg; 0: there was none
  std::uint32_t register_changes = 0, registers_changed_at = 0;  // how many there were; where the last
  std::uint32_t polled_at = 0, polls = 0;  // the Poll that ran last, and how often in a row
  std::uint32_t slice = 0;       // joins left before another group gets its turn
  std::uint64_t clock = 0;
  bool rotating = false;         // a waiting group has its turn, lower counters or not
  Pass passed = Pass::None;      // of the active group
  char* registers = nullptr;     // frame 0
  char* local_memory = nullptr;  // lane i's bytes at i * local_stride
  std::uint64_t counted[16] = {};  // barriers with a count: generation + 1 of the last that it has come to,
  std::uint32_t came[16] = {};     // and which of its lanes have, those that it lacks among them
  std::uint64_t draws = 0;         // exec/strict.hpp
  std::uint32_t parting_in = 0;
  Group parked[32];

  template <class T>
  T* at(Ref ref) {
    return reinterpret_cast<T*>(base[ref & 1] + (ref & ~Ref{1}));
  }
};

struct AddressCache {            // the allocation that a memory instruction touched last
  std::uint64_t low = 1, high = 0;
  std::int64_t delta = 0;
  bool read_only = false;
};

struct Barrier {
  std::uint64_t generation = 0;
  std::uint32_t arrived = 0;       // threads
  std::uint32_t expected = 0;      // 0: all threads of the block that have not exited
  std::uint32_t popcount = 0;      // bar.red
  bool all = true, any = false;
  std::uint32_t last_popcount = 0; // results of the generation that completed
  bool last_all = true, last_any = false;
};

enum class Stage : std::uint8_t { Fresh, Running, Exited };

// What came of a block's turn. Idle: nobody can go on unless another block of the cluster does something; Unknown: nobody did.
enum class Turn : std::uint8_t { WentOn, Idle, Unknown };

struct Block {
  Image* image = nullptr;
  Cluster* cluster = nullptr;
  std::uint32_t rank = 0;          // in the cluster
  std::uint32_t id[3] = {0, 0, 0};
  std::uint32_t multiprocessor = 0;
  std::uint64_t linear = 0;
  std::atomic<Stage> stage{Stage::Fresh};  // other blocks of the cluster look at it
  std::uint32_t threads = 0, alive = 0;
  std::uint32_t warp_count = 0;
  std::vector<Warp> warps;
  char* shared_memory = nullptr;   // static, then dynamic; aligned in shared_storage
  std::vector<char> shared_storage;
  std::uint32_t shared_size = 0;
  std::uint32_t system_shared = 0;  // where the system's part begins, apart from the program's; 0: not asked for
  static constexpr std::uint32_t system_shared_bytes = 1024;
  std::uint32_t shared_extent() const { return system_shared ? system_shared + system_shared_bytes : shared_size; }
  std::vector<char> local;
  std::uint32_t local_stride = 0;
  char* register_memory = nullptr; // aligned inside register_storage
  std::vector<char> register_storage;
  Barrier barriers[16];
  check::BlockState* checked = nullptr;  // at PTXVM_CHECK=full
  std::shared_ptr<Progress> progress;  // where memory is counted
  bool at_work = true;             // its last turn ended because it was long enough, not because the block waits
  Turn turn = Turn::WentOn;
  bool polled = false;             // its last turn ended because all that it did was to look whether others had come
  // Cluster::events when its last turn began, and when it was last found Idle.
  std::uint64_t asked_at = 0, idle_at = 0;
  std::uint32_t idle_turns = 0;    // in a row
  Vain vain;
  std::uint64_t round = 0;         // turns of all its warps
  std::shared_ptr<Async> async;    // mbarriers, bulk copies: of the block's cluster
  std::shared_ptr<AsyncLanes> lane_copies;
  std::uint64_t draws = 0;               // exec/strict.hpp
};

struct Worker {
  Image* image = nullptr;
  std::vector<AddressCache> cache;            // one a memory instruction
  std::vector<std::uint64_t> warps, threads;  // executions of each block leader
  std::vector<std::uint64_t> switched_off;    // lanes, by DecodedProgram::guard_of
  std::vector<std::uint64_t> never_ran;       // executions without a lane
  std::uint64_t divergent_branches = 0, block_barriers = 0;
  Tally* tally = nullptr;                     // where memory is counted
  check::LaunchChecker* checker = nullptr;    // PTXVM_CHECK=full
};

// How matrix instructions sum (exec/tensor.hpp).
struct TensorSums {
  unsigned fraction_bits = 0;  // kept behind the largest term's point; 0: sums are exact
  unsigned step_bytes = 0;     // of a row's elements that are summed at a time
};

// What a launch is made of, read by handlers for special registers, parameters and windows.
struct Image {
  const DecodedProgram* program = nullptr;
  const FunctionCode* kernel = nullptr;
  const Inst* code = nullptr;
  const Ref* operand_lists = nullptr;
  TensorSums tensor;
  char* constants = nullptr;
  const std::byte* parameters = nullptr;
  std::uint32_t parameter_bytes = 0;
  std::uint32_t grid[3] = {1, 1, 1}, block[3] = {1, 1, 1}, cluster[3] = {1, 1, 1};
  bool explicit_cluster = false;
  std::uint32_t dynamic_shared = 0;
  std::uint32_t multiprocessors = 1;
  std::vector<std::uint32_t> gpcs;  // multiprocessors of each; empty: one has all
  std::uint64_t shared_window = 0, local_window = 0, parameter_window = 0;
  std::uint64_t clock_khz = 0;
  std::uint64_t launch_id = 0;
  std::uint64_t grid_workspace = 0;  // of a cooperative launch: where its grid-wide barrier counts
  check::LaunchChecker* checker = nullptr;
  std::uint64_t seed = 1;          // when asynchronous operations happen
};

// Raise the fault of the running launch: they throw ptxvm::Error with the whole message.
[[noreturn]] void fault(Warp& w, const Inst& in, unsigned lane, int status, const std::string& text);
std::string position(Warp& w, const Inst& in, unsigned lane);  // "kernel k, PTX line 12 (a.cu:3), block (0,0,0) thread (5,0,0)"

}  // namespace ptxvm::exec
