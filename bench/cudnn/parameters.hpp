// Where each of the library's parameters lies in cuDNN's weight space. cuDNN names matrices by an id within a layer and
// direction: 0..G-1 act on the input and G..2G-1 on the state, gates in our order (LSTM i f g o, GRU r z n), each with
// a bias of its own; 2G is the projection, which has none.
#pragma once

#include <vector>

#include "bench/cudnn/descriptors.hpp"

namespace recur::cudnn {

// One of cuDNN's matrices as rows of ours.
struct LinearLayer {
  recur_parameter matrix, bias;
  bool has_bias;
  int64_t gate, rows, columns;  // the matrix is rows gate*rows.. of ours
};

int linear_layers(const recur_layer_descriptor& layer);  // of one layer and direction
LinearLayer linear_layer(const recur_layer_descriptor& layer, int64_t layer_index, int id);

// A run of elements that both have in the same order.
struct Piece {
  recur_parameter parameter;
  int64_t layer, direction;
  int64_t first, count;  // elements, of that parameter
  size_t offset;         // bytes, in the weight space
};

// Asks cuDNN (cudnnGetRNNWeightParams), and checks that it answers with the shapes that linear_layer() gives.
std::vector<Piece> find_parameters(cudnnHandle_t handle, const recur_layer_descriptor& layer, cudnnRNNDescriptor_t rnn,
                                   size_t weight_bytes, const void* weights);

}  // namespace recur::cudnn
