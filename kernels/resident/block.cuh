// What the two block-resident sweeps share: where a thread stands, fragments of R and their product, tiles of a step's
// results in shared memory and their way out.
//
// The product is [G 16 units, sum] x [sum, 8 rows of the batch] for each warp. A thread (g = lane / 4, q = lane % 4) has
// of every gate the results of the units 2g and 2g+1 of its warp for the rows 2q and 2q+1: rows g and g+8 of a fragment
// stand for those two units, so that the cell's formula needs no other thread. Along the sum a matrix instruction's 16
// places may come in any order, if both operands have it: thread q takes 4q to 4q+3, which are 8 bytes of memory.
#pragma once

#include <climits>
#include <cstdint>

#include "kernels/device/mma.cuh"
#include "kernels/resident/launch.hpp"
#include "kernels/resident/tiles.hpp"
#include "recur/cell.cuh"

namespace recur::kernels::resident {

// Where the 8 columns of a product lie in a tile, so that neither reading a fragment (columns 0 to 3 and 4 to 7 at a
// time) nor writing results (the even columns, the odd ones) meets a bank twice.
__device__ __forceinline__ int row_of_column(int column) { return column ^ (column >> 2); }

struct Place {
  int lane, warp, warps, g, q;
  int unit;           // the thread's first of two hidden units
  int64_t first_row;  // the block's first row of the batch

  __device__ Place()
      : lane(threadIdx.x % 32), warp(threadIdx.x / 32), warps(blockDim.x / 32), g(lane / 4), q(lane % 4),
        unit(warp * kUnits + 2 * g), first_row(int64_t{blockIdx.x} * kRows) {}
  __device__ int64_t row(int j) const { return first_row + 2 * q + j; }  // of its two
};

// Two neighbouring units of a row, the first of which there is: one access where `paired`, H then being even; else the
// second only if it is there too.
template <class T>
__device__ __forceinline__ void load_pair(const T* from, bool paired, bool second, float (&to)[2]) {
  if (paired) {
    if constexpr (sizeof(T) == 4) {
      const float2 v = *reinterpret_cast<const float2*>(from);
      to[0] = v.x, to[1] = v.y;
    } else {
      const uint32_t v = *reinterpret_cast<const uint32_t*>(from);
      to[0] = device::to_float(device::low_of<T>(v)), to[1] = device::to_float(device::high_of<T>(v));
    }
  } else {
    to[0] = device::to_float(from[0]);
    if (second) to[1] = device::to_float(from[1]);
  }
}
__device__ __forceinline__ void store_pair(float* to, bool paired, bool second, const float (&v)[2]) {
  if (paired) {
    *reinterpret_cast<float2*>(to) = {v[0], v[1]};
  } else {
    to[0] = v[0];
    if (second) to[1] = v[1];
  }
}

// Four neighbours of a row of R from `at` on, zero beyond its end.
template <class T>
__device__ __forceinline__ uint2 four_of_row(const T* row, int at, int hidden, bool wide) {
  if (wide) return at < hidden ? *reinterpret_cast<const uint2*>(row + at) : uint2{0, 0};
  T four[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) four[i] = at + i < hidden ? row[at + i] : T(0.0f);
  return {device::pair_of(four[0], four[1]), device::pair_of(four[2], four[3])};
}

// R of one gate as forward multiplies by it: rows are units, the sum goes along its columns.
template <class T>
__device__ uint4 forward_fragment(const T* gate, const Place& p, int hidden, int step, bool wide) {
  const int at = step * kDepth + 4 * p.q;
  uint2 first = {0, 0}, second = {0, 0};
  if (p.unit < hidden) first = four_of_row(gate + p.unit * hidden, at, hidden, wide);
  if (p.unit + 1 < hidden) second = four_of_row(gate + (p.unit + 1) * hidden, at, hidden, wide);
  return {first.x, second.x, first.y, second.y};
}

// And as backward does: rows are units of the state before, the sum goes along the gate's units.
template <class T>
__device__ uint4 backward_fragment(const T* gate, const Place& p, int hidden, int step, bool paired) {
  T first[4], second[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const int row = step * kDepth + 4 * p.q + i;
    first[i] = second[i] = T(0.0f);
    if (row >= hidden || p.unit >= hidden) continue;
    const T* const from = gate + row * hidden + p.unit;
    if (paired) {
      const uint32_t v = *reinterpret_cast<const uint32_t*>(from);
      first[i] = device::low_of<T>(v), second[i] = device::high_of<T>(v);
    } else {
      first[i] = from[0];
      if (p.unit + 1 < hidden) second[i] = from[1];
    }
  }
  return {device::pair_of(first[0], first[1]), device::pair_of(second[0], second[1]),
          device::pair_of(first[2], first[3]), device::pair_of(second[2], second[3])};
}

// A thread's part of R: the first Kept products along the sum in registers, the others in shared memory, there in the
// order in which lanes take them.
template <int G, int Kept>
struct Fragments {
  uint4 kept[G][Kept];
  uint4* rest;  // [steps - Kept][G][32 lanes], this lane's
  int steps;

  template <class Load>
  __device__ void load(const Place& p, uint4* shared, int all_steps, Load of) {
    steps = all_steps;
    rest = shared + p.warp * (steps > Kept ? steps - Kept : 0) * G * 32 + p.lane;
#pragma unroll
    for (int k = 0; k < Kept; ++k) {
#pragma unroll
      for (int gate = 0; gate < G; ++gate) kept[gate][k] = k < steps ? of(gate, k) : uint4{0, 0, 0, 0};
    }
    for (int k = Kept; k < steps; ++k) {
#pragma unroll
      for (int gate = 0; gate < G; ++gate) rest[((k - Kept) * G + gate) * 32] = of(gate, k);
    }
  }

  // sums[gate] += R's gate times the tile; EachItsTile: a gate's tile lies gate_tile elements after the one before.
  template <class T, bool EachItsTile>
  __device__ void multiply(const Place& p, const T* tile, int pitch, int gate_tile,
                           float (&sums)[G][4]) const {
    const T* const mine = tile + row_of_column(p.g) * pitch + 4 * p.q;
    const auto product = [&](int k, auto fragment) {
      uint2 b = *reinterpret_cast<const uint2*>(mine + k * kDepth);
#pragma unroll
      for (int gate = 0; gate < G; ++gate) {
        if (EachItsTile && gate > 0) b = *reinterpret_cast<const uint2*>(mine + gate * gate_tile + k * kDepth);
        device::mma_16x8x16<T>(sums[gate], fragment(gate), b);
      }
    };
#pragma unroll
    for (int k = 0; k < Kept; ++k) {
      if (k < steps) product(k, [&](int gate) { return kept[gate][k]; });
    }
#pragma unroll 1  // more at a time would take registers from what is kept
    for (int k = Kept; k < steps; ++k) product(k, [&](int gate) { return rest[((k - Kept) * G + gate) * 32]; });
  }
};

// A row of H elements of a tile to memory, by one warp; width elements an access: 8, 2 or 1. Not unrolled, for the sake of
// the registers that R's fragments hold meanwhile.
template <class T>
__device__ __forceinline__ void copy_row(const T* from, T* to, int hidden, int width, int lane) {
  static_assert(kMostUnits <= 32 * 8);
  if (width == 8) {
    if (lane * 8 < hidden) *reinterpret_cast<uint4*>(to + lane * 8) = *reinterpret_cast<const uint4*>(from + lane * 8);
  } else if (width == 2) {
#pragma unroll 1
    for (int at = lane * 2; at < hidden; at += 32 * 2)
      *reinterpret_cast<uint32_t*>(to + at) = *reinterpret_cast<const uint32_t*>(from + at);
  } else {
#pragma unroll 1
    for (int at = lane; at < hidden; at += 32) to[at] = from[at];
  }
}

// Elements an access that rows of H, `pitch` apart, allow at this address.
inline int row_width(int64_t hidden, int64_t pitch, const void* p) {
  if (hidden % 8 == 0 && pitch % 8 == 0 && sweep::aligned(16, p)) return 8;
  return hidden % 2 == 0 && pitch % 2 == 0 && sweep::aligned(4, p) ? 2 : 1;
}

// A kernel with more dynamic shared memory than it gets unasked has to say so first. That is a property of the function, so it
// is set once a plan, to the most that its device has: the same for all plans and threads.
template <class... Arguments>
cudaError_t prepare_block(void (*kernel)(Arguments...), size_t most_shared) {
  return cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(most_shared));
}

template <class... Arguments>
cudaError_t launch_block(void (*kernel)(Arguments...), size_t shared, int64_t batch, int64_t hidden,
                         cudaStream_t stream, const Arguments&... arguments) {
  const auto blocks = static_cast<unsigned>((batch + kRows - 1) / kRows);
  kernel<<<blocks, static_cast<unsigned>(block_warps(hidden) * 32), shared, stream>>>(arguments...);
  return cudaGetLastError();
}

}  // namespace recur::kernels::resident
