// The counters' C interface (ptxvm/ptxvm.h).
#include <cstring>
#include <numeric>

#include "exec/counters.hpp"
#include "ptxvm/ptxvm.h"

namespace {

using namespace ptxvm;
using count::Class;
using count::Number;

ptxvm_traffic traffic(const count::Traffic& t) { return {t.requests, t.bytes, t.sectors}; }
ptxvm_shared_traffic traffic(const count::SharedTraffic& t) { return {t.requests, t.bytes, t.wavefronts, t.conflicts()}; }

ptxvm_kernel_counters entry(const char* name, const count::Kernel& k) {
  const count::Memory& m = k.memory;
  ptxvm_kernel_counters e{};
  e.name = name;
  e.launches = k.launches;
  e.blocks = k.blocks;
  e.warp_instructions = k.warp_instructions;
  e.thread_instructions = k.thread_instructions;
  e.lanes_switched_off = k.switched_off;
  e.branches = k.classes[int(Class::Branch)];
  e.divergent_branches = k.divergent_branches;
  e.block_barriers = k.block_barriers;
  e.warp_barriers = k.classes[int(Class::WarpBarrier)];
  e.cluster_barriers = k.classes[int(Class::ClusterBarrier)];
  e.mbarriers = k.classes[int(Class::MemoryBarrier)];
  e.fences = k.classes[int(Class::Fence)];
  e.flops_half = k.flops[int(Number::Half)];
  e.flops_bfloat = k.flops[int(Number::Bfloat)];
  e.flops_single = k.flops[int(Number::Single)];
  e.flops_double = k.flops[int(Number::Double)];
  e.matrix_flops = std::accumulate(k.matrix_flops, k.matrix_flops + count::kFactors, std::uint64_t{0});
  e.global_load = traffic(m.global_load);
  e.global_store = traffic(m.global_store);
  e.local_load = traffic(m.local_load);
  e.local_store = traffic(m.local_store);
  e.atomics = traffic(m.atomics);
  e.shared_load = traffic(m.shared_load);
  e.shared_store = traffic(m.shared_store);
  e.shared_atomics = traffic(m.shared_atomics);
  e.distributed_shared_bytes = m.remote.bytes;
  e.unique_bytes_read = k.unique.bytes_read;
  e.unique_bytes_written = k.unique.bytes_written;
  e.modelled_seconds = k.modelled.seconds();
  e.modelled_largest = k.counted_launches ? k.modelled.largest() : "";
  e.host_seconds = k.seconds;
  return e;
}

}  // namespace

size_t ptxvm_counters(ptxvm_kernel_counters* entries, size_t capacity) {
  thread_local count::Kernels held;  // the names that entries point to
  held = exec::counters();
  size_t n = 0;
  for (const auto& [name, kernel] : held) {
    if (n < capacity) entries[n] = entry(name.c_str(), kernel);
    ++n;
  }
  return n;
}

uint64_t ptxvm_instructions(const char* kernel, const char* instruction_class) {
  const count::Kernels all = exec::counters();
  const auto found = all.find(kernel);
  if (found == all.end()) return 0;
  for (int c = 0; c < count::kClasses; ++c)
    if (std::strcmp(count::name(Class(c)), instruction_class) == 0) return found->second.classes[c];
  return 0;
}

void ptxvm_reset_counters(void) { exec::reset_counters(); }
void ptxvm_count_memory(int on) { exec::count_memory(on != 0); }
