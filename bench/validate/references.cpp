// The library itself, the fp64 reference and oneDNN.
#include "bench/validate/reference.hpp"
#include "recur/memory.hpp"
#include "tests/reference/onednn_network.hpp"
#include "tests/support/network_run.hpp"

namespace recur::validate {
namespace {

// From gradients of all rows' states to those of the case.
void set_gradients(const NetworkProblem& p, const reference::NetworkGradients& gradients, Results& results) {
  results.dx = gradients.dx;
  results.weights = gradients.weights;
  if (p.c.period > 0) return;
  results.dh0 = p.initial(gradients.dh0, p.c.shape.state_size(), true);
  if (p.c.shape.has_cells()) results.dc0 = p.initial(gradients.dc0, p.c.shape.hidden, true);
}

class Fp64 : public Reference {
 public:
  std::string name() const override { return "fp64"; }
  Results run(const NetworkProblem& p) override {
    Results results;
    results.y = p.forward.y, results.hT = p.forward.hT;
    if (p.c.shape.has_cells()) results.cT = p.forward.cT;
    set_gradients(p, p.gradients, results);
    return results;
  }
};

// In fp32 whatever the case's type: it takes the values of every other type as they are.
class Onednn : public Reference {
 public:
  std::string name() const override { return "onednn"; }
  Results run(const NetworkProblem& p) override {
    if (p.c.period > 0) throw Refused("oneDNN has no truncated back-propagation");
    try {
      const reference::OnednnNetwork o = reference::onednn_network(p.c.shape, p.weights, p.inputs, p.dy, p.dhT, p.dcT);
      Results results;
      results.y = o.y, results.hT = o.hT;
      if (p.c.shape.has_cells()) results.cT = o.cT;
      set_gradients(p, o.gradients, results);
      return results;
    } catch (const std::invalid_argument& reason) {
      throw Refused(reason.what());
    }
  }
};

}  // namespace

References make_references() {
  References references;
  references.all.push_back(std::make_unique<Fp64>());
  references.all.push_back(std::make_unique<Onednn>());
  references.about = {"fp64: the definition in double precision, in plain loops on the CPU",
                      "onednn: oneDNN on the CPU, in fp32"};
  add_cudnn(references, device_name());
  return references;
}

Results run_library(const NetworkProblem& p) {
  test::NetworkRun run(p);
  run.forward(true);
  run.backward();
  const bool has_cells = p.c.shape.has_cells();
  Results results;
  results.y = run.y(), results.hT = run.hT(), results.dx = run.dx();
  if (has_cells) results.cT = run.floats("cT");
  if (p.c.period == 0) {
    results.dh0 = run.floats("dh0");
    if (has_cells) results.dc0 = run.floats("dc0");
  }
  results.weights.resize(p.weights.size());
  const recur_parameter parameters[] = {RECUR_PARAMETER_W_IH, RECUR_PARAMETER_W_HH, RECUR_PARAMETER_B_IH,
                                        RECUR_PARAMETER_B_HH, RECUR_PARAMETER_W_HR, RECUR_PARAMETER_PEEPHOLE};
  const auto tensors = reference::LayerWeights::tensors();
  for (size_t pass = 0; pass < p.weights.size(); ++pass)
    for (size_t which = 0; which < tensors.size(); ++which)
      if (!(p.weights[pass].*tensors[which].second).empty())
        results.weights[pass].*tensors[which].second = run.gradient(int64_t(pass), parameters[which]);
  if (const std::string damage = run.damage(); !damage.empty())
    throw std::runtime_error("memory was written that must not be: " + damage);
  return results;
}

}  // namespace recur::validate
