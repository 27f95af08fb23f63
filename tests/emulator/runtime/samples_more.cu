// More programs in the manner of the well-known samples: streams, callbacks, mapped memory, occupancy,
// cooperative groups, sorting, a solver in a graph, random numbers.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <cuda_runtime.h>
#include <curand_kernel.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "fixture.hpp"

#define RUN(call)                                                                        \
  do {                                                                                   \
    const cudaError_t run_error = (call);                                                \
    ASSERT_EQ(run_error, cudaSuccess) << #call << ": " << cudaGetErrorString(run_error); \
  } while (false)

namespace {

namespace cg = cooperative_groups;

__global__ void initialise(int* data, const int* factor, int rounds) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  for (int k = 0; k < rounds; ++k) data[i] += *factor;
}

TEST(Samples, SimpleStreams) {
  const int streams = 4, n = 4096, bytes = n * 4;
  cudaDeviceProp properties;
  RUN(cudaGetDeviceProperties(&properties, 0));
  ASSERT_GE(properties.major, 7);
  ASSERT_EQ(properties.canMapHostMemory, 1);
  RUN(cudaSetDeviceFlags(cudaDeviceScheduleBlockingSync | cudaDeviceMapHost));
  int *h, *d, *factor, value = 5;
  RUN(cudaHostAlloc(&h, bytes, cudaHostAllocDefault));
  RUN(cudaMalloc(&d, bytes));
  RUN(cudaMalloc(&factor, 4));
  RUN(cudaMemcpy(factor, &value, 4, cudaMemcpyHostToDevice));
  std::vector<cudaStream_t> s(streams);
  for (cudaStream_t& one : s) RUN(cudaStreamCreate(&one));
  cudaEvent_t start, stop;
  RUN(cudaEventCreateWithFlags(&start, cudaEventBlockingSync));
  RUN(cudaEventCreateWithFlags(&stop, cudaEventBlockingSync));
  RUN(cudaMemset(d, 0, bytes));
  RUN(cudaEventRecord(start, 0));
  for (int i = 0; i < streams; ++i)
    initialise<<<n / streams / 128, 128, 0, s[i]>>>(d + i * n / streams, factor, 3);
  for (int i = 0; i < streams; ++i)
    RUN(cudaMemcpyAsync(h + i * n / streams, d + i * n / streams, bytes / streams, cudaMemcpyDeviceToHost,
                        s[i]));
  RUN(cudaEventRecord(stop, 0));
  RUN(cudaEventSynchronize(stop));
  float ms = -1;
  RUN(cudaEventElapsedTime(&ms, start, stop));
  EXPECT_GE(ms, 0);
  for (int i = 0; i < n; ++i) ASSERT_EQ(h[i], 15);
  for (cudaStream_t one : s) RUN(cudaStreamDestroy(one));
  RUN(cudaEventDestroy(start));
  RUN(cudaEventDestroy(stop));
  RUN(cudaFreeHost(h));
  RUN(cudaFree(d));
  RUN(cudaFree(factor));
}

TEST(Samples, AsynchronousApi) {
  const int n = 2048;
  int *h, *d, *one, value = 26;
  RUN(cudaMallocHost(&h, n * 4));
  std::fill_n(h, n, 0);
  RUN(cudaMalloc(&d, n * 4));
  RUN(cudaMalloc(&one, 4));
  RUN(cudaMemcpy(one, &value, 4, cudaMemcpyHostToDevice));
  cudaEvent_t start, stop;
  RUN(cudaEventCreate(&start));
  RUN(cudaEventCreate(&stop));
  RUN(cudaDeviceSynchronize());
  RUN(cudaEventRecord(start, 0));
  RUN(cudaMemcpyAsync(d, h, n * 4, cudaMemcpyHostToDevice, 0));
  initialise<<<n / 512, 512, 0, 0>>>(d, one, 1);
  RUN(cudaMemcpyAsync(h, d, n * 4, cudaMemcpyDeviceToHost, 0));
  RUN(cudaEventRecord(stop, 0));
  unsigned long counter = 0;
  while (cudaEventQuery(stop) == cudaErrorNotReady) counter++;
  RUN(cudaEventQuery(stop));
  for (int i = 0; i < n; ++i) ASSERT_EQ(h[i], 26);
  RUN(cudaEventDestroy(start));
  RUN(cudaEventDestroy(stop));
  RUN(cudaFreeHost(h));
  RUN(cudaFree(d));
  RUN(cudaFree(one));
  cudaGetLastError();  // cudaErrorNotReady of the query
}

struct Workload {
  int id = 0;
  int *host = nullptr, *device = nullptr, *factor = nullptr;
  cudaStream_t stream = nullptr;
  bool good = false;
};

void CUDART_CB after(cudaStream_t, cudaError_t status, void* data) {
  Workload& w = *static_cast<Workload*>(data);
  w.good = status == cudaSuccess && std::all_of(w.host, w.host + 256, [&](int x) { return x == w.id * 2; });
}

TEST(Samples, SimpleCallback) {
  std::vector<Workload> work(6);
  for (int i = 0; i < 6; ++i) {
    Workload& w = work[i];
    w.id = i + 1;
    RUN(cudaStreamCreate(&w.stream));
    RUN(cudaMalloc(&w.device, 256 * 4));
    RUN(cudaMalloc(&w.factor, 4));
    RUN(cudaHostAlloc(&w.host, 256 * 4, cudaHostAllocPortable));
    std::fill_n(w.host, 256, 0);
    RUN(cudaMemcpyAsync(w.factor, &w.id, 4, cudaMemcpyHostToDevice, w.stream));
    RUN(cudaMemcpyAsync(w.device, w.host, 256 * 4, cudaMemcpyHostToDevice, w.stream));
    initialise<<<2, 128, 0, w.stream>>>(w.device, w.factor, 2);
    RUN(cudaMemcpyAsync(w.host, w.device, 256 * 4, cudaMemcpyDeviceToHost, w.stream));
    RUN(cudaStreamAddCallback(w.stream, after, &w, 0));
  }
  RUN(cudaDeviceSynchronize());
  for (Workload& w : work) {
    EXPECT_TRUE(w.good) << w.id;
    RUN(cudaFree(w.device));
    RUN(cudaFree(w.factor));
    RUN(cudaFreeHost(w.host));
    RUN(cudaStreamDestroy(w.stream));
  }
}

__global__ void add_mapped(const float* a, const float* b, float* c, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) c[i] = a[i] + b[i];
}

TEST(Samples, ZeroCopy) {
  const int n = 1000;
  float *a, *c, *da, *db, *dc;
  std::vector<float> b(n);
  RUN(cudaHostAlloc(reinterpret_cast<void**>(&a), n * 4, cudaHostAllocMapped));
  RUN(cudaHostAlloc(reinterpret_cast<void**>(&c), n * 4, cudaHostAllocMapped));
  RUN(cudaHostRegister(b.data(), n * 4, cudaHostRegisterMapped));
  for (int i = 0; i < n; ++i) a[i] = i, b[i] = 2 * i;
  RUN(cudaHostGetDevicePointer(reinterpret_cast<void**>(&da), a, 0));
  RUN(cudaHostGetDevicePointer(reinterpret_cast<void**>(&db), b.data(), 0));
  RUN(cudaHostGetDevicePointer(reinterpret_cast<void**>(&dc), c, 0));
  add_mapped<<<4, 256>>>(da, db, dc, n);
  RUN(cudaDeviceSynchronize());
  for (int i = 0; i < n; ++i) ASSERT_EQ(c[i], 3.0f * i);
  RUN(cudaHostUnregister(b.data()));
  RUN(cudaFreeHost(a));
  RUN(cudaFreeHost(c));
}

__global__ void square(int* x, int n) {
  extern __shared__ int unused[];
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) x[i] *= x[i];
}

struct SharedOfBlock {
  __host__ __device__ int operator()(int block) const { return block * 16; }
};

TEST(Samples, SimpleOccupancy) {
  int blocks = 0, grid = 0, block = 0;
  cudaDeviceProp p;
  RUN(cudaGetDeviceProperties(&p, 0));
  RUN(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, square, 32, 0));
  EXPECT_EQ(blocks, 32);
  RUN(cudaOccupancyMaxPotentialBlockSize(&grid, &block, reinterpret_cast<void*>(square), 0, 0));
  EXPECT_EQ(block, 1024);
  EXPECT_EQ(grid, 2 * p.multiProcessorCount);
  RUN(cudaOccupancyMaxPotentialBlockSizeVariableSMem(&grid, &block, square, SharedOfBlock{}, 0));
  EXPECT_EQ(block % 32, 0);
  RUN(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, square, block, SharedOfBlock{}(block)));
  EXPECT_GT(blocks, 0);
  RUN(cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(&blocks, square, 256, 0,
                                                             cudaOccupancyDisableCachingOverride));
  EXPECT_EQ(blocks, 8);
  std::size_t shared = 0;
  RUN(cudaOccupancyAvailableDynamicSMemPerBlock(&shared, square, 2, 128));
  EXPECT_EQ(shared, p.sharedMemPerMultiprocessor / 2 - p.reservedSharedMemPerBlock);
  const int n = 5000;
  std::vector<int> h(n);
  for (int i = 0; i < n; ++i) h[i] = i;
  int* d;
  RUN(cudaMalloc(&d, n * 4));
  RUN(cudaMemcpy(d, h.data(), n * 4, cudaMemcpyHostToDevice));
  square<<<(n + 1023) / 1024, 1024>>>(d, n);
  RUN(cudaMemcpy(h.data(), d, n * 4, cudaMemcpyDeviceToHost));
  for (int i = 0; i < n; ++i) ASSERT_EQ(h[i], i * i);
  RUN(cudaFree(d));
}

__device__ int sum_of(cg::thread_group g, int* x, int value) {
  const int lane = g.thread_rank();
  for (int i = g.size() / 2; i > 0; i /= 2) {
    x[lane] = value;
    g.sync();
    if (lane < i) value += x[lane + i];
    g.sync();
  }
  return lane == 0 ? value : -1;
}

__global__ void groups(int* out) {
  extern __shared__ int workspace[];
  cg::thread_block whole = cg::this_thread_block();
  const int rank = whole.thread_rank(), all = sum_of(whole, workspace, rank);
  if (rank == 0) out[0] = all;
  whole.sync();
  auto tile = cg::tiled_partition<16>(whole);
  const int offset = rank - tile.thread_rank();
  const int part = sum_of(tile, workspace + offset, tile.thread_rank());
  if (tile.thread_rank() == 0) out[1 + rank / 16] = part;
  const int reduced = cg::reduce(tile, rank, cg::plus<int>());
  if (tile.thread_rank() == 0) out[5 + rank / 16] = reduced;
  if (rank % 3 == 0) {
    const cg::coalesced_group some = cg::coalesced_threads();
    if (rank < 32 && some.thread_rank() == 0) out[9] = some.size();
  }
}

TEST(Samples, SimpleCooperativeGroups) {
  int *d, h[10];
  RUN(cudaMalloc(&d, sizeof h));
  groups<<<1, 64, 64 * sizeof(int)>>>(d);
  RUN(cudaMemcpy(h, d, sizeof h, cudaMemcpyDeviceToHost));
  EXPECT_EQ(h[0], 64 * 63 / 2);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(h[1 + i], 120);
    EXPECT_EQ(h[5 + i], 120 + 256 * i);
  }
  EXPECT_EQ(h[9], 11);
  RUN(cudaFree(d));
}

// One compare-exchange step of the bitonic network.
__global__ void bitonic_step(unsigned* keys, unsigned* values, unsigned j, unsigned k) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x, other = i ^ j;
  if (other <= i) return;
  const bool up = (i & k) == 0;
  if ((keys[i] > keys[other]) == up) {
    const unsigned key = keys[i], value = values[i];
    keys[i] = keys[other], values[i] = values[other];
    keys[other] = key, values[other] = value;
  }
}

TEST(Samples, SortingNetworks) {
  const unsigned n = 1024;
  std::vector<unsigned> keys(n), values(n), sorted_keys(n), sorted_values(n);
  for (unsigned i = 0; i < n; ++i) keys[i] = (i * 2654435761u) >> 7, values[i] = i;
  unsigned *dk, *dv;
  RUN(cudaMalloc(&dk, n * 4));
  RUN(cudaMalloc(&dv, n * 4));
  RUN(cudaMemcpy(dk, keys.data(), n * 4, cudaMemcpyHostToDevice));
  RUN(cudaMemcpy(dv, values.data(), n * 4, cudaMemcpyHostToDevice));
  for (unsigned k = 2; k <= n; k *= 2)
    for (unsigned j = k / 2; j > 0; j /= 2) bitonic_step<<<n / 256, 256>>>(dk, dv, j, k);
  RUN(cudaMemcpy(sorted_keys.data(), dk, n * 4, cudaMemcpyDeviceToHost));
  RUN(cudaMemcpy(sorted_values.data(), dv, n * 4, cudaMemcpyDeviceToHost));
  EXPECT_TRUE(std::is_sorted(sorted_keys.begin(), sorted_keys.end()));
  for (unsigned i = 0; i < n; ++i) ASSERT_EQ(keys[sorted_values[i]], sorted_keys[i]);
  RUN(cudaFree(dk));
  RUN(cudaFree(dv));
}

// Conjugate gradients for the matrix with 2 on the diagonal and -1 beside it, an iteration a graph.
__global__ void product_and_dot(const float* p, float* ap, float* pap, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  float part = 0;
  if (i < n) {
    ap[i] = 2 * p[i] - (i > 0 ? p[i - 1] : 0) - (i + 1 < n ? p[i + 1] : 0);
    part = p[i] * ap[i];
  }
  for (int o = 16; o > 0; o /= 2) part += __shfl_xor_sync(~0u, part, o);
  if (threadIdx.x % 32 == 0) atomicAdd(pap, part);
}
__global__ void advance(float* x, float* r, const float* p, const float* ap, const float* rr,
                        const float* pap, float* next, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  const float alpha = *rr / *pap;
  float part = 0;
  if (i < n) {
    x[i] += alpha * p[i];
    r[i] -= alpha * ap[i];
    part = r[i] * r[i];
  }
  for (int o = 16; o > 0; o /= 2) part += __shfl_xor_sync(~0u, part, o);
  if (threadIdx.x % 32 == 0) atomicAdd(next, part);
}
__global__ void direction(float* p, const float* r, const float* rr, const float* next, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) p[i] = r[i] + *next / *rr * p[i];
}

TEST(Samples, ConjugateGradientCapturedInAGraph) {
  const int n = 200, threads = 128, blocks = 2;
  std::vector<float> b(n, 1.0f), x(n, 0.0f);
  float *dx, *dr, *dp, *dap, *scalars;  // rr, pap, next
  for (float** v : {&dx, &dr, &dp, &dap}) RUN(cudaMalloc(v, n * 4));
  RUN(cudaMalloc(&scalars, 12));
  RUN(cudaMemset(dx, 0, n * 4));
  RUN(cudaMemcpy(dr, b.data(), n * 4, cudaMemcpyHostToDevice));
  RUN(cudaMemcpy(dp, b.data(), n * 4, cudaMemcpyHostToDevice));
  float rr = n;
  RUN(cudaMemcpy(scalars, &rr, 4, cudaMemcpyHostToDevice));
  cudaStream_t s;
  RUN(cudaStreamCreate(&s));
  cudaGraph_t graph;
  cudaGraphExec_t exec;
  RUN(cudaStreamBeginCapture(s, cudaStreamCaptureModeGlobal));
  RUN(cudaMemsetAsync(scalars + 1, 0, 8, s));
  product_and_dot<<<blocks, threads, 0, s>>>(dp, dap, scalars + 1, n);
  advance<<<blocks, threads, 0, s>>>(dx, dr, dp, dap, scalars, scalars + 1, scalars + 2, n);
  direction<<<blocks, threads, 0, s>>>(dp, dr, scalars, scalars + 2, n);
  RUN(cudaMemcpyAsync(scalars, scalars + 2, 4, cudaMemcpyDeviceToDevice, s));
  RUN(cudaMemcpyAsync(&rr, scalars, 4, cudaMemcpyDeviceToHost, s));
  RUN(cudaStreamEndCapture(s, &graph));
  RUN(cudaGraphInstantiate(&exec, graph, 0));
  int iterations = 0;
  for (; iterations < 2 * n && rr > 1e-6f; ++iterations) {
    RUN(cudaGraphLaunch(exec, s));
    RUN(cudaStreamSynchronize(s));
  }
  EXPECT_LT(iterations, 2 * n);
  RUN(cudaMemcpy(x.data(), dx, n * 4, cudaMemcpyDeviceToHost));
  for (int i = 0; i < n; ++i) EXPECT_NEAR(x[i], (i + 1.0) * (n - i) / 2, 0.05) << i;  // the known solution
  RUN(cudaGraphExecDestroy(exec));
  RUN(cudaGraphDestroy(graph));
  for (float* v : {dx, dr, dp, dap, scalars}) RUN(cudaFree(v));
  RUN(cudaStreamDestroy(s));
}

__global__ void estimate_pi(unsigned* inside, int points) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  curandStatePhilox4_32_10_t state;
  curand_init(1234, i, 0, &state);
  unsigned count = 0;
  for (int k = 0; k < points; k += 2) {
    const float4 u = curand_uniform4(&state);
    count += u.x * u.x + u.y * u.y <= 1;
    count += u.z * u.z + u.w * u.w <= 1;
  }
  atomicAdd(inside, count);
}

TEST(Samples, MonteCarlo) {
  unsigned *d, h = 0;
  RUN(cudaMalloc(&d, 4));
  RUN(cudaMemset(d, 0, 4));
  estimate_pi<<<8, 128>>>(d, 64);
  RUN(cudaMemcpy(&h, d, 4, cudaMemcpyDeviceToHost));
  const double points = 8 * 128 * 64, pi = std::acos(-1.0);
  const double deviation = std::sqrt(pi / 4 * (1 - pi / 4) / points);
  EXPECT_NEAR(h / points, pi / 4, 5 * deviation);
  RUN(cudaFree(d));
}

}  // namespace
