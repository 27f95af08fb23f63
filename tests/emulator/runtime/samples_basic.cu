// Programs in the manner of the well-known samples, with the calls that such programs make and nothing of the
// emulator's: arithmetic over arrays, shared memory, atomics, printf, assert, clocks.
#undef NDEBUG  // the assertion is what is tested
#include <cassert>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <vector>

#include "fixture.hpp"

#define RUN(call)                                                                        \
  do {                                                                                   \
    const cudaError_t run_error = (call);                                                \
    ASSERT_EQ(run_error, cudaSuccess) << #call << ": " << cudaGetErrorString(run_error); \
  } while (false)

namespace {

__global__ void vector_add(const float* a, const float* b, float* c, int n) {
  const int i = blockDim.x * blockIdx.x + threadIdx.x;
  if (i < n) c[i] = a[i] + b[i] + 0.0f;
}

TEST(Samples, VectorAdd) {
  const int n = 5000;
  const std::size_t size = n * sizeof(float);
  float* a = static_cast<float*>(std::malloc(size));
  float* b = static_cast<float*>(std::malloc(size));
  float* c = static_cast<float*>(std::malloc(size));
  for (int i = 0; i < n; ++i) a[i] = i * 0.25f, b[i] = 7 - i * 0.5f;
  float *da = nullptr, *db = nullptr, *dc = nullptr;
  RUN(cudaMalloc(&da, size));
  RUN(cudaMalloc(&db, size));
  RUN(cudaMalloc(&dc, size));
  RUN(cudaMemcpy(da, a, size, cudaMemcpyHostToDevice));
  RUN(cudaMemcpy(db, b, size, cudaMemcpyHostToDevice));
  const int threads = 256, blocks = (n + threads - 1) / threads;
  vector_add<<<blocks, threads>>>(da, db, dc, n);
  RUN(cudaGetLastError());
  RUN(cudaMemcpy(c, dc, size, cudaMemcpyDeviceToHost));
  for (int i = 0; i < n; ++i) ASSERT_EQ(c[i], a[i] + b[i]);
  RUN(cudaFree(da));
  RUN(cudaFree(db));
  RUN(cudaFree(dc));
  std::free(a), std::free(b), std::free(c);
}

template <int Tile>
__global__ void matrix_multiply(float* c, const float* a, const float* b, int wa, int wb) {
  __shared__ float as[Tile][Tile], bs[Tile][Tile];
  const int tx = threadIdx.x, ty = threadIdx.y;
  const int row = blockIdx.y * Tile + ty, column = blockIdx.x * Tile + tx;
  float sum = 0;
  for (int k = 0; k < wa; k += Tile) {
    as[ty][tx] = a[row * wa + k + tx];
    bs[ty][tx] = b[(k + ty) * wb + column];
    __syncthreads();
#pragma unroll
    for (int i = 0; i < Tile; ++i) sum += as[ty][i] * bs[i][tx];
    __syncthreads();
  }
  c[row * wb + column] = sum;
}

TEST(Samples, MatrixMultiplyWithTimingEvents) {
  const int ha = 64, wa = 96, wb = 32;
  std::vector<float> a(ha * wa), b(wa * wb), c(ha * wb);
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(i % 13) - 6;
  for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<float>(i % 7) - 3;
  float *da, *db, *dc;
  RUN(cudaMalloc(reinterpret_cast<void**>(&da), a.size() * 4));
  RUN(cudaMalloc(reinterpret_cast<void**>(&db), b.size() * 4));
  RUN(cudaMalloc(reinterpret_cast<void**>(&dc), c.size() * 4));
  cudaEvent_t start, stop;
  RUN(cudaEventCreate(&start));
  RUN(cudaEventCreate(&stop));
  cudaStream_t stream;
  RUN(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  RUN(cudaMemcpyAsync(da, a.data(), a.size() * 4, cudaMemcpyHostToDevice, stream));
  RUN(cudaMemcpyAsync(db, b.data(), b.size() * 4, cudaMemcpyHostToDevice, stream));
  const dim3 threads(16, 16), grid(wb / threads.x, ha / threads.y);
  matrix_multiply<16><<<grid, threads, 0, stream>>>(dc, da, db, wa, wb);
  RUN(cudaStreamSynchronize(stream));
  RUN(cudaEventRecord(start, stream));
  for (int i = 0; i < 3; ++i) matrix_multiply<16><<<grid, threads, 0, stream>>>(dc, da, db, wa, wb);
  RUN(cudaEventRecord(stop, stream));
  RUN(cudaEventSynchronize(stop));
  float ms = -1;
  RUN(cudaEventElapsedTime(&ms, start, stop));
  EXPECT_GT(ms, 0);
  RUN(cudaMemcpyAsync(c.data(), dc, c.size() * 4, cudaMemcpyDeviceToHost, stream));
  RUN(cudaStreamSynchronize(stream));
  for (int i = 0; i < ha; ++i)
    for (int j = 0; j < wb; ++j) {
      float expected = 0;  // small whole numbers: exact
      for (int k = 0; k < wa; ++k) expected += a[i * wa + k] * b[k * wb + j];
      ASSERT_EQ(c[i * wb + j], expected) << i << " " << j;
    }
  RUN(cudaEventDestroy(start));
  RUN(cudaEventDestroy(stop));
  RUN(cudaFree(da));
  RUN(cudaFree(db));
  RUN(cudaFree(dc));
  RUN(cudaStreamDestroy(stream));
}

template <class T>
__global__ void reduce(const T* in, T* out, unsigned n) {
  extern __shared__ int memory[];
  T* data = reinterpret_cast<T*>(memory);
  const unsigned t = threadIdx.x;
  T sum = 0;
  for (unsigned i = blockIdx.x * blockDim.x * 2 + t; i < n; i += blockDim.x * 2 * gridDim.x) {
    sum += in[i];
    if (i + blockDim.x < n) sum += in[i + blockDim.x];
  }
  data[t] = sum;
  __syncthreads();
  for (unsigned s = blockDim.x / 2; s >= 32; s >>= 1) {
    if (t < s) data[t] = sum = sum + data[t + s];
    __syncthreads();
  }
  if (t < 32) {
    for (int o = 16; o > 0; o /= 2) sum += __shfl_down_sync(0xffffffff, sum, o);
    if (t == 0) out[blockIdx.x] = sum;
  }
}

TEST(Samples, Reduction) {
  for (const unsigned n : {1u, 31u, 1000u, 40000u}) {
    std::vector<int> h(n), part(16);
    for (unsigned i = 0; i < n; ++i) h[i] = static_cast<int>(i * 7 % 101);
    int *in, *out;
    RUN(cudaMalloc(&in, n * sizeof(int)));
    RUN(cudaMalloc(&out, 16 * sizeof(int)));
    RUN(cudaMemcpy(in, h.data(), n * sizeof(int), cudaMemcpyHostToDevice));
    reduce<int><<<16, 128, 128 * sizeof(int)>>>(in, out, n);
    RUN(cudaDeviceSynchronize());
    RUN(cudaMemcpy(part.data(), out, 16 * sizeof(int), cudaMemcpyDeviceToHost));
    EXPECT_EQ(std::accumulate(part.begin(), part.end(), 0), std::accumulate(h.begin(), h.end(), 0)) << n;
    RUN(cudaFree(in));
    RUN(cudaFree(out));
  }
}

// Work-efficient, exclusive, one block.
__global__ void prescan(int* out, const int* in, int n) {
  extern __shared__ int temp[];
  const int t = threadIdx.x;
  int offset = 1;
  temp[2 * t] = in[2 * t];
  temp[2 * t + 1] = in[2 * t + 1];
  for (int d = n >> 1; d > 0; d >>= 1, offset *= 2) {
    __syncthreads();
    if (t < d) temp[offset * (2 * t + 2) - 1] += temp[offset * (2 * t + 1) - 1];
  }
  if (t == 0) temp[n - 1] = 0;
  for (int d = 1; d < n; d *= 2) {
    offset >>= 1;
    __syncthreads();
    if (t < d) {
      const int a = offset * (2 * t + 1) - 1, b = offset * (2 * t + 2) - 1, kept = temp[a];
      temp[a] = temp[b];
      temp[b] += kept;
    }
  }
  __syncthreads();
  out[2 * t] = temp[2 * t];
  out[2 * t + 1] = temp[2 * t + 1];
}

TEST(Samples, Scan) {
  const int n = 512;
  std::vector<int> in(n), out(n), expected(n);
  for (int i = 0; i < n; ++i) in[i] = i % 9;
  for (int i = 1; i < n; ++i) expected[i] = expected[i - 1] + in[i - 1];
  int *d_in, *d_out;
  RUN(cudaMalloc(&d_in, n * sizeof(int)));
  RUN(cudaMalloc(&d_out, n * sizeof(int)));
  RUN(cudaMemcpy(d_in, in.data(), n * sizeof(int), cudaMemcpyHostToDevice));
  prescan<<<1, n / 2, n * sizeof(int)>>>(d_out, d_in, n);
  RUN(cudaMemcpy(out.data(), d_out, n * sizeof(int), cudaMemcpyDeviceToHost));
  EXPECT_EQ(out, expected);
  RUN(cudaFree(d_in));
  RUN(cudaFree(d_out));
}

__global__ void transpose(float* out, std::size_t out_pitch, const float* in, std::size_t in_pitch, int w,
                          int h) {
  __shared__ float tile[32][33];
  int x = blockIdx.x * 32 + threadIdx.x, y = blockIdx.y * 32 + threadIdx.y;
  for (int j = 0; j < 32; j += 8)
    if (x < w && y + j < h)
      tile[threadIdx.y + j][threadIdx.x] =
          *reinterpret_cast<const float*>(reinterpret_cast<const char*>(in) + (y + j) * in_pitch + x * 4);
  __syncthreads();
  x = blockIdx.y * 32 + threadIdx.x;
  y = blockIdx.x * 32 + threadIdx.y;
  for (int j = 0; j < 32; j += 8)
    if (x < h && y + j < w)
      *reinterpret_cast<float*>(reinterpret_cast<char*>(out) + (y + j) * out_pitch + x * 4) =
          tile[threadIdx.x][threadIdx.y + j];
}

TEST(Samples, TransposeInPitchedMemory) {
  const int w = 70, h = 45;
  std::vector<float> a(w * h), b(w * h);
  std::iota(a.begin(), a.end(), 0.0f);
  float *in, *out;
  std::size_t in_pitch, out_pitch;
  RUN(cudaMallocPitch(reinterpret_cast<void**>(&in), &in_pitch, w * 4, h));
  RUN(cudaMallocPitch(reinterpret_cast<void**>(&out), &out_pitch, h * 4, w));
  RUN(cudaMemcpy2D(in, in_pitch, a.data(), w * 4, w * 4, h, cudaMemcpyHostToDevice));
  transpose<<<dim3(3, 2), dim3(32, 8)>>>(out, out_pitch, in, in_pitch, w, h);
  RUN(cudaMemcpy2D(b.data(), h * 4, out, out_pitch, h * 4, w, cudaMemcpyDeviceToHost));
  for (int y = 0; y < h; ++y)
    for (int x = 0; x < w; ++x) ASSERT_EQ(b[x * h + y], a[y * w + x]);
  RUN(cudaFree(in));
  RUN(cudaFree(out));
}

// Bins in shared memory a block, then one atomic addition a bin.
__global__ void histogram(unsigned* bins, const unsigned char* data, unsigned n) {
  __shared__ unsigned mine[256];
  for (unsigned i = threadIdx.x; i < 256; i += blockDim.x) mine[i] = 0;
  __syncthreads();
  for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += blockDim.x * gridDim.x)
    atomicAdd(&mine[data[i]], 1u);
  __syncthreads();
  for (unsigned i = threadIdx.x; i < 256; i += blockDim.x) atomicAdd(&bins[i], mine[i]);
}

TEST(Samples, Histogram) {
  const unsigned n = 20000;
  std::vector<unsigned char> data(n);
  std::vector<unsigned> expected(256), bins(256);
  for (unsigned i = 0; i < n; ++i) expected[data[i] = static_cast<unsigned char>(i * i * 31 >> 3)]++;
  unsigned char* d;
  unsigned* b;
  RUN(cudaMalloc(&d, n));
  RUN(cudaMalloc(&b, 1024));
  RUN(cudaMemset(b, 0, 1024));
  RUN(cudaMemcpy(d, data.data(), n, cudaMemcpyHostToDevice));
  histogram<<<8, 192>>>(b, d, n);
  RUN(cudaMemcpy(bins.data(), b, 1024, cudaMemcpyDeviceToHost));
  EXPECT_EQ(bins, expected);
  RUN(cudaFree(d));
  RUN(cudaFree(b));
}

__global__ void atomics(int* x) {
  const unsigned t = blockDim.x * blockIdx.x + threadIdx.x;
  atomicAdd(&x[0], 10);
  atomicSub(&x[1], 10);
  atomicExch(&x[2], int(t));
  atomicMax(&x[3], int(t));
  atomicMin(&x[4], int(t));
  atomicInc(reinterpret_cast<unsigned*>(&x[5]), 17);
  atomicDec(reinterpret_cast<unsigned*>(&x[6]), 137);
  atomicCAS(&x[7], int(t) - 1, int(t));
  atomicAnd(&x[8], 2 * int(t) + 7);
  atomicOr(&x[9], 1 << (t % 31));
  atomicXor(&x[10], int(t));
}

TEST(Samples, Atomics) {
  int h[11] = {0, 0, 0, -5, 1 << 30, 0, 0, 0, 0xff, 0, 0xff}, *d;
  RUN(cudaMalloc(&d, sizeof h));
  RUN(cudaMemcpy(d, h, sizeof h, cudaMemcpyHostToDevice));
  const int n = 32 * 64;
  atomics<<<32, 64>>>(d);
  RUN(cudaMemcpy(h, d, sizeof h, cudaMemcpyDeviceToHost));
  unsigned increased = 0, decreased = 0;
  for (int i = 0; i < n; ++i) increased = increased >= 17 ? 0 : increased + 1;
  for (int i = 0; i < n; ++i) decreased = decreased == 0 || decreased > 137 ? 137 : decreased - 1;
  int conjunction = 0xff, exclusive = 0xff;
  for (int i = 0; i < n; ++i) conjunction &= 2 * i + 7, exclusive ^= i;
  EXPECT_EQ(h[0], 10 * n);
  EXPECT_EQ(h[1], -10 * n);
  EXPECT_TRUE(h[2] >= 0 && h[2] < n);
  EXPECT_EQ(h[3], n - 1);
  EXPECT_EQ(h[4], 0);
  EXPECT_EQ(static_cast<unsigned>(h[5]), increased);
  EXPECT_EQ(static_cast<unsigned>(h[6]), decreased);
  EXPECT_TRUE(h[7] >= 0 && h[7] < n);
  EXPECT_EQ(h[8], conjunction);
  EXPECT_EQ(h[9], 0x7fffffff);
  EXPECT_EQ(h[10], exclusive);
  RUN(cudaFree(d));
}

__global__ void speak(int value) {
  printf("[%d, %d]:\t\tValue is:%d %5.2f %s\n", blockIdx.y * gridDim.x + blockIdx.x,
         threadIdx.z * blockDim.x * blockDim.y + threadIdx.y * blockDim.x + threadIdx.x, value, value / 4.0,
         "so");
}

TEST(Samples, Printf) {
  testing::internal::CaptureStdout();
  speak<<<dim3(2, 2), dim3(2, 2, 2)>>>(10);
  const cudaError_t error = cudaDeviceSynchronize();
  const std::string text = testing::internal::GetCapturedStdout();
  RUN(error);
  for (int block = 0; block < 4; ++block)
    for (int thread = 0; thread < 8; ++thread) {
      char line[64];
      std::snprintf(line, sizeof line, "[%d, %d]:\t\tValue is:10  2.50 so\n", block, thread);
      EXPECT_NE(text.find(line), std::string::npos) << line;
    }
}

__global__ void must_be_less(int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  assert(i < n);
}

TEST(Samples, Assert) {
  must_be_less<<<2, 32>>>(64);
  RUN(cudaDeviceSynchronize());
  must_be_less<<<2, 32>>>(60);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorAssert);
  EXPECT_TRUE(std::string(ptxvm_last_report()).find("i < n") != std::string::npos) << ptxvm_last_report();
  RUN(cudaDeviceReset());
}

__global__ void timed_minimum(const float* in, float* out, clock_t* timer) {
  extern __shared__ float shared[];
  const int t = threadIdx.x, b = blockIdx.x;
  if (t == 0) timer[b] = clock();
  shared[t] = in[t];
  shared[t + blockDim.x] = in[t + blockDim.x];
  for (int d = blockDim.x; d > 0; d /= 2) {
    __syncthreads();
    if (t < d && shared[t + d] < shared[t]) shared[t] = shared[t + d];
  }
  if (t == 0) out[b] = shared[0];
  __syncthreads();
  if (t == 0) timer[b + gridDim.x] = clock();
}

TEST(Samples, Clock) {
  const int threads = 64, blocks = 4;
  std::vector<float> in(2 * threads), out(blocks);
  for (int i = 0; i < 2 * threads; ++i) in[i] = static_cast<float>((i * 37 + 5) % 128) - 3;
  float *d_in, *d_out;
  clock_t *d_timer, timer[2 * blocks];
  RUN(cudaMalloc(&d_in, in.size() * 4));
  RUN(cudaMalloc(&d_out, out.size() * 4));
  RUN(cudaMalloc(&d_timer, sizeof timer));
  RUN(cudaMemcpy(d_in, in.data(), in.size() * 4, cudaMemcpyHostToDevice));
  timed_minimum<<<blocks, threads, 2 * threads * sizeof(float)>>>(d_in, d_out, d_timer);
  RUN(cudaMemcpy(out.data(), d_out, out.size() * 4, cudaMemcpyDeviceToHost));
  RUN(cudaMemcpy(timer, d_timer, sizeof timer, cudaMemcpyDeviceToHost));
  for (int b = 0; b < blocks; ++b) {
    EXPECT_EQ(out[b], -3);
    EXPECT_GT(timer[b + blocks], timer[b]);
  }
  RUN(cudaFree(d_in));
  RUN(cudaFree(d_out));
  RUN(cudaFree(d_timer));
}

}  // namespace
