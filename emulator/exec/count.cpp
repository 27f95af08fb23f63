// A launch's counters: from basic blocks and workers to the kernel's sums, and the report at exit.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "code/program.hpp"
#include "exec/counters.hpp"
#include "exec/launch.hpp"
#include "exec/tally.hpp"
#include "support/environment.hpp"

namespace ptxvm::exec {
namespace {

std::mutex mutex;
auto& everything = *new count::Kernels;
std::string& device_name = *new std::string;

const count::Wish& wanted() {
  static const count::Wish& w = *new count::Wish(count::wish(environment_word("PTXVM_COUNTERS", "").c_str()));
  return w;
}

std::atomic<bool> asked_for{false};

void report() {
  const count::Wish& w = wanted();
  std::lock_guard<std::mutex> lock(mutex);
  const std::string text = w.form == count::Wish::Form::Json    ? count::json(everything, device_name)
                           : w.form == count::Wish::Form::Lines ? count::lines(everything)
                                                                : count::table(everything, device_name);
  std::FILE* to = w.file.empty() ? stderr : std::fopen(w.file.c_str(), "w");
  if (to == nullptr || std::fputs(text.c_str(), to) < 0 || std::fflush(to) != 0)
    std::fprintf(stderr, "ptxvm: cannot write %s, which PTXVM_COUNTERS names\n", w.file.c_str());
  if (to != nullptr && to != stderr) std::fclose(to);
}

}  // namespace

count::Kernels counters() {
  std::lock_guard<std::mutex> lock(mutex);
  return everything;
}
void reset_counters() {
  std::lock_guard<std::mutex> lock(mutex);
  everything.clear();
}
void count_memory(bool on) { asked_for = on; }

Count::Count(const DecodedProgram& program, const Request& request, const MachineLimits& limits)
    : program_(program), request_(request), limits_(limits) {
  const count::Wish& w = wanted();
  static std::once_flag once;
  std::call_once(once, [&] {
    if (w.form != count::Wish::Form::None) std::atexit(report);
  });
  memory_ = asked_for || w.form != count::Wish::Form::None;
  lines_ = w.form == count::Wish::Form::Lines || w.form == count::Wish::Form::Json;
  model::Shape& shape = demand_.shape;
  shape.blocks = request.grid.count();
  shape.warps = std::uint32_t((request.block.count() + 31) / 32);
  shape.resident = std::max(1u, limits.resident_blocks);
  if (!memory_) return;
  rates_ = model::rates(limits.machine, shape);
  make_costs();
}

Count::~Count() {
  for (Worker* w : workers_) w->tally = nullptr;
}

void Count::make_costs() {
  costs_.resize(program_.blocks.size());
  for (std::size_t b = 0; b < costs_.size(); ++b) {
    const BlockMix& mix = program_.blocks[b];
    BlockCost& cost = costs_[b];
    for (int c = 0; c < count::kClasses; ++c)
      if (mix.classes[c]) model::add(cost.work, rates_, count::Class(c), mix.classes[c]);
    for (int f = 0; f < count::kFactors; ++f)
      cost.work[std::size_t(model::Resource::Matrix)] += double(mix.matrix_flops[f]) * rates_.matrix[std::size_t(f)];
    if (mix.device_fence) cost.met = 1u << int(model::Latency::Fence);
  }
}

void Count::prepare(Worker& w) {
  w.warps.assign(program_.blocks.size(), 0);
  w.threads.assign(program_.blocks.size(), 0);
  w.switched_off.assign(program_.guarded.size() + 1, 0);
  w.never_ran.assign(program_.guarded.size() + 1, 0);
  w.divergent_branches = w.block_barriers = 0;
  w.tally = nullptr;
  if (!memory_) return;
  tallies_.push_back(std::make_unique<Tally>());
  workers_.push_back(&w);
  w.tally = tallies_.back().get();
  w.tally->touched = &touched_;
  w.tally->rates = &rates_;
  w.tally->costs = costs_.data();
  if (lines_) w.tally->lines.resize(program_.code.size());
}

void Count::finish(const Worker& w) {
  for (std::size_t b = 0; b < program_.blocks.size(); ++b) {
    if (w.warps[b] == 0) continue;
    const BlockMix& mix = program_.blocks[b];
    kernel_.warp_instructions += w.warps[b] * mix.instructions;
    kernel_.thread_instructions += w.threads[b] * mix.instructions;
    for (int c = 0; c < count::kClasses; ++c) kernel_.classes[c] += w.warps[b] * mix.classes[c];
    for (int n = 0; n < count::kNumbers; ++n) kernel_.flops[n] += w.threads[b] * mix.flops[n];
    for (int f = 0; f < count::kFactors; ++f) kernel_.matrix_flops[f] += w.warps[b] * mix.matrix_flops[f];
    if (memory_)
      for (int k = 0; k < model::kResources; ++k)
        demand_.work[std::size_t(k)] += double(w.warps[b]) * costs_[b].work[std::size_t(k)];
  }
  for (std::size_t g = 0; g < program_.guarded.size(); ++g) {
    const count::Traits& t = program_.guarded[g];
    kernel_.switched_off += w.switched_off[g + 1];
    kernel_.flops[int(t.number)] -= w.switched_off[g + 1] * t.flops;
    kernel_.matrix_flops[int(t.factor)] -= w.never_ran[g + 1] * t.matrix_flops;
  }
  kernel_.divergent_branches += w.divergent_branches;
  kernel_.block_barriers += w.block_barriers;
  if (!w.tally) return;
  const Tally& t = *w.tally;
  kernel_.memory += t.memory;
  if (t.longest.cycles() > demand_.critical.cycles()) demand_.critical = t.longest;
  add_lines(t);
}

void Count::add_lines(const Tally& tally) {
  for (std::size_t pc = 0; pc < tally.lines.size(); ++pc) {
    if (tally.lines[pc].executions == 0) continue;
    const LineInfo& info = program_.lines[pc];
    count::Place place;
    place.ptx = info.ptx;
    if (info.source_file > 0 && std::size_t(info.source_file) < program_.files.size())
      place.source = program_.files[std::size_t(info.source_file)] + ":" + std::to_string(info.source);
    if (auto text = program_.memory_text.find(std::uint32_t(pc)); text != program_.memory_text.end()) place.text = text->second;
    kernel_.lines[place] += tally.lines[pc];
  }
}

void Count::finish(const std::string& name, double seconds) {
  const KernelInfo& info = *program_.kernel(name);
  kernel_.launches = 1;
  kernel_.blocks = demand_.shape.blocks;
  kernel_.seconds = seconds;
  count::Launch& l = kernel_.latest;
  const Dim3* dims[] = {&request_.grid, &request_.block};
  for (int k = 0; k < 2; ++k) {
    std::uint32_t* to = k ? l.block : l.grid;
    to[0] = dims[k]->x, to[1] = dims[k]->y, to[2] = dims[k]->z;
  }
  l.registers = info.registers;
  l.static_shared = info.static_shared;
  l.dynamic_shared = request_.dynamic_shared;
  l.local = info.local_bytes;
  l.resident_blocks = limits_.resident_blocks;
  l.resident_warps = limits_.resident_blocks * demand_.shape.warps;
  l.most_warps = limits_.most_warps;
  if (memory_) {
    const count::Memory& m = kernel_.memory;
    kernel_.counted_launches = 1;
    kernel_.unique = touched_.sum();
    demand_.work[std::size_t(model::Resource::Shared)] +=
        double(m.shared_load.wavefronts + m.shared_store.wavefronts + m.shared_atomics.wavefronts) +
        double(m.global_load.sectors + m.global_store.sectors + m.atomics.sectors + m.local_load.sectors + m.local_store.sectors) / 4;
    demand_.work[std::size_t(model::Resource::Remote)] += double(m.remote.bytes) * rates_.remote;
    demand_.l2_sectors = double(m.global_load.sectors + m.global_store.sectors + m.atomics.sectors);
    demand_.dram_sectors = double(kernel_.unique.sectors_read + kernel_.unique.sectors_written);
    kernel_.modelled = model::estimate(limits_.machine, demand_);
    kernel_.phases = demand_.critical.phases;
  }
  std::lock_guard<std::mutex> lock(mutex);
  everything[name] += kernel_;
  device_name = limits_.device;
}

}  // namespace ptxvm::exec
