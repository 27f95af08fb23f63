// Matrix products by the toolkit's nvcuda::wmma, of several types, shapes, layouts and sizes, against fp64 on the host.
#include "products.cuh"

#include <mma.h>

namespace {

namespace wmma = nvcuda::wmma;

template <class T> struct Stored { using type = T; };
template <> struct Stored<wmma::precision::tf32> { using type = float; };

// C [rows, columns] = alpha A B + beta C, a warp and block a tile; lines of A, B and C are lda, ldb and ldc apart. With
// a bias [rows] the result goes through shared memory, where each row gets its own.
template <int M, int N, int K, class T, class Sum, class LayoutA, class LayoutB>
__global__ void product(const typename Stored<T>::type* a, const typename Stored<T>::type* b, Sum* c, const float* bias,
                        int depth, int lda, int ldb, int ldc, float alpha, float beta) {
  constexpr bool a_row = std::is_same_v<LayoutA, wmma::row_major>, b_row = std::is_same_v<LayoutB, wmma::row_major>;
  wmma::fragment<wmma::matrix_a, M, N, K, T, LayoutA> fa;
  wmma::fragment<wmma::matrix_b, M, N, K, T, LayoutB> fb;
  wmma::fragment<wmma::accumulator, M, N, K, Sum> sum, old;
  const int row = blockIdx.y * M, column = blockIdx.x * N;
  wmma::fill_fragment(sum, Sum(0.0f));
  for (int k = 0; k < depth; k += K) {
    wmma::load_matrix_sync(fa, a + (a_row ? row * lda + k : k * lda + row), lda);
    wmma::load_matrix_sync(fb, b + (b_row ? k * ldb + column : column * ldb + k), ldb);
    if constexpr (std::is_same_v<T, wmma::precision::tf32>) {
      for (int i = 0; i < fa.num_elements; ++i) fa.x[i] = wmma::__float_to_tf32(fa.x[i]);
      for (int i = 0; i < fb.num_elements; ++i) fb.x[i] = wmma::__float_to_tf32(fb.x[i]);
    }
    wmma::mma_sync(sum, fa, fb, sum);
  }
  Sum* const tile = c + row * ldc + column;
  wmma::load_matrix_sync(old, tile, ldc, wmma::mem_row_major);
  for (int i = 0; i < sum.num_elements; ++i) sum.x[i] = Sum(alpha) * sum.x[i] + Sum(beta) * old.x[i];
  if (bias == nullptr) {
    wmma::store_matrix_sync(tile, sum, ldc, wmma::mem_row_major);
    return;
  }
  constexpr int pad = 16 / sizeof(Sum);
  __shared__ __align__(32) Sum shared[N * (M + pad)];  // column after column
  wmma::store_matrix_sync(shared, sum, M + pad, wmma::mem_col_major);
  __syncwarp();
  for (int i = threadIdx.x; i < M * N; i += 32)
    tile[i / N * ldc + i % N] = shared[i % N * (M + pad) + i / N] + Sum(bias[row + i / N]);
}

// tiles: how many tiles the product is high, wide and deep.
template <int M, int N, int K, class T, class Sum, class LayoutA, class LayoutB>
void check(const Size& tiles, bool with_bias) {
  using Element = typename Stored<T>::type;
  constexpr bool a_row = std::is_same_v<LayoutA, wmma::row_major>, b_row = std::is_same_v<LayoutB, wmma::row_major>;
  const int rows = tiles.rows * M, columns = tiles.columns * N, depth = tiles.depth * K;
  const int pad = 16 / sizeof(Element);
  const Operand<Element> a(rows, depth, a_row, pad), b(depth, columns, b_row, 2 * pad);
  Operand<Sum> c(rows, columns, true, 16 / sizeof(Sum));
  std::vector<float> bias(rows);
  for (float& v : bias) v = float(uniform());
  const Device<float> device_bias(bias);
  // Powers of two: scaling is exact.
  product<M, N, K, T, Sum, LayoutA, LayoutB><<<dim3(tiles.columns, tiles.rows), 32>>>(
      a.device(), b.device(), c.device(), with_bias ? device_bias.get() : nullptr, depth, a.stride, b.stride,
      c.stride, 2.0f, -0.5f);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess) << cudaGetErrorString(cudaGetLastError());
  const std::vector<double> got = c.read_back();
  // tf32: both factors are rounded to 10 bits behind the point, to nearest.
  const double factors = std::is_same_v<T, wmma::precision::tf32> ? 0x1p-10 : 0;
  int complaints = 0;
  for (int r = 0; r < rows; ++r)
    for (int n = 0; n < columns && complaints < 3; ++n) {
      const Exact e = exact(a, b, r, n, depth);
      const double wanted = 2 * e.sum - 0.5 * c.at(r, n) + (with_bias ? bias[r] : 0);
      const double others = 0.5 * std::fabs(c.at(r, n)) + (with_bias ? std::fabs(bias[r]) : 0);
      const double bound = 2 * (error_of_steps<Sum>(tiles.depth, K) + factors) * e.magnitude +
                           4 * unit<Sum> * (2 * e.magnitude + others);  // scaling, adding twice, converting the bias
      if (std::fabs(got[r * columns + n] - wanted) <= bound) continue;
      ADD_FAILURE() << "(" << r << ", " << n << ") is " << got[r * columns + n] << ", should be " << wanted
                    << " within " << bound;
      ++complaints;
    }
}

template <int M, int N, int K, class T, class Sum, class LayoutA = wmma::row_major, class LayoutB = wmma::col_major>
void check_sizes() {
  for (const Size& tiles : {Size{1, 1, 1}, Size{2, 3, 4}, Size{3, 1, 7}})
    for (const bool with_bias : {false, true}) check<M, N, K, T, Sum, LayoutA, LayoutB>(tiles, with_bias);
}

// Tiles begin at multiples of 32 bytes, as load_matrix_sync asks: no tile that is eight halves wide along its lines.
TEST(WmmaProduct, Fp16) {
  check_sizes<16, 16, 16, half, float>();
  check_sizes<16, 16, 16, half, float, wmma::col_major, wmma::row_major>();
  check_sizes<32, 8, 16, half, float>();
  check_sizes<8, 32, 16, half, float, wmma::row_major, wmma::row_major>();
}
TEST(WmmaProduct, Fp16Sums) {
  check_sizes<16, 16, 16, half, half>();
  check_sizes<32, 8, 16, half, half, wmma::col_major, wmma::col_major>();
}
TEST(WmmaProduct, Bf16) {
  check_sizes<16, 16, 16, __nv_bfloat16, float>();
  check_sizes<8, 32, 16, __nv_bfloat16, float, wmma::col_major, wmma::row_major>();
}
TEST(WmmaProduct, Tf32) { check_sizes<16, 16, 8, wmma::precision::tf32, float>(); }
TEST(WmmaProduct, Fp64) { check_sizes<8, 8, 4, double, double, wmma::col_major, wmma::col_major>(); }

}  // namespace
