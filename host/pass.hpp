// A pass is one direction of one layer: its parameters, its states, and the order in which it takes the steps.
#pragma once

#include <cstdint>

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

// The biases and constants of a pass as aligned floats: the caller's own where they are that, else a copy in room.
struct PassFloats {
  const float *b_ih, *b_hh, *constants;
};
PassFloats floats_of(const Pass& pass, const void* parameters, void* room, recur_stream stream);
const float* constants_of(const Pass& pass, const void* parameters, void* room, recur_stream stream);

// Initial states for each row, from ones that all rows share: typed [L*D,R] to [L*D,N,R], [L*D,H] to [L*D,N,H].
const void* state_of_each_row(const Geometry& g, const void* shared, int64_t columns, size_t element, void* room,
                              recur_stream stream);

SweepMask mask_of(const Pass& pass, const int32_t* lengths, const uint8_t* reset, int64_t time, int64_t time_other);

}  // namespace recur
