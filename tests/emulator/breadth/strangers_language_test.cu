// What the language has, as other people use it in kernels: classes with virtual functions, tables of
// functions, recursion, large parameters, wide integers, and the intrinsics that have no name in C++; against
// the host.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "strangers.hpp"

namespace {

using namespace breadth;

// ---- Objects made on the device, by new and in place, called through their base.

struct Cell {
  __device__ virtual ~Cell() {}
  __device__ virtual float step(float h, float x) const = 0;
  __device__ virtual int order() const { return 1; }
};
struct Leaky : Cell {
  float keep;
  __device__ explicit Leaky(float k) : keep(k) {}
  __device__ float step(float h, float x) const override { return keep * h + (1 - keep) * x; }
};
struct Clipped : Leaky {
  float most;
  __device__ Clipped(float k, float m) : Leaky(k), most(m) {}
  __device__ float step(float h, float x) const override { return fminf(most, Leaky::step(h, x)); }
  __device__ int order() const override { return 2; }
};

__global__ void virtual_kernel(const float* x, float* out, int steps, int* freed) {
  alignas(Clipped) unsigned char place[sizeof(Clipped)];
  const Cell* cells[3] = {new Leaky(0.5f), new (place) Clipped(0.25f, 0.75f), new Clipped(0.75f, 2)};
  float h = 0;
  int orders = 0;
  for (int t = 0; t < steps; ++t) {
    const Cell* cell = cells[(t + threadIdx.x) % 3];
    h = cell->step(h, x[t]);
    orders += cell->order();
  }
  out[threadIdx.x] = h + float(orders);
  delete cells[0];
  cells[1]->~Cell();
  delete cells[2];
  atomicAdd(freed, 2);
}

TEST(Language, VirtualFunctionsAndNew) {
  const int steps = 50, threads = 40;
  const std::vector<float> x = uniform(steps, 2, 1);
  Device<float> d_x(x), out(threads);
  Device<int> freed(std::vector<int>(1, 0));
  virtual_kernel<<<1, threads>>>(d_x, out, steps, freed);
  const std::vector<float> got = out.read();
  for (int i = 0; i < threads; ++i) {
    double h = 0;
    int orders = 0;
    for (int t = 0; t < steps; ++t) {
      const int which = (t + i) % 3;
      const double keep = which == 0 ? 0.5 : which == 1 ? 0.25 : 0.75;
      h = keep * h + (1 - keep) * x[t];
      if (which == 1) h = std::min(h, 0.75);
      if (which == 2) h = std::min(h, 2.0);
      orders += which == 0 ? 1 : 2;
    }
    EXPECT_NEAR(got[i], h + orders, 4 * kSingle * 128) << i;  // errors of h die out; the sum is below 128
  }
  EXPECT_EQ(freed.first(), 2 * threads);
}

// ---- Functions in a table of the device, and one that the host fetched by its symbol.

using Activation = float (*)(float);
__device__ float relu(float v) { return v > 0 ? v : 0; }
__device__ float twice(float v) { return v + v; }
__device__ float square(float v) { return v * v; }
__device__ Activation table[3] = {relu, twice, square};
__device__ Activation chosen = square;

__global__ void table_kernel(const float* x, float* out, Activation last) {
  out[threadIdx.x] = last(table[threadIdx.x % 3](x[threadIdx.x]));
}

TEST(Language, FunctionsInTables) {
  const std::vector<float> x = uniform(64, 2, 2);
  Device<float> d_x(x), out(64);
  Activation last = nullptr;
  ASSERT_EQ(cudaMemcpyFromSymbol(&last, chosen, sizeof last), cudaSuccess);
  table_kernel<<<1, 64>>>(d_x, out, last);
  const std::vector<float> got = out.read();
  for (int i = 0; i < 64; ++i) {
    const float v = i % 3 == 0 ? std::max(x[i], 0.f) : i % 3 == 1 ? 2 * x[i] : x[i] * x[i];
    EXPECT_EQ(got[i], v * v) << i;
  }
}

// ---- Recursion whose depth differs from lane to lane: quicksort, and two functions that call each other.

__device__ __noinline__ void quicksort(int* v, int low, int high) {
  if (low >= high) return;
  const int pivot = v[(low + high) / 2];
  int i = low, j = high;
  while (i <= j) {
    while (v[i] < pivot) ++i;
    while (v[j] > pivot) --j;
    if (i <= j) {
      const int t = v[i];
      v[i++] = v[j], v[j--] = t;
    }
  }
  quicksort(v, low, j);
  quicksort(v, i, high);
}
__device__ bool is_odd(unsigned n);
__device__ __noinline__ bool is_even(unsigned n) { return n == 0 || is_odd(n - 1); }
__device__ __noinline__ bool is_odd(unsigned n) { return n != 0 && is_even(n - 1); }

__global__ void recursion_kernel(int* v, int length, bool* even) {
  quicksort(v + threadIdx.x * length, 0, int(threadIdx.x) % length);
  even[threadIdx.x] = is_even(threadIdx.x % 11);
}

TEST(Language, Recursion) {
  const int threads = 48, length = 30;
  std::vector<int> v = whole_numbers<int>(threads * length, -50, 50);
  Device<int> d_v(v);
  Device<bool> even(threads);
  ASSERT_EQ(cudaDeviceSetLimit(cudaLimitStackSize, 8192), cudaSuccess);
  recursion_kernel<<<1, threads>>>(d_v, length, even);
  for (int i = 0; i < threads; ++i)
    std::sort(v.begin() + i * length, v.begin() + i * length + i % length + 1);
  EXPECT_EQ(d_v.read(), v);
  bool got[threads];
  ASSERT_EQ(cudaMemcpy(got, even.get(), threads, cudaMemcpyDeviceToHost), cudaSuccess);
  for (int i = 0; i < threads; ++i) EXPECT_EQ(got[i], i % 11 % 2 == 0) << i;
}

// ---- 16 KB of parameters, read at places that only the kernel knows, and a structure of odd size by value
// and back.

struct Large {
  float weights[4000];
  short shift;
};
struct Odd {
  char tag;
  short pair[3];
  double number;
};
__device__ __noinline__ Odd turned(Odd o) {
  return {char(o.tag + 1), {o.pair[2], o.pair[1], o.pair[0]}, -o.number};
}
__global__ void large_kernel(const __grid_constant__ Large large, Odd odd, float* out) {
  const Odd o = turned(turned(turned(odd)));
  out[threadIdx.x] = large.weights[(threadIdx.x * 37 + large.shift) % 4000] + o.tag +
                     o.pair[threadIdx.x % 3] + float(o.number);
}

TEST(Language, LargeParametersAndStructures) {
  Large large;
  std::iota(large.weights, large.weights + 4000, 0.f);
  large.shift = 1234;
  Device<float> out(256);
  large_kernel<<<1, 256>>>(large, Odd{'a', {1, 2, 30}, 0.5}, out);
  const std::vector<float> got = out.read();
  const int pair[3] = {30, 2, 1};
  for (int i = 0; i < 256; ++i)
    EXPECT_EQ(got[i], float((i * 37 + 1234) % 4000 + 'a' + 3 + pair[i % 3]) - 0.5f) << i;
}

// ---- Many ways through one warp: a switch that jumps by a table, and lanes that aggregate an atomic for
// each other.

__global__ void ways_kernel(const int* what, int* out, unsigned* counts) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  int v = what[i];
  switch (v % 8) {
    case 0:
      v = v * 3;
      break;
    case 1:
      v -= 100;  // and on
    case 2:
      v ^= 0x55;
      break;
    case 3:
      for (int k = 0; k < v % 5; ++k) v += k * v % 7;
      break;
    case 4:
      v = __reduce_add_sync(__activemask(), v);
      break;
    case 5:
      v = v << 3 | v >> 4;
      break;
    case 7:
      v = -v;
      break;
    default:
      v = 6;
  }
  out[i] = v;
  const unsigned mask = __match_any_sync(0xffffffff, what[i] % 4);
  const int leader = __ffs(int(mask)) - 1;
  if (int(threadIdx.x % 32) == leader) atomicAdd(counts + what[i] % 4, unsigned(__popc(mask)));
}

TEST(Language, ManyWaysThroughAWarp) {
  const int n = 256;
  const std::vector<int> what = whole_numbers<int>(n, 0, 255);
  Device<int> d_what(what), out(n);
  Device<unsigned> counts(std::vector<unsigned>(4, 0));
  ways_kernel<<<4, 64>>>(d_what, out, counts);
  const std::vector<int> got = out.read();
  for (int i = 0; i < n; ++i) {
    int v = what[i];
    switch (v % 8) {
      case 0:
        v *= 3;
        break;
      case 1:
        v = (v - 100) ^ 0x55;
        break;
      case 2:
        v ^= 0x55;
        break;
      case 3:
        for (int k = 0; k < v % 5; ++k) v += k * v % 7;
        break;
      case 4:
        continue;  // who meets there is the device's choice
      case 5:
        v = v << 3 | v >> 4;
        break;
      case 7:
        v = -v;
        break;
      default:
        v = 6;
    }
    EXPECT_EQ(got[i], v) << what[i];
  }
  const std::vector<unsigned> tally = counts.read();
  for (int k = 0; k < 4; ++k)
    EXPECT_EQ(tally[k], std::count_if(what.begin(), what.end(), [&](int v) { return v % 4 == k; }));
}

}  // namespace
