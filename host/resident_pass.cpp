// The arguments of the resident sweeps, and their launches.
#include "resident_pass.hpp"

#include "check.hpp"
#include "kernels/resident/launch.hpp"
#include "kernels/sequence/launch.hpp"

namespace recur {
namespace {

kernels::BlockMask mask_from(const Pass& pass, const int32_t* lengths, const uint8_t* reset, int64_t time) {
  return {lengths, reset == nullptr ? nullptr : reset + time * pass.g.N, static_cast<int>(time)};
}

int direction_of(const Pass& pass) { return pass.direction == 0 ? 1 : -1; }

}  // namespace

void join_biases(const ForwardPass& f) {
  const Geometry& g = f.pass.g;
  float* const b_ih = f.own<float>(f.at_work.b_ih);
  if (f.floats.b_ih != b_ih) throw Failure(RECUR_INTERNAL_ERROR, "the biases of a resident pass are no copy");
  // A sum over one row, added to what is there.
  RECUR_CUDA(kernels::column_sum_pass({f.floats.b_hh, b_ih, 1, (g.G - g.A) * g.H, 1, true}, f.stream));
}

void resident_sweep(ForwardPass& f, const Sequence& s, const float* a, int64_t begin, int64_t count) {
  const Pass& pass = f.pass;
  const Geometry& g = pass.g;
  const bool training = f.reserve != nullptr;
  const int64_t t = pass.time(begin), last = pass.time(begin + count - 1);
  kernels::BlockForward k = {};
  k.batch = g.N;
  k.hidden = g.H;
  k.steps = static_cast<int>(count);
  k.direction = direction_of(pass);
  k.a = a;
  k.w_hh = pass.parameter(f.parameters, RECUR_PARAMETER_W_HH);
  k.b_hh = f.floats.b_hh;
  k.h_first = f.before.h;
  k.h_first_pitch = pass.pitch(f.before.kind);
  k.c_first = f.c_previous;
  k.y = pass.output(s.output, t);
  k.y_pitch = pass.output_pitch();
  k.y_step = g.N * pass.output_pitch();
  k.saved = training ? pass.saved(f.reserve, t) : nullptr;
  if (g.state) k.c = training ? static_cast<float*>(pass.kept_c(f.reserve, t)) : f.own<float>(f.at_work.c);
  k.c_step = training ? g.N * g.H : 0;
  k.more = begin + count < g.T;
  k.masked = g.masked;
  if (g.masked && (count > 1 || k.more)) k.kept = kept_state(f, t + k.direction);
  k.kept_step = training ? g.N * g.H : 0;
  k.h_last = k.more ? nullptr : pass.h_slice(s.call.hT);
  k.c_last = k.more ? nullptr : pass.slice(s.call.cT, g.H);
  k.mask = mask_from(pass, s.call.lengths, s.call.reset, t);
  RECUR_CUDA(pass.plan.block.forward(k, f.stream));
  f.before = g.masked ? State{k.more ? kept_state(f, last + k.direction) : nullptr, kInState}
                      : State{pass.output(s.output, last), kInOutput};
  if (g.state) f.c_previous = training ? static_cast<float*>(pass.kept_c(f.reserve, last)) : k.c;
}

void resident_sweep(const BackwardPass& b) {
  const Pass& pass = b.pass;
  const Geometry& g = pass.g;
  const bool last_window = b.window.end == g.T, first_window = b.window.begin == 0;
  const int64_t steps = b.steps(), t = b.time(steps - 1), first = b.time(0);
  // The step before the window's first, of the pass; -1: there is none.
  const int64_t before = first_window ? -1 : first - 1;
  const State h_first = state_before(b, first, before);
  kernels::BlockBackward k = {};
  k.batch = g.N;
  k.hidden = g.H;
  k.steps = static_cast<int>(steps);
  k.direction = direction_of(pass);
  k.w_hh = pass.parameter(b.call.parameters, RECUR_PARAMETER_W_HH);
  k.saved = pass.saved(b.call.reserve, t);
  if (g.state) {
    k.c = static_cast<const float*>(pass.kept_c(b.call.reserve, t));
    k.c_first = before >= 0 ? static_cast<const float*>(pass.kept_c(b.call.reserve, before)) : pass.slice(b.call.c0, g.H);
  }
  if (steps > 1) {
    const State h_before = state_before(b, t, b.time(steps - 2));
    k.h_before = h_before.h;
    k.h_pitch = pass.pitch(h_before.kind);
    k.h_step = g.N * k.h_pitch;
  }
  k.h_first = h_first.h;
  k.h_first_pitch = pass.pitch(h_first.kind);
  // A window's dy begins at step dy_begin in time, which is later than its first in one direction alone.
  k.dy = b.dy == nullptr ? nullptr : pass.output(b.dy, t - b.window.begin);
  k.dy_pitch = pass.output_pitch();
  k.dy_step = g.N * pass.output_pitch();
  k.dy_steps = static_cast<int>(b.window.end - std::max(b.window.begin, b.dy_begin));
  k.dh_last = last_window ? pass.slice(b.call.dhT, g.R) : nullptr;
  k.dc_last = last_window && g.state ? pass.slice(b.call.dcT, g.H) : nullptr;
  k.dh_first = first_window ? pass.slice(b.call.dh0, g.R) : nullptr;
  k.dc_first = first_window && g.state ? pass.slice(b.call.dc0, g.H) : nullptr;
  k.da = b.of_step(b.places().da, t, g.G * g.H);
  k.da_apart = b.of_step(b.places().da_apart, t, g.A * g.H);
  k.mask = mask_from(pass, b.call.lengths, b.call.reset, t);
  RECUR_CUDA(pass.plan.block.backward(k, b.stream));
}

}  // namespace recur
