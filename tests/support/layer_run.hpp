// Runs a LayerProblem through the C interface, in guarded buffers of exactly the sizes that the plan states.
#pragma once

#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "recur/layer.h"
#include "tests/support/check_recur.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/layer_problem.hpp"

namespace recur::test {

inline LayerPlan make_plan(const LayerProblem& problem) {
  const auto [T, N, I, H] = problem.layer_case.shape;
  recur_layer_descriptor descriptor{};
  descriptor.cell = RECUR_CELL_LSTM;
  descriptor.type = RECUR_TYPE_FLOAT32;
  descriptor.steps = T;
  descriptor.batch = N;
  descriptor.input_size = I;
  descriptor.hidden_size = H;
  descriptor.activation = problem.activation == reference::Activation::linear ? RECUR_ACTIVATION_LINEAR
                                                                              : RECUR_ACTIVATION_STANDARD;
  return make_plan(descriptor);
}

// Everything a layer computes, as the library returned it.
struct LayerResult {
  std::vector<float> y, hT, cT, dx, dh0, dc0, dparameters;

  bool same_bits(const LayerResult& other) const {
    const auto same = [](const std::vector<float>& a, const std::vector<float>& b) {
      return a.size() == b.size() &&
             (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
    };
    return same(y, other.y) && same(hT, other.hT) && same(cT, other.cT) && same(dx, other.dx) &&
           same(dh0, other.dh0) && same(dc0, other.dc0) && same(dparameters, other.dparameters);
  }

  // In the reference's terms: the parameters' gradient taken apart.
  LayerExpected by_name(const recur_layer_sizes& sizes) const {
    const auto part = [&](size_t begin, size_t end) {
      return std::vector<double>(dparameters.begin() + begin, dparameters.begin() + end);
    };
    return {widened(y),
            widened(hT),
            widened(cT),
            widened(dx),
            widened(dh0),
            widened(dc0),
            part(sizes.w_ih_offset, sizes.w_hh_offset),
            part(sizes.w_hh_offset, sizes.b_ih_offset),
            part(sizes.b_ih_offset, sizes.b_hh_offset),
            part(sizes.b_hh_offset, sizes.parameter_elements)};
  }
};

// The buffers of one problem on the device, and the calls on them.
class LayerRun {
 public:
  using Buffer = GuardedBuffer<float>;
  using Bytes = GuardedBuffer<unsigned char>;

  // Every float buffer begins `offset` elements after a multiple of 256 bytes; workspaces and the reserve,
  // which the caller allocates as such, begin at one.
  explicit LayerRun(const LayerProblem& problem, size_t offset = 0)
      : problem_(problem),
        plan_(make_plan(problem)),
        sizes_(sizes_of(plan_)),
        parameters_(joined_parameters(), offset),
        x_(problem.x, offset),
        h0_(problem.h0, offset),
        c0_(problem.c0, offset),
        dy_(problem.dy, offset),
        dhT_(problem.dhT, offset),
        dcT_(problem.dcT, offset),
        y_(problem.dy.size(), offset),
        hT_(sizes_.state_elements, offset),
        cT_(sizes_.state_elements, offset),
        dx_(problem.x.size(), offset),
        dh0_(sizes_.state_elements, offset),
        dc0_(sizes_.state_elements, offset),
        dparameters_(sizes_.parameter_elements, offset),
        reserve_(sizes_.reserve),
        training_workspace_(sizes_.training_workspace),
        inference_workspace_(sizes_.inference_workspace),
        backward_workspace_(sizes_.backward_workspace),
        step_workspace_(sizes_.step_workspace) {}

  // What the calls below pass, for tests that change it first.
  recur_layer_forward_args forward_args(bool training, cudaStream_t stream = nullptr) const {
    recur_layer_forward_args args{};
    args.stream = stream;
    args.parameters = parameters_.get();
    args.x = x_.get();
    args.h0 = or_null(h0_);
    args.c0 = or_null(c0_);
    args.y = y_.get();
    args.hT = hT_.get();
    args.cT = cT_.get();
    args.reserve = training ? reserve_.get() : nullptr;
    args.reserve_size = training ? sizes_.reserve : 0;
    const Bytes& workspace = training ? training_workspace_ : inference_workspace_;
    args.workspace = workspace.get();
    args.workspace_size = workspace.size();
    return args;
  }

  recur_layer_backward_args backward_args(cudaStream_t stream = nullptr, bool accumulate = false) const {
    recur_layer_backward_args args{};
    args.stream = stream;
    args.parameters = parameters_.get();
    args.x = x_.get();
    args.h0 = or_null(h0_);
    args.c0 = or_null(c0_);
    args.y = y_.get();
    args.dy = dy_.get();
    args.dhT = or_null(dhT_);
    args.dcT = or_null(dcT_);
    args.dx = dx_.get();
    args.dh0 = dh0_.get();
    args.dc0 = dc0_.get();
    args.dparameters = dparameters_.get();
    args.accumulate = accumulate;
    args.reserve = reserve_.get();
    args.reserve_size = sizes_.reserve;
    args.workspace = backward_workspace_.get();
    args.workspace_size = backward_workspace_.size();
    return args;
  }

  void forward(bool training, cudaStream_t stream = nullptr) {
    const recur_layer_forward_args args = forward_args(training, stream);
    check_recur(recur_layer_forward(plan_.get(), &args), "recur_layer_forward");
  }
  void backward(cudaStream_t stream = nullptr, bool accumulate = false) {
    const recur_layer_backward_args args = backward_args(stream, accumulate);
    check_recur(recur_layer_backward(plan_.get(), &args), "recur_layer_backward");
  }

  // T calls of step instead of forward; h goes from one step of y to the next, c stays in cT.
  void steps(cudaStream_t stream = nullptr) {
    const auto [T, N, I, H] = problem_.layer_case.shape;
    for (int64_t t = 0; t < T; ++t) {
      recur_layer_step_args args{};
      args.stream = stream;
      args.parameters = parameters_.get();
      args.x = x_.get() + t * N * I;
      args.h = t > 0 ? y_.get() + (t - 1) * N * H : or_null(h0_);
      args.c = t > 0 ? cT_.get() : or_null(c0_);
      args.h_next = y_.get() + t * N * H;
      args.c_next = cT_.get();
      args.workspace = step_workspace_.get();
      args.workspace_size = step_workspace_.size();
      check_recur(recur_layer_step(plan_.get(), &args), "recur_layer_step");
    }
  }

  LayerResult result() const {
    return {y_.download(),   hT_.download(),  cT_.download(),         dx_.download(),
            dh0_.download(), dc0_.download(), dparameters_.download()};
  }

  // "" if nothing was written outside of any buffer, and nothing into those that are inputs.
  std::string damage() const {
    std::string report;
    const auto add = [&](const char* name, const std::string& text) {
      if (!text.empty()) report += std::string(report.empty() ? "" : "; ") + name + ": " + text;
    };
    const std::pair<const char*, const Buffer*> buffers[] = {{"parameters", &parameters_},
                                                             {"x", &x_},
                                                             {"h0", &h0_},
                                                             {"c0", &c0_},
                                                             {"dy", &dy_},
                                                             {"dhT", &dhT_},
                                                             {"dcT", &dcT_},
                                                             {"y", &y_},
                                                             {"hT", &hT_},
                                                             {"cT", &cT_},
                                                             {"dx", &dx_},
                                                             {"dh0", &dh0_},
                                                             {"dc0", &dc0_},
                                                             {"dparameters", &dparameters_}};
    for (const auto& [name, buffer] : buffers) add(name, buffer->damage());
    add("reserve", reserve_.damage());
    add("training workspace", training_workspace_.damage());
    add("inference workspace", inference_workspace_.damage());
    add("backward workspace", backward_workspace_.damage());
    add("step workspace", step_workspace_.damage());
    const auto add_if_changed = [&](const char* name, const Buffer& buffer,
                                    const std::vector<float>& values) {
      if (buffer.download() != values) add(name, "an input was changed");
    };
    add_if_changed("parameters", parameters_, joined_parameters());
    add_if_changed("x", x_, problem_.x);
    add_if_changed("h0", h0_, problem_.h0);
    add_if_changed("c0", c0_, problem_.c0);
    add_if_changed("dy", dy_, problem_.dy);
    add_if_changed("dhT", dhT_, problem_.dhT);
    add_if_changed("dcT", dcT_, problem_.dcT);
    return report;
  }

  const recur_layer_sizes& sizes() const { return sizes_; }
  const recur_layer_plan* plan() const { return plan_.get(); }
  Buffer& x() { return x_; }
  Buffer& dparameters() { return dparameters_; }

 private:
  static float* or_null(const Buffer& buffer) { return buffer.size() > 0 ? buffer.get() : nullptr; }

  std::vector<float> joined_parameters() const {
    std::vector<float> all(sizes_.parameter_elements);
    const auto put = [&](const std::vector<float>& values, size_t offset) {
      if (offset + values.size() > all.size())
        throw std::runtime_error("a parameter lies outside its buffer");
      std::copy(values.begin(), values.end(), all.begin() + offset);
    };
    put(problem_.w_ih, sizes_.w_ih_offset);
    put(problem_.w_hh, sizes_.w_hh_offset);
    put(problem_.b_ih, sizes_.b_ih_offset);
    put(problem_.b_hh, sizes_.b_hh_offset);
    return all;
  }

  const LayerProblem& problem_;
  LayerPlan plan_;
  recur_layer_sizes sizes_;
  Buffer parameters_, x_, h0_, c0_, dy_, dhT_, dcT_;
  Buffer y_, hT_, cT_, dx_, dh0_, dc0_, dparameters_;
  Bytes reserve_, training_workspace_, inference_workspace_, backward_workspace_, step_workspace_;
};

}  // namespace recur::test
