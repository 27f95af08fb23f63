// Runs a NetworkProblem through the C interface, in guarded buffers of exactly the sizes that the plan states.
#pragma once

#include <cstring>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "recur/layer.h"
#include "tests/support/check_recur.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/network_problem.hpp"

namespace recur::test {

class NetworkRun {
 public:
  using Raw = GuardedBuffer<unsigned char>;

  // Every buffer of data begins `offset` elements after a multiple of 256 bytes.
  explicit NetworkRun(const NetworkProblem& problem, size_t offset = 0)
      : problem_(problem), type_(problem.c.type), element_(element_size(type_)),
        plan_(make_plan(problem.c.descriptor())), sizes_(sizes_of(plan_)) {
    const size_t shift = offset * element_, float_shift = offset * sizeof(float);
    const auto typed = [&](const char* name, const Vector& values) { add(name, packed(type_, values), shift); };
    const auto single = [&](const char* name, const Vector& values) {
      add(name, packed(RECUR_TYPE_FLOAT32, values), float_shift);
    };
    const auto room = [&](const char* name, size_t elements, bool is_typed) {
      buffers_.emplace(name, Raw(elements * (is_typed ? element_ : sizeof(float)), is_typed ? shift : float_shift));
    };
    typed("parameters", joined());
    typed("x", laid_out(poisoned_x(), problem.c.shape.inputs, true));
    typed("h0", problem.initial(problem.inputs.h0, problem.c.shape.state_size(), false));
    single("c0", problem.initial(problem.inputs.c0, problem.c.shape.hidden, false));
    typed("dy", laid_out(poisoned(problem.dy, outputs()), outputs(), true));
    single("dhT", problem.dhT);
    single("dcT", problem.dcT);
    if (!problem.inputs.lengths.empty()) {
      Bytes bytes(problem.inputs.lengths.size() * 4);
      for (size_t n = 0; n < problem.inputs.lengths.size(); ++n) {
        const int32_t length = int32_t(problem.inputs.lengths[n]);
        std::memcpy(&bytes[n * 4], &length, 4);
      }
      add("lengths", bytes, 0);
    }
    add("reset", problem.inputs.reset, 0);
    room("y", problem.dy.size(), true);
    room("hT", sizes_.state_elements, true);
    room("cT", sizes_.cell_state_elements, false);
    room("dx", problem.inputs.x.size(), true);
    const size_t rows = problem.c.learned ? size_t(problem.c.shape.batch) : 1;
    room("dh0", sizes_.state_elements / rows, false);
    room("dc0", sizes_.cell_state_elements / rows, false);
    room("dparameters", sizes_.parameter_elements, false);
    for (const auto& [name, size] : {std::pair<const char*, size_t>{"reserve", sizes_.reserve},
                                     {"training_workspace", sizes_.training_workspace},
                                     {"inference_workspace", sizes_.inference_workspace},
                                     {"backward_workspace", sizes_.backward_workspace},
                                     {"step_workspace", sizes_.step_workspace}})
      buffers_.emplace(name, Raw(size));
  }

  recur_layer_forward_args forward_args(bool training, cudaStream_t stream = nullptr) {
    auto a = common<recur_layer_forward_args>(training ? "training_workspace" : "inference_workspace", stream);
    a.hT = raw("hT");
    a.cT = as<float>("cT");
    if (training) a.reserve = get("reserve").get(), a.reserve_size = sizes_.reserve;
    return a;
  }
  recur_layer_backward_args backward_args(bool accumulate = false, cudaStream_t stream = nullptr) {
    auto a = common<recur_layer_backward_args>("backward_workspace", stream);
    a.dy = raw("dy");
    a.dhT = as<float>("dhT");
    a.dcT = as<float>("dcT");
    a.dx = raw("dx");
    if (problem_.c.period == 0) a.dh0 = as<float>("dh0"), a.dc0 = as<float>("dc0");
    a.dparameters = as<float>("dparameters");
    a.accumulate = accumulate;
    a.reserve = get("reserve").get();
    a.reserve_size = sizes_.reserve;
    return a;
  }
  // Of the first step, from h0 and c0 to hT and cT.
  recur_layer_step_args step_args(cudaStream_t stream = nullptr) {
    recur_layer_step_args a = {};
    a.stream = stream;
    a.parameters = raw("parameters");
    a.x = raw("x");
    a.h = raw("h0");
    a.c = as<float>("c0");
    a.h_next = raw("hT");
    a.c_next = as<float>("cT");
    a.workspace = get("step_workspace").get();
    a.workspace_size = sizes_.step_workspace;
    return a;
  }
  void forward(bool training, cudaStream_t stream = nullptr) {
    const recur_layer_forward_args a = forward_args(training, stream);
    check_recur(recur_layer_forward(plan_.get(), &a), "recur_layer_forward");
  }
  void backward(bool accumulate = false, cudaStream_t stream = nullptr) {
    const recur_layer_backward_args a = backward_args(accumulate, stream);
    check_recur(recur_layer_backward(plan_.get(), &a), "recur_layer_backward");
  }

  // T steps in place of forward, for time first: y and the last states are filled in. One direction.
  void steps() {
    const reference::NetworkShape& s = problem_.c.shape;
    const size_t state = sizes_.state_elements * element_;
    Raw even(state), odd(state);
    const size_t row = size_t(s.batch * s.state_size()) * element_;
    for (int64_t t = 0; t < s.steps; ++t) {
      recur_layer_step_args a = step_args();
      a.x = get("x").get() + size_t(t * s.batch * s.inputs) * element_;
      if (t > 0) a.h = (t % 2 ? even : odd).get(), a.c = as<float>("cT");
      Raw& next = t % 2 ? odd : even;
      a.h_next = next.get();
      check_recur(recur_layer_step(plan_.get(), &a), "recur_layer_step");
      check_cuda(cudaMemcpy(get("y").get() + size_t(t) * row, next.get() + state - row, row, cudaMemcpyDeviceToDevice),
                 "cudaMemcpy");
      check_cuda(cudaMemcpy(get("hT").get(), next.get(), state, cudaMemcpyDeviceToDevice), "cudaMemcpy");
    }
  }

  // Time first, in double.
  Vector y() const { return laid_out(unpacked(type_, get("y").download()), outputs(), false); }
  Vector dx() const { return laid_out(unpacked(type_, get("dx").download()), problem_.c.shape.inputs, false); }
  Vector hT() const { return unpacked(type_, get("hT").download()); }
  Vector floats(const char* name) const { return unpacked(RECUR_TYPE_FLOAT32, get(name).download()); }
  Bytes bytes(const char* name) const { return get(name).download(); }

  // One parameter's gradient.
  Vector gradient(int64_t pass, recur_parameter which) const {
    const recur_parameter_place p = place(pass, which);
    const Vector all = floats("dparameters");
    return {all.begin() + int64_t(p.offset), all.begin() + int64_t(p.offset) + p.rows * p.columns};
  }

  // "" if nothing was written outside of any buffer, and nothing into those that are inputs.
  std::string damage() const {
    std::string report;
    for (const auto& [name, buffer] : buffers_)
      if (const std::string text = buffer.damage(); !text.empty()) report += name + ": " + text + "; ";
    for (const auto& [name, values] : given_)
      if (get(name.c_str()).download() != values) report += name + ": an input was changed; ";
    return report;
  }

  static const std::vector<const char*>& outputs_by_name() {
    static const std::vector<const char*> names = {"y", "hT", "cT", "dx", "dh0", "dc0", "dparameters"};
    return names;
  }
  // What the calls have put out, one after the other.
  Bytes results() const {
    Bytes all;
    for (const char* name : outputs_by_name()) {
      const Bytes one = bytes(name);
      all.insert(all.end(), one.begin(), one.end());
    }
    return all;
  }
  // As if nothing had been computed: all bits set.
  void forget() {
    for (const char* name : outputs_by_name()) get(name).upload(Bytes(get(name).size(), 0xFF));
  }

  // Of every buffer.
  std::map<std::string, Bytes> contents() const {
    std::map<std::string, Bytes> all;
    for (const auto& [name, buffer] : buffers_) all.emplace(name, buffer.download());
    return all;
  }

  const recur_layer_plan* plan() const { return plan_.get(); }
  const recur_layer_sizes& sizes() const { return sizes_; }
  Raw& get(const char* name) { return buffers_.at(name); }
  const Raw& get(const char* name) const { return buffers_.at(name); }

 private:
  // What forward and backward both name.
  template <class Args>
  Args common(const char* workspace, cudaStream_t stream) {
    Args a = {};
    a.stream = stream;
    a.parameters = raw("parameters");
    a.x = raw("x");
    a.h0 = raw("h0");
    a.c0 = as<float>("c0");
    a.y = raw("y");
    a.workspace = get(workspace).get();
    a.workspace_size = get(workspace).size();
    a.lengths = as<int32_t>("lengths");
    a.reset = as<uint8_t>("reset");
    a.dropout_seed = problem_.dropout_seed;
    a.dropout_offset = problem_.dropout_offset;
    return a;
  }
  void add(const char* name, const Bytes& bytes, size_t offset) {
    if (bytes.empty()) return;
    buffers_.emplace(name, Raw(bytes, offset));
    given_.emplace(name, bytes);
  }
  unsigned char* raw(const char* name) {
    const auto found = buffers_.find(name);
    return found == buffers_.end() || found->second.size() == 0 ? nullptr : found->second.get();
  }
  template <class T>
  T* as(const char* name) {
    return reinterpret_cast<T*>(raw(name));
  }
  int64_t outputs() const { return problem_.c.shape.directions * problem_.c.shape.state_size(); }

  recur_parameter_place place(int64_t pass, recur_parameter which) const {
    recur_parameter_place p = {};
    const int64_t D = problem_.c.shape.directions;
    check_recur(recur_layer_get_parameter(plan_.get(), pass / D, pass % D, which, &p), "recur_layer_get_parameter");
    return p;
  }
  Vector joined() const {
    Vector all(sizes_.parameter_elements, NAN);
    for (size_t pass = 0; pass < problem_.weights.size(); ++pass) {
      const reference::LayerWeights& w = problem_.weights[pass];
      const Vector* parts[] = {&w.w_ih, &w.w_hh, &w.b_ih, &w.b_hh, &w.w_hr, &w.peephole};
      for (int which = 0; which < 6; ++which) {
        if (parts[which]->empty()) continue;
        const recur_parameter_place p = place(int64_t(pass), recur_parameter(which));
        std::copy(parts[which]->begin(), parts[which]->end(), all.begin() + int64_t(p.offset));
      }
    }
    return all;
  }
  // Padding holds NaN: who reads it is found out.
  Vector poisoned(Vector values, int64_t columns) const {
    const reference::NetworkShape& s = problem_.c.shape;
    for (int64_t n = 0; n < s.batch && !problem_.inputs.lengths.empty(); ++n)
      for (int64_t t = problem_.inputs.lengths[size_t(n)]; t < s.steps; ++t)
        for (int64_t k = 0; k < columns; ++k) values[size_t((t * s.batch + n) * columns + k)] = NAN;
    return values;
  }
  Vector poisoned_x() const { return poisoned(problem_.inputs.x, problem_.c.shape.inputs); }
  // From [T,N,columns] to the plan's order, or back.
  Vector laid_out(const Vector& values, int64_t columns, bool to_plan) const {
    if (!problem_.c.batch_first) return values;
    const int64_t T = problem_.c.shape.steps, N = problem_.c.shape.batch;
    Vector other(values.size());
    for (int64_t t = 0; t < T; ++t)
      for (int64_t n = 0; n < N; ++n)
        for (int64_t k = 0; k < columns; ++k) {
          const size_t time_first = size_t((t * N + n) * columns + k), batch_first = size_t((n * T + t) * columns + k);
          (to_plan ? other[batch_first] : other[time_first]) = to_plan ? values[time_first] : values[batch_first];
        }
    return other;
  }

  const NetworkProblem& problem_;
  recur_type type_;
  size_t element_;
  LayerPlan plan_;
  recur_layer_sizes sizes_;
  std::map<std::string, Raw> buffers_;
  std::map<std::string, Bytes> given_;
};

}  // namespace recur::test
