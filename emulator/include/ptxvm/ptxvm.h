/* What the emulator says of itself, beyond the CUDA runtime's own functions. */
#ifndef PTXVM_PTXVM_H
#define PTXVM_PTXVM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Calls made by the program so far. Copies and fills into the same stream count once each; a graph launch
   counts as one. */
typedef struct ptxvm_counts {
  uint64_t allocations;       /* device, pinned and stream-ordered memory */
  uint64_t frees;
  uint64_t synchronisations;  /* the host waited for the device, or asked to */
  uint64_t launches;          /* kernels */
  uint64_t copies;
  uint64_t fills;             /* memset */
  uint64_t host_functions;
  uint64_t graph_launches;
} ptxvm_counts;

void ptxvm_api_counts(ptxvm_counts* counts);

/* The latest message about a fault of the device or a refused call, "" where there was none. It stays valid
   until the same thread asks again. */
const char* ptxvm_last_report(void);

#ifdef __cplusplus
}
#endif

#endif
