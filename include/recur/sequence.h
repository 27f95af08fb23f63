/** What a sequence model has around its recurrent layers: embedding, softmax cross-entropy, sampling. C11;
   no CUDA header needed. @file

   Letters: M rows (usually T*N), N batch, V vocabulary or classes, E size of an embedding. Everything is
   fp32, row-major and contiguous; indices, targets and samples are int32. All pointers inside the argument
   structs are device memory unless they say host. Set a struct to zero first; zero or NULL means absent.
   Calls only enqueue work on the stream they name: they neither allocate nor synchronise, and may be
   captured into a graph.

   Arguments are checked before anything is launched: null or host pointers, misaligned or overlapping
   buffers, negative or too large sizes and values out of range give RECUR_INVALID_ARGUMENT, a small
   workspace gives RECUR_BUFFER_TOO_SMALL, and no buffer has changed. Two runs with the same arguments give
   the same bits. Counters of faulty data are added to, never set: the caller zeroes them and reads them
   when it likes. Rows of no elements (M = 0 or N = 0) are valid: nothing happens, or a sum is 0. */
#ifndef RECUR_SEQUENCE_H
#define RECUR_SEQUENCE_H

#include "recur/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- embedding ---------------------------------------------------------------------------------- */

/** output[m,:] = table[indices[m],:]. An index outside 0..V-1 gives a row of zeros and is counted. */
typedef struct recur_embedding_forward_args {
  recur_stream stream;    /**< where the work is enqueued */
  int64_t count;          /**< M, 0 and up */
  int64_t vocabulary;     /**< V, 1..2^31-1 */
  int64_t size;           /**< E, 1 and up */
  const float* table;     /**< [V,E] */
  const int32_t* indices; /**< [M] */
  float* output;          /**< [M,E]; overlaps nothing */
  int32_t* bad_indices;   /**< [1] or NULL; indices outside 0..V-1 are added to it */
} recur_embedding_forward_args;
/** Errors of all calls here: INVALID_ARGUMENT, BUFFER_TOO_SMALL, or CUDA_ERROR where enqueueing failed. */
recur_status recur_embedding_forward(const recur_embedding_forward_args* args);

/** table_gradient[v,:] (+)= sum of output_gradient[m,:] over the m with indices[m] == v, in an order that
   depends on the indices and the shapes alone. Indices outside 0..V-1 are skipped; a row without any
   becomes 0, or stays as it was if accumulate is set. */
typedef struct recur_embedding_backward_args {
  recur_stream stream;          /**< where the work is enqueued */
  int64_t count;                /**< M, 0..2^31-1 */
  int64_t vocabulary;           /**< V, 1..2^31-1 */
  int64_t size;                 /**< E, 1 and up */
  const int32_t* indices;       /**< [M] */
  const float* output_gradient; /**< [M,E] */
  float* table_gradient;        /**< [V,E]; overlaps nothing */
  int accumulate;               /**< 0: overwrite, else add to what is there */
  void* workspace;              /**< 256-byte aligned; NULL if its size is 0 */
  size_t workspace_size;        /**< bytes, recur_embedding_backward_workspace and up */
} recur_embedding_backward_args;

/** Bytes for these sizes; may be 0. bytes is host memory. */
recur_status recur_embedding_backward_workspace(int64_t count, int64_t vocabulary, int64_t size,
                                                size_t* bytes);
recur_status recur_embedding_backward(const recur_embedding_backward_args* args); /**< See the arguments. */

/* ---- softmax cross-entropy ---------------------------------------------------------------------- */
/** What becomes of the rows' losses. */
typedef enum recur_reduction {
  RECUR_REDUCTION_MEAN = 0, /**< the sum divided by the count of targets that are neither ignored nor bad */
  RECUR_REDUCTION_SUM = 1   /**< their sum */
} recur_reduction;

/** With s the smoothing, t the target, LSE = log sum_j exp(x_j), p = softmax(x) of a row x:
     row loss = (1-s) * (LSE - x_t) + s/V * sum_j (LSE - x_j)
     gradient_j = scale * (p_j - (1-s) [j=t] - s/V),  scale = 1, or 1/count for the mean
   which is the loss of torch.nn.CrossEntropyLoss(label_smoothing=s). A row whose target is ignored has
   loss 0 and gradient 0. A target outside 0..V-1 that is not the ignore index is counted in bad_targets
   and its row treated as ignored. No target left: loss 0, gradient 0. NaN and infinite logits come out as
   such. */
typedef struct recur_cross_entropy_args {
  recur_stream stream;      /**< where the work is enqueued */
  int64_t rows;             /**< M, 0 and up */
  int64_t classes;          /**< V, 1..2^31-1 */
  const float* logits;      /**< [M,V] */
  const int32_t* targets;   /**< [M] */
  int use_ignore_index;     /**< 0: no target is ignored */
  int32_t ignore_index;     /**< any value; read only if use_ignore_index is set */
  float smoothing;          /**< 0..1 */
  recur_reduction reduction; /**< of the row losses to the loss, and so of the gradient */
  float* loss;              /**< [1] or NULL; overwritten */
  float* row_losses;        /**< [M] or NULL; each row's loss, not divided by the count */
  float* gradient;          /**< [M,V] or NULL; may be the very pointer logits, else overlaps nothing */
  int32_t* bad_targets;     /**< [1] or NULL; added to */
  void* workspace;          /**< 256-byte aligned */
  size_t workspace_size;    /**< bytes, recur_cross_entropy_workspace and up */
} recur_cross_entropy_args;

/** Bytes for these sizes. bytes is host memory. */
recur_status recur_cross_entropy_workspace(int64_t rows, int64_t classes, size_t* bytes);
recur_status recur_cross_entropy(const recur_cross_entropy_args* args); /**< See the arguments. */

/* ---- sampling ----------------------------------------------------------------------------------- */

/** samples[n] is drawn from softmax(logits[n,:] / temperature): u from Philox4x32-10 with key = seed and
   counter = (offset, n), and the first class whose cumulative probability exceeds u. Temperature 0 takes
   the largest logit, a tie the lower index. The same (seed, offset, n) gives the same u on every device:
   advance offset by one a step. A row from which nothing can be drawn (a NaN, +infinity with a
   temperature, or -infinity throughout) gives -1, which recur_embedding_forward counts as a bad index. */
typedef struct recur_sample_args {
  recur_stream stream;      /**< where the work is enqueued */
  int64_t rows;             /**< N, 0 and up */
  int64_t classes;          /**< V, 1..2^30 */
  const float* logits;      /**< [N,V] */
  float temperature;        /**< 0 and up, finite */
  uint64_t seed;            /**< Philox's key */
  uint64_t offset;          /**< of Philox's counter, lower half: another one each step */
  int32_t* samples;         /**< [N]; can be the next indices of recur_embedding_forward */
  float* log_probabilities; /**< [N] or NULL; of the sample, under the distribution drawn from (temperature 1 if
                               it is 0); NaN where the sample is -1 */
} recur_sample_args;
/** See the arguments. */
recur_status recur_sample(const recur_sample_args* args);

#ifdef __cplusplus
}
#endif

#endif /* RECUR_SEQUENCE_H */
