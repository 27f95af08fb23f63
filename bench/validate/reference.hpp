// What the library is validated against: a network's outputs and gradients by somebody else.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/network_problem.hpp"

namespace recur::validate {

using test::NetworkProblem;
using test::Vector;

// Time first, zero beyond a row's length. A tensor that the case has not is empty: cT and dc0 of a cell without c, dh0
// and dc0 with truncation. With learned states dh0 and dc0 are the sums over the rows.
struct Results {
  Vector y, hT, cT, dx, dh0, dc0;
  std::vector<reference::LayerWeights> weights;  // gradients, [L*D]
};

// Why a reference cannot do a case, as a sentence.
struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Reference {
 public:
  virtual ~Reference() = default;
  virtual std::string name() const = 0;
  // Throws Refused.
  virtual Results run(const NetworkProblem& problem) = 0;
};

// The references that are there, and what is to be said about them.
struct References {
  std::vector<std::unique_ptr<Reference>> all;
  std::vector<std::string> about;  // a line each
};

// fp64, onednn, and of cuDNN on a GPU cudnn-standard, cudnn-persist-static, cudnn-persist-dynamic, cudnn-small-h, each
// with -packed as well.
References make_references();

// cuDNN's part of them, or why there is none; device: what recur_device_name says.
void add_cudnn(References& references, const std::string& device);

// The library's own results. Throws std::runtime_error where a call fails or something was written where it must not.
Results run_library(const NetworkProblem& problem);

}  // namespace recur::validate
