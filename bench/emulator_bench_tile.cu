// A product of matrices as it is written by hand for fp32: tiles in shared memory, 8 x 8 results a thread.
#include "emulator_bench.hpp"

#include <cuda_runtime.h>

namespace {

__global__ void __launch_bounds__(256) tile_product(const float* a, const float* b, float* c, int rounds) {
  __shared__ float tile_a[16][132], tile_b[16][128];  // a is transposed; four words of padding part its banks
  const int column = threadIdx.x % 16 * 4, row = threadIdx.x / 16 * 4;
  float sum[8][8] = {};
  for (int round = 0; round < rounds; ++round) {
#pragma unroll
    for (int part = 0; part < 2; ++part) {
      const int at = part * 256 + threadIdx.x;
      const float4 v = reinterpret_cast<const float4*>(a)[(round % 8) * 512 + at];
      tile_a[at % 4 * 4 + 0][at / 4] = v.x;
      tile_a[at % 4 * 4 + 1][at / 4] = v.y;
      tile_a[at % 4 * 4 + 2][at / 4] = v.z;
      tile_a[at % 4 * 4 + 3][at / 4] = v.w;
      *reinterpret_cast<float4*>(&tile_b[at / 32][at % 32 * 4]) = reinterpret_cast<const float4*>(b)[(round % 8) * 512 + at];
    }
    __syncthreads();
#pragma unroll
    for (int k = 0; k < 16; ++k) {
      float x[8], y[8];
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        *reinterpret_cast<float4*>(&x[4 * half]) = *reinterpret_cast<const float4*>(&tile_a[k][64 * half + row]);
        *reinterpret_cast<float4*>(&y[4 * half]) = *reinterpret_cast<const float4*>(&tile_b[k][64 * half + column]);
      }
#pragma unroll
      for (int i = 0; i < 64; ++i) sum[i / 8][i % 8] = fmaf(x[i / 8], y[i % 8], sum[i / 8][i % 8]);
    }
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < 8; ++i)
#pragma unroll
    for (int half = 0; half < 2; ++half)
      *reinterpret_cast<float4*>(&c[(i / 4 * 64 + row + i % 4) * 128 + 64 * half + column]) =
          *reinterpret_cast<float4*>(&sum[i][4 * half]);
}

}  // namespace

bool launch_tile_product(const float* a, const float* b, float* c, int blocks, int rounds) {
  // The blocks write one result, one after another: each launch is one block's.
  for (int block = 0; block < blocks; ++block) tile_product<<<1, 256>>>(a, b, c, rounds);
  return cudaGetLastError() == cudaSuccess;
}
