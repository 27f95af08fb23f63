// What the examples' models have in common: parameters in one buffer with their optimiser, first values, and
// the order in which examples are taken.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "recur/recur.hpp"

namespace examples {

using Floats = recur::DeviceBuffer<float>;
using Integers = recur::DeviceBuffer<int32_t>;

// A call's arguments, all absent but the stream and the scratch memory.
template <class Arguments>
Arguments arguments(recur_stream stream, const recur::DeviceBuffer<char>& workspace) {
  Arguments args = {};
  args.stream = stream;
  args.workspace = workspace.data();
  args.workspace_size = workspace.bytes();
  return args;
}

// All that a model learns lies in one buffer, and so do the gradients and Adam's moments: one norm, one
// update.
class Parameters {
 public:
  // sizes are the elements of each part; each begins at a multiple of 16 bytes, for the widest accesses.
  Parameters(const std::vector<size_t>& sizes, recur_stream stream) : stream_(stream), steps_(1), norm_(1) {
    size_t count = 0;
    for (size_t size : sizes) {
      begins_.push_back(count);
      count += (size + 3) / 4 * 4;
    }
    count_ = static_cast<int64_t>(count);
    for (Floats* buffer : {&values_, &gradients_, &first_moment_, &second_moment_}) {
      *buffer = Floats(count);
      buffer->set_zero(stream_);
    }
    steps_.set_zero(stream_);
    norm_workspace_ = recur::DeviceBuffer<char>(recur::global_norm_workspace(1, &count_));
    update_workspace_ = recur::DeviceBuffer<char>(RECUR_OPTIMIZER_WORKSPACE);
  }

  int64_t count() const { return count_; }
  float* values(size_t part) const { return values_.data() + begins_[part]; }
  float* gradients(size_t part) const { return gradients_.data() + begins_[part]; }

  void set(size_t part, const std::vector<float>& values) {
    recur::check(
        recur_copy_to_device(this->values(part), values.data(), values.size() * sizeof(float), stream_));
  }

  // AdamW on everything (Adam without weight_decay), the gradient clipped to max_norm; the norm never leaves
  // the device.
  void update(float learning_rate, float max_norm, float weight_decay = 0) {
    const float* buffers[] = {gradients_.data()};
    auto norm = arguments<recur::GlobalNorm>(stream_, norm_workspace_);
    norm.count = 1;
    norm.buffers = buffers;
    norm.sizes = &count_;
    norm.norm = norm_.data();
    recur::global_norm(norm);

    auto adam = arguments<recur::OptimizerStep>(stream_, update_workspace_);
    adam.kind = RECUR_OPTIMIZER_ADAMW;
    adam.size = count_;
    adam.parameters = values_.data();
    adam.gradients = gradients_.data();
    adam.first_moment = first_moment_.data();
    adam.second_moment = second_moment_.data();
    adam.step = steps_.data();
    adam.learning_rate = learning_rate;
    adam.beta1 = 0.9f;
    adam.beta2 = 0.99f;  // for short trainings: the usual 0.999 looks back on a thousand steps
    adam.epsilon = 1e-8f;
    adam.weight_decay = weight_decay;
    adam.gradient_norm = norm_.data();
    adam.max_norm = max_norm;
    recur::optimizer_step(adam);
  }

 private:
  recur_stream stream_;
  std::vector<size_t> begins_;  // of the parts, elements
  int64_t count_ = 0;           // elements in all
  Floats values_, gradients_, first_moment_, second_moment_;
  recur::DeviceBuffer<int64_t> steps_;
  Floats norm_;
  recur::DeviceBuffer<char> norm_workspace_, update_workspace_;
};

inline std::vector<float> uniform(size_t count, float bound, std::mt19937_64& random) {
  std::uniform_real_distribution<float> distribution(-bound, bound);
  std::vector<float> values(count);
  for (float& value : values) value = distribution(random);
  return values;
}

// Weights uniform within 1/sqrt(H), biases 0 but those of the forget gates, which are 1: a gate that begins
// open lets gradients through. For an LSTM of one layer, in one direction or both.
inline std::vector<float> initial_lstm(const recur::Layer& layer, int64_t H, int64_t directions,
                                       std::mt19937_64& random) {
  std::vector<float> values(layer.sizes().parameter_elements, 0.0f);
  for (int64_t direction = 0; direction < directions; direction++) {
    for (recur_parameter which : {RECUR_PARAMETER_W_IH, RECUR_PARAMETER_W_HH}) {
      const recur_parameter_place place = layer.parameter(0, direction, which);
      const std::vector<float> weights =
          uniform(place.rows * place.columns, 1 / std::sqrt(static_cast<float>(H)), random);
      std::copy(weights.begin(), weights.end(), values.begin() + place.offset);
    }
    // Gates are i f g o.
    const size_t biases = layer.parameter(0, direction, RECUR_PARAMETER_B_IH).offset;
    std::fill_n(values.begin() + biases + H, H, 1.0f);
  }
  return values;
}

// The numbers 0..count-1 in a random order, then again in another, without end.
class Shuffled {
 public:
  Shuffled(size_t count, uint64_t seed) : order_(count), at_(count), random_(seed) {
    std::iota(order_.begin(), order_.end(), size_t{0});
  }
  size_t next() {
    if (at_ == order_.size()) {
      std::shuffle(order_.begin(), order_.end(), random_);
      at_ = 0;
    }
    return order_[at_++];
  }

 private:
  std::vector<size_t> order_;
  size_t at_;
  std::mt19937_64 random_;
};

}  // namespace examples
