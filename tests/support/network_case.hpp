// Recurrent networks to test, as text: one a line,
//   cell T N I H [L2] [D2] [P3] [peep] [clip] [drop] [ragged] [reset] [batch_first] [learned] [k1=2,k2=3] [nostates]
//   [type] [home]
// cell: tanh relu identity lstm lstm_linear gru gru_before; type: fp32 (if none is named), tf32, fp16, bf16; home: streamed,
// block (if none is named what the plan chooses).
#pragma once

#include <cstdint>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
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
  recur_residency residency = RECUR_RESIDENCY_AUTOMATIC;

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
    d.residency = residency;
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

// A whole number of at least 1 with nothing behind it.
inline bool read_size(const std::string& word, int64_t& size) {
  if (word.empty() || word.size() > 18 || word.find_first_not_of("0123456789") != std::string::npos) return false;
  return (size = std::stoll(word)) > 0;
}

inline bool read_option(NetworkCase& c, const std::string& word) {
  const std::string rest = word.substr(1);
  if (word[0] == 'L') return read_size(rest, c.shape.layers);
  if (word[0] == 'D') return read_size(rest, c.shape.directions);
  if (word[0] == 'P') return read_size(rest, c.shape.projection);
  if (const size_t comma = word.find(",k2="); word.rfind("k1=", 0) == 0 && comma != std::string::npos)
    return read_size(word.substr(3, comma - 3), c.period) && read_size(word.substr(comma + 4), c.length);
  if (word == "peep") c.shape.peepholes = true;
  else if (word == "clip") c.shape.cell_clip = 0.25;
  else if (word == "drop") c.dropout = true;
  else if (word == "ragged") c.ragged = true;
  else if (word == "reset") c.reset = true;
  else if (word == "batch_first") c.batch_first = true;
  else if (word == "nostates") c.states = false;
  else if (word == "learned") c.learned = true;
  else if (word == "fp32") c.type = RECUR_TYPE_FLOAT32;
  else if (word == "tf32") c.type = RECUR_TYPE_TFLOAT32;
  else if (word == "fp16") c.type = RECUR_TYPE_FLOAT16;
  else if (word == "streamed") c.residency = RECUR_RESIDENCY_STREAMED;
  else if (word == "block") c.residency = RECUR_RESIDENCY_BLOCK;
  else if (word == "bf16") c.type = RECUR_TYPE_BFLOAT16;
  else return false;
  return true;
}

// The text becomes the words with one blank between: a case's random numbers come from it.
inline NetworkCase read_network_case(const std::string& line) {
  const std::vector<std::pair<std::string, reference::Cell>> cells = {
      {"tanh", reference::Cell::rnn_tanh},       {"relu", reference::Cell::rnn_relu},
      {"identity", reference::Cell::rnn_identity}, {"lstm", reference::Cell::lstm},
      {"lstm_linear", reference::Cell::lstm_linear}, {"gru", reference::Cell::gru},
      {"gru_before", reference::Cell::gru_reset_before}};
  std::istringstream in(line);
  const std::vector<std::string> words{std::istream_iterator<std::string>(in), {}};
  NetworkCase c;
  for (const std::string& word : words) c.text += (c.text.empty() ? "" : " ") + word;
  const auto fail = [&](const std::string& what) { throw std::runtime_error("'" + c.text + "': " + what); };
  if (words.empty()) fail("a case is: cell T N I H [options]");
  bool known = false;
  for (const auto& [name, value] : cells)
    if (name == words[0]) c.shape.cell = value, known = true;
  if (!known)
    fail("'" + words[0] + "' is no cell; there are tanh, relu, identity, lstm, lstm_linear, gru and gru_before");
  int64_t* const sizes[] = {&c.shape.steps, &c.shape.batch, &c.shape.inputs, &c.shape.hidden};
  const char* const names[] = {"T", "N", "I", "H"};
  for (size_t k = 0; k < 4; ++k) {
    if (words.size() < k + 2) fail(std::string("there is no ") + names[k] + "; a case is: cell T N I H [options]");
    if (!read_size(words[k + 1], *sizes[k]))
      fail(std::string(names[k]) + " is '" + words[k + 1] + "', and must be a whole number of at least 1");
  }
  const auto kind = [](const std::string& word) {  // of two options of one kind the second would win
    if (word == "fp32" || word == "tf32" || word == "fp16" || word == "bf16") return std::string("type");
    if (word == "streamed" || word == "block") return std::string("home");
    return word[0] == 'L' || word[0] == 'D' || word[0] == 'P' || word[0] == 'k' ? word.substr(0, 1) : word;
  };
  std::set<std::string> seen;
  for (size_t k = 5; k < words.size(); ++k) {
    if (!read_option(c, words[k]))
      fail("'" + words[k] +
           "' is no option; there are L2, D2, P3, peep, clip, drop, ragged, reset, batch_first, learned, nostates, "
           "k1=2,k2=3, fp32, tf32, fp16, bf16, streamed and block, with numbers of at least 1");
    if (!seen.insert(kind(words[k])).second) fail("'" + words[k] + "' says again what another option has said");
  }
  return c;
}

// What a line says wrongly is an error that names the file and the line, and so is a list without a case.
inline std::vector<NetworkCase> read_network_cases(std::istream& in, const std::string& name,
                                                   std::vector<std::string>* places = nullptr) {
  std::vector<NetworkCase> cases;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    line = line.substr(0, line.find('#'));
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string place = name + ":" + std::to_string(number);
    try {
      cases.push_back(read_network_case(line));
    } catch (const std::runtime_error& error) {
      throw std::runtime_error(place + ": " + error.what());
    }
    if (places) places->push_back(place);
  }
  if (cases.empty()) throw std::runtime_error(name + ": no network in this list");
  return cases;
}

inline std::vector<NetworkCase> read_network_cases(const std::string& path,
                                                   std::vector<std::string>* places = nullptr) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path + ": cannot be opened");
  return read_network_cases(file, path, places);
}

}  // namespace recur::test
