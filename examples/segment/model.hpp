// A labeller of letters out of recur's parts: at every letter of rows of different lengths it says whether a
// word ends there:
//   letters [T,N] -> embedding [26,E] -> LSTM, both directions [2H] -> linear [2] -> softmax cross-entropy,
//   summed
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "training.hpp"
#include "verses.hpp"

namespace segment {

using examples::Floats;
using examples::Integers;

constexpr int kClasses = 2;

struct Config {
  int64_t hidden = 64, embedding = 16, batch = 32, length = 128;
  uint64_t seed = 1;
};

inline recur_layer_descriptor lstm(const Config& config) {
  recur_layer_descriptor d = {};
  d.cell = RECUR_CELL_LSTM;
  d.type = RECUR_TYPE_FLOAT32;
  d.steps = config.length;
  d.batch = config.batch;
  d.input_size = config.embedding;
  d.hidden_size = config.hidden;
  d.directions = 2;
  d.ragged = 1;
  return d;
}

class Labeller {
 public:
  explicit Labeller(const Config& config)
      : T_(config.length),
        N_(config.batch),
        E_(config.embedding),
        outputs_(2 * config.hidden),
        layer_(lstm(config)),
        linear_({RECUR_TYPE_FLOAT32, T_ * N_, outputs_, kClasses, 1}),
        parameters_({static_cast<size_t>(kLetters * E_), layer_.sizes().parameter_elements,
                     static_cast<size_t>(kClasses * outputs_), kClasses},
                    stream_) {
    std::mt19937_64 random(config.seed);
    parameters_.set(kTable, examples::uniform(kLetters * E_, 0.5f, random));
    parameters_.set(kLayer, examples::initial_lstm(layer_, config.hidden, 2, random));
    parameters_.set(
        kWeight, examples::uniform(kClasses * outputs_, 1 / std::sqrt(static_cast<float>(outputs_)), random));

    const recur_layer_sizes sizes = layer_.sizes();
    for (Integers* each : {&letters_, &ends_}) *each = Integers(T_ * N_);
    lengths_ = Integers(N_);
    for (Floats* inputs : {&x_, &dx_}) *inputs = Floats(T_ * N_ * E_);
    for (Floats* outputs : {&y_, &dy_}) *outputs = Floats(T_ * N_ * outputs_);
    logits_ = Floats(T_ * N_ * kClasses);
    reserve_ = recur::DeviceBuffer<char>(sizes.reserve);
    // One workspace for all: calls on one stream follow each other.
    workspace_ = recur::DeviceBuffer<char>(
        std::max<size_t>({sizes.training_workspace, sizes.inference_workspace, sizes.backward_workspace,
                          linear_.sizes().forward_workspace, linear_.sizes().backward_workspace,
                          recur::cross_entropy_workspace(T_ * N_, kClasses),
                          recur::embedding_backward_workspace(T_ * N_, kLetters, E_)}));
  }

  recur_stream stream() const { return stream_; }
  int64_t parameters() const { return parameters_.count(); }

  // Learns from N rows; loss [1] on the device gets the sum over all letters that were asked, in nats.
  void train(const std::vector<const Row*>& batch, float learning_rate, float* loss) {
    forward(batch, true);
    auto entropy = arguments<recur::CrossEntropy>();
    entropy.rows = T_ * N_;
    entropy.classes = kClasses;
    entropy.logits = logits_.data();
    entropy.targets = ends_.data();
    entropy.use_ignore_index = 1;
    entropy.ignore_index = kNotAsked;
    entropy.reduction = RECUR_REDUCTION_SUM;
    entropy.loss = loss;
    entropy.gradient = logits_.data();  // in place
    recur::cross_entropy(entropy);

    auto linear = arguments<recur::LinearBackward>();
    linear.input = y_.data();
    linear.weight = parameters_.values(kWeight);
    linear.output_gradient = logits_.data();
    linear.input_gradient = dy_.data();
    linear.weight_gradient = parameters_.gradients(kWeight);
    linear.bias_gradient = parameters_.gradients(kBias);
    linear_.backward(linear);

    auto layer = arguments<recur::LayerBackward>();
    layer.parameters = parameters_.values(kLayer);
    layer.x = x_.data();
    layer.y = y_.data();
    layer.dy = dy_.data();
    layer.dx = dx_.data();
    layer.dparameters = parameters_.gradients(kLayer);
    layer.lengths = lengths_.data();
    layer.reserve = reserve_.data();
    layer.reserve_size = reserve_.bytes();
    layer_.backward(layer);

    auto embedding = arguments<recur::EmbeddingBackward>();
    embedding.count = T_ * N_;
    embedding.vocabulary = kLetters;
    embedding.size = E_;
    embedding.indices = letters_.data();
    embedding.output_gradient = dx_.data();
    embedding.table_gradient = parameters_.gradients(kTable);
    recur::embedding_backward(embedding);
    // The loss is a sum over rows, and so is the norm that is still taken as it is.
    parameters_.update(learning_rate, static_cast<float>(N_));
  }

  // For each row and letter, whether a word ends there.
  std::vector<std::vector<bool>> label(const std::vector<Row>& rows) {
    std::vector<std::vector<bool>> all;
    for (size_t begin = 0; begin < rows.size(); begin += N_) {
      std::vector<const Row*> batch;
      for (size_t i = begin; i < std::min<size_t>(begin + N_, rows.size()); i++) batch.push_back(&rows[i]);
      forward(batch, false);
      const std::vector<float> logits = logits_.to_host(stream_);
      for (size_t n = 0; n < batch.size(); n++) {
        std::vector<bool> ends(batch[n]->letters.size());
        for (size_t t = 0; t < ends.size(); t++) {
          const float* row = &logits[(t * N_ + n) * kClasses];
          ends[t] = row[1] > row[0];
        }
        all.push_back(ends);
      }
    }
    return all;
  }

 private:
  enum Part { kTable, kLayer, kWeight, kBias };

  template <class Arguments>
  Arguments arguments() const {
    return examples::arguments<Arguments>(stream_, workspace_);
  }

  // At most N rows side by side, time first; what is beyond a row's length is not asked, and a row too few
  // has length 0.
  void forward(const std::vector<const Row*>& batch, bool training) {
    std::vector<int32_t> letters(T_ * N_, 0), ends(T_ * N_, kNotAsked), lengths(N_, 0);
    for (size_t n = 0; n < batch.size(); n++) {
      lengths[n] = static_cast<int32_t>(batch[n]->letters.size());
      for (int32_t t = 0; t < lengths[n]; t++) {
        letters[t * N_ + n] = batch[n]->letters[t];
        ends[t * N_ + n] = batch[n]->ends[t];
      }
    }
    letters_.from_host(letters, stream_);
    ends_.from_host(ends, stream_);
    lengths_.from_host(lengths, stream_);

    recur::EmbeddingForward embedding = {};
    embedding.stream = stream_;
    embedding.count = T_ * N_;
    embedding.vocabulary = kLetters;
    embedding.size = E_;
    embedding.table = parameters_.values(kTable);
    embedding.indices = letters_.data();
    embedding.output = x_.data();
    recur::embedding_forward(embedding);

    auto layer = arguments<recur::LayerForward>();
    layer.parameters = parameters_.values(kLayer);
    layer.x = x_.data();
    layer.y = y_.data();
    layer.lengths = lengths_.data();
    if (training) layer.reserve = reserve_.data(), layer.reserve_size = reserve_.bytes();
    layer_.forward(layer);

    auto linear = arguments<recur::LinearForward>();
    linear.input = y_.data();
    linear.weight = parameters_.values(kWeight);
    linear.bias = parameters_.values(kBias);
    linear.output = logits_.data();
    linear_.forward(linear);
  }

  int64_t T_, N_, E_, outputs_;  // outputs: 2H
  recur::Stream stream_;
  recur::Layer layer_;
  recur::Linear linear_;
  examples::Parameters parameters_;
  Integers letters_, ends_, lengths_;  // [T,N], [T,N], [N]
  Floats x_, dx_, y_, dy_, logits_;    // [T,N,E], [T,N,E], [T,N,2H], [T,N,2H], [T,N,2]
  recur::DeviceBuffer<char> reserve_, workspace_;
};

}  // namespace segment
