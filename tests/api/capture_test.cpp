// Every call that only enqueues work, recorded into a CUDA graph and replayed; a layer's own are tested in
// layer_capture_test.cpp.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "recur/linear.hpp"
#include "recur/optim.hpp"
#include "recur/sequence.hpp"
#include "tests/support/captured_call.hpp"

namespace recur::test {
namespace {

constexpr recur_status kInvalid = RECUR_INVALID_ARGUMENT, kTooSmall = RECUR_BUFFER_TOO_SMALL;
float host_memory[4];  // no call may be given it

// ---- linear -------------------------------------------------------------------------------------

TEST(LinearCapture, ForwardAndBackward) {
  for (const recur_linear_descriptor& d :
       {recur_linear_descriptor{RECUR_TYPE_FLOAT32, 7, 5, 3, 1},
        {RECUR_TYPE_FLOAT32, 64, 32, 96, 1},
        {RECUR_TYPE_TFLOAT32, 33, 17, 31, 0},
        {RECUR_TYPE_FLOAT32, 1025, 13, 37, 1},
        {RECUR_TYPE_FLOAT16, 64, 32, 96, 1},
        {RECUR_TYPE_BFLOAT16, 1025, 13, 37, 1}}) {
    for (const size_t skip : {0, 1}) {  // off alignment the bias is copied first
      SCOPED_TRACE(testing::Message()
                   << "type " << d.type << ", " << d.rows << " rows, " << d.inputs << " to " << d.outputs << " skip " << skip);
      const Linear plan(d);
      CallBuffers buffers(skip);
      LinearForward forward = {};
      forward.input = buffers.typed(d.type, "x", size_t(d.rows * d.inputs));
      forward.weight = buffers.typed(d.type, "W", size_t(d.outputs * d.inputs));
      forward.bias = d.has_bias ? buffers.typed(d.type, "b", size_t(d.outputs)) : nullptr;
      forward.output = buffers.typed(d.type, "y", size_t(d.rows * d.outputs));
      forward.workspace = buffers.workspace(plan.sizes().forward_workspace);
      forward.workspace_size = plan.sizes().forward_workspace;
      CapturedCall<LinearForward>{
          buffers,
          forward,
          [&](const LinearForward* a) { return recur_linear_forward(plan.get(), a); },
          {{kInvalid, [](LinearForward& a) { a.weight = nullptr; }},
           {kInvalid, [](LinearForward& a) { a.output = host_memory; }},
           {kInvalid, [](LinearForward& a) { a.output = const_cast<void*>(a.input); }}}}
          .expect_replays_like_direct_calls();

      LinearBackward backward = {};
      backward.input = forward.input;
      backward.weight = forward.weight;
      backward.output_gradient = forward.output;
      backward.input_gradient = buffers.typed(d.type, "dx", size_t(d.rows * d.inputs));
      backward.weight_gradient = buffers.floats("dW", size_t(d.outputs * d.inputs));
      backward.bias_gradient = d.has_bias ? buffers.floats("db", size_t(d.outputs)) : nullptr;
      backward.workspace = buffers.workspace(plan.sizes().backward_workspace);
      backward.workspace_size = plan.sizes().backward_workspace;
      for (backward.accumulate = 0; backward.accumulate < 2; ++backward.accumulate) {
        CapturedCall<LinearBackward>{
            buffers,
            backward,
            [&](const LinearBackward* a) { return recur_linear_backward(plan.get(), a); },
            {{kInvalid, [](LinearBackward& a) { a.output_gradient = nullptr; }},
             {kInvalid, [](LinearBackward& a) { a.weight_gradient = host_memory; }},
             {kInvalid, [](LinearBackward& a) { a.input_gradient = const_cast<void*>(a.output_gradient); }}}}
            .expect_replays_like_direct_calls();
      }
    }
  }
}

// ---- embedding, cross-entropy, sampling ---------------------------------------------------------

TEST(EmbeddingCapture, ForwardAndBackward) {
  struct Shape {
    int64_t count, vocabulary, size;
  };
  // Backward scans the indices in one part, in several, or sorts them.
  for (const Shape& s : {Shape{97, 101, 20}, {9000, 10, 5}, {2049, 1100, 33}}) {
    SCOPED_TRACE(testing::Message() << s.count << " " << s.vocabulary << " " << s.size);
    CallBuffers buffers;
    EmbeddingForward forward = {};
    forward.count = s.count;
    forward.vocabulary = s.vocabulary;
    forward.size = s.size;
    forward.table = buffers.floats("table", size_t(s.vocabulary * s.size));
    forward.indices = buffers.integers("indices", size_t(s.count), -1, s.vocabulary + 1);  // bad ones too
    forward.output = buffers.floats("output", size_t(s.count * s.size));
    forward.bad_indices = buffers.values<int32_t>("bad_indices", {1000}, {2000});
    CapturedCall<EmbeddingForward>{buffers,
                                   forward,
                                   recur_embedding_forward,
                                   {{kInvalid, [](EmbeddingForward& a) { a.count = -1; }},
                                    {kInvalid, [](EmbeddingForward& a) { a.table = nullptr; }},
                                    {kInvalid, [](EmbeddingForward& a) { a.output = host_memory; }}}}
        .expect_replays_like_direct_calls();

    EmbeddingBackward backward = {};
    backward.count = s.count;
    backward.vocabulary = s.vocabulary;
    backward.size = s.size;
    backward.indices = forward.indices;
    backward.output_gradient = forward.output;
    backward.table_gradient = buffers.floats("dtable", size_t(s.vocabulary * s.size));
    backward.workspace_size = embedding_backward_workspace(s.count, s.vocabulary, s.size);
    backward.workspace = buffers.workspace(backward.workspace_size);
    for (backward.accumulate = 0; backward.accumulate < 2; ++backward.accumulate) {
      CapturedCall<EmbeddingBackward> call{
          buffers,
          backward,
          recur_embedding_backward,
          {{kInvalid, [](EmbeddingBackward& a) { a.vocabulary = 0; }},
           {kInvalid, [](EmbeddingBackward& a) { a.indices = nullptr; }},
           {kInvalid, [](EmbeddingBackward& a) { a.table_gradient = host_memory; }}}};
      if (backward.workspace_size > 0)
        call.refused.push_back({kTooSmall, [](EmbeddingBackward& a) { --a.workspace_size; }});
      call.expect_replays_like_direct_calls();
    }
  }
}

TEST(CrossEntropyCapture, WithAndWithoutItsGradientInPlace) {
  for (const int64_t classes : {65, 513, 4100}) {
    for (const bool in_place : {false, true}) {
      SCOPED_TRACE(testing::Message() << classes << " classes, in place " << in_place);
      const int64_t rows = 5;
      CallBuffers buffers;
      CrossEntropy args = {};
      args.rows = rows;
      args.classes = classes;
      float* logits = buffers.floats("logits", size_t(rows * classes), 4);
      args.logits = logits;
      args.targets = buffers.values<int32_t>("targets", {0, 3, 64, -1, 7}, {5, 7, int32_t(classes), 1, 60});
      args.use_ignore_index = 1;
      args.ignore_index = 7;
      args.smoothing = 0.1f;
      args.reduction = in_place ? RECUR_REDUCTION_SUM : RECUR_REDUCTION_MEAN;
      args.loss = buffers.floats("loss", 1);
      args.row_losses = buffers.floats("row_losses", size_t(rows));
      args.gradient = in_place ? logits : buffers.floats("gradient", size_t(rows * classes));
      args.bad_targets = buffers.values<int32_t>("bad_targets", {1000}, {2000});
      args.workspace_size = cross_entropy_workspace(rows, classes);
      args.workspace = buffers.workspace(args.workspace_size);
      CapturedCall<CrossEntropy>{buffers,
                                 args,
                                 recur_cross_entropy,
                                 {{kInvalid, [](CrossEntropy& a) { a.smoothing = 2; }},
                                  {kInvalid, [](CrossEntropy& a) { a.targets = nullptr; }},
                                  {kInvalid, [](CrossEntropy& a) { a.loss = host_memory; }},
                                  {kInvalid, [](CrossEntropy& a) { a.row_losses = a.loss; }},
                                  {kTooSmall, [](CrossEntropy& a) { a.workspace_size = 0; }}}}
          .expect_replays_like_direct_calls();
    }
  }
}

TEST(SampleCapture, DrawsAndTakesTheLargest) {
  for (const int64_t classes : {40, 65, 1500}) {
    for (const float temperature : {0.0f, 0.7f}) {
      SCOPED_TRACE(testing::Message() << classes << " classes, temperature " << temperature);
      CallBuffers buffers;
      Sample args = {};
      args.rows = 20;
      args.classes = classes;
      args.logits = buffers.floats("logits", size_t(20 * classes), 4);
      args.temperature = temperature;
      args.seed = 11;
      args.offset = 5;
      args.samples =
          buffers.values<int32_t>("samples", std::vector<int32_t>(20, -7), std::vector<int32_t>(20, -9));
      args.log_probabilities = buffers.floats("log_probabilities", 20);
      CapturedCall<Sample>{buffers,
                           args,
                           recur_sample,
                           {{kInvalid, [](Sample& a) { a.temperature = -1; }},
                            {kInvalid, [](Sample& a) { a.classes = 0; }},
                            {kInvalid, [](Sample& a) { a.logits = nullptr; }},
                            {kInvalid, [](Sample& a) { a.log_probabilities = host_memory; }}}}
          .expect_replays_like_direct_calls();
    }
  }
}

// ---- optimisers ---------------------------------------------------------------------------------

// The host arrays are gone when the graph runs: their values are wiped as soon as the call has returned.
TEST(GlobalNormCapture, ReadsNoHostMemoryWhenReplayed) {
  CallBuffers buffers;
  const std::vector<int64_t> sizes = {1, 0, 70000, 513, 33};
  std::vector<const float*> pointers;
  for (int64_t size : sizes)
    pointers.push_back(size > 0 ? buffers.floats("gradients", size_t(size)) : nullptr);
  const float infinity = std::numeric_limits<float>::infinity();
  pointers[0] = buffers.values<float>("first", {2}, {infinity});
  GlobalNorm args = {};
  args.count = int(sizes.size());
  args.buffers = pointers.data();
  args.sizes = sizes.data();
  args.norm = buffers.floats("norm", 1);
  args.nonfinite = buffers.values<int32_t>("nonfinite", {1000}, {2000});
  args.workspace_size = global_norm_workspace(args.count, args.sizes);
  args.workspace = buffers.workspace(args.workspace_size);
  const auto call = [&](const GlobalNorm* given) {
    if (given == nullptr) return recur_global_norm(given);
    GlobalNorm a = *given;
    std::vector<const float*> host_pointers = pointers;
    std::vector<int64_t> host_sizes = sizes;
    if (a.buffers != nullptr) a.buffers = host_pointers.data();
    if (a.sizes != nullptr) a.sizes = host_sizes.data();
    const recur_status status = recur_global_norm(&a);
    std::fill(host_pointers.begin(), host_pointers.end(), nullptr);
    std::fill(host_sizes.begin(), host_sizes.end(), -1);
    return status;
  };
  CapturedCall<GlobalNorm>{buffers,
                           args,
                           call,
                           {{kInvalid, [](GlobalNorm& a) { a.count = 0; }},
                            {kInvalid, [](GlobalNorm& a) { a.buffers = nullptr; }},
                            {kInvalid, [](GlobalNorm& a) { a.sizes = nullptr; }},
                            {kInvalid, [](GlobalNorm& a) { a.norm = host_memory; }},
                            {kTooSmall, [](GlobalNorm& a) { a.workspace_size = 0; }}}}
      .expect_replays_like_direct_calls();
}

// The step counter, the clipping and the decision to skip are the device's: each replay makes its own.
TEST(OptimizerCapture, EveryKind) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const recur_optimizer_kind kind : {RECUR_OPTIMIZER_SGD, RECUR_OPTIMIZER_ADAM, RECUR_OPTIMIZER_ADAMW}) {
    for (const bool skips : {false, true}) {
      SCOPED_TRACE(testing::Message() << "kind " << kind << " skips " << skips);
      const size_t size = 5003;
      CallBuffers buffers;
      OptimizerStep args = {};
      args.kind = kind;
      args.size = int64_t(size);
      args.parameters = buffers.floats("parameters", size);
      args.gradients = buffers.floats("gradients", size);
      args.first_moment = buffers.floats("first_moment", size);
      if (kind != RECUR_OPTIMIZER_SGD) {
        std::vector<float> squares = random_fill(size, 99);
        for (float& v : squares) v *= v;
        args.second_moment = buffers.values("second_moment", squares, std::vector<float>(size, 0.25f));
      }
      args.step = buffers.values<int64_t>("step", {0}, {41});
      args.learning_rate = 0.01f;
      args.momentum = kind == RECUR_OPTIMIZER_SGD ? 0.9f : 0;
      args.nesterov = kind == RECUR_OPTIMIZER_SGD;
      args.beta1 = 0.9f;
      args.beta2 = 0.999f;
      args.epsilon = 1e-8f;
      args.weight_decay = 0.1f;
      args.gradient_norm = buffers.values<float>("gradient_norm", {3}, {skips ? nan : 0.5f});
      args.max_norm = 1;
      args.skip_nonfinite = skips;
      args.skipped_steps = buffers.values<int32_t>("skipped_steps", {1000}, {2000});
      args.workspace = buffers.workspace(RECUR_OPTIMIZER_WORKSPACE);
      args.workspace_size = RECUR_OPTIMIZER_WORKSPACE;
      CapturedCall<OptimizerStep>{buffers,
                                  args,
                                  recur_optimizer_step,
                                  {{kInvalid, [](OptimizerStep& a) { a.learning_rate = -1; }},
                                   {kInvalid, [](OptimizerStep& a) { a.gradients = nullptr; }},
                                   {kInvalid, [](OptimizerStep& a) { a.parameters = host_memory; }},
                                   {kInvalid, [](OptimizerStep& a) { a.gradient_norm = nullptr; }},
                                   {kTooSmall, [](OptimizerStep& a) { a.workspace_size = 0; }}}}
          .expect_replays_like_direct_calls();
    }
  }
}

}  // namespace
}  // namespace recur::test
