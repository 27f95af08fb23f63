// A layer's descriptor in cuDNN's terms: what cuDNN is to be told of cell, sizes, types and data. Making these takes
// neither a GPU nor a handle.
#pragma once

#include <cudnn.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "recur/layer.h"

namespace recur::cudnn {

// A call that cuDNN refused, in its own words.
class Error : public std::runtime_error {
 public:
  Error(cudnnStatus_t status, const std::string& call);
  cudnnStatus_t status() const { return status_; }

 private:
  cudnnStatus_t status_;
};

inline void check(cudnnStatus_t status, const char* call) {
  if (status != CUDNN_STATUS_SUCCESS) throw Error(status, call);
}

// "9.19.0": of the library that is linked.
std::string version();

enum class Algorithm { standard, persist_static, persist_dynamic, small_h };
inline constexpr Algorithm algorithms[] = {Algorithm::standard, Algorithm::persist_static, Algorithm::persist_dynamic,
                                           Algorithm::small_h};
const char* name_of(Algorithm algorithm);  // "standard", "persist-static", "persist-dynamic", "small-h"
cudnnRNNAlgo_t value_of(Algorithm algorithm);

// How rows of different lengths lie in memory. padded: x [T,N,I], or [N,T,I] where the layer is batch first. packed:
// the rows in order of falling length, for each step only those that have it, one after the other; none of length 0.
enum class Layout { padded, packed };

struct Options {
  Layout layout = Layout::padded;
  std::vector<int32_t> lengths = {};  // [N]; empty: all T
};

// "" or what the layer has and cuDNN has not: peepholes, resets, a GRU that resets before its product and so on.
std::string what_cudnn_lacks(const recur_layer_descriptor& layer);

template <auto destroy>
struct Destroy {
  template <class T>
  void operator()(T* descriptor) const {
    destroy(descriptor);
  }
};
using RnnDescriptor = std::unique_ptr<cudnnRNNStruct, Destroy<cudnnDestroyRNNDescriptor>>;
using DataDescriptor = std::unique_ptr<cudnnRNNDataStruct, Destroy<cudnnDestroyRNNDataDescriptor>>;
using TensorDescriptor = std::unique_ptr<cudnnTensorStruct, Destroy<cudnnDestroyTensorDescriptor>>;
using DropoutDescriptor = std::unique_ptr<cudnnDropoutStruct, Destroy<cudnnDestroyDropoutDescriptor>>;

TensorDescriptor make_tensor_descriptor();

struct Descriptors {
  RnnDescriptor rnn;
  DataDescriptor x, y;    // [T,N,I] [T,N,D*R]; what y holds beyond a row's length is 0
  TensorDescriptor h, c;  // [L*D,N,R] [L*D,N,H]; c is null where the cell has none
};

// Throws std::invalid_argument for what_cudnn_lacks() and what cannot be said to cuDNN, Error for what cuDNN refuses.
// dropout: needed where the layer has any, made with a handle.
Descriptors make_descriptors(const recur_layer_descriptor& layer, Algorithm algorithm, const Options& options,
                             cudnnDropoutDescriptor_t dropout = nullptr);

cudnnDataType_t data_type(recur_type type);
size_t element_size(recur_type type);
int64_t gates(recur_cell cell);

}  // namespace recur::cudnn
