#include "counts.hpp"

#include <algorithm>

namespace recur::bench {

double Counts::total(double KernelCounts::*field) const {
  double sum = 0;
  for (const KernelCounts& k : kernels) sum += k.*field;
  return sum;
}

double Counts::tensor_core_share() const {
  const double all = total(&KernelCounts::flops) + product_flops;
  return all > 0 ? (total(&KernelCounts::matrix_flops) + product_matrix_flops) / all : 0;
}

double Counts::barriers_a_step() const {
  double barriers = 0;
  for (const KernelCounts& k : kernels)
    if (k.blocks > 0) barriers += k.block_barriers / k.blocks * k.launches;
  return barriers / steps;
}

const KernelCounts* Counts::most_registers() const {
  const auto most = std::max_element(
      kernels.begin(), kernels.end(),
      [](const KernelCounts& a, const KernelCounts& b) { return a.registers < b.registers; });
  return most == kernels.end() ? nullptr : &*most;
}

int Counts::stack() const {
  int sum = 0;
  for (const KernelCounts& k : kernels) sum += k.stack;
  return sum;
}

std::string Counts::largest_part(double* share) const {
  std::string name = "products: " + product_largest;
  double most = product_seconds;
  for (const KernelCounts& k : kernels) {
    if (k.seconds <= most) continue;
    most = k.seconds;
    name = k.name.substr(0, k.name.find('<')) + ": " + k.largest;
  }
  *share = seconds() > 0 ? most / seconds() : 0;
  return name;
}

}  // namespace recur::bench
