// From a layer's parameters to each format and back, and the other way round, for every cell and option; what a format
// cannot say is refused by its name.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "tests/weights/weights_support.hpp"

namespace recur::test {
namespace {

using reference::Cell;

// One network for each cell, options and type of the table of networks; other sizes make no other layout.
std::vector<NetworkCase> networks() {
  std::vector<NetworkCase> all;
  std::set<std::vector<int64_t>> seen;
  for (const NetworkCase& c : read_network_cases(RECUR_TEST_DATA "/network_cases.txt")) {
    const reference::NetworkShape& s = c.shape;
    if (s.hidden > 20 || s.inputs == s.hidden || s.hidden == 1) continue;
    if (seen.insert({int64_t(s.cell), s.layers, s.directions, s.projection, s.peepholes, s.cell_clip > 0, c.type})
            .second)
      all.push_back(c);
  }
  return all;
}

// What the format has no words for, or "".
std::string unsayable(const reference::NetworkShape& s, recur_weights_format format) {
  const bool pytorch = format == RECUR_WEIGHTS_PYTORCH, cudnn = format == RECUR_WEIGHTS_CUDNN,
             keras = format == RECUR_WEIGHTS_KERAS;
  if (s.cell == Cell::rnn_identity || s.cell == Cell::lstm_linear) return "linear activation";
  if (s.cell == Cell::gru_reset_before && (pytorch || cudnn)) return "GRU that resets before";
  if (s.peepholes && (pytorch || cudnn || keras)) return "peepholes";
  if (s.projection > 0 && (keras || format == RECUR_WEIGHTS_ONNX)) return "projection_size";
  if (s.cell_clip > 0 && !cudnn) return "cell_clip";
  return "";
}

// What a format with one bias gives back: the sum as b_ih, and 0; both of a candidate whose reset comes after.
std::vector<float> merged(const Layer& layer, const NetworkCase& c, recur_weights_format format,
                          std::vector<float> parameters) {
  const bool onednn = format == RECUR_WEIGHTS_ONEDNN, keras = format == RECUR_WEIGHTS_KERAS,
             after = c.shape.cell == Cell::gru;
  if (!(onednn || (keras && !after))) return parameters;
  const int64_t H = c.shape.hidden, rows = (after ? 2 : c.shape.gates()) * H;
  for (int64_t pass = 0; pass < c.shape.layers * c.shape.directions; ++pass) {
    const int64_t l = pass / c.shape.directions, d = pass % c.shape.directions;
    float* first = parameters.data() + layer.parameter(l, d, RECUR_PARAMETER_B_IH).offset;
    float* second = parameters.data() + layer.parameter(l, d, RECUR_PARAMETER_B_HH).offset;
    for (int64_t k = 0; k < rows; ++k) first[k] += second[k], second[k] = 0;
  }
  return parameters;
}

TEST(RoundTrip, EveryCellThroughEveryFormat) {
  std::map<std::string, int> passed, refused;
  for (const NetworkCase& c : networks()) {
    SCOPED_TRACE(c.text);
    const Layer layer(c.descriptor());
    const size_t size = layer.sizes().parameter_elements;
    const std::vector<float> parameters = random_fill(size, 77);
    for (const recur_weights_format format : kFormats) {
      SCOPED_TRACE(format_name(format));
      Weights set;
      if (const std::string what = unsayable(c.shape, format); !what.empty()) {
        for (const Refusal& refusal : {refusal_of([&] { set.add_parameters(layer, format, parameters); }),
                                       refusal_of([&] { set.to_parameters(layer, format); })}) {
          EXPECT_EQ(refusal.status, RECUR_NOT_SUPPORTED);
          EXPECT_NE(refusal.text.find(what), std::string::npos) << refusal.text;
          EXPECT_EQ(refusal.text.find(format_name(format)), 0u) << refusal.text;
        }
        EXPECT_EQ(set.count(), 0u);
        ++refused[format_name(format)];
        continue;
      }
      set.add_parameters(layer, format, parameters, "a/b.");
      const std::vector<float> back = set.to_parameters(layer, format, "a/b.");
      EXPECT_TRUE(same_bits(back, merged(layer, c, format, parameters)));
      Weights again;
      again.add_parameters(layer, format, back, "a/b.");
      EXPECT_EQ(difference(set, again), "");
      ++passed[format_name(format)];
      // Every float is read and written: infinities in one place show in one place.
      std::vector<float> untouched(size, std::numeric_limits<float>::quiet_NaN());
      ASSERT_EQ(recur_weights_import(layer.get(), format, set.get(), "a/b.", untouched.data(), size), RECUR_SUCCESS);
      EXPECT_TRUE(std::none_of(untouched.begin(), untouched.end(), [](float v) { return std::isnan(v); }));
      size_t floats = 0;
      for (size_t k = 0; k < set.count(); ++k) {
        floats += size_t(set[k].elements);
        for (int64_t e = 0; e < set[k].elements; ++e) ASSERT_NE(set[k].values[e], 0) << set[k].name;
      }
      EXPECT_LE(floats, size);
    }
  }
  for (const recur_weights_format format : kFormats) {
    std::printf("%-8s %3d networks there and back, %3d refused\n", format_name(format), passed[format_name(format)],
                refused[format_name(format)]);
    EXPECT_GE(passed[format_name(format)], 8);
    EXPECT_GE(refused[format_name(format)], 3);
  }
}

// Floats are moved, not computed with, but for the sum of two biases: what a format gave it gets back to the bit.
TEST(RoundTrip, BitsStayWhatTheyAre) {
  for (const NetworkCase& c : networks()) {
    const Layer layer(c.descriptor());
    for (const recur_weights_format format : kFormats) {
      if (!unsayable(c.shape, format).empty()) continue;
      SCOPED_TRACE(c.text + " " + format_name(format));
      Weights names, given, back;
      names.add_parameters(layer, format, random_fill(layer.sizes().parameter_elements, 3));
      for (size_t k = 0; k < names.count(); ++k) {
        std::vector<float> values(size_t(names[k].elements));
        const uint32_t bits[] = {0x80000000, 0x7FA00001, 0xFFC00002, 0x00000001, 0x7F800000, 0x3F800000};  // -0, NaN, ...
        for (size_t e = 0; e < values.size(); ++e) std::memcpy(&values[e], &bits[(e + k) % 6], 4);
        given.add(names[k].name, shape_of(names[k]), values.data());
      }
      for (const char* setting : {"onnx.activations", "onnx.linear_before_reset", "onnx.direction", "keras.activation", "keras.reset_after"})
        if (const std::string text = names.attribute(setting); !text.empty()) given.set_attribute(setting, text);
      back.add_parameters(layer, format, given.to_parameters(layer, format));
      EXPECT_EQ(difference(given, back), "");
    }
  }
}

// The gates lie where the format says: parameters that name their own gate, layer and direction.
TEST(RoundTrip, GatesLieWhereTheFormatSaysSo) {
  recur_layer_descriptor d = {};
  d.cell = RECUR_CELL_GRU, d.type = RECUR_TYPE_FLOAT32, d.steps = 1, d.batch = 1, d.input_size = 2, d.hidden_size = 3,
  d.directions = 2;
  const Layer gru(d);
  std::vector<float> parameters(gru.sizes().parameter_elements);
  for (int direction = 0; direction < 2; ++direction)
    for (int which = 0; which < 4; ++which) {
      const recur_parameter_place p = gru.parameter(0, direction, recur_parameter(which));
      for (int64_t row = 0; row < p.rows; ++row)
        for (int64_t column = 0; column < p.columns; ++column)  // direction, parameter, gate, unit, column
          parameters[p.offset + size_t(row * p.columns + column)] =
              float(10000 * (direction + 1) + 1000 * which + 100 * (row / 3) + 10 * (row % 3) + column);
    }
  Weights set;
  for (const recur_weights_format format : kFormats)
    set.add_parameters(gru, format, parameters, std::string(format_name(format)) + ".");
  const auto at = [&](const std::string& name, size_t index) { return set.find(name).values[index]; };
  EXPECT_EQ(at("PyTorch.weight_ih_l0_reverse", 8 * 2 + 1), 20221);                   // n, unit 2, input 1
  EXPECT_EQ(at("cuDNN.pseudo_layer_1/lin_layer_4/matrix", 2 * 3 + 1), 21121);        // the update gate's recurrence
  EXPECT_EQ(at("cuDNN.pseudo_layer_0/lin_layer_3/bias", 2), 13020);                  // the reset gate's
  EXPECT_EQ(at("Keras.layer_0/backward_layer/kernel", 1 * 9 + 0 * 3 + 2), 20121);    // z first
  EXPECT_EQ(at("Keras.layer_0/forward_layer/bias", 9 + 2 * 3 + 1), 13210);           // h's recurrent one
  EXPECT_EQ(at("ONNX.layer_0/W", (1 * 9 + 1 * 3 + 2) * 2 + 1), 20021);               // z r: r second
  EXPECT_EQ(at("ONNX.layer_0/B", 18 + 9 + 0 * 3 + 1), 23110);                        // Rbz
  EXPECT_EQ(at("oneDNN.layer_0/weights_iter", (1 * 3 + 2) * 9 + 0 * 3 + 1), 21112);  // u first
  EXPECT_EQ(at("oneDNN.layer_0/bias", 12 + 3 * 3 + 2), 23220);                       // o's recurrent one
  EXPECT_EQ(at("oneDNN.layer_0/bias", 1 * 3 + 1), 12010 + 13010);                    // r: the sum
  EXPECT_EQ(set.attribute("ONNX.onnx.linear_before_reset"), "1");
  EXPECT_EQ(set.attribute("Keras.keras.reset_after"), "1");
}

}  // namespace
}  // namespace recur::test
