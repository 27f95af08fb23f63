/* What the emulator says of itself, beyond the CUDA runtime's own functions. */
#ifndef PTXVM_PTXVM_H
#define PTXVM_PTXVM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Calls made by the program so far. Copies and fills into the same stream count once each; a graph launch
   counts as one. */
typedef struct ptxvm_counts {
  uint64_t allocations; /* device, pinned and stream-ordered memory */
  uint64_t frees;
  uint64_t synchronisations; /* the host waited for the device, or asked to */
  uint64_t launches;         /* kernels */
  uint64_t copies;
  uint64_t fills; /* memset */
  uint64_t host_functions;
  uint64_t graph_launches;
  uint64_t products; /* cublasLtMatmul */
} ptxvm_counts;

void ptxvm_api_counts(ptxvm_counts* counts);

/* The latest message about a fault of the device or a refused call, "" where there was none. It stays valid
   until the same thread asks again. */
const char* ptxvm_last_report(void);

/* What the launches of one kernel did, added up. Instructions are PTX instructions, those that a predicate
   switched off included; flops only those of lanes that did compute. Bytes are what lanes asked for, sectors the
   32-byte pieces that a request touched; wavefronts are passes through the banks of shared memory, conflicts those
   beyond the fewest that so many lanes can take. Memory is counted, and time modelled, only after
   ptxvm_count_memory(1) or with PTXVM_COUNTERS set: it takes time. */
typedef struct ptxvm_traffic {
  uint64_t requests, bytes, sectors;
} ptxvm_traffic;
typedef struct ptxvm_shared_traffic {
  uint64_t requests, bytes, wavefronts, conflicts;
} ptxvm_shared_traffic;
typedef struct ptxvm_kernel_counters {
  const char* name; /* mangled; valid until the next call of ptxvm_counters on this thread */
  uint64_t launches, blocks, warp_instructions, thread_instructions;
  uint64_t lanes_switched_off, branches, divergent_branches;
  uint64_t block_barriers;   /* times that a block passed one */
  uint64_t warp_barriers, cluster_barriers, mbarriers, fences; /* instructions of warps */
  uint64_t flops_half, flops_bfloat, flops_single, flops_double;
  uint64_t matrix_flops;     /* of every type */
  ptxvm_traffic global_load, global_store, local_load, local_store, atomics;
  ptxvm_shared_traffic shared_load, shared_store, shared_atomics;
  uint64_t distributed_shared_bytes;
  uint64_t unique_bytes_read, unique_bytes_written; /* of a launch, the least that DRAM must move; added up */
  double modelled_seconds;   /* by docs/performance-model.md, for the device of PTXVM_DEVICE */
  const char* modelled_largest; /* what most of it goes to; static storage */
  double host_seconds;       /* what emulating took; says nothing of a device */
} ptxvm_kernel_counters;

/* Fills at most capacity entries, in order of name, and returns how many kernels there are. Finished launches
   only: synchronise first. */
size_t ptxvm_counters(ptxvm_kernel_counters* entries, size_t capacity);
/* Warp instructions of one kernel by class ("integer", "fp32", "matrix", ...), as PTXVM_COUNTERS=table names them; 0
   where there is no such kernel or class. */
uint64_t ptxvm_instructions(const char* kernel, const char* instruction_class);
void ptxvm_reset_counters(void);
void ptxvm_count_memory(int on);

#ifdef __cplusplus
}
#endif

#endif
