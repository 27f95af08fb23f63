#include "tests/reference/onednn_primitives.hpp"

namespace reference {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

constexpr auto training = dnnl::prop_kind::forward_training;
constexpr auto backward = dnnl::prop_kind::backward;

memory::desc describe(const memory::dims& dims, Tag tag) { return {dims, memory::data_type::f32, tag}; }

template <class Forward, class Backward>
OnednnPrimitives build(const typename Forward::desc& forward, const typename Backward::desc& back,
                       const dnnl::engine& engine) {
  const typename Forward::primitive_desc forward_pd(forward, engine);
  const typename Backward::primitive_desc backward_pd(back, engine, forward_pd);
  return {Forward(forward_pd), Backward(backward_pd), forward_pd.workspace_desc()};
}

// The two GRUs take the same descriptors.
template <class Forward, class Backward>
OnednnPrimitives build_gru(const OnednnDescs& d, dnnl::rnn_direction direction, const dnnl::engine& engine) {
  return build<Forward, Backward>({training, direction, d.x, d.h, d.w_ih, d.w_hh, d.bias, d.y, d.h},
                                  {backward, direction, d.x, d.h, d.w_ih_back, d.w_hh_back, d.bias, d.y, d.h,
                                   d.x, d.h, d.w_ih, d.w_hh, d.bias, d.y, d.h},
                                  engine);
}

}  // namespace

int64_t onednn_bias_gates(const NetworkShape& shape) { return shape.cell == Cell::gru ? 4 : shape.gates(); }

OnednnDescs onednn_descs(const NetworkShape& shape, int64_t first_layer, int64_t layers) {
  const int64_t T = shape.steps, N = shape.batch, H = shape.hidden, R = shape.state_size();
  const int64_t D = shape.directions, G = shape.gates(), in = shape.layer_inputs(first_layer);
  OnednnDescs d;
  d.x = describe({T, N, in}, Tag::tnc);
  d.y = describe({T, N, D * R}, Tag::tnc);
  d.h = describe({layers, D, N, R}, Tag::ldnc);
  if (shape.has_cells()) d.c = describe({layers, D, N, H}, Tag::ldnc);
  d.bias = describe({layers, D, onednn_bias_gates(shape), H}, Tag::ldgo);
  d.w_ih = describe({layers, D, in, G, H}, Tag::ldigo);
  d.w_hh = describe({layers, D, R, G, H}, Tag::ldigo);
  d.w_ih_back = describe({layers, D, in, G, H}, Tag::ldgoi);
  d.w_hh_back = describe({layers, D, R, G, H}, Tag::ldgoi);
  if (shape.peepholes) d.peephole = describe({layers, D, 3, H}, Tag::ldgo);
  if (shape.projection > 0) {
    d.w_hr = describe({layers, D, H, R}, Tag::ldio);
    d.w_hr_back = describe({layers, D, H, R}, Tag::ldoi);
  }
  return d;
}

OnednnPrimitives onednn_primitives(const NetworkShape& shape, const OnednnDescs& d,
                                   const dnnl::engine& engine) {
  const auto direction = shape.directions == 1 ? dnnl::rnn_direction::unidirectional_left2right
                                               : dnnl::rnn_direction::bidirectional_concat;
  if (shape.has_cells()) {
    using Forward = dnnl::lstm_forward;
    using Backward = dnnl::lstm_backward;
    return build<Forward, Backward>(
        {training, direction, d.x, d.h, d.c, d.w_ih, d.w_hh, d.peephole, d.w_hr, d.bias, d.y, d.h, d.c},
        {backward,    direction, d.x,        d.h,    d.c,    d.w_ih_back, d.w_hh_back, d.peephole,
         d.w_hr_back, d.bias,    d.y,        d.h,    d.c,    d.x,         d.h,         d.c,
         d.w_ih,      d.w_hh,    d.peephole, d.w_hr, d.bias, d.y,         d.h,         d.c},
        engine);
  }
  if (shape.cell == Cell::gru) {
    return build_gru<dnnl::lbr_gru_forward, dnnl::lbr_gru_backward>(d, direction, engine);
  }
  if (shape.cell == Cell::gru_reset_before) {
    return build_gru<dnnl::gru_forward, dnnl::gru_backward>(d, direction, engine);
  }
  // The identity is a leaky ReLU that leaks all.
  const bool tanh = shape.cell == Cell::rnn_tanh;
  const auto activation = tanh ? dnnl::algorithm::eltwise_tanh : dnnl::algorithm::eltwise_relu;
  const float slope = shape.cell == Cell::rnn_identity ? 1 : 0;
  constexpr auto no_flags = dnnl::rnn_flags::undef;
  return build<dnnl::vanilla_rnn_forward, dnnl::vanilla_rnn_backward>(
      {training, activation, direction, d.x, d.h, d.w_ih, d.w_hh, d.bias, d.y, d.h, no_flags, slope},
      {backward, activation, direction, d.x, d.h, d.w_ih_back, d.w_hh_back, d.bias, d.y, d.h, d.x, d.h,
       d.w_ih, d.w_hh, d.bias, d.y, d.h, no_flags, slope},
      engine);
}

}  // namespace reference
