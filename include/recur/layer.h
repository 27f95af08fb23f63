/* Recurrent layers: plan, sizes, forward, backward, step. C11; no CUDA header needed.

   Letters: T steps, N batch, I inputs, H hidden size, G gates (LSTM 4). Everything is fp32, row-major and
   contiguous, time first: x [T,N,I], y [T,N,H], states h and c [N,H].

   LSTM (PyTorch's conventions; torch.nn.LSTM states the formula), gates in the order i f g o, s the sigmoid:
     a = W_ih x + b_ih + W_hh h' + b_hh          a [4H], h' and c' the previous step's states
     i = s(a_i)  f = s(a_f)  g = tanh(a_g)  o = s(a_o)
     c = f c' + i g          h = o tanh(c)       y[t] = h

   Life of a plan: create (validates, chooses, builds) -> sizes -> forward / backward / step -> destroy. A plan
   is immutable: threads may share it, each call names its stream, its buffers and its workspace. Execute calls
   (forward, backward, step) only enqueue work on their stream: they neither allocate nor synchronise. Their
   arguments are checked before anything is launched; after an error nothing in the caller's buffers has
   changed. The same call on the same device gives the same bits (the same alignments of its buffers included: those
   aligned to 16 bytes take wider accesses and may take other products).

   A plan belongs to the device that was current when it was created. CUDA loads the code of a kernel when it is
   first launched, and that may allocate or wait: where the first call matters, or is captured into a graph, set
   CUDA_MODULE_LOADING=EAGER or make each call once before.

   Pointers inside argument structs are device memory, a multiple of 4 bytes (of 16 for the widest accesses);
   workspace and reserve are multiples of 256 bytes, as device allocations are.
   Set a struct to zero first: zero or NULL means absent. Buffers of one call overlap only where a field says
   that they may. */
#ifndef RECUR_LAYER_H
#define RECUR_LAYER_H

#include "recur/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Zero is no value, so that a field that was forgotten is found. More cells and types follow. */
typedef enum recur_cell { RECUR_CELL_LSTM = 1 } recur_cell;
typedef enum recur_type { RECUR_TYPE_FLOAT32 = 1 } recur_type;

/* LINEAR replaces every sigmoid and tanh by the identity: for testing deep recurrences, where saturation
   would hide an error. */
typedef enum recur_activation { RECUR_ACTIVATION_STANDARD = 0, RECUR_ACTIVATION_LINEAR = 1 } recur_activation;

typedef struct recur_layer_descriptor {
  recur_cell cell;
  recur_type type;
  int64_t steps;       /* T, 1..2^31-1 */
  int64_t batch;       /* N, 1..2^31-1; T*N at most 2^31-1 too */
  int64_t input_size;  /* I, 1..2^31-1 */
  int64_t hidden_size; /* H, 1..2^29-1 */
  int64_t layers;      /* 1 (0 is taken as 1); more are not supported yet */
  int64_t directions;  /* 1 (0 is taken as 1); more are not supported yet */
  recur_activation activation;
} recur_layer_descriptor;

typedef struct recur_layer_plan recur_layer_plan;

/* Elements are floats, offsets count from the start of the parameter (or its gradient's) buffer, bytes are
   bytes. All parameters of a layer are one buffer: W_ih [4H,I], W_hh [4H,H], b_ih [4H], b_hh [4H]. */
typedef struct recur_layer_sizes {
  size_t parameter_elements;
  size_t w_ih_offset, w_hh_offset, b_ih_offset, b_hh_offset; /* elements */
  size_t state_elements;                                     /* of each of h and c: N*H */
  size_t training_workspace;                                 /* bytes, of a forward with reserve */
  size_t inference_workspace;                                /* bytes, of a forward without */
  size_t backward_workspace;                                 /* bytes */
  size_t step_workspace;                                     /* bytes */
  size_t reserve;                                            /* bytes */
} recur_layer_sizes;

/* Where the recurrent weights live while time passes. */
typedef enum recur_residency { RECUR_RESIDENCY_STREAMED = 1 } recur_residency;

typedef struct recur_layer_choice {
  recur_residency residency;
  int launches_per_step; /* of forward: products and kernels */
  int vector_width;      /* hidden units that one thread takes where pointers allow: 4, or 1 */
  char reason[160];      /* one sentence */
} recur_layer_choice;

/* Checks the descriptor and chooses kernels and product algorithms for the current device. On failure *plan
   is NULL. RECUR_NOT_SUPPORTED names the field that is not offered yet. */
recur_status recur_layer_create(recur_layer_plan** plan, const recur_layer_descriptor* descriptor);
/* NULL is allowed. No call may still be running on the host; work already enqueued may. */
void recur_layer_destroy(recur_layer_plan* plan);
recur_status recur_layer_get_sizes(const recur_layer_plan* plan, recur_layer_sizes* sizes);
recur_status recur_layer_get_choice(const recur_layer_plan* plan, recur_layer_choice* choice);

/* Forward. With reserve: for training; the reserve then holds what backward reads. Without: inference, which
   saves no gates and needs less memory. */
typedef struct recur_layer_forward_args {
  recur_stream stream;
  const float* parameters; /* [parameter_elements] */
  const float* x;          /* [T,N,I] */
  const float* h0;         /* [N,H] or NULL: zeros */
  const float* c0;         /* [N,H] or NULL: zeros */
  float* y;                /* [T,N,H] */
  float* hT;               /* [N,H] or NULL; may be h0 */
  float* cT;               /* [N,H] or NULL; may be c0 */
  void* reserve;           /* or NULL */
  size_t reserve_size;     /* bytes */
  void* workspace;
  size_t workspace_size; /* bytes */
} recur_layer_forward_args;

recur_status recur_layer_forward(const recur_layer_plan* plan, const recur_layer_forward_args* args);

/* Backward of the training forward that wrote the reserve, with the same parameters, x, h0, c0 and its y.
   h0 and c0 hold the values that forward read: a call that let hT overwrite h0 needs a copy.
   dparameters gets both biases' gradients, which are equal. */
typedef struct recur_layer_backward_args {
  recur_stream stream;
  const float* parameters; /* [parameter_elements] */
  const float* x;          /* [T,N,I]; needed for dparameters */
  const float* h0;         /* [N,H] or NULL: zeros */
  const float* c0;         /* [N,H] or NULL: zeros */
  const float* y;          /* [T,N,H] */
  const float* dy;         /* [T,N,H] or NULL: zeros */
  const float* dhT;        /* [N,H] or NULL: zeros */
  const float* dcT;        /* [N,H] or NULL: zeros */
  float* dx;               /* [T,N,I] or NULL; overwritten */
  float* dh0;              /* [N,H] or NULL; overwritten; may be dhT */
  float* dc0;              /* [N,H] or NULL; overwritten; may be dcT */
  float* dparameters;      /* [parameter_elements] or NULL */
  int accumulate;          /* 0: overwrite dparameters, else add to it */
  const void* reserve;
  size_t reserve_size; /* bytes */
  void* workspace;
  size_t workspace_size; /* bytes */
} recur_layer_backward_args;

recur_status recur_layer_backward(const recur_layer_plan* plan, const recur_layer_backward_args* args);

/* One step of inference, for streaming: the plan's T does not matter. Equal to forward within rounding, since
   the products have other sizes. */
typedef struct recur_layer_step_args {
  recur_stream stream;
  const float* parameters; /* [parameter_elements] */
  const float* x;          /* [N,I] */
  const float* h;          /* [N,H] or NULL: zeros */
  const float* c;          /* [N,H] or NULL: zeros */
  float* h_next;           /* [N,H]; not h, which the product still reads */
  float* c_next;           /* [N,H]; may be c */
  void* workspace;
  size_t workspace_size; /* bytes */
} recur_layer_step_args;

recur_status recur_layer_step(const recur_layer_plan* plan, const recur_layer_step_args* args);

#ifdef __cplusplus
}
#endif

#endif /* RECUR_LAYER_H */
