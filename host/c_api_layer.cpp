// The C interface of the recurrent layer: arguments checked, then handed to the schedule.
#include <new>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "check.hpp"
#include "overlap.hpp"
#include "plan.hpp"
#include "recur/layer.h"
#include "schedule.hpp"
#include "validate.hpp"

namespace recur {
namespace {

struct Extents {  // bytes of the buffers that a layer's calls name
  size_t x, y, state, parameters, step_x;
  explicit Extents(const recur_layer_plan& plan) {
    const recur_layer_descriptor& d = plan.descriptor;
    const size_t N = static_cast<size_t>(d.batch), T = static_cast<size_t>(d.steps);
    step_x = N * static_cast<size_t>(d.input_size) * sizeof(float);
    x = T * step_x;
    state = plan.layout.sizes.state_elements * sizeof(float);
    y = T * state;
    parameters = plan.layout.sizes.parameter_elements * sizeof(float);
  }
};

void check_arguments(const recur_layer_plan& plan, const recur_layer_forward_args& a) {
  const recur_layer_sizes& s = plan.layout.sizes;
  const Extents e(plan);
  Overlaps buffers;
  buffers.input("parameters", a.parameters, e.parameters);
  buffers.input("x", a.x, e.x);
  buffers.optional_input("h0", a.h0, e.state);
  buffers.optional_input("c0", a.c0, e.state);
  buffers.output("y", a.y, e.y);
  buffers.optional_output("hT", a.hT, e.state, "h0");
  buffers.optional_output("cT", a.cT, e.state, "c0");
  if (a.reserve != nullptr) {
    require_workspace("reserve", a.reserve, a.reserve_size, s.reserve);
    buffers.scratch("reserve", a.reserve, s.reserve);
  }
  const size_t workspace = a.reserve != nullptr ? s.training_workspace : s.inference_workspace;
  require_workspace("workspace", a.workspace, a.workspace_size, workspace);
  buffers.scratch("workspace", a.workspace, workspace);
  buffers.check();
  require_no_pending_error();
}

void check_arguments(const recur_layer_plan& plan, const recur_layer_backward_args& a) {
  const recur_layer_sizes& s = plan.layout.sizes;
  const Extents e(plan);
  Overlaps buffers;
  buffers.input("parameters", a.parameters, e.parameters);
  if (a.dparameters != nullptr) buffers.input("x", a.x, e.x);
  buffers.optional_input("h0", a.h0, e.state);
  buffers.optional_input("c0", a.c0, e.state);
  buffers.input("y", a.y, e.y);
  buffers.optional_input("dy", a.dy, e.y);
  buffers.optional_input("dhT", a.dhT, e.state);
  buffers.optional_input("dcT", a.dcT, e.state);
  buffers.optional_output("dx", a.dx, e.x);
  buffers.optional_output("dh0", a.dh0, e.state, "dhT");
  buffers.optional_output("dc0", a.dc0, e.state, "dcT");
  buffers.optional_output("dparameters", a.dparameters, e.parameters);
  require_workspace("reserve", a.reserve, a.reserve_size, s.reserve);
  buffers.input("reserve", a.reserve, s.reserve);
  require_workspace("workspace", a.workspace, a.workspace_size, s.backward_workspace);
  buffers.scratch("workspace", a.workspace, s.backward_workspace);
  buffers.check();
  require_no_pending_error();
}

void check_arguments(const recur_layer_plan& plan, const recur_layer_step_args& a) {
  const recur_layer_sizes& s = plan.layout.sizes;
  const Extents e(plan);
  Overlaps buffers;
  buffers.input("parameters", a.parameters, e.parameters);
  buffers.input("x", a.x, e.step_x);
  buffers.optional_input("h", a.h, e.state);
  buffers.optional_input("c", a.c, e.state);
  buffers.output("h_next", a.h_next, e.state);
  buffers.output("c_next", a.c_next, e.state, "c");
  require_workspace("workspace", a.workspace, a.workspace_size, s.step_workspace);
  buffers.scratch("workspace", a.workspace, s.step_workspace);
  buffers.check();
  require_no_pending_error();
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
  return recur::execute(plan, args, recur::forward);
}

recur_status recur_layer_backward(const recur_layer_plan* plan, const recur_layer_backward_args* args) {
  return recur::execute(plan, args, recur::backward);
}

recur_status recur_layer_step(const recur_layer_plan* plan, const recur_layer_step_args* args) {
  return recur::execute(plan, args, recur::step);
}
