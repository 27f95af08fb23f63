// Passes over rows beside the sweep: other layouts of x and y, padding, resets of the first state, dropout, casts, and
// what a projection leaves to do. Each moves its bytes once; one thread an element.
#include "kernels/device/philox.cuh"
#include "kernels/element.cuh"
#include "kernels/elementwise.cuh"
#include "kernels/streamed/launch.hpp"
#include "recur/cell.cuh"

namespace recur::kernels {
namespace {

using elementwise::blocks, elementwise::first, elementwise::kThreads, elementwise::stride;

// Word: as many bytes as an access takes; columns counts words.
template <class Word>
__global__ void __launch_bounds__(kThreads) copy_rows_kernel(const Rows a) {
  const int64_t count = a.steps * a.batch * a.columns;
  for (int64_t k = first(); k < count; k += stride()) {
    const int64_t column = k % a.columns, row = k / a.columns % a.batch, step = k / a.columns / a.batch;
    Word v = {};
    if (a.lengths == nullptr || step < a.lengths[row])
      v = static_cast<const Word*>(a.from)[step * a.from_step + row * a.from_row + column];
    static_cast<Word*>(a.to)[step * a.to_step + row * a.to_row + column] = v;
  }
}

template <class Word>
__global__ void __launch_bounds__(kThreads) start_state_kernel(const StateRows a) {
  const int64_t count = a.batch * a.columns;
  const SweepMask mask = {a.lengths, a.reset, nullptr, a.time, 0};
  for (int64_t k = first(); k < count; k += stride()) {
    const int64_t row = k / a.columns;
    Word v = {};
    if (a.from != nullptr && !sweep::resets(a.reset, row, sweep::at_work(mask, row, a.time)))
      v = static_cast<const Word*>(a.from)[k];
    static_cast<Word*>(a.to)[k] = v;
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads) dropout_kernel(const Dropout a) {
  const float scale = 1.0f / (1.0f - a.probability);
  const uint64_t key = a.seed + static_cast<uint64_t>(a.layer) * 0x9E3779B97F4A7C15u;
  const int64_t end = a.first + a.elements, last_quad = (end + 3) / 4;
  for (int64_t q = a.first / 4 + first(); q < last_quad; q += stride()) {
    const device::Philox4 random = device::philox4x32(key, static_cast<uint64_t>(q), a.offset);
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const int64_t k = 4 * q + j - a.first;
      if (k < 0 || k >= a.elements) continue;
      const float v = device::to_float(static_cast<const T*>(a.from)[k]) * scale;
      static_cast<T*>(a.to)[k] = device::from_float<T>(device::uniform(random.word[j]) >= a.probability ? v : 0.0f);
    }
  }
}

template <class From, class To>
__global__ void __launch_bounds__(kThreads) cast_kernel(const From* from, To* to, int64_t count) {
  for (int64_t k = first(); k < count; k += stride()) to[k] = device::from_float<To>(device::to_float(from[k]));
}

template <class T>
__global__ void __launch_bounds__(kThreads) projected_state_kernel(const ProjectedState a) {
  const int64_t count = a.batch * a.columns;
  for (int64_t k = first(); k < count; k += stride()) {
    const int64_t row = k / a.columns, column = k % a.columns;
    T* const y = static_cast<T*>(a.y) + row * a.y_pitch + column;
    T h = {};
    if (sweep::at_work(a.mask, row, a.mask.time)) {
      h = *y;
    } else {
      *y = T{};
      if (a.h_previous != nullptr) h = static_cast<const T*>(a.h_previous)[k];
    }
    if (a.h_last != nullptr) static_cast<T*>(a.h_last)[k] = h;
    if (a.h_next != nullptr) {
      if (sweep::resets(a.mask.reset_other, row, sweep::at_work(a.mask, row, a.mask.time_other))) h = T{};
      static_cast<T*>(a.h_next)[k] = h;
    }
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads) projected_gradient_kernel(const ProjectedGradient a) {
  const int64_t count = a.batch * a.columns;
  for (int64_t k = first(); k < count; k += stride()) {
    const int64_t row = k / a.columns, column = k % a.columns;
    const bool working = sweep::at_work(a.mask, row, a.mask.time);
    float dh = 0;
    if (a.dh != nullptr && !sweep::resets(a.mask.reset_other, row, sweep::at_work(a.mask, row, a.mask.time_other)))
      dh = a.dh[k];
    float total = 0;
    if (working) {
      total = dh;
      if (a.dy != nullptr) total += device::to_float(static_cast<const T*>(a.dy)[row * a.dy_pitch + column]);
      dh = 0;
    }
    static_cast<T*>(a.total)[k] = device::from_float<T>(total);
    if (a.dh_direct != nullptr) a.dh_direct[k] = dh;
  }
}

bool multiple(int64_t value, int64_t of) { return value % of == 0; }

}  // namespace

cudaError_t copy_rows(size_t element, const Rows& a, cudaStream_t stream) {
  const int64_t words = 16 / static_cast<int64_t>(element);
  Rows wide = a;
  const bool four = multiple(a.columns, words) && multiple(a.from_step, words) && multiple(a.from_row, words) &&
                    multiple(a.to_step, words) && multiple(a.to_row, words) && sweep::aligned(16, a.from, a.to);
  if (four) {
    for (int64_t* count : {&wide.columns, &wide.from_step, &wide.from_row, &wide.to_step, &wide.to_row})
      *count /= words;
  }
  const unsigned grid = blocks(wide.steps * wide.batch * wide.columns);
  if (four) copy_rows_kernel<uint4><<<grid, kThreads, 0, stream>>>(wide);
  else if (element == 4) copy_rows_kernel<uint32_t><<<grid, kThreads, 0, stream>>>(wide);
  else copy_rows_kernel<uint16_t><<<grid, kThreads, 0, stream>>>(wide);
  return cudaGetLastError();
}

cudaError_t start_state(size_t element, const StateRows& a, cudaStream_t stream) {
  const unsigned grid = blocks(a.batch * a.columns);
  if (element == 4) start_state_kernel<uint32_t><<<grid, kThreads, 0, stream>>>(a);
  else start_state_kernel<uint16_t><<<grid, kThreads, 0, stream>>>(a);
  return cudaGetLastError();
}

cudaError_t dropout(recur_type type, const Dropout& a, cudaStream_t stream) {
  return with_element(type, [&](auto element) {
    dropout_kernel<decltype(element)><<<blocks(a.elements / 4 + 2), kThreads, 0, stream>>>(a);
    return cudaGetLastError();
  });
}

cudaError_t widen(recur_type type, const void* from, float* to, int64_t count, cudaStream_t stream) {
  return with_element(type, [&](auto element) {
    using T = decltype(element);
    cast_kernel<<<blocks(count), kThreads, 0, stream>>>(static_cast<const T*>(from), to, count);
    return cudaGetLastError();
  });
}

cudaError_t narrow(recur_type type, const float* from, void* to, int64_t count, cudaStream_t stream) {
  return with_element(type, [&](auto element) {
    using T = decltype(element);
    cast_kernel<<<blocks(count), kThreads, 0, stream>>>(from, static_cast<T*>(to), count);
    return cudaGetLastError();
  });
}

cudaError_t projected_state(recur_type type, const ProjectedState& a, cudaStream_t stream) {
  return with_element(type, [&](auto element) {
    projected_state_kernel<decltype(element)><<<blocks(a.batch * a.columns), kThreads, 0, stream>>>(a);
    return cudaGetLastError();
  });
}

cudaError_t projected_gradient(recur_type type, const ProjectedGradient& a, cudaStream_t stream) {
  return with_element(type, [&](auto element) {
    projected_gradient_kernel<decltype(element)><<<blocks(a.batch * a.columns), kThreads, 0, stream>>>(a);
    return cudaGetLastError();
  });
}

}  // namespace recur::kernels
