// A stable radix sort of (index, position) pairs, 8 bits a pass, least significant first: histogram of each
// tile, scan over digits and tiles, stable scatter. Its scratch depends on the count alone, so that workspace
// sizes do not depend on the device; integer counts make it deterministic.
#include "kernels/device/reduce.cuh"
#include "kernels/sequence/launch.hpp"

namespace recur::kernels {
namespace {

using device::kFullWarp;

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / 32;
constexpr int kPerWarp = kRadixTile / kWarps;
constexpr int kScanThreads = 1024;
static_assert(kThreads == kRadixDigits);

__device__ __forceinline__ uint32_t key_at(const RadixPass& a, int64_t i) {
  if (a.indices == nullptr) return a.keys_in[i];
  int64_t index = a.indices[i];
  return static_cast<uint32_t>(index < 0 || index >= a.vocabulary ? a.vocabulary : index);
}

// counts[warp][digit] of one tile; warp w owns the places w*256 .. w*256+255 of it.
__device__ __forceinline__ void count_digits(const RadixPass& a, int64_t tile,
                                             uint32_t (&counts)[kWarps][kRadixDigits]) {
  for (int w = 0; w < kWarps; ++w) counts[w][threadIdx.x] = 0;
  __syncthreads();
  int warp = threadIdx.x / 32;
  int64_t base = tile * kRadixTile + warp * kPerWarp + threadIdx.x % 32;
  for (int round = 0; round < kPerWarp / 32; ++round) {
    int64_t i = base + round * 32;
    if (i < a.count) atomicAdd(&counts[warp][(key_at(a, i) >> a.shift) & 255], 1u);
  }
  __syncthreads();
}

__global__ void __launch_bounds__(kThreads) histogram_kernel(RadixPass a, int64_t tiles) {
  __shared__ uint32_t counts[kWarps][kRadixDigits];
  for (int64_t tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
    count_digits(a, tile, counts);
    uint32_t total = 0;
    for (int w = 0; w < kWarps; ++w) total += counts[w][threadIdx.x];
    a.offsets[threadIdx.x * tiles + tile] = total;
    __syncthreads();
  }
}

// Exclusive scan of values[count] in place, by one block; a thread takes a contiguous share.
__global__ void __launch_bounds__(kScanThreads) scan_kernel(uint32_t* values, int64_t count) {
  __shared__ uint32_t warp_sums[kScanThreads / 32];
  int64_t share = (count + kScanThreads - 1) / kScanThreads;
  int64_t begin = min(threadIdx.x * share, count), end = min(begin + share, count);
  uint32_t sum = 0;
  for (int64_t i = begin; i < end; ++i) sum += values[i];
  uint32_t inclusive = sum;
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  for (int distance = 1; distance < 32; distance *= 2) {
    uint32_t below = __shfl_up_sync(kFullWarp, inclusive, distance);
    if (lane >= distance) inclusive += below;
  }
  if (lane == 31) warp_sums[warp] = inclusive;
  __syncthreads();
  uint32_t running = inclusive - sum;
  for (int w = 0; w < warp; ++w) running += warp_sums[w];
  for (int64_t i = begin; i < end; ++i) {
    uint32_t value = values[i];
    values[i] = running;
    running += value;
  }
}

__global__ void __launch_bounds__(kThreads) scatter_kernel(RadixPass a, int64_t tiles) {
  __shared__ uint32_t next[kWarps][kRadixDigits];
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  for (int64_t tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
    count_digits(a, tile, next);
    uint32_t place = a.offsets[threadIdx.x * tiles + tile];
    for (int w = 0; w < kWarps; ++w) {
      uint32_t here = next[w][threadIdx.x];
      next[w][threadIdx.x] = place;
      place += here;
    }
    __syncthreads();
    int64_t base = tile * kRadixTile + warp * kPerWarp + lane;
    for (int round = 0; round < kPerWarp / 32; ++round) {
      int64_t i = base + round * 32;
      bool valid = i < a.count;
      uint32_t key = valid ? key_at(a, i) : 0;
      uint32_t digit = valid ? (key >> a.shift) & 255 : kRadixDigits;
      unsigned same = __match_any_sync(kFullWarp, digit);
      unsigned before = __popc(same & ((1u << lane) - 1));
      uint32_t target = 0;
      if (valid) target = next[warp][digit] + before;
      __syncwarp();
      if (valid && before == 0) next[warp][digit] += __popc(same);
      __syncwarp();
      if (valid) {
        a.keys_out[target] = key;
        a.positions_out[target] = a.positions_in == nullptr ? static_cast<uint32_t>(i) : a.positions_in[i];
      }
    }
    __syncthreads();
  }
}

}  // namespace

cudaError_t radix_pass(const RadixPass& a, cudaStream_t stream) {
  int64_t tiles = (a.count + kRadixTile - 1) / kRadixTile;
  unsigned blocks = static_cast<unsigned>(tiles < 65535 ? tiles : 65535);
  histogram_kernel<<<blocks, kThreads, 0, stream>>>(a, tiles);
  scan_kernel<<<1, kScanThreads, 0, stream>>>(a.offsets, tiles * kRadixDigits);
  scatter_kernel<<<blocks, kThreads, 0, stream>>>(a, tiles);
  return cudaGetLastError();
}

}  // namespace recur::kernels
