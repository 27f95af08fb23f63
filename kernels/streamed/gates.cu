// The fused gate kernels of the streamed sweep.
//
// forward   a = gates (+ bias); the cell's formula; h, c and, in training, the activated gates
// backward  the cell's gradient; gradients of a, and of the previous c
//
// fp32 throughout. One thread takes Width hidden units of one row, all gates of each: G loads and stores of
// 4 Width bytes, neighbours side by side. Each element is computed by one thread in one fixed order, so equal
// inputs give equal bits. Least bytes and registers: docs/kernels/streamed-lstm.md.
#include <algorithm>

#include "kernels/cells/lstm.cuh"
#include "kernels/device/vector.cuh"
#include "kernels/dispatch.cuh"
#include "kernels/streamed/launch.hpp"
#include "kernels/tiles.hpp"

namespace recur::kernels {
namespace {

using device::Floats;

constexpr GateTile kTile = gate_tile();
constexpr int64_t kMaxRowBlocks = 65535;

template <int Width>
__device__ __forceinline__ Floats<Width> load_or_zero(const float* p, int64_t at) {
  if (p == nullptr) return {};
  return device::load<Width>(p + at);
}

template <class Cell, int Width, bool SaveGates>
__global__ void __launch_bounds__(kTile.columns* kTile.rows, kTile.blocks) forward_kernel(const StreamedForward a) {
  constexpr int G = Cell::kGates;
  const int64_t unit = (static_cast<int64_t>(blockIdx.x) * kTile.columns + threadIdx.x) * Width;
  if (unit >= a.hidden) return;
  const int64_t step = static_cast<int64_t>(gridDim.y) * kTile.rows;
  for (int64_t row = static_cast<int64_t>(blockIdx.y) * kTile.rows + threadIdx.y; row < a.batch; row += step) {
    float* const gates = a.gates + row * G * a.hidden + unit;
    const int64_t at = row * a.hidden + unit;
    Floats<Width> gate[G], c, h;
#pragma unroll
    for (int g = 0; g < G; ++g) gate[g] = device::load<Width>(gates + g * a.hidden);
    if (a.bias != nullptr) {
#pragma unroll
      for (int g = 0; g < G; ++g) gate[g].add(device::load<Width>(a.bias + g * a.hidden + unit));
    }
    const Floats<Width> c_previous = load_or_zero<Width>(a.c_previous, at);
#pragma unroll
    for (int k = 0; k < Width; ++k) {
      float one[G];
#pragma unroll
      for (int g = 0; g < G; ++g) one[g] = gate[g].at[k];
      Cell::forward(one, c_previous.at[k], c.at[k], h.at[k]);
#pragma unroll
      for (int g = 0; g < G; ++g) gate[g].at[k] = one[g];
    }
    if constexpr (SaveGates) {
#pragma unroll
      for (int g = 0; g < G; ++g) device::store<Width>(gates + g * a.hidden, gate[g]);
    }
    device::store<Width>(a.h + at, h);
    if (a.c != nullptr) device::store<Width>(a.c + at, c);
    if (a.h_copy != nullptr) device::store<Width>(a.h_copy + at, h);
    if (a.c_copy != nullptr) device::store<Width>(a.c_copy + at, c);
  }
}

template <class Cell, int Width>
__global__ void __launch_bounds__(kTile.columns* kTile.rows, kTile.blocks) backward_kernel(const StreamedBackward a) {
  constexpr int G = Cell::kGates;
  const int64_t unit = (static_cast<int64_t>(blockIdx.x) * kTile.columns + threadIdx.x) * Width;
  if (unit >= a.hidden) return;
  const int64_t step = static_cast<int64_t>(gridDim.y) * kTile.rows;
  for (int64_t row = static_cast<int64_t>(blockIdx.y) * kTile.rows + threadIdx.y; row < a.batch; row += step) {
    const int64_t at = row * a.hidden + unit, gates_at = row * G * a.hidden + unit;
    Floats<Width> gate[G], dc_previous;
#pragma unroll
    for (int g = 0; g < G; ++g) gate[g] = device::load<Width>(a.gates + gates_at + g * a.hidden);
    const Floats<Width> c = device::load<Width>(a.c + at);
    const Floats<Width> c_previous = load_or_zero<Width>(a.c_previous, at);
    Floats<Width> dh = load_or_zero<Width>(a.dy, at);
    dh.add(load_or_zero<Width>(a.dh, at));
    const Floats<Width> dc = load_or_zero<Width>(a.dc, at);
#pragma unroll
    for (int k = 0; k < Width; ++k) {
      float one[G];
#pragma unroll
      for (int g = 0; g < G; ++g) one[g] = gate[g].at[k];
      Cell::backward(one, c.at[k], c_previous.at[k], dh.at[k], dc.at[k], dc_previous.at[k]);
#pragma unroll
      for (int g = 0; g < G; ++g) gate[g].at[k] = one[g];
    }
#pragma unroll
    for (int g = 0; g < G; ++g) device::store<Width>(a.dgates + gates_at + g * a.hidden, gate[g]);
    if (a.dc_previous != nullptr) device::store<Width>(a.dc_previous + at, dc_previous);
  }
}

template <class... Pointers>
bool aligned(Pointers... pointers) {
  return ((reinterpret_cast<uintptr_t>(pointers) % 16 == 0) && ...);
}

dim3 grid(int64_t batch, int64_t hidden, int width) {
  const int64_t across = int64_t{kTile.columns} * width;
  return dim3(static_cast<unsigned>((hidden + across - 1) / across),
              static_cast<unsigned>(std::min((batch + kTile.rows - 1) / kTile.rows, kMaxRowBlocks)));
}
const dim3 kBlock(kTile.columns, kTile.rows);

}  // namespace

cudaError_t streamed_forward(const StreamedForward& a, cudaStream_t stream) {
  const bool four = a.hidden % 4 == 0 && aligned(a.gates, a.bias, a.c_previous, a.c, a.h, a.h_copy, a.c_copy);
  return with_activation(a.activation, [&](auto activation) {
    using Cell = cells::Lstm<decltype(activation)>;
    return with_width(four, [&](auto width) {
      constexpr int W = decltype(width)::value;
      if (a.save_gates) forward_kernel<Cell, W, true><<<grid(a.batch, a.hidden, W), kBlock, 0, stream>>>(a);
      else forward_kernel<Cell, W, false><<<grid(a.batch, a.hidden, W), kBlock, 0, stream>>>(a);
      return cudaGetLastError();
    });
  });
}

cudaError_t streamed_backward(const StreamedBackward& a, cudaStream_t stream) {
  const bool four =
      a.hidden % 4 == 0 && aligned(a.gates, a.c, a.c_previous, a.dy, a.dh, a.dc, a.dc_previous, a.dgates);
  return with_activation(a.activation, [&](auto activation) {
    using Cell = cells::Lstm<decltype(activation)>;
    return with_width(four, [&](auto width) {
      constexpr int W = decltype(width)::value;
      backward_kernel<Cell, W><<<grid(a.batch, a.hidden, W), kBlock, 0, stream>>>(a);
      return cudaGetLastError();
    });
  });
}

}  // namespace recur::kernels
