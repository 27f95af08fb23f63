// A character-level language model out of recur's parts:
//   symbol -> embedding [V,E] -> LSTM [H] -> linear [V] -> softmax cross-entropy
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "training.hpp"

namespace char_lm {

using examples::Floats;
using Symbols = examples::Integers;

struct Config {
  int64_t vocabulary = 0, embedding = 64, hidden = 256, batch = 32, chunk = 32;
  uint64_t seed = 1;
};

inline recur_layer_descriptor lstm(int64_t T, int64_t N, const Config& config) {
  recur_layer_descriptor d = {};
  d.cell = RECUR_CELL_LSTM;
  d.type = RECUR_TYPE_FLOAT32;
  d.steps = T;
  d.batch = N;
  d.input_size = config.embedding;
  d.hidden_size = config.hidden;
  return d;
}

// Plans, activations and carried state for T steps of N rows. Training and sampling have one each.
struct Network {
  Network(int64_t T, int64_t N, const Config& config)
      : rows(T * N),
        layer(lstm(T, N, config)),
        linear({RECUR_TYPE_FLOAT32, rows, config.hidden, config.vocabulary, 1}) {
    const recur_layer_sizes sizes = layer.sizes();
    for (Floats* state : {&h, &c, &h_next, &c_next}) *state = Floats(sizes.state_elements);
    for (Floats* inputs : {&x, &dx}) *inputs = Floats(rows * config.embedding);
    for (Floats* outputs : {&y, &dy}) *outputs = Floats(rows * config.hidden);
    logits = Floats(rows * config.vocabulary);
    reserve = recur::DeviceBuffer<char>(sizes.reserve);
    // One workspace for all: calls on one stream follow each other.
    workspace = recur::DeviceBuffer<char>(std::max<size_t>(
        {sizes.training_workspace, sizes.inference_workspace, sizes.backward_workspace, sizes.step_workspace,
         linear.sizes().forward_workspace, linear.sizes().backward_workspace,
         recur::cross_entropy_workspace(rows, config.vocabulary),
         recur::embedding_backward_workspace(rows, config.vocabulary, config.embedding)}));
  }

  int64_t rows;
  recur::Layer layer;
  recur::Linear linear;
  Floats x, y, logits, dx, dy;  // [T,N,E], [T,N,H], [T,N,V]
  Floats h, c, h_next, c_next;  // [N,H]
  recur::DeviceBuffer<char> reserve, workspace;
};

class Model {
 public:
  explicit Model(const Config& config)
      : config_(config),
        chunk_(config.chunk, config.batch, config),
        one_(1, 1, config),
        parameters_({static_cast<size_t>(config.vocabulary * config.embedding), chunk_.layer.sizes().parameter_elements,
                     static_cast<size_t>(config.vocabulary * config.hidden), static_cast<size_t>(config.vocabulary)},
                    stream_) {
    std::mt19937_64 random(config.seed);
    const int64_t V = config.vocabulary, H = config.hidden;
    parameters_.set(kTable, examples::uniform(V * config.embedding, 0.5f, random));
    parameters_.set(kLayer, examples::initial_lstm(chunk_.layer, H, 1, random));
    parameters_.set(kWeight, examples::uniform(V * H, 1 / std::sqrt(static_cast<float>(H)), random));
    forget();
  }

  recur_stream stream() const { return stream_; }
  int64_t parameters() const { return parameters_.count(); }

  // Back to the state at a text's beginning.
  void forget() {
    for (Network* n : {&chunk_, &one_}) n->h.set_zero(stream_), n->c.set_zero(stream_);
  }

  // Learns from one chunk: inputs and targets [T,N] on the device, target -1 for none. The state goes on from
  // the last call, the gradient stops here: truncated back-propagation through time. loss [1] gets the mean
  // in nats.
  void train(const int32_t* inputs, const int32_t* targets, float learning_rate, float* loss) {
    Network& n = chunk_;
    forward(n, inputs, true);
    cross_entropy(n, targets, RECUR_REDUCTION_MEAN, loss, n.logits.data());

    auto linear = arguments<recur::LinearBackward>(n);
    linear.input = n.y.data();
    linear.weight = parameters_.values(kWeight);
    linear.output_gradient = n.logits.data();
    linear.input_gradient = n.dy.data();
    linear.weight_gradient = parameters_.gradients(kWeight);
    linear.bias_gradient = parameters_.gradients(kBias);
    n.linear.backward(linear);

    auto layer = arguments<recur::LayerBackward>(n);
    layer.parameters = parameters_.values(kLayer);
    layer.x = n.x.data();
    layer.h0 = n.h.data();
    layer.c0 = n.c.data();
    layer.y = n.y.data();
    layer.dy = n.dy.data();
    layer.dx = n.dx.data();
    layer.dparameters = parameters_.gradients(kLayer);
    layer.reserve = n.reserve.data();
    layer.reserve_size = n.reserve.bytes();
    n.layer.backward(layer);
    carry(n);

    auto embedding = arguments<recur::EmbeddingBackward>(n);
    embedding.count = n.rows;
    embedding.vocabulary = config_.vocabulary;
    embedding.size = config_.embedding;
    embedding.indices = inputs;
    embedding.output_gradient = n.dx.data();
    embedding.table_gradient = parameters_.gradients(kTable);
    recur::embedding_backward(embedding);
    parameters_.update(learning_rate, 1);
  }

  // The same without learning; loss [1] gets the sum in nats.
  void evaluate(const int32_t* inputs, const int32_t* targets, float* loss) {
    forward(chunk_, inputs, false);
    cross_entropy(chunk_, targets, RECUR_REDUCTION_SUM, loss, nullptr);
    carry(chunk_);
  }

  // Writes length symbols after symbols[0]: each is drawn on the device and read there as the next input.
  std::vector<int32_t> sample(int32_t first, int64_t length, float temperature) {
    Network& n = one_;
    std::vector<int32_t> text(length + 1, first);
    Symbols symbols(text.size());
    symbols.from_host(text, stream_);
    for (int64_t i = 0; i < length; i++) {
      embed(n, symbols.data() + i);
      auto step = arguments<recur::LayerStep>(n);
      step.parameters = parameters_.values(kLayer);
      step.x = n.x.data();
      step.h = n.h.data();
      step.c = n.c.data();
      step.h_next = n.h_next.data();
      step.c_next = n.c_next.data();
      n.layer.step(step);
      carry(n);
      project(n, n.h.data());

      recur::Sample draw = {};
      draw.stream = stream_;
      draw.rows = 1;
      draw.classes = config_.vocabulary;
      draw.logits = n.logits.data();
      draw.temperature = temperature;
      draw.seed = config_.seed;
      draw.offset = static_cast<uint64_t>(i);
      draw.samples = symbols.data() + i + 1;
      recur::sample(draw);
    }
    text = symbols.to_host(stream_);
    text.erase(text.begin());
    return text;
  }

 private:
  enum Part { kTable, kLayer, kWeight, kBias };

  template <class Arguments>
  Arguments arguments(const Network& n) const {
    return examples::arguments<Arguments>(stream_, n.workspace);
  }

  void embed(Network& n, const int32_t* inputs) {
    recur::EmbeddingForward args = {};
    args.stream = stream_;
    args.count = n.rows;
    args.vocabulary = config_.vocabulary;
    args.size = config_.embedding;
    args.table = parameters_.values(kTable);
    args.indices = inputs;
    args.output = n.x.data();
    recur::embedding_forward(args);
  }

  void project(Network& n, const float* hidden) {
    auto args = arguments<recur::LinearForward>(n);
    args.input = hidden;
    args.weight = parameters_.values(kWeight);
    args.bias = parameters_.values(kBias);
    args.output = n.logits.data();
    n.linear.forward(args);
  }

  void forward(Network& n, const int32_t* inputs, bool training) {
    embed(n, inputs);
    auto args = arguments<recur::LayerForward>(n);
    args.parameters = parameters_.values(kLayer);
    args.x = n.x.data();
    args.h0 = n.h.data();
    args.c0 = n.c.data();
    args.y = n.y.data();
    args.hT = n.h_next.data();
    args.cT = n.c_next.data();
    if (training) args.reserve = n.reserve.data(), args.reserve_size = n.reserve.bytes();
    n.layer.forward(args);
    project(n, n.y.data());
  }

  void cross_entropy(Network& n, const int32_t* targets, recur_reduction reduction, float* loss,
                     float* gradient) {
    auto args = arguments<recur::CrossEntropy>(n);
    args.rows = n.rows;
    args.classes = config_.vocabulary;
    args.logits = n.logits.data();
    args.targets = targets;
    args.use_ignore_index = 1;
    args.ignore_index = -1;
    args.reduction = reduction;
    args.loss = loss;
    args.gradient = gradient;
    recur::cross_entropy(args);
  }

  // The state after this call's last step is the state before the next call's first.
  static void carry(Network& n) { std::swap(n.h, n.h_next), std::swap(n.c, n.c_next); }

  Config config_;
  recur::Stream stream_;
  Network chunk_, one_;
  examples::Parameters parameters_;
};

}  // namespace char_lm
