// cuDNN's time for the same call, by every algorithm of its own.
#include <algorithm>
#include <stdexcept>

#include "bench/cudnn/network.hpp"
#include "layer_call.hpp"
#include "time_gpu.hpp"

namespace recur::bench {
namespace {

// What cuDNN's calls read and write: its states and their gradients are of the layer's type.
struct Buffers {
  std::vector<DeviceBuffer<char>> all;
  cudnn::Forward forward = {};
  cudnn::Backward backward = {};

  Buffers(const recur_layer_descriptor& d, const recur_layer_sizes& sizes, recur_stream stream) {
    const size_t element = element_bytes(d.type), rows = static_cast<size_t>(d.steps * d.batch);
    const size_t out = static_cast<size_t>(std::max<int64_t>(d.directions, 1) *
                                           (d.projection_size > 0 ? d.projection_size : d.hidden_size));
    const auto add = [&](size_t elements) -> void* {
      if (elements == 0) return nullptr;
      all.push_back(filled(elements * element, d.type, stream));
      return all.back().data();
    };
    const size_t x = rows * static_cast<size_t>(d.input_size), h = sizes.state_elements,
                 c = sizes.cell_state_elements;
    forward.x = backward.x = add(x);
    forward.h0 = backward.h0 = add(h);
    forward.c0 = backward.c0 = add(c);
    backward.y = forward.y = add(rows * out);
    forward.hT = add(h);
    forward.cT = add(c);
    backward.dy = add(rows * out);
    backward.dhT = add(h);
    backward.dcT = add(c);
    backward.dx = add(x);
    backward.dh0 = add(h);
    backward.dc0 = add(c);
  }
};

}  // namespace

std::vector<Timing> time_cudnn(const Timer& timer, const recur_layer_descriptor& given, Pass pass) {
  recur_layer_descriptor layer = given;
  if (pass == Pass::step) layer.steps = 1;  // cuDNN has no call for a step: a sequence of one
  const cudnn::Handle handle;
  const Stream stream;
  const Layer plan(layer);
  const Buffers buffers(layer, plan.sizes(), stream);
  const DeviceBuffer<char> parameters =
      filled(plan.sizes().parameter_elements * element_bytes(layer.type), layer.type, stream);
  cudnn::Options options;
  if (layer.ragged != 0) options.lengths = some_lengths(layer.steps, layer.batch);

  std::vector<Timing> all;
  for (const cudnn::Algorithm algorithm : cudnn::algorithms) {
    const std::string name = std::string("cuDNN ") + cudnn::name_of(algorithm);
    try {
      cudnn::Network network(handle, layer, algorithm, options);
      network.set_parameters(plan.get(), parameters.data(), stream);
      stream.synchronize();
      all.push_back(timer.time(name, [&](recur_stream on) {
        network.forward(pass == Pass::training, buffers.forward, on);
        if (pass == Pass::training) network.backward(buffers.backward, false, on);
      }));
    } catch (const std::exception& error) {
      Timing refused;
      refused.name = name;
      refused.refused = error.what();
      all.push_back(refused);
    }
  }
  return all;
}

}  // namespace recur::bench
