// The backward sweep of one pass over one window of steps, and the products that follow it.
#pragma once

#include "pass.hpp"

namespace recur {

// What one pass over one window reads and writes.
struct BackwardPass {
  Pass pass;
  const Window& window;
  const recur_layer_backward_args& call;
  const void* input;   // typed [T,N,I_l]
  const void* output;  // typed [T,N,D*R]: of the layer, before dropout
  const void* dy;      // typed [.,N,D*R] or null: zeros; from step dy_begin on
  int64_t dy_begin;
  const float* constants;
  int64_t lane;          // whose places it takes
  recur_stream stream;   // of the sweep, or of the sums after it

  template <class T = void>
  T* place(size_t offset) const {
    return at<T>(call.workspace, offset + static_cast<size_t>(lane) * places().lane_stride);
  }
  const LayerLayout::Backward& places() const { return pass.plan.layout.backward; }
  const WindowProducts& products() const { return pass.plan.products.windows.at(steps()); }
  int64_t steps() const { return window.end - window.begin; }
  int64_t rows() const { return steps() * pass.g.N; }
  // The k-th step that the pass took forward within the window.
  int64_t time(int64_t k) const { return pass.direction == 0 ? window.begin + k : pass.time(k); }
  void* of_step(size_t offset, int64_t t, int64_t columns) const {  // in a typed [window,N,columns] place
    return at(place(offset), static_cast<size_t>((t - window.begin) * pass.g.N * columns) * pass.g.element);
  }
};

// h' of step t, which comes after step `before` (-1: none).
State state_before(const BackwardPass& b, int64_t t, int64_t before);

// dx (+)= da W_ih over the window's rows; dx typed [window,N,I_l].
void input_gradient(const BackwardPass& b, void* dx, bool accumulate);

// The sums over the window's rows: every parameter's gradient.
void weight_gradients(const BackwardPass& b, bool accumulate);

}  // namespace recur
