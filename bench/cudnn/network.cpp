#include "bench/cudnn/network.hpp"

#include <algorithm>

namespace recur::cudnn {
namespace {

// Where a piece of ours begins, in bytes.
size_t offset_of(const recur_layer_plan* plan, const recur_layer_descriptor& layer, const Piece& piece) {
  recur_parameter_place place = {};
  recur::check(recur_layer_get_parameter(plan, piece.layer, piece.direction, piece.parameter, &place));
  if (piece.first + piece.count > place.rows * place.columns)
    throw std::invalid_argument("the plan is of another layer than the network");
  return (place.offset + static_cast<size_t>(piece.first)) * element_size(layer.type);
}

}  // namespace

Handle::Handle() {
  cudnnHandle_t handle = nullptr;
  check(cudnnCreate(&handle), "cudnnCreate");
  handle_.reset(handle);
}

Network::Network(const Handle& handle, const recur_layer_descriptor& layer, Algorithm algorithm, const Options& options)
    : handle_(handle), layer_(layer) {
  if (layer.dropout > 0) {
    cudnnDropoutDescriptor_t dropout = nullptr;
    check(cudnnCreateDropoutDescriptor(&dropout), "cudnnCreateDropoutDescriptor");
    dropout_.reset(dropout);
    size_t bytes = 0;
    check(cudnnDropoutGetStatesSize(handle.get(), &bytes), "cudnnDropoutGetStatesSize");
    dropout_states_ = DeviceBuffer<char>(bytes);
    check(cudnnSetDropoutDescriptor(dropout, handle.get(), layer.dropout, dropout_states_.data(), bytes, 1),
          "cudnnSetDropoutDescriptor");
  }
  descriptors_ = make_descriptors(layer, algorithm, options, dropout_.get());
  if (algorithm == Algorithm::persist_dynamic)
    check(cudnnBuildRNNDynamic(handle.get(), descriptors_.rnn.get(), static_cast<int>(layer.batch)),
          "cudnnBuildRNNDynamic");

  size_t weight_bytes = 0, training = 0, inference = 0, reserve = 0, none = 0;
  check(cudnnGetRNNWeightSpaceSize(handle.get(), descriptors_.rnn.get(), &weight_bytes), "cudnnGetRNNWeightSpaceSize");
  check(cudnnGetRNNTempSpaceSizes(handle.get(), descriptors_.rnn.get(), CUDNN_FWD_MODE_TRAINING, descriptors_.x.get(),
                                  &training, &reserve),
        "cudnnGetRNNTempSpaceSizes for training");
  check(cudnnGetRNNTempSpaceSizes(handle.get(), descriptors_.rnn.get(), CUDNN_FWD_MODE_INFERENCE, descriptors_.x.get(),
                                  &inference, &none),
        "cudnnGetRNNTempSpaceSizes for inference");
  weights_ = DeviceBuffer<char>(weight_bytes);
  weight_gradients_ = DeviceBuffer<char>(weight_bytes);
  workspace_ = DeviceBuffer<char>(std::max(training, inference));
  reserve_ = DeviceBuffer<char>(reserve);
  pieces_ = find_parameters(handle.get(), layer, descriptors_.rnn.get(), weight_bytes, weights_.data());
}

void Network::use(recur_stream stream) const { check(cudnnSetStream(handle_.get(), stream), "cudnnSetStream"); }

void Network::set_parameters(const recur_layer_plan* plan, const void* parameters, recur_stream stream) {
  weights_.set_zero(stream);  // what lies between the pieces too
  for (const Piece& piece : pieces_)
    recur::check(recur_copy_on_device(weights_.data() + piece.offset,
                                      static_cast<const char*>(parameters) + offset_of(plan, layer_, piece),
                                      static_cast<size_t>(piece.count) * element_size(layer_.type), stream));
}

void Network::get_gradients(const recur_layer_plan* plan, void* gradients, recur_stream stream) const {
  for (const Piece& piece : pieces_)
    recur::check(recur_copy_on_device(static_cast<char*>(gradients) + offset_of(plan, layer_, piece),
                                      weight_gradients_.data() + piece.offset,
                                      static_cast<size_t>(piece.count) * element_size(layer_.type), stream));
}

// cuDNN 8.9.1 and later take the lengths from the data descriptors; the argument that once held a copy of them in
// device memory is null.

void Network::forward(bool training, const Forward& a, recur_stream stream) {
  use(stream);
  check(cudnnRNNForward(handle_.get(), descriptors_.rnn.get(),
                        training ? CUDNN_FWD_MODE_TRAINING : CUDNN_FWD_MODE_INFERENCE, nullptr, descriptors_.x.get(),
                        a.x, descriptors_.y.get(), a.y, descriptors_.h.get(), a.h0, a.hT, descriptors_.c.get(), a.c0,
                        a.cT, weights_.bytes(), weights_.data(), workspace_.bytes(), workspace_.data(),
                        training ? reserve_.bytes() : 0, training ? reserve_.data() : nullptr),
        "cudnnRNNForward");
}

void Network::backward_data(const Backward& a, recur_stream stream) {
  use(stream);
  check(cudnnRNNBackwardData_v8(handle_.get(), descriptors_.rnn.get(), nullptr, descriptors_.y.get(), a.y, a.dy,
                                descriptors_.x.get(), a.dx, descriptors_.h.get(), a.h0, a.dhT, a.dh0,
                                descriptors_.c.get(), a.c0, a.dcT, a.dc0, weights_.bytes(), weights_.data(),
                                workspace_.bytes(), workspace_.data(), reserve_.bytes(), reserve_.data()),
        "cudnnRNNBackwardData_v8");
}

void Network::backward_weights(const Backward& a, bool accumulate, recur_stream stream) {
  use(stream);
  if (!accumulate) weight_gradients_.set_zero(stream);
  check(cudnnRNNBackwardWeights_v8(handle_.get(), descriptors_.rnn.get(), CUDNN_WGRAD_MODE_ADD, nullptr,
                                   descriptors_.x.get(), a.x, descriptors_.h.get(), a.h0, descriptors_.y.get(), a.y,
                                   weight_gradients_.bytes(), weight_gradients_.data(), workspace_.bytes(),
                                   workspace_.data(), reserve_.bytes(), reserve_.data()),
        "cudnnRNNBackwardWeights_v8");
}

void Network::backward(const Backward& arguments, bool accumulate, recur_stream stream) {
  backward_data(arguments, stream);
  backward_weights(arguments, accumulate, stream);
}

}  // namespace recur::cudnn
