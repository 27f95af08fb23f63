// The vanilla recurrent cell h = act(W x + b_ih + U h' + b_hh), one hidden unit at a time (docs: recur/layer.h;
// Elman 1990). Nothing is saved: each slope is a function of h.
#pragma once

#include "recur/cell.cuh"

namespace recur::cells {

struct Tanh {
  static __device__ __forceinline__ float value(float a) { return tanhf(a); }
  static __device__ __forceinline__ float slope(float h) { return 1.0f - h * h; }
};
struct Relu {
  static __device__ __forceinline__ float value(float a) { return a < 0 ? 0.0f : a; }  // keeps NaN
  static __device__ __forceinline__ float slope(float h) { return h > 0 ? 1.0f : 0.0f; }
};
struct Identity {
  static __device__ __forceinline__ float value(float a) { return a; }
  static __device__ __forceinline__ float slope(float) { return 1.0f; }
};

template <class Activation>
struct Vanilla {
  static constexpr int gates = 1, apart = 0, saved = 0, constants = 0;
  static constexpr bool state = false, direct = false, reads_h = true;

  static __device__ __forceinline__ void forward(const CellInput<Vanilla>& in, CellOutput<Vanilla>& out) {
    out.h = Activation::value(in.a[0]);
  }
  static __device__ __forceinline__ void backward(const CellSaved<Vanilla>& in, CellGradient<Vanilla>& out) {
    out.da[0] = in.dh * Activation::slope(in.h);
  }
};

}  // namespace recur::cells
