// The matrix instruction, and the 16-bit pairs that it takes. From sm_80 on; on sm_75 it traps: the choice of a
// residency (host/choose.cpp) does not launch there what uses it.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace recur::device {

// d [16,8] += a [16,16] b [16,8] over a warp; g = lane / 4, q = lane % 4. PTX ISA, "mma.m16n8k16":
//   a.x: row g, columns 2q 2q+1;  a.y: row g+8, the same;  a.z and a.w: those rows, columns 8 further
//   b.x: rows 2q 2q+1 of column g;  b.y: 8 rows further
//   d[0] d[1]: row g, columns 2q 2q+1;  d[2] d[3]: row g+8
// volatile: all lanes execute it, so it must not move to where only some use the result.
template <class T>
__device__ __forceinline__ void mma_16x8x16(float (&d)[4], const uint4& a, const uint2& b) {
#if __CUDA_ARCH__ >= 800
  if constexpr (std::is_same_v<T, __half>)
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a.x), "r"(a.y), "r"(a.z), "r"(a.w), "r"(b.x), "r"(b.y));
  else
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a.x), "r"(a.y), "r"(a.z), "r"(a.w), "r"(b.x), "r"(b.y));
#else
  __trap();
#endif
}

// Two values of T in 32 bits, the first in the lower half.
template <class T>
__device__ __forceinline__ uint32_t pair_of(T low, T high) {
  const T both[2] = {low, high};
  uint32_t bits;
  memcpy(&bits, both, sizeof bits);
  return bits;
}
template <class T>
__device__ __forceinline__ T low_of(uint32_t pair) {
  T both[2];
  memcpy(both, &pair, sizeof pair);
  return both[0];
}
template <class T>
__device__ __forceinline__ T high_of(uint32_t pair) {
  T both[2];
  memcpy(both, &pair, sizeof pair);
  return both[1];
}

}  // namespace recur::device
