// From counted work to a modelled time. Within a phase the largest demand decides; phases that wait for each other are
// added up, with what lies between them. Pure arithmetic; docs/performance-model.md has the formulas.
#pragma once

#include <array>
#include <cstdint>

#include "model/machine.hpp"

namespace ptxvm::model {

// Demands on the resources in cycles of one multiprocessor that has them to itself.
using Work = std::array<double, kResources>;

// A phase of one block: what it did since its last barrier, and which latencies it has met (a bit each).
struct Phase {
  Work work{};
  std::uint32_t met = 0;
  void meet(Latency l) { met |= 1u << int(l); }
};

// Phases that follow each other: cycles by what decided each, cycles waited.
struct Chain {
  Work decided{};
  std::array<double, kLatencies> waited{};
  std::uint64_t phases = 0;
  double cycles() const;
};

// How a launch shares the machine: settled before it runs.
struct Rates {
  std::array<double, count::kClasses> cycles{};     // of a warp's instruction on its resource
  std::array<Resource, count::kClasses> resource{};
  std::array<double, count::kClasses> issue{};      // 0 for what machine code does not have
  std::array<double, count::kFactors> matrix{};     // cycles a flop
  double remote = 0;                                // cycles a byte
  double l2 = 0, dram = 0;                          // cycles a sector, a multiprocessor's share in a phase
  double issue_warps = 1;                           // schedulers that a block of few warps leaves idle
  double sharing = 1;                               // blocks of a multiprocessor that go through a phase together
  std::array<double, kLatencies> latency{};         // cycles
};

struct Shape {
  std::uint64_t blocks = 1;
  std::uint32_t warps = 1;     // a block
  std::uint32_t resident = 1;  // blocks that a multiprocessor holds
};

// All blocks run at once, so that they go through their phases together.
bool lockstep(const Machine& m, const Shape& s);
Rates rates(const Machine& m, const Shape& s);

void add(Work& work, const Rates& r, count::Class c, double times);
// Ends the phase by what follows it (Launch: nothing, the block has ended).
void end_phase(Chain& chain, Phase& phase, const Rates& r, Latency by);

struct Demand {
  Shape shape;
  Work work{};                    // of all blocks; L2 and Dram are not read
  double l2_sectors = 0;          // asked for, atomic operations too
  double dram_sectors = 0;        // touched for the first time
  Chain critical;                 // the block whose chain is longest
};

struct Estimate {
  Work decided{};                              // seconds by resource and by latency; their sum is the time
  std::array<double, kLatencies> waited{};
  double seconds() const;
  const char* largest() const;                 // the name of the largest part
  Estimate& operator+=(const Estimate& other);  // one launch after another
};

Estimate estimate(const Machine& m, const Demand& d);

}  // namespace ptxvm::model
