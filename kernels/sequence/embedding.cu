// Embedding forward, and its backward for a small vocabulary or for sorted positions.
// Sums are fp32, in an order fixed by the indices and the shapes: no atomics. docs/kernels/embedding.md has
// the cost.
#include <algorithm>

#include "kernels/device/reduce.cuh"
#include "recur/device/vector.cuh"
#include "kernels/sequence/launch.hpp"

namespace recur::kernels {
namespace {

using device::Floats;
using device::kFullWarp;

constexpr int kWarps = 8;
constexpr int kTableRows = 32;
constexpr int64_t kMaxBlocks = 65535;

// output[m,:] = table[indices[m],:]; a warp for each row.
template <int Width>
__global__ void __launch_bounds__(32 * kWarps) forward_kernel(EmbeddingForward a) {
  int64_t step = static_cast<int64_t>(gridDim.x) * kWarps;
  for (int64_t m = static_cast<int64_t>(blockIdx.x) * kWarps + threadIdx.y; m < a.count; m += step) {
    int64_t index = a.indices[m];
    bool bad = index < 0 || index >= a.vocabulary;
    if (bad && a.bad_indices != nullptr && threadIdx.x == 0) atomicAdd(a.bad_indices, 1);
    const float* source = a.table + (bad ? 0 : index) * a.size;
    float* target = a.output + m * a.size;
    for (int64_t e = threadIdx.x * Width; e < a.size; e += 32 * Width) {
      Floats<Width> v = {};
      if (!bad) v = device::load<Width>(source + e);
      device::store<Width>(target + e, v);
    }
  }
}

// Adds the rows base + offset of the set bits of mask, in ascending order, four loads in flight.
template <int Width>
__device__ __forceinline__ void add_marked(Floats<Width>& sum, unsigned mask, const float* base,
                                           int64_t pitch) {
  while (mask != 0) {
    Floats<Width> row[4] = {};
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      if (mask != 0) row[i] = device::load<Width>(base + (__ffs(mask) - 1) * pitch);
      mask &= mask - 1;
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) sum.add(row[i]);
  }
}

// The eight warps' sums, added in turn by the first warp, which stores. All threads of the block call.
template <int Width>
__device__ __forceinline__ void combine(const Floats<Width>& sum, Floats<Width> (&shared)[kWarps][32],
                                        float* target, bool valid, bool accumulate) {
  shared[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y == 0 && valid) {
    Floats<Width> total = shared[0][threadIdx.x];
#pragma unroll
    for (int w = 1; w < kWarps; ++w) total.add(shared[w][threadIdx.x]);
    if (accumulate) total.add(device::load<Width>(target));
    device::store<Width>(target, total);
  }
  __syncthreads();
}

// A block for a row v of the table, a tile of 32*Width columns and a chunk of positions: the warps take turns
// at 32 indices, and a ballot finds those equal to v.
template <int Width>
__global__ void __launch_bounds__(32 * kWarps) scan_kernel(EmbeddingScan a) {
  __shared__ Floats<Width> shared[kWarps][32];
  int64_t begin = static_cast<int64_t>(blockIdx.z) * a.chunk;
  int64_t end = min(begin + a.chunk, a.count);
  for (int64_t column = static_cast<int64_t>(blockIdx.y) * 32 * Width; column < a.size;
       column += static_cast<int64_t>(gridDim.y) * 32 * Width) {
    int64_t e = column + threadIdx.x * Width;
    bool valid = e < a.size;
    for (int64_t v = blockIdx.x; v < a.vocabulary; v += gridDim.x) {
      Floats<Width> sum = {};
      for (int64_t m = begin + threadIdx.y * 32; m < end; m += 32 * kWarps) {
        bool mine = m + threadIdx.x < end && a.indices[m + threadIdx.x] == v;
        unsigned mask = __ballot_sync(kFullWarp, mine);
        if (valid) add_marked<Width>(sum, mask, a.output_gradient + m * a.size + e, a.size);
      }
      float* target = a.out + (blockIdx.z * a.vocabulary + v) * a.size + e;
      combine<Width>(sum, shared, target, valid, a.accumulate);
    }
  }
}

// The first place in keys[0..count) that is not below key.
__device__ int64_t lower_bound(const uint32_t* keys, int64_t count, uint32_t key) {
  int64_t low = 0, high = count;
  while (low < high) {
    int64_t middle = (low + high) / 2;
    if (keys[middle] < key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

// Sum of the rows positions[first], positions[first+stride], ... below end at column e.
template <int Width>
__device__ __forceinline__ Floats<Width> sum_positions(const EmbeddingSorted& a, int64_t first, int64_t end,
                                                       int stride, int64_t e) {
  Floats<Width> sum = {};
#pragma unroll 4
  for (int64_t i = first; i < end; i += stride) {
    sum.add(device::load<Width>(a.output_gradient + static_cast<int64_t>(a.positions[i]) * a.size + e));
  }
  return sum;
}

// 32 rows of the table for each block, whose ranges 33 threads find; then a warp sums a short row, the block
// together a long one.
template <int Width>
__global__ void __launch_bounds__(32 * kWarps) sorted_kernel(EmbeddingSorted a) {
  constexpr int64_t long_row = 64;
  __shared__ Floats<Width> shared[kWarps][32];
  __shared__ int64_t bounds[kTableRows + 1];
  int thread = static_cast<int>(threadIdx.y * 32 + threadIdx.x);
  int64_t step = static_cast<int64_t>(gridDim.x) * kTableRows;
  for (int64_t row = static_cast<int64_t>(blockIdx.x) * kTableRows; row < a.vocabulary; row += step) {
    if (thread <= kTableRows) {
      bounds[thread] = lower_bound(a.keys, a.count, static_cast<uint32_t>(min(row + thread, a.vocabulary)));
    }
    __syncthreads();
    int rows = static_cast<int>(min(static_cast<int64_t>(kTableRows), a.vocabulary - row));
    for (int r = threadIdx.y; r < rows; r += kWarps) {
      int64_t begin = bounds[r], end = bounds[r + 1];
      if (end - begin > long_row || (a.accumulate && begin == end)) continue;
      for (int64_t e = threadIdx.x * Width; e < a.size; e += 32 * Width) {
        Floats<Width> sum = sum_positions<Width>(a, begin, end, 1, e);
        float* target = a.out + (row + r) * a.size + e;
        if (a.accumulate) sum.add(device::load<Width>(target));
        device::store<Width>(target, sum);
      }
    }
    for (int r = 0; r < rows; ++r) {
      if (bounds[r + 1] - bounds[r] <= long_row) continue;
      for (int64_t column = 0; column < a.size; column += 32 * Width) {
        int64_t e = column + threadIdx.x * Width;
        bool valid = e < a.size;
        Floats<Width> sum = {};
        if (valid) sum = sum_positions<Width>(a, bounds[r] + threadIdx.y, bounds[r + 1], kWarps, e);
        combine<Width>(sum, shared, a.out + (row + r) * a.size + e, valid, a.accumulate);
      }
    }
    __syncthreads();
  }
}

unsigned blocks_for(int64_t rows, int64_t rows_per_block) {
  return static_cast<unsigned>(
      std::clamp<int64_t>((rows + rows_per_block - 1) / rows_per_block, 1, kMaxBlocks));
}

}  // namespace

cudaError_t embedding_forward(const EmbeddingForward& a, cudaStream_t stream) {
  dim3 block(32, kWarps), grid(blocks_for(a.count, kWarps));
  if (can_use_16_bytes(a.size, a.table, a.output)) {
    forward_kernel<4><<<grid, block, 0, stream>>>(a);
  } else {
    forward_kernel<1><<<grid, block, 0, stream>>>(a);
  }
  return cudaGetLastError();
}

cudaError_t embedding_scan(const EmbeddingScan& a, cudaStream_t stream) {
  bool wide = can_use_16_bytes(a.size, a.output_gradient, a.out);
  dim3 block(32, kWarps);
  dim3 grid(blocks_for(a.vocabulary, 1), blocks_for(a.size, wide ? 128 : 32), blocks_for(a.count, a.chunk));
  if (wide) {
    scan_kernel<4><<<grid, block, 0, stream>>>(a);
  } else {
    scan_kernel<1><<<grid, block, 0, stream>>>(a);
  }
  return cudaGetLastError();
}

cudaError_t embedding_sorted(const EmbeddingSorted& a, cudaStream_t stream) {
  dim3 block(32, kWarps), grid(blocks_for(a.vocabulary, kTableRows));
  if (can_use_16_bytes(a.size, a.output_gradient, a.out)) {
    sorted_kernel<4><<<grid, block, 0, stream>>>(a);
  } else {
    sorted_kernel<1><<<grid, block, 0, stream>>>(a);
  }
  return cudaGetLastError();
}

}  // namespace recur::kernels
