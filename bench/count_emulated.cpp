#include "count_emulated.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "device/profile.hpp"
#include "floor.hpp"
#include "kernel_resources.hpp"
#include "layer_call.hpp"
#include "model/machine.hpp"
#include "products.hpp"
#include "ptxvm/ptxvm.h"

namespace recur::bench {
namespace {

// Of one run, before anything is added up.
struct Run {
  std::vector<KernelCounts> kernels;
  std::vector<ProductGroup> products;
  double copies_and_fills = 0, reserve = 0;
};

KernelCounts of(const ptxvm_kernel_counters& c) {
  KernelCounts k;
  k.mangled = c.name;
  k.name = test::readable_name(c.name);
  k.launches = static_cast<double>(c.launches);
  k.blocks = static_cast<double>(c.blocks);
  for (const ptxvm_traffic* t : {&c.global_load, &c.global_store, &c.atomics}) {
    k.requests += static_cast<double>(t->requests);
    k.bytes += static_cast<double>(t->bytes);
    k.sectors += static_cast<double>(t->sectors);
  }
  k.unique_bytes = static_cast<double>(c.unique_bytes_read + c.unique_bytes_written);
  for (const ptxvm_shared_traffic* t : {&c.shared_load, &c.shared_store, &c.shared_atomics}) {
    k.wavefronts += static_cast<double>(t->wavefronts);
    k.conflicts += static_cast<double>(t->conflicts);
  }
  k.matrix_flops = static_cast<double>(c.matrix_flops);
  k.flops =
      static_cast<double>(c.flops_half + c.flops_bfloat + c.flops_single + c.flops_double + c.matrix_flops);
  k.block_barriers = static_cast<double>(c.block_barriers);
  k.cluster_barriers = static_cast<double>(c.cluster_barriers);
  k.mbarriers = static_cast<double>(c.mbarriers);
  k.thread_instructions = static_cast<double>(c.thread_instructions);
  k.seconds = c.modelled_seconds;
  k.largest = c.modelled_largest;
  return k;
}

double copies_and_fills() {
  ptxvm_counts counts{};
  ptxvm_api_counts(&counts);
  return static_cast<double>(counts.copies + counts.fills);
}

constexpr double KernelCounts::*kFields[] = {
    &KernelCounts::launches,       &KernelCounts::blocks,
    &KernelCounts::requests,       &KernelCounts::bytes,
    &KernelCounts::sectors,        &KernelCounts::unique_bytes,
    &KernelCounts::wavefronts,     &KernelCounts::conflicts,
    &KernelCounts::flops,          &KernelCounts::matrix_flops,
    &KernelCounts::block_barriers, &KernelCounts::cluster_barriers,
    &KernelCounts::mbarriers,      &KernelCounts::thread_instructions,
    &KernelCounts::seconds};

Run run(recur_layer_descriptor layer, Pass pass, int64_t steps) {
  layer.steps = steps;
  const Stream stream;
  const LayerCall call(layer, pass, stream);
  stream.synchronize();
  Run result;
  const double before = copies_and_fills();
  reset_products(layer.batch);
  result.kernels = count_kernels([&] { call.run(); }, stream);
  result.copies_and_fills = copies_and_fills() - before;
  result.products = noted_products();
  result.reserve = static_cast<double>(call.layer().sizes().reserve);
  return result;
}

// The line through what was counted at two numbers of steps, at a third.
struct Line {
  double first, second, at;
  double operator()(double a, double b) const { return a + (b - a) * (at - first) / (second - first); }
};

Run extrapolate(const Run& first, const Run& second, const Line& line) {
  Run all = second;
  // What only the longer one launches does not grow with the steps, as far as can be told.
  for (KernelCounts& k : all.kernels) {
    for (const KernelCounts& before : first.kernels) {
      if (before.mangled != k.mangled) continue;
      for (double KernelCounts::*field : kFields) k.*field = line(before.*field, k.*field);
    }
  }
  for (ProductGroup& p : all.products) {
    for (const ProductGroup& before : first.products) {
      if (!before.same_kind(p)) continue;
      p.count = line(before.count, p.count);
      p.running_total = line(before.running_total, p.running_total);
    }
  }
  all.copies_and_fills = line(first.copies_and_fills, second.copies_and_fills);
  all.reserve = line(first.reserve, second.reserve);
  return all;
}

// Of the machine code for the emulated device, or for the nearest that there is.
void add_resources(KernelCounts& k, int target) {
  static const auto all = test::read_program("/proc/self/exe");
  const auto found = all.find(k.mangled);
  if (found == all.end() || found->second.empty()) return;
  auto of_target = found->second.upper_bound(target);
  if (of_target != found->second.begin()) --of_target;
  k.registers = of_target->second.registers;
  k.stack = of_target->second.stack;
}

}  // namespace

std::vector<KernelCounts> count_kernels(const std::function<void()>& work, const Stream& stream) {
  stream.synchronize();
  ptxvm_count_memory(1);
  ptxvm_reset_counters();
  work();
  stream.synchronize();
  ptxvm_count_memory(0);
  std::vector<ptxvm_kernel_counters> counters(ptxvm_counters(nullptr, 0));
  counters.resize(std::min(counters.size(), ptxvm_counters(counters.data(), counters.size())));
  std::vector<KernelCounts> kernels;
  for (const ptxvm_kernel_counters& c : counters) {
    if (c.launches == 0) continue;
    kernels.push_back(of(c));
    add_resources(kernels.back(), ptxvm::device::current().target);
  }
  return kernels;
}

StepsToCount steps_to_count(const recur_layer_descriptor& d, Pass pass) {
  if (pass == Pass::step) return {1, 0};
  // About as many PTX instructions as the emulator does in half a second while it counts memory, at what a
  // streamed cell takes for a unit: 120 forward, as much again back with the sums of biases.
  constexpr double budget = 3e8;
  const double units = static_cast<double>(d.batch) * static_cast<double>(d.hidden_size) *
                       static_cast<double>(std::max<int64_t>(d.layers, 1)) *
                       static_cast<double>(std::max<int64_t>(d.directions, 1));
  const double of_a_step = units * (pass == Pass::training ? 300 : 120);
  // From three steps on a product over all steps but one is over more than one step's rows, and not taken for
  // a step's. Layers above each other are walked in pieces of at least 16 steps: of one piece here.
  const double most = d.layers > 1 ? 8 : 16;
  const auto first = static_cast<int64_t>(std::clamp(budget / (3 * of_a_step), 3.0, most));
  const int64_t second = first > 3 ? 2 * first : 4;
  if (d.steps <= first + second) return {d.steps, 0};
  return {first, second};
}

Counts count_call(const recur_layer_descriptor& layer, Pass pass, const StepsToCount& plan) {
  Counts counts;
  counts.choice = Layer(layer).choice();  // of the whole sequence
  if (pass == Pass::step) {
    counts.choice.residency = RECUR_RESIDENCY_STREAMED;
    std::snprintf(counts.choice.reason, sizeof counts.choice.reason, "streamed: a single step always is");
  }
  counts.steps = pass == Pass::step ? 1 : static_cast<double>(layer.steps);
  counts.counted[0] = plan.first;
  counts.counted[1] = plan.second;
  // What the plan of the whole sequence chose is what its pieces are counted with.
  recur_layer_descriptor fixed = layer;
  fixed.residency = counts.choice.residency;
  Run all = run(fixed, pass, plan.first);
  if (plan.second > 0) {
    const Line line = {static_cast<double>(plan.first), static_cast<double>(plan.second), counts.steps};
    all = extrapolate(all, run(fixed, pass, plan.second), line);
  }
  counts.kernels = std::move(all.kernels);
  const ptxvm::device::Profile& profile = ptxvm::device::current();
  const ModelledProducts products = model(ptxvm::model::machine(profile), all.products);
  for (const ProductGroup& p : all.products) counts.products += p.count;
  counts.product_bytes = products.bytes;
  counts.product_flops = products.flops;
  counts.product_matrix_flops = products.matrix_flops;
  counts.product_seconds = products.seconds;
  counts.product_largest = products.largest();
  counts.copies_and_fills = all.copies_and_fills;
  counts.reserve_bytes = all.reserve;
  counts.floor_bytes =
      floor_bytes(layer, pass, counts.choice.residency == RECUR_RESIDENCY_STREAMED, all.reserve);
  return counts;
}

}  // namespace recur::bench
