// One row at a time, by what the program was built for: measure_emulated.cpp counts, measure_gpu.cpp times.
#pragma once

#include <cstddef>
#include <vector>

#include "rows.hpp"

namespace recur::bench {

extern const bool kEmulated;

// Throws recur::Error where the library refuses the layer.
void measure(LayerRow& row);
// Entry k of the table "kernels".
std::vector<KernelRow> measure_kernels(size_t k);

}  // namespace recur::bench
