// Counts what a call does under the emulator. A long call is counted over two short sequences, and what a
// step adds between them is added for every further step.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "counts.hpp"
#include "recur/memory.hpp"

namespace recur::bench {

// How many steps to run: the call's own, or two numbers of them. Pure.
struct StepsToCount {
  int64_t first, second;  // second 0: first is all there are
};
StepsToCount steps_to_count(const recur_layer_descriptor& layer, Pass pass);

// The kernels that the work launches on the stream, registers too.
std::vector<KernelCounts> count_kernels(const std::function<void()>& work, const Stream& stream);

// Throws recur::Error where the library refuses the layer.
Counts count_call(const recur_layer_descriptor& layer, Pass pass, const StepsToCount& plan);
inline Counts count_call(const recur_layer_descriptor& layer, Pass pass) {
  return count_call(layer, pass, steps_to_count(layer, pass));
}

}  // namespace recur::bench
