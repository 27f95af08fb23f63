// The GRU cell, one hidden unit at a time (docs: recur/layer.h; Cho et al. 2014). Gates in the order r z n.
#pragma once

#include "recur/cell.cuh"

namespace recur::cells {

// Reset after the product, as cuDNN and PyTorch have it. The candidate's recurrent part u comes apart, because r
// multiplies it alone.
struct Gru {
  static constexpr int gates = 3, apart = 1, saved = 4, constants = 0;
  static constexpr bool state = false, direct = true, reads_h = false;
  using Activation = device::StandardActivation;

  // r = s(a_r), z = s(a_z), n = tanh(a_n + r u); h = (1-z) n + z h' = n + z (h' - n). Saved: r z n u.
  static __device__ __forceinline__ void forward(const CellInput<Gru>& in, CellOutput<Gru>& out) {
    const float r = Activation::gate(in.a[0]), z = Activation::gate(in.a[1]);
    const float n = Activation::squash(fmaf(r, in.u[0], in.a[2]));
    out.h = fmaf(z, in.h_previous - n, n);
    out.saved[0] = r, out.saved[1] = z, out.saved[2] = n, out.saved[3] = in.u[0];
  }

  // dn = dh (1-z), dz = dh (h' - n), da_n = dn (1 - n^2), du = da_n r, dr = da_n u; h' directly: dh z.
  static __device__ __forceinline__ void backward(const CellSaved<Gru>& in, CellGradient<Gru>& out) {
    const float r = in.saved[0], z = in.saved[1], n = in.saved[2], u = in.saved[3];
    const float da_n = in.dh * (1.0f - z) * Activation::squash_slope(n);
    out.da[0] = da_n * u * Activation::gate_slope(r);
    out.da[1] = in.dh * (in.h_previous - n) * Activation::gate_slope(z);
    out.da[2] = da_n * r;
    out.da_apart[0] = da_n;
    out.dh_direct = in.dh * z;
  }
};

// Reset before the product, as in the paper and in ONNX by default: the candidate's pre-activation holds U_n (r h').
// The sweep makes r h' and that product between the two (kernels/streamed/reset_before.cu); r's gradient, which
// comes back through the product, is left to it too.
struct GruResetBefore {
  static constexpr int gates = 3, apart = 0, saved = 3, constants = 0;
  static constexpr bool state = false, direct = true, reads_h = false;
  using Activation = device::StandardActivation;

  // r = s(a_r), z = s(a_z), n = tanh(a_n); h = n + z (h' - n). Saved: r z n.
  static __device__ __forceinline__ void forward(const CellInput<GruResetBefore>& in, CellOutput<GruResetBefore>& out) {
    const float z = Activation::gate(in.a[1]), n = Activation::squash(in.a[2]);
    out.h = fmaf(z, in.h_previous - n, n);
    out.saved[0] = Activation::gate(in.a[0]), out.saved[1] = z, out.saved[2] = n;
  }

  static __device__ __forceinline__ void backward(const CellSaved<GruResetBefore>& in,
                                                  CellGradient<GruResetBefore>& out) {
    const float z = in.saved[1], n = in.saved[2];
    out.da[0] = 0;
    out.da[1] = in.dh * (in.h_previous - n) * Activation::gate_slope(z);
    out.da[2] = in.dh * (1.0f - z) * Activation::squash_slope(n);
    out.dh_direct = in.dh * z;
  }
};

}  // namespace recur::cells
