// The path a layer takes is a value: pinned here for a table of sizes.
#include "host/choose.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "host/validate.hpp"

namespace {

struct Pin {
  int64_t hidden;
  int vector_width;
};

class Choice : public testing::TestWithParam<Pin> {};

TEST_P(Choice, IsPinned) {
  recur_layer_descriptor d = {};
  d.cell = RECUR_CELL_LSTM;
  d.type = RECUR_TYPE_FLOAT32;
  d.steps = 25;
  d.batch = 16;
  d.input_size = 3;
  d.layers = d.directions = 1;
  d.hidden_size = GetParam().hidden;
  const recur_layer_choice choice = recur::choose(d, recur::Geometry(d, recur::cell_of(d)));
  EXPECT_EQ(choice.residency, RECUR_RESIDENCY_STREAMED);
  EXPECT_EQ(choice.launches_per_step, 2);
  EXPECT_EQ(choice.vector_width, GetParam().vector_width);
  ASSERT_NE(std::memchr(choice.reason, 0, sizeof choice.reason), nullptr);
  EXPECT_NE(std::string(choice.reason).find("streamed"), std::string::npos);
  EXPECT_LT(std::strlen(choice.reason), sizeof choice.reason - 1) << "cut short: " << choice.reason;
}

INSTANTIATE_TEST_SUITE_P(Hidden, Choice,
                         testing::Values(Pin{1, 1}, Pin{2, 1}, Pin{3, 1}, Pin{4, 4}, Pin{5, 1}, Pin{127, 1},
                                         Pin{128, 4}, Pin{190, 1}, Pin{650, 1}, Pin{768, 4}, Pin{1024, 4},
                                         Pin{1150, 1}, Pin{2048, 4}, Pin{4096, 4}),
                         [](const auto& info) { return "H" + std::to_string(info.param.hidden); });

}  // namespace
