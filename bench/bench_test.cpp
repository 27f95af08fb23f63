// The parts of recur-bench that are pure: names, command lines, percentiles, tables, the picture's input.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "floor.hpp"
#include "options.hpp"
#include "plot.hpp"
#include "rows.hpp"
#include "statistics.hpp"

namespace recur::bench {
namespace {

Options parsed(std::vector<const char*> words) {
  words.insert(words.begin(), "recur-bench");
  return parse_options(static_cast<int>(words.size()), words.data());
}

std::string refusal(const std::vector<const char*>& words) {
  try {
    parsed(words);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Shapes, EveryNameHasShapesWithASource) {
  size_t all = 0;
  for (const std::string& name : set_names()) {
    const std::vector<Shape> shapes = shapes_of(name);
    if (name == "kernels") {
      EXPECT_TRUE(shapes.empty());
      continue;
    }
    EXPECT_FALSE(shapes.empty()) << name;
    if (name != "all") all += shapes.size();
    for (const Shape& shape : shapes) {
      EXPECT_FALSE(shape.source.empty()) << describe(shape.layer);
      EXPECT_FALSE(shape.passes.empty()) << describe(shape.layer);
      EXPECT_TRUE(name == "all" || shape.set == name) << shape.set << " in " << name;
    }
  }
  EXPECT_EQ(shapes_of("all").size(), all);
  EXPECT_TRUE(shapes_of("nosuch").empty());
}

TEST(Shapes, NoneIsThereTwice) {
  std::set<std::string> seen;
  for (const Shape& shape : shapes_of("all"))
    for (const Pass pass : shape.passes)
      EXPECT_TRUE(seen.insert(shape.set + describe(shape.layer) + name_of(pass)).second)
          << shape.set << " " << describe(shape.layer);
}

TEST(Shapes, WhatIsPublishedStandsByItsRow) {
  int rows = 0;
  for (const Shape& shape : shapes_of("flashrnn")) {
    for (const Published& published : shape.published) {
      ++rows;
      EXPECT_EQ(describe(shape.layer).substr(10), "T1024 N16 I768 H768") << published.who;
      EXPECT_FALSE(published.source.empty());
    }
    LayerRow row;
    row.shape = shape;
    row.pass = Pass::training;
    if (describe(shape.layer) == "lstm fp16 T1024 N16 I768 H768") {
      EXPECT_EQ(published_text(row), "5.19 ms: cuDNN, nn.LSTM fp16");
    }
  }
  EXPECT_EQ(rows, 8);
}

TEST(CommandLine, NamesAndOneShape) {
  EXPECT_TRUE(parsed({}).kernels);
  EXPECT_TRUE(parsed({}).shapes.empty());
  EXPECT_EQ(parsed({"gnmt", "latency"}).shapes.size(),
            shapes_of("gnmt").size() + shapes_of("latency").size());
  EXPECT_FALSE(parsed({"gnmt"}).kernels);
  EXPECT_TRUE(parsed({"all"}).kernels);
  EXPECT_EQ(parsed({"all", "gnmt"}).shapes.size(), shapes_of("all").size());  // each once

  const Options own = parsed({"-T", "5", "-N", "3", "-H", "7", "-L", "2", "-D", "2", "--cell", "gru",
                              "--type", "bf16", "--pass", "step", "training", "--json", "x.json"});
  ASSERT_EQ(own.shapes.size(), 1u);
  EXPECT_EQ(describe(own.shapes[0].layer), "gru bf16 T5 N3 I7 H7 L2 D2");
  EXPECT_EQ(own.shapes[0].passes, (std::vector<Pass>{Pass::step, Pass::training}));
  EXPECT_EQ(own.json, "x.json");
  for (const Shape& shape : parsed({"haste", "--type", "fp16", "--pass", "inference"}).shapes) {
    EXPECT_EQ(shape.layer.type, RECUR_TYPE_FLOAT16);
    EXPECT_EQ(shape.passes, std::vector<Pass>{Pass::inference});
  }
  for (const Shape& shape : parsed({"latency", "--residency", "streamed"}).shapes)
    EXPECT_EQ(shape.layer.residency, RECUR_RESIDENCY_STREAMED);
  EXPECT_EQ(parsed({"plot", "a.json"}).plot_to, "a.svg");
  EXPECT_EQ(parsed({"plot", "a.json", "--output", "b.png"}).plot_to, "b.png");
}

TEST(CommandLine, RefusalsNameTheTrouble) {
  EXPECT_TRUE(contains(refusal({"deepbnch"}), "no shapes called 'deepbnch'"));
  EXPECT_TRUE(
      contains(refusal({"deepbnch"}), "deepbench, haste, flashrnn, gnmt, rnnt, latency, odd, kernels, all"));
  EXPECT_TRUE(contains(refusal({"gnmt", "-H", "8"}), "'gnmt' names shapes that are"));
  EXPECT_TRUE(contains(refusal({"-H", "8", "-N", "2"}), "-T (steps) is absent"));
  EXPECT_TRUE(contains(refusal({"-T", "8", "-N", "2", "-H", "many"}), "many"));
  EXPECT_TRUE(contains(refusal({"gnmt", "--type", "fp8"}), "--type is 'fp8'"));
  EXPECT_TRUE(contains(refusal({"gnmt", "--residency", "cluster"}), "--residency is 'cluster'"));
  EXPECT_TRUE(contains(refusal({"gnmt", "--pass", "back"}), "--pass is 'back'"));
  EXPECT_TRUE(contains(refusal({"-T", "8", "-N", "2", "-H", "4", "--cell", "lsmt"}), "--cell is 'lsmt'"));
  EXPECT_TRUE(contains(refusal({"gnmt", "--fast"}), "--fast"));
  EXPECT_TRUE(contains(refusal({"--type", "fp16"}), "kernels"));
  EXPECT_TRUE(contains(refusal({"plot"}), "FILE"));
  EXPECT_TRUE(contains(refusal({"plot", "a.json", "--output", "b.gif"}), "'b.gif'"));
}

TEST(Statistics, PercentilesLieBetweenNeighboursInProportion) {
  EXPECT_EQ(percentile({7}, 0.1), 7);
  EXPECT_EQ(percentile({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, 0.1), 2);
  EXPECT_DOUBLE_EQ(percentile({10, 20}, 0.25), 12.5);
  const Spread s = spread({5, 1, 4, 2, 3});
  EXPECT_EQ(s.median, 3);
  EXPECT_DOUBLE_EQ(s.p10, 1.4);
  EXPECT_DOUBLE_EQ(s.p90, 4.6);
  EXPECT_THROW(percentile({}, 0.5), std::invalid_argument);
}

TEST(Statistics, RepetitionsFollowTheTimeOfOneCall) {
  EXPECT_EQ(repetitions(0), 201);
  EXPECT_EQ(repetitions(0.01), 201);
  EXPECT_EQ(repetitions(10), 50);
  EXPECT_EQ(repetitions(5000), 11);
  EXPECT_EQ(repetitions(10, 200), 20);
}

// Counted by hand: T3 N2 I5 H4, fp16.
TEST(Floor, OfATinyLayer) {
  recur_layer_descriptor d = {};
  d.cell = RECUR_CELL_LSTM, d.type = RECUR_TYPE_FLOAT16;
  d.steps = 3, d.batch = 2, d.input_size = 5, d.hidden_size = 4;
  const double x = 2 * 3 * 2 * 5, y = 2 * 3 * 2 * 4, h = 2 * 2 * 4, c = 4 * 2 * 4;
  const double w_ih_and_biases = 2 * (16 * 5 + 2 * 16), w_hh = 2 * 16 * 4;
  const double forward = x + y + 2 * (h + c) + w_ih_and_biases;
  EXPECT_EQ(floor_bytes(d, Pass::inference, true, 0), forward + 3 * w_hh);
  EXPECT_EQ(floor_bytes(d, Pass::inference, false, 0), forward + w_hh);
  EXPECT_EQ(floor_bytes(d, Pass::step, true, 0), x / 3 + y / 3 + 2 * (h + c) + w_ih_and_biases + w_hh);
  // x, y, dy, dx, h0, c0; dhT, dcT, dh0, dc0 and the parameters' gradients as floats.
  const double backward =
      2 * x + 2 * y + h + c + 2 * (2 * h + c) + w_ih_and_biases + 2 * w_ih_and_biases + 2 * w_hh;
  EXPECT_EQ(floor_bytes(d, Pass::training, true, 100), forward + 3 * w_hh + backward + 3 * w_hh + 2 * 100);
  EXPECT_EQ(floor_bytes(d, Pass::training, false, 100), forward + w_hh + backward + w_hh + 2 * 100);
}

// A GPU's results, made up.
Results made_up() {
  Results results;
  results.device = "a | b";
  LayerRow row;
  row.shape = shapes_of("gnmt")[0];
  row.shape.published = {{Pass::inference, 1.5, "somebody", "a page"},
                         {Pass::training, 9, "somebody", "a page"}};
  row.timings.resize(3);
  row.timings[0] = {"recur", "", {2, 1.5, 2.5}, {1, 0.9, 1.1}, 20};
  row.timings[1] = {"cuDNN standard", "", {5, 4, 6}, {4, 3.5, 4.5}, 20};
  row.timings[2] = {"cuDNN small-h", "it does not want to", {}, {}, 0};
  results.layers = {row};
  return results;
}

std::vector<std::string> lines_with(const std::string& text, const std::string& part) {
  std::vector<std::string> found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (contains(line, part)) found.push_back(line);
  return found;
}

size_t columns(const std::string& line) {
  size_t bars = 0;
  for (size_t k = 0; k < line.size(); ++k) bars += line[k] == '|' && (k == 0 || line[k - 1] != '\\');
  return bars - 1;
}

TEST(Markdown, MeasuredRowsEndInTheRatio) {
  const std::string text = as_markdown(made_up());
  const std::vector<std::string> table = lines_with(text, " T50 N128 ");
  ASSERT_EQ(table.size(), 3u) << text;
  for (const std::string& line : table) EXPECT_EQ(columns(line), 8u) << line;
  EXPECT_TRUE(contains(
      table[0],
      "| recur | 2.0000 (1.5000 to 2.5000) | 1.0000 (0.9000 to 1.1000) | 20.0000 (18.0000 to 22.0000) |"))
      << table[0];
  EXPECT_TRUE(contains(table[0], "| 1.00 |"));
  EXPECT_TRUE(contains(table[1], "1.5 ms: somebody | 4.00 |")) << table[1];
  EXPECT_TRUE(contains(table[2], "cuDNN small-h: it does not want to")) << table[2];
  EXPECT_TRUE(contains(text, "Published, not ours: a page."));
  EXPECT_FALSE(contains(text, "odelled"));
}

TEST(Json, HasWhatWasMeasured) {
  const nlohmann::json all = nlohmann::json::parse(as_json(made_up()).dump());
  EXPECT_EQ(all.at("emulated"), false);
  const nlohmann::json& row = all.at("layers").at(0);
  EXPECT_EQ(row.at("measured").at(1).at("milliseconds_warm").at("median"), 4);
  EXPECT_EQ(row.at("measured").at(2).at("refused"), "it does not want to");
  ASSERT_EQ(row.at("published").size(), 1u);
  EXPECT_EQ(row.at("published").at(0).at("milliseconds"), 1.5);
  EXPECT_FALSE(row.contains("emulated"));
}

TEST(Plot, SaysWhetherItWasMeasured) {
  nlohmann::json results = as_json(made_up());
  const std::string measured = gnuplot_input(results, "x.svg");
  EXPECT_TRUE(contains(measured, "\n1 \"lstm fp16 T50 N128 I1024 H1024 D2, inference\" 20 80 30\n"))
      << measured.substr(0, 300);
  EXPECT_TRUE(contains(measured, "heading = \"Measured time a step, a | b\""));
  results["emulated"] = true;
  EXPECT_TRUE(contains(gnuplot_input(results, "x.svg"), "heading = \"Modelled (emulated, not measured)"));
  EXPECT_THROW(gnuplot_input(nlohmann::json::object(), "x.svg"), std::runtime_error);
  results["layers"] = nlohmann::json::array();
  EXPECT_THROW(gnuplot_input(results, "x.svg"), std::runtime_error);
}

}  // namespace
}  // namespace recur::bench
