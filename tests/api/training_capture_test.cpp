// A whole training step recorded into one CUDA graph.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "recur/recur.hpp"
#include "tests/support/captured_call.hpp"

namespace recur::test {
namespace {

// What a captured training loop is: embedding, layer, projection, loss, all gradients, their norm and the
// update, in one graph. Only counters and parameters on the device tell one replay from the next.
TEST(TrainingStepCapture, ReplaysGoOnTraining) {
  const int64_t T = 4, N = 3, V = 29, E = 6, H = 10, rows = T * N;
  recur_layer_descriptor descriptor = {};
  descriptor.cell = RECUR_CELL_LSTM;
  descriptor.type = RECUR_TYPE_FLOAT32;
  descriptor.steps = T;
  descriptor.batch = N;
  descriptor.input_size = E;
  descriptor.hidden_size = H;
  const Layer layer(descriptor);
  const recur_layer_sizes sizes = layer.sizes();
  const Linear linear({RECUR_TYPE_FLOAT32, rows, H, V, 1});

  // All parameters in one buffer, all gradients in another.
  const size_t recurrent = size_t(V * E), weight = recurrent + sizes.parameter_elements,
               bias = weight + size_t(V * H), count = bias + size_t(V);
  const std::vector<int64_t> norm_sizes = {int64_t(count)};
  CallBuffers buffers;
  float* parameters = buffers.floats("parameters", count, 0.3);
  float* gradients = buffers.floats("gradients", count);
  float* moments[2];
  for (float*& m : moments)
    m = buffers.values("moments", std::vector<float>(count), std::vector<float>(count));
  int64_t* step = buffers.values<int64_t>("step", {0}, {0});
  int32_t* indices = buffers.integers("indices", size_t(rows), 0, V);
  int32_t* targets = buffers.integers("targets", size_t(rows), 0, V);
  float* x = buffers.floats("x", size_t(rows * E));
  float* y = buffers.floats("y", size_t(rows * H));
  float* logits = buffers.floats("logits", size_t(rows * V));
  float* dx = buffers.floats("dx", size_t(rows * E));
  float* dy = buffers.floats("dy", size_t(rows * H));
  float* loss = buffers.floats("loss", 1);
  float* norm = buffers.floats("norm", 1);
  void* reserve = buffers.reserve(sizes.reserve);
  const size_t bytes =
      std::max({sizes.training_workspace, sizes.backward_workspace, linear.sizes().forward_workspace,
                linear.sizes().backward_workspace, cross_entropy_workspace(rows, V),
                embedding_backward_workspace(rows, V, E), global_norm_workspace(1, norm_sizes.data()),
                size_t(RECUR_OPTIMIZER_WORKSPACE)});
  void* workspace = buffers.workspace(bytes);

  const auto train = [&](cudaStream_t stream) {
    const auto in = [&](auto args) {
      args.stream = stream;
      args.workspace = workspace;
      args.workspace_size = bytes;
      return args;
    };
    EmbeddingForward embed = {};
    embed.stream = stream;
    embed.count = rows;
    embed.vocabulary = V;
    embed.size = E;
    embed.table = parameters;
    embed.indices = indices;
    embed.output = x;
    embedding_forward(embed);
    LayerForward forward = in(LayerForward{});
    forward.parameters = parameters + recurrent;
    forward.x = x;
    forward.y = y;
    forward.reserve = reserve;
    forward.reserve_size = sizes.reserve;
    layer.forward(forward);
    LinearForward project = in(LinearForward{});
    project.input = y;
    project.weight = parameters + weight;
    project.bias = parameters + bias;
    project.output = logits;
    linear.forward(project);
    CrossEntropy entropy = in(CrossEntropy{});
    entropy.rows = rows;
    entropy.classes = V;
    entropy.logits = entropy.gradient = logits;
    entropy.targets = targets;
    entropy.loss = loss;
    cross_entropy(entropy);
    LinearBackward unproject = in(LinearBackward{});
    unproject.input = y;
    unproject.weight = parameters + weight;
    unproject.output_gradient = logits;
    unproject.input_gradient = dy;
    unproject.weight_gradient = gradients + weight;
    unproject.bias_gradient = gradients + bias;
    linear.backward(unproject);
    LayerBackward backward = in(LayerBackward{});
    backward.parameters = parameters + recurrent;
    backward.x = x;
    backward.y = y;
    backward.dy = dy;
    backward.dx = dx;
    backward.dparameters = gradients + recurrent;
    backward.reserve = reserve;
    backward.reserve_size = sizes.reserve;
    layer.backward(backward);
    EmbeddingBackward unembed = in(EmbeddingBackward{});
    unembed.count = rows;
    unembed.vocabulary = V;
    unembed.size = E;
    unembed.indices = indices;
    unembed.output_gradient = dx;
    unembed.table_gradient = gradients;
    embedding_backward(unembed);
    GlobalNorm sum = in(GlobalNorm{});
    const float* const all[] = {gradients};
    sum.count = 1;
    sum.buffers = all;
    sum.sizes = norm_sizes.data();
    sum.norm = norm;
    global_norm(sum);
    OptimizerStep update = in(OptimizerStep{});
    update.kind = RECUR_OPTIMIZER_ADAM;
    update.size = int64_t(count);
    update.parameters = parameters;
    update.gradients = gradients;
    update.first_moment = moments[0];
    update.second_moment = moments[1];
    update.step = step;
    update.learning_rate = 0.05f;
    update.beta1 = 0.9f;
    update.beta2 = 0.999f;
    update.epsilon = 1e-8f;
    update.gradient_norm = norm;
    update.max_norm = 1;
    optimizer_step(update);
  };

  const Stream stream;
  constexpr int kSteps = 5;
  std::vector<CallBuffers::Contents> direct;
  std::vector<float> losses;
  buffers.load(0);
  for (int k = 0; k < kSteps; ++k) {
    train(stream);
    direct.push_back(buffers.contents());
    float value;
    check_cuda(cudaMemcpy(&value, loss, sizeof value, cudaMemcpyDeviceToHost), "cudaMemcpy");
    losses.push_back(value);
  }
  EXPECT_LT(losses.back(), losses.front() - 0.1f);  // it is training that is replayed
  buffers.load(0);
  const RecordedGraph graph(stream, [&] { train(stream); });
  for (int k = 0; k < kSteps; ++k) {
    graph.launch();
    EXPECT_EQ(buffers.difference(buffers.contents(), direct[size_t(k)]), "") << "step " << k;
  }
  EXPECT_EQ(buffers.damage(), "");
}

}  // namespace
}  // namespace recur::test
