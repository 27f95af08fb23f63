// A character-level language model out of recur's parts:
//   symbol -> embedding [V,E] -> LSTM [H] -> linear [V] -> softmax cross-entropy
// All parameters lie in one buffer, and so do their gradients: one norm, one optimiser step.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "recur/recur.hpp"

namespace char_lm {

using Floats = recur::DeviceBuffer<float>;
using Symbols = recur::DeviceBuffer<int32_t>;

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
         linear.sizes().forward_workspace, linear.sizes().backward_workspace, RECUR_OPTIMIZER_WORKSPACE,
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
        adam_step_(1),
        norm_(1) {
    const recur_layer_sizes layer = chunk_.layer.sizes();
    const int64_t V = config.vocabulary, E = config.embedding, H = config.hidden;
    // Each part begins at a multiple of 16 bytes. The embedding's table lies at 0.
    const auto round_up = [](size_t count) { return (count + 3) / 4 * 4; };
    layer_at_ = round_up(V * E);
    weight_at_ = layer_at_ + round_up(layer.parameter_elements);
    bias_at_ = weight_at_ + round_up(V * H);
    count_ = static_cast<int64_t>(bias_at_ + round_up(V));

    std::mt19937_64 random(config.seed);
    std::vector<float> values(count_, 0.0f);
    const auto fill = [&](size_t from, size_t count, float bound) {
      std::uniform_real_distribution<float> uniform(-bound, bound);
      for (size_t i = from; i < from + count; i++) values[i] = uniform(random);
    };
    const float bound = 1 / std::sqrt(static_cast<float>(H));
    fill(0, V * E, 0.5f);
    fill(layer_at_, layer.b_ih_offset, bound);  // both weight matrices
    fill(weight_at_, V * H, bound);
    // Gates are i f g o; a forget gate that begins open lets gradients through.
    std::fill_n(values.begin() + layer_at_ + layer.b_ih_offset + H, H, 1.0f);

    for (Floats* buffer : {&parameters_, &gradients_, &first_moment_, &second_moment_}) {
      *buffer = Floats(count_);
      buffer->set_zero(stream_);
    }
    parameters_.from_host(values, stream_);
    adam_step_.set_zero(stream_);
    norm_workspace_ = recur::DeviceBuffer<char>(recur::global_norm_workspace(1, &count_));
    forget();
  }

  recur_stream stream() const { return stream_; }
  int64_t parameters() const { return count_; }

  // Back to the state at a text's beginning.
  void forget() {
    for (Network* n : {&chunk_, &one_}) n->h.set_zero(stream_), n->c.set_zero(stream_);
  }

  // Learns from one chunk: inputs and targets [T,N] on the device, target -1 for none. The state goes on from
  // the last call, the gradient stops here: truncated back-propagation through time. loss [1] gets the sum in
  // nats.
  void train(const int32_t* inputs, const int32_t* targets, float learning_rate, float* loss) {
    Network& n = chunk_;
    forward(n, inputs, true);
    cross_entropy(n, targets, RECUR_REDUCTION_MEAN, loss, n.logits.data());

    auto linear = arguments<recur::LinearBackward>(n);
    linear.input = n.y.data();
    linear.weight = parameters_.data() + weight_at_;
    linear.output_gradient = n.logits.data();
    linear.input_gradient = n.dy.data();
    linear.weight_gradient = gradients_.data() + weight_at_;
    linear.bias_gradient = gradients_.data() + bias_at_;
    n.linear.backward(linear);

    auto layer = arguments<recur::LayerBackward>(n);
    layer.parameters = parameters_.data() + layer_at_;
    layer.x = n.x.data();
    layer.h0 = n.h.data();
    layer.c0 = n.c.data();
    layer.y = n.y.data();
    layer.dy = n.dy.data();
    layer.dx = n.dx.data();
    layer.dparameters = gradients_.data() + layer_at_;
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
    embedding.table_gradient = gradients_.data();
    recur::embedding_backward(embedding);
    update(learning_rate);
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
      step.parameters = parameters_.data() + layer_at_;
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
  template <class Arguments>
  Arguments arguments(const Network& n) const {
    Arguments args = {};
    args.stream = stream_;
    args.workspace = n.workspace.data();
    args.workspace_size = n.workspace.bytes();
    return args;
  }

  void embed(Network& n, const int32_t* inputs) {
    recur::EmbeddingForward args = {};
    args.stream = stream_;
    args.count = n.rows;
    args.vocabulary = config_.vocabulary;
    args.size = config_.embedding;
    args.table = parameters_.data();
    args.indices = inputs;
    args.output = n.x.data();
    recur::embedding_forward(args);
  }

  void project(Network& n, const float* hidden) {
    auto args = arguments<recur::LinearForward>(n);
    args.input = hidden;
    args.weight = parameters_.data() + weight_at_;
    args.bias = parameters_.data() + bias_at_;
    args.output = n.logits.data();
    n.linear.forward(args);
  }

  void forward(Network& n, const int32_t* inputs, bool training) {
    embed(n, inputs);
    auto args = arguments<recur::LayerForward>(n);
    args.parameters = parameters_.data() + layer_at_;
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

  // Adam on everything, the gradient clipped to a norm of 1; the norm never leaves the device.
  void update(float learning_rate) {
    const float* buffers[] = {gradients_.data()};
    recur::GlobalNorm norm = {};
    norm.stream = stream_;
    norm.count = 1;
    norm.buffers = buffers;
    norm.sizes = &count_;
    norm.norm = norm_.data();
    norm.workspace = norm_workspace_.data();
    norm.workspace_size = norm_workspace_.bytes();
    recur::global_norm(norm);

    auto adam = arguments<recur::OptimizerStep>(chunk_);
    adam.kind = RECUR_OPTIMIZER_ADAM;
    adam.size = count_;
    adam.parameters = parameters_.data();
    adam.gradients = gradients_.data();
    adam.first_moment = first_moment_.data();
    adam.second_moment = second_moment_.data();
    adam.step = adam_step_.data();
    adam.learning_rate = learning_rate;
    adam.beta1 = 0.9f;
    adam.beta2 = 0.99f;
    adam.epsilon = 1e-8f;
    adam.gradient_norm = norm_.data();
    adam.max_norm = 1;
    recur::optimizer_step(adam);
  }

  Config config_;
  recur::Stream stream_;
  Network chunk_, one_;
  size_t layer_at_ = 0, weight_at_ = 0, bias_at_ = 0;  // elements
  int64_t count_ = 0;                                  // of all parameters
  Floats parameters_, gradients_, first_moment_, second_moment_;
  recur::DeviceBuffer<int64_t> adam_step_;
  Floats norm_;
  recur::DeviceBuffer<char> norm_workspace_;
};

}  // namespace char_lm
