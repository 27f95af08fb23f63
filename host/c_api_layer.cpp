// The C interface of the recurrent layer: arguments checked, then handed to the schedule.
#include <new>
#include <string>
#include <utility>

#include "arguments.hpp"
#include "check.hpp"
#include "layer_graph.hpp"
#include "overlap.hpp"
#include "plan.hpp"
#include "recur/layer.h"
#include "schedule.hpp"
#include "validate.hpp"

namespace recur {
namespace {

// The buffers that a layer's calls name, by what they hold.
class Buffers {
 public:
  explicit Buffers(const recur_layer_plan& plan)
      : g_(plan.geometry), element_(g_.element), x_(elements(g_.T * g_.N, g_.I)),
        y_(elements(g_.T * g_.N, g_.D * g_.R)), h_(g_.state_elements()),
        c_(plan.layout.sizes.cell_state_elements), parameters_(g_.parameter_elements()) {}

  void parameters(const void* p) { overlaps_.input("parameters", p, parameters_ * element_, element_); }
  void gradient(float* p) { overlaps_.optional_output("dparameters", p, parameters_ * sizeof(float)); }
  void x(const void* p) { overlaps_.input("x", p, x_ * element_, element_); }
  void x_of_step(const void* p) { overlaps_.input("x", p, elements(g_.N, g_.I) * element_, element_); }
  void dx(void* p) { overlaps_.optional_output("dx", p, x_ * element_, nullptr, element_); }
  void y(const void* p) { overlaps_.input("y", p, y_ * element_, element_); }
  void y(void* p) { overlaps_.output("y", p, y_ * element_, nullptr, element_); }
  void dy(const void* p) { overlaps_.optional_input("dy", p, y_ * element_, element_); }

  void h(const char* name, const void* p) { overlaps_.optional_input(name, p, h_ * element_, element_); }
  void h(const char* name, void* p, const char* may_be) {
    overlaps_.optional_output(name, p, h_ * element_, may_be, element_);
  }
  // With learned states the initial ones, and their gradients, have one row, and lie over nothing.
  void h0(const void* p) { overlaps_.optional_input("h0", p, initial(h_) * element_, element_); }
  void c0(const float* p) {
    refuse_without_state("c0", p);
    overlaps_.optional_input("c0", p, initial(c_) * sizeof(float));
  }
  void dh0(float* p) { overlaps_.optional_output("dh0", p, initial(h_) * sizeof(float), place_of("dhT")); }
  void dc0(float* p) {
    refuse_without_state("dc0", p);
    overlaps_.optional_output("dc0", p, initial(c_) * sizeof(float), place_of("dcT"));
  }
  const char* place_of(const char* name) const { return g_.learned ? nullptr : name; }
  void dh(const char* name, const float* p) { overlaps_.optional_input(name, p, h_ * sizeof(float)); }
  void c(const char* name, const float* p) {
    refuse_without_state(name, p);
    overlaps_.optional_input(name, p, c_ * sizeof(float));
  }
  void c(const char* name, float* p, const char* may_be) {
    refuse_without_state(name, p);
    overlaps_.optional_output(name, p, c_ * sizeof(float), may_be);
  }

  // lengths and reset, where the plan takes them.
  void masks(const recur_layer_descriptor& d, const int32_t* lengths, const uint8_t* reset) {
    if (lengths != nullptr && d.ragged == 0) refuse("lengths is given, and the plan is not ragged");
    if (reset != nullptr && d.resets == 0) refuse("reset is given, and the plan has no resets");
    overlaps_.optional_input("lengths", lengths, static_cast<size_t>(g_.N) * sizeof(int32_t));
    overlaps_.optional_input("reset", reset, elements(g_.T, g_.N), 1);
  }

  void workspace(const void* p, size_t size, size_t needed) {
    require_workspace("workspace", p, size, needed);
    overlaps_.scratch("workspace", p, needed);
  }
  void written_reserve(const void* p, size_t size, size_t needed) {
    require_workspace("reserve", p, size, needed);
    overlaps_.scratch("reserve", p, needed);
  }
  void read_reserve(const void* p, size_t size, size_t needed) {
    require_workspace("reserve", p, size, needed);
    if (needed > 0) overlaps_.input("reserve", p, needed);
  }

  void check(const recur_layer_plan& plan) const {
    require_device_of_plan(plan.device);
    overlaps_.check();
    require_no_pending_error();
  }

 private:
  size_t initial(size_t elements) const { return elements / static_cast<size_t>(g_.N / g_.initial_rows()); }
  static size_t elements(int64_t rows, int64_t columns) { return static_cast<size_t>(rows * columns); }
  [[noreturn]] static void refuse(const std::string& text) { throw Failure(RECUR_INVALID_ARGUMENT, text); }
  void refuse_without_state(const char* name, const void* p) const {
    if (p != nullptr && !g_.state) refuse(std::string(name) + " is given, and the cell has no state c");
  }

  const Geometry& g_;
  const size_t element_, x_, y_, h_, c_, parameters_;
  Overlaps overlaps_;
};

void check_arguments(const recur_layer_plan& plan, const recur_layer_forward_args& a) {
  const recur_layer_sizes& s = plan.layout.sizes;
  Buffers buffers(plan);
  buffers.parameters(a.parameters);
  buffers.x(a.x);
  buffers.h0(a.h0);
  buffers.c0(a.c0);
  buffers.y(a.y);
  buffers.h("hT", a.hT, buffers.place_of("h0"));
  buffers.c("cT", a.cT, buffers.place_of("c0"));
  buffers.masks(plan.descriptor, a.lengths, a.reset);
  if (a.reserve != nullptr) buffers.written_reserve(a.reserve, a.reserve_size, s.reserve);
  buffers.workspace(a.workspace, a.workspace_size, a.reserve != nullptr ? s.training_workspace : s.inference_workspace);
  buffers.check(plan);
}

void check_arguments(const recur_layer_plan& plan, const recur_layer_backward_args& a) {
  const recur_layer_sizes& s = plan.layout.sizes;
  if (plan.descriptor.truncation_period > 0) {
    for (const auto& [name, pointer] : {std::pair<const char*, float*>{"dh0", a.dh0}, {"dc0", a.dc0}})
      if (pointer != nullptr)
        throw Failure(RECUR_INVALID_ARGUMENT, std::string(name) + " is given, must be NULL in a plan with truncation");
  }
  Buffers buffers(plan);
  buffers.parameters(a.parameters);
  if (a.dparameters != nullptr) buffers.x(a.x);
  buffers.h0(a.h0);
  buffers.c0(a.c0);
  buffers.y(a.y);
  buffers.dy(a.dy);
  buffers.dh("dhT", a.dhT);
  buffers.c("dcT", a.dcT);
  buffers.dx(a.dx);
  buffers.dh0(a.dh0);
  buffers.dc0(a.dc0);
  buffers.gradient(a.dparameters);
  buffers.masks(plan.descriptor, a.lengths, a.reset);
  buffers.read_reserve(a.reserve, a.reserve_size, s.reserve);
  buffers.workspace(a.workspace, a.workspace_size, s.backward_workspace);
  buffers.check(plan);
}

void check_arguments(const recur_layer_plan& plan, const recur_layer_step_args& a) {
  if (plan.geometry.D != 1)
    throw Failure(RECUR_NOT_SUPPORTED, "directions is 2, and a step goes in one direction: direction 1 begins at the end");
  Buffers buffers(plan);
  buffers.parameters(a.parameters);
  buffers.x_of_step(a.x);
  buffers.h("h", a.h);
  buffers.c("c", a.c);
  require_not_null("h_next", a.h_next);
  buffers.h("h_next", a.h_next, nullptr);
  if (plan.geometry.state) require_not_null("c_next", a.c_next);
  buffers.c("c_next", a.c_next, "c");
  buffers.workspace(a.workspace, a.workspace_size, plan.layout.sizes.step_workspace);
  buffers.check(plan);
}

template <class Args>
recur_status capture(const recur_layer_plan* plan, const Args* args, recur_layer_graph** graph) {
  return guard([&] {
    require_not_null("graph", graph);
    *graph = nullptr;
    require_not_null("plan", plan);
    require_not_null("args", args);
    check_arguments(*plan, *args);
    *graph = capture_layer(*plan, *args).release();
  });
}

template <class Args, class Run>
recur_status execute(const recur_layer_plan* plan, const Args* args, Run run) {
  return guard([&] {
    require_not_null("plan", plan);
    require_not_null("args", args);
    check_arguments(*plan, *args);
    run(*plan, *args);
  });
}

}  // namespace
}  // namespace recur

recur_status recur_layer_create(recur_layer_plan** plan, const recur_layer_descriptor* descriptor) {
  return recur::guard([&] {
    recur::require_not_null("plan", plan);
    *plan = nullptr;
    recur::require_not_null("descriptor", descriptor);
    *plan = new recur_layer_plan(recur::validated(*descriptor));
  });
}

void recur_layer_destroy(recur_layer_plan* plan) { delete plan; }

recur_status recur_layer_get_sizes(const recur_layer_plan* plan, recur_layer_sizes* sizes) {
  return recur::guard([&] {
    recur::require_not_null("plan", plan);
    recur::require_not_null("sizes", sizes);
    *sizes = plan->layout.sizes;
  });
}

recur_status recur_layer_get_choice(const recur_layer_plan* plan, recur_layer_choice* choice) {
  return recur::guard([&] {
    recur::require_not_null("plan", plan);
    recur::require_not_null("choice", choice);
    *choice = plan->choice;
  });
}

recur_status recur_layer_forward(const recur_layer_plan* plan, const recur_layer_forward_args* args) {
  return recur::execute(plan, args, [](const auto& p, const auto& a) { recur::forward(p, a); });
}

recur_status recur_layer_backward(const recur_layer_plan* plan, const recur_layer_backward_args* args) {
  return recur::execute(plan, args, [](const auto& p, const auto& a) { recur::backward(p, a); });
}

recur_status recur_layer_step(const recur_layer_plan* plan, const recur_layer_step_args* args) {
  return recur::execute(plan, args, recur::step);
}

recur_status recur_layer_get_parameter(const recur_layer_plan* plan, int64_t layer, int64_t direction,
                                       recur_parameter parameter, recur_parameter_place* place) {
  return recur::guard([&] {
    recur::require_not_null("plan", plan);
    recur::require_not_null("place", place);
    const recur::Geometry& g = plan->geometry;
    recur::require_range("layer", layer, 0, g.L - 1);
    recur::require_range("direction", direction, 0, g.D - 1);
    recur::require_range("parameter", static_cast<int>(parameter), RECUR_PARAMETER_W_IH, RECUR_PARAMETER_PEEPHOLE);
    const recur_parameter_place found = g.parameter(layer, direction, parameter);
    if (found.rows == 0) throw recur::Failure(RECUR_INVALID_ARGUMENT, "parameter is " + std::to_string(parameter) +
                                                                          ", and the plan has none of that kind");
    *place = found;
  });
}

recur_status recur_layer_cast_parameters(const recur_layer_plan* plan, recur_stream stream, const float* from, void* to) {
  return recur::guard([&] {
    recur::require_not_null("plan", plan);
    const size_t count = plan->geometry.parameter_elements(), element = plan->geometry.element;
    recur::Overlaps buffers;
    buffers.input("from", from, count * sizeof(float));
    buffers.output("to", to, count * element, nullptr, element);
    buffers.check();
    recur::require_no_pending_error();
    recur::cast_parameters(*plan, stream, from, to);
  });
}

recur_status recur_layer_capture_forward(const recur_layer_plan* plan, const recur_layer_forward_args* args,
                                         recur_layer_graph** graph) {
  return recur::capture(plan, args, graph);
}

recur_status recur_layer_capture_backward(const recur_layer_plan* plan, const recur_layer_backward_args* args,
                                          recur_layer_graph** graph) {
  return recur::capture(plan, args, graph);
}

recur_status recur_layer_graph_launch(const recur_layer_graph* graph, recur_stream stream) {
  return recur::guard([&] {
    recur::require_not_null("graph", graph);
    recur::require_device_of_plan(graph->device);
    recur::require_no_pending_error();
    graph->launch(stream);
  });
}

void recur_layer_graph_destroy(recur_layer_graph* graph) { delete graph; }
