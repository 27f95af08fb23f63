// A kernel "k" run with its memory counted.
#pragma once

#include "exec/counters.hpp"
#include "machine.hpp"

namespace counters_test {

using namespace instruction_test;
namespace count = ptxvm::count;

// Takes the words of run(); the counters of that launch alone.
inline count::Kernel counted(const std::string& text, const Shape& shape, const std::vector<u64>& parameters) {
  ptxvm::exec::reset_counters();
  ptxvm::exec::count_memory(true);
  run(text, shape, parameters);
  ptxvm::exec::count_memory(false);
  return ptxvm::exec::counters().at("k");
}

}  // namespace counters_test
