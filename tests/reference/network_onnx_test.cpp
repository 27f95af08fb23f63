// The network reference against ONNX's own cases of its operators LSTM, GRU and RNN.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/reference/network_problem.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/tolerance.hpp"

namespace reference {
namespace {

using nlohmann::json;

json published() {
  const std::string path = RECUR_TEST_DATA "/onnx_recurrent_cases.json";
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path + " cannot be read");
  return json::parse(file).at("cases");
}

// Empty where the case has no such tensor. The numbers are fp32, written with as many digits as tell them
// apart.
Vector values_of(const json& one, const std::string& name) {
  if (!one.at("tensors").contains(name)) return {};
  const json& tensor = one.at("tensors").at(name);
  int64_t size = 1;
  for (int64_t dim : tensor.at("dims")) size *= dim;
  if (tensor.contains("all")) return Vector(size, double(float(tensor.at("all"))));
  Vector values = tensor.at("values");
  for (double& value : values) value = double(float(value));
  if (int64_t(values.size()) != size) throw std::runtime_error(name + " has another size than its dims say");
  return values;
}

// The blocks of a tensor in another order: block k of the result is block order[k].
Vector blocks(const Vector& tensor, const std::vector<int64_t>& order) {
  const auto size = int64_t(tensor.size()) / int64_t(order.size());
  Vector out;
  if (tensor.empty()) return out;
  for (int64_t block : order) {
    out.insert(out.end(), tensor.begin() + block * size, tensor.begin() + (block + 1) * size);
  }
  return out;
}

// [A,B,width] to [B,A,width]
Vector exchanged(const Vector& tensor, int64_t A, int64_t B) {
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
  Vector y, hT;  // y is empty where the case does not give it
};

// Gates i o f c, and i o f of the peepholes; z r h. B is [b_ih b_hh]. Layout 1 has the batch first. A GRU
// resets before its product unless told otherwise.
OnnxCase read_case(const json& one) {
  const std::string name = one.at("operator");
  const json& dims = one.at("tensors").at("X").at("dims");
  const bool batch_first = one.at("layout") == 1;
  const Cell cell = name == "LSTM" ? Cell::lstm : name == "GRU" ? Cell::gru_reset_before : Cell::rnn_tanh;
  OnnxCase c{{cell, dims[batch_first ? 1 : 0], dims[batch_first ? 0 : 1], dims[2], one.at("hidden_size")},
             {},
             {},
             {},
             {}};
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

double tolerance_of(const NetworkShape& s) {
  return recur::test::LayerTolerance{recur::test::unit_roundoff_fp32,
                                     double(s.steps),
                                     double(s.batch),
                                     double(s.inputs),
                                     double(s.hidden),
                                     double(s.gates())}
      .forward();
}

TEST(NetworkPublished, OnnxCases) {
  int cases = 0, outputs = 0;
  for (const json& one : published()) {
    SCOPED_TRACE(std::string(one.at("name")));
    const OnnxCase c = read_case(one);
    const NetworkForward f = network_forward(c.shape, {c.weights}, c.inputs);
    const auto expect = [&](const char* what, const Vector& computed, const Vector& given) {
      if (given.empty()) return;
      const recur::test::Worst worst = recur::test::compare(given, computed, tolerance_of(c.shape));
      EXPECT_TRUE(worst.ok()) << what << ": " << worst.text();
      ++outputs;
    };
    expect("Y", f.y, c.y);
    expect("Y_h", f.hT, c.hT);
    ++cases;
  }
  EXPECT_EQ(cases, 12);
  EXPECT_EQ(outputs, 15);
}

// The one case with a GRU's weights all different tells the two forms apart, and the gates.
TEST(NetworkPublished, OnnxCaseThatTellsGrusApart) {
  for (const json& one : published()) {
    if (one.at("name") != "gru_seq_length") continue;
    const OnnxCase right = read_case(one);
    const auto distance = [&](const OnnxCase& c) {
      const NetworkForward f = network_forward(c.shape, {c.weights}, c.inputs);
      return recur::test::compare(right.hT, f.hT, tolerance_of(c.shape)).tolerances;
    };
    EXPECT_LE(distance(right), 1);
    OnnxCase wrong = right;
    wrong.shape.cell = Cell::gru;
    EXPECT_GT(distance(wrong), 100);
    wrong = right;
    wrong.weights.w_ih = blocks(wrong.weights.w_ih, {1, 0, 2});
    wrong.weights.w_hh = blocks(wrong.weights.w_hh, {1, 0, 2});
    EXPECT_GT(distance(wrong), 100);
    return;
  }
  FAIL() << "gru_seq_length is not among the cases";
}

}  // namespace
}  // namespace reference
