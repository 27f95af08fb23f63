#include "schedule.hpp"

#include <algorithm>

#include "check.hpp"
#include "kernels/sequence/launch.hpp"
#include "kernels/streamed/launch.hpp"

namespace recur {
namespace {

struct Parameters {
  const float *w_ih, *w_hh, *b_ih, *b_hh;
  Parameters(const recur_layer_plan& plan, const float* base)
      : w_ih(base + plan.layout.sizes.w_ih_offset), w_hh(base + plan.layout.sizes.w_hh_offset),
        b_ih(base + plan.layout.sizes.b_ih_offset), b_hh(base + plan.layout.sizes.b_hh_offset) {}

  // Both biases touch and have 16H bytes each: one copy where the caller's buffer is aligned to less.
  void align_biases(float* aligned, int64_t hidden, recur_stream stream) {
    b_ih = aligned_bias(b_ih, 8 * hidden, aligned, stream);
    b_hh = b_ih + 4 * hidden;
  }
};

template <class T = float>
T* at(void* base, size_t bytes) {
  return reinterpret_cast<T*>(static_cast<char*>(base) + bytes);
}
const float* at(const void* base, size_t bytes) {
  return reinterpret_cast<const float*>(static_cast<const char*>(base) + bytes);
}

// One step behind its input product: gates += h' W_hh^T + b_hh, then the cell.
void cell_step(const recur_layer_plan& plan, const Parameters& p, const float* h_previous,
               kernels::StreamedForward& k, void* products, recur_stream stream) {
  if (h_previous != nullptr)
    plan.products.recurrent.run(stream, 1, h_previous, p.w_hh, 1, k.gates, k.gates, products, p.b_hh);
  else
    k.bias = p.b_hh;
  k.batch = plan.descriptor.batch;
  k.hidden = plan.descriptor.hidden_size;
  k.activation = plan.descriptor.activation;
  RECUR_CUDA(kernels::streamed_forward(k, stream));
}

}  // namespace

void forward(const recur_layer_plan& plan, const recur_layer_forward_args& a) {
  const recur_layer_descriptor& d = plan.descriptor;
  const LayerLayout& l = plan.layout;
  const bool training = a.reserve != nullptr;
  Parameters p(plan, a.parameters);
  p.align_biases(at(a.workspace, training ? l.training.biases : l.inference.biases), d.hidden_size, a.stream);
  const int64_t state = d.batch * d.hidden_size, step_gates = 4 * state, step_x = d.batch * d.input_size;
  void* products = at<void>(a.workspace, training ? l.training.products : l.inference.products);
  const int64_t chunk = training ? d.steps : l.inference.chunk;
  float* gates = training ? at(a.reserve, l.reserve.gates) : at(a.workspace, l.inference.gates);
  float* c = training ? at(a.reserve, l.reserve.c) : at(a.workspace, l.inference.c);

  const float* h_previous = a.h0;
  const float* c_previous = a.c0;
  for (int64_t begin = 0; begin < d.steps; begin += chunk) {
    const int64_t count = std::min(chunk, d.steps - begin);
    const Gemm& input = training          ? plan.products.input
                        : count == chunk ? plan.products.input_chunk
                                         : plan.products.input_tail;
    input.run(a.stream, 1, a.x + begin * step_x, p.w_ih, 0, gates, gates, products, p.b_ih);
    for (int64_t t = begin; t < begin + count; ++t) {
      const bool last = t + 1 == d.steps;
      kernels::StreamedForward k = {};
      k.gates = gates + (t - begin) * step_gates;
      k.c_previous = c_previous;
      k.c = training ? c + t * state : c;
      k.h = a.y + t * state;
      k.h_copy = last ? a.hT : nullptr;
      k.c_copy = last ? a.cT : nullptr;
      k.save_gates = training;
      cell_step(plan, p, h_previous, k, products, a.stream);
      h_previous = k.h;
      c_previous = k.c;
    }
  }
}

void step(const recur_layer_plan& plan, const recur_layer_step_args& a) {
  const LayerLayout& l = plan.layout;
  Parameters p(plan, a.parameters);
  p.align_biases(at(a.workspace, l.step.biases), plan.descriptor.hidden_size, a.stream);
  void* products = at<void>(a.workspace, l.step.products);
  kernels::StreamedForward k = {};
  k.gates = at(a.workspace, l.step.gates);
  k.c_previous = a.c;
  k.c = a.c_next;
  k.h = a.h_next;
  plan.products.input_step.run(a.stream, 1, a.x, p.w_ih, 0, k.gates, k.gates, products, p.b_ih);
  cell_step(plan, p, a.h, k, products, a.stream);
}

void backward(const recur_layer_plan& plan, const recur_layer_backward_args& a) {
  const recur_layer_descriptor& d = plan.descriptor;
  const LayerLayout& l = plan.layout;
  const LayerProducts& product = plan.products;
  const Parameters p(plan, a.parameters);
  const int64_t state = d.batch * d.hidden_size, step_gates = 4 * state;
  void* products = at<void>(a.workspace, l.backward.products);
  const float* gates = at(a.reserve, l.reserve.gates);
  const float* c = at(a.reserve, l.reserve.c);
  float* dgates = at(a.workspace, l.backward.dgates);
  float* const dh_between = at(a.workspace, l.backward.dh);
  float* const dc_between = at(a.workspace, l.backward.dc);

  // Back through time: dgates of each step, and from them what flows to the step before.
  const float* dh = a.dhT;
  const float* dc = a.dcT;
  for (int64_t t = d.steps - 1; t >= 0; --t) {
    kernels::StreamedBackward k = {};
    k.batch = d.batch;
    k.hidden = d.hidden_size;
    k.gates = gates + t * step_gates;
    k.c = c + t * state;
    k.c_previous = t > 0 ? c + (t - 1) * state : a.c0;
    k.dy = a.dy != nullptr ? a.dy + t * state : nullptr;
    k.dh = dh;
    k.dc = dc;
    k.dc_previous = t > 0 ? dc_between : a.dc0;
    k.dgates = dgates + t * step_gates;
    k.activation = d.activation;
    RECUR_CUDA(kernels::streamed_backward(k, a.stream));
    float* dh_previous = t > 0 ? dh_between : a.dh0;
    if (dh_previous != nullptr)
      product.dh.run(a.stream, 1, k.dgates, p.w_hh, 0, dh_previous, dh_previous, products);
    dh = dh_previous;
    dc = k.dc_previous;
  }

  // Everything that sums over time is one product over all steps.
  if (a.dx != nullptr) product.dx.run(a.stream, 1, dgates, p.w_ih, 0, a.dx, a.dx, products);
  if (a.dparameters == nullptr) return;
  const float keep = a.accumulate ? 1 : 0;
  const recur_layer_sizes& s = l.sizes;
  float* dw_ih = a.dparameters + s.w_ih_offset;
  float* dw_hh = a.dparameters + s.w_hh_offset;
  product.dw_ih.run(a.stream, 1, dgates, a.x, keep, dw_ih, dw_ih, products);
  const bool later_steps = d.steps > 1, first_step = a.h0 != nullptr;
  if (later_steps) product.dw_hh.run(a.stream, 1, dgates + step_gates, a.y, keep, dw_hh, dw_hh, products);
  if (first_step)
    product.dw_hh_first.run(a.stream, 1, dgates, a.h0, later_steps ? 1 : keep, dw_hh, dw_hh, products);
  if (!later_steps && !first_step && !a.accumulate)
    RECUR_CUDA(cudaMemsetAsync(dw_hh, 0, static_cast<size_t>(4 * d.hidden_size * d.hidden_size) * sizeof(float), a.stream));
  // Both biases have one gradient: summed over all rows once, then written or added twice.
  float* db = at(a.workspace, l.backward.db);
  RECUR_CUDA(kernels::column_sum(dgates, db, d.steps * d.batch, 4 * d.hidden_size, false,
                                 at<void>(a.workspace, l.backward.sums), a.stream));
  for (size_t bias : {s.b_ih_offset, s.b_hh_offset})
    RECUR_CUDA(kernels::column_sum_pass({db, a.dparameters + bias, 1, 4 * d.hidden_size, 1, a.accumulate != 0}, a.stream));
}

}  // namespace recur
