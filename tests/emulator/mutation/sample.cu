// A program whose every fence, barrier, order and scope is needed: taking away any one is a fault that a run shows
// (ptxvm-mutate -- ptxvm_mutation_sample). With an argument, something else:
//   idle       a barrier that nobody needs, and one that is never reached
//   meeting    two warps meet at a barrier, one of which only arrives
//   fail       fails by itself
//   nothing    launches nothing
#include <cuda_runtime.h>

#include <cstdio>
#include <cstring>

namespace {

constexpr int kThreads = 96, kWords = 32;

__device__ void store_release(int* p, int v) { asm volatile("st.release.gpu.global.s32 [%0], %1;" ::"l"(p), "r"(v) : "memory"); }
__device__ int load_acquire(const int* p) {
  int v;
  asm volatile("ld.acquire.gpu.global.s32 %0, [%1];" : "=r"(v) : "l"(p) : "memory");
  return v;
}

// Each block hands the message on to the next, one more in each word. state: a flag a block.
__global__ void pass_on(int* flags, int* messages) {
  if (threadIdx.x != 0) return;
  const int me = int(blockIdx.x);
  int* mine = messages + me * kWords;
  if (me > 0) {
    while (load_acquire(flags + me - 1) == 0) {}
    for (int k = 0; k < kWords; ++k) mine[k] = mine[k - kWords] + 1;
  } else {
    for (int k = 0; k < kWords; ++k) mine[k] = k;
  }
  store_release(flags + me, 1);
}

// The sum of a block's values, by halves in shared memory.
__global__ void reduce(const int* in, int* out) {
  __shared__ int shared[64];
  const int me = int(threadIdx.x);
  shared[me] = in[blockIdx.x * 64 + me];
#pragma unroll 1
  for (int half = 32; half > 0; half /= 2) {
    __syncthreads();
    if (me < half) shared[me] = shared[me] + shared[me + half];
  }
  if (me == 0) out[blockIdx.x] = shared[0];
}

// Neighbours exchange values through shared memory, round after round.
__global__ void exchange(int* out) {
  __shared__ int shared[kThreads];
  const int me = int(threadIdx.x);
  int sum = 0;
#pragma unroll 1
  for (int round = 0; round < 8; ++round) {
    shared[me] = me + round * 1000;
    __syncwarp();
    sum += shared[me ^ 1];
    __syncwarp();
  }
  out[blockIdx.x * kThreads + me] = sum;
}

__device__ unsigned shared_address(const void* p) { return unsigned(__cvta_generic_to_shared(p)); }

// Each thread copies 16 bytes without waiting; its neighbour at the other end reads them.
__global__ void staged(const int4* in, int4* out) {
  __shared__ int4 shared[64];
  const int me = int(threadIdx.x);
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared_address(shared + me)), "l"(in + me) : "memory");
  asm volatile("cp.async.wait_all;" ::: "memory");
  __syncthreads();
  out[me] = shared[63 - me];
}

// One thread has a kilobyte copied over what all have written, and an mbarrier tells all of its coming.
__global__ void bulk(const int* in, int* out) {
  __shared__ alignas(128) int shared[256];
  __shared__ alignas(8) unsigned long long arrived;
  const int me = int(threadIdx.x);
  const unsigned barrier = shared_address(&arrived), buffer = shared_address(shared);
  shared[me] = -1;
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
  if (me == 0) asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(barrier) : "memory");
  __syncthreads();
  if (me == 0) {
    asm volatile("mbarrier.arrive.expect_tx.relaxed.cta.shared::cta.b64 _, [%0], 1024;" ::"r"(barrier) : "memory");
    asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], 1024, [%2];" ::"r"(buffer),
                 "l"(in), "r"(barrier)
                 : "memory");
  }
  int done = 0;
  while (!done) {
    asm volatile(
        "{\n.reg .pred p;\nmbarrier.try_wait.parity.shared::cta.b64 p, [%1], 0;\nselp.s32 %0, 1, 0, p;\n}"
        : "=r"(done)
        : "r"(barrier)
        : "memory");
  }
  out[me] = shared[me] + shared[255 - me];
}

__device__ unsigned in_block(unsigned address, unsigned rank) {
  unsigned there;
  asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there) : "r"(address), "r"(rank));
  return there;
}
__device__ void arrive_at(unsigned barrier) {
  asm volatile("mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%0];" ::"r"(barrier) : "memory");
}
__device__ void wait_for(unsigned barrier, unsigned parity) {
  int done = 0;
  while (!done) {
    asm volatile(
        "{\n.reg .pred p;\nmbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 p, [%1], %2;\nselp.s32 %0, 1, 0, p;\n}"
        : "=r"(done)
        : "r"(barrier), "r"(parity)
        : "memory");
  }
}

// The blocks of a cluster stand in a ring. Each puts its numbers into the next one's box, which tells when it has read.
__global__ void __cluster_dims__(4, 1, 1) hand_round(int* out) {
  __shared__ int box[64];
  __shared__ alignas(8) unsigned long long full, empty;
  const int me = int(threadIdx.x);
  const unsigned rank = blockIdx.x % 4, next = (rank + 1) % 4, previous = (rank + 3) % 4;
  const unsigned is_full = shared_address(&full), is_empty = shared_address(&empty);
  if (me == 0) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], 64;" ::"r"(is_full) : "memory");
    asm volatile("mbarrier.init.shared::cta.b64 [%0], 64;" ::"r"(is_empty) : "memory");
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  asm volatile("barrier.cluster.arrive.relaxed.aligned;" ::: "memory");
  asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");
  int value = int(blockIdx.x) * 100 + me;
#pragma unroll 1
  for (unsigned round = 0; round < 4; ++round) {
    asm volatile("st.shared::cluster.s32 [%0], %1;" ::"r"(in_block(shared_address(box + me), next)), "r"(value) : "memory");
    arrive_at(in_block(is_full, next));
    wait_for(is_full, round & 1);
    value = box[63 - me] + 1;
    arrive_at(in_block(is_empty, previous));
    wait_for(is_empty, round & 1);
  }
  out[blockIdx.x * 64 + me] = value;
}

__global__ void idle(int* out, bool never) {
  out[threadIdx.x] = int(threadIdx.x);
  __syncthreads();
  if (never) {
    __syncwarp();
    out[threadIdx.x] = out[threadIdx.x ^ 1];
  }
}

__global__ void meeting(int* out) {
  if (threadIdx.x < 32) asm volatile("bar.arrive 1, 64;" ::: "memory");
  else asm volatile("bar.sync 1, 64;" ::: "memory");
  out[threadIdx.x] = int(threadIdx.x);
}

template <class T>
struct Array {  // on the device, zeroed
  explicit Array(int n) : count(n) {
    cudaMalloc(&data, size_t(n) * sizeof(T));
    cudaMemset(data, 0, size_t(n) * sizeof(T));
  }
  ~Array() { cudaFree(data); }
  bool read(T* to) const { return cudaMemcpy(to, data, size_t(count) * sizeof(T), cudaMemcpyDeviceToHost) == cudaSuccess; }
  int count;
  T* data = nullptr;
};

int complain(const char* what) {
  std::printf("%s: wrong result or %s\n", what, cudaGetErrorString(cudaGetLastError()));
  return 1;
}

int passed_on() {
  constexpr int blocks = 8;
  Array<int> flags(blocks), messages(blocks * kWords);
  pass_on<<<blocks, 32>>>(flags.data, messages.data);
  int got[blocks * kWords];
  if (!messages.read(got)) return complain("pass_on");
  for (int k = 0; k < blocks * kWords; ++k)
    if (got[k] != k % kWords + k / kWords) return complain("pass_on");
  return 0;
}

int reduced() {
  constexpr int blocks = 6;
  int values[blocks * 64], got[blocks];
  Array<int> in(blocks * 64), out(blocks);
  for (int k = 0; k < blocks * 64; ++k) values[k] = k * k % 1009;
  cudaMemcpy(in.data, values, sizeof values, cudaMemcpyHostToDevice);
  reduce<<<blocks, 64>>>(in.data, out.data);
  if (!out.read(got)) return complain("reduce");
  for (int b = 0; b < blocks; ++b) {
    int sum = 0;
    for (int k = 0; k < 64; ++k) sum += values[b * 64 + k];
    if (got[b] != sum) return complain("reduce");
  }
  return 0;
}

int exchanged() {
  constexpr int blocks = 4;
  Array<int> out(blocks * kThreads);
  exchange<<<blocks, kThreads>>>(out.data);
  int got[blocks * kThreads];
  if (!out.read(got)) return complain("exchange");
  for (int k = 0; k < blocks * kThreads; ++k)
    if (got[k] != 8 * ((k % kThreads) ^ 1) + 28000) return complain("exchange");
  return 0;
}

int copied() {
  int values[256], got[256];
  for (int k = 0; k < 256; ++k) values[k] = k * k;
  Array<int> in(256), out(256);
  cudaMemcpy(in.data, values, sizeof values, cudaMemcpyHostToDevice);
  staged<<<1, 64>>>(reinterpret_cast<const int4*>(in.data), reinterpret_cast<int4*>(out.data));
  if (!out.read(got)) return complain("staged");
  for (int k = 0; k < 256; ++k)
    if (got[k] != values[(63 - k / 4) * 4 + k % 4]) return complain("staged");
  bulk<<<1, 256>>>(in.data, out.data);
  if (!out.read(got)) return complain("bulk");
  for (int k = 0; k < 256; ++k)
    if (got[k] != values[k] + values[255 - k]) return complain("bulk");
  return 0;
}

// After as many rounds as there are blocks everything is back where it was, four more.
int handed_round() {
  Array<int> out(8 * 64);
  hand_round<<<8, 64>>>(out.data);
  int got[8 * 64];
  if (!out.read(got)) return complain("hand_round");
  for (int k = 0; k < 8 * 64; ++k)
    if (got[k] != k / 64 * 100 + k % 64 + 4) return complain("hand_round");
  return 0;
}

int idled(bool meet) {
  Array<int> out(64);
  if (meet) meeting<<<1, 64>>>(out.data);
  else idle<<<1, 64>>>(out.data, false);
  int got[64];
  return out.read(got) && got[63] == 63 ? 0 : complain("idle");
}

}  // namespace

int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "";
  if (std::strcmp(what, "idle") == 0) return idled(false);
  if (std::strcmp(what, "meeting") == 0) return idled(true);
  if (std::strcmp(what, "fail") == 0) return 7;
  if (std::strcmp(what, "nothing") == 0) return 0;
  return passed_on() | reduced() | exchanged() | copied() | handed_round();
}
