#include "bench/validate/comparison.hpp"

#include <algorithm>

namespace recur::validate {
namespace {

void add(TensorError& error, const NetworkProblem& problem, const std::string& name, const std::string& where,
         const Vector& values, const Vector& expected, double scale) {
  if (values.empty() && expected.empty()) return;
  const test::Worst worst = problem.compare(name, values, expected, scale);
  if (!error.present || worst.tolerances > error.worst.tolerances) error.worst = worst, error.where = where;
  error.present = true;
}

}  // namespace

const TensorError& Comparison::worst() const {
  return *std::max_element(tensors.begin(), tensors.end(), [](const TensorError& a, const TensorError& b) {
    return (a.present ? a.worst.tolerances : -1) < (b.present ? b.worst.tolerances : -1);
  });
}

Comparison compare(const NetworkProblem& p, const Results& results, const Results& expected) {
  Comparison all;
  const auto single = [&](const char* name, const Vector& values, const Vector& wanted, const Vector& scale) {
    all.tensors.push_back({name, false, {}, ""});
    add(all.tensors.back(), p, name, "", values, wanted, test::root_mean_square(scale));
  };
  single("y", results.y, expected.y, expected.y);
  // Last states are of the size that the states at all steps have.
  single("hT", results.hT, expected.hT, p.forward.hiddens);
  single("cT", results.cT, expected.cT, p.forward.cells);
  single("dx", results.dx, expected.dx, expected.dx);
  single("dh0", results.dh0, expected.dh0, expected.dh0);
  single("dc0", results.dc0, expected.dc0, expected.dc0);

  using Tensors = std::vector<Vector reference::LayerWeights::*>;
  using reference::LayerWeights;
  const std::pair<const char*, Tensors> groups[] = {{"dW_ih", {&LayerWeights::w_ih}},
                                                    {"dW_hh", {&LayerWeights::w_hh}},
                                                    {"db", {&LayerWeights::b_ih, &LayerWeights::b_hh}},
                                                    {"dW_hr", {&LayerWeights::w_hr}},
                                                    {"dpeephole", {&LayerWeights::peephole}}};
  const int64_t D = p.c.shape.directions;
  const size_t passes = std::max(results.weights.size(), expected.weights.size());
  const LayerWeights none;
  for (const auto& group : groups) {
    all.tensors.push_back({group.first, false, {}, ""});
    for (size_t pass = 0; pass < passes; ++pass) {
      for (Vector LayerWeights::*member : group.second) {
        const Vector& values = (pass < results.weights.size() ? results.weights[pass] : none).*member;
        const Vector& wanted = (pass < expected.weights.size() ? expected.weights[pass] : none).*member;
        const std::string bias = group.second.size() == 1        ? ""
                                 : member == &LayerWeights::b_ih ? "b_ih of "
                                                                 : "b_hh of ";
        add(all.tensors.back(), p, group.first,
            bias + "layer " + std::to_string(int64_t(pass) / D) + ", direction " + std::to_string(int64_t(pass) % D),
            values, wanted, test::root_mean_square(wanted));
      }
    }
  }
  return all;
}

}  // namespace recur::validate
