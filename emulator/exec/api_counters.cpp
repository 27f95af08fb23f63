// The counters' C interface (ptxvm/ptxvm.h).
#include <vector>

#include "exec/counters.hpp"
#include "ptxvm/ptxvm.h"

namespace {

ptxvm_traffic traffic(const ptxvm::exec::MemoryTraffic& t) { return {t.requests, t.bytes, t.sectors}; }

}  // namespace

size_t ptxvm_counters(ptxvm_kernel_counters* entries, size_t capacity) {
  thread_local std::map<std::string, ptxvm::exec::KernelCounters> held;  // the names that entries point to
  held = ptxvm::exec::counters();
  size_t n = 0;
  for (const auto& [name, c] : held) {
    if (n < capacity)
      entries[n] = {name.c_str(), c.launches, c.blocks, c.warp_instructions, c.thread_instructions,
                    traffic(c.global_load), traffic(c.global_store), traffic(c.shared_load), traffic(c.shared_store),
                    traffic(c.atomics), c.seconds};
    ++n;
  }
  return n;
}

void ptxvm_reset_counters(void) { ptxvm::exec::reset_counters(); }
void ptxvm_count_memory(int on) { ptxvm::exec::count_memory(on != 0); }
