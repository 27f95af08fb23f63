// One table of the library's kernels, each over some shapes. Emulated: what a kernel moves against the least that
// its inputs and outputs allow, counted. On a GPU: the time of the call, measured.
//
// recur_bench [FILE]: the same rows as JSON to FILE.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cxxabi.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "recur/recur.hpp"
#ifdef RECUR_BENCH_EMULATED
#include "ptxvm/ptxvm.h"
#endif

namespace {

// What is asked of one kernel: the least bytes are those of its inputs read once and its outputs written once.
struct Expectation {
  std::string part;   // of the kernel's name
  double least_bytes;
  double elements;    // that "instructions" is divided by
};

struct Work {
  std::string name, shape;
  std::function<void()> run;  // enqueues on the bench's stream
  std::vector<Expectation> kernels;
};

struct Row {
  std::string name, shape, kernel;
  unsigned long long launches = 0;
  double bytes = 0, least_bytes = 0, sector_bytes = 0, instructions = 0;
  double unique_bytes = 0, wavefronts = 0, conflicts = 0;
  double modelled_microseconds = 0;  // a launch; by the emulator's model, not measured
  std::string modelled_largest = "";
  double milliseconds = 0;
};

std::string readable(const char* mangled) {
  int status = 0;
  std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(mangled, nullptr, nullptr, &status), std::free);
  std::string name = status == 0 ? text.get() : mangled;
  if (size_t end = name.rfind('('); end != std::string::npos && end > 0) name.resize(end);
  for (const char* gone : {"void ", "recur::kernels::", "(anonymous namespace)::", "recur::cells::", "recur::device::", "recur::sweep::"}) {
    for (size_t at; (at = name.find(gone)) != std::string::npos;) name.erase(at, std::string(gone).size());
  }
  return name;
}

#ifdef RECUR_BENCH_EMULATED
std::vector<Row> measure(const Work& work, const recur::Stream& stream) {
  stream.synchronize();
  ptxvm_count_memory(1);
  ptxvm_reset_counters();
  work.run();
  stream.synchronize();
  std::vector<ptxvm_kernel_counters> counters(ptxvm_counters(nullptr, 0));
  counters.resize(std::min(counters.size(), ptxvm_counters(counters.data(), counters.size())));
  std::vector<Row> rows;
  for (const ptxvm_kernel_counters& c : counters) {
    for (const Expectation& expected : work.kernels) {
      if (std::string(c.name).find(expected.part) == std::string::npos) continue;
      Row row{work.name, work.shape, readable(c.name)};
      row.launches = c.launches;
      row.bytes = static_cast<double>(c.global_load.bytes + c.global_store.bytes);
      row.sector_bytes = 32.0 * static_cast<double>(c.global_load.sectors + c.global_store.sectors);
      row.least_bytes = expected.least_bytes;
      row.instructions = static_cast<double>(c.thread_instructions) / expected.elements;
      row.unique_bytes = static_cast<double>(c.unique_bytes_read + c.unique_bytes_written);
      for (const ptxvm_shared_traffic* t : {&c.shared_load, &c.shared_store, &c.shared_atomics}) {
        row.wavefronts += static_cast<double>(t->wavefronts);
        row.conflicts += static_cast<double>(t->conflicts);
      }
      row.modelled_microseconds = 1e6 * c.modelled_seconds / static_cast<double>(c.launches);
      row.modelled_largest = c.modelled_largest;
      rows.push_back(row);
    }
  }
  return rows;
}
#else
std::vector<Row> measure(const Work& work, const recur::Stream& stream) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> times;
  for (int i = 0; i < 25; ++i) {
    stream.synchronize();
    const auto begin = Clock::now();
    work.run();
    stream.synchronize();
    if (i >= 5) times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
  }
  std::sort(times.begin(), times.end());
  Row row{work.name, work.shape, "all"};
  row.milliseconds = times[times.size() / 2];
  return {row};
}
#endif

// Values that neither saturate nor vanish.
std::vector<float> some_values(size_t count, float scale) {
  std::vector<float> values(count);
  for (size_t k = 0; k < count; ++k) values[k] = scale * (static_cast<float>(k * 7919 % 1021) / 510.0f - 1.0f);
  return values;
}

recur::DeviceBuffer<float> filled(size_t count, recur_stream stream, float scale = 0.1f) {
  recur::DeviceBuffer<float> buffer(count);
  buffer.from_host(some_values(count, scale), stream);
  return buffer;
}

size_t element_size(recur_type type) {
  return type == RECUR_TYPE_FLOAT16 || type == RECUR_TYPE_BFLOAT16 ? 2 : sizeof(float);
}

// The same as elements of a type.
template <class T>
void put(T value, char* at) {
  std::memcpy(at, &value, sizeof value);
}
recur::DeviceBuffer<char> filled_typed(recur_type type, size_t count, recur_stream stream) {
  const std::vector<float> values = some_values(count, 0.1f);
  const size_t element = element_size(type);
  std::vector<char> bytes(count * element);
  for (size_t k = 0; k < count; ++k) {
    char* const at = &bytes[k * element];
    if (type == RECUR_TYPE_FLOAT16) put(__float2half_rn(values[k]), at);
    else if (type == RECUR_TYPE_BFLOAT16) put(__float2bfloat16_rn(values[k]), at);
    else put(values[k], at);
  }
  recur::DeviceBuffer<char> buffer(bytes.size());
  buffer.from_host(bytes, stream);
  return buffer;
}

struct LayerBench {
  recur::Layer layer;
  recur_layer_sizes sizes;
  std::vector<recur::DeviceBuffer<float>> floats;
  std::vector<recur::DeviceBuffer<char>> typed;
  recur::DeviceBuffer<char> workspace, reserve;
  recur_layer_forward_args forward = {};
  recur_layer_backward_args backward = {};

  LayerBench(const recur_layer_descriptor& d, recur_stream stream)
      : layer(d), sizes(layer.sizes()),
        workspace(std::max({sizes.training_workspace, sizes.inference_workspace, sizes.backward_workspace})),
        reserve(std::max<size_t>(sizes.reserve, 1)) {
    const size_t rows = static_cast<size_t>(d.steps * d.batch), state = sizes.state_elements;
    const bool has_c = sizes.cell_state_elements > 0;
    const size_t x = rows * static_cast<size_t>(d.input_size), y = rows * static_cast<size_t>(d.hidden_size);
    auto add = [&](size_t count) {
      typed.push_back(filled_typed(d.type, count, stream));
      return typed.back().data();
    };
    auto add_floats = [&](size_t count) {
      floats.push_back(filled(count, stream));
      return floats.back().data();
    };
    forward.stream = backward.stream = stream;
    backward.parameters = forward.parameters = add(sizes.parameter_elements);
    backward.x = forward.x = add(x);
    backward.h0 = forward.h0 = add(state);
    backward.c0 = forward.c0 = has_c ? add_floats(state) : nullptr;
    backward.y = forward.y = add(y);
    backward.dy = add(y);
    backward.dhT = add_floats(state);
    backward.dcT = has_c ? add_floats(state) : nullptr;
    backward.dx = add(x);
    backward.dh0 = add_floats(state);
    backward.dc0 = has_c ? add_floats(state) : nullptr;
    backward.dparameters = add_floats(sizes.parameter_elements);
    backward.workspace = forward.workspace = workspace.data();
    backward.workspace_size = forward.workspace_size = workspace.size();
    backward.reserve = reserve.data();
    backward.reserve_size = forward.reserve_size = reserve.size();
  }
  void run_forward(bool training) {
    forward.reserve = training ? reserve.data() : nullptr;
    layer.forward(forward);
  }
};

// What a kernel reads and writes at least for each hidden unit of each row and step: so many floats, whatever the
// type, and so many elements of the type.
struct Least {
  int floats, typed;
  double bytes(recur_type type) const { return 4.0 * floats + static_cast<double>(element_size(type)) * typed; }
};

struct CellBench {
  recur_cell cell;
  const char* name;
  Least training, inference, backward;
};
const CellBench kCells[] = {
    // Floats: four gates' pre-activations, c' and c. Typed: h and, in training, four gates. Back, floats: c, c', dh, dc
    // and dc'; typed: four gates, dy, four gates' gradients.
    {RECUR_CELL_LSTM, "LSTM", {6, 5}, {6, 1}, {5, 9}},
    // Floats: three pre-activations and their recurrent parts. Typed: h', h and, in training, r, z, n and u. Back,
    // floats: dh and what reaches h' directly; typed: r, z, n, u, h', dy, three gradients and the candidate's own.
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

void add_layer(std::vector<Work>& all, const CellBench& cell, recur_type type, int64_t T, int64_t N, int64_t I, int64_t H,
               recur_stream stream) {
  recur_layer_descriptor d = {};
  d.cell = cell.cell;
  d.type = type;
  d.steps = T;
  d.batch = N;
  d.input_size = I;
  d.hidden_size = H;
  auto bench = std::make_shared<LayerBench>(d, stream);
  const char* const suffix = type == RECUR_TYPE_FLOAT16 ? " fp16" : type == RECUR_TYPE_BFLOAT16 ? " bf16" : "";
  const std::string shape = fmt::format("T{} N{} I{} H{}", T, N, I, H), name = std::string(cell.name) + suffix;
  const double units = static_cast<double>(T * N * H);
  all.push_back({name + " forward, training", shape, [=] { bench->run_forward(true); },
                 {{"forward_kernel", cell.training.bytes(type) * units, units}}});
  all.push_back({name + " forward, inference", shape, [=] { bench->run_forward(false); },
                 {{"forward_kernel", cell.inference.bytes(type) * units, units}}});
  bench->run_forward(true);  // whose reserve backward reads
  std::vector<Expectation> back = {{"backward_kernel", cell.backward.bytes(type) * units, units}};
  if (cell.cell == RECUR_CELL_LSTM) back.push_back({column_sum(type), Least{0, 4}.bytes(type) * units, 4 * units});
  all.push_back({name + " backward", shape, [=] { bench->layer.backward(bench->backward); }, back});
}

void add_cross_entropy(std::vector<Work>& all, int64_t M, int64_t V, recur_stream stream) {
  struct Buffers {
    recur::DeviceBuffer<float> logits, loss;
    recur::DeviceBuffer<int32_t> targets;
    recur::DeviceBuffer<char> workspace;
    recur_cross_entropy_args args = {};
  };
  auto b = std::make_shared<Buffers>();
  size_t bytes = 0;
  recur::check(recur_cross_entropy_workspace(M, V, &bytes));
  b->logits = filled(static_cast<size_t>(M * V), stream, 3);
  b->loss = recur::DeviceBuffer<float>(1);
  b->targets = recur::DeviceBuffer<int32_t>(static_cast<size_t>(M));
  b->targets.set_zero(stream);
  b->workspace = recur::DeviceBuffer<char>(bytes);
  b->args.stream = stream;
  b->args.rows = M;
  b->args.classes = V;
  b->args.logits = b->args.gradient = b->logits.data();
  b->args.targets = b->targets.data();
  b->args.loss = b->loss.data();
  b->args.workspace = b->workspace.data();
  b->args.workspace_size = bytes;
  const double elements = static_cast<double>(M * V);
  all.push_back({"cross-entropy, in place", fmt::format("M{} V{}", M, V),
                 [=] { recur::check(recur_cross_entropy(&b->args)); },
                 {{V <= 512 ? "warp_kernel" : "block_kernel", 8 * elements, elements}}});
}

void add_adam(std::vector<Work>& all, int64_t n, recur_stream stream) {
  struct Buffers {
    recur::DeviceBuffer<float> p, g, m, v;
    recur::DeviceBuffer<int64_t> step;
    recur::DeviceBuffer<char> workspace;
    recur_optimizer_step_args args = {};
  };
  auto b = std::make_shared<Buffers>();
  const auto count = static_cast<size_t>(n);
  b->p = filled(count, stream);
  b->g = filled(count, stream);
  b->m = filled(count, stream, 0);
  b->v = filled(count, stream, 0);
  b->step = recur::DeviceBuffer<int64_t>(1);
  b->step.set_zero(stream);
  b->workspace = recur::DeviceBuffer<char>(RECUR_OPTIMIZER_WORKSPACE);
  b->args.stream = stream;
  b->args.kind = RECUR_OPTIMIZER_ADAM;
  b->args.size = n;
  b->args.parameters = b->p.data();
  b->args.gradients = b->g.data();
  b->args.first_moment = b->m.data();
  b->args.second_moment = b->v.data();
  b->args.step = b->step.data();
  b->args.learning_rate = 1e-3f;
  b->args.beta1 = 0.9f;
  b->args.beta2 = 0.999f;
  b->args.epsilon = 1e-8f;
  b->args.workspace = b->workspace.data();
  b->args.workspace_size = b->workspace.size();
  const double elements = static_cast<double>(n);
  all.push_back({"Adam", fmt::format("n{}", n), [=] { recur::check(recur_optimizer_step(&b->args)); },
                 {{"update_kernel", 28 * elements, elements}}});
}

void print(const std::vector<Row>& rows) {
#ifdef RECUR_BENCH_EMULATED
  fmt::print("Asked: bytes that all lanes ask for, a broadcast counted 32 times. Moved: the 32-byte sectors that the\n"
             "requests touch; unique: each byte read or written once a launch. All over the least bytes; PTX\n"
             "instructions a hidden unit, logit or parameter. Conflicts: passes through the banks of shared memory beyond\n"
             "the fewest, of all passes. Modelled: the time of a launch and what most of it goes to, computed from the\n"
             "counters (docs/performance-model.md), not measured.\n\n"
             "| call | shape | kernel | launches | least bytes | asked | moved | unique | instructions | conflicts | "
             "modelled us | most of it |\n"
             "|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|---|\n");
  for (const Row& r : rows)
    fmt::print("| {} | {} | {} | {} | {:.0f} | {:.3f} | {:.3f} | {:.3f} | {:.1f} | {:.0f} of {:.0f} | {:.2f} | {} |\n", r.name,
               r.shape, r.kernel, r.launches, r.least_bytes, r.bytes / r.least_bytes, r.sector_bytes / r.least_bytes,
               r.unique_bytes / r.least_bytes, r.instructions, r.conflicts, r.wavefronts, r.modelled_microseconds,
               r.modelled_largest);
#else
  fmt::print("| call | shape | ms, median of 20, host clock |\n|---|---|--:|\n");
  for (const Row& r : rows) fmt::print("| {} | {} | {:.4f} |\n", r.name, r.shape, r.milliseconds);
#endif
}

void write_json(const std::vector<Row>& rows, const std::string& device, const char* path) {
  nlohmann::json all = {{"device", device}, {"rows", nlohmann::json::array()}};
  for (const Row& r : rows)
    all["rows"].push_back({{"call", r.name},
                           {"shape", r.shape},
                           {"kernel", r.kernel},
                           {"launches", r.launches},
                           {"bytes", r.bytes},
                           {"least_bytes", r.least_bytes},
                           {"sector_bytes", r.sector_bytes},
                           {"instructions_per_element", r.instructions},
                           {"unique_bytes", r.unique_bytes},
                           {"shared_wavefronts", r.wavefronts},
                           {"bank_conflicts", r.conflicts},
                           {"modelled_microseconds", r.modelled_microseconds},
                           {"modelled_largest", r.modelled_largest},
                           {"milliseconds", r.milliseconds}});
  std::ofstream file(path);
  file << all.dump(2) << '\n';
  if (!file.flush()) throw std::runtime_error(std::string("cannot write ") + path);
}

int run(const char* json) {
  const recur::Stream stream;
  std::vector<Work> all;
  for (const CellBench& cell : kCells) {
    add_layer(all, cell, RECUR_TYPE_FLOAT32, 8, 16, 64, 128, stream);
    add_layer(all, cell, RECUR_TYPE_FLOAT32, 5, 7, 33, 65, stream);
  }
  add_layer(all, kCells[0], RECUR_TYPE_FLOAT32, 4, 32, 128, 256, stream);
  add_layer(all, kCells[0], RECUR_TYPE_FLOAT32, 4, 1, 64, 512, stream);
  for (const CellBench* cell : {&kCells[0], &kCells[1]}) {
    for (const recur_type type : {RECUR_TYPE_FLOAT16, RECUR_TYPE_BFLOAT16}) {
      add_layer(all, *cell, type, 8, 16, 64, 128, stream);
      add_layer(all, *cell, type, 5, 7, 33, 65, stream);
    }
  }
  add_cross_entropy(all, 256, 96, stream);
  add_cross_entropy(all, 16, 5000, stream);
  add_adam(all, 1 << 16, stream);
  const std::string device = recur::device_name();
  fmt::print("recur on {}\n\n", device);
  std::vector<Row> rows;
  for (const Work& work : all)
    for (Row& row : measure(work, stream)) rows.push_back(std::move(row));
  print(rows);
  if (json != nullptr) write_json(rows, device, json);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
#ifndef NDEBUG
  fmt::print(stderr, "recur_bench: this is a debug build; figures of it mean nothing. Configure with "
                     "-DCMAKE_BUILD_TYPE=Release\n");
  return 2;
#endif
  if (argc > 2) {
    fmt::print(stderr, "usage: recur_bench [FILE for JSON]\n");
    return 2;
  }
  try {
    return run(argc == 2 ? argv[1] : nullptr);
  } catch (const std::exception& error) {
    fmt::print(stderr, "recur_bench: {}\n", error.what());
    return 1;
  }
}
