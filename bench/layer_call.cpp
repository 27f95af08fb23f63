#include "layer_call.hpp"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace recur::bench {
namespace {

// Values that neither saturate nor vanish, and do not repeat with any power of two.
std::vector<float> some_values(size_t count) {
  std::vector<float> values(count);
  for (size_t k = 0; k < count; ++k) values[k] = 0.1f * (static_cast<float>(k * 7919 % 1021) / 510.0f - 1.0f);
  return values;
}

template <class T>
void put(T value, char* at) {
  std::memcpy(at, &value, sizeof value);
}

std::vector<char> as_bytes(const std::vector<float>& values, recur_type type) {
  const size_t element = element_bytes(type);
  std::vector<char> bytes(values.size() * element);
  for (size_t k = 0; k < values.size(); ++k) {
    char* const at = &bytes[k * element];
    if (type == RECUR_TYPE_FLOAT16)
      put(__float2half_rn(values[k]), at);
    else if (type == RECUR_TYPE_BFLOAT16)
      put(__float2bfloat16_rn(values[k]), at);
    else
      put(values[k], at);
  }
  return bytes;
}

}  // namespace

size_t element_bytes(recur_type type) {
  return type == RECUR_TYPE_FLOAT16 || type == RECUR_TYPE_BFLOAT16 ? 2 : sizeof(float);
}

// The first values come from the host; the rest is copied from them, twice as many each time.
DeviceBuffer<char> filled(size_t bytes, recur_type type, recur_stream stream) {
  DeviceBuffer<char> buffer(bytes);
  const std::vector<char> first =
      as_bytes(some_values(std::min<size_t>(bytes / element_bytes(type), 1021 * 64)), type);
  check(recur_copy_to_device(buffer.data(), first.data(), first.size(), stream));
  for (size_t done = first.size(); done < bytes;) {
    const size_t more = std::min(done, bytes - done);
    check(recur_copy_on_device(buffer.data() + done, buffer.data(), more, stream));
    done += more;
  }
  return buffer;
}

std::vector<int32_t> some_lengths(int64_t T, int64_t N) {
  std::vector<int32_t> lengths(static_cast<size_t>(N));
  for (int64_t n = 0; n < N; ++n)
    lengths[static_cast<size_t>(n)] = static_cast<int32_t>(T - T * (n * 37 % N) / (2 * N));
  return lengths;
}

template <class T>
T* LayerCall::add(size_t elements, size_t element) {
  buffers_.push_back(
      filled(elements * element, element == sizeof(float) ? RECUR_TYPE_FLOAT32 : type_, stream_));
  return reinterpret_cast<T*>(buffers_.back().data());
}

void* LayerCall::add_zeros(size_t bytes) {
  buffers_.emplace_back(bytes);
  if (bytes > 0) buffers_.back().set_zero(stream_);
  return buffers_.back().data();
}

LayerCall::LayerCall(const recur_layer_descriptor& d, Pass pass, recur_stream stream)
    : pass_(pass), stream_(stream), layer_(d), type_(d.type) {
  const recur_layer_sizes sizes = layer_.sizes();
  const size_t typed = element_bytes(d.type), single = sizeof(float);
  const size_t rows = static_cast<size_t>(d.steps * d.batch),
               D = static_cast<size_t>(std::max<int64_t>(d.directions, 1));
  const size_t out = static_cast<size_t>(d.projection_size > 0 ? d.projection_size : d.hidden_size);
  const size_t inputs = static_cast<size_t>(d.input_size);
  const size_t h = sizes.state_elements, c = sizes.cell_state_elements;
  const auto cell_state = [&] { return c > 0 ? add<float>(c, single) : nullptr; };

  const void* const parameters = add<void>(sizes.parameter_elements, typed);
  if (pass == Pass::step) {
    step_.stream = stream;
    step_.parameters = parameters;
    step_.x = add<void>(static_cast<size_t>(d.batch) * inputs, typed);
    step_.h = add<void>(h, typed);
    step_.c = cell_state();
    step_.h_next = add<void>(h, typed);
    step_.c_next = cell_state();
    step_.workspace = add_zeros(sizes.step_workspace);
    step_.workspace_size = sizes.step_workspace;
    return;
  }

  forward_.stream = backward_.stream = stream;
  forward_.parameters = backward_.parameters = parameters;
  forward_.x = backward_.x = add<void>(rows * inputs, typed);
  forward_.h0 = backward_.h0 = add<void>(h, typed);
  forward_.c0 = backward_.c0 = cell_state();
  void* const y = add<void>(rows * D * out, typed);
  forward_.y = y, backward_.y = y;
  forward_.hT = add<void>(h, typed);
  forward_.cT = cell_state();
  if (d.ragged != 0) {
    buffers_.emplace_back(static_cast<size_t>(d.batch) * sizeof(int32_t));
    const std::vector<int32_t> lengths = some_lengths(d.steps, d.batch);
    check(recur_copy_to_device(buffers_.back().data(), lengths.data(), buffers_.back().size(), stream));
    forward_.lengths = backward_.lengths = reinterpret_cast<const int32_t*>(buffers_.back().data());
  }
  const size_t workspace = pass == Pass::training
                               ? std::max(sizes.training_workspace, sizes.backward_workspace)
                               : sizes.inference_workspace;
  forward_.workspace = backward_.workspace = add_zeros(workspace);
  forward_.workspace_size = backward_.workspace_size = workspace;
  if (pass == Pass::inference) return;

  void* const reserve = add_zeros(sizes.reserve);
  forward_.reserve = reserve, backward_.reserve = reserve;
  forward_.reserve_size = backward_.reserve_size = sizes.reserve;
  backward_.dy = add<void>(rows * D * out, typed);
  backward_.dhT = add<float>(h, single);
  backward_.dcT = cell_state();
  backward_.dx = add<void>(rows * inputs, typed);
  backward_.dh0 = add<float>(h, single);
  backward_.dc0 = cell_state();
  backward_.dparameters = add<float>(sizes.parameter_elements, single);
}

void LayerCall::run(recur_stream stream) const {
  if (pass_ == Pass::step) {
    recur_layer_step_args step = step_;
    step.stream = stream;
    return layer_.step(step);
  }
  recur_layer_forward_args forward = forward_;
  forward.stream = stream;
  layer_.forward(forward);
  if (pass_ != Pass::training) return;
  recur_layer_backward_args backward = backward_;
  backward.stream = stream;
  layer_.backward(backward);
}

}  // namespace recur::bench
