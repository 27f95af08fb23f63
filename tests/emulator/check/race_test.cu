// Races within a warp, a block and a grid.
#include "verdict.hpp"

namespace check_test {
namespace {

template <bool Right>
__global__ void reversed_in_block(unsigned* out) {
  __shared__ unsigned s[128];
  s[threadIdx.x] = 0;
  __syncthreads();
  s[threadIdx.x] = threadIdx.x;
  if (Right) __syncthreads();
  out[threadIdx.x] = s[127 - threadIdx.x];
}

TEST(Race, BlockNeedsItsBarrier) {
  Words out(128);
  reversed_in_block<true><<<1, 128>>>(out);
  EXPECT_EQ(verdict(), "");
  reversed_in_block<false><<<1, 128>>>(out);
  EXPECT_TRUE(tells(verdict(), {"race: ", " of 4 bytes at shared address", " is not ordered before it", "race_test.cu:", "reversed_in_block",
                                "the other: block (0,0,0), thread ("}));
}

template <bool Right>
__global__ void reversed_in_warp(unsigned* out) {
  __shared__ unsigned s[32];
  s[threadIdx.x] = threadIdx.x;
  if (Right) __syncwarp();
  out[threadIdx.x] = s[31 - threadIdx.x];
}

TEST(Race, LanesAreThreads) {
  Words out(32);
  reversed_in_warp<true><<<1, 32>>>(out);
  EXPECT_EQ(verdict(), "");
  reversed_in_warp<false><<<1, 32>>>(out);
  EXPECT_TRUE(tells(verdict(), {"race: read of 4 bytes at shared"}));
}

// A shuffle moves a value; it orders no memory.
template <bool Right>
__global__ void shuffle_between(unsigned* out) {
  __shared__ unsigned s[32];
  s[threadIdx.x] = threadIdx.x;
  const unsigned other = __shfl_xor_sync(~0u, threadIdx.x, 1);
  if (Right) __syncwarp();
  out[threadIdx.x] = s[other];
}

TEST(Race, ShufflesOrderNothing) {
  Words out(32);
  shuffle_between<true><<<1, 32>>>(out);
  EXPECT_EQ(verdict(), "");
  shuffle_between<false><<<1, 32>>>(out);
  EXPECT_TRUE(tells(verdict(), {"race: read"}));
}

// The second half of the warp meets apart from the first.
template <bool Right>
__global__ void half_warps(unsigned* out) {
  __shared__ unsigned s[32];
  const unsigned lane = threadIdx.x;
  s[lane] = lane;
  if (lane < 16) __syncwarp(0x0000ffffu);
  else __syncwarp(0xffff0000u);
  out[lane] = s[Right ? lane ^ 15 : lane ^ 16];
}

TEST(Race, PartsOfAWarpMeetApart) {
  Words out(32);
  half_warps<true><<<1, 32>>>(out);
  EXPECT_EQ(verdict(), "");
  half_warps<false><<<1, 32>>>(out);
  EXPECT_TRUE(tells(verdict(), {"race: read"}));
}

// Read, then overwritten: the barrier between the two is as needful as that before.
template <bool Right>
__global__ void write_after_read(unsigned* out) {
  __shared__ unsigned s[64];
  s[threadIdx.x] = threadIdx.x;
  __syncthreads();
  unsigned sum = 0;
  for (int k = 0; k < 3; ++k) {
    sum += s[63 - threadIdx.x];
    if (Right) __syncthreads();
    s[threadIdx.x] = sum;
    __syncthreads();
  }
  out[threadIdx.x] = sum;
}

TEST(Race, WriteAfterRead) {
  Words out(64);
  write_after_read<true><<<1, 64>>>(out);
  EXPECT_EQ(verdict(), "");
  write_after_read<false><<<1, 64>>>(out);
  EXPECT_TRUE(tells(verdict(), {"race: ", "at shared address"}));
}

// Neighbouring bytes and halves of a word are nobody else's business.
template <class T>
__global__ void neighbours(T* out, unsigned stride) {
  out[threadIdx.x * stride] = T(threadIdx.x);
}

TEST(Race, PartsOfAWordAreApart) {
  Words out(256);
  neighbours<<<1, 256>>>(reinterpret_cast<unsigned char*>(static_cast<unsigned*>(out)), 1u);
  EXPECT_EQ(verdict(), "");
  neighbours<<<1, 256>>>(reinterpret_cast<unsigned short*>(static_cast<unsigned*>(out)), 1u);
  EXPECT_EQ(verdict(), "");
}

__global__ void overlapping(unsigned* out) {
  if (threadIdx.x == 0) *out = 1;
  if (threadIdx.x == 40) reinterpret_cast<unsigned char*>(out)[3] = 2;
}

TEST(Race, AByteOfAWord) {
  Words out(1);
  overlapping<<<1, 64>>>(out);
  EXPECT_TRUE(tells(verdict(), {"race: write of 1 bytes at global"}));
}

// A named barrier orders those who come to it, and nobody else.
template <bool Right>
__global__ void named(unsigned* out) {
  __shared__ unsigned s[96];
  const unsigned t = threadIdx.x;
  s[t] = t;
  if (t < 64) {
    asm volatile("bar.sync 1, 64;" ::: "memory");
    out[t] = s[Right ? 63 - t : 95 - t];
  }
}

// The same where those who do not come to it have already exited.
template <bool Right>
__global__ void named_after_exit(unsigned* out) {
  __shared__ unsigned s[96];
  const unsigned t = threadIdx.x;
  s[t] = t;
  if (t >= 32) {
    asm volatile("bar.sync 1, 64;" ::: "memory");
    out[t] = s[Right ? 127 - t : 95 - t];
  }
}

TEST(Race, NamedBarriersOrderTheirOwn) {
  Words out(96);
  named<true><<<1, 96>>>(out);
  EXPECT_EQ(verdict(), "");
  named<false><<<1, 96>>>(out);
  EXPECT_TRUE(tells(verdict(), {"race: read"}));
  Words more(96);
  named_after_exit<true><<<1, 96>>>(more);
  EXPECT_EQ(verdict(), "");
  named_after_exit<false><<<1, 96>>>(more);
  EXPECT_TRUE(tells(verdict(), {"race: read"}));
}

// bar.arrive releases what came before it, not what comes after: the reader has to have read.
template <bool Right>
__global__ void producer(unsigned* out) {
  __shared__ unsigned s[32];
  const unsigned t = threadIdx.x % 32;
  if (threadIdx.x < 32) {
    for (unsigned k = 0; k < 3; ++k) {
      s[t] = t + k;
      asm volatile("bar.arrive 1, 64;" ::: "memory");
      asm volatile("bar.sync 2, 64;" ::: "memory");
    }
  } else {
    for (unsigned k = 0; k < 3; ++k) {
      asm volatile("bar.sync 1, 64;" ::: "memory");
      if (!Right) asm volatile("bar.arrive 2, 64;" ::: "memory");
      out[t] = s[31 - t];
      if (Right) asm volatile("bar.arrive 2, 64;" ::: "memory");
    }
  }
}

TEST(Race, ArrivingReleases) {
  Words out(32);
  producer<true><<<1, 64>>>(out);
  EXPECT_EQ(verdict(), "");
  producer<false><<<1, 64>>>(out);
  EXPECT_TRUE(tells(verdict(), {"race: "}));
}

__global__ void same_place(unsigned* out) { out[blockIdx.x / 2] = 7; }

TEST(Race, BlocksThatWriteOnePlace) {
  Words out(2);
  same_place<<<4, 1>>>(out);
  EXPECT_TRUE(tells(verdict(), {"race: write of 4 bytes at global address", "block (1,0,0)", "the other: block (0,0,0)", "allocation"}));
}

template <bool Same>
__global__ void one_instruction(unsigned* out) {
  *out = Same ? 7 : threadIdx.x;
}

TEST(Race, LanesThatWriteOnePlaceByOneInstruction) {
  Words out(1);
  one_instruction<true><<<1, 32>>>(out);
  EXPECT_EQ(verdict(), "");
  one_instruction<true><<<1, 64>>>(out);
  EXPECT_TRUE(tells(verdict(), {"race: write"}));  // two warps are two instructions
  Words more(1);
  one_instruction<false><<<1, 32>>>(more);
  EXPECT_TRUE(tells(verdict(), {"race: lanes 0 and 1 of a warp write different values to one place"}));
}

template <bool Right>
__global__ void counted(unsigned* out) {
  if (Right) atomicAdd(out, 1u);
  else *out += 1;
}

TEST(Race, AtomicsDoNotRaceWithEachOther) {
  Words out(1);
  counted<true><<<8, 64>>>(out);
  EXPECT_EQ(verdict(), "");
  counted<false><<<8, 64>>>(out);
  EXPECT_TRUE(tells(verdict(), {"race: "}));
}

// A plain read beside atomics races even where it would find the right value.
__global__ void peeks(unsigned* out, unsigned* seen) {
  atomicAdd(out, 1u);
  if (threadIdx.x == 63) *seen = *out;
}

TEST(Race, PlainReadsBesideAtomics) {
  Words out(1), seen(1);
  peeks<<<1, 64>>>(out, seen);
  EXPECT_TRUE(tells(verdict(), {"race: read of 4 bytes", "strong write with scope .gpu"}));
}

// The verdict is by proof: whichever warp runs first, the race is found.
template <int First>
__global__ void either_first(unsigned* word, unsigned* out) {
  const bool writer = threadIdx.x / 32 == First;
  if (writer && threadIdx.x % 32 == 0) *word = 5;
  if (!writer && threadIdx.x % 32 == 0) *out = *word;
}

TEST(Race, WhoeverRunsFirst) {
  Words word(1), out(1);
  either_first<0><<<1, 64>>>(word, out);
  EXPECT_TRUE(tells(verdict(), {"race: read of 4 bytes", "a write is not ordered before it"}));
  Words again(1), other(1);
  either_first<1><<<1, 64>>>(again, other);
  EXPECT_TRUE(tells(verdict(), {"race: write of 4 bytes", "a read is not ordered before it"}));
}

template <bool Right>
__global__ void exited(unsigned* out) {
  __shared__ unsigned s[64];
  s[threadIdx.x] = 0;
  __syncthreads();
  if (threadIdx.x >= 48) return;
  s[threadIdx.x] = threadIdx.x;
  if (Right) __syncthreads();
  out[threadIdx.x] = s[47 - threadIdx.x];
}

TEST(Race, ThreadsThatHaveExitedAreNotWaitedFor) {
  Words out(64);
  exited<true><<<1, 64>>>(out);
  EXPECT_EQ(verdict(), "");
  exited<false><<<1, 64>>>(out);
  EXPECT_TRUE(tells(verdict(), {"race: "}));
}

}  // namespace
}  // namespace check_test
