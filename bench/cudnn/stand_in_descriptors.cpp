// The stand-in's descriptors, sizes and places of weights.
#include <algorithm>
#include <cstring>
#include <utility>

#include "bench/cudnn/stand_in_state.hpp"

using namespace recur::cudnn::stand_in;

namespace recur::cudnn::stand_in {
namespace {

std::vector<std::string> complaints_;
std::string last_error_;
bool exchanged_ = false;
constexpr size_t gap = 5;

}  // namespace

std::vector<std::string> complaints() { return std::exchange(complaints_, {}); }
void exchange_gates(bool exchanged) { exchanged_ = exchanged; }
bool gates_are_exchanged() { return exchanged_; }

cudnnStatus_t refuse(const std::string& why, cudnnStatus_t status) {
  if (status == CUDNN_STATUS_BAD_PARAM) complaints_.push_back(why);
  last_error_ = why;
  return status;
}

std::vector<std::vector<Place>> places(const cudnnRNNStruct& rnn, size_t* total) {
  const reference::NetworkShape& s = rnn.shape;
  const int64_t G = s.gates(), H = s.hidden, R = s.state_size();
  std::vector<std::vector<Place>> all(size_t(s.layers * s.directions));
  size_t end = gap;
  for (size_t pass = 0; pass < all.size(); ++pass)
    for (int64_t id = 0; id < 2 * G + (s.projection > 0); ++id) {
      const bool projects = id == 2 * G;
      const int64_t columns = projects ? H : id < G ? s.layer_inputs(int64_t(pass) / s.directions) : R;
      all[pass].push_back({end, 0, projects ? s.projection : H, columns, !projects});
      end += size_t(all[pass].back().rows * columns) + gap;
    }
  for (auto& pass : all)
    for (Place& place : pass)
      if (place.has_bias) place.bias = end, end += size_t(H) + gap;
  if (total) *total = end;
  return all;
}

}  // namespace recur::cudnn::stand_in

namespace {

template <class T>
cudnnStatus_t make(T** made) {
  *made = new T{};
  return CUDNN_STATUS_SUCCESS;
}
template <class T>
cudnnStatus_t destroy(T* made) {
  delete made;
  return CUDNN_STATUS_SUCCESS;
}

}  // namespace

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) { return make(handle); }
cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) { return destroy(handle); }
cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* tensor) { return make(tensor); }
cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t tensor) { return destroy(tensor); }
cudnnStatus_t cudnnCreateDropoutDescriptor(cudnnDropoutDescriptor_t* dropout) { return make(dropout); }
cudnnStatus_t cudnnDestroyDropoutDescriptor(cudnnDropoutDescriptor_t dropout) { return destroy(dropout); }
cudnnStatus_t cudnnCreateRNNDescriptor(cudnnRNNDescriptor_t* rnn) { return make(rnn); }
cudnnStatus_t cudnnDestroyRNNDescriptor(cudnnRNNDescriptor_t rnn) { return destroy(rnn); }
cudnnStatus_t cudnnCreateRNNDataDescriptor(cudnnRNNDataDescriptor_t* data) { return make(data); }
cudnnStatus_t cudnnDestroyRNNDataDescriptor(cudnnRNNDataDescriptor_t data) { return destroy(data); }

size_t cudnnGetVersion() { return 90000; }
const char* cudnnGetErrorString(cudnnStatus_t status) {
  return status == CUDNN_STATUS_NOT_SUPPORTED ? "CUDNN_STATUS_NOT_SUPPORTED" : "CUDNN_STATUS_BAD_PARAM";
}
void cudnnGetLastErrorString(char* message, size_t size) {
  std::strncpy(message, last_error_.c_str(), size);
  message[size - 1] = '\0';
  last_error_.clear();
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  handle->stream = stream;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetTensorNdDescriptor(cudnnTensorDescriptor_t tensor, cudnnDataType_t type, int dimensions,
                                         const int sizes[], const int strides[]) {
  *tensor = {type, {sizes, sizes + dimensions}, {strides, strides + dimensions}};
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnGetTensorNdDescriptor(const cudnnTensorDescriptor_t tensor, int most, cudnnDataType_t* type,
                                         int* dimensions, int sizes[], int strides[]) {
  *type = tensor->type, *dimensions = std::min(most, int(tensor->sizes.size()));
  std::copy_n(tensor->sizes.begin(), *dimensions, sizes);
  std::copy_n(tensor->strides.begin(), *dimensions, strides);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnDropoutGetStatesSize(cudnnHandle_t, size_t* bytes) {
  *bytes = 128;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetDropoutDescriptor(cudnnDropoutDescriptor_t dropout, cudnnHandle_t, float probability,
                                        void* states, size_t bytes, unsigned long long) {
  if (!states || bytes < 128) return refuse("the states of dropout are too small");
  dropout->probability = probability;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetRNNDataDescriptor(cudnnRNNDataDescriptor_t data, cudnnDataType_t type,
                                        cudnnRNNDataLayout_t layout, int steps, int batch, int columns,
                                        const int lengths[], void*) {
  *data = {type, layout, steps, batch, columns, {lengths, lengths + batch}};
  if (layout == CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED &&
      (!std::is_sorted(data->lengths.rbegin(), data->lengths.rend()) || data->lengths.back() == 0 ||
       data->lengths.front() != steps))
    return refuse("packed rows are not in order of falling length, from steps on and above 0");
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetRNNDescriptor_v8(cudnnRNNDescriptor_t rnn, cudnnRNNAlgo_t algorithm, cudnnRNNMode_t mode,
                                       cudnnRNNBiasMode_t bias, cudnnDirectionMode_t direction, cudnnRNNInputMode_t,
                                       cudnnDataType_t type, cudnnDataType_t, cudnnMathType_t, int32_t inputs,
                                       int32_t hidden, int32_t projection, int32_t layers, cudnnDropoutDescriptor_t,
                                       uint32_t flags) {
  using reference::Cell;
  if (bias != CUDNN_RNN_DOUBLE_BIAS) return refuse("one bias only");
  if (projection != hidden && (mode != CUDNN_LSTM || algorithm != CUDNN_RNN_ALGO_STANDARD))
    return refuse("projSize", CUDNN_STATUS_NOT_SUPPORTED);
  rnn->algorithm = algorithm, rnn->mode = mode, rnn->type = type, rnn->flags = flags;
  rnn->shape = {};
  rnn->shape.cell = mode == CUDNN_LSTM       ? Cell::lstm
                    : mode == CUDNN_GRU      ? Cell::gru
                    : mode == CUDNN_RNN_RELU ? Cell::rnn_relu
                                             : Cell::rnn_tanh;
  rnn->shape.inputs = inputs, rnn->shape.hidden = hidden, rnn->shape.layers = layers;
  rnn->shape.directions = direction == CUDNN_BIDIRECTIONAL ? 2 : 1;
  rnn->shape.projection = projection == hidden ? 0 : projection;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnRNNSetClip_v9(cudnnRNNDescriptor_t rnn, cudnnRNNClipMode_t mode, double low, double high) {
  if (mode != CUDNN_RNN_CLIP_MINMAX || low != -high) return refuse("the clip is not to a range about zero");
  rnn->shape.cell_clip = high;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBuildRNNDynamic(cudnnHandle_t, cudnnRNNDescriptor_t rnn, int batch) {
  rnn->built_for = batch;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetRNNTempSpaceSizes(cudnnHandle_t, cudnnRNNDescriptor_t, cudnnForwardMode_t mode,
                                        cudnnRNNDataDescriptor_t, size_t* work, size_t* reserve) {
  *work = mode == CUDNN_FWD_MODE_TRAINING ? 64 : 96;
  *reserve = mode == CUDNN_FWD_MODE_TRAINING ? 32 : 0;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetRNNWeightSpaceSize(cudnnHandle_t, cudnnRNNDescriptor_t rnn, size_t* bytes) {
  places(*rnn, bytes);
  *bytes *= recur::test::element_size(type_of(rnn->type));
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetRNNWeightParams(cudnnHandle_t, cudnnRNNDescriptor_t rnn, int32_t pass, size_t bytes,
                                      const void* space, int32_t id, cudnnTensorDescriptor_t matrix, void** matrix_at,
                                      cudnnTensorDescriptor_t bias, void** bias_at) {
  size_t total = 0;
  const auto all = places(*rnn, &total);
  const size_t size = recur::test::element_size(type_of(rnn->type));
  if (bytes < total * size) return refuse("the weight space is too small");
  if (pass < 0 || size_t(pass) >= all.size() || id < 0 || size_t(id) >= all[size_t(pass)].size())
    return refuse("there is no such matrix");
  const Place& place = all[size_t(pass)][size_t(id)];
  char* const begin = const_cast<char*>(static_cast<const char*>(space));
  const int rows = int(place.rows), columns = int(place.columns);
  *matrix = {rnn->type, {1, rows, columns}, {rows * columns, columns, 1}};
  *matrix_at = begin + place.matrix * size;
  *bias = {rnn->type, {1, place.has_bias ? rows : 0, 1}, {rows, 1, 1}};
  *bias_at = place.has_bias ? begin + place.bias * size : nullptr;
  return CUDNN_STATUS_SUCCESS;
}
