// Real compiler output for the tests of the parser and the image reader: one kernel or so per construct.
#include <cooperative_groups.h>
#include <cuda_fp16.h>

#include <cstdio>
#include <cub/block/block_reduce.cuh>

namespace cg = cooperative_groups;

struct Mixed {
  int a;
  const int* p;
  double d;
  char c;
};

struct __attribute__((packed)) Packed {
  char c;
  const int* p;
};

__device__ int target_array[4] = {1, -2, 3, 4};
__constant__ float table[2][3] = {{1.5f, 2.0f, -0.0f}, {3.0f, 4.0f}};
__constant__ Mixed mixed = {7, target_array + 1, 2.5, 'x'};
__device__ Packed packed_reference = {'p', target_array + 2};
__device__ float4 quad = {1, 2, 3, 4};
__device__ double wide = 0.1;
__managed__ int managed_value = 3;
__device__ const int* pointers[2] = {target_array, target_array + 3};

__device__ __noinline__ int fibonacci(int n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

using Operation = int (*)(int);
__device__ __noinline__ int twice(int x) { return 2 * x; }
__device__ __noinline__ int square(int x) { return x * x; }
__device__ Operation operations[2] = {twice, square};

extern "C" __global__ void recursion(int* out, int n) { out[threadIdx.x] = fibonacci(n); }

extern "C" __global__ void indirect(int* out, int n) { out[threadIdx.x] = operations[n & 1](n); }

extern "C" __global__ void __launch_bounds__(128, 2) switches(int* out, int n) {
  int v = out[threadIdx.x];
  switch (n) {
    case 0: v = v * 3 + 1; break;
    case 1: v = __popc(v); break;
    case 2: v = v ^ 0x55; break;
    case 3: out[v & 3] = 9; break;
    case 4: v = __clz(v); break;
    case 5: v = __ffs(v) * v; break;
    case 6: v = __brev(v); break;
    case 7: atomicAdd(out + 1, v); break;
    case 8: v = v / 7; break;
    case 9: v = v % 9; break;
    case 10: out[5] = v; break;
    case 11: v = __mulhi(v, v); break;
    case 12: __syncthreads(); break;
    case 13: v = out[v & 7]; break;
    default: v = 0;
  }
  out[threadIdx.x] = v;
}

extern "C" __global__ void constants(float* out, int i) {
  out[0] = table[i & 1][i % 3] + mixed.d + *mixed.p + quad.w + wide + managed_value + mixed.c;
  out[1] = *pointers[i & 1] + *packed_reference.p;
}

extern "C" __global__ void says(const char* name, float x) { printf("%s: %f %d\n", name, x, threadIdx.x); }

extern "C" __global__ void inline_scopes(unsigned* out, unsigned n) {
  unsigned r = n;
#pragma unroll
  for (int i = 0; i < 3; ++i) {
    asm volatile(
        "{\n"
        ".reg .pred p;\n"
        ".reg .u32 t;\n"
        "again:\n"
        "add.u32 t, %0, 0x11;\n"
        "setp.gt.u32 p, t, 100;\n"
        "@p bra done;\n"
        "mov.u32 %0, t;\n"
        "bra again;\n"
        "done:\n"
        "}\n"
        : "+r"(r));
  }
  out[threadIdx.x] = r;
}

extern "C" __global__ void __launch_bounds__(256) block_sum(const float* in, float* out) {
  using Reduce = cub::BlockReduce<float, 256>;
  __shared__ typename Reduce::TempStorage storage;
  float sum = Reduce(storage).Sum(in[blockIdx.x * 256 + threadIdx.x]);
  if (threadIdx.x == 0) out[blockIdx.x] = sum;
}

extern "C" __global__ void grid_wide(int* out) {
  extern __shared__ int dynamic[];
  dynamic[threadIdx.x] = threadIdx.x;
  cg::grid_group grid = cg::this_grid();
  cg::thread_block_tile<32> tile = cg::tiled_partition<32>(cg::this_thread_block());
  out[grid.thread_rank()] = tile.shfl_down(dynamic[threadIdx.x ^ 1], 1);
  grid.sync();
  if (tile.all(out[0] > 0)) out[grid.thread_rank() + 1] += 1;
}

#if __CUDA_ARCH__ >= 900 || !defined(__CUDA_ARCH__)
extern "C" __global__ void __cluster_dims__(2, 1, 1) clustered(int* out) {
  __shared__ int mine;
  cg::cluster_group cluster = cg::this_cluster();
  mine = cluster.block_rank();
  cluster.sync();
  out[threadIdx.x] = *cluster.map_shared_rank(&mine, 1 - cluster.block_rank());
  cluster.sync();
}
#endif

template <typename T>
__global__ void half_math(T* x, const T* __restrict__ y, int n) {
  T local[8];
  for (int i = 0; i < 8; ++i) local[i] = y[i];
  x[threadIdx.x] = local[n & 7] * x[threadIdx.x] + local[(n + 1) & 7];
}
template __global__ void half_math<__half>(__half*, const __half*, int);
template __global__ void half_math<__half2>(__half2*, const __half2*, int);
