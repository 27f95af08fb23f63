// A pass is one direction of one layer: its parameters, its states, and the order in which it takes the steps.
#pragma once

#include <cstdint>

#include "kernels/streamed/launch.hpp"
#include "plan.hpp"

namespace recur {

template <class T = void>
T* at(void* base, size_t bytes) {
  return base == nullptr ? nullptr : reinterpret_cast<T*>(static_cast<char*>(base) + bytes);
}
template <class T = void>
const T* at(const void* base, size_t bytes) {
  return base == nullptr ? nullptr : reinterpret_cast<const T*>(static_cast<const char*>(base) + bytes);
}

// The state before a step: null is zeros.
struct State {
  const void* h;
  StateKind kind;
};

struct Pass {
  Pass(const recur_layer_plan& plan, int64_t layer, int64_t direction)
      : plan(plan), g(plan.geometry), layer(layer), direction(direction), index(layer * plan.geometry.D + direction) {}

  const recur_layer_plan& plan;
  const Geometry& g;
  const int64_t layer, direction, index;

  // The k-th step that the pass takes forward.
  int64_t time(int64_t k) const { return direction == 0 ? k : g.T - 1 - k; }

  const void* parameter(const void* parameters, recur_parameter which) const {
    return at(parameters, g.parameter(layer, direction, which).offset * g.element);
  }
  float* gradient(float* dparameters, recur_parameter which) const {
    return dparameters + g.parameter(layer, direction, which).offset;
  }

  // The pass's slice of typed h [L*D,N,R] and of float c [L*D,N,H] or dh [L*D,N,R]; null stays null.
  template <class Pointer>
  Pointer h_slice(Pointer all) const {
    return at(all, static_cast<size_t>(index * g.N * g.R) * g.element);
  }
  template <class Float>
  Float* slice(Float* all, int64_t columns) const {
    return all == nullptr ? nullptr : all + index * g.N * columns;
  }

  // Of a typed [T,N,D*R] buffer: step t, this direction's columns.
  template <class Pointer>
  Pointer output(Pointer all, int64_t t) const {
    return at(all, static_cast<size_t>((t * g.N * g.D + direction) * g.R) * g.element);
  }
  int64_t output_pitch() const { return g.D * g.R; }
  int64_t pitch(StateKind kind) const { return kind == kInOutput ? output_pitch() : g.R; }

  // Pieces of the reserve, at step t.
  template <class Pointer>
  Pointer saved(Pointer reserve, int64_t t) const {
    return piece(reserve, plan.layout.reserve.saved, t * g.N * g.S * g.H, g.element);
  }
  template <class Pointer>
  Pointer kept_h(Pointer reserve, int64_t t) const {
    return piece(reserve, plan.layout.reserve.h, t * g.N * g.R, g.element);
  }
  template <class Pointer>
  Pointer kept_m(Pointer reserve, int64_t t) const {
    return piece(reserve, plan.layout.reserve.m, t * g.N * g.H, g.element);
  }
  template <class Pointer>
  Pointer kept_c(Pointer reserve, int64_t t) const {
    return piece(reserve, plan.layout.reserve.c, t * g.N * g.H, sizeof(float));
  }

 private:
  template <class Pointer>
  Pointer piece(Pointer reserve, size_t offset, int64_t elements, size_t element) const {
    return at(reserve, static_cast<size_t>(index) * plan.layout.reserve.pass_stride + offset +
                           static_cast<size_t>(elements) * element);
  }
};

// A layer's output in the reserve: before dropout, and after.
template <class Pointer>
Pointer reserve_output(const recur_layer_plan& plan, Pointer reserve, int64_t layer, bool dropped = false) {
  const auto& r = plan.layout.reserve;
  return at(reserve, (dropped ? r.dropped : r.out) + static_cast<size_t>(layer) * r.layer_stride);
}

// A parameter of a pass as aligned floats: the caller's own where it is that, else a copy in room; null if there is none.
const float* floats_of(const Pass& pass, const void* parameters, recur_parameter which, void* room, recur_stream stream);

const void* state_of_each_row(const Geometry& g, const void* shared, int64_t columns, size_t element, void* room,
                              recur_stream stream);

// With learned states h0 and c0 of the call are replaced by ones for each row, in places of the workspace: typed [L*D,R]
// to [L*D,N,R], [L*D,H] to [L*D,N,H].
template <class Args, class Places>
void widen_states(const Geometry& g, const Places& places, Args& call) {
  if (!g.learned) return;
  call.h0 = state_of_each_row(g, call.h0, g.R, g.element, at(call.workspace, places.h0), call.stream);
  call.c0 = static_cast<const float*>(
      state_of_each_row(g, call.c0, g.H, sizeof(float), at(call.workspace, places.c0), call.stream));
}

// Between the caller's layout, [N,T,columns] if batch first, and typed [T,N,columns]. Rows beyond lengths become zero and
// are not read.
void* copy_to_time_first(const recur_layer_plan& plan, int64_t columns, const void* from, void* to,
                         const int32_t* lengths, recur_stream stream);
void copy_from_time_first(const recur_layer_plan& plan, int64_t columns, const void* from, void* to,
                          recur_stream stream);

// Between a layer and the next: elements of steps [begin,end) of its output, or of that's gradient.
template <class Args>
kernels::Dropout dropout_between(const recur_layer_plan& plan, const Args& call, int64_t layer, int64_t begin,
                                 int64_t end, const void* from, void* to) {
  const int64_t row = plan.geometry.N * plan.geometry.D * plan.geometry.R;
  return {(end - begin) * row, from, to, plan.descriptor.dropout, call.dropout_seed, call.dropout_offset, layer,
          begin * row};
}

SweepMask mask_of(const Pass& pass, const int32_t* lengths, const uint8_t* reset, int64_t time, int64_t time_other);

}  // namespace recur
