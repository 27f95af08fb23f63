// Matrix loads and stores are accesses of the lanes like others: what a lane wrote must be ordered before
// another's row.
#include <cuda_fp16.h>
#include <mma.h>

#include "verdict.hpp"

namespace check_test {
namespace {

namespace wmma = nvcuda::wmma;

template <bool Right>
__global__ void rows_of_others(unsigned* out) {
  __shared__ __align__(16) unsigned short rows[8][8];
  if (threadIdx.x < 8) *reinterpret_cast<uint4*>(rows[threadIdx.x]) = make_uint4(threadIdx.x, 0, 0, 0);
  if (Right) __syncwarp();
  const unsigned p = unsigned(__cvta_generic_to_shared(rows[7 - threadIdx.x % 8]));
  unsigned r;
  asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];" : "=r"(r) : "r"(p) : "memory");
  out[threadIdx.x] = r;
}

TEST(MatrixRace, LoadBeforeTheBarrier) {
  const Words out(32);
  rows_of_others<false><<<1, 32>>>(out);
  EXPECT_TRUE(tells(verdict(), {"race", "matrix_race_test.cu"}));
  const Words again(32);
  rows_of_others<true><<<1, 32>>>(again);
  EXPECT_EQ(verdict(), "");
}

template <bool Right>
__global__ void stored_tile(unsigned* out) {
  __shared__ __align__(32) float tile[256];
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> f;
  wmma::fill_fragment(f, 1.0f);
  wmma::store_matrix_sync(tile, f, 16, wmma::mem_row_major);
  if (Right) __syncwarp();
  for (int i = threadIdx.x; i < 256; i += 32) out[i] = unsigned(tile[i]);
}

TEST(MatrixRace, ReadBeforeTheTileIsStored) {
  const Words out(256);
  stored_tile<false><<<1, 32>>>(out);
  EXPECT_TRUE(tells(verdict(), {"race", "matrix_race_test.cu"}));
  const Words again(256);
  stored_tile<true><<<1, 32>>>(again);
  EXPECT_EQ(verdict(), "");
}

}  // namespace
}  // namespace check_test
