#include "shapes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <utility>

namespace recur::bench {
namespace {

constexpr recur_cell kLstm = RECUR_CELL_LSTM, kGru = RECUR_CELL_GRU, kTanh = RECUR_CELL_RNN_TANH;
constexpr recur_type kFloat = RECUR_TYPE_FLOAT32, kHalf = RECUR_TYPE_FLOAT16, kBfloat = RECUR_TYPE_BFLOAT16;

// Inputs are as wide as the state there.
void add_deepbench(std::vector<Shape>& all) {
  struct Problems {
    recur_cell cell;
    Pass pass;
    std::vector<int64_t> T, H, N;
  };
  const Problems table[] = {
      {kTanh, Pass::training, {50}, {1760, 2048, 2560}, {16, 32, 64, 128}},
      {kLstm, Pass::training, {25}, {512, 1024, 2048, 4096}, {16, 32, 64, 128}},
      {kLstm, Pass::training, {50}, {1536}, {8, 16, 32}},
      {kLstm, Pass::training, {150}, {256}, {16, 32, 64}},
      {kGru, Pass::training, {750, 375, 187}, {2816}, {32}},
      {kGru, Pass::training, {1500, 750, 375, 187}, {2048, 1536, 2560}, {32}},
      {kGru, Pass::training, {1}, {512}, {32}},
      {kGru, Pass::training, {1500}, {1024}, {32, 64}},
      {kLstm, Pass::inference, {25}, {512, 1024, 2048}, {1, 2, 4}},
      {kLstm, Pass::inference, {50}, {1536}, {1, 2, 4}},
      {kLstm, Pass::inference, {150}, {256}, {1, 2, 4}},
      // Of the lengths of the inference server's GRU the shortest.
      {kGru, Pass::inference, {187}, {2816, 2048, 1536, 2560}, {1, 2, 4}},
      {kGru, Pass::inference, {1}, {512}, {1, 2, 4}},
      {kGru, Pass::inference, {1500}, {1024}, {1, 2, 4}},
  };
  for (const Problems& p : table)
    for (const int64_t H : p.H)
      for (const int64_t T : p.T)
        for (const int64_t N : p.N)
          all.push_back({"deepbench",
                         layer(p.cell, kHalf, T, N, H, H),
                         {p.pass},
                         "DeepBench, code/kernels/rnn_problems.h, training and inference server",
                         {}});
}

// Of the sizes of haste's benchmark the ends of inputs, and five of nine states.
void add_haste(std::vector<Shape>& all) {
  for (const int64_t N : {1, 16, 32, 64, 128})
    for (const int64_t H : {128, 512, 1024, 2048, 4096})
      for (const int64_t I : {64, 512})
        all.push_back({"haste",
                       layer(kLstm, kFloat, 50, N, I, H),
                       {Pass::inference, Pass::training},
                       "haste, benchmarks/benchmark_lstm.cc",
                       {}});
}

void add_flashrnn(std::vector<Shape>& all) {
  // Their figure of LSTM, one head of 768: nn.LSTM by cuDNN in fp16 with the input product, FlashRNN's own
  // without.
  const char* const figure =
      "FlashRNN's figure of the LSTM on an H100, batch 16, 1024 steps, one head of 768";
  const auto both = [&](const char* who, double forward, double backward_too) {
    return std::vector<Published>{{Pass::inference, forward, who, figure},
                                  {Pass::training, backward_too, who, figure}};
  };
  const auto add = [&](recur_type type, int64_t T, int64_t N, int64_t H,
                       std::vector<Published> published = {}) {
    all.push_back({"flashrnn",
                   layer(kLstm, type, T, N, H, H),
                   {Pass::inference, Pass::training},
                   "FlashRNN, speed_experiments/kernel_speed_benchmark.py, as its nn.LSTM: one head",
                   std::move(published)});
  };
  std::vector<Published> flash = both("FlashRNN fused, bf16, no input product", 4.87, 13.61);
  for (Published& p : both("FlashRNN alternating, bf16, no input product", 10.79, 26.49)) flash.push_back(p);
  add(kBfloat, 1024, 16, 768, flash);
  add(kHalf, 1024, 16, 768, both("cuDNN, nn.LSTM fp16", 2.01, 5.19));
  add(kFloat, 1024, 16, 768, both("haste, fp32", 18.41, 43.86));
  for (const int64_t H : {16, 32, 64, 128, 256}) add(kBfloat, 1024, 16, H);
  for (const int64_t H : {64, 768}) {
    for (const int64_t N : {2, 8, 32, 64, 128, 256}) add(kBfloat, 1024, N, H);
    for (const int64_t T : {256, 512, 2048}) add(kBfloat, T, 16, H);
  }
}

void add_gnmt(std::vector<Shape>& all) {
  const char* const source =
      "GNMT v2, NVIDIA DeepLearningExamples: 1024 units, batch 128, at most 50 symbols; encoder of a layer "
      "in both "
      "directions and three more, decoder of four whose upper ones read the context too";
  const auto add = [&](recur_layer_descriptor d) {
    d.dropout = 0;
    all.push_back({"gnmt", d, {Pass::inference, Pass::training}, source, {}});
  };
  add(layer(kLstm, kHalf, 50, 128, 1024, 1024, 1, 2));
  add(layer(kLstm, kHalf, 50, 128, 2048, 1024));
  add(layer(kLstm, kHalf, 50, 128, 1024, 1024, 4));
}

void add_rnnt(std::vector<Shape>& all) {
  // 16.7 s in frames of 10 ms, stacked by three: 557; by two again: 279.
  const char* const training =
      "RNN-T, mlcommons training, rnn_speech_recognition, baseline_v3-1023sp.yaml; 16.7 s of speech, batch "
      "64 and 128 symbols ours";
  const char* const inference =
      "RNN-T of MLPerf inference: prediction of two layers of 320 units; batch 896 ours";
  const auto add = [&](recur_layer_descriptor d, const char* source) {
    all.push_back({"rnnt", d, {Pass::inference, Pass::training}, source, {}});
  };
  add(layer(kLstm, kHalf, 557, 64, 240, 1024, 2), training);
  add(layer(kLstm, kHalf, 279, 64, 2048, 1024, 3), training);
  add(layer(kLstm, kHalf, 128, 64, 512, 512, 2), training);
  all.push_back({"rnnt", layer(kLstm, kHalf, 1, 896, 320, 320, 2), {Pass::step}, inference, {}});
}

void add_latency(std::vector<Shape>& all) {
  for (const recur_cell cell : {kLstm, kGru})
    for (const int64_t H : {128, 256, 512, 1024})
      all.push_back({"latency",
                     layer(cell, kHalf, 100, 1, H, H),
                     {Pass::inference, Pass::step},
                     "ours: one stream, where only latency counts",
                     {}});
}

void add_odd(std::vector<Shape>& all) {
  const std::vector<Pass> both = {Pass::inference, Pass::training};
  for (const int64_t H : {650, 1150})
    all.push_back(
        {"odd",
         layer(kLstm, kHalf, 70, 20, H, H),
         both,
         "ours: sizes of language models (Zaremba et al. 2014; AWD-LSTM) that are no multiple of 128",
         {}});
  recur_layer_descriptor ragged = layer(kLstm, kHalf, 200, 128, 512, 512);
  ragged.ragged = 1;
  all.push_back({"odd", ragged, both, "ours: 128 rows of 100 to 200 steps", {}});
  all.push_back(
      {"odd", layer(kLstm, kHalf, 65600, 1, 64, 128), both, "ours: more steps than 16 bits count", {}});
}

struct Set {
  const char* name;
  void (*add)(std::vector<Shape>&);
};
constexpr Set kSets[] = {{"deepbench", add_deepbench},
                         {"haste", add_haste},
                         {"flashrnn", add_flashrnn},
                         {"gnmt", add_gnmt},
                         {"rnnt", add_rnnt},
                         {"latency", add_latency},
                         {"odd", add_odd}};

template <class Value>
using Names = std::initializer_list<std::pair<Value, const char*>>;
const Names<recur_cell> kCells = {{RECUR_CELL_LSTM, "lstm"},
                                  {RECUR_CELL_GRU, "gru"},
                                  {RECUR_CELL_GRU_RESET_BEFORE, "gru-reset-before"},
                                  {RECUR_CELL_RNN_TANH, "rnn-tanh"},
                                  {RECUR_CELL_RNN_RELU, "rnn-relu"}};
const Names<recur_type> kTypes = {{RECUR_TYPE_FLOAT32, "fp32"},
                                  {RECUR_TYPE_TFLOAT32, "tf32"},
                                  {RECUR_TYPE_FLOAT16, "fp16"},
                                  {RECUR_TYPE_BFLOAT16, "bf16"}};
const Names<Pass> kPasses = {
    {Pass::inference, "inference"}, {Pass::training, "training"}, {Pass::step, "step"}};
const Names<recur_residency> kResidencies = {{RECUR_RESIDENCY_AUTOMATIC, "automatic"},
                                             {RECUR_RESIDENCY_STREAMED, "streamed"},
                                             {RECUR_RESIDENCY_BLOCK, "block"}};

template <class Value>
const char* find_name(const Names<Value>& names, Value value) {
  for (const auto& entry : names)
    if (entry.first == value) return entry.second;
  return "unknown";
}
template <class Value>
bool find_value(const Names<Value>& names, const std::string& name, Value& value) {
  for (const auto& entry : names) {
    if (name != entry.second) continue;
    value = entry.first;
    return true;
  }
  return false;
}

}  // namespace

recur_layer_descriptor layer(recur_cell cell, recur_type type, int64_t T, int64_t N, int64_t I, int64_t H,
                             int64_t L, int64_t D) {
  recur_layer_descriptor d = {};
  d.cell = cell, d.type = type;
  d.steps = T, d.batch = N, d.input_size = I, d.hidden_size = H;
  d.layers = L, d.directions = D;
  return d;
}

const std::vector<std::string>& set_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Set& set : kSets) all.emplace_back(set.name);
    all.emplace_back("kernels");
    all.emplace_back("all");
    return all;
  }();
  return names;
}

bool is_set_name(const std::string& name) {
  return std::find(set_names().begin(), set_names().end(), name) != set_names().end();
}

std::vector<Shape> shapes_of(const std::string& name) {
  std::vector<Shape> all;
  for (const Set& set : kSets)
    if (name == "all" || name == set.name) set.add(all);
  return all;
}

const char* name_of(recur_cell cell) { return find_name(kCells, cell); }
const char* name_of(recur_type type) { return find_name(kTypes, type); }
const char* name_of(Pass pass) { return find_name(kPasses, pass); }
const char* name_of(recur_residency residency) { return find_name(kResidencies, residency); }
bool from_name(const std::string& name, recur_cell& cell) { return find_value(kCells, name, cell); }
bool from_name(const std::string& name, recur_type& type) { return find_value(kTypes, name, type); }
bool from_name(const std::string& name, Pass& pass) { return find_value(kPasses, name, pass); }
bool from_name(const std::string& name, recur_residency& residency) {
  return find_value(kResidencies, name, residency);
}

std::string describe(const recur_layer_descriptor& d) {
  std::string text = fmt::format("{} {} T{} N{} I{} H{}", name_of(d.cell), name_of(d.type), d.steps, d.batch,
                                 d.input_size, d.hidden_size);
  if (d.layers > 1) text += fmt::format(" L{}", d.layers);
  if (d.directions > 1) text += fmt::format(" D{}", d.directions);
  if (d.projection_size > 0) text += fmt::format(" P{}", d.projection_size);
  if (d.peepholes != 0) text += " peepholes";
  if (d.ragged != 0) text += " ragged";
  if (d.batch_first != 0) text += " batch first";
  if (d.residency != RECUR_RESIDENCY_AUTOMATIC) text += fmt::format(" {}", name_of(d.residency));
  return text;
}

int gates_of(recur_cell cell) {
  switch (cell) {
    case RECUR_CELL_LSTM:
      return 4;
    case RECUR_CELL_GRU:
    case RECUR_CELL_GRU_RESET_BEFORE:
      return 3;
    default:
      return 1;
  }
}

}  // namespace recur::bench
