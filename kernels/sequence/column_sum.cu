// Column sums of a row-major matrix, as bias gradients and partial sums need them. Fixed order, fp32.
#include <algorithm>

#include "kernels/element.cuh"
#include "kernels/sequence/launch.hpp"

namespace recur::kernels {
namespace {

constexpr int kRowsAtOnce = 8;
constexpr int64_t kChunk = 512;
constexpr int64_t kMaxChunks = 65535;

// A block for 32 columns and a chunk of rows: thread (x,y) sums rows y, y+8, ... of column x; the eight are
// added in turn.
template <class T>
__global__ void __launch_bounds__(32 * kRowsAtOnce) column_sum_kernel(ColumnSum a) {
  __shared__ float shared[kRowsAtOnce][32];
  int64_t column = static_cast<int64_t>(blockIdx.x) * 32 + threadIdx.x;
  int64_t begin = static_cast<int64_t>(blockIdx.y) * a.chunk;
  int64_t end = min(begin + a.chunk, a.rows);
  float sum = 0;
  if (column < a.columns) {
    const T* in = static_cast<const T*>(a.in) + column;
#pragma unroll 4
    for (int64_t row = begin + threadIdx.y; row < end; row += kRowsAtOnce) sum += device::to_float(in[row * a.columns]);
  }
  shared[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y == 0 && column < a.columns) {
#pragma unroll
    for (int y = 1; y < kRowsAtOnce; ++y) sum += shared[y][threadIdx.x];
    float* out = a.out + blockIdx.y * a.columns + column;
    *out = a.accumulate ? *out + sum : sum;
  }
}

int64_t chunk_rows(int64_t rows) { return std::max(kChunk, (rows + kMaxChunks - 1) / kMaxChunks); }

}  // namespace

cudaError_t column_sum_pass(const ColumnSum& a, cudaStream_t stream) {
  dim3 block(32, kRowsAtOnce);
  dim3 grid(static_cast<unsigned>((a.columns + 31) / 32),
            static_cast<unsigned>((a.rows + a.chunk - 1) / a.chunk));
  return with_element(a.type, [&](auto element) {
    column_sum_kernel<decltype(element)><<<grid, block, 0, stream>>>(a);
    return cudaGetLastError();
  });
}

size_t column_sum_workspace(int64_t rows, int64_t columns) {
  int64_t chunk = chunk_rows(rows);
  return rows <= chunk ? 0 : static_cast<size_t>((rows + chunk - 1) / chunk) * columns * sizeof(float);
}

cudaError_t column_sum(const void* in, float* out, int64_t rows, int64_t columns, bool accumulate,
                       void* workspace, cudaStream_t stream, recur_type type) {
  int64_t chunk = chunk_rows(rows);
  if (rows <= chunk) return column_sum_pass({in, out, rows, columns, chunk, accumulate, type}, stream);
  float* partial = static_cast<float*>(workspace);
  int64_t chunks = (rows + chunk - 1) / chunk;
  cudaError_t error = column_sum_pass({in, partial, rows, columns, chunk, false, type}, stream);
  if (error != cudaSuccess) return error;
  return column_sum_pass({partial, out, chunks, columns, chunks, accumulate}, stream);
}

}  // namespace recur::kernels
