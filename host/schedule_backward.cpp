#include <vector>

#include "check.hpp"
#include "fork.hpp"
#include "kernels/sequence/launch.hpp"
#include "resident_pass.hpp"
#include "schedule.hpp"

namespace recur {
namespace {

// Back through the window: da of each step, and from them what flows to the step before.
void sweep(const BackwardPass& b, ForkedCall& lanes) {
  if (b.pass.plan.resident()) {
    resident_sweep(b);
    lanes.step_done();
    return;
  }
  const Pass& pass = b.pass;
  const Geometry& g = pass.g;
  const LayerLayout::Backward& places = b.places();
  const LayerProducts& product = pass.plan.products;
  void* const scratch = b.place(places.products);
  const void* const w_hh = pass.parameter(b.call.parameters, RECUR_PARAMETER_W_HH);
  const bool last_window = b.window.end == g.T, first_window = b.window.begin == 0;
  float* const dh_between = b.place<float>(places.dh);
  float* const dc_between = b.place<float>(places.dc);
  const float* dh = last_window ? pass.slice(b.call.dhT, g.R) : nullptr;
  const float* dc = last_window && g.state ? pass.slice(b.call.dcT, g.H) : nullptr;

  for (int64_t k = b.steps() - 1; k >= 0; --k) {
    const int64_t t = b.time(k), later = k + 1 < b.steps() ? b.time(k + 1) : -1;
    // The step before, in the window or not; -1: there is none, and what flows there is dh0 and dc0.
    const int64_t before = k > 0 ? b.time(k - 1) : first_window ? -1 : t - 1;
    float* const dh_previous = k > 0 ? dh_between : first_window ? pass.slice(b.call.dh0, g.R) : nullptr;
    float* const dc_previous = k > 0 ? dc_between : first_window ? pass.slice(b.call.dc0, g.H) : nullptr;
    const State h_previous = state_before(b, t, before);
    const void* const dy = b.dy != nullptr && t >= b.dy_begin
                               ? pass.output(b.dy, t - b.window.begin)
                               : nullptr;
    SweepBackward s = {};
    s.batch = g.N;
    s.hidden = g.H;
    s.saved = pass.saved(b.call.reserve, t);
    s.h = pass.output(b.output, t);
    s.h_pitch = pass.output_pitch();
    s.h_previous = h_previous.h;
    s.h_previous_pitch = pass.pitch(h_previous.kind);
    if (g.state) {
      s.c = static_cast<const float*>(pass.kept_c(b.call.reserve, t));
      s.c_previous = before >= 0 ? static_cast<const float*>(pass.kept_c(b.call.reserve, before))
                                 : pass.slice(b.call.c0, g.H);
    }
    s.constants = b.constants;
    s.limit = pass.plan.descriptor.cell_clip;
    s.dc = dc;
    s.dc_previous = g.state ? dc_previous : nullptr;
    s.da = b.of_step(places.da, t, g.G * g.H);
    s.da_apart = b.of_step(places.da_apart, t, g.A * g.H);
    s.dconstants = g.K > 0 ? b.place<float>(places.dconstants) + (t - b.window.begin) * g.N * g.K * g.H : nullptr;
    s.mask = mask_of(pass, b.call.lengths, b.call.reset, t, later);
    const bool passes_directly = (g.direct || g.masked) && dh_previous != nullptr;
    if (g.P == 0) {
      s.dy = dy;
      s.dy_pitch = pass.output_pitch();
      s.dh = dh;
      s.dh_direct = passes_directly ? dh_previous : nullptr;
    } else {
      void* const total = b.of_step(places.total, t, g.R);
      float* const dm = b.place<float>(places.dm);
      RECUR_CUDA(kernels::projected_gradient(
          g.type, {g.N, g.R, dy, pass.output_pitch(), dh, total, passes_directly ? dh_previous : nullptr, s.mask},
          b.stream));
      product.dm.run(b.stream, 1, total, pass.parameter(b.call.parameters, RECUR_PARAMETER_W_HR), 0, dm, dm,
                     scratch);
      s.h = pass.kept_m(b.call.reserve, t);
      s.h_pitch = g.H;
      s.dh = dm;
      s.mask.reset_other = nullptr;  // seen to where dh was read
    }
    RECUR_CUDA(static_cast<cudaError_t>(pass.plan.cell.backward(s, b.stream)));
    if (g.before) {
      float* const drh = b.place<float>(places.drh);
      const size_t gate_n = static_cast<size_t>(2 * g.H) * g.element;
      product.dh_n.run(b.stream, 1, at(s.da, gate_n), at(w_hh, static_cast<size_t>(2 * g.H * g.R) * g.element), 0,
                       drh, drh, scratch);
      RECUR_CUDA(kernels::reset_gradient(g.type,
                                         {g.N, g.H, drh, s.saved, h_previous.h, s.h_previous_pitch, s.da,
                                          b.of_step(places.rh, t, g.H), s.dh_direct, s.mask},
                                         b.stream));
    }
    if (dh_previous != nullptr)
      product.dh.run(b.stream, 1, s.da, w_hh, passes_directly ? 1 : 0, dh_previous, dh_previous, scratch);
    dh = dh_previous;
    dc = s.dc_previous;
    lanes.step_done();
  }
  // A reset before the first step: nothing reaches h0.
  float* const dh0 = first_window ? pass.slice(b.call.dh0, g.R) : nullptr;
  if (dh0 != nullptr && b.call.reset != nullptr) {
    const SweepMask m = mask_of(pass, b.call.lengths, b.call.reset, b.time(0), -1);
    RECUR_CUDA(kernels::start_state(sizeof(float), {g.N, g.R, dh0, dh0, m.lengths, m.reset, m.time}, b.stream));
  }
}

struct Sequences {  // time first, padding made zero: the caller's own, or copies
  const void *x, *dy;
  void* dx;
};

// Of a whole call. Lane 0 sweeps direction 0 and makes the gradients between layers, lane 1 sweeps direction 1, lanes 2
// and 3 sum the weights' gradients of either while the next layer is swept.
class BackwardCall {
 public:
  BackwardCall(const recur_layer_plan& plan, const recur_layer_backward_args& call, const Sequences& own, ForkedCall& lanes)
      : plan_(plan), g_(plan.geometry), call_(call), own_(own), lanes_(lanes), places_(plan.layout.backward),
        summing_(static_cast<size_t>(places_.lanes)) {}

  // All layers over one window. add_dx: dx holds what other windows, or zeros, gave it.
  void run(const Window& window, bool accumulate, bool add_dx) {
    const void* dy = at(own_.dy, static_cast<size_t>(window.begin * g_.N * g_.D * g_.R) * g_.element);
    int64_t dy_begin = window.dy_begin;
    for (int64_t layer = g_.L - 1; layer >= 0; --layer) {
      const bool bottom = layer == 0;
      void* const dx = bottom ? at(own_.dx, static_cast<size_t>(window.begin * g_.N * g_.I) * g_.element)
                              : at(call_.workspace, places_.between[(layer - 1) % 2]);
      std::vector<BackwardPass> passes;
      lanes_.fork();
      for (int64_t direction = 0; direction < g_.D; ++direction) {
        passes.push_back(pass_of(layer, direction, window, dy, dy_begin));
        BackwardPass& b = passes.back();
        if (summing_[static_cast<size_t>(b.lane)]) lanes_.wait(static_cast<int>(direction), summed(b));
        b.constants =
            floats_of(b.pass, call_.parameters, RECUR_PARAMETER_PEEPHOLE, b.place(places_.constants), b.stream);
        sweep(b, lanes_);
        lanes_.record(swept(b), static_cast<int>(direction));
      }
      for (BackwardPass& b : passes) {
        const int direction = static_cast<int>(b.pass.direction);
        if (dx != nullptr) {
          if (direction > 0) lanes_.wait(0, swept(b));
          b.stream = call_.stream;
          input_gradient(b, dx, direction > 0 || (bottom && add_dx));
        }
        if (call_.dparameters != nullptr) {
          lanes_.wait(2 + direction, swept(b));
          b.stream = lanes_.stream(2 + direction);
          weight_gradients(b, accumulate);
          lanes_.record(summed(b), 2 + direction);
          summing_[static_cast<size_t>(b.lane)] = true;
        }
      }
      if (!bottom && g_.dropout)
        RECUR_CUDA(kernels::dropout(
            g_.type, dropout_between(plan_, call_, layer - 1, window.begin, window.end, dx, dx), call_.stream));
      dy = dx;
      dy_begin = window.begin;
    }
  }

 private:
  int swept(const BackwardPass& b) const { return static_cast<int>(b.lane); }
  int summed(const BackwardPass& b) const { return static_cast<int>(places_.lanes + b.lane); }

  BackwardPass pass_of(int64_t layer, int64_t direction, const Window& window, const void* dy, int64_t dy_begin) const {
    const bool top = layer + 1 == g_.L;
    const void* const output = top && !g_.own_y ? call_.y : reserve_output(plan_, call_.reserve, layer);
    const void* const input = layer == 0 ? own_.x : reserve_output(plan_, call_.reserve, layer - 1, g_.dropout);
    return {Pass(plan_, layer, direction), window, call_, input, output, dy, dy_begin, nullptr,
            places_.lane_of(layer, direction, g_.D), lanes_.stream(static_cast<int>(direction))};
  }

  const recur_layer_plan& plan_;
  const Geometry& g_;
  const recur_layer_backward_args& call_;
  const Sequences& own_;
  ForkedCall& lanes_;
  const LayerLayout::Backward& places_;
  std::vector<bool> summing_;  // of a lane: its weights' gradients are on their way
};

// Of a learned initial state: to [L*D,columns] (+)= the sum over rows of from [L*D,N,columns].
void sum_over_rows(const recur_layer_plan& plan, const recur_layer_backward_args& a, const float* from, float* to,
                   int64_t columns) {
  const Geometry& g = plan.geometry;
  void* const scratch = at(a.workspace, plan.layout.backward.state_sums);
  for (int64_t pass = 0; to != nullptr && pass < g.passes(); ++pass)
    RECUR_CUDA(kernels::column_sum(from + pass * g.N * columns, to + pass * columns, g.N, columns, a.accumulate != 0,
                                   scratch, a.stream));
}

}  // namespace

void backward(const recur_layer_plan& plan, const recur_layer_backward_args& args, std::function<void()> cut) {
  const Geometry& g = plan.geometry;
  const LayerLayout::Backward& places = plan.layout.backward;
  recur_layer_backward_args a = args;
  widen_states(g, places, a);
  if (g.learned && args.dh0 != nullptr) a.dh0 = at<float>(args.workspace, places.dh0);
  if (g.learned && args.dc0 != nullptr) a.dc0 = at<float>(args.workspace, places.dc0);
  Sequences own = {a.x, a.dy, a.dx};
  if (g.own_x && a.dparameters != nullptr) 
    own.x = copy_to_time_first(plan, g.I, a.x, at(a.workspace, places.x), a.lengths, a.stream);
  if (g.own_y && a.dy != nullptr) 
    own.dy = copy_to_time_first(plan, g.D * g.R, a.dy, at(a.workspace, places.dy), a.lengths, a.stream);
  if (g.own_y && a.dx != nullptr) own.dx = at(a.workspace, places.dx);

  const std::vector<Window>& windows = plan.windows;
  if (windows.size() > 1 && own.dx != nullptr)  // windows overlap, and add
    RECUR_CUDA(cudaMemsetAsync(own.dx, 0, static_cast<size_t>(g.T * g.N * g.I) * g.element, a.stream));
  ForkedCall lanes(plan.fork, a.stream, std::move(cut));
  BackwardCall call(plan, a, own, lanes);
  bool accumulate = a.accumulate != 0;
  for (const Window& window : windows) {
    call.run(window, accumulate, windows.size() > 1);
    accumulate = true;
  }
  lanes.join();
  if (g.learned) {
    sum_over_rows(plan, a, a.dh0, args.dh0, g.R);
    sum_over_rows(plan, a, a.dc0, args.dc0, g.H);
  }
  if (g.own_y && a.dx != nullptr) copy_from_time_first(plan, g.I, own.dx, a.dx, a.stream);
}

}  // namespace recur
