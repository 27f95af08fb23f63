// A classifier of digits out of recur's parts: a picture is a sequence of 8 steps of 8 pixels, and the last
// hidden state says what it is:
//   rows [T=8,N,I=8] -> LSTM [H] -> hT [N,H] -> linear [10] -> softmax cross-entropy
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "digits.hpp"
#include "training.hpp"

namespace digits {

using examples::Floats;
using examples::Integers;

struct Config {
  int64_t hidden = 64, batch = 32;
  uint64_t seed = 1;
};

inline recur_layer_descriptor lstm(const Config& config) {
  recur_layer_descriptor d = {};
  d.cell = RECUR_CELL_LSTM;
  d.type = RECUR_TYPE_FLOAT32;
  d.steps = kRows;
  d.batch = config.batch;
  d.input_size = kColumns;
  d.hidden_size = config.hidden;
  return d;
}

class Classifier {
 public:
  explicit Classifier(const Config& config)
      : N_(config.batch),
        H_(config.hidden),
        layer_(lstm(config)),
        linear_({RECUR_TYPE_FLOAT32, N_, H_, kClasses, 1}),
        parameters_({layer_.sizes().parameter_elements, static_cast<size_t>(kClasses * H_), kClasses},
                    stream_) {
    std::mt19937_64 random(config.seed);
    parameters_.set(kLayer, examples::initial_lstm(layer_, H_, 1, random));
    parameters_.set(kWeight, examples::uniform(kClasses * H_, 1 / std::sqrt(static_cast<float>(H_)), random));

    const recur_layer_sizes sizes = layer_.sizes();
    x_ = Floats(kRows * N_ * kColumns);
    y_ = Floats(kRows * N_ * H_);
    for (Floats* state : {&hT_, &dhT_}) *state = Floats(N_ * H_);
    logits_ = Floats(N_ * kClasses);
    labels_ = Integers(N_);
    reserve_ = recur::DeviceBuffer<char>(sizes.reserve);
    // One workspace for all: calls on one stream follow each other.
    workspace_ = recur::DeviceBuffer<char>(
        std::max<size_t>({sizes.training_workspace, sizes.inference_workspace, sizes.backward_workspace,
                          linear_.sizes().forward_workspace, linear_.sizes().backward_workspace,
                          recur::cross_entropy_workspace(N_, kClasses)}));
  }

  recur_stream stream() const { return stream_; }
  int64_t parameters() const { return parameters_.count(); }

  // Learns from N digits; loss [1] on the device gets their mean in nats.
  void train(const std::vector<Digit>& batch, float learning_rate, float* loss) {
    forward(batch, true);
    auto entropy = arguments<recur::CrossEntropy>();
    entropy.rows = N_;
    entropy.classes = kClasses;
    entropy.logits = logits_.data();
    entropy.targets = labels_.data();
    entropy.loss = loss;
    entropy.gradient = logits_.data();  // in place
    recur::cross_entropy(entropy);

    auto linear = arguments<recur::LinearBackward>();
    linear.input = hT_.data();
    linear.weight = parameters_.values(kWeight);
    linear.output_gradient = logits_.data();
    linear.input_gradient = dhT_.data();
    linear.weight_gradient = parameters_.gradients(kWeight);
    linear.bias_gradient = parameters_.gradients(kBias);
    linear_.backward(linear);

    auto layer = arguments<recur::LayerBackward>();
    layer.parameters = parameters_.values(kLayer);
    layer.x = x_.data();
    layer.y = y_.data();
    layer.dhT = dhT_.data();  // dy is absent: only the last state has a loss
    layer.dparameters = parameters_.gradients(kLayer);
    layer.reserve = reserve_.data();
    layer.reserve_size = reserve_.bytes();
    layer_.backward(layer);
    parameters_.update(learning_rate, 1, 0.01f);
  }

  std::vector<int32_t> classify(const std::vector<Digit>& all) {
    std::vector<int32_t> said;
    for (size_t begin = 0; begin < all.size(); begin += N_) {
      std::vector<Digit> batch;  // the last one is filled up with the last digit
      for (int64_t n = 0; n < N_; n++) batch.push_back(all[std::min(begin + n, all.size() - 1)]);
      forward(batch, false);
      const std::vector<float> logits = logits_.to_host(stream_);
      for (size_t n = 0; n < std::min<size_t>(N_, all.size() - begin); n++) {
        const auto row = logits.begin() + n * kClasses;
        said.push_back(static_cast<int32_t>(std::max_element(row, row + kClasses) - row));
      }
    }
    return said;
  }

 private:
  enum Part { kLayer, kWeight, kBias };

  template <class Arguments>
  Arguments arguments() const {
    return examples::arguments<Arguments>(stream_, workspace_);
  }

  void forward(const std::vector<Digit>& batch, bool training) {
    std::vector<float> x(x_.size());
    std::vector<int32_t> labels(N_);
    for (int64_t n = 0; n < N_; n++) {
      labels[n] = batch[n].label;
      for (int t = 0; t < kRows; t++)
        std::copy_n(batch[n].pixels.begin() + t * kColumns, kColumns, x.begin() + (t * N_ + n) * kColumns);
    }
    x_.from_host(x, stream_);
    labels_.from_host(labels, stream_);

    auto layer = arguments<recur::LayerForward>();
    layer.parameters = parameters_.values(kLayer);
    layer.x = x_.data();
    layer.y = y_.data();
    layer.hT = hT_.data();
    if (training) layer.reserve = reserve_.data(), layer.reserve_size = reserve_.bytes();
    layer_.forward(layer);

    auto linear = arguments<recur::LinearForward>();
    linear.input = hT_.data();
    linear.weight = parameters_.values(kWeight);
    linear.bias = parameters_.values(kBias);
    linear.output = logits_.data();
    linear_.forward(linear);
  }

  int64_t N_, H_;
  recur::Stream stream_;
  recur::Layer layer_;
  recur::Linear linear_;
  examples::Parameters parameters_;
  Floats x_, y_, hT_, dhT_, logits_;  // [T,N,I], [T,N,H], [N,H], [N,H], [N,10]
  Integers labels_;                   // [N]
  recur::DeviceBuffer<char> reserve_, workspace_;
};

}  // namespace digits
