#include <algorithm>

#include "check.hpp"
#include "kernels/streamed/launch.hpp"
#include "pass.hpp"
#include "schedule.hpp"

namespace recur {
namespace {

// What one pass reads and writes, whatever the call.
struct ForwardPass {
  const Pass& pass;
  const LayerLayout::Forward& at_work;  // places in the workspace
  const void* parameters;
  void* workspace;
  void* reserve;  // null: nothing is saved
  const int32_t* lengths;
  const uint8_t* reset;
  recur_stream stream;
  PassFloats floats;

  template <class T = void>
  T* place(size_t offset) const {
    return at<T>(workspace, offset);
  }
};

// Where the state before a step lies, and how its rows follow each other.
struct State {
  const void* h;
  StateKind kind;
  int64_t pitch;
};

// The recurrent product and the cell of one step, whose input product is in k.a.
void take_step(const ForwardPass& f, const State& before, SweepForward& k) {
  const Geometry& g = f.pass.g;
  const LayerProducts& product = f.pass.plan.products;
  void* const scratch = f.place(f.at_work.products);
  const void* const w_hh = f.pass.parameter(f.parameters, RECUR_PARAMETER_W_HH);
  float* const a = const_cast<float*>(k.a);
  if (before.h == nullptr) {
    k.bias = f.floats.b_hh;
  } else if (g.A > 0) {
    float* const u = f.place<float>(f.at_work.u);
    product.recurrent[before.kind].run(f.stream, 1, before.h, w_hh, 0, u, u, scratch, f.floats.b_hh);
    k.u = u;
  } else {
    product.recurrent[before.kind].run(f.stream, 1, before.h, w_hh, 1, a, a, scratch, f.floats.b_hh);
  }
  if (g.before && before.h != nullptr) {
    void* const rh = f.place(f.at_work.rh);
    RECUR_CUDA(kernels::reset_hidden(g.type, {g.N, g.H, a, nullptr, before.h, before.pitch, rh, k.mask}, f.stream));
    const size_t u_n = static_cast<size_t>(2 * g.H * g.R) * g.element;
    product.recurrent_n.run(f.stream, 1, rh, at(w_hh, u_n), 1, a + 2 * g.H, a + 2 * g.H, scratch,
                            f.floats.b_hh + 2 * g.H);
  }
  k.batch = g.N;
  k.hidden = g.H;
  k.h_previous = before.h;
  k.h_previous_pitch = before.pitch;
  k.constants = f.floats.constants;
  k.limit = f.pass.plan.descriptor.cell_clip;
  if (g.P == 0) {
    RECUR_CUDA(static_cast<cudaError_t>(f.pass.plan.cell.forward(k, f.stream)));
    return;
  }
  // The cell makes m = o tanh(c), and the projection of it is the state.
  kernels::ProjectedState p = {g.N, g.R, k.h, k.h_pitch, before.h, k.h_next, k.h_last, k.mask};
  k.h = f.reserve != nullptr ? f.pass.kept_m(f.reserve, k.mask.time) : f.place(f.at_work.m);
  k.h_pitch = g.H;
  k.h_next = k.h_last = nullptr;
  RECUR_CUDA(static_cast<cudaError_t>(f.pass.plan.cell.forward(k, f.stream)));
  product.project.run(f.stream, 1, k.h, f.pass.parameter(f.parameters, RECUR_PARAMETER_W_HR), 0, p.y, p.y, scratch);
  if (g.masked || p.h_last != nullptr) RECUR_CUDA(kernels::projected_state(g.type, p, f.stream));
}

// All steps of one pass: input [T,N,I_l], out [T,N,D*R], both typed.
void sweep(const ForwardPass& f, const void* input, void* out, const recur_layer_forward_args& call) {
  const Pass& pass = f.pass;
  const Geometry& g = pass.g;
  const int64_t chunk = pass.plan.layout.chunk, I = g.inputs(pass.layer);
  const LayerKind kind = kind_of(pass.layer);
  const void* const w_ih = pass.parameter(f.parameters, RECUR_PARAMETER_W_IH);
  float* const a = f.place<float>(f.at_work.a);
  // A state of its own, beside y: of every step in training, else the latest.
  const auto kept = [&](int64_t t) { return f.reserve != nullptr ? pass.kept_h(f.reserve, t) : f.place(f.at_work.h); };

  State before = {pass.h_slice(call.h0), kInState, g.R};
  if (g.masked) {
    void* const first = kept(pass.time(0));
    const SweepMask m = mask_of(pass, f.lengths, f.reset, pass.time(0), -1);
    RECUR_CUDA(kernels::start_state(g.element, {g.N, g.R, before.h, first, m.lengths, m.reset, m.time}, f.stream));
    before.h = first;
  }
  const float* c_previous = pass.slice(call.c0, g.H);
  for (int64_t begin = 0; begin < g.T; begin += chunk) {
    const int64_t count = std::min(chunk, g.T - begin);
    const int64_t first = pass.direction == 0 ? begin : g.T - begin - count;  // in time
    const Gemm& product = count == chunk ? pass.plan.products.input[kind] : pass.plan.products.input_tail[kind];
    product.run(f.stream, 1, at(input, static_cast<size_t>(first * g.N * I) * g.element), w_ih, 0, a, a,
                f.place(f.at_work.products), f.floats.b_ih);
    for (int64_t step = begin; step < begin + count; ++step) {
      const int64_t t = pass.time(step), next = step + 1 < g.T ? pass.time(step + 1) : -1;
      SweepForward k = {};
      k.a = a + (t - first) * g.N * g.G * g.H;
      k.c_previous = c_previous;
      if (g.state)
        k.c = f.reserve != nullptr ? static_cast<float*>(pass.kept_c(f.reserve, t)) : f.place<float>(f.at_work.c);
      k.h = pass.output(out, t);
      k.h_pitch = pass.output_pitch();
      k.h_next = g.masked && next >= 0 ? kept(next) : nullptr;
      k.saved = f.reserve != nullptr && g.S > 0 ? pass.saved(f.reserve, t) : nullptr;
      k.h_last = next < 0 ? pass.h_slice(call.hT) : nullptr;
      k.c_last = next < 0 ? pass.slice(call.cT, g.H) : nullptr;
      k.mask = mask_of(pass, f.lengths, f.reset, t, next);
      take_step(f, before, k);
      before = g.masked ? State{next >= 0 ? kept(next) : nullptr, kInState, g.R}
                        : State{pass.output(out, t), kInOutput, pass.output_pitch()};
      c_previous = k.c;
    }
  }
}

}  // namespace

void forward(const recur_layer_plan& plan, const recur_layer_forward_args& a) {
  const Geometry& g = plan.geometry;
  const bool training = a.reserve != nullptr;
  const LayerLayout::Forward& places = training ? plan.layout.training : plan.layout.inference;

  const void* input = a.x;
  if (g.own_x) {
    void* const x = at(a.workspace, places.x);
    const bool batch_first = plan.descriptor.batch_first != 0;
    RECUR_CUDA(kernels::copy_rows(g.element,
                                  {g.T, g.N, g.I, a.x, batch_first ? g.I : g.N * g.I, batch_first ? g.T * g.I : g.I, x,
                                   g.N * g.I, g.I, a.lengths},
                                  a.stream));
    input = x;
  }
  for (int64_t layer = 0; layer < g.L; ++layer) {
    const bool top = layer + 1 == g.L;
    void* const out = top && !g.own_y ? a.y
                      : training      ? reserve_output(plan, a.reserve, layer)
                                      : at(a.workspace, places.out[layer % 2]);
    for (int64_t direction = 0; direction < g.D; ++direction) {
      const Pass pass(plan, layer, direction);
      ForwardPass f = {pass, places, a.parameters, a.workspace, a.reserve, a.lengths, a.reset, a.stream, {}};
      f.floats = floats_of(pass, a.parameters, f.place(places.floats), a.stream);
      sweep(f, input, out, a);
    }
    input = out;
    if (training && g.dropout && !top) {
      void* const dropped = reserve_output(plan, a.reserve, layer, true);
      RECUR_CUDA(kernels::dropout(g.type,
                                  {g.T * g.N * g.D * g.R, out, dropped, plan.descriptor.dropout, a.dropout_seed,
                                   a.dropout_offset, layer},
                                  a.stream));
      input = dropped;
    }
    if (top && g.own_y) {
      const int64_t columns = g.D * g.R;
      RECUR_CUDA(kernels::copy_rows(
          g.element, {g.T, g.N, columns, out, g.N * columns, columns, a.y, columns, g.T * columns, nullptr}, a.stream));
    }
  }
}

void step(const recur_layer_plan& plan, const recur_layer_step_args& a) {
  const Geometry& g = plan.geometry;
  const LayerLayout::Forward& places = plan.layout.step;
  const void* input = a.x;
  for (int64_t layer = 0; layer < g.L; ++layer) {
    const Pass pass(plan, layer, 0);
    ForwardPass f = {pass, places, a.parameters, a.workspace, nullptr, nullptr, nullptr, a.stream, {}};
    f.floats = floats_of(pass, a.parameters, f.place(places.floats), a.stream);
    SweepForward k = {};
    float* const pre = f.place<float>(places.a);
    plan.products.input_step[kind_of(layer)].run(a.stream, 1, input, pass.parameter(a.parameters, RECUR_PARAMETER_W_IH),
                                                 0, pre, pre, f.place(places.products), f.floats.b_ih);
    k.a = pre;
    k.c_previous = pass.slice(a.c, g.H);
    k.c = pass.slice(a.c_next, g.H);
    k.h = pass.h_slice(a.h_next);
    k.h_pitch = g.R;
    input = k.h;
    take_step(f, {pass.h_slice(a.h), kInState, g.R}, k);
  }
}

void cast_parameters(const recur_layer_plan& plan, recur_stream stream, const float* from, void* to) {
  const int64_t count = static_cast<int64_t>(plan.geometry.parameter_elements());
  RECUR_CUDA(kernels::narrow(plan.geometry.type, from, to, count, stream));
}

}  // namespace recur
