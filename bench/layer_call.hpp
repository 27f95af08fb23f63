// A layer with buffers of its own for every pass that the benchmark runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "recur/recur.hpp"
#include "shapes.hpp"

namespace recur::bench {

size_t element_bytes(recur_type type);

// Small values of the type.
DeviceBuffer<char> filled(size_t bytes, recur_type type, recur_stream stream);

// Of a ragged batch: from T down to half of it, not in order.
std::vector<int32_t> some_lengths(int64_t T, int64_t N);

class LayerCall {
 public:
  // Everything that calls read has small values; the workspaces are zero.
  LayerCall(const recur_layer_descriptor& layer, Pass pass, recur_stream stream);

  // Enqueue one call: of training forward and backward.
  void run() const { run(stream_); }
  void run(recur_stream stream) const;

  const Layer& layer() const { return layer_; }
  const recur_layer_forward_args& forward_args() const { return forward_; }
  const recur_layer_backward_args& backward_args() const { return backward_; }

 private:
  template <class T>
  T* add(size_t elements, size_t element);  // with values
  void* add_zeros(size_t bytes);

  Pass pass_;
  recur_stream stream_;
  Layer layer_;
  std::vector<DeviceBuffer<char>> buffers_;
  recur_type type_;
  recur_layer_forward_args forward_ = {};
  recur_layer_backward_args backward_ = {};
  recur_layer_step_args step_ = {};
};

}  // namespace recur::bench
