// ONNX's own cases of its operators LSTM, GRU and RNN, tests/data/onnx_recurrent_cases.json, in the reference's terms.
// Needs nlohmann_json.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/reference/network.hpp"

namespace reference {

inline nlohmann::json published_onnx_cases() {
  const std::string path = RECUR_TEST_DATA "/onnx_recurrent_cases.json";
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path + " cannot be read");
  return nlohmann::json::parse(file).at("cases");
}

// Empty where the case has no such tensor. The numbers are fp32, written with as many digits as tell them
// apart.
inline Vector values_of(const nlohmann::json& one, const std::string& name) {
  if (!one.at("tensors").contains(name)) return {};
  const nlohmann::json& tensor = one.at("tensors").at(name);
  int64_t size = 1;
  for (int64_t dim : tensor.at("dims")) size *= dim;
  if (tensor.contains("all")) return Vector(size, double(float(tensor.at("all"))));
  Vector values = tensor.at("values");
  for (double& value : values) value = double(float(value));
  if (int64_t(values.size()) != size) throw std::runtime_error(name + " has another size than its dims say");
  return values;
}

// The blocks of a tensor in another order: block k of the result is block order[k].
inline Vector blocks(const Vector& tensor, const std::vector<int64_t>& order) {
  const auto size = int64_t(tensor.size()) / int64_t(order.size());
  Vector out;
  if (tensor.empty()) return out;
  for (int64_t block : order) {
    out.insert(out.end(), tensor.begin() + block * size, tensor.begin() + (block + 1) * size);
  }
  return out;
}

// [A,B,width] to [B,A,width]
inline Vector exchanged(const Vector& tensor, int64_t A, int64_t B) {
  const auto width = int64_t(tensor.size()) / (A * B);
  Vector out;
  for (int64_t b = 0; b < B; ++b) {
    for (int64_t a = 0; a < A; ++a) {
      const auto begin = tensor.begin() + (a * B + b) * width;
      out.insert(out.end(), begin, begin + width);
    }
  }
  return out;
}

struct OnnxCase {
  NetworkShape shape;
  LayerWeights weights;
  NetworkInputs inputs;
  Vector y, hT;      // y is empty where the case does not give it; time first
  bool batch_first;  // in the case
};

// Gates i o f c, and i o f of the peepholes; z r h. B is [b_ih b_hh]. Layout 1 has the batch first. A GRU
// resets before its product unless told otherwise.
inline OnnxCase read_onnx_case(const nlohmann::json& one) {
  const std::string name = one.at("operator");
  const nlohmann::json& dims = one.at("tensors").at("X").at("dims");
  const bool batch_first = one.at("layout") == 1;
  const Cell cell = name == "LSTM" ? Cell::lstm : name == "GRU" ? Cell::gru_reset_before : Cell::rnn_tanh;
  OnnxCase c{{cell, dims[batch_first ? 1 : 0], dims[batch_first ? 0 : 1], dims[2], one.at("hidden_size")},
             {},
             {},
             {},
             {},
             batch_first};
  std::vector<int64_t> order = {0};
  if (name == "LSTM") order = {0, 2, 3, 1};
  if (name == "GRU") order = {1, 0, 2};
  c.weights.w_ih = blocks(values_of(one, "W"), order);
  c.weights.w_hh = blocks(values_of(one, "R"), order);
  if (const Vector both = values_of(one, "B"); !both.empty()) {
    c.weights.b_ih = blocks(Vector(both.begin(), both.begin() + ptrdiff_t(both.size() / 2)), order);
    c.weights.b_hh = blocks(Vector(both.begin() + ptrdiff_t(both.size() / 2), both.end()), order);
  }
  c.weights.peephole = blocks(values_of(one, "P"), {0, 2, 1});
  c.shape.peepholes = !c.weights.peephole.empty();
  c.inputs.x = values_of(one, "X");
  c.inputs.h0 = values_of(one, "initial_h");
  c.inputs.c0 = values_of(one, "initial_c");
  for (double length : values_of(one, "sequence_lens")) c.inputs.lengths.push_back(int64_t(length));
  c.y = values_of(one, "Y");
  c.hT = values_of(one, "Y_h");
  if (batch_first) {  // with one layer and direction the states are the same either way
    c.inputs.x = exchanged(c.inputs.x, c.shape.batch, c.shape.steps);
    if (!c.y.empty()) c.y = exchanged(c.y, c.shape.batch, c.shape.steps);
  }
  return c;
}

}  // namespace reference
