// Every descriptor that a layer refuses, with what the text has to name: the field, its value and the limit.
#include "host/validate.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "host/check.hpp"
#include "kernels/streamed/launch.hpp"

namespace {

recur_layer_descriptor small() {
  recur_layer_descriptor d = {};
  d.cell = RECUR_CELL_LSTM;
  d.type = RECUR_TYPE_FLOAT32;
  d.steps = 3;
  d.batch = 2;
  d.input_size = 5;
  d.hidden_size = 4;
  return d;
}

struct Refusal {
  const char* name;
  std::function<void(recur_layer_descriptor&)> spoil;
  recur_status status;
  std::vector<std::string> text;
};

std::vector<Refusal> refusals() {
  constexpr int64_t int32_most = 2147483647;
  auto cell = [](int value) { return [=](auto& d) { d.cell = static_cast<recur_cell>(value); }; };
  auto type = [](int value) { return [=](auto& d) { d.type = static_cast<recur_type>(value); }; };
  return {
      {"cell_forgotten", cell(0), RECUR_INVALID_ARGUMENT, {"cell", "0"}},
      {"cell_unknown", cell(77), RECUR_NOT_SUPPORTED, {"cell", "77"}},
      {"cell_negative", cell(-1), RECUR_INVALID_ARGUMENT, {"cell", "-1"}},
      {"type_forgotten", type(0), RECUR_INVALID_ARGUMENT, {"type", "0"}},
      {"type_unknown", type(5), RECUR_NOT_SUPPORTED, {"type", "5", "4"}},
      {"type_negative", type(-2), RECUR_INVALID_ARGUMENT, {"type", "-2"}},
      {"steps_zero", [](auto& d) { d.steps = 0; }, RECUR_INVALID_ARGUMENT, {"steps", "is 0", "1"}},
      {"steps_negative", [](auto& d) { d.steps = -7; }, RECUR_INVALID_ARGUMENT, {"steps", "-7"}},
      {"steps_large", [](auto& d) { d.steps = int32_most + 1; }, RECUR_INVALID_ARGUMENT,
       {"steps", "2147483648", "2147483647"}},
      {"batch_zero", [](auto& d) { d.batch = 0; }, RECUR_INVALID_ARGUMENT, {"batch", "is 0"}},
      {"batch_negative", [](auto& d) { d.batch = -1; }, RECUR_INVALID_ARGUMENT, {"batch", "-1"}},
      {"batch_large", [](auto& d) { d.batch = int32_most + 1; }, RECUR_INVALID_ARGUMENT,
       {"batch", "2147483648", "2147483647"}},
      {"input_zero", [](auto& d) { d.input_size = 0; }, RECUR_INVALID_ARGUMENT, {"input_size", "is 0"}},
      {"input_negative", [](auto& d) { d.input_size = INT64_MIN; }, RECUR_INVALID_ARGUMENT,
       {"input_size", "-9223372036854775808"}},
      {"input_large", [](auto& d) { d.input_size = INT64_MAX; }, RECUR_INVALID_ARGUMENT,
       {"input_size", "9223372036854775807"}},
      {"hidden_zero", [](auto& d) { d.hidden_size = 0; }, RECUR_INVALID_ARGUMENT, {"hidden_size", "is 0"}},
      {"hidden_negative", [](auto& d) { d.hidden_size = -4; }, RECUR_INVALID_ARGUMENT, {"hidden_size", "-4"}},
      {"hidden_large", [](auto& d) { d.hidden_size = int64_t{1} << 29; }, RECUR_INVALID_ARGUMENT,
       {"hidden_size", "536870912", "536870911"}},
      {"layers_many", [](auto& d) { d.layers = 1025; }, RECUR_INVALID_ARGUMENT, {"layers", "1025", "1024"}},
      {"layers_negative", [](auto& d) { d.layers = -1; }, RECUR_INVALID_ARGUMENT, {"layers", "-1"}},
      {"directions_three", [](auto& d) { d.directions = 3; }, RECUR_INVALID_ARGUMENT, {"directions", "3", "2"}},
      {"projection_negative", [](auto& d) { d.projection_size = -1; }, RECUR_INVALID_ARGUMENT,
       {"projection_size", "-1"}},
      {"projection_of_all", [](auto& d) { d.projection_size = 4; }, RECUR_INVALID_ARGUMENT,
       {"projection_size", "is 4", "3"}},
      {"projection_of_gru", [](auto& d) { d.cell = RECUR_CELL_GRU, d.projection_size = 2; }, RECUR_NOT_SUPPORTED,
       {"projection_size", "LSTM"}},
      {"peepholes_of_rnn", [](auto& d) { d.cell = RECUR_CELL_RNN_TANH, d.peepholes = 1; }, RECUR_NOT_SUPPORTED,
       {"peepholes", "LSTM"}},
      {"clip_of_gru", [](auto& d) { d.cell = RECUR_CELL_GRU, d.cell_clip = 1; }, RECUR_NOT_SUPPORTED,
       {"cell_clip", "LSTM"}},
      {"clip_negative", [](auto& d) { d.cell_clip = -1; }, RECUR_INVALID_ARGUMENT, {"cell_clip", "-1"}},
      {"clip_nan", [](auto& d) { d.cell_clip = NAN; }, RECUR_INVALID_ARGUMENT, {"cell_clip", "nan"}},
      {"dropout_negative", [](auto& d) { d.dropout = -0.5f; }, RECUR_INVALID_ARGUMENT, {"dropout", "-0.5"}},
      {"dropout_of_all", [](auto& d) { d.dropout = 1; }, RECUR_INVALID_ARGUMENT, {"dropout", "is 1"}},
      {"linear_gru", [](auto& d) { d.cell = RECUR_CELL_GRU, d.activation = RECUR_ACTIVATION_LINEAR; },
       RECUR_NOT_SUPPORTED, {"activation", "linear"}},
      {"linear_half", [](auto& d) { d.type = RECUR_TYPE_FLOAT16, d.activation = RECUR_ACTIVATION_LINEAR; },
       RECUR_NOT_SUPPORTED, {"activation", "linear"}},
      {"linear_peepholes", [](auto& d) { d.peepholes = 1, d.activation = RECUR_ACTIVATION_LINEAR; },
       RECUR_NOT_SUPPORTED, {"activation", "linear"}},
      {"truncation_negative", [](auto& d) { d.truncation_period = -1; }, RECUR_INVALID_ARGUMENT,
       {"truncation_period", "-1"}},
      {"truncation_beyond", [](auto& d) { d.truncation_period = d.truncation_length = 4; }, RECUR_INVALID_ARGUMENT,
       {"truncation_period", "is 4", "3"}},
      {"truncation_short", [](auto& d) { d.truncation_period = 2, d.truncation_length = 1; }, RECUR_INVALID_ARGUMENT,
       {"truncation_length", "is 1", "2"}},
      {"truncation_alone", [](auto& d) { d.truncation_length = 1; }, RECUR_INVALID_ARGUMENT, {"truncation_length"}},
      {"truncation_both_ways", [](auto& d) { d.truncation_period = d.truncation_length = 1, d.directions = 2; },
       RECUR_NOT_SUPPORTED, {"truncation_period", "one direction"}},
      {"custom_missing", cell(RECUR_CELL_CUSTOM), RECUR_INVALID_ARGUMENT, {"custom_cell", "NULL"}},
      {"custom_needless", [](auto& d) { d.custom_cell = recur::kernels::built_in_cell(RECUR_CELL_GRU, d.type,
                                                                                      d.activation, false); },
       RECUR_INVALID_ARGUMENT, {"custom_cell"}},
      {"custom_of_another_type",
       [](auto& d) {
         d.cell = RECUR_CELL_CUSTOM, d.type = RECUR_TYPE_FLOAT16;
         d.custom_cell = recur::kernels::built_in_cell(RECUR_CELL_GRU, RECUR_TYPE_FLOAT32, d.activation, false);
       },
       RECUR_INVALID_ARGUMENT, {"custom_cell", "type"}},
      {"directions_negative", [](auto& d) { d.directions = -2; }, RECUR_INVALID_ARGUMENT, {"directions", "-2"}},
      {"activation_unknown", [](auto& d) { d.activation = static_cast<recur_activation>(2); },
       RECUR_INVALID_ARGUMENT, {"activation", "2"}},
      {"activation_negative", [](auto& d) { d.activation = static_cast<recur_activation>(-1); },
       RECUR_INVALID_ARGUMENT, {"activation", "-1"}},
      {"residency_unknown", [](auto& d) { d.residency = static_cast<recur_residency>(3); },
       RECUR_INVALID_ARGUMENT, {"residency", "3", "2"}},
      {"residency_negative", [](auto& d) { d.residency = static_cast<recur_residency>(-1); },
       RECUR_INVALID_ARGUMENT, {"residency", "-1"}},
      // The products take T*N rows, which cuBLASLt counts with 31 bits.
      {"rows_large", [](auto& d) { d.steps = 65536, d.batch = 32768; }, RECUR_NOT_SUPPORTED,
       {"steps * batch", "2147483648", "2147483647"}},
      {"rows_overflow", [](auto& d) { d.steps = d.batch = int32_most; }, RECUR_NOT_SUPPORTED, {"steps * batch"}},
      {"gates_overflow", [](auto& d) { d.steps = int32_most, d.batch = 1, d.hidden_size = (1 << 29) - 1; },
       RECUR_INVALID_ARGUMENT, {"hidden_size"}},
      {"x_overflow", [](auto& d) { d.steps = int32_most, d.batch = 1, d.input_size = int32_most; },
       RECUR_INVALID_ARGUMENT, {"input_size"}},
      {"w_ih_overflow", [](auto& d) { d.input_size = int32_most, d.hidden_size = (1 << 29) - 1; },
       RECUR_INVALID_ARGUMENT, {"hidden_size"}},
  };
}

class Refused : public testing::TestWithParam<Refusal> {};

TEST_P(Refused, NamesFieldValueAndLimit) {
  recur_layer_descriptor d = small();
  GetParam().spoil(d);
  try {
    recur::validated(d);
    FAIL() << "accepted";
  } catch (const recur::Failure& failure) {
    EXPECT_EQ(failure.status(), GetParam().status) << failure.what();
    for (const std::string& part : GetParam().text)
      EXPECT_NE(std::string(failure.what()).find(part), std::string::npos) << part << " in: " << failure.what();
  }
}

INSTANTIATE_TEST_SUITE_P(Descriptor, Refused, testing::ValuesIn(refusals()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Validate, ReadsZeroLayersAndDirectionsAsOneAndKeepsTheRest) {
  recur_layer_descriptor d = small();
  d.activation = RECUR_ACTIVATION_LINEAR;
  const recur_layer_descriptor v = recur::validated(d);
  EXPECT_EQ(v.layers, 1);
  EXPECT_EQ(v.directions, 1);
  EXPECT_EQ(v.cell, d.cell);
  EXPECT_EQ(v.type, d.type);
  EXPECT_EQ(v.steps, d.steps);
  EXPECT_EQ(v.batch, d.batch);
  EXPECT_EQ(v.input_size, d.input_size);
  EXPECT_EQ(v.hidden_size, d.hidden_size);
  EXPECT_EQ(v.activation, d.activation);
  d.layers = d.directions = 1;
  EXPECT_NO_THROW(recur::validated(d));
}

TEST(Validate, AcceptsTheSmallestAndTheLong) {
  recur_layer_descriptor d = small();
  d.steps = d.batch = d.input_size = d.hidden_size = 1;
  EXPECT_NO_THROW(recur::validated(d));
  d.steps = 65600;
  EXPECT_NO_THROW(recur::validated(d));
  d.steps = 2147483647;  // gates of 2^33 elements
  EXPECT_NO_THROW(recur::validated(d));
}

}  // namespace
