// What a worker counts while it runs a launch whose memory is counted, and what a launch adds up at its end.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "count/counters.hpp"
#include "exec/progress.hpp"
#include "exec/warp.hpp"
#include "model/time.hpp"

namespace ptxvm::exec {

class DecodedProgram;
struct Request;
struct MachineLimits;

struct BlockCost {  // of a basic block, for one warp
  model::Work work{};
  std::uint32_t met = 0;
};

struct Tally {
  count::Memory memory;
  count::Touched* touched = nullptr;
  count::Touched::Recent recent;
  std::vector<count::Line> lines;       // by program counter; empty where nobody asked
  const model::Rates* rates = nullptr;
  const BlockCost* costs = nullptr;     // by basic block
  model::Chain longest;
};

// A warp enters a basic block; the block has passed a barrier, or has ended (Latency::Launch).
inline void count_basic_block(Tally& t, Block& block, std::uint64_t number) {
  const BlockCost& c = t.costs[number];
  for (int k = 0; k < model::kResources; ++k) block.progress->phase.work[std::size_t(k)] += c.work[std::size_t(k)];
  block.progress->phase.met |= c.met;
}
void count_phase(Tally& t, Block& block, model::Latency ended_by);
void count_cluster_phase(Tally& t, Block& block, std::uint64_t completed);  // lanes pass the cluster's barrier

// One launch: made before its first block, finished after its last.
class Count {
 public:
  Count(const DecodedProgram& program, const Request& request, const MachineLimits& limits);
  ~Count();
  void prepare(Worker& worker);
  void finish(const Worker& worker);         // adds what it did
  void finish(const std::string& kernel, double seconds);  // after the workers: to everybody's counters

 private:
  void make_costs();
  void add_lines(const Tally& tally);
  const DecodedProgram& program_;
  const Request& request_;
  const MachineLimits& limits_;
  bool memory_ = false, lines_ = false;
  count::Kernel kernel_;
  count::Touched touched_;
  model::Rates rates_;
  model::Demand demand_;
  std::vector<BlockCost> costs_;
  std::vector<std::unique_ptr<Tally>> tallies_;
  std::vector<Worker*> workers_;
};

}  // namespace ptxvm::exec
