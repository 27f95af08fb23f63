// Two accounts of a network, tensor by tensor, in units of the tolerance that the tests use.
#pragma once

#include <string>
#include <vector>

#include "bench/validate/reference.hpp"

namespace recur::validate {

// Of one kind of tensor the worst over layers and directions, and over both biases.
struct TensorError {
  std::string tensor;  // y hT cT dx dh0 dc0 dW_ih dW_hh db dW_hr dpeephole
  bool present = false;
  test::Worst worst = {};
  std::string where;  // "" or "b_hh of layer 1, direction 0"
};

struct Comparison {
  std::vector<TensorError> tensors;  // in the order above, all of them

  const TensorError& worst() const;  // of those present
  bool within() const { return worst().worst.ok(); }
};

// A tensor that only one of the two has is an infinite error.
Comparison compare(const NetworkProblem& problem, const Results& results, const Results& expected);

}  // namespace recur::validate
