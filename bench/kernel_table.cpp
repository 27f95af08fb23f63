#include "kernel_table.hpp"

#include <fmt/format.h>

#include <memory>

#include "layer_call.hpp"

namespace recur::bench {
namespace {

// What a kernel reads and writes at least for each hidden unit of each row and step: so many floats, whatever
// the type, and so many elements of the type.
struct Least {
  int floats, typed;
  double bytes(recur_type type) const {
    return 4.0 * floats + static_cast<double>(element_bytes(type)) * typed;
  }
};

struct Cell {
  recur_cell cell;
  const char* name;
  Least training, inference, backward;
};
const Cell kCells[] = {
    // Floats: four gates' pre-activations, c' and c. Typed: h and, in training, four gates. Back, floats: c,
    // c', dh, dc
    // and dc'; typed: four gates, dy, four gates' gradients.
    {RECUR_CELL_LSTM, "LSTM", {6, 5}, {6, 1}, {5, 9}},
    // Floats: three pre-activations and their recurrent parts. Typed: h', h and, in training, r, z, n and u.
    // Back,
    // floats: dh and what reaches h' directly; typed: r, z, n, u, h', dy, three gradients and the candidate's
    // own.
    {RECUR_CELL_GRU, "GRU", {6, 6}, {6, 2}, {2, 10}},
    // Float: a; typed: h. Back, float: dh; typed: h, dy, one gradient.
    {RECUR_CELL_RNN_TANH, "RNN tanh", {1, 1}, {1, 1}, {1, 3}},
};

// In a mangled name: the kernel that reads elements of the type. Sums of partial sums are float's.
const char* column_sum(recur_type type) {
  return type == RECUR_TYPE_FLOAT16    ? "column_sum_kernelI6__half"
         : type == RECUR_TYPE_BFLOAT16 ? "column_sum_kernelI13__nv_bfloat16"
                                       : "column_sum_kernelIf";
}

enum class Part { training, inference, backward };

struct LayerWork {
  const Cell& cell;
  recur_type type;
  int64_t T, N, I, H;
  Part part;
};

KernelWork make(const LayerWork& w, recur_stream stream) {
  recur_layer_descriptor d = {};
  d.residency = RECUR_RESIDENCY_STREAMED;  // these are its kernels
  d.cell = w.cell.cell, d.type = w.type;
  d.steps = w.T, d.batch = w.N, d.input_size = w.I, d.hidden_size = w.H;
  const auto call =
      std::make_shared<LayerCall>(d, w.part == Part::inference ? Pass::inference : Pass::training, stream);
  recur_layer_forward_args forward = call->forward_args();
  forward.hT = nullptr, forward.cT = nullptr;
  const recur_layer_backward_args backward = call->backward_args();
  const char* const suffix = w.type == RECUR_TYPE_FLOAT16    ? " fp16"
                             : w.type == RECUR_TYPE_BFLOAT16 ? " bf16"
                                                             : "";
  const double units = static_cast<double>(w.T * w.N * w.H);
  KernelWork work;
  work.call = std::string(w.cell.name) + suffix;
  work.shape = fmt::format("T{} N{} I{} H{}", w.T, w.N, w.I, w.H);
  if (w.part == Part::backward) {
    call->layer().forward(forward);  // whose reserve backward reads
    work.call += " backward";
    work.run = [call, backward](recur_stream on) {
      recur_layer_backward_args args = backward;
      args.stream = on;
      call->layer().backward(args);
    };
    work.kernels = {{"backward_kernel", w.cell.backward.bytes(w.type) * units, units}};
    if (w.cell.cell == RECUR_CELL_LSTM)
      work.kernels.push_back({column_sum(w.type), Least{0, 4}.bytes(w.type) * units, 4 * units});
    return work;
  }
  const bool training = w.part == Part::training;
  work.call += training ? " forward, training" : " forward, inference";
  work.run = [call, forward](recur_stream on) {
    recur_layer_forward_args args = forward;
    args.stream = on;
    call->layer().forward(args);
  };
  const Least& least = training ? w.cell.training : w.cell.inference;
  work.kernels = {{"forward_kernel", least.bytes(w.type) * units, units}};
  return work;
}

KernelWork cross_entropy(int64_t M, int64_t V, recur_stream stream) {
  struct Buffers {
    DeviceBuffer<char> logits;
    DeviceBuffer<float> loss{1};
    DeviceBuffer<int32_t> targets;
    DeviceBuffer<char> workspace;
    recur_cross_entropy_args args = {};
  };
  const auto b = std::make_shared<Buffers>();
  size_t bytes = 0;
  check(recur_cross_entropy_workspace(M, V, &bytes));
  b->logits = filled(static_cast<size_t>(M * V) * sizeof(float), RECUR_TYPE_FLOAT32, stream);
  b->targets = DeviceBuffer<int32_t>(static_cast<size_t>(M));
  b->targets.set_zero(stream);
  b->workspace = DeviceBuffer<char>(bytes);
  b->args.rows = M, b->args.classes = V;
  b->args.logits = b->args.gradient = reinterpret_cast<float*>(b->logits.data());
  b->args.targets = b->targets.data();
  b->args.loss = b->loss.data();
  b->args.workspace = b->workspace.data(), b->args.workspace_size = bytes;
  const double elements = static_cast<double>(M * V);
  const auto run = [b](recur_stream on) {
    b->args.stream = on;
    check(recur_cross_entropy(&b->args));
  };
  return {"cross-entropy, in place",
          fmt::format("M{} V{}", M, V),
          run,
          {{V <= 512 ? "warp_kernel" : "block_kernel", 8 * elements, elements}}};
}

KernelWork adam(int64_t n, recur_stream stream) {
  struct Buffers {
    DeviceBuffer<char> p, g, m, v;
    DeviceBuffer<int64_t> step{1};
    DeviceBuffer<char> workspace{RECUR_OPTIMIZER_WORKSPACE};
    recur_optimizer_step_args args = {};
  };
  const auto b = std::make_shared<Buffers>();
  const size_t bytes = static_cast<size_t>(n) * sizeof(float);
  b->p = filled(bytes, RECUR_TYPE_FLOAT32, stream), b->g = filled(bytes, RECUR_TYPE_FLOAT32, stream);
  b->m = DeviceBuffer<char>(bytes), b->v = DeviceBuffer<char>(bytes);
  b->m.set_zero(stream), b->v.set_zero(stream), b->step.set_zero(stream);
  const auto floats = [](const DeviceBuffer<char>& buffer) {
    return reinterpret_cast<float*>(buffer.data());
  };
  b->args.kind = RECUR_OPTIMIZER_ADAM, b->args.size = n;
  b->args.parameters = floats(b->p), b->args.gradients = floats(b->g);
  b->args.first_moment = floats(b->m), b->args.second_moment = floats(b->v), b->args.step = b->step.data();
  b->args.learning_rate = 1e-3f, b->args.beta1 = 0.9f, b->args.beta2 = 0.999f, b->args.epsilon = 1e-8f;
  b->args.workspace = b->workspace.data(), b->args.workspace_size = b->workspace.size();
  const double elements = static_cast<double>(n);
  const auto run = [b](recur_stream on) {
    b->args.stream = on;
    check(recur_optimizer_step(&b->args));
  };
  return {"Adam", fmt::format("n{}", n), run, {{"update_kernel", 28 * elements, elements}}};
}

using Maker = std::function<KernelWork(recur_stream)>;

std::vector<Maker> make_table() {
  std::vector<Maker> all;
  const auto add = [&](const Cell& cell, recur_type type, int64_t T, int64_t N, int64_t I, int64_t H) {
    for (const Part part : {Part::training, Part::inference, Part::backward})
      all.emplace_back([=, &cell](recur_stream stream) {
        return make({cell, type, T, N, I, H, part}, stream);
      });
  };
  for (const Cell& cell : kCells) {
    add(cell, RECUR_TYPE_FLOAT32, 8, 16, 64, 128);
    add(cell, RECUR_TYPE_FLOAT32, 5, 7, 33, 65);
  }
  add(kCells[0], RECUR_TYPE_FLOAT32, 4, 32, 128, 256);
  add(kCells[0], RECUR_TYPE_FLOAT32, 4, 1, 64, 512);
  for (const Cell* cell : {&kCells[0], &kCells[1]}) {
    for (const recur_type type : {RECUR_TYPE_FLOAT16, RECUR_TYPE_BFLOAT16}) {
      add(*cell, type, 8, 16, 64, 128);
      add(*cell, type, 5, 7, 33, 65);
    }
  }
  all.emplace_back([](recur_stream stream) { return cross_entropy(256, 96, stream); });
  all.emplace_back([](recur_stream stream) { return cross_entropy(16, 5000, stream); });
  all.emplace_back([](recur_stream stream) { return adam(1 << 16, stream); });
  return all;
}

const std::vector<Maker>& table() {
  static const std::vector<Maker> all = make_table();
  return all;
}

}  // namespace

size_t kernel_work_count() { return table().size(); }
KernelWork make_kernel_work(size_t k, recur_stream stream) { return table().at(k)(stream); }

}  // namespace recur::bench
