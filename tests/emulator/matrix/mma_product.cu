// A tile product written by hand: swizzled shared memory, ldmatrix with and without .trans, mma.sync,
// stmatrix; against fp64.
#include "products.cuh"

namespace {

constexpr int kTile = 64, kDepth = 32, kWarps = 4;

__device__ unsigned address(const void* shared) { return unsigned(__cvta_generic_to_shared(shared)); }

__device__ void load_four(unsigned (&r)[4], unsigned from) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(from) : "memory");
}
__device__ void load_four_transposed(unsigned (&r)[4], unsigned from) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(from) : "memory");
}
template <class T>
__device__ void multiply(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  if constexpr (std::is_same_v<T, half>)
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  else
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// A line of `line` elements; its pieces of eight lie in an order of their own, so that eight lines' are in eight banks.
template <class T>
__device__ T* place(T* tile, int line, int row, int column) {
  const int pieces = line / 8, swizzle = pieces == 8 ? row % 8 : row / 2 % 4;
  return tile + row * line + (column / 8 ^ swizzle) * 8 + column % 8;
}

// C [rows, columns] in T = A [rows, depth] B [depth, columns], all row-major and dense; rows and columns
// multiples of 64, depth of 32. A block makes a tile of 64 x 64, its four warps 32 x 32 each.
template <class T>
__global__ void product(const T* a, const T* b, T* c, int columns, int depth) {
  __shared__ __align__(16) T tile_a[kTile * kDepth], tile_b[kDepth * kTile], tile_c[kTile * kTile];
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, row = warp / 2 * 32, column = warp % 2 * 32;
  float sum[2][4][4] = {};
  a += blockIdx.y * kTile * depth;
  b += blockIdx.x * kTile;
  for (int first = 0; first < depth; first += kDepth) {
    for (int i = threadIdx.x * 8; i < kTile * kDepth; i += blockDim.x * 8) {
      *reinterpret_cast<uint4*>(place(tile_a, kDepth, i / kDepth, i % kDepth)) =
          *reinterpret_cast<const uint4*>(a + i / kDepth * depth + first + i % kDepth);
      *reinterpret_cast<uint4*>(place(tile_b, kTile, i / kTile, i % kTile)) =
          *reinterpret_cast<const uint4*>(b + (first + i / kTile) * columns + i % kTile);
    }
    __syncthreads();
    for (int k = 0; k < kDepth; k += 16) {
      unsigned fa[2][4], fb[2][4];
      for (int i = 0; i < 2; ++i) {
        load_four(fa[i], address(place(tile_a, kDepth, row + 16 * i + lane % 16, k + lane / 16 * 8)));
        // Of B, whose rows are k: transposed on the way; 16 columns a time.
        load_four_transposed(fb[i], address(place(tile_b, kTile, k + lane % 16, column + 16 * i + lane / 16 * 8)));
      }
      for (int i = 0; i < 2; ++i)
        for (int j = 0; j < 4; ++j) multiply<T>(sum[i][j], fa[i], fb[j / 2][j % 2 * 2], fb[j / 2][j % 2 * 2 + 1]);
    }
    __syncthreads();
  }
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 4; j += 2) {
      unsigned packed[4];  // rows 0 to 7 and 8 to 15 of eight columns, then of the next eight
      for (int p = 0; p < 4; ++p) {
        const float* s = &sum[i][j + p / 2][p % 2 * 2];
        const T pair[2] = {T(s[0]), T(s[1])};
        packed[p] = *reinterpret_cast<const unsigned*>(pair);
      }
      asm volatile(
          "stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};"
          :
          : "r"(address(place(tile_c, kTile, row + 16 * i + lane % 16, column + 8 * j + lane / 16 * 8))),
            "r"(packed[0]), "r"(packed[1]), "r"(packed[2]), "r"(packed[3])
          : "memory");
    }
  __syncthreads();
  for (int i = threadIdx.x * 8; i < kTile * kTile; i += blockDim.x * 8)
    *reinterpret_cast<uint4*>(c + (blockIdx.y * kTile + i / kTile) * columns + blockIdx.x * kTile + i % kTile) =
        *reinterpret_cast<const uint4*>(place(tile_c, kTile, i / kTile, i % kTile));
}

template <class T>
void check() {
  const double type_unit = std::is_same_v<T, half> ? 0x1p-11 : 0x1p-8;
  for (const Size& size : {Size{64, 64, 32}, Size{128, 64, 96}, Size{64, 192, 160}}) {
    const Operand<T> a(size.rows, size.depth, true, 0), b(size.depth, size.columns, true, 0),
        c(size.rows, size.columns, true, 0);
    product<T><<<dim3(size.columns / kTile, size.rows / kTile), 32 * kWarps>>>(
        a.device(), b.device(), c.device(), size.columns, size.depth);
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess) << cudaGetErrorString(cudaGetLastError());
    const std::vector<double> got = c.read_back();
    int complaints = 0;
    for (int r = 0; r < size.rows; ++r)
      for (int n = 0; n < size.columns && complaints < 3; ++n) {
        const Exact e = exact(a, b, r, n, size.depth);
        const double sums = error_of_steps<float>(size.depth / 16, 16) * e.magnitude;
        const double bound = sums + type_unit * (std::fabs(e.sum) + sums);
        if (std::fabs(got[r * size.columns + n] - e.sum) <= bound) continue;
        ADD_FAILURE() << "(" << r << ", " << n << ") is " << got[r * size.columns + n] << ", should be "
                      << e.sum << " within " << bound;
        ++complaints;
      }
  }
}

TEST(MmaProduct, Fp16) { check<half>(); }
TEST(MmaProduct, Bf16) { check<__nv_bfloat16>(); }

}  // namespace
