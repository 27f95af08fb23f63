/** Recurrent layers: plan, sizes, forward, backward, step. C11; no CUDA header needed. @file

   Letters: T steps, N batch, I inputs, H hidden size, L layers, D directions, G gates (LSTM 4, GRU 3, vanilla 1), P
   projection size, R what a layer puts out for each direction: P with a projection, else H. Row-major and contiguous,
   time first: x [T,N,I], y [T,N,D*R] (batch first: x [N,T,I], y [N,T,D*R]), states h [L*D,N,R] and c [L*D,N,H]; layer
   l's direction d is the slice l*D + d, direction 1 runs from the last step to the first.

   Cells (PyTorch's conventions; torch.nn.LSTM, GRU and RNN state the formulas), s the sigmoid, h' and c' the states of
   the step before, a = W_ih x + b_ih, u = W_hh h' + b_hh:
   ~~~
     RNN    h = tanh(a + u), or max(0, a + u)                                           y[t] = h
     LSTM   gates in the order i f g o, each of a + u:
            i = s(i)  f = s(f)  g = tanh(g)  o = s(o)    c = f c' + i g    h = o tanh(c)
       with peepholes p [3,H], in the order i f o: i += p_i c', f += p_f c', o += p_o c before their sigmoid
       with a clip: c is limited to [-clip, clip]; its gradient is 0 where the limit is reached
       with a projection: h = W_hr (o tanh(c)), W_hr [P,H] (Sak et al. 2014)
     GRU    gates in the order r z n:  r = s(a_r + u_r)  z = s(a_z + u_z)  h = (1-z) n + z h'
       reset after   n = tanh(a_n + r u_n)                  (torch.nn.GRU, cuDNN)
       reset before  n = tanh(a_n + W_hn (r h') + b_hn)     (Cho et al. 2014)
   ~~~

   Types. x, y, h0, hT, dx, dy and the parameters are of the plan's type. c0, cT, the gradients of all states and of the
   parameters are float whatever the type, and sums are made in float. What adds up in a typed buffer is rounded on the
   way: dx and the gradients between layers of two directions, of the GRU's two parts, of overlapping windows.

   Ragged batches and resets. lengths [N] on the device, in any order, each 0..T: beyond its length a row's y and dx are
   0, its state stays as it was, its x and dy are not read; direction 1 starts at the row's own end. reset [T,N]: where
   it is not 0, the row's states of every layer and direction are zero before that step, and no gradient flows to the
   step before. Both are offered where the descriptor says so.

   Dropout between layers: in training each element of a layer's output is, on its way to the next layer, zero with
   probability p, else scaled by 1/(1-p): a pure function of (seed, offset, layer, t, n, element), made again in
   backward and never stored.

   Life of a plan: create (validates, chooses, builds) -> sizes -> forward / backward / step -> destroy. A plan is
   immutable: threads may share it, each call names its stream, its buffers and its workspace. Execute calls (forward,
   backward, step) only enqueue work on their stream: they neither allocate nor synchronise. Layers and directions that
   do not wait for each other run side by side on streams of the plan, which are forked from the call's stream and
   joined to it by events; calls by several threads then take turns while they enqueue, and what one plan runs on those
   streams follows in the order of the calls: a call whose stream is held up holds up the plan's later calls too (not
   those of a plan of one layer and direction). Their arguments are checked before anything is launched; after an error
   nothing in the caller's buffers has changed. The same call on the same device gives the same bits (the same
   alignments of its buffers included: those aligned to 16 bytes take wider accesses and may take other products).

   A plan belongs to the device that was current when it was created. CUDA loads the code of a kernel when it is first
   launched, and that may allocate or wait: where the first call matters, or is captured into a graph, set
   CUDA_MODULE_LOADING=EAGER or make each call once before.

   Pointers inside argument structs are device memory, a multiple of their element's size (of 16 bytes for the widest
   accesses); workspace and reserve are multiples of 256 bytes, as device allocations are. Set a struct to zero first:
   zero or NULL means absent. Buffers of one call overlap only where a field says that they may. */
#ifndef RECUR_LAYER_H
#define RECUR_LAYER_H

#include "recur/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Zero is no value, so that a field that was forgotten is found. */
typedef enum recur_cell {
  RECUR_CELL_LSTM = 1,
  RECUR_CELL_GRU = 2,              /**< reset after */
  RECUR_CELL_GRU_RESET_BEFORE = 3,
  RECUR_CELL_RNN_TANH = 4,
  RECUR_CELL_RNN_RELU = 5,
  RECUR_CELL_CUSTOM = 6            /**< descriptor.custom_cell describes it: recur/cell.cuh */
} recur_cell;
/** Of x, y, the states h and the parameters. */
typedef enum recur_type {
  RECUR_TYPE_FLOAT32 = 1,
  RECUR_TYPE_TFLOAT32 = 2, /**< stored as float; the products may round their operands to TF32 (10 bits of mantissa) */
  RECUR_TYPE_FLOAT16 = 3,
  RECUR_TYPE_BFLOAT16 = 4
} recur_type;

/** LINEAR replaces every sigmoid, tanh and rectifier by the identity: for testing deep recurrences, where
   saturation would hide an error. Float and TF32, the LSTM without peepholes and clip, and the vanilla cells; not the
   GRU, whose products of gates would have no bound. */
typedef enum recur_activation { RECUR_ACTIVATION_STANDARD = 0, RECUR_ACTIVATION_LINEAR = 1 } recur_activation;

/** Where the recurrent weights live while time passes. STREAMED: in memory, read at each step by a product and a kernel;
   every cell and size. BLOCK: in the registers and shared memory of one multiprocessor for each 8 rows of the batch, all
   steps in one launch: LSTM and reset-after GRU of 16-bit types, without projection, peepholes and clip, up to the hidden
   size that its memory holds (192 on sm_90), on sm_80 and later. */
typedef enum recur_residency {
  RECUR_RESIDENCY_AUTOMATIC = 0, /**< the one that the model of docs/kernels/choice.md says is fastest */
  RECUR_RESIDENCY_STREAMED = 1,  /**< in memory */
  RECUR_RESIDENCY_BLOCK = 2      /**< in one multiprocessor */
} recur_residency;

typedef struct recur_custom_cell recur_custom_cell; /**< A cell of one's own: recur/cell.cuh makes it. */
/** What a layer is; every size that a plan depends on. Zero it first: 0 is the usual choice wherever it is a choice. */
typedef struct recur_layer_descriptor {
  recur_cell cell;     /**< the formula */
  recur_type type;     /**< the type of data and parameters */
  int64_t steps;       /**< T, 1..2^31-1 */
  int64_t batch;       /**< N, 1..2^31-1; T*N at most 2^31-1 too */
  int64_t input_size;  /**< I, 1..2^31-1 */
  int64_t hidden_size; /**< H, 1..2^29-1 */
  int64_t layers;      /**< L, 1..1024; 0 is taken as 1 */
  int64_t directions;  /**< D, 1 or 2; 0 is taken as 1 */
  recur_activation activation; /**< STANDARD but for tests */
  int64_t projection_size; /**< P, 1..H-1; 0: none. LSTM only */
  int peepholes;           /**< LSTM only */
  float cell_clip;         /**< > 0; 0: none. LSTM only */
  float dropout;           /**< p, 0 <= p < 1: between layers, in training */
  int ragged;              /**< forward and backward take lengths */
  int resets;              /**< forward and backward take a reset mask */
  int batch_first;         /**< x, y, dx and dy are [N,T,...]; states, lengths and reset stay as they are */
  int learned_states;      /**< h0 and c0 are one row for the whole batch, [L*D,R] and [L*D,H], dh0 and dc0 of the same
                              shapes are sums over rows, added to what is there if accumulate says so; then neither
                              h0 and hT nor dh0 and dhT may be the same. A step still takes a state for each row */
  int64_t truncation_period; /**< k1, 1..T; 0: backward gives the full gradient. One direction only */
  int64_t truncation_length; /**< k2, at least k1; only with a period */
  const recur_custom_cell* custom_cell; /**< of RECUR_CELL_CUSTOM; lives as long as the plan */
  recur_residency residency; /**< forced where not AUTOMATIC, and refused at creation where it cannot be; a step is
                                streamed whatever it says */
} recur_layer_descriptor;

typedef struct recur_layer_plan recur_layer_plan; /**< Immutable; shared by threads; belongs to its device. */

/** Offsets count elements from the start of the parameter (or its gradient's) buffer, bytes are bytes. All
   parameters are one buffer: for each layer, for each direction W_ih [G*H,I_l], W_hh [G*H,R], b_ih [G*H],
   b_hh [G*H], then W_hr [P,H] and the peepholes [3,H] where there are any. I_l is I, above the first layer D*R. */
typedef struct recur_layer_sizes {
  size_t parameter_elements; /**< of all layers and directions */ /** elements; of the first layer and direction @{ */
  size_t w_ih_offset, w_hh_offset, b_ih_offset, b_hh_offset; /** @} */
  size_t state_elements;                                     /**< of h: L*D*N*R */
  size_t training_workspace;                                 /**< bytes, of a forward with reserve */
  size_t inference_workspace;                                /**< bytes, of a forward without */
  size_t backward_workspace;                                 /**< bytes */
  size_t step_workspace;                                     /**< bytes; 0 with two directions, which have no step */
  size_t reserve;                                            /**< bytes */
  size_t cell_state_elements;                                /**< of c: L*D*N*H; 0 for a cell that has none */
} recur_layer_sizes;
/** Names a parameter of one layer and direction. */
typedef enum recur_parameter {
  RECUR_PARAMETER_W_IH = 0, /**< [G*H,I_l] */
  RECUR_PARAMETER_W_HH = 1, /**< [G*H,R] */
  RECUR_PARAMETER_B_IH = 2, /**< [G*H] */
  RECUR_PARAMETER_B_HH = 3, /**< [G*H] */
  RECUR_PARAMETER_W_HR = 4, /**< [P,H], of a layer with a projection */
  RECUR_PARAMETER_PEEPHOLE = 5 /**< [3,H]; a custom cell's constants [K,H] too */
} recur_parameter;
/** A row-major matrix in the buffer of parameters, and at the same place in that of their gradients. */
typedef struct recur_parameter_place {
  size_t offset; /**< elements from the start */ /** of the matrix; a vector has one column @{ */
  int64_t rows, columns; /** @} */
} recur_parameter_place;

/** What was chosen for this plan on its device, as a value that a test can compare. */
typedef struct recur_layer_choice {
  recur_residency residency; /**< of the recurrent weights */
  int launches_per_step; /**< of forward, for a layer and direction: products and kernels; 0: one for many steps */
  int vector_width;      /**< hidden units that one thread takes where pointers allow: 4, or 1; BLOCK: 2 */
  double step_microseconds;     /**< modelled, never measured: forward, of a layer and direction */
  double streamed_microseconds; /**< the same of STREAMED, whatever was chosen */
  char reason[240];             /**< one sentence */
} recur_layer_choice;

/** Checks the descriptor and chooses kernels and product algorithms for the current device. On failure *plan
   is NULL. RECUR_NOT_SUPPORTED names the field that is not offered. */
recur_status recur_layer_create(recur_layer_plan** plan, const recur_layer_descriptor* descriptor);
/** NULL is allowed. No call may still be running on the host, nor a capture be open that holds one; work already
   enqueued may. */
void recur_layer_destroy(recur_layer_plan* plan);
recur_status recur_layer_get_sizes(const recur_layer_plan* plan, recur_layer_sizes* sizes); /**< Fills *sizes. */
recur_status recur_layer_get_choice(const recur_layer_plan* plan, recur_layer_choice* choice); /**< Fills *choice. */
/** Where one parameter of a layer (0..L-1) and direction (0..D-1) lies in the buffer. */
recur_status recur_layer_get_parameter(const recur_layer_plan* plan, int64_t layer, int64_t direction,
                                       recur_parameter parameter, recur_parameter_place* place);

/** Forward. With reserve: for training; the reserve then holds what backward reads. Without: inference, which
   saves no gates, drops nothing and needs less memory. Pointers to void are of the plan's type. */
typedef struct recur_layer_forward_args {
  recur_stream stream;    /**< where the work is enqueued */
  const void* parameters; /**< [parameter_elements] */
  const void* x;          /**< [T,N,I] */
  const void* h0;         /**< [L*D,N,R] or NULL: zeros */
  const float* c0;        /**< [L*D,N,H] or NULL: zeros; NULL for a cell without c */
  void* y;                /**< [T,N,D*R] */
  void* hT;               /**< [L*D,N,R] or NULL; may be h0 */
  float* cT;              /**< [L*D,N,H] or NULL; may be c0; NULL for a cell without c */
  void* reserve;          /**< or NULL: inference */
  size_t reserve_size;    /**< bytes, the reserve of the sizes and up */
  void* workspace;        /**< scratch, free again when the call's work is done */
  size_t workspace_size;  /**< bytes, training_workspace or inference_workspace and up */
  const int32_t* lengths; /**< [N] or NULL: all T; only for a ragged plan. A value outside 0..T is taken as the
                             nearer of the two */
  const uint8_t* reset;   /**< [T,N] or NULL: none; only for a plan with resets */ /** choose dropout's mask @{ */
  uint64_t dropout_seed, dropout_offset; /** @} */
} recur_layer_forward_args;
/** INVALID_ARGUMENT or BUFFER_TOO_SMALL names the field; CUDA_ERROR and CUBLAS_ERROR are what enqueueing gave. */
recur_status recur_layer_forward(const recur_layer_plan* plan, const recur_layer_forward_args* args);

/** Backward of the training forward that wrote the reserve, with the same parameters, x, h0, c0, lengths, reset,
   seed and offset, and its y. h0 and c0 hold the values that forward read: a call that let hT overwrite h0 needs
   a copy.

   Truncated back-propagation through time (Williams and Peng 1990, BPTT(h; h')): in a plan with truncation_period
   k1 and truncation_length k2 the steps are taken in windows: after every k1 steps (and at the end) the gradients
   of the last k1 steps' y flow back through at most the last k2 steps; dhT and dcT join the last window. k2 >= T
   gives the full gradient, k1 = k2 that of chunks whose state is carried and whose gradient is cut. */
typedef struct recur_layer_backward_args {
  recur_stream stream;     /**< where the work is enqueued */
  const void* parameters;  /**< [parameter_elements] */
  const void* x;           /**< [T,N,I]; needed for dparameters */
  const void* h0;          /**< [L*D,N,R] or NULL: zeros */
  const float* c0;         /**< [L*D,N,H] or NULL: zeros */
  const void* y;           /**< [T,N,D*R] */
  const void* dy;          /**< [T,N,D*R] or NULL: zeros */
  const float* dhT;        /**< [L*D,N,R] or NULL: zeros */
  const float* dcT;        /**< [L*D,N,H] or NULL: zeros */
  void* dx;                /**< [T,N,I] or NULL; overwritten */
  float* dh0;              /**< [L*D,N,R] or NULL; overwritten; may be dhT. NULL in a plan with truncation */
  float* dc0;              /**< [L*D,N,H] or NULL; overwritten; may be dcT. NULL in a plan with truncation */
  float* dparameters;      /**< [parameter_elements] or NULL */
  int accumulate;          /**< 0: overwrite dparameters, else add to it */
  const void* reserve;     /**< as forward left it; only read */
  size_t reserve_size;     /**< bytes */
  void* workspace;         /**< scratch, free again when the call's work is done */
  size_t workspace_size;   /**< bytes, backward_workspace and up */
  const int32_t* lengths;  /**< as in forward */
  const uint8_t* reset;    /**< as in forward */ /** as in forward @{ */
  uint64_t dropout_seed, dropout_offset; /** @} */
} recur_layer_backward_args;
/** Errors as of recur_layer_forward. */
recur_status recur_layer_backward(const recur_layer_plan* plan, const recur_layer_backward_args* args);

/** A call recorded as CUDA graphs: launching them costs the host far less than the call's products and kernels one by
   one. Recording allocates and is no execute call; a launch only enqueues. The buffers, their addresses and the plan
   must live as long as the graph; their contents are read at each launch, dropout_seed and offset are those recorded.
   args->stream plays no part. Long sequences (more than 4,096 streamed steps, or launches of a resident sweep, of all layers and directions) are
   recorded in pieces that are launched one after the other. No two launches of a graph may run at a time, as for any
   calls that share buffers. */
typedef struct recur_layer_graph recur_layer_graph;
recur_status recur_layer_capture_forward(const recur_layer_plan* plan, const recur_layer_forward_args* args,
                                         recur_layer_graph** graph); /**< On failure *graph is NULL. */
recur_status recur_layer_capture_backward(const recur_layer_plan* plan, const recur_layer_backward_args* args,
                                          recur_layer_graph** graph); /**< On failure *graph is NULL. */
recur_status recur_layer_graph_launch(const recur_layer_graph* graph, recur_stream stream); /**< Only enqueues. */
/** NULL is allowed. */
void recur_layer_graph_destroy(recur_layer_graph* graph);

/** One step of inference, for streaming: the plan's T does not matter. Equal to forward within rounding, since
   the products have other sizes. Plans of one direction; the last layer's slice of h_next is y. Lengths and
   resets play no part: the caller has the states. */
typedef struct recur_layer_step_args {
  recur_stream stream;    /**< where the work is enqueued */
  const void* parameters; /**< [parameter_elements] */
  const void* x;          /**< [N,I] */
  const void* h;          /**< [L,N,R] or NULL: zeros */
  const float* c;         /**< [L,N,H] or NULL: zeros */
  void* h_next;           /**< [L,N,R]; not h, which the product still reads */
  float* c_next;          /**< [L,N,H]; may be c; NULL for a cell without c */
  void* workspace;        /**< scratch, free again when the call's work is done */
  size_t workspace_size;  /**< bytes, step_workspace and up */
} recur_layer_step_args;
/** Errors as of recur_layer_forward; NOT_SUPPORTED by a plan of two directions. */
recur_status recur_layer_step(const recur_layer_plan* plan, const recur_layer_step_args* args);

/** Parameters of the plan's type from float ones, as mixed training keeps them: rounded to nearest, elementwise.
   For a plan of float a copy. from and to are [parameter_elements]. */
recur_status recur_layer_cast_parameters(const recur_layer_plan* plan, recur_stream stream, const float* from,
                                         void* to);

#ifdef __cplusplus
}
#endif

#endif /* RECUR_LAYER_H */
