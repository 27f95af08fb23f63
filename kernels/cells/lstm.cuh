// The LSTM cell, one hidden unit at a time (docs: recur/layer.h; Hochreiter and Schmidhuber 1997 with the
// forget gate of Gers et al. 2000, in PyTorch's form). Gates in the order i f g o.
#pragma once

namespace recur::cells {

template <class Activation>
struct Lstm {
  static constexpr int kGates = 4;

  // i = s(a_i), f = s(a_f), g = tanh(a_g), o = s(a_o); c = f c' + i g; h = o tanh(c).
  // gate: a on entry, the activated gates on return (what backward needs, beside c).
  static __device__ __forceinline__ void forward(float (&gate)[kGates], float c_previous, float& c, float& h) {
    gate[0] = Activation::gate(gate[0]);
    gate[1] = Activation::gate(gate[1]);
    gate[2] = Activation::squash(gate[2]);
    gate[3] = Activation::gate(gate[3]);
    c = fmaf(gate[1], c_previous, gate[0] * gate[2]);
    h = gate[3] * Activation::squash(c);
  }

  // do = dh tanh(c); dc += dh o (1 - tanh(c)^2); di = dc g, df = dc c', dg = dc i, each times its slope;
  // dc' = dc f. gate: the activated gates on entry, the gradients of a on return.
  static __device__ __forceinline__ void backward(float (&gate)[kGates], float c, float c_previous, float dh, float dc,
                                                  float& dc_previous) {
    const float i = gate[0], f = gate[1], g = gate[2], o = gate[3];
    const float squashed = Activation::squash(c);
    dc = fmaf(dh * o, Activation::squash_slope(squashed), dc);
    gate[0] = dc * g * Activation::gate_slope(i);
    gate[1] = dc * c_previous * Activation::gate_slope(f);
    gate[2] = dc * i * Activation::squash_slope(g);
    gate[3] = dh * squashed * Activation::gate_slope(o);
    dc_previous = dc * f;
  }
};

}  // namespace recur::cells
