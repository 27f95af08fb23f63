// The heap of device code: malloc, new, placement new, virtual functions, and what is caught.
#include <new>

#include "device.hpp"
#include "ptxvm/ptxvm.h"

namespace {

using namespace breadth;

struct Activation {
  __device__ virtual ~Activation() {}
  __device__ virtual float operator()(float x) const = 0;
};
struct Scaled : Activation {
  float by;
  __device__ explicit Scaled(float by) : by(by) {}
  __device__ float operator()(float x) const override { return by * x; }
};
struct Clipped : Activation {
  int* count;
  __device__ explicit Clipped(int* count) : count(count) {}
  __device__ ~Clipped() override { atomicAdd(count, 1); }
  __device__ float operator()(float x) const override { return x < 1 ? x : 1; }
};

__global__ void objects(float* out, int* destroyed) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  Activation* a = i % 3 ? static_cast<Activation*>(new Scaled(float(i))) : new Clipped(destroyed);
  out[i] = (*a)(float(i));
  delete a;
}

TEST(Heap, ObjectsWithVirtualFunctions) {
  const int n = 4 * 96;
  Device<float> out(n);
  Device<int> destroyed(std::vector<int>{0});
  objects<<<4, 96>>>(out, destroyed);
  const std::vector<float> got = out.read();
  for (int i = 0; i < n; ++i) EXPECT_EQ(got[i], i % 3 ? float(i) * i : i < 1 ? 0.f : 1.f);
  EXPECT_EQ(destroyed.first(), n / 3);
}

// A list that grows from the front by all threads, and is taken apart by the next launch.
struct Node {
  int value;
  Node* next;
};
__global__ void push(Node** head) {
  Node* node = static_cast<Node*>(malloc(sizeof(Node)));
  node->value = int(blockIdx.x * blockDim.x + threadIdx.x);
  auto* place = reinterpret_cast<unsigned long long*>(head);
  unsigned long long old = *reinterpret_cast<volatile unsigned long long*>(place), seen;
  do {
    seen = old;
    node->next = reinterpret_cast<Node*>(seen);
    __threadfence();
    old = atomicCAS(place, seen, reinterpret_cast<unsigned long long>(node));
  } while (old != seen);
}
__global__ void take_apart(Node** head, int* seen) {
  for (Node* node = *head; node;) {
    Node* next = node->next;
    ++seen[node->value];
    free(node);
    node = next;
  }
  *head = nullptr;
}

TEST(Heap, AllocationsOutliveTheirKernel) {
  const int n = 3 * 70;
  Device<Node*> head(std::vector<Node*>{nullptr});
  Device<int> seen(std::vector<int>(n, 0));
  push<<<3, 70>>>(head);
  take_apart<<<1, 1>>>(head, seen);
  EXPECT_EQ(seen.read(), std::vector<int>(n, 1));
}

__global__ void placed(int* out) {
  struct Sum {
    int total = 0;
    __device__ explicit Sum(int n) {
      for (int i = 0; i <= n; ++i) total += i;
    }
  };
  __shared__ alignas(Sum) unsigned char storage[64 * sizeof(Sum)];
  Sum* sum = new (storage + threadIdx.x * sizeof(Sum)) Sum(int(threadIdx.x));
  __syncthreads();
  out[threadIdx.x] = reinterpret_cast<Sum*>(storage)[63 - threadIdx.x].total;
  sum->~Sum();
}

TEST(Heap, PlacementNewInSharedMemory) {
  Device<int> out(64);
  placed<<<1, 64>>>(out);
  const std::vector<int> got = out.read();
  for (int i = 0; i < 64; ++i) EXPECT_EQ(got[i], (63 - i) * (64 - i) / 2);
}

// Each thread takes pieces until there are no more: how many, and the bits that all addresses share.
__global__ void exhaust(int* pieces, unsigned long long* low_bits) {
  void* kept[64];
  int n = 0;
  while (n < 64 && (kept[n] = malloc(64 << 10))) atomicOr(low_bits, reinterpret_cast<unsigned long long>(kept[n++]) & 15);
  pieces[threadIdx.x] = n;
  __syncthreads();
  while (n) free(kept[--n]);
}
__global__ void nothing_for_nothing(int* out) {
  out[0] = malloc(0) == nullptr;
  free(nullptr);
}
__global__ void aligned(int* out) {
  void* p = __nv_aligned_device_malloc(100, 128);
  out[0] = int(reinterpret_cast<unsigned long long>(p) % 128);
  free(p);
}

TEST(Heap, HasTheSizeThatWasAskedForAndIsFixedOnceUsed) {
  ASSERT_EQ(cudaDeviceReset(), cudaSuccess);
  std::size_t size = 0;
  ASSERT_EQ(cudaDeviceGetLimit(&size, cudaLimitMallocHeapSize), cudaSuccess);
  EXPECT_EQ(size, 8u << 20);
  ASSERT_EQ(cudaDeviceSetLimit(cudaLimitMallocHeapSize, 1 << 20), cudaSuccess);
  for (int again = 0; again < 2; ++again) {  // all was given back
    Device<int> pieces(40);
    Device<unsigned long long> low_bits(std::vector<unsigned long long>{0});
    exhaust<<<1, 40>>>(pieces, low_bits);
    int sum = 0;
    for (int n : pieces.read()) sum += n;
    EXPECT_EQ(sum, 16);
    EXPECT_EQ(low_bits.first(), 0u);
  }
  Device<int> out(1);
  nothing_for_nothing<<<1, 1>>>(out);
  EXPECT_EQ(out.first(), 1);
  aligned<<<1, 1>>>(out);
  EXPECT_EQ(out.first(), 0);
  EXPECT_EQ(cudaDeviceSetLimit(cudaLimitMallocHeapSize, 2 << 20), cudaErrorInvalidValue);
  ASSERT_EQ(cudaDeviceGetLimit(&size, cudaLimitMallocHeapSize), cudaSuccess);
  EXPECT_EQ(size, 1u << 20);
  ASSERT_EQ(cudaDeviceReset(), cudaSuccess);
  EXPECT_EQ(cudaDeviceSetLimit(cudaLimitMallocHeapSize, 8 << 20), cudaSuccess);
}

enum class Wrong { FreedTwice, Middle, NotOurs, Behind, AfterFree };
__global__ void wrong(Wrong what, int* ours, int** out) {
  int* p = static_cast<int*>(malloc(40));
  *out = p;
  if (what == Wrong::FreedTwice) free(p), free(p);
  if (what == Wrong::Middle) free(p + 4);
  if (what == Wrong::NotOurs) free(ours);
  if (what == Wrong::Behind) p[10] = 1;
  if (what == Wrong::AfterFree) {
    // Once before, so that it is the same instruction that finds the allocation gone.
    for (int k = 0; k < 2; ++k) {
      *static_cast<volatile int*>(p) = k;
      if (k == 0) free(p);
    }
  }
}

std::string report_of(Wrong what) {
  Device<int> ours(1);
  Device<int*> out(1);
  wrong<<<1, 1>>>(what, ours, out);
  EXPECT_NE(cudaDeviceSynchronize(), cudaSuccess);
  const std::string report = ptxvm_last_report();
  EXPECT_EQ(cudaDeviceReset(), cudaSuccess);
  return report;
}

TEST(Heap, WrongUsesAreNamed) {
  EXPECT_NE(report_of(Wrong::FreedTwice).find("which has been freed"), std::string::npos);
  EXPECT_NE(report_of(Wrong::Middle).find("16 bytes into heap allocation"), std::string::npos);
  EXPECT_NE(report_of(Wrong::NotOurs).find("free of what is no live allocation of device code"), std::string::npos);
  const std::string behind = report_of(Wrong::Behind), after = report_of(Wrong::AfterFree);
  EXPECT_NE(behind.find("just past the end of heap allocation"), std::string::npos) << behind;
  EXPECT_NE(behind.find("malloc in kernel"), std::string::npos) << behind;
  EXPECT_NE(after.find("which has been freed"), std::string::npos) << after;
}

__global__ void hand_out(int** out) { *out = static_cast<int*>(malloc(64)); }

TEST(Heap, IsNotTheRuntimesMemory) {
  Device<int*> out(1);
  hand_out<<<1, 1>>>(out);
  int* p = out.first();
  ASSERT_NE(p, nullptr);
  int value;
  EXPECT_EQ(cudaMemcpy(&value, p, 4, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFree(p), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
}

// Recursion, through a pointer to a function too.
__device__ int ackermann(int m, int n) {
  return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}
__device__ int fibonacci(int n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }
__device__ int factorial(int n) { return n < 2 ? 1 : n * factorial(n - 1); }
using Function = int (*)(int);
__device__ Function functions[2] = {fibonacci, factorial};
__global__ void recursion(int* out) {
  out[threadIdx.x] = functions[threadIdx.x % 2](int(threadIdx.x % 11));
  if (threadIdx.x < 2) out[blockDim.x + threadIdx.x] = ackermann(int(threadIdx.x), 5);
}

TEST(Recursion, ThroughPointersToFunctions) {
  Device<int> out(66);
  recursion<<<1, 64>>>(out);
  const int fib[] = {0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55}, fact[] = {1, 1, 2, 6, 24, 120, 720, 5040, 40320, 362880, 3628800};
  const std::vector<int> got = out.read();
  for (int i = 0; i < 64; ++i) EXPECT_EQ(got[i], i % 2 ? fact[i % 11] : fib[i % 11]) << i;
  EXPECT_EQ(got[64], 6);
  EXPECT_EQ(got[65], 7);
}

}  // namespace
