/** The linear layer y = x W^T + b, as it projects a hidden state onto classes. C11; no CUDA header needed. @file

   Letters: M rows, I inputs, O outputs. Row-major, contiguous; pointers inside the argument structs
   are device memory. Set a struct to zero first; zero or NULL means absent.

   Types. x, y, dx, dy, W and b are of the plan's type. dW and db are float whatever the type, and all sums, the
   bias among them, are made in float; y and dx are rounded to the type once.

   A plan is immutable and may be shared by threads; forward and backward only enqueue work on the stream
   they name, and neither allocate nor synchronise. Arguments are checked before anything is launched (see
   sequence.h). Two runs of one plan give the same bits where the buffers have the same
   alignment: those aligned to 16 bytes may take a faster product. */
#ifndef RECUR_LINEAR_H
#define RECUR_LINEAR_H

#include "recur/layer.h"

#ifdef __cplusplus
extern "C" {
#endif
/** What a linear layer is. */
typedef struct recur_linear_descriptor {
  recur_type type; /**< zero is no value */
  int64_t rows;    /**< M, 1..2^31-1: the rows of one call, e.g. T*N when training and N when stepping */
  int64_t inputs;  /**< I, 1..2^31-1 */
  int64_t outputs; /**< O, 1..2^31-1 */
  int has_bias;    /**< 0: y = x W^T */
} recur_linear_descriptor;

typedef struct recur_linear_plan recur_linear_plan; /**< Immutable; shared by threads; belongs to its device. */
/** What its calls need. */
typedef struct recur_linear_sizes {
  size_t forward_workspace;  /**< bytes */
  size_t backward_workspace; /**< bytes */
} recur_linear_sizes;

/** Chooses the algorithms of its products for the current device. On failure *plan is NULL. */
recur_status recur_linear_create(recur_linear_plan** plan, const recur_linear_descriptor* descriptor);
/** NULL is allowed. No call may still be running on the host; work already enqueued may. */
void recur_linear_destroy(recur_linear_plan* plan);
recur_status recur_linear_get_sizes(const recur_linear_plan* plan, recur_linear_sizes* sizes); /**< Fills *sizes. */
/** y = x W^T + b. */
typedef struct recur_linear_forward_args {
  recur_stream stream;   /**< where the work is enqueued */
  const void* input;     /**< x [M,I] */
  const void* weight;    /**< W [O,I] */
  const void* bias;      /**< b [O]; needed if the plan has a bias, else ignored */
  void* output;          /**< y [M,O]; overlaps nothing */
  void* workspace;       /**< 256-byte aligned */
  size_t workspace_size; /**< bytes, forward_workspace and up */
} recur_linear_forward_args;
/** INVALID_ARGUMENT or BUFFER_TOO_SMALL names the field; CUDA_ERROR and CUBLAS_ERROR are what enqueueing gave. */
recur_status recur_linear_forward(const recur_linear_plan* plan, const recur_linear_forward_args* args);

/** dx = dy W, dW (+)= dy^T x, db (+)= sum of dy over rows in a fixed order. Each output is optional. */
typedef struct recur_linear_backward_args {
  recur_stream stream;          /**< where the work is enqueued */
  const void* input;            /**< x [M,I]; needed for weight_gradient */
  const void* weight;           /**< W [O,I]; needed for input_gradient */
  const void* output_gradient;  /**< dy [M,O] */
  void* input_gradient;         /**< dx [M,I] or NULL; overwritten; overlaps nothing */
  float* weight_gradient;       /**< dW [O,I] or NULL; overlaps nothing */
  float* bias_gradient;         /**< db [O] or NULL; must be NULL if the plan has no bias */
  int accumulate;               /**< 0: overwrite dW and db, else add to what is there */
  void* workspace;              /**< 256-byte aligned */
  size_t workspace_size;        /**< bytes, backward_workspace and up */
} recur_linear_backward_args;
/** Errors as of recur_linear_forward. */
recur_status recur_linear_backward(const recur_linear_plan* plan, const recur_linear_backward_args* args);

/** W and b of the plan's type from float ones, as mixed training keeps them: rounded to nearest, elementwise. For a
   plan of float a copy. The biases are needed if the plan has one, else ignored. */
recur_status recur_linear_cast_parameters(const recur_linear_plan* plan, recur_stream stream, const float* weight,
                                          const float* bias, void* typed_weight, void* typed_bias);

#ifdef __cplusplus
}
#endif

#endif /* RECUR_LINEAR_H */
