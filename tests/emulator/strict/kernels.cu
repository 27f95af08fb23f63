// Kernels that rely on what the machine does but the PTX ISA does not promise, each with its right twin. Run with a
// kernel's name; exit code 0: the result was right, 1: it was wrong, 2: no such kernel or a CUDA error.
#include <cuda_runtime.h>

#include <cstdio>
#include <cstring>

namespace {

__device__ void put(int* p, int v) { *static_cast<volatile int*>(p) = v; }
__device__ int get(const int* p) { return *static_cast<const volatile int*>(p); }

// Lanes hand a value to their neighbour.
template <bool Right>
__global__ void exchange(int* wrong) {
  __shared__ int shared[64];
  const int me = int(threadIdx.x);
  for (int round = 0; round < 8; ++round) {
    put(shared + me, me + 100 * round);
    if (Right) __syncwarp();
    if (get(shared + (me ^ 1)) != (me ^ 1) + 100 * round) atomicAdd(wrong, 1);
    if (Right) __syncwarp();
  }
}

// Lane 0 prepares what all read, and the branch is taken to gather them again.
template <bool Right>
__global__ void leader(int* wrong) {
  __shared__ int shared[2];
  int* mine = shared + threadIdx.x / 32;
  for (int round = 1; round < 8; ++round) {
    if (threadIdx.x % 32 == 0) put(mine, round);
    if (Right) __syncwarp();
    if (get(mine) != round) atomicAdd(wrong, 1);
    if (Right) __syncwarp();
  }
}

// The last warp reads what the first wrote.
template <bool Right>
__global__ void warps(int* wrong) {
  __shared__ int shared[32];
  if (threadIdx.x < 32) put(shared + threadIdx.x, int(threadIdx.x) + 1);
  if (Right) __syncthreads();
  if (threadIdx.x >= blockDim.x - 32 && get(shared + threadIdx.x % 32) != int(threadIdx.x % 32) + 1) atomicAdd(wrong, 1);
}

// A block takes it that the one before it has finished.
template <bool Right>
__global__ void blocks(int* wrong) {
  int* sum = wrong + 1;
  for (int round = 0; round < 100; ++round) {
    if (Right) atomicAdd(sum, 1);
    else put(sum, get(sum) + 1);
  }
  __threadfence();
  if (threadIdx.x == 0 && atomicAdd(wrong + 2, 1) == int(gridDim.x) - 1 && get(sum) != 100 * int(gridDim.x)) *wrong = 1;
}

// The elements of one 128-bit store are taken to become visible together.
template <bool Right>
__global__ void record(int* wrong) {
  __shared__ alignas(16) int shared[4];
  const unsigned at = unsigned(__cvta_generic_to_shared(shared));
  if (threadIdx.x == 0) asm volatile("st.volatile.shared.v4.s32 [%0], {0, 0, 0, 0};" ::"r"(at) : "memory");
  __syncthreads();
  const int warp = int(threadIdx.x / 32);
  if (threadIdx.x % 32 != 0) return;
  for (int round = 1; round < 50; ++round) {
    if (Right) {  // one 64-bit element carries the number and its complement
      const long long both = (static_cast<long long>(round) << 32) | unsigned(~round);
      long long seen;
      if (warp == 0) asm volatile("st.volatile.shared.s64 [%0], %1;" ::"r"(at), "l"(both) : "memory");
      asm volatile("ld.volatile.shared.s64 %0, [%1];" : "=l"(seen) : "r"(at) : "memory");
      if (seen != 0 && int(seen >> 32) != ~int(seen)) atomicAdd(wrong, 1);
    } else {
      int a, b, c, d;
      if (warp == 0) asm volatile("st.volatile.shared.v4.s32 [%0], {%1, %1, %1, %1};" ::"r"(at), "r"(round) : "memory");
      asm volatile("ld.volatile.shared.v4.s32 {%0, %1, %2, %3}, [%4];" : "=r"(a), "=r"(b), "=r"(c), "=r"(d) : "r"(at) : "memory");
      if (a != b || b != c || c != d) atomicAdd(wrong, 1);
    }
  }
}

// Named barriers with counts in a block whose last warp is not full, reductions over a barrier, shuffles, votes, early
// exits: all that gathers lanes, in right use.
__global__ void gatherings(int* wrong) {
  __shared__ int shared[80];
  const int me = int(threadIdx.x);
  if (me == 79) return;
  for (int round = 0; round < 6; ++round) {
    put(shared + me, me + round);
    asm volatile("bar.sync 3, 96;" ::: "memory");
    if (get(shared + (me + 37) % 79) != (me + 37) % 79 + round) atomicAdd(wrong, 1);
    if (__syncthreads_count(me % 3 == round % 3) != (79 + 2 - round % 3) / 3) atomicAdd(wrong, 1);
    if (me < 64) {
      int sum = me + round;
      for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, step);
      if (sum != 32 * (me / 32 * 32 + round) + 496) atomicAdd(wrong, 1);
      if (me % 2 && __ballot_sync(0xaaaaaaaau, 1) != 0xaaaaaaaau) atomicAdd(wrong, 1);
    }
    __syncthreads();
  }
}

// Threads that arrive, do not wait, and exit: they count once.
__global__ void arrivals(int* wrong) {
  __shared__ int shared[32], spent[96];
  const int me = int(threadIdx.x);
  if (me < 32) {
    put(shared + me, me);
    if (me >= 30) return;
    asm volatile("bar.arrive 1, 96;" ::: "memory");
  } else {
    for (int k = 0; k < me; ++k) put(spent + me, k);
    asm volatile("bar.sync 1, 96;" ::: "memory");
    if (get(shared + me % 30) != me % 30) atomicAdd(wrong, 1);
    put(wrong + 1, 1);
  }
}

// Many barriers without a branch between them.
__global__ void row(int* wrong) {
  __shared__ int shared[96];
  const int me = int(threadIdx.x), other = (me + 41) % 96;
#pragma unroll
  for (int k = 0; k < 12; ++k) {
    put(shared + me, me + k);
    __syncthreads();
    if (get(shared + other) != other + k) wrong[0] = 1;
    __syncthreads();
  }
}

// Vectors of every kind through shared and global memory, an address register that is loaded over, a misaligned one.
__global__ void vectors(int* wrong, int* data) {
  const int me = int(threadIdx.x);
  int4* quads = reinterpret_cast<int4*>(data);
  quads[me] = make_int4(me, me + 1, me + 2, me + 3);
  longlong2* pairs = reinterpret_cast<longlong2*>(data + 512);
  pairs[me] = make_longlong2(me * 0x100000001ll, -me);
  __syncthreads();
  const int other = (me + 5) % int(blockDim.x);
  const int4 q = quads[other];
  const longlong2 p = pairs[other];
  if (q.x != other || q.y != other + 1 || q.z != other + 2 || q.w != other + 3) atomicAdd(wrong, 1);
  if (p.x != other * 0x100000001ll || p.y != -other) atomicAdd(wrong, 1);
  long long low = reinterpret_cast<long long>(pairs + other), high;
  asm volatile("ld.global.v2.s64 {%0, %1}, [%0];" : "+l"(low), "=l"(high)::"memory");
  if (low != p.x || high != p.y) atomicAdd(wrong, 1);
}
__global__ void crooked(int*, int* data) { reinterpret_cast<int4*>(data + 1)[threadIdx.x] = make_int4(1, 2, 3, 4); }

int finish(int* state) {
  int seen[3] = {};
  cudaError_t error = cudaGetLastError();
  if (error == cudaSuccess) error = cudaMemcpy(seen, state, sizeof seen, cudaMemcpyDeviceToHost);
  if (error != cudaSuccess) {
    std::printf("%s\n", cudaGetErrorString(error));
    return 2;
  }
  return seen[0] == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  int *state = nullptr, *data = nullptr;
  if (argc != 2 || cudaMalloc(&state, 3 * sizeof(int)) != cudaSuccess || cudaMalloc(&data, 8192) != cudaSuccess) return 2;
  cudaMemset(state, 0, 3 * sizeof(int));
  const auto named = [&](const char* name) { return std::strcmp(argv[1], name) == 0; };
  if (named("exchange_wrong")) exchange<false><<<1, 64>>>(state);
  else if (named("exchange_right")) exchange<true><<<1, 64>>>(state);
  else if (named("leader_wrong")) leader<false><<<1, 64>>>(state);
  else if (named("leader_right")) leader<true><<<1, 64>>>(state);
  else if (named("warps_wrong")) warps<false><<<1, 128>>>(state);
  else if (named("warps_right")) warps<true><<<1, 128>>>(state);
  else if (named("blocks_wrong")) blocks<false><<<8, 1>>>(state);
  else if (named("blocks_right")) blocks<true><<<8, 1>>>(state);
  else if (named("record_wrong")) record<false><<<1, 64>>>(state);
  else if (named("record_right")) record<true><<<1, 64>>>(state);
  else if (named("gatherings")) gatherings<<<3, 80>>>(state);
  else if (named("arrivals")) arrivals<<<3, 96>>>(state);
  else if (named("row")) row<<<2, 96>>>(state);
  else if (named("vectors")) vectors<<<1, 64>>>(state, data);
  else if (named("crooked")) crooked<<<1, 1>>>(state, data);
  else return 2;
  return finish(state);
}
