// Recurrent networks to test, as text: one a line,
//   cell T N I H [L2] [D2] [P3] [peep] [clip] [drop] [ragged] [reset] [batch_first] [learned] [k1=2,k2=3] [nostates] [type]
// cell: tanh relu identity lstm lstm_linear gru gru_before; type: fp32 (if none is named), tf32, fp16, bf16.
#pragma once

#include <cstdio>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "recur/layer.h"
#include "tests/reference/network.hpp"

namespace recur::test {

struct NetworkCase {
  std::string text;
  reference::NetworkShape shape = {};
  recur_type type = RECUR_TYPE_FLOAT32;
  bool dropout = false, ragged = false, reset = false, batch_first = false, states = true, learned = false;
  int64_t period = 0, length = 0;  // truncation

  recur_layer_descriptor descriptor() const {
    using reference::Cell;
    recur_layer_descriptor d = {};
    d.type = type;
    d.steps = shape.steps;
    d.batch = shape.batch;
    d.input_size = shape.inputs;
    d.hidden_size = shape.hidden;
    d.layers = shape.layers;
    d.directions = shape.directions;
    d.projection_size = shape.projection;
    d.peepholes = shape.peepholes;
    d.cell_clip = static_cast<float>(shape.cell_clip);
    d.dropout = dropout ? 0.25f : 0;
    d.ragged = ragged;
    d.resets = reset;
    d.batch_first = batch_first;
    d.learned_states = learned;
    d.truncation_period = period;
    d.truncation_length = length;
    if (shape.cell == Cell::rnn_identity || shape.cell == Cell::lstm_linear) d.activation = RECUR_ACTIVATION_LINEAR;
    switch (shape.cell) {
      case Cell::rnn_tanh:
      case Cell::rnn_identity: d.cell = RECUR_CELL_RNN_TANH; break;
      case Cell::rnn_relu: d.cell = RECUR_CELL_RNN_RELU; break;
      case Cell::lstm:
      case Cell::lstm_linear: d.cell = RECUR_CELL_LSTM; break;
      case Cell::gru: d.cell = RECUR_CELL_GRU; break;
      case Cell::gru_reset_before: d.cell = RECUR_CELL_GRU_RESET_BEFORE; break;
    }
    return d;
  }
};

inline void PrintTo(const NetworkCase& c, std::ostream* out) { *out << c.text; }

inline NetworkCase read_network_case(const std::string& line) {
  const std::vector<std::pair<std::string, reference::Cell>> cells = {
      {"tanh", reference::Cell::rnn_tanh},       {"relu", reference::Cell::rnn_relu},
      {"identity", reference::Cell::rnn_identity}, {"lstm", reference::Cell::lstm},
      {"lstm_linear", reference::Cell::lstm_linear}, {"gru", reference::Cell::gru},
      {"gru_before", reference::Cell::gru_reset_before}};
  NetworkCase c;
  c.text = line;
  std::istringstream words(line);
  std::string cell;
  words >> cell >> c.shape.steps >> c.shape.batch >> c.shape.inputs >> c.shape.hidden;
  bool known = false;
  for (const auto& [name, value] : cells)
    if (name == cell) c.shape.cell = value, known = true;
  if (!words || !known) throw std::runtime_error("'" + line + "' is no network: cell T N I H options");
  for (std::string word; words >> word;) {
    long long a = 0, b = 0;
    if (std::sscanf(word.c_str(), "L%lld", &a) == 1) c.shape.layers = a;
    else if (word == "D2") c.shape.directions = 2;
    else if (std::sscanf(word.c_str(), "P%lld", &a) == 1) c.shape.projection = a;
    else if (std::sscanf(word.c_str(), "k1=%lld,k2=%lld", &a, &b) == 2) c.period = a, c.length = b;
    else if (word == "peep") c.shape.peepholes = true;
    else if (word == "clip") c.shape.cell_clip = 0.25;
    else if (word == "drop") c.dropout = true;
    else if (word == "ragged") c.ragged = true;
    else if (word == "reset") c.reset = true;
    else if (word == "batch_first") c.batch_first = true;
    else if (word == "nostates") c.states = false;
    else if (word == "learned") c.learned = true;
    else if (word == "tf32") c.type = RECUR_TYPE_TFLOAT32;
    else if (word == "fp16") c.type = RECUR_TYPE_FLOAT16;
    else if (word == "bf16") c.type = RECUR_TYPE_BFLOAT16;
    else throw std::runtime_error("'" + line + "': '" + word + "' is no option");
  }
  return c;
}

inline std::vector<NetworkCase> read_network_cases(const std::string& path) {
  std::ifstream file(path);
  std::vector<NetworkCase> cases;
  for (std::string line; std::getline(file, line);) {
    line = line.substr(0, line.find('#'));
    if (line.find_first_not_of(' ') != std::string::npos) cases.push_back(read_network_case(line));
  }
  if (cases.empty()) throw std::runtime_error(path + ": no network in this list");
  return cases;
}

}  // namespace recur::test
