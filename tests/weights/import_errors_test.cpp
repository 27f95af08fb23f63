// Weights that do not fit a plan: refused by a sentence that names tensor or attribute, what was expected and what was
// found, with nothing written.
#include <gtest/gtest.h>

#include <algorithm>

#include "host/check.hpp"
#include "host/weights/mapping.hpp"
#include "tests/weights/weights_support.hpp"

namespace recur::test {
namespace {

recur_layer_descriptor network(recur_cell cell, int64_t layers = 1, int64_t directions = 1) {
  recur_layer_descriptor d = {};
  d.cell = cell, d.type = RECUR_TYPE_FLOAT32, d.steps = 2, d.batch = 2, d.input_size = 3, d.hidden_size = 4;
  d.layers = layers, d.directions = directions;
  return d;
}

Weights exported(const Layer& layer, recur_weights_format format, const std::string& prefix = "") {
  Weights set;
  set.add_parameters(layer, format, random_fill(layer.sizes().parameter_elements, 5), prefix);
  return set;
}

// All but one tensor, which is left out, or made of another shape.
Weights without(const Weights& set, const std::string& name, const std::vector<int64_t>& shape = {}) {
  Weights rest;
  for (size_t k = 0; k < set.count(); ++k) {
    const recur_tensor t = set[k];
    if (t.name != name) rest.add(t.name, shape_of(t), t.values);
  }
  if (!shape.empty()) rest.add(name, shape, random_tensor(shape, 9).data());
  return rest;
}

void expect_refused(const Layer& layer, recur_weights_format format, const Weights& set, recur_status status,
                    const std::vector<std::string>& words, const char* prefix = "") {
  std::vector<float> parameters(layer.sizes().parameter_elements, -7.0f);
  EXPECT_EQ(recur_weights_import(layer.get(), format, set.get(), prefix, parameters.data(), parameters.size()), status);
  const std::string text = recur_last_error();
  for (const std::string& word : words)
    EXPECT_NE(text.find(word), std::string::npos) << "'" << text << "' has no '" << word << "'";
  EXPECT_TRUE(std::all_of(parameters.begin(), parameters.end(), [](float v) { return v == -7.0f; }))
      << "something was written";
}

TEST(ImportErrors, TensorsThatDoNotFit) {
  const Layer lstm(network(RECUR_CELL_LSTM));
  const Weights set = exported(lstm, RECUR_WEIGHTS_PYTORCH);
  const auto refused = [&](const Weights& wrong, const std::vector<std::string>& words, const char* prefix = "") {
    expect_refused(lstm, RECUR_WEIGHTS_PYTORCH, wrong, RECUR_INVALID_ARGUMENT, words, prefix);
  };
  refused(without(set, "weight_hh_l0"), {"'weight_hh_l0' of shape [16, 4] is missing"});
  refused(without(set, "bias_hh_l0"), {"'bias_hh_l0' of shape [16] is missing"});
  refused(without(set, "weight_ih_l0", {16, 4}),
          {"'weight_ih_l0' has the shape [16, 4], and the plan expects [16, 3]"});
  refused(without(set, "bias_ih_l0", {16, 1}), {"'bias_ih_l0' has the shape [16, 1], and the plan expects [16]"});
  refused(
      exported(lstm, RECUR_WEIGHTS_PYTORCH, "encoder.rnn."),
      {"'weight_ih_l0' of shape [16, 3] is missing", "'encoder.rnn.weight_ih_l0'", "prefix is 'encoder.rnn.', not ''"});
  refused(set, {"'rnn.weight_ih_l0'", "prefix is '', not 'rnn.'"}, "rnn.");
  // More than the plan has.
  refused(exported(Layer(network(RECUR_CELL_LSTM, 2)), RECUR_WEIGHTS_PYTORCH),
          {"'weight_ih_l1' of shape [16, 4] has no place in the plan, which is an LSTM of 1 layer and 1 direction"});
  refused(exported(Layer(network(RECUR_CELL_LSTM, 1, 2)), RECUR_WEIGHTS_PYTORCH),
          {"'weight_ih_l0_reverse'", "no place"});
  recur_layer_descriptor projected = network(RECUR_CELL_LSTM);
  projected.projection_size = 2;
  refused(exported(Layer(projected), RECUR_WEIGHTS_PYTORCH), {"'weight_hh_l0' has the shape [16, 2]"});
  Weights more = without(set, "");
  more.add("weight_hr_l0", {2, 4}, random_tensor({2, 4}, 1).data());
  refused(more, {"'weight_hr_l0' of shape [2, 4] has no place"});
  // Others' tensors are passed over, and so are those of another prefix.
  Weights whole = without(set, "");
  for (const char* name :
       {"weight_ih_lx", "decoder.weight_ih_l1", "head.weight", "weight_ih_l", "weight_ih_l1_backwards"})
    whole.add(name, {1}, random_tensor({1}, 1).data());
  EXPECT_TRUE(
      same_bits(whole.to_parameters(lstm, RECUR_WEIGHTS_PYTORCH), set.to_parameters(lstm, RECUR_WEIGHTS_PYTORCH)));
  // Another cell.
  expect_refused(Layer(network(RECUR_CELL_GRU)), RECUR_WEIGHTS_PYTORCH, set, RECUR_INVALID_ARGUMENT,
                 {"[16, 3]", "[12, 3]"});
  expect_refused(Layer(network(RECUR_CELL_GRU, 1, 2)), RECUR_WEIGHTS_KERAS,
                 exported(Layer(network(RECUR_CELL_GRU)), RECUR_WEIGHTS_KERAS), RECUR_INVALID_ARGUMENT,
                 {"'layer_0/forward_layer/kernel'", "missing"});
}

TEST(ImportErrors, BiasesAreThereOrNot) {
  const Layer gru(network(RECUR_CELL_GRU, 2)), before(network(RECUR_CELL_GRU_RESET_BEFORE));
  Weights set = exported(gru, RECUR_WEIGHTS_PYTORCH);
  for (const char* name : {"bias_ih_l0", "bias_hh_l0"}) set = without(set, name);
  expect_refused(gru, RECUR_WEIGHTS_PYTORCH, set, RECUR_INVALID_ARGUMENT, {"'bias_ih_l0'", "missing"});
  for (const char* name : {"bias_ih_l1", "bias_hh_l1"}) set = without(set, name);
  const std::vector<float> parameters = set.to_parameters(gru, RECUR_WEIGHTS_PYTORCH);
  for (const recur_parameter which : {RECUR_PARAMETER_B_IH, RECUR_PARAMETER_B_HH}) {
    const recur_parameter_place p = gru.parameter(1, 0, which);
    for (int64_t k = 0; k < p.rows; ++k) EXPECT_EQ(parameters[p.offset + size_t(k)], 0);
  }
  // The shapes of the two kinds of GRU.
  expect_refused(gru, RECUR_WEIGHTS_KERAS, without(exported(gru, RECUR_WEIGHTS_KERAS), "layer_1/bias", {12}),
                 RECUR_INVALID_ARGUMENT, {"'layer_1/bias' has the shape [12], and the plan expects [2, 12]"});
  expect_refused(gru, RECUR_WEIGHTS_ONEDNN, without(exported(gru, RECUR_WEIGHTS_ONEDNN), "layer_0/bias", {1, 1, 3, 4}),
                 RECUR_INVALID_ARGUMENT, {"[1, 1, 3, 4], and the plan expects [1, 1, 4, 4]"});
}

TEST(ImportErrors, SettingsThatRecurHasNot) {
  struct Case {
    recur_cell cell;
    int64_t directions;
    recur_weights_format format;
    const char *name, *text, *words;  // words: "" where it is right
  };
  const recur_cell lstm = RECUR_CELL_LSTM, gru = RECUR_CELL_GRU, before = RECUR_CELL_GRU_RESET_BEFORE,
                   rnn = RECUR_CELL_RNN_TANH, relu = RECUR_CELL_RNN_RELU;
  const Case cases[] = {
      {lstm, 1, RECUR_WEIGHTS_ONNX, "onnx.activations", "HardSigmoid,Tanh,Tanh",
       "'HardSigmoid,Tanh,Tanh', and the plan's is 'Sigmoid,Tanh,Tanh'"},
      {lstm, 1, RECUR_WEIGHTS_ONNX, "onnx.activations", "sigmoid, tanh, tanh", ""},
      {lstm, 2, RECUR_WEIGHTS_ONNX, "onnx.activations", "Sigmoid,Tanh,Tanh,Sigmoid,Tanh,Relu", "Relu"},
      {rnn, 1, RECUR_WEIGHTS_ONNX, "onnx.activations", "Relu", "'Relu', and the plan's is 'Tanh'"},
      {relu, 1, RECUR_WEIGHTS_ONNX, "onnx.activations", "Relu", ""},
      {relu, 1, RECUR_WEIGHTS_ONNX, "", "",
       "'onnx.activations' is not given, which means 'Tanh', and the plan's is 'Relu'"},
      {lstm, 1, RECUR_WEIGHTS_ONNX, "onnx.activation_alpha", "0.2",
       "'onnx.activation_alpha' is '0.2', and recur has no such setting"},
      {lstm, 1, RECUR_WEIGHTS_ONNX, "onnx.activation_beta", "0.5", "'onnx.activation_beta'"},
      {lstm, 1, RECUR_WEIGHTS_ONNX, "onnx.clip", "3", "'onnx.clip' is '3'"},
      {lstm, 1, RECUR_WEIGHTS_ONNX, "onnx.input_forget", "1", "'onnx.input_forget' is '1', and the plan's is '0'"},
      {lstm, 1, RECUR_WEIGHTS_ONNX, "onnx.input_forget", "0", ""},
      {lstm, 1, RECUR_WEIGHTS_ONNX, "onnx.direction", "reverse", "'reverse', and the plan's is 'forward'"},
      {lstm, 2, RECUR_WEIGHTS_ONNX, "", "",
       "'onnx.direction' is not given, which means 'forward', and the plan's is 'bidirectional'"},
      {lstm, 1, RECUR_WEIGHTS_ONNX, "onnx.hidden_size", "5", "'5', and the plan's is '4'"},
      {lstm, 1, RECUR_WEIGHTS_ONNX, "onnx.layout", "1", "'onnx.layout' is '1'"},
      {gru, 1, RECUR_WEIGHTS_ONNX, "", "",
       "'onnx.linear_before_reset' is not given, which means '0', and the plan's is '1'"},
      {gru, 1, RECUR_WEIGHTS_ONNX, "onnx.linear_before_reset", "1", ""},
      {before, 1, RECUR_WEIGHTS_ONNX, "onnx.linear_before_reset", "1", "'1', and the plan's is '0'"},
      {before, 1, RECUR_WEIGHTS_ONNX, "", "", ""},
      {lstm, 1, RECUR_WEIGHTS_ONNX, "onnx.peephole", "1",
       "'onnx.peephole' is '1', and no setting that recur knows of ONNX's layer"},
      {lstm, 1, RECUR_WEIGHTS_KERAS, "keras.activation", "relu", "'relu', and the plan's is 'tanh'"},
      {lstm, 1, RECUR_WEIGHTS_KERAS, "keras.recurrent_activation", "hard_sigmoid",
       "'hard_sigmoid', and the plan's is 'sigmoid'"},
      {relu, 1, RECUR_WEIGHTS_KERAS, "", "", "'keras.activation' is not given"},
      {gru, 1, RECUR_WEIGHTS_KERAS, "keras.reset_after", "False", "'False', and the plan's is '1'"},
      {gru, 1, RECUR_WEIGHTS_KERAS, "keras.reset_after", "True", ""},
      {gru, 1, RECUR_WEIGHTS_KERAS, "", "", ""},
      {before, 1, RECUR_WEIGHTS_KERAS, "", "", "'keras.reset_after' is not given, which means '1'"},
      {lstm, 1, RECUR_WEIGHTS_KERAS, "keras.go_backwards", "True", "'keras.go_backwards'"},
      {lstm, 2, RECUR_WEIGHTS_KERAS, "keras.merge_mode", "sum", "'sum', and the plan's is 'concat'"},
      {rnn, 1, RECUR_WEIGHTS_PYTORCH, "pytorch.nonlinearity", "relu", "'relu', and the plan's is 'tanh'"},
      {rnn, 1, RECUR_WEIGHTS_PYTORCH, "format", "pt", ""},
      {lstm, 1, RECUR_WEIGHTS_CUDNN, "cudnn.clip", "2", "'2', and the plan's is '0'"},
      {lstm, 1, RECUR_WEIGHTS_CUDNN, "cudnn.clip", "0.0", ""},
      {lstm, 1, RECUR_WEIGHTS_CUDNN, "cudnn.input_mode", "CUDNN_SKIP_INPUT", "'CUDNN_SKIP_INPUT'"},
      {rnn, 1, RECUR_WEIGHTS_CUDNN, "cudnn.cell_mode", "CUDNN_RNN_RELU",
       "'CUDNN_RNN_RELU', and the plan's is 'CUDNN_RNN_TANH'"},
      {gru, 1, RECUR_WEIGHTS_ONEDNN, "onednn.cell_kind", "vanilla_gru", "'vanilla_gru', and the plan's is 'lbr_gru'"},
      {gru, 1, RECUR_WEIGHTS_ONEDNN, "onednn.cell_kind", "lbr_augru", "'lbr_augru'"},
      {lstm, 2, RECUR_WEIGHTS_ONEDNN, "onednn.direction", "bidirectional_sum", "'bidirectional_sum'"},
      {relu, 1, RECUR_WEIGHTS_ONEDNN, "onednn.alpha", "0.1", "'onednn.alpha' is '0.1'"},
      {rnn, 1, RECUR_WEIGHTS_ONEDNN, "onednn.activation", "eltwise_logistic", "'eltwise_logistic'"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(std::string(format_name(c.format)) + " " + c.name + "=" + c.text);
    const Layer layer(network(c.cell, 1, c.directions));
    for (const std::string prefix : {"", "model/"}) {
      Weights set = without(exported(layer, c.format, prefix), "");  // without its attributes
      std::string name = c.name;
      if (name.rfind("onnx.", 0) == 0 && c.directions == 2)
        set.set_attribute(prefix + "onnx.direction", "bidirectional");
      if (!name.empty()) set.set_attribute(name == "format" ? name : prefix + name, c.text);
      if (*c.words == 0) {
        EXPECT_EQ(refusal_of([&] { set.to_parameters(layer, c.format, prefix); }).text, "");
        continue;
      }
      std::string words = c.words;
      if (const size_t at = words.find("'o"); !prefix.empty() && at == 0) words = "'model/" + words.substr(1);
      if (const size_t at = words.find("'k"); !prefix.empty() && at == 0) words = "'model/" + words.substr(1);
      expect_refused(layer, c.format, set, RECUR_NOT_SUPPORTED, {words}, prefix.c_str());
    }
  }
}

TEST(ImportErrors, TypesThatAreNoWeights) {
  const std::string header =
      "{\"bias_hh_l0\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]},"
      "\"bias_ih_l0\":{\"dtype\":\"I32\",\"shape\":[4],\"data_offsets\":[16,32]},"
      "\"weight_hh_l0\":{\"dtype\":\"F32\",\"shape\":[4,4],\"data_offsets\":[32,96]},"
      "\"weight_ih_l0\":{\"dtype\":\"F32\",\"shape\":[4,3],\"data_offsets\":[96,144]}}";
  std::string bytes;
  for (int k = 0; k < 8; ++k) bytes += static_cast<char>(header.size() >> 8 * k & 0xFF);
  bytes += header + std::string(144, '\0');
  const Weights set = Weights::parse(bytes.data(), bytes.size(), "model.safetensors");
  expect_refused(
      Layer(network(RECUR_CELL_RNN_TANH)), RECUR_WEIGHTS_PYTORCH, set, RECUR_INVALID_ARGUMENT,
      {"model.safetensors: tensor 'bias_ih_l0' is of type I32, and weights are read from F32, F16, BF16 and F64"});
}

// By the pure part: a plan of one takes a kernel of its own.
TEST(ImportErrors, CustomCells) {
  recur_layer_descriptor d = network(RECUR_CELL_CUSTOM);
  recur_custom_cell cell = {};
  cell.gates = 2;
  const Geometry geometry(d, cell);
  for (const recur_weights_format format : kFormats) {
    try {
      mapping(format, d, geometry);
      FAIL() << format_name(format);
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.status(), RECUR_NOT_SUPPORTED);
      EXPECT_EQ(std::string(failure.what()), std::string(format_name(format)) + " has no custom cell, and the plan has");
    }
  }
}

TEST(ImportErrors, Arguments) {
  const Layer lstm(network(RECUR_CELL_LSTM));
  Weights set = exported(lstm, RECUR_WEIGHTS_ONNX);
  std::vector<float> p(lstm.sizes().parameter_elements);
  const auto import = [&](const recur_layer_plan* plan, int format, const recur_weights* weights, float* to,
                          size_t size) {
    return recur_weights_import(plan, recur_weights_format(format), weights, nullptr, to, size);
  };
  EXPECT_EQ(import(lstm.get(), RECUR_WEIGHTS_ONNX, set.get(), p.data(), p.size()), RECUR_SUCCESS);
  EXPECT_EQ(import(nullptr, RECUR_WEIGHTS_ONNX, set.get(), p.data(), p.size()), RECUR_INVALID_ARGUMENT);
  EXPECT_EQ(import(lstm.get(), 0, set.get(), p.data(), p.size()), RECUR_INVALID_ARGUMENT);
  EXPECT_EQ(import(lstm.get(), 6, set.get(), p.data(), p.size()), RECUR_NOT_SUPPORTED);
  EXPECT_EQ(import(lstm.get(), RECUR_WEIGHTS_ONNX, nullptr, p.data(), p.size()), RECUR_INVALID_ARGUMENT);
  EXPECT_EQ(import(lstm.get(), RECUR_WEIGHTS_ONNX, set.get(), nullptr, p.size()), RECUR_INVALID_ARGUMENT);
  EXPECT_EQ(import(lstm.get(), RECUR_WEIGHTS_ONNX, set.get(), p.data(), p.size() - 1), RECUR_INVALID_ARGUMENT);
  EXPECT_NE(std::string(recur_last_error()).find("parameter_elements is"), std::string::npos);
  // An export that meets a name adds nothing.
  const size_t count = set.count();
  EXPECT_NE(
      refusal_of([&] { set.add_parameters(lstm, RECUR_WEIGHTS_ONNX, p); }).text.find("'layer_0/W' is there already"),
      std::string::npos);
  EXPECT_EQ(set.count(), count);
  recur_weights_destroy(nullptr);
}

}  // namespace
}  // namespace recur::test
