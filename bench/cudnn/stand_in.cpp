// The stand-in's arithmetic: forward, backward data, backward weights.
#include <algorithm>

#include "bench/cudnn/stand_in_state.hpp"

using namespace recur::cudnn::stand_in;
using recur::test::Bytes;
using reference::Vector;

namespace {

Vector read(cudnnHandle_t handle, cudnnDataType_t type, const void* from, size_t count) {
  Bytes bytes(from ? count * recur::test::element_size(type_of(type)) : 0);
  recur_copy_to_host(bytes.data(), from, bytes.size(), handle->stream);
  return recur::test::unpacked(type_of(type), bytes);
}

void write(cudnnHandle_t handle, cudnnDataType_t type, void* to, Vector values) {
  if (!to) return;
  for (double& value : values) value = recur::test::rounded(type_of(type), value);
  const Bytes bytes = recur::test::packed(type_of(type), values);
  recur_copy_to_device(to, bytes.data(), bytes.size(), handle->stream);
}

// Calls use(element in memory, element in [T,N,columns]) for each row that the data has.
template <class Use>
void for_each_row(const cudnnRNNDataStruct& data, Use use) {
  size_t packed = 0;
  for (int t = 0; t < data.steps; ++t)
    for (int n = 0; n < data.batch; ++n) {
      const bool there = t < data.lengths[size_t(n)];
      const size_t time_first = size_t(t) * data.batch + n;
      const size_t at = data.layout == CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED       ? packed
                        : data.layout == CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED ? size_t(n) * data.steps + t
                                                                                    : time_first;
      if (there) use(at * data.columns, time_first * data.columns), ++packed;
    }
}

size_t elements_of(const cudnnRNNDataStruct& data) {
  if (data.layout != CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED) return size_t(data.steps) * data.batch * data.columns;
  size_t rows = 0;
  for (int length : data.lengths) rows += size_t(length);
  return rows * data.columns;
}

Vector read(cudnnHandle_t handle, const cudnnRNNDataStruct& data, const void* from) {
  const Vector memory = read(handle, data.type, from, elements_of(data));
  Vector values(size_t(data.steps) * data.batch * data.columns);
  for_each_row(data,
               [&](size_t at, size_t to) { std::copy_n(memory.begin() + at, data.columns, values.begin() + to); });
  return values;
}

// fill: what memory holds where there is no row.
void write(cudnnHandle_t handle, const cudnnRNNDataStruct& data, void* to, const Vector& values, double fill) {
  Vector memory(elements_of(data), fill);
  for_each_row(data,
               [&](size_t at, size_t from) { std::copy_n(values.begin() + from, data.columns, memory.begin() + at); });
  write(handle, data.type, to, memory);
}

// The reference's weights from the weight space, and back (adding).
template <class Use>
void for_each_weight(const cudnnRNNStruct& rnn, std::vector<reference::LayerWeights>& weights, Use use) {
  const int64_t G = rnn.shape.gates();
  const auto all = places(rnn);
  weights.resize(all.size());
  for (size_t pass = 0; pass < all.size(); ++pass)
    for (int64_t id = 0; id < int64_t(all[pass].size()); ++id) {
      const Place& place = all[pass][size_t(id)];
      reference::LayerWeights& w = weights[pass];
      Vector& matrix = id == 2 * G ? w.w_hr : id < G ? w.w_ih : w.w_hh;
      Vector& bias = id < G ? w.b_ih : w.b_hh;
      int64_t gate = id == 2 * G ? 0 : id % G;
      if (gates_are_exchanged() && gate < 2 && id < 2 * G && G > 1) gate = 1 - gate;
      use(matrix, gate, place.rows * place.columns, place.matrix, id == 2 * G ? 1 : G);
      if (place.has_bias) use(bias, gate, place.rows, place.bias, G);
    }
}

std::vector<reference::LayerWeights> read_weights(cudnnHandle_t handle, const cudnnRNNStruct& rnn, const void* space) {
  size_t total = 0;
  places(rnn, &total);
  const Vector memory = read(handle, rnn.type, space, total);
  std::vector<reference::LayerWeights> weights;
  for_each_weight(rnn, weights, [&](Vector& tensor, int64_t gate, int64_t count, size_t at, int64_t gates) {
    tensor.resize(size_t(gates * count));
    std::copy_n(memory.begin() + at, count, tensor.begin() + gate * count);
  });
  return weights;
}

reference::NetworkShape shape_of(const cudnnRNNStruct& rnn, const cudnnRNNDataStruct& x) {
  reference::NetworkShape shape = rnn.shape;
  shape.steps = x.steps, shape.batch = x.batch;
  return shape;
}

// What forward and both halves of backward check alike; "" if there is nothing.
std::string fault(const cudnnRNNStruct& rnn, const int32_t* lengths, const cudnnRNNDataStruct& x,
                  const cudnnRNNDataStruct& y, size_t weight_bytes, size_t work_bytes, const void* work) {
  size_t total = 0;
  places(rnn, &total);
  const bool packed = x.layout == CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED;
  if (lengths) return "devSeqLengths is not null";
  if (x.layout != y.layout || x.steps != y.steps || x.lengths != y.lengths) return "x and y differ";
  if (x.columns != rnn.shape.inputs) return "x has other inputs";
  if (y.columns != rnn.shape.directions * rnn.shape.state_size()) return "y has other outputs";
  if (packed == ((rnn.flags & CUDNN_RNN_PADDED_IO_ENABLED) != 0)) return "the flag for padding is not the layout's";
  if (weight_bytes < total * recur::test::element_size(type_of(rnn.type))) return "the weight space is too small";
  if (work_bytes < 64 || !work) return "the workspace is too small";
  if (rnn.algorithm == CUDNN_RNN_ALGO_PERSIST_DYNAMIC && rnn.built_for != x.batch)
    return "no plan was built for this batch";
  return "";
}

// Zeros where the caller gave none.
Vector state(cudnnHandle_t handle, const cudnnRNNStruct& rnn, cudnnTensorDescriptor_t tensor, const void* from) {
  if (!tensor) return {};
  const size_t count = size_t(tensor->sizes[0]) * tensor->sizes[1] * tensor->sizes[2];
  return from ? read(handle, rnn.type, from, count) : Vector(count, 0.0);
}

}  // namespace

cudnnStatus_t cudnnRNNForward(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, cudnnForwardMode_t mode,
                              const int32_t lengths[], cudnnRNNDataDescriptor_t x_data, const void* x,
                              cudnnRNNDataDescriptor_t y_data, void* y, cudnnTensorDescriptor_t h, const void* hx,
                              void* hy, cudnnTensorDescriptor_t c, const void* cx, void* cy, size_t weight_bytes,
                              const void* weights, size_t work_bytes, void* work, size_t reserve_bytes, void* reserve) {
  if (const std::string why = fault(*rnn, lengths, *x_data, *y_data, weight_bytes, work_bytes, work); !why.empty())
    return refuse("forward: " + why);
  const bool training = mode == CUDNN_FWD_MODE_TRAINING;
  if (training && (!reserve || reserve_bytes < 32)) return refuse("forward: the reserve is too small");
  if (rnn->algorithm == CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H && rnn->shape.hidden > 8)
    return refuse("hiddenSize > 8", CUDNN_STATUS_NOT_SUPPORTED);
  const reference::NetworkShape shape = shape_of(*rnn, *x_data);
  reference::NetworkInputs inputs;
  inputs.x = read(handle, *x_data, x);
  inputs.h0 = state(handle, *rnn, h, hx);
  if (shape.has_cells()) inputs.c0 = state(handle, *rnn, c, cx);
  inputs.lengths.assign(x_data->lengths.begin(), x_data->lengths.end());
  const reference::NetworkForward f = reference::network_forward(shape, read_weights(handle, *rnn, weights), inputs);
  write(handle, *y_data, y, f.y, 0);
  write(handle, rnn->type, hy, f.hT);
  if (shape.has_cells()) write(handle, rnn->type, cy, f.cT);
  rnn->forward_is_done = training, rnn->data_is_done = false;
  rnn->inputs = inputs, rnn->input_pointers[0] = x, rnn->input_pointers[1] = hx, rnn->input_pointers[2] = y;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnRNNBackwardData_v8(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, const int32_t lengths[],
                                      cudnnRNNDataDescriptor_t y_data, const void* y, const void* dy,
                                      cudnnRNNDataDescriptor_t x_data, void* dx, cudnnTensorDescriptor_t h,
                                      const void* hx, const void* dhy, void* dhx, cudnnTensorDescriptor_t c,
                                      const void*, const void* dcy, void* dcx, size_t weight_bytes, const void* weights,
                                      size_t work_bytes, void* work, size_t reserve_bytes, void* reserve) {
  if (const std::string why = fault(*rnn, lengths, *x_data, *y_data, weight_bytes, work_bytes, work); !why.empty())
    return refuse("backward data: " + why);
  if (!reserve || reserve_bytes < 32 || !rnn->forward_is_done) return refuse("backward data before a training forward");
  if (hx != rnn->input_pointers[1] || y != rnn->input_pointers[2]) return refuse("backward data of another forward");
  if (!dx || !dy) return refuse("backward data: dx or dy is null");
  const reference::NetworkShape shape = shape_of(*rnn, *x_data);
  const std::vector<reference::LayerWeights> values = read_weights(handle, *rnn, weights);
  const reference::NetworkGradients g = reference::network_backward(
      shape, values, rnn->inputs, reference::network_forward(shape, values, rnn->inputs), read(handle, *y_data, dy),
      state(handle, *rnn, h, dhy), shape.has_cells() ? state(handle, *rnn, c, dcy) : Vector{});
  write(handle, *x_data, dx, g.dx, 77);  // what lies beyond a row's end is not said
  write(handle, rnn->type, dhx, g.dh0);
  if (shape.has_cells()) write(handle, rnn->type, dcx, g.dc0);
  rnn->gradients = g.weights, rnn->data_is_done = true;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnRNNBackwardWeights_v8(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, cudnnWgradMode_t mode,
                                         const int32_t lengths[], cudnnRNNDataDescriptor_t x_data, const void* x,
                                         cudnnTensorDescriptor_t, const void* hx, cudnnRNNDataDescriptor_t y_data,
                                         const void* y, size_t weight_bytes, void* gradients, size_t work_bytes,
                                         void* work, size_t reserve_bytes, void* reserve) {
  if (const std::string why = fault(*rnn, lengths, *x_data, *y_data, weight_bytes, work_bytes, work); !why.empty())
    return refuse("backward weights: " + why);
  if (mode != CUDNN_WGRAD_MODE_ADD) return refuse("backward weights: the mode is not to add");
  if (!reserve || reserve_bytes < 32 || !rnn->data_is_done) return refuse("backward weights before backward data");
  if (x != rnn->input_pointers[0] || hx != rnn->input_pointers[1] || y != rnn->input_pointers[2])
    return refuse("backward weights of another forward");
  size_t total = 0;
  places(*rnn, &total);
  Vector memory = read(handle, rnn->type, gradients, total);
  for_each_weight(*rnn, rnn->gradients, [&](const Vector& tensor, int64_t gate, int64_t count, size_t at, int64_t) {
    for (int64_t k = 0; k < count; ++k) memory[at + size_t(k)] += tensor[size_t(gate * count + k)];
  });
  write(handle, rnn->type, gradients, memory);
  return CUDNN_STATUS_SUCCESS;
}
