#include <algorithm>
#include <vector>

#include "check.hpp"
#include "fork.hpp"
#include "kernels/streamed/launch.hpp"
#include "resident_pass.hpp"
#include "schedule.hpp"

namespace recur {
namespace {

PassFloats floats_of(const ForwardPass& f) {
  const auto floats = [&](recur_parameter which, size_t place) {
    return floats_of(f.pass, f.parameters, which, f.own(place), f.stream);
  };
  return {floats(RECUR_PARAMETER_B_IH, f.at_work.b_ih), floats(RECUR_PARAMETER_B_HH, f.at_work.b_hh),
          floats(RECUR_PARAMETER_PEEPHOLE, f.at_work.constants)};
}

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
    RECUR_CUDA(kernels::reset_hidden(g.type, {g.N, g.H, a, before.h, f.pass.pitch(before.kind), rh, k.mask}, f.stream));
    const size_t u_n = static_cast<size_t>(2 * g.H * g.R) * g.element;
    product.recurrent_n.run(f.stream, 1, rh, at(w_hh, u_n), 1, a + 2 * g.H, a + 2 * g.H, scratch,
                            f.floats.b_hh + 2 * g.H);
  }
  k.batch = g.N;
  k.hidden = g.H;
  k.h_previous = before.h;
  k.h_previous_pitch = f.pass.pitch(before.kind);
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

// The states with which a pass begins.
void begin(ForwardPass& f, const recur_layer_forward_args& call) {
  const Geometry& g = f.pass.g;
  f.floats = floats_of(f);
  if (f.pass.plan.resident()) join_biases(f);
  f.before = {f.pass.h_slice(call.h0), kInState};
  f.c_previous = f.pass.slice(call.c0, g.H);
  if (!g.masked) return;
  void* const first = kept_state(f, f.pass.time(0));
  const SweepMask m = mask_of(f.pass, call.lengths, call.reset, f.pass.time(0), -1);
  RECUR_CUDA(kernels::start_state(g.element, {g.N, g.R, f.before.h, first, m.lengths, m.reset, m.time}, f.stream));
  f.before.h = first;
}

// The steps of one chunk, which the pass takes from its begin-th on.
void sweep(ForwardPass& f, const Sequence& s, int64_t begin, int64_t count, ForkedCall& lanes) {
  const Pass& pass = f.pass;
  const Geometry& g = pass.g;
  const int64_t I = g.inputs(pass.layer);
  const LayerKind kind = kind_of(pass.layer);
  float* const a = f.place<float>(f.at_work.a);
  const int64_t first = pass.direction == 0 ? begin : g.T - begin - count;  // in time
  const Gemm& product =
      count == pass.plan.layout.chunk ? pass.plan.products.input[kind] : pass.plan.products.input_tail[kind];
  product.run(f.stream, 1, at(s.input, static_cast<size_t>(first * g.N * I) * g.element),
              pass.parameter(f.parameters, RECUR_PARAMETER_W_IH), 0, a, a, f.place(f.at_work.products), f.floats.b_ih);
  if (pass.plan.resident()) {
    resident_sweep(f, s, at<float>(a, static_cast<size_t>((pass.time(begin) - first) * g.N * g.G * g.H) * sizeof(float)),
                   begin, count);
    lanes.step_done();
    return;
  }
  for (int64_t step = begin; step < begin + count; ++step) {
    const int64_t t = pass.time(step), next = step + 1 < g.T ? pass.time(step + 1) : -1;
    SweepForward k = {};
    k.a = a + (t - first) * g.N * g.G * g.H;
    k.c_previous = f.c_previous;
    if (g.state) k.c = f.reserve != nullptr ? static_cast<float*>(pass.kept_c(f.reserve, t)) : f.own<float>(f.at_work.c);
    k.h = pass.output(s.output, t);
    k.h_pitch = pass.output_pitch();
    k.h_next = g.masked && next >= 0 ? kept_state(f, next) : nullptr;
    k.saved = f.reserve != nullptr && g.S > 0 ? pass.saved(f.reserve, t) : nullptr;
    k.h_last = next < 0 ? pass.h_slice(s.call.hT) : nullptr;
    k.c_last = next < 0 ? pass.slice(s.call.cT, g.H) : nullptr;
    k.mask = mask_of(pass, s.call.lengths, s.call.reset, t, next);
    take_step(f, f.before, k);
    f.before = g.masked ? State{next >= 0 ? kept_state(f, next) : nullptr, kInState}
                        : State{pass.output(s.output, t), kInOutput};
    f.c_previous = k.c;
    lanes.step_done();
  }
}

// Of a whole call: where each layer reads and writes.
class ForwardCall {
 public:
  ForwardCall(const recur_layer_plan& plan, const recur_layer_forward_args& call, ForkedCall& lanes)
      : plan_(plan), g_(plan.geometry), call_(call), lanes_(lanes),
        places_(call.reserve != nullptr ? plan.layout.training : plan.layout.inference) {}

  void run() {
    if (g_.own_x)
      copy_to_time_first(plan_, g_.I, call_.x, at(call_.workspace, places_.x), call_.lengths, call_.stream);
    lanes_.fork();
    for (int64_t index = 0; index < g_.passes(); ++index) {
      const int64_t layer = index / g_.D, direction = index % g_.D, lane = places_.lane_of(layer, direction);
      passes_.push_back({Pass(plan_, layer, direction), places_, lane, lanes_.stream(static_cast<int>(lane)),
                         call_.parameters, call_.workspace, call_.reserve, {}, {}, nullptr});
      begin(passes_.back(), call_);
    }
    if (g_.D == 1) run_wavefront();
    else run_layers();
    lanes_.join();
    if (g_.own_y) copy_from_time_first(plan_, g_.D * g_.R, output_of(g_.L - 1), call_.y, call_.stream);
  }

 private:
  // One direction: layer l takes its chunk k once layer l-1 has, so that layers work side by side, each diagonal of
  // (l,k) after the one before. Upper layers first, because a layer's event speaks of its latest chunk.
  void run_wavefront() {
    const int64_t chunk = plan_.layout.chunk, chunks = (g_.T + chunk - 1) / chunk;
    for (int64_t diagonal = 0; diagonal < g_.L + chunks - 1; ++diagonal) {
      for (int64_t l = std::min(g_.L - 1, diagonal); l >= 0 && diagonal - l < chunks; --l) {
        ForwardPass& f = passes_[static_cast<size_t>(l)];
        const int64_t begin = (diagonal - l) * chunk, count = std::min(chunk, g_.T - begin);
        const int lane = static_cast<int>(f.lane);
        if (l > 0) lanes_.wait(lane, static_cast<int>(l - 1));
        // In inference layer l writes where l-2 has written, which may still read its last step there.
        if (l > 1 && call_.reserve == nullptr) lanes_.wait(lane, static_cast<int>(l - 2));
        sweep(f, {call_, input_of(l), output_of(l)}, begin, count, lanes_);
        drop(l, begin, count, f.stream);
        lanes_.record(static_cast<int>(l), lane);
      }
    }
  }

  // Two directions, each from its own end: side by side within a layer, which the next one needs whole.
  void run_layers() {
    const int64_t chunk = plan_.layout.chunk;
    for (int64_t l = 0; l < g_.L; ++l) {
      if (l > 0) lanes_.fork();
      for (int64_t direction = 0; direction < 2; ++direction) {
        ForwardPass& f = passes_[static_cast<size_t>(l * 2 + direction)];
        for (int64_t begin = 0; begin < g_.T; begin += chunk)
          sweep(f, {call_, input_of(l), output_of(l)}, begin, std::min(chunk, g_.T - begin), lanes_);
      }
      lanes_.join();
      drop(l, 0, g_.T, call_.stream);
    }
  }

  bool drops(int64_t layer) const { return g_.dropout && call_.reserve != nullptr && layer + 1 < g_.L; }
  void drop(int64_t layer, int64_t begin, int64_t count, recur_stream stream) {
    if (!drops(layer)) return;
    const size_t offset = static_cast<size_t>(begin * g_.N * g_.D * g_.R) * g_.element;
    const void* const from = at(output_of(layer), offset);
    void* const to = at(reserve_output(plan_, call_.reserve, layer, true), offset);
    RECUR_CUDA(kernels::dropout(g_.type, dropout_between(plan_, call_, layer, begin, begin + count, from, to), stream));
  }

  void* output_of(int64_t layer) const {
    if (layer + 1 == g_.L && !g_.own_y) return call_.y;
    if (call_.reserve != nullptr) return reserve_output(plan_, call_.reserve, layer);
    return at(call_.workspace, places_.out[layer % 2]);
  }
  const void* input_of(int64_t layer) const {
    if (layer == 0) return g_.own_x ? at(call_.workspace, places_.x) : call_.x;
    return drops(layer - 1) ? reserve_output(plan_, call_.reserve, layer - 1, true) : output_of(layer - 1);
  }

  const recur_layer_plan& plan_;
  const Geometry& g_;
  const recur_layer_forward_args& call_;
  ForkedCall& lanes_;
  const LayerLayout::Forward& places_;
  std::vector<ForwardPass> passes_;
};

}  // namespace

void forward(const recur_layer_plan& plan, const recur_layer_forward_args& args, std::function<void()> cut) {
  recur_layer_forward_args a = args;
  widen_states(plan.geometry, a.reserve != nullptr ? plan.layout.training : plan.layout.inference, a);
  ForkedCall lanes(plan.fork, a.stream, std::move(cut));
  ForwardCall(plan, a, lanes).run();
}

void step(const recur_layer_plan& plan, const recur_layer_step_args& a) {
  const Geometry& g = plan.geometry;
  const LayerLayout::Forward& places = plan.layout.step;
  const void* input = a.x;
  for (int64_t layer = 0; layer < g.L; ++layer) {
    const Pass pass(plan, layer, 0);
    ForwardPass f = {pass, places, 0, a.stream, a.parameters, a.workspace, nullptr, {}, {}, nullptr};
    f.floats = floats_of(f);
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
    take_step(f, {pass.h_slice(a.h), kInState}, k);
  }
}

void cast_parameters(const recur_layer_plan& plan, recur_stream stream, const float* from, void* to) {
  const int64_t count = static_cast<int64_t>(plan.geometry.parameter_elements());
  RECUR_CUDA(kernels::narrow(plan.geometry.type, from, to, count, stream));
}

}  // namespace recur
