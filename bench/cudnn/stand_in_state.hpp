// What the stand-in's descriptors hold. cuDNN's header declares these types and says nothing of them.
#pragma once

#include <cudnn.h>

#include <string>
#include <vector>

#include "bench/cudnn/stand_in.hpp"
#include "recur/device.h"
#include "tests/reference/network.hpp"
#include "tests/support/element.hpp"

struct cudnnContext {
  recur_stream stream = nullptr;
};
struct cudnnTensorStruct {
  cudnnDataType_t type;
  std::vector<int> sizes, strides;
};
struct cudnnDropoutStruct {
  float probability = 0;
};
struct cudnnRNNDataStruct {
  cudnnDataType_t type;
  cudnnRNNDataLayout_t layout;
  int steps, batch, columns;
  std::vector<int> lengths;
};
struct cudnnRNNStruct {
  cudnnRNNAlgo_t algorithm;
  cudnnRNNMode_t mode;
  cudnnDataType_t type;
  reference::NetworkShape shape;  // but for steps and batch
  uint32_t flags;
  int built_for = 0;
  bool forward_is_done = false, data_is_done = false;
  reference::NetworkInputs inputs;
  const void* input_pointers[3] = {};
  std::vector<reference::LayerWeights> gradients;
};

namespace recur::cudnn::stand_in {

// Remembers why, for cudnnGetLastErrorString, and what is no argument for complaints().
cudnnStatus_t refuse(const std::string& why, cudnnStatus_t status = CUDNN_STATUS_BAD_PARAM);
bool gates_are_exchanged();

inline recur_type type_of(cudnnDataType_t type) {
  return type == CUDNN_DATA_HALF       ? RECUR_TYPE_FLOAT16
         : type == CUDNN_DATA_BFLOAT16 ? RECUR_TYPE_BFLOAT16
                                       : RECUR_TYPE_FLOAT32;
}

// Where things lie in the weight space, in elements: for each pseudo-layer and id the matrix, then all biases, some
// elements apart.
struct Place {
  size_t matrix, bias;
  int64_t rows, columns;
  bool has_bias;
};
std::vector<std::vector<Place>> places(const cudnnRNNStruct& rnn, size_t* total = nullptr);

}  // namespace recur::cudnn::stand_in
