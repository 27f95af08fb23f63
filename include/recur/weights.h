/** @file
   Weights of recurrent layers in the layouts of other libraries, and safetensors files. C11; no CUDA header needed.

   Everything here is host memory and host work: no call touches a device. The way of weights is file -> set of named
   tensors -> import -> float parameters in the plan's layout -> the caller's copy to the device (for a plan of 16 bits
   recur_layer_cast_parameters follows), and back by export -> set -> file. An import or export moves floats to other
   places and changes none, with one exception: where a format has one bias and the plan two, see below.

   Letters as in recur/layer.h; l counts layers, direction 1 is the reverse one. The tensors of each format, before
   which the caller's prefix stands ("encoder.rnn." or ""):

   PYTORCH  the names and shapes of torch.nn.LSTM, GRU and RNN: weight_ih_l0 [G*H,I], weight_hh_l0 [G*H,R], bias_ih_l0
            and bias_hh_l0 [G*H], weight_hr_l0 [P,H]; the reverse direction's end in _reverse
   CUDNN    what cudnnGetRNNWeightParams shows of each pseudo-layer q = l*D + d and linear layer k:
            pseudo_layer_q/lin_layer_k/matrix [H,I_l] or [H,R], and /bias [H]. LSTM: k = 0-3 i f g o of the input, 4-7
            of the recurrence, 8 the projection [P,H], which has no bias; GRU: 0-2 r z n and 3-5; RNN: 0 and 1
   KERAS    layer_l/kernel [I_l,G*H], layer_l/recurrent_kernel [H,G*H], layer_l/bias; with two directions
            layer_l/forward_layer/kernel and layer_l/backward_layer/kernel and so on. Gates i f c o; z r h. The bias is
            [G*H]; of a GRU that resets after [2,3*H]
   ONNX     layer_l/W [D,G*H,I_l], layer_l/R [D,G*H,H], layer_l/B [D,2*G*H], layer_l/P [D,3*H]: one node a layer.
            Gates i o f c, peepholes i o f; z r h
   ONEDNN   layer_l/weights_layer [1,D,I_l,G,H], layer_l/weights_iter [1,D,R,G,H] (both ldigo), layer_l/bias [1,D,G,H]
            (ldgo; G is 4 for the LBR GRU), layer_l/weights_peephole [1,D,3,H] (ldgo), layer_l/weights_projection
            [1,D,H,P] (ldio): one primitive a layer. Gates i f c o; u r o

   Biases. A file without any bias of a layer (PyTorch: of all layers; cuDNN: of all inputs, or of all recurrences)
   reads as zeros. Where a format has one bias for our two, import gives it to b_ih and sets b_hh to 0, and export writes the
   sum b_ih + b_hh, rounded to float. That concerns Keras's and oneDNN's LSTM, RNN and GRU that resets before, and the
   gates u and r of oneDNN's LBR GRU. The candidate's two biases of a GRU that resets after are never added: they have a
   place each in every format.

   Attributes are texts beside the tensors: a safetensors file's metadata. Those named FORMAT.NAME (after the prefix, as
   the tensors) are a layer's settings and are compared with the plan: "onnx.activations", "onnx.linear_before_reset"
   and so on; docs/weights.md lists them. A setting that recur does not have, or does not know, is refused by its name; one
   that is absent means the format's default. Other attributes are the caller's. Numbers are decimal, lists have commas.

   A set may be read by several threads at a time as long as none changes it. */
#ifndef RECUR_WEIGHTS_H
#define RECUR_WEIGHTS_H

#include "recur/layer.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Whose layout. Zero is no value. */
typedef enum recur_weights_format {
  RECUR_WEIGHTS_PYTORCH = 1, /**< torch.nn.LSTM, GRU, RNN */
  RECUR_WEIGHTS_CUDNN = 2,   /**< by pseudo-layer and linear layer */
  RECUR_WEIGHTS_KERAS = 3,   /**< LSTM, GRU, SimpleRNN, Bidirectional of them */
  RECUR_WEIGHTS_ONNX = 4,    /**< the operators LSTM, GRU, RNN */
  RECUR_WEIGHTS_ONEDNN = 5   /**< ldigo, ldgo, ldio */
} recur_weights_format;

/** A set of tensors, each of another name, and of attributes. */
typedef struct recur_weights recur_weights;

/** Row-major and contiguous. The pointers are valid until the set is destroyed. */
typedef struct recur_tensor {
  const char* name;     /**< UTF-8 */
  const char* type;     /**< as safetensors names it: "F32" */
  int64_t rank;         /**< 0 for a number alone */
  const int64_t* shape; /**< [rank] */
  int64_t elements;     /**< the product of the shape */
  const float* values;  /**< [elements]; NULL where the type does not convert to float: F32, F16, BF16 and F64 do */
} recur_tensor;

/** An empty set. On failure *weights is NULL. */
recur_status recur_weights_create(recur_weights** weights);
/** NULL is allowed. */
void recur_weights_destroy(recur_weights* weights);

/** Copies a tensor into the set. INVALID_ARGUMENT: the name is there already, is no UTF-8 or is "__metadata__"; rank
   is not 0..64; a dimension is negative. */
recur_status recur_weights_add(recur_weights* weights, const char* name, int64_t rank, const int64_t* shape,
                               const float* values);
/** Sets or replaces an attribute; INVALID_ARGUMENT if name or text is no UTF-8. */
recur_status recur_weights_set_attribute(recur_weights* weights, const char* name, const char* text);

/** How many tensors. */
recur_status recur_weights_get_count(const recur_weights* weights, size_t* count);
/** index below the count, in the order in which tensors were added, or lie in the file. */
recur_status recur_weights_get(const recur_weights* weights, size_t index, recur_tensor* tensor);
/** INVALID_ARGUMENT names the tensor that is not there. */
recur_status recur_weights_find(const recur_weights* weights, const char* name, recur_tensor* tensor);
/** *text is NULL if there is no such attribute; else valid until it is replaced or the set is destroyed. */
recur_status recur_weights_get_attribute(const recur_weights* weights, const char* name, const char** text);

/** Reads a safetensors file. F16, BF16 and F64 become float, F64 rounded to nearest. A tensor of another type is
   kept without values, and refused where it is wanted as a weight. Anything that is not as the format says is
   INVALID_ARGUMENT with a text that names the file and the tensor. On failure *weights is NULL. */
recur_status recur_weights_read(recur_weights** weights, const char* path);
/** The same for a file that lies in memory: name stands for it in errors, the bytes are copied. */
recur_status recur_weights_parse(recur_weights** weights, const void* bytes, size_t size, const char* name);
/** Writes a safetensors file, every tensor as F32: beside the path first, then moved there, so that a write that fails
   leaves what was there. */
recur_status recur_weights_write(const recur_weights* weights, const char* path);

/** From a set to parameters [parameter_elements] as the plan's sizes state them, float whatever the plan's type.
   The text of an error names the tensor, the shape expected and the shape found, and nothing is written to
   parameters then. NOT_SUPPORTED: the plan has what the format has not, or the other way round. Tensors and
   attributes of other names than the format's are passed over; those of the format that the plan has no place for
   (a second layer, a reverse direction) are refused. prefix may be NULL. */
recur_status recur_weights_import(const recur_layer_plan* plan, recur_weights_format format,
                                  const recur_weights* weights, const char* prefix, float* parameters,
                                  size_t parameter_elements);
/** Adds the tensors, and the attributes that the format's importers need, to a set; nothing on failure. */
recur_status recur_weights_export(const recur_layer_plan* plan, recur_weights_format format, const float* parameters,
                                  size_t parameter_elements, const char* prefix, recur_weights* weights);

#ifdef __cplusplus
}
#endif

#endif /* RECUR_WEIGHTS_H */
