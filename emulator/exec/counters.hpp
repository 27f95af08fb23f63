// What launches did, added up per kernel name.
#pragma once

#include "count/counters.hpp"

namespace ptxvm::exec {

count::Kernels counters();  // a copy; since the start or the last reset
void reset_counters();
void count_memory(bool on);  // memory takes time to count, so that is done on request, or under PTXVM_COUNTERS

}  // namespace ptxvm::exec
