/// A cell is one file: a struct with the formula of one hidden unit, forward and backward side by side. The sweep
/// over time, its kernels and its products are written once and take it as a trait. To be compiled by nvcc. @file
///
///     struct MyCell {
///       static constexpr int gates;       // G: pre-activations a unit, rows of W and U
///       static constexpr int apart;       // A: the last A of them get U h' + b apart from W x + b (GRU: 1), else 0
///       static constexpr int saved;       // S: values a unit kept from forward to backward
///       static constexpr int constants;   // K: learned values a unit beside W, U and the biases
///       static constexpr bool state;      // carries c beside h
///       static constexpr bool direct;     // h' reaches h other than through U h'
///       static constexpr bool reads_h;    // backward uses h
///
///       // a[g]: W x + b + U h' + b of gate g; of the last A gates W x + b alone, and u[k] the other part of the k-th.
///       // Sets h, c and saved.
///       static __device__ void forward(const recur::CellInput<MyCell>& in, recur::CellOutput<MyCell>& out);
///
///       // From dh and dc, the gradients of h and c: da[g] of a[g] as U h' sees it, da_apart[k] of the last gates' own
///       // part, dh_direct, dc_previous, dconstants.
///       static __device__ void backward(const recur::CellSaved<MyCell>& in, recur::CellGradient<MyCell>& out);
///     };
///     const recur_custom_cell my_cell = recur::describe<MyCell, float>();   // one translation unit each
///
/// tests/package/my_cell is a worked example, docs/adding-a-cell.md explains it.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>

#include "recur/device/math.cuh"
#include "recur/device/vector.cuh"
#include "recur/sweep.hpp"

namespace recur {

/// Sizes of 0 make arrays of one element, which nobody reads.
template <int Count>
inline constexpr int at_least_one = Count > 0 ? Count : 1;

/// What a cell's forward gets, of one hidden unit of one row.
template <class Cell>
struct CellInput {
  float a[Cell::gates];                            ///< W x + b + U h' + b of each gate; of the last A gates W x + b
  float u[at_least_one<Cell::apart>];              ///< U h' + b of the last A gates
  float constants[at_least_one<Cell::constants>];  ///< the learned values; 0 where the plan has none
  float h_previous;                                ///< h', of a cell that is direct
  float c_previous;                                ///< c', of a cell with a state
  float limit;                                     ///< the descriptor's cell_clip; 0: none
};

/// What a cell's forward sets.
template <class Cell>
struct CellOutput {
  float h;                                 ///< the new h
  float c;                                 ///< the new c, of a cell with a state
  float saved[at_least_one<Cell::saved>];  ///< for backward; rounded to the plan's type on the way
};

/// What a cell's backward gets.
template <class Cell>
struct CellSaved {
  float saved[at_least_one<Cell::saved>];          ///< as forward left them
  float constants[at_least_one<Cell::constants>];  ///< as in forward
  float h;                                         ///< of a cell that reads_h
  float h_previous;                                ///< h', of a cell that is direct
  float c;                                         ///< of a cell with a state
  float c_previous;                                ///< c', likewise
  float limit;                                     ///< as in forward
  float dh;                                        ///< gradient of h: dy and what comes from the step after
  float dc;                                        ///< gradient of c from the step after
};

/// What a cell's backward sets.
template <class Cell>
struct CellGradient {
  float da[Cell::gates];                            ///< of a[g], for the last A gates of u
  float da_apart[at_least_one<Cell::apart>];        ///< of a of the last A gates
  float dconstants[at_least_one<Cell::constants>];  ///< of the learned values, from this unit, row and step
  float dh_direct;                                  ///< of h' other than through U h', of a cell that is direct
  float dc_previous;                                ///< of c', of a cell with a state
};

namespace sweep {

using device::Floats;

// A warp along the hidden units, so that accesses of a row touch; four rows a block. Small blocks, because a step
// of a small batch has few of them to spread over the multiprocessors.
struct Tile {
  int columns = 32, rows = 4;
};
constexpr Tile kTile = {};

// Blocks resident on a multiprocessor, at least. Six leave 80 registers a thread, five 96: for cells whose thread holds
// more values than an LSTM's or a GRU's 32, because with 80 the LSTM with peepholes spilled on sm_100 and sm_120.
template <class Cell, int Width>
constexpr int resident_blocks() {
  return Width * (Cell::gates + Cell::apart + Cell::saved + Cell::constants) > 32 ? 5 : 6;
}
constexpr int64_t kMaxRowBlocks = 65535;

template <int Width, class T>
__device__ __forceinline__ Floats<Width> load_or_zero(const T* p, int64_t at) {
  if (p == nullptr) return {};
  return device::load<Width>(p + at);
}

// Count values for each of a thread's Width units: loaded and stored pitch elements apart; those of unit k taken out and
// put back. Arrays of no values have one element (at_least_one).
template <int Count, int Width, class T, int Size>
__device__ __forceinline__ void load_each(const T* from, int64_t pitch, Floats<Width> (&to)[Size]) {
#pragma unroll
  for (int i = 0; i < Count; ++i) to[i] = device::load<Width>(from + i * pitch);
}
template <int Count, int Width, class T, int Size>
__device__ __forceinline__ void store_each(T* to, int64_t pitch, const Floats<Width> (&from)[Size]) {
#pragma unroll
  for (int i = 0; i < Count; ++i) device::store<Width>(to + i * pitch, from[i]);
}
template <int Count, int Width, int Size>
__device__ __forceinline__ void take_unit(const Floats<Width> (&from)[Size], int k, float (&to)[Size]) {
#pragma unroll
  for (int i = 0; i < Count; ++i) to[i] = from[i].at[k];
}
template <int Count, int Width, int Size>
__device__ __forceinline__ void put_unit(const float (&from)[Size], int k, Floats<Width> (&to)[Size]) {
#pragma unroll
  for (int i = 0; i < Count; ++i) to[i].at[k] = from[i];
}

__device__ __forceinline__ bool at_work(const SweepMask& m, int64_t row, int64_t time) {
  return m.lengths == nullptr || time < m.lengths[row];
}
__device__ __forceinline__ bool resets(const uint8_t* reset, int64_t row, bool working) {
  return working && reset != nullptr && reset[row] != 0;
}

template <class Cell, class T, int Width>
__global__ void __launch_bounds__(kTile.columns* kTile.rows, resident_blocks<Cell, Width>())
    forward_kernel(const SweepForward s) {
  constexpr int G = Cell::gates, A = Cell::apart, S = Cell::saved, K = Cell::constants;
  const int64_t unit = (static_cast<int64_t>(blockIdx.x) * kTile.columns + threadIdx.x) * Width, H = s.hidden;
  if (unit >= H) return;
  const int64_t stride = static_cast<int64_t>(gridDim.y) * kTile.rows;
  for (int64_t row = static_cast<int64_t>(blockIdx.y) * kTile.rows + threadIdx.y; row < s.batch; row += stride) {
    const int64_t at = row * H + unit;
    const bool working = at_work(s.mask, row, s.mask.time);
    Floats<Width> h_previous = {}, c_previous = {}, h = {}, c = {};
    if (Cell::direct || (!working && (s.h_next != nullptr || s.h_last != nullptr)))
      h_previous = load_or_zero<Width>(static_cast<const T*>(s.h_previous), row * s.h_previous_pitch + unit);
    if constexpr (Cell::state) {
      c_previous = load_or_zero<Width>(s.c_previous, at);
      if (resets(s.mask.reset, row, working)) c_previous = {};
    }
    if (working) {
      const float* const a = s.a + row * G * H + unit;
      Floats<Width> gate[G], u[at_least_one<A>] = {}, constant[at_least_one<K>] = {}, saved[at_least_one<S>];
      load_each<G>(a, H, gate);
      if constexpr (A > 0) {
        if (s.u != nullptr) {
#pragma unroll
          for (int g = 0; g < G; ++g) {
            const Floats<Width> part = device::load<Width>(s.u + (row * G + g) * H + unit);
            if (g < G - A) gate[g].add(part);
            else u[g - (G - A)] = part;
          }
        }
      }
      if (s.bias != nullptr) {
#pragma unroll
        for (int g = 0; g < G; ++g) {
          const Floats<Width> part = device::load<Width>(s.bias + g * H + unit);
          if (g < G - A) gate[g].add(part);
          else u[g - (G - A)].add(part);
        }
      }
      if (K > 0 && s.constants != nullptr) load_each<K>(s.constants + unit, H, constant);
#pragma unroll
      for (int k = 0; k < Width; ++k) {
        CellInput<Cell> in;
        CellOutput<Cell> out;
        take_unit<G>(gate, k, in.a);
        take_unit<A>(u, k, in.u);
        take_unit<K>(constant, k, in.constants);
        in.h_previous = h_previous.at[k];
        in.c_previous = c_previous.at[k];
        in.limit = s.limit;
        Cell::forward(in, out);
        h.at[k] = out.h;
        if constexpr (Cell::state) c.at[k] = out.c;
        put_unit<S>(out.saved, k, saved);
      }
      if (S > 0 && s.saved != nullptr) store_each<S>(static_cast<T*>(s.saved) + row * S * H + unit, H, saved);
    }
    device::store<Width>(static_cast<T*>(s.h) + row * s.h_pitch + unit, h);
    if (!working) h = h_previous, c = c_previous;
    if (s.h_last != nullptr) device::store<Width>(static_cast<T*>(s.h_last) + at, h);
    if constexpr (Cell::state) {
      if (s.c != nullptr) device::store<Width>(s.c + at, c);
      if (s.c_last != nullptr) device::store<Width>(s.c_last + at, c);
    }
    if (s.h_next != nullptr) {
      if (resets(s.mask.reset_other, row, at_work(s.mask, row, s.mask.time_other))) h = {};
      device::store<Width>(static_cast<T*>(s.h_next) + at, h);
    }
  }
}

template <class Cell, class T, int Width>
__global__ void __launch_bounds__(kTile.columns* kTile.rows, resident_blocks<Cell, Width>())
    backward_kernel(const SweepBackward s) {
  constexpr int G = Cell::gates, A = Cell::apart, S = Cell::saved, K = Cell::constants;
  const int64_t unit = (static_cast<int64_t>(blockIdx.x) * kTile.columns + threadIdx.x) * Width, H = s.hidden;
  if (unit >= H) return;
  const int64_t stride = static_cast<int64_t>(gridDim.y) * kTile.rows;
  for (int64_t row = static_cast<int64_t>(blockIdx.y) * kTile.rows + threadIdx.y; row < s.batch; row += stride) {
    const int64_t at = row * H + unit;
    const bool working = at_work(s.mask, row, s.mask.time);
    Floats<Width> dh = {}, dc = {}, dh_direct = {}, dc_previous = {};
    // The step after began with a reset: nothing comes back from it through h. (dc is zero already.)
    if (!resets(s.mask.reset_other, row, at_work(s.mask, row, s.mask.time_other)))
      dh = load_or_zero<Width>(s.dh, at);
    if constexpr (Cell::state) dc = load_or_zero<Width>(s.dc, at);
    Floats<Width> da[G] = {}, da_apart[at_least_one<A>] = {}, dconstant[at_least_one<K>] = {};
    if (working) {
      Floats<Width> saved[at_least_one<S>] = {}, constant[at_least_one<K>] = {}, h = {}, h_previous = {}, c = {},
                    c_previous = {};
      load_each<S>(static_cast<const T*>(s.saved) + row * S * H + unit, H, saved);
      if constexpr (Cell::reads_h) h = device::load<Width>(static_cast<const T*>(s.h) + row * s.h_pitch + unit);
      if constexpr (Cell::direct)
        h_previous = load_or_zero<Width>(static_cast<const T*>(s.h_previous), row * s.h_previous_pitch + unit);
      const bool cut = resets(s.mask.reset, row, true);
      if constexpr (Cell::state) {
        c = device::load<Width>(s.c + at);
        if (!cut) c_previous = load_or_zero<Width>(s.c_previous, at);
      }
      if (K > 0 && s.constants != nullptr) load_each<K>(s.constants + unit, H, constant);
      dh.add(load_or_zero<Width>(static_cast<const T*>(s.dy), row * s.dy_pitch + unit));
#pragma unroll
      for (int k = 0; k < Width; ++k) {
        CellSaved<Cell> in;
        CellGradient<Cell> out;
        take_unit<S>(saved, k, in.saved);
        take_unit<K>(constant, k, in.constants);
        in.h = h.at[k];
        in.h_previous = h_previous.at[k];
        in.c = c.at[k];
        in.c_previous = c_previous.at[k];
        in.limit = s.limit;
        in.dh = dh.at[k];
        in.dc = dc.at[k];
        Cell::backward(in, out);
        put_unit<G>(out.da, k, da);
        put_unit<A>(out.da_apart, k, da_apart);
        put_unit<K>(out.dconstants, k, dconstant);
        if constexpr (Cell::direct) dh_direct.at[k] = out.dh_direct;
        if constexpr (Cell::state) dc_previous.at[k] = cut ? 0.0f : out.dc_previous;
      }
    } else {  // the state passed unchanged, and so do its gradients
      dh_direct = dh;
      dc_previous = dc;
    }
    store_each<G>(static_cast<T*>(s.da) + row * G * H + unit, H, da);
    store_each<A>(static_cast<T*>(s.da_apart) + row * A * H + unit, H, da_apart);
    if (K > 0 && s.dconstants != nullptr) store_each<K>(s.dconstants + row * K * H + unit, H, dconstant);
    if (s.dh_direct != nullptr) device::store<Width>(s.dh_direct + at, dh_direct);
    if constexpr (Cell::state) {
      if (s.dc_previous != nullptr) device::store<Width>(s.dc_previous + at, dc_previous);
    }
  }
}

template <class... Pointers>
bool aligned(size_t bytes, Pointers... pointers) {
  return ((reinterpret_cast<uintptr_t>(pointers) % bytes == 0) && ...);
}

inline dim3 grid(int64_t batch, int64_t hidden, int width) {
  const int64_t across = int64_t{kTile.columns} * width;
  return dim3(static_cast<unsigned>((hidden + across - 1) / across),
              static_cast<unsigned>(std::min((batch + kTile.rows - 1) / kTile.rows, kMaxRowBlocks)));
}

template <class Cell, class T>
int forward(const SweepForward& s, recur_stream stream) {
  const bool four = s.hidden % 4 == 0 && s.h_pitch % 4 == 0 && s.h_previous_pitch % 4 == 0 &&
                    aligned(16, s.a, s.u, s.bias, s.c_previous, s.constants, s.c, s.c_last) &&
                    aligned(4 * sizeof(T), s.h_previous, s.h, s.h_next, s.saved, s.h_last);
  const dim3 block(kTile.columns, kTile.rows);
  if (four) forward_kernel<Cell, T, 4><<<grid(s.batch, s.hidden, 4), block, 0, stream>>>(s);
  else forward_kernel<Cell, T, 1><<<grid(s.batch, s.hidden, 1), block, 0, stream>>>(s);
  return cudaGetLastError();
}

template <class Cell, class T>
int backward(const SweepBackward& s, recur_stream stream) {
  const bool four =
      s.hidden % 4 == 0 && s.h_pitch % 4 == 0 && s.h_previous_pitch % 4 == 0 && s.dy_pitch % 4 == 0 &&
      aligned(16, s.c, s.c_previous, s.constants, s.dh, s.dc, s.dh_direct, s.dc_previous, s.dconstants) &&
      aligned(4 * sizeof(T), s.saved, s.h, s.h_previous, s.dy, s.da, s.da_apart);
  const dim3 block(kTile.columns, kTile.rows);
  if (four) backward_kernel<Cell, T, 4><<<grid(s.batch, s.hidden, 4), block, 0, stream>>>(s);
  else backward_kernel<Cell, T, 1><<<grid(s.batch, s.hidden, 1), block, 0, stream>>>(s);
  return cudaGetLastError();
}

template <class T>
constexpr recur_type type_of() {
  if constexpr (sizeof(T) == 4) return RECUR_TYPE_FLOAT32;
  else if constexpr (std::is_same_v<T, __half>) return RECUR_TYPE_FLOAT16;
  else return RECUR_TYPE_BFLOAT16;
}

}  // namespace sweep

/// The description of a cell for T: float, __half or __nv_bfloat16.
template <class Cell, class T>
constexpr recur_custom_cell describe() {
  return {sweep::type_of<T>(), Cell::gates,  Cell::apart,   Cell::saved,
          Cell::constants,     Cell::state,  Cell::direct,  Cell::reads_h,
          sweep::forward<Cell, T>, sweep::backward<Cell, T>};
}

}  // namespace recur
