// A recurrent layer of the library's descriptor, run by cuDNN on the GPU: make it, set the parameters, call forward and
// backward on a stream. It allocates when it is made and never in a call, so calls can be timed.
//   T steps, N batch, I inputs, H hidden, P projection, R = P or H, L layers, D directions
// It is for the real CUDA runtime only: cuDNN knows nothing of the emulator's memory.
#pragma once

#include <vector>

#include "bench/cudnn/descriptors.hpp"
#include "bench/cudnn/parameters.hpp"
#include "recur/memory.hpp"

namespace recur::cudnn {

// Throws Error where there is no usable GPU.
class Handle {
 public:
  Handle();
  cudnnHandle_t get() const { return handle_.get(); }

 private:
  std::unique_ptr<cudnnContext, Destroy<cudnnDestroy>> handle_;
};

// Device memory, every element of the layer's type: cuDNN's c and its states' gradients are not float where x is not.
// Shapes as in recur/layer.h; x, y and their gradients in the layout of the options. Null states are zeros, null
// results are not wanted.
struct Forward {
  const void *x, *h0, *c0;
  void *y, *hT, *cT;
};
struct Backward {
  const void *x, *h0, *c0, *y, *dy, *dhT, *dcT;
  void *dx, *dh0, *dc0;  // dx is needed
};

class Network {
 public:
  // Throws std::invalid_argument for what cuDNN lacks, Error for what it refuses. The handle outlives the network.
  Network(const Handle& handle, const recur_layer_descriptor& layer, Algorithm algorithm, const Options& options = {});

  // From, and gradients to, a buffer of the layer's type in the library's order: what a plan of the same layer says.
  void set_parameters(const recur_layer_plan* plan, const void* parameters, recur_stream stream);
  void get_gradients(const recur_layer_plan* plan, void* gradients, recur_stream stream) const;

  // training: forward leaves in the reserve what backward reads.
  void forward(bool training, const Forward& arguments, recur_stream stream);
  // Of the training forward before. cuDNN has only one way to give weights' gradients: it adds. Without `accumulate`
  // they are set to zero first, on the stream. backward_weights follows backward_data.
  void backward_data(const Backward& arguments, recur_stream stream);
  void backward_weights(const Backward& arguments, bool accumulate, recur_stream stream);
  void backward(const Backward& arguments, bool accumulate, recur_stream stream);

  size_t weight_bytes() const { return weights_.bytes(); }
  size_t workspace_bytes() const { return workspace_.bytes(); }
  size_t reserve_bytes() const { return reserve_.bytes(); }

 private:
  void use(recur_stream stream) const;

  const Handle& handle_;
  const recur_layer_descriptor layer_;
  DeviceBuffer<char> dropout_states_;
  DropoutDescriptor dropout_;
  Descriptors descriptors_;
  DeviceBuffer<char> weights_, weight_gradients_, workspace_, reserve_;
  std::vector<Piece> pieces_;
};

}  // namespace recur::cudnn
