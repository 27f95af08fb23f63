/** Status codes, the last error's text, and the types every call uses. C11; no CUDA header needed. @file */
#ifndef RECUR_STATUS_H
#define RECUR_STATUS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
/** What every call returns. */
typedef enum recur_status {
  RECUR_SUCCESS = 0,
  RECUR_INVALID_ARGUMENT = 1, /**< an argument is null, out of range, misaligned or does not fit the plan */
  RECUR_NOT_SUPPORTED = 2,    /**< valid, but not offered for this type, size or device */
  RECUR_OUT_OF_MEMORY = 3,    /**< host or device memory; only creating calls allocate */
  RECUR_BUFFER_TOO_SMALL = 4, /**< workspace or reserve smaller than the plan's sizes */
  RECUR_CUDA_ERROR = 5,       /**< the CUDA runtime refused; the text holds its error name */
  RECUR_CUBLAS_ERROR = 6,     /**< cuBLASLt refused */
  RECUR_INTERNAL_ERROR = 7    /**< a fault of the library */
} recur_status;

/** The caller's stream: a cudaStream_t. NULL is the legacy default stream, as everywhere in CUDA. */
typedef struct CUstream_st* recur_stream;

/** The text of the last call on this thread that did not succeed: it names the argument, its value and the
   limit. Empty if none failed. Valid until the next recur call on this thread. Never NULL. */
const char* recur_last_error(void);

/** "RECUR_INVALID_ARGUMENT" and so on; never NULL. */
const char* recur_status_name(recur_status status);

#ifdef __cplusplus
}
#endif

#endif /* RECUR_STATUS_H */
