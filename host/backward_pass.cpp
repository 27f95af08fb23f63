#include "backward_pass.hpp"

#include "check.hpp"
#include "kernels/sequence/launch.hpp"

namespace recur {

State state_before(const BackwardPass& b, int64_t t, int64_t before) {
  const Pass& pass = b.pass;
  if (pass.g.masked) return {pass.kept_h(b.call.reserve, t), kInState};
  if (before >= 0) return {pass.output(b.output, before), kInOutput};
  return {pass.h_slice(b.call.h0), kInState};
}

void input_gradient(const BackwardPass& b, void* dx, bool accumulate) {
  const Geometry& g = b.pass.g;
  const LayerKind kind = kind_of(b.pass.layer);
  void* const scratch = b.place(b.places().products);
  const void* const w_ih = b.pass.parameter(b.call.parameters, RECUR_PARAMETER_W_IH);
  const int64_t together = g.G - g.A;
  if (together > 0)
    b.products().dx[kind].run(b.stream, 1, b.place(b.places().da), w_ih, accumulate ? 1 : 0, dx, dx, scratch);
  if (g.A > 0) {
    const size_t apart = static_cast<size_t>(together * g.H * g.inputs(b.pass.layer)) * g.element;
    b.products().dx_apart[kind].run(b.stream, 1, b.place(b.places().da_apart), at(w_ih, apart),
                                    accumulate || together > 0 ? 1 : 0, dx, dx, scratch);
  }
}

namespace {

void recurrent_weight_gradient(const BackwardPass& b, bool accumulate) {
  const Pass& pass = b.pass;
  const Geometry& g = pass.g;
  const recur_stream stream = b.stream;
  const WindowProducts& product = b.products();
  void* const scratch = b.place(b.places().sum_products);
  float* const dw = pass.gradient(b.call.dparameters, RECUR_PARAMETER_W_HH);
  const float keep = accumulate ? 1 : 0;
  const int64_t first = b.time(0);
  if (g.masked || b.window.begin > 0) {
    const void* const h = state_before(b, b.window.begin, b.window.begin - 1).h;
    product.dw_hh.run(stream, 1, b.place(b.places().da), h, keep, dw, dw, scratch);
  } else {
    // Each step with the output of the one before it in the pass; the first with h0.
    const void* const h0 = pass.h_slice(b.call.h0);
    const bool forward = pass.direction == 0, later_steps = b.steps() > 1;
    if (later_steps)
      product.dw_hh_later.run(stream, 1, b.of_step(b.places().da, forward ? 1 : 0, g.G * g.H),
                              pass.output(b.output, forward ? 0 : 1), keep, dw, dw, scratch);
    if (h0 != nullptr)
      pass.plan.products.dw_hh_first.run(stream, 1, b.of_step(b.places().da, first, g.G * g.H), h0,
                                         later_steps ? 1 : keep, dw, dw, scratch);
    if (!later_steps && h0 == nullptr && !accumulate)
      RECUR_CUDA(cudaMemsetAsync(dw, 0, static_cast<size_t>(g.G * g.H * g.R) * sizeof(float), stream));
  }
  if (g.before) {
    float* const dw_n = dw + 2 * g.H * g.R;
    product.dw_hh_rh.run(stream, 1, at(b.place(b.places().da), static_cast<size_t>(2 * g.H) * g.element),
                         b.place(b.places().rh), keep, dw_n, dw_n, scratch);
  }
}

void column_sum(const BackwardPass& b, const void* from, recur_type type, int64_t columns, bool accumulate, float* to) {
  RECUR_CUDA(kernels::column_sum(from, to, b.rows(), columns, accumulate, b.place(b.places().sums), b.stream, type));
}

}  // namespace

void weight_gradients(const BackwardPass& b, bool accumulate) {
  const Pass& pass = b.pass;
  const Geometry& g = pass.g;
  const LayerKind kind = kind_of(pass.layer);
  const recur_stream stream = b.stream;
  void* const scratch = b.place(b.places().sum_products);
  void* const da = b.place(b.places().da);
  const int64_t together = (g.G - g.A) * g.H, apart = g.A * g.H;
  const auto gradient = [&](recur_parameter which) { return pass.gradient(b.call.dparameters, which); };
  const float keep = accumulate ? 1 : 0;

  const void* const x = at(b.input, static_cast<size_t>(b.window.begin * g.N * g.inputs(pass.layer)) * g.element);
  float* const dw_ih = gradient(RECUR_PARAMETER_W_IH);
  float* const dw_ih_apart = dw_ih + together * g.inputs(pass.layer);
  if (together > 0) b.products().dw_ih[kind].run(stream, 1, da, x, keep, dw_ih, dw_ih, scratch);
  if (apart > 0)
    b.products().dw_ih_apart[kind].run(stream, 1, b.place(b.places().da_apart), x, keep, dw_ih_apart, dw_ih_apart,
                                       scratch);
  recurrent_weight_gradient(b, accumulate);
  if (g.P > 0) {
    float* const dw_hr = gradient(RECUR_PARAMETER_W_HR);
    b.products().dw_hr.run(stream, 1, b.place(b.places().total), pass.kept_m(b.call.reserve, b.window.begin), keep,
                           dw_hr, dw_hr, scratch);
  }
  // The gates' sums once, then written or added to both biases; gates taken apart have their own for b_ih.
  float* const db = b.place<float>(b.places().db);
  column_sum(b, da, g.type, g.G * g.H, false, db);
  const auto add = [&](const float* from, recur_parameter which, int64_t offset, int64_t count) {
    if (count > 0)
      RECUR_CUDA(kernels::column_sum_pass({from, gradient(which) + offset, 1, count, 1, accumulate}, stream));
  };
  add(db, RECUR_PARAMETER_B_HH, 0, g.G * g.H);
  add(db, RECUR_PARAMETER_B_IH, 0, together);
  if (apart > 0)
    column_sum(b, b.place(b.places().da_apart), g.type, apart, accumulate, gradient(RECUR_PARAMETER_B_IH) + together);
  if (g.K > 0)
    column_sum(b, b.place(b.places().dconstants), RECUR_TYPE_FLOAT32, g.K * g.H, accumulate,
               gradient(RECUR_PARAMETER_PEEPHOLE));
}

}  // namespace recur
