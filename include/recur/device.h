/** Device memory, streams and copies, for programs that do not want the CUDA headers. The library's own calls never
   use them: whoever has cudaMalloc and a cudaStream_t passes those. C11; no CUDA header needed. @file */
#ifndef RECUR_DEVICE_H
#define RECUR_DEVICE_H

#include "recur/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Sets *memory to bytes of device memory, a multiple of 256 bytes in address, not initialised; NULL for 0 bytes.
   On failure (OUT_OF_MEMORY, CUDA_ERROR) *memory is NULL. */
recur_status recur_device_allocate(void** memory, size_t bytes);
/** NULL is allowed. Waits for work that uses the memory, as cudaFree does. */
recur_status recur_device_free(void* memory);

/** A stream that does not synchronise with the default stream. On failure *stream is NULL. */
recur_status recur_stream_create(recur_stream* stream);
recur_status recur_stream_destroy(recur_stream stream); /**< NULL is allowed */
/** Waits until everything enqueued on the stream is done; a fault of earlier work shows here. */
recur_status recur_stream_synchronize(recur_stream stream);

/** Copies bytes in stream order, as do the next two. Host memory that is not pinned has been read when this returns;
   recur_copy_to_host waits until the bytes are there. */
recur_status recur_copy_to_device(void* device, const void* host, size_t bytes, recur_stream stream);
recur_status recur_copy_to_host(void* host, const void* device, size_t bytes, recur_stream stream); /**< Waits. */
recur_status recur_copy_on_device(void* to, const void* from, size_t bytes, recur_stream stream); /**< Enqueues. */
recur_status recur_set_zero(void* device, size_t bytes, recur_stream stream); /**< Enqueues: every byte 0. */

/** The current device's name, at most size-1 characters and a zero; "H100 profile, emulated" under the emulator. */
recur_status recur_device_name(char* name, size_t size);

#ifdef __cplusplus
}
#endif

#endif /* RECUR_DEVICE_H */
