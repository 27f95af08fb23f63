#include "attributes.hpp"

#include <charconv>
#include <optional>

#include "../check.hpp"
#include "mapping.hpp"

namespace recur {
namespace {

struct Setting {
  std::string name;                     // with the format's: "onnx.clip"
  std::optional<std::string> wanted;    // nothing: recur has no such thing, whatever its value
  std::optional<std::string> standard;  // what its absence means; nothing: absence says nothing
  bool exported = false;
};

bool is_vanilla(recur_cell cell) { return cell == RECUR_CELL_RNN_TANH || cell == RECUR_CELL_RNN_RELU; }
bool is_gru(recur_cell cell) { return cell == RECUR_CELL_GRU || cell == RECUR_CELL_GRU_RESET_BEFORE; }

std::string number(float value) {
  char digits[32];
  return std::string(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

std::vector<Setting> onnx_settings(const recur_layer_descriptor& d) {
  const bool relu = d.cell == RECUR_CELL_RNN_RELU;
  const std::string one = is_vanilla(d.cell) ? "Tanh" : is_gru(d.cell) ? "Sigmoid,Tanh" : "Sigmoid,Tanh,Tanh";
  const auto each = [&](const std::string& list) { return d.directions == 2 ? list + "," + list : list; };
  return {{"onnx.activations", each(relu ? "Relu" : one), each(one), relu},
          {"onnx.activation_alpha", {}, {}},
          {"onnx.activation_beta", {}, {}},
          {"onnx.clip", {}, {}},
          {"onnx.direction", d.directions == 2 ? "bidirectional" : "forward", "forward", true},
          {"onnx.hidden_size", std::to_string(d.hidden_size), {}, true},
          {"onnx.input_forget", "0", "0"},
          {"onnx.layout", d.batch_first != 0 ? "1" : "0", {}},
          {"onnx.linear_before_reset", d.cell == RECUR_CELL_GRU ? "1" : "0", "0", is_gru(d.cell)}};
}

std::vector<Setting> keras_settings(const recur_layer_descriptor& d) {
  const bool relu = d.cell == RECUR_CELL_RNN_RELU, gru = is_gru(d.cell);
  std::vector<Setting> settings = {{"keras.activation", relu ? "relu" : "tanh", "tanh", true},
                                   {"keras.units", std::to_string(d.hidden_size), {}},
                                   {"keras.go_backwards", "0", "0"},
                                   {"keras.merge_mode", "concat", "concat"}};
  if (!is_vanilla(d.cell)) settings.push_back({"keras.recurrent_activation", "sigmoid", "sigmoid", true});
  if (gru) settings.push_back({"keras.reset_after", d.cell == RECUR_CELL_GRU ? "1" : "0", "1", true});
  return settings;
}

std::vector<Setting> cudnn_settings(const recur_layer_descriptor& d) {
  const bool relu = d.cell == RECUR_CELL_RNN_RELU;
  const std::string mode = is_vanilla(d.cell) ? (relu ? "CUDNN_RNN_RELU" : "CUDNN_RNN_TANH")
                           : is_gru(d.cell)   ? "CUDNN_GRU"
                                              : "CUDNN_LSTM";
  return {{"cudnn.cell_mode", mode, {}, true},
          {"cudnn.input_mode", "CUDNN_LINEAR_INPUT", "CUDNN_LINEAR_INPUT"},
          {"cudnn.clip", number(d.cell_clip), {}, d.cell_clip > 0}};
}

std::vector<Setting> onednn_settings(const recur_layer_descriptor& d) {
  const std::string kind = is_vanilla(d.cell)          ? "vanilla_rnn"
                           : d.cell == RECUR_CELL_LSTM ? "vanilla_lstm"
                           : d.cell == RECUR_CELL_GRU  ? "lbr_gru"
                                                       : "vanilla_gru";
  std::vector<Setting> settings = {
      {"onednn.cell_kind", kind, {}, true},
      {"onednn.direction", d.directions == 2 ? "bidirectional_concat" : "unidirectional_left2right", {}, true}};
  if (is_vanilla(d.cell)) {
    settings.push_back(
        {"onednn.activation", d.cell == RECUR_CELL_RNN_RELU ? "eltwise_relu" : "eltwise_tanh", {}, true});
    settings.push_back({"onednn.alpha", "0", "0"});  // the slope of a ReLU below 0
  }
  return settings;
}

std::vector<Setting> settings_of(recur_weights_format format, const recur_layer_descriptor& d) {
  switch (format) {
    case RECUR_WEIGHTS_PYTORCH:
      if (!is_vanilla(d.cell)) return {};
      return {{"pytorch.nonlinearity", d.cell == RECUR_CELL_RNN_RELU ? "relu" : "tanh", {}, true}};
    case RECUR_WEIGHTS_CUDNN:
      return cudnn_settings(d);
    case RECUR_WEIGHTS_KERAS:
      return keras_settings(d);
    case RECUR_WEIGHTS_ONNX:
      return onnx_settings(d);
    case RECUR_WEIGHTS_ONEDNN:
      return onednn_settings(d);
  }
  return {};
}

// In small letters, without spaces; Python's truth values as numbers.
std::string plain(const std::string& text) {
  std::string result;
  for (const char c : text)
    if (c != ' ') result += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return result == "true" ? "1" : result == "false" ? "0" : result;
}

bool same(const std::string& a, const std::string& b) {
  const std::string x = plain(a), y = plain(b);
  if (x == y) return true;
  float first = 0, second = 0;
  const auto read = [](const std::string& text, float* value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
    return error == std::errc() && end == text.data() + text.size();
  };
  return read(x, &first) && read(y, &second) && first == second;
}

[[noreturn]] void refuse(const TensorSet& set, const std::string& text) {
  throw Failure(RECUR_NOT_SUPPORTED, set.where() + text);
}

}  // namespace

void check_attributes(recur_weights_format format, const recur_layer_descriptor& d, const TensorSet& set,
                      const std::string& prefix) {
  const std::vector<Setting> settings = settings_of(format, d);
  for (const Setting& s : settings) {
    const auto found = set.attributes.find(prefix + s.name);
    const bool given = found != set.attributes.end();
    if (!s.wanted && given)
      refuse(set, in_quotes(found->first) + " is " + in_quotes(found->second) + ", and recur has no such setting");
    if (!s.wanted) continue;
    if (given && !same(found->second, *s.wanted))
      refuse(set, in_quotes(found->first) + " is " + in_quotes(found->second) + ", and the plan's is " +
                      in_quotes(*s.wanted));
    if (!given && s.standard && !same(*s.standard, *s.wanted))
      refuse(set, in_quotes(prefix + s.name) + " is not given, which means " + in_quotes(*s.standard) +
                      ", and the plan's is " + in_quotes(*s.wanted));
  }
  const std::string begin = prefix + plain(name_of(format)) + ".";
  for (auto at = set.attributes.lower_bound(begin);
       at != set.attributes.end() && at->first.compare(0, begin.size(), begin) == 0; ++at) {
    bool known = false;
    for (const Setting& s : settings) known = known || at->first == prefix + s.name;
    if (!known)
      refuse(set, in_quotes(at->first) + " is " + in_quotes(at->second) + ", and no setting that recur knows of " +
                      name_of(format) + "'s layer");
  }
}

std::vector<std::pair<std::string, std::string>> exported_attributes(recur_weights_format format,
                                                                     const recur_layer_descriptor& d) {
  std::vector<std::pair<std::string, std::string>> result;
  for (const Setting& s : settings_of(format, d))
    if (s.exported) result.emplace_back(s.name, *s.wanted);
  return result;
}

}  // namespace recur
