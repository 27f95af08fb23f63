// What the launches of a kernel did, added up. Instructions are always counted; memory, phases and time where asked.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "count/touched.hpp"
#include "count/traits.hpp"
#include "model/time.hpp"

namespace ptxvm::count {

struct Traffic {
  std::uint64_t requests = 0, bytes = 0, sectors = 0;  // warp instructions; what lanes asked for; 32-byte pieces
  Traffic& operator+=(const Traffic& o);
};

struct SharedTraffic {
  std::uint64_t requests = 0, bytes = 0, wavefronts = 0, least = 0;
  std::uint64_t conflicts() const { return wavefronts - least; }
  SharedTraffic& operator+=(const SharedTraffic& o);
};

struct Memory {
  Traffic global_load, global_store, local_load, local_store, constant_load, atomics;
  SharedTraffic shared_load, shared_store, shared_atomics;
  Traffic remote;            // shared memory of other blocks of the cluster
  std::uint64_t polls = 0;   // loads that found a flag unchanged; in no other figure
  Memory& operator+=(const Memory& o);
};

// One memory instruction.
struct Line {
  std::uint64_t executions = 0, lanes = 0, sectors = 0, wavefronts = 0, least = 0;
  Line& operator+=(const Line& o);
};
struct Place {
  int ptx = 0;
  std::string source;  // "kernel.cu:12", empty where the PTX does not say
  std::string text;    // "ld.global.v4.f32"
  bool operator<(const Place& o) const { return std::tie(ptx, text) < std::tie(o.ptx, o.text); }
};

struct Launch {
  std::uint32_t grid[3] = {1, 1, 1}, block[3] = {1, 1, 1};
  std::uint32_t registers = 0, static_shared = 0, dynamic_shared = 0, local = 0;  // a thread, a block, a block, a thread
  std::uint32_t resident_blocks = 0, resident_warps = 0, most_warps = 0;          // of a multiprocessor
};

struct Kernel {
  std::uint64_t launches = 0, blocks = 0;
  std::uint64_t warp_instructions = 0, thread_instructions = 0;  // PTX, those that a predicate switches off too
  std::uint64_t switched_off = 0;                                // lanes that a predicate switched off
  std::uint64_t classes[kClasses] = {};                          // warp instructions
  std::uint64_t flops[kNumbers] = {}, matrix_flops[kFactors] = {};
  std::uint64_t divergent_branches = 0;                          // of classes[Branch]
  std::uint64_t block_barriers = 0;                              // times that a block passed one
  std::uint64_t counted_launches = 0;                            // those whose memory was counted
  Memory memory;
  Unique unique;
  std::map<Place, Line> lines;                                   // where asked for
  model::Estimate modelled;
  std::uint64_t phases = 0;                                      // of the longest block, over launches
  Launch latest;
  double seconds = 0;                                            // of the emulator, not of any device
  Kernel& operator+=(const Kernel& o);
};

using Kernels = std::map<std::string, Kernel>;

// Where reports go at exit: PTXVM_COUNTERS=table|json|lines[:FILE].
struct Wish {
  enum class Form { None, Table, Json, Lines } form = Form::None;
  std::string file;
};
Wish wish(const char* setting);  // throws where it is no such setting

std::string table(const Kernels& kernels, const std::string& device);
std::string lines(const Kernels& kernels);
std::string json(const Kernels& kernels, const std::string& device);

}  // namespace ptxvm::count
