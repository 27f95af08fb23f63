// The checksums of a real cuDNN run, tests/data/cudnn_rnn_checksums.json (whose note holds the set-up), and the network
// that they are of. Needs nlohmann_json.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/reference/network.hpp"

namespace reference {

// All rows of the batch are the same, and every checksum is a sum over them: `rows` of the 64 are computed, and count
// 64 / rows times.
struct ChecksumCase {
  NetworkShape shape;
  std::vector<LayerWeights> weights;
  NetworkInputs inputs;
  Vector dy, dhT, dcT;
  std::vector<std::pair<std::string, double>> published;  // y hy cy dx dhx dcx dw, those that the cell has
  double times;
};

inline const std::vector<std::pair<std::string, Cell>>& checksum_cells() {
  static const std::vector<std::pair<std::string, Cell>> cells = {
      {"relu", Cell::rnn_relu}, {"tanh", Cell::rnn_tanh}, {"lstm", Cell::lstm}, {"gru", Cell::gru}};
  return cells;
}

inline ChecksumCase read_checksum_case(const std::string& name, Cell cell, int64_t rows) {
  std::ifstream file(RECUR_TEST_DATA "/cudnn_rnn_checksums.json");
  if (!file) throw std::runtime_error(RECUR_TEST_DATA "/cudnn_rnn_checksums.json cannot be read");
  const nlohmann::json published = nlohmann::json::parse(file).at("checksums").at(name);
  ChecksumCase c = {{cell, 20, rows, 512, 512, 2}, {}, {}, {}, {}, {}, {}, 64.0 / double(rows)};
  const int64_t T = c.shape.steps, N = rows, I = c.shape.inputs, H = c.shape.hidden, G = c.shape.gates();
  const double weight = 1.0 / double(H * I);  // each gate's matrix counts as one
  c.weights.assign(
      2, {Vector(G * H * I, weight), Vector(G * H * H, weight), Vector(G * H, 1.0), Vector(G * H, 1.0), {}, {}});
  const Vector states(2 * N * H, 1.0), cells(c.shape.has_cells() ? 2 * N * H : 0, 1.0);
  c.inputs = {Vector(T * N * I, 1.0), states, cells, {}, {}, {}};
  c.dy.assign(T * N * H, 1.0);
  c.dhT = states;
  c.dcT = cells;
  for (const auto& [what, value] : published.items()) c.published.emplace_back(what, double(value));
  if (c.published.size() != (c.shape.has_cells() ? 7u : 5u)) throw std::runtime_error(name + ": checksums are missing");
  return c;
}

inline double sum_of(const Vector& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

}  // namespace reference
