// What compares and what packs: a result that is wrong in one element of any tensor is found and named; what a
// reference refuses is said and no failure; rows come back from their packed form.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "bench/validate/packing.hpp"
#include "bench/validate/report.hpp"

namespace recur::validate {
namespace {

// Both directions, two layers, projection and peepholes: every tensor there is.
const NetworkProblem& problem() {
  static const NetworkProblem p(test::read_network_case("lstm 4 3 5 6 L2 D2 P4 peep"));
  return p;
}

Results of_reference(const std::string& name, const NetworkProblem& p) {
  const References references = make_references();
  for (const auto& reference : references.all)
    if (reference->name() == name) return reference->run(p);
  throw std::runtime_error("no reference " + name);
}

struct Tensor {
  const char* name;     // in the table
  const char* measure;  // by which the tolerance goes
  Vector& (*of)(Results&);
};
const Tensor tensors[] = {{"y", "y", [](Results& r) -> Vector& { return r.y; }},
                          {"hT", "hT", [](Results& r) -> Vector& { return r.hT; }},
                          {"cT", "cT", [](Results& r) -> Vector& { return r.cT; }},
                          {"dx", "dx", [](Results& r) -> Vector& { return r.dx; }},
                          {"dh0", "dh0", [](Results& r) -> Vector& { return r.dh0; }},
                          {"dc0", "dc0", [](Results& r) -> Vector& { return r.dc0; }},
                          {"dW_ih", "dW_ih", [](Results& r) -> Vector& { return r.weights[3].w_ih; }},
                          {"dW_hh", "dW_hh", [](Results& r) -> Vector& { return r.weights[3].w_hh; }},
                          {"db", "db_ih", [](Results& r) -> Vector& { return r.weights[3].b_ih; }},
                          {"db", "db_hh", [](Results& r) -> Vector& { return r.weights[3].b_hh; }},
                          {"dW_hr", "dW_hr", [](Results& r) -> Vector& { return r.weights[3].w_hr; }},
                          {"dpeephole", "dpeephole", [](Results& r) -> Vector& { return r.weights[3].peephole; }}};

TEST(Comparison, TheLibraryIsWithinToleranceOfBothReferences) {
  const Results library = run_library(problem());
  for (const char* name : {"fp64", "onednn"}) {
    const Comparison c = compare(problem(), library, of_reference(name, problem()));
    EXPECT_TRUE(c.within()) << name << " " << c.worst().tensor << ": " << c.worst().worst.text();
    EXPECT_GT(c.worst().worst.tolerances, 0) << "float is never equal to double";
    EXPECT_EQ(c.tensors.size(), 11u);
    for (const TensorError& error : c.tensors) EXPECT_TRUE(error.present) << error.tensor;
  }
}

TEST(Comparison, OneWrongElementOfAnyTensorIsFoundAndNamed) {
  const Results exact = of_reference("fp64", problem());
  EXPECT_EQ(compare(problem(), exact, exact).worst().worst.tolerances, 0);
  for (const Tensor& tensor : tensors) {
    for (const double tolerances : {3.0, 0.3}) {
      Results wrong = exact;
      Vector& values = tensor.of(wrong);
      const size_t at = values.size() / 2;
      const Vector& scale = tensor.name == std::string("hT")   ? problem().forward.hiddens
                            : tensor.name == std::string("cT") ? problem().forward.cells
                                                               : values;
      values[at] += tolerances * problem().tolerance(tensor.measure) *
                    std::max(std::fabs(values[at]), test::root_mean_square(scale));
      const Comparison c = compare(problem(), wrong, exact);
      EXPECT_EQ(c.within(), tolerances < 1) << tensor.measure;
      EXPECT_EQ(c.worst().tensor, tensor.name);
      EXPECT_EQ(c.worst().worst.index, at);
      EXPECT_NEAR(c.worst().worst.tolerances, tolerances, 1e-3 * tolerances) << tensor.measure;
      const std::string bias = std::string(tensor.name) == "db" ? std::string(tensor.measure).substr(1) + " of " : "";
      const bool of_a_pass = tensor.of(wrong).data() != wrong.y.data() && tensor.name[1] != 'T' &&
                             tensor.name[2] != '0' && tensor.name != std::string("dx");
      EXPECT_EQ(c.worst().where, of_a_pass ? bias + "layer 1, direction 1" : "");
    }
  }
}

TEST(Comparison, WhatIsMissingTooLongOrNoNumberIsBeyond) {
  const Results exact = of_reference("fp64", problem());
  for (const Tensor& tensor : tensors) {
    const auto expect_beyond = [&](void (*change)(Vector&)) {
      Results wrong = exact;
      change(tensor.of(wrong));
      for (const bool exchanged : {false, true}) {
        const Comparison c = exchanged ? compare(problem(), exact, wrong) : compare(problem(), wrong, exact);
        EXPECT_FALSE(c.within()) << tensor.measure;
        EXPECT_EQ(c.worst().tensor, tensor.name);
      }
    };
    expect_beyond([](Vector& v) { v.clear(); });
    expect_beyond([](Vector& v) { v.push_back(0); });
    expect_beyond([](Vector& v) { v.back() = NAN; });
    expect_beyond([](Vector& v) { v.front() = INFINITY; });
  }
  Results wrong = exact;
  wrong.weights.pop_back();
  EXPECT_FALSE(compare(problem(), wrong, exact).within());
}

// Mistakes as they are made: gates in another order, a bias left out, the state of another row.
TEST(Comparison, MistakesAreFarBeyond) {
  const Results exact = of_reference("fp64", problem());
  NetworkProblem other = problem();
  for (reference::LayerWeights& w : other.weights)
    std::swap_ranges(w.w_ih.begin(), w.w_ih.begin() + ptrdiff_t(w.w_ih.size() / 4),
                     w.w_ih.begin() + ptrdiff_t(w.w_ih.size() / 2));
  other.compute();
  EXPECT_GT(compare(problem(), of_reference("fp64", other), exact).worst().worst.tolerances, 100);
  other = problem();
  for (reference::LayerWeights& w : other.weights) w.b_hh.assign(w.b_hh.size(), 0);
  other.compute();
  EXPECT_GT(compare(problem(), of_reference("fp64", other), exact).worst().worst.tolerances, 100);
  other = problem();
  std::rotate(other.inputs.h0.begin(), other.inputs.h0.begin() + 4, other.inputs.h0.end());
  other.compute();
  EXPECT_GT(compare(problem(), of_reference("fp64", other), exact).worst().worst.tolerances, 100);
}

TEST(References, SayWhatTheyCannotDo) {
  const auto expect_refused = [](const char* network, const char* words) {
    const NetworkProblem p(test::read_network_case(network));
    try {
      of_reference("onednn", p);
      ADD_FAILURE() << network << " is not refused";
    } catch (const Refused& reason) {
      EXPECT_NE(std::string(reason.what()).find(words), std::string::npos) << reason.what();
    }
  };
  expect_refused("lstm 4 2 3 5 clip", "oneDNN has no clip");
  expect_refused("gru 4 2 3 5 ragged", "oneDNN has no lengths");
  expect_refused("tanh 4 2 3 5 L2 drop", "oneDNN has no dropout");
  expect_refused("tanh 4 2 3 5 k1=2,k2=2", "oneDNN has no truncated");
  bool cudnn = false;
  for (const std::string& line : make_references().about) cudnn = cudnn || line.rfind("cudnn: ", 0) == 0;
  EXPECT_TRUE(cudnn) << "nothing is said of cuDNN";
}

Outcome outcome_of(const std::string& network, double tolerances) {
  Outcome outcome{network, "fp64", "", "", {}};
  for (const char* name : {"y", "hT", "cT", "dx", "dh0", "dc0", "dW_ih", "dW_hh", "db", "dW_hr", "dpeephole"})
    outcome.comparison.tensors.push_back({name, false, {}, ""});
  outcome.comparison.tensors[7] = {"dW_hh", true, {tolerances, 12, 1.5, 1.25}, "layer 0, direction 1"};
  return outcome;
}

TEST(Report, NamesTheWorstAndHowToRunItAgain) {
  Outcome refused{"lstm 1 1 1 1 clip", "onednn", "oneDNN has no clip of the cell", "", {}};
  const std::vector<Outcome> good = {outcome_of("lstm 1 1 1 1", 0.25), refused, outcome_of("gru 1 1 1 1", 0.5)};
  EXPECT_TRUE(good[0].ok() && good[1].ok());
  const std::string text = summary(good, "validate");
  EXPECT_NE(text.find("2 comparisons within tolerance, 0 beyond; 1 not made"), std::string::npos) << text;
  EXPECT_NE(text.find("Worst: dW_hh (layer 0, direction 1) of 'gru 1 1 1 1' against fp64: element 12 is 1.5"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("    validate gru 1 1 1 1 --reference fp64\n"), std::string::npos) << text;

  std::vector<Outcome> bad = good;
  bad.push_back(outcome_of("tanh 1 1 1 1", 1.5));
  bad.push_back({"relu 1 1 1 1", "fp64", "", "no memory", {}});
  EXPECT_FALSE(bad[3].ok());
  EXPECT_FALSE(bad[4].ok());
  const std::string faults = summary(bad, "validate");
  EXPECT_NE(faults.find("1 beyond"), std::string::npos) << faults;
  EXPECT_NE(faults.find("BEYOND: dW_hh (layer 0, direction 1) of 'tanh 1 1 1 1'"), std::string::npos) << faults;
  EXPECT_NE(faults.find("FAILED: recur with 'relu 1 1 1 1': no memory"), std::string::npos) << faults;

  const Table table({"lstm 1 1 1 1 clip"}, {"fp64", "onednn"});
  EXPECT_NE(table.row(bad[3]).find(" 1.500 |"), std::string::npos);
  EXPECT_NE(table.row(bad[3]).find("BEYOND"), std::string::npos);
  EXPECT_NE(table.row(good[0]).find(" 0.250 |"), std::string::npos);
  EXPECT_EQ(table.row(good[0]).find("BEYOND"), std::string::npos);
  EXPECT_NE(table.row(refused).find("not compared: oneDNN has no clip of the cell"), std::string::npos);
  EXPECT_NE(table.row(outcome_of("lstm 1 1 1 1", INFINITY)).find(" inf |"), std::string::npos);
  const std::string head = table.head();
  EXPECT_EQ(std::count(head.begin(), head.end(), '|'), 2 * 15);
  EXPECT_EQ(table.row(good[0]).size(), head.size() / 2) << "the columns stand one below the other";

  const nlohmann::json all = nlohmann::json::parse(json(bad, "device", {"about"}, "validate"));
  EXPECT_EQ(all["comparisons"].size(), 5u);
  EXPECT_EQ(all["comparisons"][3]["within"], false);
  EXPECT_EQ(all["comparisons"][3]["errors"]["dW_hh"], 1.5);
  EXPECT_EQ(all["comparisons"][1]["refused"], "oneDNN has no clip of the cell");
  EXPECT_EQ(all["worst"]["case"], "tanh 1 1 1 1");
  EXPECT_EQ(all["worst"]["again"], "validate tanh 1 1 1 1 --reference fp64");
}

TEST(Packing, OrderAndWhatIsLeftOut) {
  const Packing packing({2, 4, 0, 2, 3});
  EXPECT_EQ(packing.order(), (std::vector<int64_t>{1, 4, 0, 3}));
  EXPECT_EQ(packing.lengths(), (std::vector<int32_t>{4, 3, 2, 2}));
  EXPECT_EQ(packing.steps(), 4);
  // Element (t, n) is 10 t + n: two columns, the second negative.
  std::vector<double> values;
  for (int t = 0; t < 5; ++t)
    for (int n = 0; n < 5; ++n) values.push_back(10 * t + n), values.push_back(-10 * t - n);
  const std::vector<double> packed = packing.pack(values, 2);
  std::vector<double> first;
  for (size_t k = 0; k < packed.size(); k += 2) {
    first.push_back(packed[k]);
    EXPECT_EQ(packed[k + 1], -packed[k]);
  }
  EXPECT_EQ(first, (std::vector<double>{1, 4, 0, 3, 11, 14, 10, 13, 21, 24, 31}));
  const std::vector<double> back = packing.unpack(packed, 5, 2);
  const int lengths[] = {2, 4, 0, 2, 3};
  for (int t = 0; t < 5; ++t)
    for (int n = 0; n < 5; ++n) EXPECT_EQ(back[size_t(t * 5 + n) * 2], t < lengths[n] ? 10 * t + n : 0);
}

TEST(Packing, States) {
  const Packing packing({2, 0, 3});
  const std::vector<double> states = {1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16};  // two passes, three rows, two columns
  EXPECT_EQ(packing.pack_states(states, 2), (std::vector<double>{5, 6, 1, 2, 15, 16, 11, 12}));
  EXPECT_TRUE(packing.pack_states({}, 2).empty());
  const std::vector<double> others(12, 7);
  EXPECT_EQ(packing.unpack_states(packing.pack_states(states, 2), others, 2),
            (std::vector<double>{1, 2, 7, 7, 5, 6, 11, 12, 7, 7, 15, 16}));
  EXPECT_EQ(Packing({0, 0}).rows(), 0);
  EXPECT_EQ(Packing({0, 0}).steps(), 0);
}

TEST(Cases, ErrorsNameTheLine) {
  const auto error_of = [](const std::string& text) -> std::string {
    std::istringstream in(text);
    try {
      test::read_network_cases(in, "list");
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(error_of("lstm 1 2 3 4\n# x\n\nlsmt 1 2 3 4\n"),
            "list:4: 'lsmt 1 2 3 4': 'lsmt' is no cell; there are tanh, relu, identity, lstm, lstm_linear, gru and "
            "gru_before");
  EXPECT_EQ(error_of("gru 1 2 3\n"), "list:1: 'gru 1 2 3': there is no H; a case is: cell T N I H [options]");
  EXPECT_EQ(error_of("gru 1 0 3 4\n"), "list:1: 'gru 1 0 3 4': N is '0', and must be a whole number of at least 1");
  EXPECT_EQ(error_of("gru 1 2.5 3 4\n"),
            "list:1: 'gru 1 2.5 3 4': N is '2.5', and must be a whole number of at least 1");
  for (const char* option : {"L2x", "L0", "L", "P-1", "k1=2", "k1=2,k2=", "k1=,k2=3", "fp23"})
    EXPECT_NE(error_of("gru 1 2 3 4 " + std::string(option)).find("'" + std::string(option) + "' is no option"),
              std::string::npos)
        << option;
  EXPECT_NE(error_of("gru 1 2 3 4 fp16 bf16").find("'bf16' says again"), std::string::npos);
  EXPECT_EQ(error_of("# nothing\n"), "list: no network in this list");
  EXPECT_THROW(test::read_network_cases("no/such/file"), std::runtime_error);
  std::istringstream in("  lstm  1 2\t3 4   L2 # as written\r\n");
  EXPECT_EQ(test::read_network_cases(in, "list")[0].text, "lstm 1 2 3 4 L2") << "one text for one case";
}

}  // namespace
}  // namespace recur::validate
