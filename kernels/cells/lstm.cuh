// The LSTM cell, one hidden unit at a time (docs: recur/layer.h; Hochreiter and Schmidhuber 1997 with the
// forget gate of Gers et al. 2000, in PyTorch's form). Gates in the order i f g o.
#pragma once

#include "recur/cell.cuh"

namespace recur::cells {

template <class Activation>
struct Lstm {
  static constexpr int gates = 4, apart = 0, saved = 4, constants = 0;
  static constexpr bool state = true, direct = false, reads_h = false;

  // i = s(a_i), f = s(a_f), g = tanh(a_g), o = s(a_o); c = f c' + i g; h = o tanh(c). Saved: i f g o.
  static __device__ __forceinline__ void forward(const CellInput<Lstm>& in, CellOutput<Lstm>& out) {
    const float i = Activation::gate(in.a[0]), f = Activation::gate(in.a[1]);
    const float g = Activation::squash(in.a[2]), o = Activation::gate(in.a[3]);
    out.c = fmaf(f, in.c_previous, i * g);
    out.h = o * Activation::squash(out.c);
    out.saved[0] = i, out.saved[1] = f, out.saved[2] = g, out.saved[3] = o;
  }

  // do = dh tanh(c); dc += dh o (1 - tanh(c)^2); di = dc g, df = dc c', dg = dc i, each times its slope;
  // dc' = dc f.
  static __device__ __forceinline__ void backward(const CellSaved<Lstm>& in, CellGradient<Lstm>& out) {
    const float i = in.saved[0], f = in.saved[1], g = in.saved[2], o = in.saved[3];
    const float squashed = Activation::squash(in.c);
    const float dc = fmaf(in.dh * o, Activation::squash_slope(squashed), in.dc);
    out.da[0] = dc * g * Activation::gate_slope(i);
    out.da[1] = dc * in.c_previous * Activation::gate_slope(f);
    out.da[2] = dc * i * Activation::squash_slope(g);
    out.da[3] = in.dh * squashed * Activation::gate_slope(o);
    out.dc_previous = dc * f;
  }
};

// With peepholes p_i p_f p_o (Gers and Schmidhuber 2000) and a limit of the cell state, either of which may be
// absent: peepholes of zero, a limit of 0.
struct PeepholeLstm {
  static constexpr int gates = 4, apart = 0, saved = 4, constants = 3;
  static constexpr bool state = true, direct = false, reads_h = false;
  using Activation = device::StandardActivation;

  // i = s(a_i + p_i c'), f = s(a_f + p_f c'), g = tanh(a_g), c = limited(f c' + i g), o = s(a_o + p_o c), h = o tanh(c).
  static __device__ __forceinline__ void forward(const CellInput<PeepholeLstm>& in, CellOutput<PeepholeLstm>& out) {
    const float i = Activation::gate(fmaf(in.constants[0], in.c_previous, in.a[0]));
    const float f = Activation::gate(fmaf(in.constants[1], in.c_previous, in.a[1]));
    const float g = Activation::squash(in.a[2]);
    float c = fmaf(f, in.c_previous, i * g);
    if (in.limit > 0) c = c > in.limit ? in.limit : c < -in.limit ? -in.limit : c;  // keeps NaN
    const float o = Activation::gate(fmaf(in.constants[2], c, in.a[3]));
    out.c = c;
    out.h = o * Activation::squash(c);
    out.saved[0] = i, out.saved[1] = f, out.saved[2] = g, out.saved[3] = o;
  }

  // As the LSTM's; da_o reaches c through p_o, da_i and da_f reach c' through theirs. Where c is at its limit
  // nothing passes to i, f, g and c'.
  static __device__ __forceinline__ void backward(const CellSaved<PeepholeLstm>& in, CellGradient<PeepholeLstm>& out) {
    const float i = in.saved[0], f = in.saved[1], g = in.saved[2], o = in.saved[3];
    const float squashed = Activation::squash(in.c);
    const float da_o = in.dh * squashed * Activation::gate_slope(o);
    float dc = fmaf(in.dh * o, Activation::squash_slope(squashed), in.dc);
    dc = fmaf(da_o, in.constants[2], dc);
    if (in.limit > 0 && fabsf(in.c) >= in.limit) dc = 0;
    const float da_i = dc * g * Activation::gate_slope(i);
    const float da_f = dc * in.c_previous * Activation::gate_slope(f);
    out.da[0] = da_i;
    out.da[1] = da_f;
    out.da[2] = dc * i * Activation::squash_slope(g);
    out.da[3] = da_o;
    out.dc_previous = fmaf(dc, f, fmaf(da_i, in.constants[0], da_f * in.constants[1]));
    out.dconstants[0] = da_i * in.c_previous;
    out.dconstants[1] = da_f * in.c_previous;
    out.dconstants[2] = da_o * in.c;
  }
};

}  // namespace recur::cells
