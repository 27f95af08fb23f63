// That the tolerances let nothing pass that is wrong in a network: mistakes that a kernel or a schedule could make, put
// into the problem or the reference, must be seen in some tensor at every network of tests/data/network_cases.txt that
// they concern.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/support/network_problem.hpp"

namespace recur::test {
namespace {

using reference::Cell;
using reference::LayerWeights;
using Mistake = std::function<void(NetworkProblem&)>;  // leaves the wrong results in the problem
using Where = std::function<bool(const NetworkCase&)>;

const std::vector<NetworkProblem>& problems() {
  static const std::vector<NetworkProblem> all = [] {
    std::vector<NetworkProblem> made;
    for (const NetworkCase& c : read_network_cases(RECUR_TEST_DATA "/network_cases.txt")) made.emplace_back(c);
    return made;
  }();
  return all;
}

// The largest error of any tensor that the tests of the library compare, in tolerances.
double seen(const NetworkProblem& right, const NetworkProblem& wrong) {
  double largest = 0;
  const auto add = [&](const char* name, const Vector& values, const Vector& expected, double scale) {
    largest = std::max(largest, right.compare(name, values, expected, scale).tolerances);
  };
  const reference::NetworkForward &f = right.forward, &g = wrong.forward;
  add("y", g.y, f.y, root_mean_square(f.y));
  add("hT", g.hT, f.hT, root_mean_square(f.hiddens));
  add("cT", g.cT, f.cT, root_mean_square(f.cells));
  const auto gradient = [&](const char* name, const Vector& values, const Vector& expected) {
    add(name, values, expected, root_mean_square(expected));
  };
  gradient("dx", wrong.gradients.dx, right.gradients.dx);
  if (right.c.period == 0) {
    gradient("dh0", wrong.gradients.dh0, right.gradients.dh0);
    gradient("dc0", wrong.gradients.dc0, right.gradients.dc0);
  }
  for (size_t pass = 0; pass < right.weights.size(); ++pass)
    for (const auto& [name, member] : LayerWeights::tensors())
      gradient("dW", wrong.gradients.weights[pass].*member, right.gradients.weights[pass].*member);
  return largest;
}

// A mistake of the data, with which the reference then computes.
Mistake of_data(std::function<void(NetworkProblem&)> change) {
  return [change = std::move(change)](NetworkProblem& p) {
    change(p);
    p.compute();
  };
}

const char* name_of(recur_type type) {
  static const std::map<recur_type, const char*> names = {{RECUR_TYPE_FLOAT32, "fp32"},
                                                          {RECUR_TYPE_TFLOAT32, "TF32"},
                                                          {RECUR_TYPE_FLOAT16, "fp16"},
                                                          {RECUR_TYPE_BFLOAT16, "bf16"}};
  return names.at(type);
}

// The roundings of 16 bits are large beside small mistakes: there a mistake counts as seen where it exceeds the
// tolerance at all, while in fp32 it must do so by far.
constexpr double kByFar = 20;

void expect_seen(const std::string& what, const Mistake& mistake, const Where& where, size_t cases_at_least) {
  std::map<std::string, std::pair<int, double>> least;
  size_t cases = 0;
  for (const NetworkProblem& right : problems()) {
    if (!where(right.c)) continue;
    NetworkProblem wrong = right;
    mistake(wrong);
    const double tolerances = seen(right, wrong);
    EXPECT_GT(tolerances, right.c.type == RECUR_TYPE_FLOAT32 ? kByFar : 1)
        << what << " is not seen at " << right.c.text;
    auto& entry = least.try_emplace(name_of(right.c.type), 0, 1e300).first->second;
    ++entry.first;
    entry.second = std::min(entry.second, tolerances);
    ++cases;
  }
  std::string text;
  for (const auto& [type, entry] : least) {
    char part[64];
    std::snprintf(part, sizeof part, "  %s %d: %.3g", type.c_str(), entry.first, entry.second);
    text += part;
  }
  std::printf("%-48s%s\n", what.c_str(), text.c_str());
  EXPECT_GE(cases, cases_at_least) << what;
}

bool is_gru(const NetworkCase& c) { return c.shape.gates() == 3; }
bool is_lstm(const NetworkCase& c) { return c.shape.has_cells(); }
bool whole(const NetworkCase& c) { return c.period == 0; }

// Blocks of H rows of W_ih, W_hh and both biases.
void swap_gates(NetworkProblem& p, int64_t one, int64_t other) {
  for (LayerWeights& w : p.weights)
    for (Vector* v : {&w.w_ih, &w.w_hh, &w.b_ih, &w.b_hh}) {
      const auto block = ptrdiff_t(v->size()) / p.c.shape.gates();
      std::swap_ranges(v->begin() + one * block, v->begin() + (one + 1) * block, v->begin() + other * block);
    }
}

TEST(NetworkSensitivity, GatesSwapped) {
  for (const auto& [name, one, other] :
       {std::tuple("LSTM: i and f swapped", 0, 1), {"LSTM: f and o swapped", 1, 3}, {"LSTM: g and o swapped", 2, 3}})
    expect_seen(name, of_data([a = one, b = other](NetworkProblem& p) { swap_gates(p, a, b); }), is_lstm, 20);
  for (const auto& [name, one, other] : {std::tuple("GRU: r and z swapped", 0, 1), {"GRU: z and n swapped", 1, 2}})
    expect_seen(name, of_data([a = one, b = other](NetworkProblem& p) { swap_gates(p, a, b); }), is_gru, 20);
}

TEST(NetworkSensitivity, TheOtherGru) {
  expect_seen("GRU: reset on the other side of the product", of_data([](NetworkProblem& p) {
                p.c.shape.cell = p.c.shape.cell == Cell::gru ? Cell::gru_reset_before : Cell::gru;
              }),
              is_gru, 20);
  expect_seen("GRU: the candidate's two biases as one", of_data([](NetworkProblem& p) {
                for (LayerWeights& w : p.weights)
                  for (auto k = size_t(2 * p.c.shape.hidden); k < w.b_ih.size(); ++k)
                    w.b_ih[k] += w.b_hh[k], w.b_hh[k] = 0;
              }),
              [](const NetworkCase& c) { return c.shape.cell == Cell::gru; }, 15);
}

// Step by step through one layer: what flows back from a step is the reference's, less what `lost` says.
void step_by_step(NetworkProblem& p, const std::function<void(const reference::NetworkStep&, const Vector& dh,
                                                              Vector& dh_before, Vector& dc_before)>& lost) {
  const reference::NetworkShape& s = p.c.shape;
  const int64_t N = s.batch, out = s.directions * s.state_size();
  reference::NetworkShape one = s;
  one.steps = 1;
  std::vector<reference::NetworkForward> steps;
  std::vector<reference::NetworkInputs> inputs;
  Vector h = p.inputs.h0, c = p.inputs.c0;
  for (int64_t t = 0; t < s.steps; ++t) {
    reference::NetworkInputs in;
    in.x.assign(p.inputs.x.begin() + t * N * s.inputs, p.inputs.x.begin() + (t + 1) * N * s.inputs);
    in.h0 = h, in.c0 = c;
    steps.push_back(reference::network_forward(one, p.weights, in));
    inputs.push_back(in);
    h = steps.back().hT, c = steps.back().cT;
  }
  Vector dh = p.dhT.empty() ? Vector(size_t(N * out)) : p.dhT, dc = p.dcT;
  reference::NetworkGradients& sum = p.gradients;
  for (const auto& [name, member] : LayerWeights::tensors()) {
    Vector& v = sum.weights[0].*member;
    std::fill(v.begin(), v.end(), 0);
  }
  for (int64_t t = s.steps - 1; t >= 0; --t) {
    const Vector dy(p.dy.begin() + t * N * out, p.dy.begin() + (t + 1) * N * out);
    reference::NetworkGradients g =
        reference::network_backward(one, p.weights, inputs[size_t(t)], steps[size_t(t)], dy, dh, dc);
    std::copy(g.dx.begin(), g.dx.end(), sum.dx.begin() + t * N * s.inputs);
    for (const auto& [name, member] : LayerWeights::tensors())
      for (size_t k = 0; k < (sum.weights[0].*member).size(); ++k)
        (sum.weights[0].*member)[k] += (g.weights[0].*member)[k];
    for (size_t k = 0; k < dh.size(); ++k) dh[k] += dy[k];
    lost(steps[size_t(t)].passes[0][0], dh, g.dh0, g.dc0);
    dh = g.dh0, dc = g.dc0;
  }
  sum.dh0 = dh, sum.dc0 = dc;
}

bool one_pass(const NetworkCase& c) {
  return c.shape.layers == 1 && c.shape.directions == 1 && !c.ragged && !c.reset && whole(c);
}

TEST(NetworkSensitivity, StepByStepIsTheReferenceWhereNothingIsLost) {
  for (const NetworkProblem& right : problems()) {
    if (!one_pass(right.c)) continue;
    NetworkProblem same = right;
    step_by_step(same, [](const reference::NetworkStep&, const Vector&, Vector&, Vector&) {});
    EXPECT_LT(seen(right, same), 1e-3) << right.c.text;
  }
}

TEST(NetworkSensitivity, GradientsThroughTheState) {
  expect_seen("GRU: dh z does not reach h'",
              [](NetworkProblem& p) {
                const int64_t H = p.c.shape.hidden;
                step_by_step(p, [&](const reference::NetworkStep& step, const Vector& dh, Vector& before, Vector&) {
                  for (int64_t k = 0; k < int64_t(dh.size()); ++k)
                    before[size_t(k)] -= dh[size_t(k)] * step.gates[size_t(k / H * 3 * H + H + k % H)];
                });
              },
              [](const NetworkCase& c) { return is_gru(c) && one_pass(c); }, 8);
  expect_seen("LSTM: dc f does not reach c'",
              [](NetworkProblem& p) {
                step_by_step(p, [](const reference::NetworkStep&, const Vector&, Vector&, Vector& before) {
                  std::fill(before.begin(), before.end(), 0);
                });
              },
              [](const NetworkCase& c) { return is_lstm(c) && one_pass(c); }, 8);
  expect_seen("no gradient from step to step",
              [](NetworkProblem& p) {
                step_by_step(p, [](const reference::NetworkStep&, const Vector&, Vector& dh, Vector& dc) {
                  std::fill(dh.begin(), dh.end(), 0), std::fill(dc.begin(), dc.end(), 0);
                });
              },
              one_pass, 20);
  expect_seen("truncation ignored", of_data([](NetworkProblem& p) { p.c.period = 0; }),
              [](const NetworkCase& c) { return !whole(c) && c.length < c.shape.steps; }, 6);
  expect_seen("truncation a step longer", of_data([](NetworkProblem& p) { ++p.c.length; }),
              [](const NetworkCase& c) { return !whole(c) && c.length < c.shape.steps; }, 6);
}

TEST(NetworkSensitivity, Resets) {
  const Where where = [](const NetworkCase& c) { return c.reset; };
  expect_seen("resets ignored", of_data([](NetworkProblem& p) { p.inputs.reset.clear(); }), where, 12);
  expect_seen("resets a step late", of_data([](NetworkProblem& p) {
                std::vector<uint8_t>& r = p.inputs.reset;
                std::rotate(r.begin(), r.end() - p.c.shape.batch, r.end());
              }),
              where, 12);
  expect_seen("one reset ignored", of_data([](NetworkProblem& p) {  // the first beyond step 0 that a row is at work in
                const int64_t N = p.c.shape.batch;
                for (int64_t k = N; k < int64_t(p.inputs.reset.size()); ++k) {
                  if (!p.inputs.reset[size_t(k)]) continue;
                  if (p.c.ragged && k / N >= p.inputs.lengths[size_t(k % N)]) continue;
                  p.inputs.reset[size_t(k)] = 0;
                  return;
                }
              }),
              where, 12);
  expect_seen("gradients pass a reset",
              [](NetworkProblem& p) {
                for (auto& pass : p.forward.passes)
                  for (reference::NetworkStep& step : pass) step.reset.assign(step.reset.size(), false);
                p.gradients =
                    reference::network_backward(p.c.shape, p.weights, p.inputs, p.forward, p.dy, p.dhT, p.dcT);
              },
              [](const NetworkCase& c) { return c.reset && whole(c); }, 10);
}

// Layer by layer, where the reverse direction takes every row from the last step of all, over padding of zeros.
Vector y_with_wrong_start(const NetworkProblem& p) {
  const reference::NetworkShape& s = p.c.shape;
  const int64_t N = s.batch, R = s.state_size(), D = s.directions, states = D * N;
  const auto slice = [&](const Vector& v, int64_t layer, int64_t columns) {
    return v.empty() ? v : Vector(v.begin() + layer * states * columns, v.begin() + (layer + 1) * states * columns);
  };
  Vector x = p.inputs.x;
  const auto padded = [&](int64_t row) { return row / N >= p.inputs.lengths[size_t(row % N)]; };
  for (int64_t layer = 0; layer < s.layers; ++layer) {
    reference::NetworkShape one = s;
    one.layers = 1, one.inputs = s.layer_inputs(layer);
    for (int64_t k = 0; k < int64_t(x.size()); ++k)
      if (padded(k / one.inputs)) x[size_t(k)] = 0;
    const std::vector<LayerWeights> w(p.weights.begin() + layer * D, p.weights.begin() + (layer + 1) * D);
    reference::NetworkInputs in{x, slice(p.inputs.h0, layer, R), slice(p.inputs.c0, layer, s.hidden),
                                p.inputs.lengths, p.inputs.reset, {}};
    Vector y = reference::network_forward(one, w, in).y;
    in.lengths.clear();
    const Vector from_the_end = reference::network_forward(one, w, in).y;
    for (int64_t k = 0; k < int64_t(y.size()); ++k)
      if (!padded(k / (D * R)) && k / R % D == 1) y[size_t(k)] = from_the_end[size_t(k)];
    x = y;
    if (layer + 1 < s.layers && !p.inputs.dropout.empty())
      for (size_t k = 0; k < x.size(); ++k) x[k] *= p.inputs.dropout[size_t(layer)][k];
  }
  return x;
}

TEST(NetworkSensitivity, Lengths) {
  const Where where = [](const NetworkCase& c) { return c.ragged; };
  const auto in_padding = [](NetworkProblem& p, const std::function<double(int64_t row, int64_t k)>& value) {
    const reference::NetworkShape& s = p.c.shape;
    const int64_t out = s.directions * s.state_size();
    for (int64_t t = 0; t < s.steps; ++t)
      for (int64_t n = 0; n < s.batch; ++n)
        for (int64_t k = 0; k < out && t >= p.inputs.lengths[size_t(n)]; ++k)
          p.forward.y[size_t((t * s.batch + n) * out + k)] = value(n, k);
  };
  expect_seen("lengths ignored", of_data([](NetworkProblem& p) { p.inputs.lengths.clear(); }), where, 12);
  expect_seen("a length one too short", of_data([](NetworkProblem& p) { --p.inputs.lengths[1]; }), where, 12);
  expect_seen("the reverse direction begins at T",
              [](NetworkProblem& p) { p.forward.y = y_with_wrong_start(p); },
              [](const NetworkCase& c) { return c.ragged && c.shape.directions == 2; }, 8);
  expect_seen("padding of y holds the state",
              [&](NetworkProblem& p) {
                const reference::NetworkShape& s = p.c.shape;
                const int64_t R = s.state_size(), first = (s.layers - 1) * s.directions;
                in_padding(p, [&](int64_t n, int64_t k) {
                  return p.forward.hT[size_t(((first + k / R) * s.batch + n) * R + k % R)];
                });
              },
              where, 12);
}

TEST(NetworkSensitivity, Dropout) {
  const Where where = [](const NetworkCase& c) { return c.dropout; };
  expect_seen("dropout: the mask of another layer", of_data([](NetworkProblem& p) {
                for (size_t layer = 0; layer < p.inputs.dropout.size(); ++layer)
                  p.inputs.dropout[layer] = p.factors(int64_t(layer) + 1, int64_t(p.inputs.dropout[layer].size()));
              }),
              where, 9);
  expect_seen("dropout: another offset", of_data([](NetworkProblem& p) {
                ++p.dropout_offset;
                for (size_t layer = 0; layer < p.inputs.dropout.size(); ++layer)
                  p.inputs.dropout[layer] = p.factors(int64_t(layer), int64_t(p.inputs.dropout[layer].size()));
              }),
              where, 9);
  expect_seen("dropout: not scaled", of_data([](NetworkProblem& p) {
                for (Vector& factors : p.inputs.dropout)
                  for (double& factor : factors) factor = factor > 0 ? 1 : 0;
              }),
              // What bf16's roundings allow over seven steps is as much as this scale.
              [](const NetworkCase& c) { return c.dropout && c.type != RECUR_TYPE_BFLOAT16; }, 8);
  expect_seen("dropout: forward alone",
              [](NetworkProblem& p) {
                reference::NetworkInputs none = p.inputs;
                none.dropout.clear();
                p.gradients = reference::network_backward(p.c.shape, p.weights, none, p.forward, p.dy, p.dhT, p.dcT);
              },
              [](const NetworkCase& c) { return c.dropout && whole(c); }, 8);
}

TEST(NetworkSensitivity, OptionsOfTheLstm) {
  expect_seen("peepholes in the order i o f", of_data([](NetworkProblem& p) {
                const auto H = ptrdiff_t(p.c.shape.hidden);
                for (LayerWeights& w : p.weights)
                  std::swap_ranges(w.peephole.begin() + H, w.peephole.begin() + 2 * H, w.peephole.begin() + 2 * H);
              }),
              [](const NetworkCase& c) { return c.shape.peepholes; }, 7);
  const Where clipped = [](const NetworkCase& c) { return c.shape.cell_clip > 0; };
  expect_seen("clip ignored", of_data([](NetworkProblem& p) { p.c.shape.cell_clip = 0; }), clipped, 6);
  expect_seen("clip's gradient ignored",
              [](NetworkProblem& p) {
                reference::NetworkShape open = p.c.shape;
                open.cell_clip = 0;
                p.gradients = reference::network_backward(open, p.weights, p.inputs, p.forward, p.dy, p.dhT, p.dcT);
              },
              clipped, 6);
  expect_seen("one weight of the projection unread",
              of_data([](NetworkProblem& p) { p.weights.back().w_hr.back() = 0; }),
              [](const NetworkCase& c) { return c.shape.projection > 0; }, 9);
}

TEST(NetworkSensitivity, LayersAndDirections) {
  expect_seen("directions take each other's weights", of_data([](NetworkProblem& p) {
                for (size_t pass = 0; pass < p.weights.size(); pass += 2)
                  std::swap(p.weights[pass], p.weights[pass + 1]);
              }),
              [](const NetworkCase& c) { return c.shape.directions == 2; }, 20);
  expect_seen("the last layer's recurrent weights in the first", of_data([](NetworkProblem& p) {
                std::swap(p.weights.front().w_hh, p.weights.back().w_hh);
              }),
              [](const NetworkCase& c) { return c.shape.layers > 1 && (c.shape.steps > 1 || c.states); }, 25);
  expect_seen("x taken as batch first, or not", of_data([](NetworkProblem& p) {
                const reference::NetworkShape& s = p.c.shape;
                const Vector x = p.inputs.x;
                for (int64_t t = 0; t < s.steps; ++t)
                  for (int64_t n = 0; n < s.batch; ++n)
                    for (int64_t k = 0; k < s.inputs; ++k)
                      p.inputs.x[size_t((t * s.batch + n) * s.inputs + k)] =
                          x[size_t((n * s.steps + t) * s.inputs + k)];
              }),
              [](const NetworkCase& c) { return c.batch_first; }, 5);
}

// One number of a hundred is less than 16-bit roundings may change: in fp32 it must be seen, and the kernels of the
// other types are the same code.
TEST(NetworkSensitivity, OneElementUnread) {
  const Where smooth = [](const NetworkCase& c) {
    return c.type == RECUR_TYPE_FLOAT32 && c.shape.cell != Cell::rnn_relu;
  };
  expect_seen("one recurrent weight unread", of_data([](NetworkProblem& p) { p.weights.back().w_hh.back() = 0; }),
              smooth, 65);
  expect_seen("last b_hh unread", of_data([](NetworkProblem& p) { p.weights.back().b_hh.back() = 0; }), smooth, 65);
  // Some units of a rectifier stay at zero whatever they are given: the weight that matters most.
  expect_seen("relu: one recurrent weight unread", of_data([](NetworkProblem& p) {
                const Vector& gradient = p.gradients.weights.back().w_hh;
                const auto most = std::max_element(gradient.begin(), gradient.end(), [](double a, double b) {
                  return std::fabs(a) < std::fabs(b);
                });
                p.weights.back().w_hh[size_t(most - gradient.begin())] = 0;
              }),
              [](const NetworkCase& c) { return c.type == RECUR_TYPE_FLOAT32 && c.shape.cell == Cell::rnn_relu; }, 4);
}

TEST(NetworkSensitivity, StatesUnread) {
  const Where states = [](const NetworkCase& c) { return c.states; };
  expect_seen("h0 unread", of_data([](NetworkProblem& p) { p.inputs.h0.clear(); }), states, 60);
  expect_seen("dhT unread", of_data([](NetworkProblem& p) { p.dhT.clear(); }), states, 60);
  const Where cells = [](const NetworkCase& c) { return c.states && c.shape.has_cells(); };
  expect_seen("c0 unread", of_data([](NetworkProblem& p) { p.inputs.c0.clear(); }), cells, 20);
  expect_seen("dcT unread", of_data([](NetworkProblem& p) { p.dcT.clear(); }), cells, 20);
}

// Operands of products rounded more than fp32 allows.
TEST(NetworkSensitivity, ProductsOfLessPrecision) {
  const auto round_operands = [](NetworkProblem& p, int digits) {
    for (LayerWeights& w : p.weights)
      for (Vector* v : {&w.w_ih, &w.w_hh, &w.w_hr})
        for (double& value : *v) value = rounded_to(value, digits, -126);
    for (double& value : p.inputs.x) value = rounded_to(value, digits, -126);
  };
  expect_seen("fp32 products in TF32", of_data([&](NetworkProblem& p) { round_operands(p, 11); }),
              [](const NetworkCase& c) { return c.type == RECUR_TYPE_FLOAT32; }, 60);
  expect_seen("fp32 products in bf16", of_data([&](NetworkProblem& p) { round_operands(p, 8); }),
              [](const NetworkCase& c) { return c.type == RECUR_TYPE_FLOAT32; }, 60);
}

}  // namespace
}  // namespace recur::test
