// Release and acquire, fences, scopes, and volatile.
#include <cuda/atomic>

#include "verdict.hpp"

namespace check_test {
namespace {

enum class By { Relaxed, ReleaseOnly, AcquireOnly, Both, Narrow, FencesAndRelaxed, FencesAndVolatile, NarrowFence };

__device__ void raise(unsigned* flag, By by) {
  cuda::atomic_ref<unsigned, cuda::thread_scope_device> device(*flag);
  cuda::atomic_ref<unsigned, cuda::thread_scope_block> block(*flag);
  switch (by) {
    case By::Relaxed:
    case By::AcquireOnly: device.store(1, cuda::memory_order_relaxed); break;
    case By::ReleaseOnly:
    case By::Both: device.store(1, cuda::memory_order_release); break;
    case By::Narrow: block.store(1, cuda::memory_order_release); break;
    case By::FencesAndRelaxed: __threadfence(); device.store(1, cuda::memory_order_relaxed); break;
    case By::FencesAndVolatile: __threadfence(); *static_cast<volatile unsigned*>(flag) = 1; break;
    case By::NarrowFence: __threadfence_block(); device.store(1, cuda::memory_order_relaxed); break;
  }
}

__device__ void await(unsigned* flag, By by) {
  cuda::atomic_ref<unsigned, cuda::thread_scope_device> device(*flag);
  cuda::atomic_ref<unsigned, cuda::thread_scope_block> block(*flag);
  switch (by) {
    case By::Relaxed:
    case By::ReleaseOnly: while (!device.load(cuda::memory_order_relaxed)); break;
    case By::AcquireOnly:
    case By::Both: while (!device.load(cuda::memory_order_acquire)); break;
    case By::Narrow: while (!block.load(cuda::memory_order_acquire)); break;
    case By::FencesAndRelaxed: while (!device.load(cuda::memory_order_relaxed)); __threadfence(); break;
    case By::FencesAndVolatile: while (!*static_cast<volatile unsigned*>(flag)); __threadfence(); break;
    case By::NarrowFence: while (!device.load(cuda::memory_order_relaxed)); __threadfence_block(); break;
  }
}

template <By by>
__global__ void pass_between_blocks(unsigned* data, unsigned* flag, unsigned* out) {
  if (blockIdx.x == 0) {
    *data = 42;
    raise(flag, by);
  } else {
    await(flag, by);
    *out = *data;
  }
}
template <By by>
__global__ void pass_between_warps(unsigned* data, unsigned* flag, unsigned* out) {
  if (threadIdx.x == 0) {
    *data = 42;
    raise(flag, by);
  } else if (threadIdx.x == 32) {
    await(flag, by);
    *out = *data;
  }
}
template <By by>
std::string between_blocks() {
  Words data(1), flag(1), out(1);
  pass_between_blocks<by><<<2, 1>>>(data, flag, out);
  return verdict();
}
template <By by>
std::string between_warps() {
  Words data(1), flag(1), out(1);
  pass_between_warps<by><<<1, 64>>>(data, flag, out);
  return verdict();
}

TEST(Scope, ReleaseAndAcquireAreBothNeeded) {
  EXPECT_EQ(between_blocks<By::Both>(), "");
  EXPECT_TRUE(tells(between_blocks<By::Relaxed>(), {"race: read of 4 bytes at global"}));
  EXPECT_TRUE(tells(between_blocks<By::ReleaseOnly>(), {"race: read of 4 bytes at global"}));
  EXPECT_TRUE(tells(between_blocks<By::AcquireOnly>(), {"race: read of 4 bytes at global"}));
}

TEST(Scope, FencesMakeRelaxedAccessesOrder) {
  EXPECT_EQ(between_blocks<By::FencesAndRelaxed>(), "");
  EXPECT_EQ(between_blocks<By::FencesAndVolatile>(), "");
}

TEST(Scope, ABlocksScopeEndsAtTheBlock) {
  EXPECT_EQ(between_warps<By::Narrow>(), "");
  EXPECT_EQ(between_warps<By::NarrowFence>(), "");
  EXPECT_TRUE(tells(between_blocks<By::Narrow>(), {"race: strong read with scope .cta", "both are strong, but the scope of one does not reach the other"}));
  EXPECT_TRUE(tells(between_blocks<By::NarrowFence>(), {"race: read of 4 bytes at global"}));
}

// Each thread fences what it wrote, then one thread raises the flag for all of them behind a barrier. Only fence.sc, of
// which there is one order for all threads, makes that right: membar, which __threadfence() is, on both sides.
enum class Each { Sequential, AcquireRelease, Narrow, NoReader, ReadersToo };
__device__ void fence_each(Each how) {
  if (how == Each::AcquireRelease) asm volatile("fence.acq_rel.gpu;" ::: "memory");
  else if (how == Each::Narrow) __threadfence_block();
  else __threadfence();
}
template <Each how>
__global__ void raise_for_all(unsigned* data, unsigned* flag, unsigned* out) {
  cuda::atomic_ref<unsigned, cuda::thread_scope_device> up(*flag);
  if (blockIdx.x < 2) {
    data[blockIdx.x * blockDim.x + threadIdx.x] = threadIdx.x;
    fence_each(how);
    __syncthreads();
    if (threadIdx.x == 0) up.fetch_add(1, cuda::memory_order_relaxed);
  } else {
    if (threadIdx.x == 0) {
      while (up.load(cuda::memory_order_relaxed) < 2);
      if (how == Each::Sequential || how == Each::AcquireRelease || how == Each::Narrow) fence_each(how);
    }
    __syncthreads();
    if (how == Each::ReadersToo) __threadfence();
    out[threadIdx.x] = data[blockDim.x + (threadIdx.x + 1) % blockDim.x] + data[threadIdx.x];
  }
}
template <Each how>
std::string raised_for_all() {
  Words data(128), flag(1), out(64);
  raise_for_all<how><<<3, 64>>>(data, flag, out);
  return verdict();
}

TEST(Scope, SequentialFencesOrderAcrossThreadsThatMeet) {
  EXPECT_EQ(raised_for_all<Each::Sequential>(), "");
  EXPECT_EQ(raised_for_all<Each::ReadersToo>(), "");
  EXPECT_TRUE(tells(raised_for_all<Each::AcquireRelease>(), {"race: read of 4 bytes at global"}));
  EXPECT_TRUE(tells(raised_for_all<Each::Narrow>(), {"race: read of 4 bytes at global"}));
  EXPECT_TRUE(tells(raised_for_all<Each::NoReader>(), {"race: read of 4 bytes at global"}));
}

// What the releaser has learnt from a third is passed on.
__global__ void relay(unsigned* data, unsigned* flags, unsigned* out) {
  cuda::atomic_ref<unsigned, cuda::thread_scope_device> first(flags[0]), second(flags[1]);
  if (blockIdx.x == 0) {
    *data = 1;
    first.store(1, cuda::memory_order_release);
  } else if (blockIdx.x == 1) {
    while (!first.load(cuda::memory_order_acquire));
    second.store(1, cuda::memory_order_release);
  } else {
    while (!second.load(cuda::memory_order_acquire));
    *out = *data;
  }
}

TEST(Scope, OrderIsPassedOn) {
  Words data(1), flags(2), out(1);
  relay<<<3, 1>>>(data, flags, out);
  EXPECT_EQ(verdict(), "");
}

// A whole block's work, released by one of its threads after a barrier.
template <bool Right>
__global__ void last_block(unsigned* parts, unsigned* ticket, unsigned* out) {
  __shared__ bool last;
  parts[blockIdx.x * blockDim.x + threadIdx.x] = threadIdx.x;
  __syncthreads();
  if (threadIdx.x == 0) {
    if (Right) __threadfence();
    last = atomicAdd(ticket, 1u) == gridDim.x - 1;
    if (Right) __threadfence();
  }
  __syncthreads();
  if (!last) return;
  unsigned sum = 0;
  for (unsigned k = threadIdx.x; k < gridDim.x * blockDim.x; k += blockDim.x) sum += parts[k];
  out[threadIdx.x] = sum;
}

TEST(Scope, TheLastBlockSums) {
  Words parts(8 * 64), ticket(1), out(64);
  last_block<true><<<8, 64>>>(parts, ticket, out);
  EXPECT_EQ(verdict(), "");
  Words more(8 * 64), fresh(1), sums(64);
  last_block<false><<<8, 64>>>(more, fresh, sums);
  EXPECT_TRUE(tells(verdict(), {"race: read of 4 bytes at global"}));
}

// A lock taken and given back by compare-and-swap and exchange.
template <bool Right>
__global__ void locked(unsigned* lock, unsigned* sum) {
  cuda::atomic_ref<unsigned, cuda::thread_scope_device> l(*lock);
  if (threadIdx.x % 32 == 0) {
    unsigned expected = 0;
    while (!l.compare_exchange_strong(expected, 1u, cuda::memory_order_acquire, cuda::memory_order_relaxed)) expected = 0;
    *sum += 1;
    l.store(0, Right ? cuda::memory_order_release : cuda::memory_order_relaxed);
  }
}

TEST(Scope, Locks) {
  Words lock(1), sum(1);
  locked<true><<<4, 64>>>(lock, sum);
  EXPECT_EQ(verdict(), "");
  Words again(1), other(1);
  locked<false><<<4, 64>>>(again, other);
  EXPECT_TRUE(tells(verdict(), {"race: "}));
}

// A failed compare-and-swap writes nothing: a plain read beside it is only a read beside a read.
__global__ void fails(unsigned* word, unsigned* out) {
  if (threadIdx.x == 0) atomicCAS(word, 1u, 2u);  // it is 0
  if (threadIdx.x == 32) *out = *word;
}

TEST(Scope, AFailedExchangeOnlyReads) {
  Words word(1), out(1);
  fails<<<1, 64>>>(word, out);
  EXPECT_EQ(verdict(), "");
}

// Strong accesses of one size do not race, whatever their order; of two sizes they do.
template <bool Right>
__global__ void sizes(unsigned* word, unsigned* out) {
  volatile unsigned* whole = word;
  volatile unsigned short* part = reinterpret_cast<volatile unsigned short*>(word);
  if (threadIdx.x == 0) *whole = 3;
  if (threadIdx.x == 32) *out = Right ? *whole : *part;
}

TEST(Scope, StrongAccessesMustAgreeInSize) {
  Words word(1), out(1);
  sizes<true><<<1, 64>>>(word, out);
  EXPECT_EQ(verdict(), "");
  sizes<false><<<1, 64>>>(word, out);
  EXPECT_TRUE(tells(verdict(), {"race: "}));
}

// The shared memory of another block of the cluster, ordered by the cluster's barrier.
template <bool Releases>
__global__ void __cluster_dims__(2) neighbour(unsigned* out) {
  __shared__ unsigned value[32];
  unsigned rank, theirs, got;
  value[threadIdx.x] = threadIdx.x;
  if (Releases) asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory");
  else asm volatile("barrier.cluster.arrive.relaxed.aligned;" ::: "memory");
  asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  const auto own = static_cast<unsigned>(__cvta_generic_to_shared(&value[31 - threadIdx.x]));
  asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(theirs) : "r"(own), "r"(rank ^ 1));
  asm volatile("ld.shared::cluster.u32 %0, [%1];" : "=r"(got) : "r"(theirs) : "memory");
  asm volatile("barrier.cluster.arrive.aligned; barrier.cluster.wait.aligned;" ::: "memory");
  out[blockIdx.x * 32 + threadIdx.x] = got;
}

TEST(Scope, ClustersMeetAtTheirBarrier) {
  Words out(64);
  neighbour<true><<<2, 32>>>(out);
  EXPECT_EQ(verdict(), "");
  neighbour<false><<<2, 32>>>(out);
  EXPECT_TRUE(tells(verdict(), {"race: read of 4 bytes at shared", "a write is not ordered before it"}));
}

}  // namespace
}  // namespace check_test
