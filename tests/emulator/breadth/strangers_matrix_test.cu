// Tensor cores in the manner of other people's kernels: a product by mma.sync with two stages of cp.async and
// swizzled ldmatrix, and an LSTM step by wmma, against fp64.
#include <cuda_fp16.h>
#include <mma.h>

#include "strangers.hpp"

namespace {

using namespace breadth;

// ---- C [M,N] = A [M,K] B [K,N], fp16 with sums in fp32: blocks of 64x64, four warps of 32x32, K by 32. What
// lies outside is filled with zeros by the copy. Rows of N and K begin at multiples of 16 bytes.

constexpr int kTileM = 64, kTileN = 64, kTileK = 32;

__device__ __forceinline__ unsigned shared_address(const void* p) {
  return static_cast<unsigned>(__cvta_generic_to_shared(p));
}
__device__ __forceinline__ void copy16(void* to, const void* from, bool there) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(shared_address(to)), "l"(from),
               "r"(there ? 16 : 0));
}
// Eight halves are a chunk. Chunks of a row change places by the row's number, so that eight rows lie in
// eight banks.
__device__ __forceinline__ int place_a(int row, int chunk) {
  return row * kTileK + (chunk ^ (row >> 1 & 3)) * 8;
}
__device__ __forceinline__ int place_b(int row, int chunk) { return row * kTileN + (chunk ^ (row & 7)) * 8; }

__device__ __forceinline__ void load_a(unsigned (&r)[4], const __half* p) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];\n"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(p)));
}
__device__ __forceinline__ void load_b(unsigned (&r)[4], const __half* p) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];\n"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(p)));
}
__device__ __forceinline__ void multiply(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};\n"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

__global__ void __launch_bounds__(128)
    product_kernel(const __half* A, const __half* B, float* C, int M, int N, int K) {
  __shared__ __align__(128) __half a_tile[2][kTileM * kTileK], b_tile[2][kTileK * kTileN];
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, row0 = blockIdx.y * kTileM,
            column0 = blockIdx.x * kTileN;
  const int warp_row = warp / 2 * 32, warp_column = warp % 2 * 32;
  auto fetch = [&](int stage, int k0) {
#pragma unroll
    for (int i = threadIdx.x; i < kTileM * kTileK / 8; i += 128) {
      const int r = i / (kTileK / 8), chunk = i % (kTileK / 8), row = row0 + r, k = k0 + chunk * 8;
      const bool there = row < M && k < K;
      copy16(&a_tile[stage][place_a(r, chunk)], there ? A + row * K + k : A, there);
    }
#pragma unroll
    for (int i = threadIdx.x; i < kTileK * kTileN / 8; i += 128) {
      const int r = i / (kTileN / 8), chunk = i % (kTileN / 8), k = k0 + r, column = column0 + chunk * 8;
      const bool there = k < K && column < N;
      copy16(&b_tile[stage][place_b(r, chunk)], there ? B + k * N + column : B, there);
    }
    asm volatile("cp.async.commit_group;\n" ::);
  };
  float sum[2][4][4] = {};
  const int tiles = (K + kTileK - 1) / kTileK;
  fetch(0, 0);
  for (int t = 0; t < tiles; ++t) {
    if (t + 1 < tiles) {
      fetch((t + 1) & 1, (t + 1) * kTileK);
      asm volatile("cp.async.wait_group 1;\n" ::: "memory");
    } else {
      asm volatile("cp.async.wait_group 0;\n" ::: "memory");
    }
    __syncthreads();
    const __half *a_now = a_tile[t & 1], *b_now = b_tile[t & 1];
#pragma unroll
    for (int k = 0; k < kTileK; k += 16) {
      unsigned a[2][4], b[2][4];
      for (int m = 0; m < 2; ++m)
        load_a(a[m], a_now + place_a(warp_row + m * 16 + lane % 16, k / 8 + lane / 16));
      for (int n = 0; n < 2; ++n)
        load_b(b[n], b_now + place_b(k + lane % 16, (warp_column + n * 16) / 8 + lane / 16));
      for (int m = 0; m < 2; ++m)
        for (int n = 0; n < 4; ++n) multiply(sum[m][n], a[m], b[n / 2][n % 2 * 2], b[n / 2][n % 2 * 2 + 1]);
    }
    __syncthreads();
  }
  for (int m = 0; m < 2; ++m)
    for (int n = 0; n < 4; ++n)
      for (int half = 0; half < 2; ++half) {
        const int row = row0 + warp_row + m * 16 + half * 8 + lane / 4,
                  column = column0 + warp_column + n * 8 + lane % 4 * 2;
        if (row < M && column < N)
          *reinterpret_cast<float2*>(C + row * N + column) =
              make_float2(sum[m][n][half * 2], sum[m][n][half * 2 + 1]);
      }
}

// A product of k terms that are summed 16 at a time: each time the hardware may cut at three bits below
// fp32's.
double sum_bound(int k, double magnitude) { return (k / 16 + 1) * 17 * 0x1p-23 * magnitude; }

TEST(Strangers, ProductByMmaWithTwoStages) {
  struct Shape {
    int m, n, k;
  };
  for (const Shape& s : {Shape{64, 64, 32}, {64, 64, 96}, {1, 8, 8}, {100, 72, 200}, {130, 136, 64}}) {
    const auto a = rounded<__half>(uniform(std::size_t(s.m) * s.k, 1, 20)),
               b = rounded<__half>(uniform(std::size_t(s.k) * s.n, 1, 21));
    Device<__half> d_a(a), d_b(b);
    Device<float> c(std::size_t(s.m) * s.n);
    product_kernel<<<dim3((s.n + 63) / 64, (s.m + 63) / 64), 128>>>(d_a, d_b, c, s.m, s.n, s.k);
    const std::vector<float> got = c.read();
    for (int i = 0; i < s.m; ++i)
      for (int j = 0; j < s.n; ++j) {
        double sum = 0, magnitude = 0;
        for (int k = 0; k < s.k; ++k) {
          const double term = double(float(a[i * s.k + k])) * float(b[k * s.n + j]);
          sum += term, magnitude += std::fabs(term);
        }
        ASSERT_NEAR(got[i * s.n + j], sum, sum_bound(s.k, magnitude))
            << s.m << "x" << s.n << "x" << s.k << " at " << i << ", " << j;
      }
  }
}

// ---- A step of an LSTM: [x h] [16,K] times W [K,4H] by wmma, a warp a gate, a block 16 units of 16 rows;
// the gates meet in dynamic shared memory, where c and h are made. W for the block's units is there from the
// start: over 48 KB.

using namespace nvcuda;

__global__ void lstm_step(const __half* x, const __half* h, const __half* W, const float* bias,
                          const float* c_in, float* c_out, __half* h_out, int inputs, int hidden) {
  extern __shared__ __align__(256) unsigned char memory[];
  const int K = inputs + hidden, unit0 = blockIdx.x * 16, row0 = blockIdx.y * 16, gate = threadIdx.x / 32;
  __half* w = reinterpret_cast<__half*>(memory);                                  // [4][K][16]
  float* gates = reinterpret_cast<float*>(memory + sizeof(__half) * 4 * K * 16);  // [4][16][20]
  for (int i = threadIdx.x; i < 4 * K * 2; i += blockDim.x) {
    const int g = i / (2 * K), k = i / 2 % K, half = i % 2;
    *reinterpret_cast<uint4*>(w + (g * K + k) * 16 + half * 8) =
        *reinterpret_cast<const uint4*>(W + k * 4 * hidden + g * hidden + unit0 + half * 8);
  }
  __syncthreads();
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> sum;
  wmma::fill_fragment(sum, 0.f);
  for (int k = 0; k < K; k += 16) {
    wmma::fragment<wmma::matrix_a, 16, 16, 16, __half, wmma::row_major> a;
    wmma::fragment<wmma::matrix_b, 16, 16, 16, __half, wmma::row_major> b;
    if (k < inputs)
      wmma::load_matrix_sync(a, x + row0 * inputs + k, inputs);
    else
      wmma::load_matrix_sync(a, h + row0 * hidden + k - inputs, hidden);
    wmma::load_matrix_sync(b, w + (gate * K + k) * 16, 16);
    wmma::mma_sync(sum, a, b, sum);
  }
  wmma::store_matrix_sync(gates + gate * 16 * 20, sum, 20, wmma::mem_row_major);
  __syncthreads();
  for (int e = threadIdx.x; e < 256; e += blockDim.x) {
    const int row = e / 16, unit = e % 16, at = (row0 + row) * hidden + unit0 + unit;
    float g[4];
    for (int k = 0; k < 4; ++k) g[k] = gates[k * 16 * 20 + row * 20 + unit] + bias[k * hidden + unit0 + unit];
    const float i = 1 / (1 + expf(-g[0])), f = 1 / (1 + expf(-g[1])), o = 1 / (1 + expf(-g[3]));
    const float c = f * c_in[at] + i * tanhf(g[2]);
    c_out[at] = c;
    h_out[at] = __float2half(o * tanhf(c));
  }
}

void check_lstm_steps(int rows, int inputs, int hidden, int steps) {
  const int K = inputs + hidden, cells = rows * hidden;
  const auto x = rounded<__half>(uniform(std::size_t(steps) * rows * inputs, 1, 22)),
             W = rounded<__half>(uniform(std::size_t(K) * 4 * hidden, 0.2, 23)),
             h0 = rounded<__half>(uniform(cells, 1, 24));
  const std::vector<float> bias = uniform(4 * hidden, 0.5, 25), c0 = uniform(cells, 1, 26);
  Device<__half> d_x(x), d_W(W), h(std::size_t(steps + 1) * cells);
  Device<float> d_bias(bias), c(std::size_t(steps + 1) * cells);
  ASSERT_EQ(cudaMemcpy(h.get(), h0.data(), cells * sizeof(__half), cudaMemcpyHostToDevice), cudaSuccess);
  ASSERT_EQ(cudaMemcpy(c.get(), c0.data(), cells * sizeof(float), cudaMemcpyHostToDevice), cudaSuccess);
  const std::size_t shared = sizeof(__half) * 4 * K * 16 + sizeof(float) * 4 * 16 * 20;
  ASSERT_EQ(cudaFuncSetAttribute(lstm_step, cudaFuncAttributeMaxDynamicSharedMemorySize, int(shared)),
            cudaSuccess);
  for (int t = 0; t < steps; ++t)
    lstm_step<<<dim3(hidden / 16, rows / 16), 128, shared>>>(
        d_x.get() + t * rows * inputs, h.get() + t * cells, d_W, d_bias, c.get() + t * cells,
        c.get() + (t + 1) * cells, h.get() + (t + 1) * cells, inputs, hidden);
  ASSERT_EQ(cudaGetLastError(), cudaSuccess);
  const std::vector<__half> got_h = h.read();
  const std::vector<float> got_c = c.read();
  for (int t = 0; t < steps; ++t)
    for (int i = 0; i < cells; ++i) {  // each step from what the one before gave
      double g[4], off[4];
      for (int k = 0; k < 4; ++k) {
        const int column = k * hidden + i % hidden;
        double magnitude = std::fabs(bias[column]);
        g[k] = bias[column];
        for (int j = 0; j < K; ++j) {
          const float in = j < inputs ? float(x[(t * rows + i / hidden) * inputs + j])
                                      : float(got_h[t * cells + i / hidden * hidden + j - inputs]);
          const double term = double(in) * float(W[j * 4 * hidden + column]);
          g[k] += term, magnitude += std::fabs(term);
        }
        off[k] = sum_bound(K, magnitude) + 16 * kSingle;
      }
      const double before = got_c[t * cells + i],
                   now = sigmoid(g[1]) * before + sigmoid(g[0]) * std::tanh(g[2]);
      const double bound = off[1] * std::fabs(before) + off[0] + off[2] + 4 * kSingle * (1 + std::fabs(now));
      ASSERT_NEAR(got_c[(t + 1) * cells + i], now, bound) << "step " << t << " cell " << i;
      ASSERT_NEAR(float(got_h[(t + 1) * cells + i]), sigmoid(g[3]) * std::tanh(now), bound + off[3] + kHalf)
          << "step " << t << " cell " << i;
    }
}

TEST(Strangers, LstmStepByWmma) {
  check_lstm_steps(16, 16, 16, 3);
  check_lstm_steps(32, 48, 64, 2);
  check_lstm_steps(16, 256, 192, 2);  // 60 KB of shared memory
}

}  // namespace
