// What others wrote over mbarriers and asynchronous copies: cuda::barrier, cuda::pipeline, cuda::memcpy_async
// and cooperative groups' memcpy_async, against plain results, early and late; and each with a wait left out.
#include <cooperative_groups.h>
#include <cooperative_groups/memcpy_async.h>

#include <algorithm>
#include <cuda/barrier>
#include <cuda/pipeline>

#include "async_support.hpp"

#pragma nv_diag_suppress static_var_with_dynamic_init

namespace async_test {
namespace {

namespace cg = cooperative_groups;
using Barrier = cuda::barrier<cuda::thread_scope_block>;
constexpr int kTile = 256;

// Tile after tile of `in` reversed within itself.
std::vector<int> reversed(const std::vector<int>& in) {
  std::vector<int> out = in;
  for (std::size_t at = 0; at < out.size(); at += kTile)
    std::reverse(out.begin() + long(at), out.begin() + long(std::min(out.size(), at + kTile)));
  return out;
}

template <bool Waits>
__global__ void barrier_copies(int* out, const int* in, int n) {
  __shared__ Barrier bar;
  __shared__ alignas(16) int tile[kTile];
  if (threadIdx.x == 0) init(&bar, blockDim.x);
  for (int k = int(threadIdx.x); k < kTile; k += int(blockDim.x)) tile[k] = -1;
  asm volatile("fence.proxy.async;" ::: "memory");
  __syncthreads();
  for (int at = int(blockIdx.x) * kTile; at < n; at += int(gridDim.x) * kTile) {
    const int count = min(kTile, n - at);
    cuda::memcpy_async(cg::this_thread_block(), tile, in + at, std::size_t(count) * sizeof(int), bar);
    Barrier::arrival_token token = bar.arrive();
    __syncthreads();
    if (Waits) bar.wait(std::move(token));
    for (int i = int(threadIdx.x); i < count; i += int(blockDim.x)) out[at + i] = tile[count - 1 - i];
    if (!Waits) bar.wait(std::move(token));
    __syncthreads();
  }
}
TEST(CudaBarrier, CopiesOfTheWholeBlock) {
  for (const int n : {256, 1024, 2048 + 64, 1000, 777}) {
    const std::vector<int> in = numbers(std::size_t(n));
    const Array<int> source(in);
    for (const int threads : {32, 96, 256})
      always_gives(reversed(in), [&](int* out) { barrier_copies<true><<<2, threads>>>(out, source, n); });
    is_wrong_late(reversed(in), [&](int* out) { barrier_copies<false><<<2, 96>>>(out, source, n); });
  }
}

template <bool Waits>
__global__ void barrier_transactions(int* out, const int* in) {
  __shared__ Barrier bar;
  __shared__ alignas(16) int tile[kTile];
  if (threadIdx.x == 0) init(&bar, blockDim.x);
  for (int k = int(threadIdx.x); k < kTile; k += int(blockDim.x)) tile[k] = -1;
  asm volatile("fence.proxy.async;" ::: "memory");
  __syncthreads();
  Barrier::arrival_token token;
  if (threadIdx.x == 0) {
    cuda::device::memcpy_async_tx(tile, in + blockIdx.x * kTile, cuda::aligned_size_t<16>(sizeof tile), bar);
    token = cuda::device::barrier_arrive_tx(bar, 1, sizeof tile);
  } else {
    token = bar.arrive();
  }
  __syncthreads();
  if (Waits) bar.wait(std::move(token));
  for (int i = int(threadIdx.x); i < kTile; i += int(blockDim.x))
    out[blockIdx.x * kTile + i] = tile[kTile - 1 - i];
  if (!Waits) bar.wait(std::move(token));
}
TEST(CudaBarrier, TransactionsOfOneThread) {
  const std::vector<int> in = numbers(5 * kTile);
  const Array<int> source(in);
  always_gives(reversed(in), [&](int* out) { barrier_transactions<true><<<5, 64>>>(out, source); });
  is_wrong_late(reversed(in), [&](int* out) { barrier_transactions<false><<<5, 64>>>(out, source); });
}

// Threads leave one after the other; those who stay meet each time.
__global__ void dropping(int* out) {
  __shared__ Barrier bar;
  __shared__ int sum;
  if (threadIdx.x == 0) init(&bar, blockDim.x), sum = 0;
  __syncthreads();
  for (int phase = 0; phase < int(blockDim.x); ++phase) {
    if (int(threadIdx.x) == phase) {
      bar.arrive_and_drop();
      return;
    }
    atomicAdd(&sum, 1);
    bar.arrive_and_wait();
    if (threadIdx.x == blockDim.x - 1) out[phase] = sum;
    bar.arrive_and_wait();
  }
}
TEST(CudaBarrier, DroppedThreadsAreNotWaitedFor) {
  constexpr int threads = 40;
  std::vector<int> wanted(threads);
  for (int phase = 0, sum = 0; phase + 1 < threads; ++phase)
    wanted[std::size_t(phase)] = sum += threads - 1 - phase;
  always_gives(wanted, [&](int* out) { dropping<<<1, threads>>>(out); });
}

template <int Stages, bool Waits>
__global__ void block_pipeline(int* out, const int* in, int tiles) {
  __shared__ cuda::pipeline_shared_state<cuda::thread_scope_block, Stages> state;
  __shared__ alignas(16) int tile[Stages][kTile];
  const auto block = cg::this_thread_block();
  for (int k = int(threadIdx.x); k < Stages * kTile; k += int(blockDim.x)) tile[k / kTile][k % kTile] = -1;
  __syncthreads();
  auto pipeline = cuda::make_pipeline(block, &state);
  for (int next = 0, now = 0; now < tiles; ++now) {
    for (; next < tiles && next < now + Stages; ++next) {
      pipeline.producer_acquire();
      cuda::memcpy_async(block, tile[next % Stages], in + next * kTile,
                         cuda::aligned_size_t<16>(sizeof tile[0]), pipeline);
      pipeline.producer_commit();
    }
    if (Waits) pipeline.consumer_wait();
    __syncthreads();
    for (int i = int(threadIdx.x); i < kTile; i += int(blockDim.x))
      out[now * kTile + i] = tile[now % Stages][kTile - 1 - i];
    if (!Waits) pipeline.consumer_wait();
    pipeline.consumer_release();
  }
}
TEST(CudaPipeline, StagesOfTheBlock) {
  for (const int tiles : {1, 2, 7}) {
    const std::vector<int> in = numbers(std::size_t(tiles) * kTile);
    const Array<int> source(in);
    always_gives(reversed(in), [&](int* out) { block_pipeline<1, true><<<1, 64>>>(out, source, tiles); });
    always_gives(reversed(in), [&](int* out) { block_pipeline<2, true><<<1, 96>>>(out, source, tiles); });
    always_gives(reversed(in), [&](int* out) { block_pipeline<4, true><<<1, 256>>>(out, source, tiles); });
    is_wrong_late(reversed(in), [&](int* out) { block_pipeline<2, false><<<1, 96>>>(out, source, tiles); });
  }
}

// Each thread's own pipeline, of cp.async groups.
template <bool Waits>
__global__ void thread_pipeline(int4* out, const int4* in, int tiles) {
  __shared__ int4 slot[3][64];
  const int me = int(threadIdx.x);
  for (auto& stage : slot) stage[me] = make_int4(-1, -1, -1, -1);
  auto pipeline = cuda::make_pipeline();
  int next = 0;
  for (int now = 0; now < tiles; ++now) {
    for (; next < now + 3; ++next) {  // a stage without a copy keeps the count
      pipeline.producer_acquire();
      if (next < tiles)
        cuda::memcpy_async(&slot[next % 3][me], in + next * 64 + me, cuda::aligned_size_t<16>(16), pipeline);
      pipeline.producer_commit();
    }
    if (Waits) cuda::pipeline_consumer_wait_prior<2>(pipeline);
    const int4 v = slot[now % 3][me];
    out[now * 64 + me] = make_int4(v.w, v.z, v.y, v.x);
    if (!Waits) cuda::pipeline_consumer_wait_prior<2>(pipeline);
    pipeline.consumer_release();
  }
}
TEST(CudaPipeline, GroupsOfAThread) {
  for (const int tiles : {1, 3, 9}) {
    const std::vector<int> in = numbers(std::size_t(tiles) * 256);
    std::vector<int> wanted = in;
    for (std::size_t k = 0; k < wanted.size(); k += 4)
      std::reverse(wanted.begin() + long(k), wanted.begin() + long(k + 4));
    const Array<int> source(in);
    const auto* from = reinterpret_cast<const int4*>(static_cast<int*>(source));
    always_gives(wanted, [&](int* out) {
      thread_pipeline<true><<<1, 64>>>(reinterpret_cast<int4*>(out), from, tiles);
    });
    is_wrong_late(wanted, [&](int* out) {
      thread_pipeline<false><<<1, 64>>>(reinterpret_cast<int4*>(out), from, tiles);
    });
  }
}

template <bool Waits>
__global__ void group_copies(int* out, const int* in, int n) {
  __shared__ alignas(16) int first[kTile], second[kTile];
  const auto block = cg::this_thread_block();
  for (int i = int(threadIdx.x); i < kTile; i += int(blockDim.x)) first[i] = second[i] = -1;
  block.sync();
  cg::memcpy_async(block, first, in, sizeof(int) * n);
  cg::memcpy_async(block, second, in + n, sizeof(int) * n);
  if (Waits) cg::wait_prior<1>(block);
  block.sync();
  for (int i = int(threadIdx.x); i < n; i += int(blockDim.x)) out[i] = first[n - 1 - i];
  if (Waits) cg::wait(block);
  block.sync();
  for (int i = int(threadIdx.x); i < n; i += int(blockDim.x)) out[n + i] = second[n - 1 - i];
  if (!Waits) cg::wait(block);
}
TEST(CooperativeGroups, CopiesOfTheBlock) {
  for (const int n : {1, 64, 255, 256}) {
    const std::vector<int> in = numbers(2 * std::size_t(n));
    std::vector<int> wanted = in;
    std::reverse(wanted.begin(), wanted.begin() + n);
    std::reverse(wanted.begin() + n, wanted.end());
    const Array<int> source(in);
    always_gives(wanted, [&](int* out) { group_copies<true><<<1, 96>>>(out, source, n); });
    is_wrong_late(wanted, [&](int* out) { group_copies<false><<<1, 96>>>(out, source, n); });
  }
}

}  // namespace
}  // namespace async_test
