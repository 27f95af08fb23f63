// The forward sweep of one pass: what it reads and writes, and how far it has come.
#pragma once

#include "pass.hpp"

namespace recur {

// The biases and constants of a pass.
struct PassFloats {
  const float *b_ih, *b_hh, *constants;
};

// What one pass reads and writes, whatever the call.
struct ForwardPass {
  Pass pass;
  const LayerLayout::Forward& at_work;  // places in the workspace
  int64_t lane;                         // whose places it takes
  recur_stream stream;
  const void* parameters;
  void* workspace;
  void* reserve;  // null: nothing is saved
  PassFloats floats;
  // How far it has come.
  State before;
  const float* c_previous;

  template <class T = void>
  T* own(size_t offset) const {
    return at<T>(workspace, offset + static_cast<size_t>(pass.index) * at_work.pass_stride);
  }
  template <class T = void>
  T* place(size_t offset) const {
    return at<T>(workspace, offset + static_cast<size_t>(lane) * at_work.lane_stride);
  }
};

struct Sequence {
  const recur_layer_forward_args& call;
  const void* input;  // typed [T,N,I_l]
  void* output;       // typed [T,N,D*R]
};

// A state beside y: of every step in training, else the latest.
inline void* kept_state(const ForwardPass& f, int64_t t) {
  return f.reserve != nullptr ? f.pass.kept_h(f.reserve, t) : f.own(f.at_work.h);
}

}  // namespace recur
