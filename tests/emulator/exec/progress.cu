// Paths that part and meet, calls, spinning lanes, warps and blocks, and what is reported where none can go on.
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#undef NDEBUG
#include <cassert>
#include <cstdio>
#include <string>
#include <vector>

#include "ptxvm/ptxvm.h"

namespace {

template <class T>
struct Managed {  // device memory, zeroed
  explicit Managed(size_t n) : count(n) {
    EXPECT_EQ(cudaMalloc(&data, n * sizeof(T)), cudaSuccess);
    EXPECT_EQ(cudaMemset(data, 0, n * sizeof(T)), cudaSuccess);
  }
  ~Managed() { cudaFree(data); }
  std::vector<T> host() {
    std::vector<T> values(count);
    EXPECT_EQ(cudaMemcpy(values.data(), data, count * sizeof(T), cudaMemcpyDeviceToHost), cudaSuccess);
    return values;
  }
  size_t count;
  T* data = nullptr;
};

// Collatz lengths: every lane leaves its loop at another time, through two paths.
__host__ __device__ int collatz(unsigned n) {
  int steps = 0;
  while (n != 1) {
    if (n % 2) {
      n = 3 * n + 1;
      for (unsigned k = 0; k < n % 3; ++k) steps += 0 * k;
    } else {
      n /= 2;
    }
    ++steps;
  }
  return steps;
}
__global__ void collatz_kernel(int* out) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  out[i] = collatz(i + 1);
}
TEST(Divergence, LanesLeaveNestedLoopsOnTheirOwn) {
  Managed<int> out(300);
  collatz_kernel<<<3, 100>>>(out.data);
  const std::vector<int> r = out.host();
  for (unsigned i = 0; i < 300; ++i) EXPECT_EQ(r[i], collatz(i + 1)) << i;
}

__device__ __noinline__ int fibonacci(int n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }
__global__ void fibonacci_kernel(int* out) { out[threadIdx.x] = fibonacci(int(threadIdx.x % 12)); }
TEST(Calls, RecursionKeepsEveryLanesFrames) {
  Managed<int> out(64);
  fibonacci_kernel<<<1, 64>>>(out.data);
  const int expected[12] = {0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89};
  const std::vector<int> r = out.host();
  for (int i = 0; i < 64; ++i) EXPECT_EQ(r[i], expected[i % 12]) << i;
}

__device__ __noinline__ int twice(int v) { return 2 * v; }
__device__ __noinline__ int square(int v) { return v * v; }
__device__ __noinline__ int negate(int v) { return -v; }
__device__ int (*const functions[3])(int) = {twice, square, negate};
__global__ void pointer_kernel(int* out) { out[threadIdx.x] = functions[threadIdx.x % 3](int(threadIdx.x)); }
TEST(Calls, FunctionPointersDifferByLane) {
  Managed<int> out(96);
  pointer_kernel<<<1, 96>>>(out.data);
  const std::vector<int> r = out.host();
  for (int i = 0; i < 96; ++i) EXPECT_EQ(r[i], i % 3 == 0 ? 2 * i : i % 3 == 1 ? i * i : -i);
}

__global__ void lock_kernel(int* lock, int* count) {
  bool done = false;
  while (!done) {
    if (atomicCAS(lock, 0, 1) == 0) {
      *static_cast<volatile int*>(count) = *static_cast<volatile int*>(count) + 1;
      __threadfence();
      atomicExch(lock, 0);
      done = true;
    }
  }
}
TEST(Progress, ALockBetweenLanesOfAWarp) {
  Managed<int> state(2);
  lock_kernel<<<3, 64>>>(state.data, state.data + 1);
  EXPECT_EQ(state.host()[1], 192);
}
// The plain form: nobody leaves the loop before it holds the lock.
__global__ void plain_lock_kernel(int* lock, int* count) {
  while (atomicCAS(lock, 0, 1) != 0) {}
  *static_cast<volatile int*>(count) = *static_cast<volatile int*>(count) + 1;
  __threadfence();
  atomicExch(lock, 0);
}
TEST(Progress, LanesThatSpinLetTheHolderGoOn) {
  Managed<int> state(2);
  plain_lock_kernel<<<2, 64>>>(state.data, state.data + 1);
  EXPECT_EQ(state.host()[1], 128);
}

__global__ void chain_kernel(int* turn, int* out) {
  // Warp k waits for warp k-1, block b for block b-1, the last one first in order of execution or not.
  const int warps = blockDim.x / 32, me = blockIdx.x * warps + (warps - 1 - threadIdx.x / 32);
  if (threadIdx.x % 32 == 0) {
    while (*static_cast<volatile int*>(turn) != me) {}
    out[me] = me * me;
    __threadfence();
    atomicAdd(turn, 1);
  }
}
TEST(Progress, WarpsAndBlocksThatWaitForEachOther) {
  Managed<int> turn(1), out(32);
  chain_kernel<<<8, 128>>>(turn.data, out.data);
  const std::vector<int> r = out.host();
  for (int i = 0; i < 32; ++i) EXPECT_EQ(r[i], i * i);
}

// The first block waits for the second, and so on: nobody goes on before the last resident block has begun.
__global__ void backward_kernel(int* flags, int* out) {
  if (threadIdx.x == 0) {
    if (blockIdx.x + 1 < gridDim.x)
      while (atomicAdd(flags + blockIdx.x + 1, 0) == 0) {}
    __threadfence();
    out[blockIdx.x] = blockIdx.x + 1 < gridDim.x ? out[blockIdx.x + 1] + 1 : 1;
    __threadfence();
    atomicExch(flags + blockIdx.x, 1);
  }
  __syncthreads();
}
TEST(Progress, ResidentBlocksThatWaitForLaterOnes) {
  constexpr int blocks = 132;
  Managed<int> flags(blocks), out(blocks);
  backward_kernel<<<blocks, 64>>>(flags.data, out.data);
  const std::vector<int> r = out.host();
  for (int i = 0; i < blocks; ++i) EXPECT_EQ(r[i], blocks - i);
}

// Warps hand a number on through shared memory, the last one first, round after round.
__global__ void hand_on_kernel(int* out) {
  __shared__ int turn, sum;
  const int warps = int(blockDim.x / 32), me = warps - 1 - int(threadIdx.x / 32);
  if (threadIdx.x == 0) turn = sum = 0;
  __syncthreads();
  for (int round = 0; round < 20; ++round) {
    if (threadIdx.x % 32 == 0) {
      while (atomicAdd(&turn, 0) != round * warps + me) {}
      __threadfence_block();
      sum = 3 * sum % 10007 + me;
      __threadfence_block();
      atomicAdd(&turn, 1);
    }
    __syncwarp();
  }
  __syncthreads();
  if (threadIdx.x == 0) out[blockIdx.x] = sum;
}
TEST(Progress, WarpsThatHandOnThroughSharedMemory) {
  Managed<int> out(5);
  hand_on_kernel<<<5, 256>>>(out.data);
  int sum = 0;
  for (int round = 0; round < 20; ++round)
    for (int k = 0; k < 8; ++k) sum = 3 * sum % 10007 + k;
  for (const int got : out.host()) EXPECT_EQ(got, sum);
}

__global__ void early_exit_kernel(int* out) {
  if (threadIdx.x % 5 == 0) return;
  __syncthreads();
  const unsigned here = __activemask();
  out[threadIdx.x] = __popc(__ballot_sync(here, 1));
}
TEST(Barriers, ThreadsThatHaveExitedAreNotWaitedFor) {
  Managed<int> out(64);
  early_exit_kernel<<<1, 64>>>(out.data);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  int sum = 0;
  for (int v : out.host()) sum += v > 0;
  EXPECT_EQ(sum, 51);
}

// Lanes synchronise in two branches of their own, then all exchange values from two places of the code: the
// first meeting must leave no mark that lets a later one pass early.
__global__ void meetings_kernel(int* out) {
  const int lane = int(threadIdx.x % 32);
  int v = lane;
  for (int round = 0; round < 3; ++round) {
    if (lane % 3 == round) {
      for (int k = 0; k < lane; ++k) v += k % 2;
      __syncwarp();
      v += 100;
    } else {
      v += 7;
      __syncwarp();
      for (int k = 0; k < 32 - lane; ++k) v += k % 3 == 0;
    }
    v += __shfl_xor_sync(0xffffffffu, v, 1 << round);
  }
  out[threadIdx.x] = v;
}
TEST(Divergence, MeetingsInTwoBranchesAndThenOfAll) {
  Managed<int> out(64);
  meetings_kernel<<<1, 64>>>(out.data);
  std::vector<int> v(32), r = out.host();
  for (int lane = 0; lane < 32; ++lane) v[size_t(lane)] = lane;
  for (int round = 0; round < 3; ++round) {
    for (int lane = 0; lane < 32; ++lane) {
      int& one = v[size_t(lane)];
      if (lane % 3 == round) one += lane / 2 + 100;
      else one += 7 + (32 - lane + 2) / 3;
    }
    const std::vector<int> before = v;
    for (int lane = 0; lane < 32; ++lane) v[size_t(lane)] += before[size_t(lane ^ (1 << round))];
  }
  for (int i = 0; i < 64; ++i) EXPECT_EQ(r[size_t(i)], v[size_t(i % 32)]) << i;
}

// Two meetings, each from two places: what one half writes between them, the other half reads after both. In PTX,
// since the compiler would make one path of the two.
__global__ void handover_kernel(int* out) {
  __shared__ int shared[32];
  const int lane = int(threadIdx.x);
  shared[lane] = -1;
  __syncwarp();
  const unsigned mine = unsigned(__cvta_generic_to_shared(shared + lane));
  const unsigned theirs = unsigned(__cvta_generic_to_shared(shared + (lane ^ 16)));
  int seen;
  asm volatile(
      "{\n"
      ".reg .pred first;\n"
      "setp.lt.s32 first, %1, 16;\n"
      "@first bra FIRST;\n"
      "bar.warp.sync 0xffffffff;\n"
      "st.volatile.shared.s32 [%2], %1;\n"
      "bar.warp.sync 0xffffffff;\n"
      "ld.volatile.shared.s32 %0, [%3];\n"
      "bra DONE;\n"
      "FIRST:\n"
      "bar.warp.sync 0xffffffff;\n"
      "st.volatile.shared.s32 [%2], %1;\n"
      "bar.warp.sync 0xffffffff;\n"
      "ld.volatile.shared.s32 %0, [%3];\n"
      "DONE:\n"
      "}\n"
      : "=r"(seen)
      : "r"(lane), "r"(mine), "r"(theirs)
      : "memory");
  out[lane] = seen;
}
TEST(Divergence, ASecondMeetingWaitsForThoseWhoOnlyLeftTheFirst) {
  Managed<int> out(32);
  handover_kernel<<<1, 32>>>(out.data);
  const std::vector<int> r = out.host();
  for (int i = 0; i < 32; ++i) EXPECT_EQ(r[size_t(i)], i ^ 16) << i;
}

__global__ void vote_kernel(int* out) {
  out[3 * threadIdx.x] = __syncthreads_count(threadIdx.x % 3 == 0);
  out[3 * threadIdx.x + 1] = __syncthreads_and(threadIdx.x < 70);
  out[3 * threadIdx.x + 2] = __syncthreads_or(threadIdx.x == 69);
}
TEST(Barriers, CarryCountsAndVotes) {
  Managed<int> out(3 * 70);
  vote_kernel<<<1, 70>>>(out.data);
  const std::vector<int> r = out.host();
  for (int i = 0; i < 70; ++i) {
    EXPECT_EQ(r[3 * i], 24);
    EXPECT_NE(r[3 * i + 1], 0);
    EXPECT_NE(r[3 * i + 2], 0);
  }
}

// Each fault ends the device's work for the process on a GPU; the emulator's device mends at a reset.
class Fault : public testing::Test {
 protected:
  void expect(cudaError_t status, std::vector<std::string> words) {
    EXPECT_EQ(cudaDeviceSynchronize(), status);
    const std::string report = ptxvm_last_report();
    for (const std::string& word : words) EXPECT_NE(report.find(word), std::string::npos) << word << " in\n" << report;
    cudaDeviceReset();
  }
};

__global__ void half_a_barrier_kernel(int* out) {
  if (threadIdx.x < 32) {
    while (*static_cast<volatile int*>(out) == 0 && threadIdx.x > 64) {}
    asm volatile("bar.sync 1, 64;" ::: "memory");
  }
}
TEST_F(Fault, ABarrierThatOthersNeverReach) {
  Managed<int> out(1);
  half_a_barrier_kernel<<<1, 64>>>(out.data);
  expect(cudaErrorLaunchFailure, {"deadlock", "half_a_barrier_kernel", "barrier 1", "32 of 64 threads have come", "block (0,0,0)"});
}

__global__ void missing_lanes_kernel(int* out) {
  if (threadIdx.x < 16) out[threadIdx.x] = __shfl_sync(0xffffffffu, int(threadIdx.x), 20);
  else if (threadIdx.x == 16) { asm volatile("bar.sync 2, 64;" ::: "memory"); }
}
TEST_F(Fault, AShuffleWhoseMaskNamesLanesThatNeverCome) {
  Managed<int> out(32);
  missing_lanes_kernel<<<1, 32>>>(out.data);
  expect(cudaErrorLaunchFailure, {"deadlock", "missing_lanes_kernel", "waiting for lanes of their member mask"});
}

__global__ void beyond_kernel(int* out) { out[threadIdx.x] = 1; }
TEST_F(Fault, AStoreBehindTheEndNamesThreadAndAllocation) {
  Managed<int> out(40);
  beyond_kernel<<<1, 64>>>(out.data);
  expect(cudaErrorIllegalAddress, {"out of bounds", "write to 4 bytes", "beyond_kernel", "thread (40,0,0)", "160 bytes"});
}

// What is at fault may lie in somebody else's header: the line that called it is the user's.
constexpr int inlined_line = __LINE__ + 1;
__device__ __forceinline__ void store_behind(int* p, int i) { p[i] = i; }
__device__ __forceinline__ void store_through(int* p, int i) { store_behind(p, i + 39); }
constexpr int calling_line = __LINE__ + 1;
__global__ void calling_kernel(int* p) { store_through(p, int(threadIdx.x)); }
TEST_F(Fault, AnInlinedCallIsFollowedToTheLineThatMadeIt) {
  Managed<int> out(40);
  calling_kernel<<<1, 2>>>(out.data);
  const std::string at = "progress.cu:" + std::to_string(inlined_line) + ", inlined at ";
  const std::string from = "progress.cu:" + std::to_string(calling_line) + ")";
  expect(cudaErrorIllegalAddress, {"thread (1,0,0)", at.c_str(), from.c_str()});
}

__global__ void crooked_kernel(char* p) { *reinterpret_cast<float*>(p + 2) = 1; }
TEST_F(Fault, AMisalignedStoreIsNamed) {
  Managed<char> out(16);
  crooked_kernel<<<1, 1>>>(out.data);
  expect(cudaErrorMisalignedAddress, {"misaligned", "4-byte", "crooked_kernel"});
}

__global__ void assert_kernel(int v) {
  assert(v == 3);
}
TEST_F(Fault, AnAssertionSaysWhatFailed) {
  assert_kernel<<<1, 1>>>(4);
  expect(cudaErrorAssert, {"v == 3", "progress.cu:", "thread (0,0,0)"});
}

__global__ void print_kernel() {
  if (threadIdx.x == 3) printf("%d %5.2f %s %llx %c|\n", -7, 2.5, "text", 0xabcdef0123ull, 'z');
}
TEST(Print, FormatsAsCDoes) {
  testing::internal::CaptureStdout();
  print_kernel<<<1, 32>>>();
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "-7  2.50 text abcdef0123 z|\n");
}

}  // namespace
