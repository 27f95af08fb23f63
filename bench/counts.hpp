// What an emulated call did, and the time that the model gives it: sums over its kernels and products. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "recur/layer.h"
#include "shapes.hpp"

namespace recur::bench {

// All launches of one kernel in a call.
struct KernelCounts {
  std::string name;  // as a reader knows it
  std::string mangled;
  double launches = 0, blocks = 0;
  double requests = 0, bytes = 0, sectors = 0;  // of global memory
  double unique_bytes = 0;
  double wavefronts = 0, conflicts = 0;  // of shared memory
  double flops = 0, matrix_flops = 0;
  double block_barriers = 0;                   // times that a block passed one
  double cluster_barriers = 0, mbarriers = 0;  // instructions of warps
  double thread_instructions = 0;
  double seconds = 0;            // modelled
  std::string largest;           // what most of them go to
  int registers = 0, stack = 0;  // a thread, of the machine code; bytes
};

struct Counts {
  double steps = 0;
  int64_t counted[2] = {0, 0};  // sequences run; the second 0 where the first was the call itself
  std::vector<KernelCounts> kernels;

  double products = 0, product_bytes = 0, product_flops = 0, product_matrix_flops = 0, product_seconds = 0;
  std::string product_largest;
  double copies_and_fills = 0;
  double reserve_bytes = 0;

  recur_layer_choice choice = {};
  double floor_bytes = 0;

  double total(double KernelCounts::*field) const;
  double launches() const { return total(&KernelCounts::launches) + products; }
  double bytes() const { return total(&KernelCounts::bytes) + product_bytes; }
  double seconds() const { return total(&KernelCounts::seconds) + product_seconds; }
  double tensor_core_share() const;  // of all operations
  double barriers_a_step() const;    // of a block, between launches none
  const KernelCounts* most_registers() const;
  int stack() const;  // bytes, of all kernels
  std::string largest_part(double* share) const;
};

}  // namespace recur::bench
