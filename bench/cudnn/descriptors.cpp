#include "bench/cudnn/descriptors.hpp"

#include <algorithm>
#include <limits>

namespace recur::cudnn {
namespace {

int checked(int64_t size, const char* name) {
  if (size < 0 || size > std::numeric_limits<int>::max())
    throw std::invalid_argument(std::string(name) + " is " + std::to_string(size) + ", and cuDNN takes an int");
  return static_cast<int>(size);
}

cudnnRNNMode_t mode_of(recur_cell cell) {
  switch (cell) {
    case RECUR_CELL_LSTM:
      return CUDNN_LSTM;
    case RECUR_CELL_GRU:
      return CUDNN_GRU;
    case RECUR_CELL_RNN_RELU:
      return CUDNN_RNN_RELU;
    default:
      return CUDNN_RNN_TANH;
  }
}

// FLOAT32 keeps cuDNN from rounding operands to TF32, which its default allows.
cudnnMathType_t math_of(recur_type type) {
  switch (type) {
    case RECUR_TYPE_FLOAT32:
      return CUDNN_FMA_MATH;
    case RECUR_TYPE_TFLOAT32:
      return CUDNN_DEFAULT_MATH;
    default:
      return CUDNN_TENSOR_OP_MATH;
  }
}

cudnnRNNDataLayout_t layout_of(const recur_layer_descriptor& layer, Layout layout) {
  if (layout == Layout::packed) return CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED;
  return layer.batch_first ? CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED : CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED;
}

DataDescriptor make_data(const recur_layer_descriptor& layer, const Options& options, int64_t columns) {
  std::vector<int> lengths(options.lengths.begin(), options.lengths.end());
  if (lengths.empty()) lengths.assign(static_cast<size_t>(layer.batch), checked(layer.steps, "steps"));
  if (static_cast<int64_t>(lengths.size()) != layer.batch)
    throw std::invalid_argument("there are " + std::to_string(lengths.size()) + " lengths for " +
                                std::to_string(layer.batch) + " rows");
  cudnnRNNDataDescriptor_t data = nullptr;
  check(cudnnCreateRNNDataDescriptor(&data), "cudnnCreateRNNDataDescriptor");
  DataDescriptor owner(data);
  uint32_t zero = 0;  // of any type
  check(cudnnSetRNNDataDescriptor(data, data_type(layer.type), layout_of(layer, options.layout),
                                  checked(layer.steps, "steps"), checked(layer.batch, "batch"),
                                  checked(columns, "the size of a vector"), lengths.data(), &zero),
        "cudnnSetRNNDataDescriptor");
  return owner;
}

TensorDescriptor make_state(const recur_layer_descriptor& layer, int64_t passes, int64_t columns) {
  TensorDescriptor state = make_tensor_descriptor();
  const int sizes[] = {checked(passes, "layers * directions"), checked(layer.batch, "batch"),
                       checked(columns, "a state's size")};
  const int strides[] = {checked(layer.batch * columns, "a layer's states"), sizes[2], 1};
  check(cudnnSetTensorNdDescriptor(state.get(), data_type(layer.type), 3, sizes, strides),
        "cudnnSetTensorNdDescriptor");
  return state;
}

}  // namespace

Error::Error(cudnnStatus_t status, const std::string& call)
    : std::runtime_error([&] {
        char more[512] = "";
        cudnnGetLastErrorString(more, sizeof more);
        const std::string text = call + ": " + cudnnGetErrorString(status);
        return more[0] == '\0' ? text : text + ": " + more;
      }()),
      status_(status) {}

std::string version() {
  const size_t number = cudnnGetVersion();
  return std::to_string(number / 10000) + "." + std::to_string(number / 100 % 100) + "." + std::to_string(number % 100);
}

const char* name_of(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::standard:
      return "standard";
    case Algorithm::persist_static:
      return "persist-static";
    case Algorithm::persist_dynamic:
      return "persist-dynamic";
    case Algorithm::small_h:
      return "small-h";
  }
  return "";
}

cudnnRNNAlgo_t value_of(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::standard:
      return CUDNN_RNN_ALGO_STANDARD;
    case Algorithm::persist_static:
      return CUDNN_RNN_ALGO_PERSIST_STATIC;
    case Algorithm::persist_dynamic:
      return CUDNN_RNN_ALGO_PERSIST_DYNAMIC;
    case Algorithm::small_h:
      return CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H;
  }
  return CUDNN_RNN_ALGO_COUNT;
}

std::string what_cudnn_lacks(const recur_layer_descriptor& layer) {
  if (layer.cell == RECUR_CELL_GRU_RESET_BEFORE) return "GRU that resets before its product";
  if (layer.cell == RECUR_CELL_CUSTOM) return "cells of one's own";
  if (layer.activation != RECUR_ACTIVATION_STANDARD) return "linear activations";
  if (layer.peepholes) return "peepholes";
  if (layer.resets) return "resets within a sequence";
  if (layer.truncation_period > 0) return "truncated back-propagation";
  return "";
}

TensorDescriptor make_tensor_descriptor() {
  cudnnTensorDescriptor_t tensor = nullptr;
  check(cudnnCreateTensorDescriptor(&tensor), "cudnnCreateTensorDescriptor");
  return TensorDescriptor(tensor);
}

Descriptors make_descriptors(const recur_layer_descriptor& layer, Algorithm algorithm, const Options& options,
                             cudnnDropoutDescriptor_t dropout) {
  if (const std::string what = what_cudnn_lacks(layer); !what.empty())
    throw std::invalid_argument("cuDNN has no " + what);
  if (options.layout == Layout::packed && layer.batch_first)
    throw std::invalid_argument("cuDNN packs time first only, and the layer is batch first");
  if (layer.dropout > 0 && dropout == nullptr)
    throw std::invalid_argument("dropout takes a dropout descriptor, which is made with a handle");
  const int64_t layers = std::max<int64_t>(layer.layers, 1), directions = std::max<int64_t>(layer.directions, 1);
  const int inputs = checked(layer.input_size, "input_size"), hidden = checked(layer.hidden_size, "hidden_size");
  const int projection = layer.projection_size > 0 ? checked(layer.projection_size, "projection_size") : hidden;

  Descriptors all;
  cudnnRNNDescriptor_t rnn = nullptr;
  check(cudnnCreateRNNDescriptor(&rnn), "cudnnCreateRNNDescriptor");
  all.rnn.reset(rnn);
  check(cudnnSetRNNDescriptor_v8(
            rnn, value_of(algorithm), mode_of(layer.cell), CUDNN_RNN_DOUBLE_BIAS,
            directions == 2 ? CUDNN_BIDIRECTIONAL : CUDNN_UNIDIRECTIONAL, CUDNN_LINEAR_INPUT, data_type(layer.type),
            CUDNN_DATA_FLOAT, math_of(layer.type), inputs, hidden, projection, checked(layers, "layers"), dropout,
            options.layout == Layout::padded ? CUDNN_RNN_PADDED_IO_ENABLED : CUDNN_RNN_PADDED_IO_DISABLED),
        "cudnnSetRNNDescriptor_v8");
  if (layer.cell_clip > 0)
    check(cudnnRNNSetClip_v9(rnn, CUDNN_RNN_CLIP_MINMAX, -double(layer.cell_clip), double(layer.cell_clip)),
          "cudnnRNNSetClip_v9");
  all.x = make_data(layer, options, layer.input_size);
  all.y = make_data(layer, options, directions * projection);
  all.h = make_state(layer, layers * directions, projection);
  if (layer.cell == RECUR_CELL_LSTM) all.c = make_state(layer, layers * directions, layer.hidden_size);
  return all;
}

cudnnDataType_t data_type(recur_type type) {
  switch (type) {
    case RECUR_TYPE_FLOAT16:
      return CUDNN_DATA_HALF;
    case RECUR_TYPE_BFLOAT16:
      return CUDNN_DATA_BFLOAT16;
    default:
      return CUDNN_DATA_FLOAT;
  }
}

size_t element_size(recur_type type) { return type == RECUR_TYPE_FLOAT16 || type == RECUR_TYPE_BFLOAT16 ? 2 : 4; }

int64_t gates(recur_cell cell) {
  switch (cell) {
    case RECUR_CELL_LSTM:
      return 4;
    case RECUR_CELL_GRU:
      return 3;
    default:
      return 1;
  }
}

}  // namespace recur::cudnn
