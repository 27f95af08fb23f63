// oneDNN's gates i f c o are our i f g o. It has one bias, the sum of our two, and wants weights as
// ldigo = [I,4,H] forward and ldgoi = [4,H,I] backward; the latter is how ours lie. It adds to weight
// gradients, so they begin as zeros.
#include "tests/reference/onednn_lstm.hpp"

#include <algorithm>
#include <dnnl.hpp>

namespace reference {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

memory::desc describe(const memory::dims& dims, Tag tag) { return {dims, memory::data_type::f32, tag}; }

// A tensor of zeros, or of values; none at all where the values are to be zero.
class Tensor {
 public:
  Tensor(const dnnl::engine& engine, const memory::desc& desc, const Vector& values = {})
      : memory_(desc, engine), size_(desc.get_size() / sizeof(float)) {
    float* data = static_cast<float*>(memory_.get_data_handle());
    std::fill(data, data + size_, 0.0f);
    std::copy(values.begin(), values.end(), data);
  }
  operator memory() const { return memory_; }
  Vector values() const {
    const float* data = static_cast<const float*>(memory_.get_data_handle());
    return Vector(data, data + size_);
  }

 private:
  memory memory_;
  size_t size_;
};

Vector transposed(const Vector& matrix, int64_t rows, int64_t columns) {
  Vector out(matrix.size());
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) out[c * rows + r] = matrix[r * columns + c];
  }
  return out;
}

}  // namespace

OnednnLstm onednn_lstm(const LstmShape& shape, const LstmParameters& parameters, const LstmInputs& inputs,
                       const LstmOutputGradients& outputs) {
  const auto [T, N, I, H] = shape;
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);

  const memory::desc x_desc = describe({T, N, I}, Tag::tnc);
  const memory::desc y_desc = describe({T, N, H}, Tag::tnc);
  const memory::desc state_desc = describe({1, 1, N, H}, Tag::ldnc);
  const memory::desc bias_desc = describe({1, 1, 4, H}, Tag::ldgo);
  const memory::dims w_ih_dims = {1, 1, I, 4, H};
  const memory::dims w_hh_dims = {1, 1, H, 4, H};
  const auto direction = dnnl::rnn_direction::unidirectional_left2right;

  Vector bias(4 * H);
  for (int64_t row = 0; row < 4 * H; ++row) bias[row] = parameters.b_ih[row] + parameters.b_hh[row];

  const dnnl::lstm_forward::primitive_desc forward_pd(
      dnnl::lstm_forward::desc(dnnl::prop_kind::forward_training, direction, x_desc, state_desc, state_desc,
                               describe(w_ih_dims, Tag::ldigo), describe(w_hh_dims, Tag::ldigo), bias_desc,
                               y_desc, state_desc, state_desc),
      engine);
  const Tensor x(engine, x_desc, inputs.x), h0(engine, state_desc, inputs.h0),
      c0(engine, state_desc, inputs.c0);
  const Tensor b(engine, bias_desc, bias);
  const Tensor y(engine, y_desc), hT(engine, state_desc), cT(engine, state_desc);
  const memory workspace(forward_pd.workspace_desc(), engine);
  dnnl::lstm_forward(forward_pd)
      .execute(stream, {{DNNL_ARG_SRC_LAYER, x},
                        {DNNL_ARG_SRC_ITER, h0},
                        {DNNL_ARG_SRC_ITER_C, c0},
                        {DNNL_ARG_WEIGHTS_LAYER, Tensor(engine, describe(w_ih_dims, Tag::ldigo),
                                                        transposed(parameters.w_ih, 4 * H, I))},
                        {DNNL_ARG_WEIGHTS_ITER, Tensor(engine, describe(w_hh_dims, Tag::ldigo),
                                                       transposed(parameters.w_hh, 4 * H, H))},
                        {DNNL_ARG_BIAS, b},
                        {DNNL_ARG_DST_LAYER, y},
                        {DNNL_ARG_DST_ITER, hT},
                        {DNNL_ARG_DST_ITER_C, cT},
                        {DNNL_ARG_WORKSPACE, workspace}});
  stream.wait();

  const memory::desc dw_ih_desc = describe(w_ih_dims, Tag::ldigo);
  const memory::desc dw_hh_desc = describe(w_hh_dims, Tag::ldigo);
  const dnnl::lstm_backward::primitive_desc backward_pd(
      dnnl::lstm_backward::desc(dnnl::prop_kind::backward, direction, x_desc, state_desc, state_desc,
                                describe(w_ih_dims, Tag::ldgoi), describe(w_hh_dims, Tag::ldgoi), bias_desc,
                                y_desc, state_desc, state_desc, x_desc, state_desc, state_desc, dw_ih_desc,
                                dw_hh_desc, bias_desc, y_desc, state_desc, state_desc),
      engine, forward_pd);
  const Tensor dx(engine, x_desc), dh0(engine, state_desc), dc0(engine, state_desc);
  const Tensor dw_ih(engine, dw_ih_desc), dw_hh(engine, dw_hh_desc), db(engine, bias_desc);
  dnnl::lstm_backward(backward_pd)
      .execute(stream,
               {{DNNL_ARG_SRC_LAYER, x},
                {DNNL_ARG_SRC_ITER, h0},
                {DNNL_ARG_SRC_ITER_C, c0},
                {DNNL_ARG_WEIGHTS_LAYER, Tensor(engine, describe(w_ih_dims, Tag::ldgoi), parameters.w_ih)},
                {DNNL_ARG_WEIGHTS_ITER, Tensor(engine, describe(w_hh_dims, Tag::ldgoi), parameters.w_hh)},
                {DNNL_ARG_BIAS, b},
                {DNNL_ARG_DST_LAYER, y},
                {DNNL_ARG_DST_ITER, hT},
                {DNNL_ARG_DST_ITER_C, cT},
                {DNNL_ARG_WORKSPACE, workspace},
                {DNNL_ARG_DIFF_SRC_LAYER, dx},
                {DNNL_ARG_DIFF_SRC_ITER, dh0},
                {DNNL_ARG_DIFF_SRC_ITER_C, dc0},
                {DNNL_ARG_DIFF_WEIGHTS_LAYER, dw_ih},
                {DNNL_ARG_DIFF_WEIGHTS_ITER, dw_hh},
                {DNNL_ARG_DIFF_BIAS, db},
                {DNNL_ARG_DIFF_DST_LAYER, Tensor(engine, y_desc, outputs.dy)},
                {DNNL_ARG_DIFF_DST_ITER, Tensor(engine, state_desc, outputs.dhT)},
                {DNNL_ARG_DIFF_DST_ITER_C, Tensor(engine, state_desc, outputs.dcT)}});
  stream.wait();

  OnednnLstm out;
  out.forward.y = y.values();
  out.forward.hT = hT.values();
  out.forward.cT = cT.values();
  out.gradients = {dx.values(),
                   dh0.values(),
                   dc0.values(),
                   transposed(dw_ih.values(), I, 4 * H),
                   transposed(dw_hh.values(), H, 4 * H),
                   db.values(),
                   db.values()};
  return out;
}

}  // namespace reference
