/** Optimisers over flat contiguous buffers, and the global norm that clips their gradients. C11; no CUDA
   header. @file

   fp32. Pointers inside the argument structs are device memory unless they say host. Set a struct to zero
   first; zero or NULL means absent. Calls only enqueue work on the stream they name: no allocation, no
   synchronisation, no value travels to the host, and the step counter lives on the device, so that a
   captured step can be replayed. Arguments are checked before anything is launched (see sequence.h). Two
   runs give the same bits. */
#ifndef RECUR_OPTIM_H
#define RECUR_OPTIM_H

#include "recur/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** norm = sqrt(sum of squares over every element of every buffer), summed in fp64 in a fixed order. */
typedef struct recur_global_norm_args {
  recur_stream stream;         /**< where the work is enqueued */
  int count;                   /**< buffers, 1..1024 */
  const float* const* buffers; /**< host array [count] of device pointers; buffers[i] is [sizes[i]] */
  const int64_t* sizes;        /**< host array [count]; elements, 0 and up */
  float* norm;                 /**< [1], overwritten; NaN or infinity if any element is */
  int32_t* nonfinite;          /**< [1] or NULL; 1 is added if the norm is NaN or infinite */
  void* workspace;             /**< 256-byte aligned */
  size_t workspace_size;       /**< bytes, recur_global_norm_workspace and up */
} recur_global_norm_args;

/** Bytes for buffers of these sizes: [count] elements each. sizes and bytes are host memory. */
recur_status recur_global_norm_workspace(int count, const int64_t* sizes, size_t* bytes);
recur_status recur_global_norm(const recur_global_norm_args* args); /**< Sets *norm, on the device. */

/** The formulas are those of torch.optim: g is the gradient after clipping, p the parameter, t the step
   from 1.
     SGD    g += weight_decay p;  p -= lr g;  with momentum: m = momentum m + g, then p -= lr m,
            or with nesterov p -= lr (g + momentum m)
     ADAM   g += weight_decay p;  m = beta1 m + (1-beta1) g;  v = beta2 v + (1-beta2) g^2;
            p -= lr / (1-beta1^t) * m / (sqrt(v / (1-beta2^t)) + epsilon)
     ADAMW  p -= lr weight_decay p, then as ADAM without decay
   Clipping (torch.nn.utils.clip_grad_norm_): g *= min(1, max_norm / (norm + 1e-6)). */
typedef enum recur_optimizer_kind {
  RECUR_OPTIMIZER_SGD = 0,
  RECUR_OPTIMIZER_ADAM = 1,
  RECUR_OPTIMIZER_ADAMW = 2
} recur_optimizer_kind;
/** One update of one buffer of parameters. */
typedef struct recur_optimizer_step_args {
  recur_stream stream;        /**< where the work is enqueued */
  recur_optimizer_kind kind;  /**< the formula */
  int64_t size;               /**< n, 0 and up */
  float* parameters;          /**< [n] */
  const float* gradients;     /**< [n]; read only: clipping does not change them */
  float* first_moment;        /**< m [n], zeroed before the first step; NULL for SGD with momentum 0 */
  float* second_moment;       /**< v [n], zeroed before the first step; ADAM and ADAMW only, else NULL */
  int64_t* step;              /**< [1], steps taken, zeroed before the first; 1 is added. One for each buffer */
  float learning_rate;        /**< 0 and up */
  float momentum;             /**< SGD: 0 up to 1, 1 excluded */
  int nesterov;               /**< SGD: needs momentum above 0 */ /** ADAM, ADAMW: 0 up to 1, 1 excluded @{ */
  float beta1, beta2;         /** @} */
  float epsilon;              /**< ADAM, ADAMW: above 0; usual 1e-8 */
  float weight_decay;         /**< 0 and up */
  const float* gradient_norm; /**< [1] from recur_global_norm, or NULL: no clipping and no skipping */
  float max_norm;             /**< above 0, or 0: the norm does not clip */
  int skip_nonfinite;         /**< 1: a NaN or infinite gradient_norm leaves parameters, moments and step
                                 unchanged. 0: the update goes ahead, and NaN shows up in the parameters */
  int32_t* skipped_steps;     /**< [1] or NULL; 1 is added when the step is skipped */
  void* workspace;            /**< 256-byte aligned */
  size_t workspace_size;      /**< bytes, RECUR_OPTIMIZER_WORKSPACE and up */
} recur_optimizer_step_args;

/** Bytes of scratch memory an optimiser step needs, whatever its size. */
#define RECUR_OPTIMIZER_WORKSPACE 64
/** parameters, moments and *step are changed in place; no other buffers may overlap. */
recur_status recur_optimizer_step(const recur_optimizer_step_args* args);

#ifdef __cplusplus
}
#endif

#endif /* RECUR_OPTIM_H */
