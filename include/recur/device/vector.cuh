/// Loads and stores of Width elements of global memory in one access, as floats: Width 1, or 4 where the address
/// is a multiple of four elements' size. The stored type is float, __half or __nv_bfloat16; a store rounds to nearest.
/// @file
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>

namespace recur::device {

/// Width values of one thread.
template <int Width>
struct Floats {
  static_assert(Width == 1 || Width == 4);
  float at[Width];  ///< the values

  __device__ __forceinline__ void add(const Floats& other) {  ///< each to each
#pragma unroll
    for (int i = 0; i < Width; ++i) at[i] += other.at[i];
  }
};

__device__ __forceinline__ float to_float(float v) { return v; }  ///< exact
__device__ __forceinline__ float to_float(__half v) { return __half2float(v); }  ///< exact
__device__ __forceinline__ float to_float(__nv_bfloat16 v) { return __bfloat162float(v); }  ///< exact

/// Rounded to nearest even.
template <class T>
__device__ __forceinline__ T from_float(float v) {
  if constexpr (sizeof(T) == 4) return v;
  else if constexpr (std::is_same_v<T, __half>) return __float2half_rn(v);
  else return __float2bfloat16_rn(v);
}

/// Width elements from source on.
template <int Width, class T>
__device__ __forceinline__ Floats<Width> load(const T* source) {
  if constexpr (Width == 1) {
    return {{to_float(*source)}};
  } else if constexpr (sizeof(T) == 4) {
    float4 v = *reinterpret_cast<const float4*>(source);
    return {{v.x, v.y, v.z, v.w}};
  } else {
    const uint2 v = *reinterpret_cast<const uint2*>(source);
    T part[4];
    memcpy(part, &v, sizeof v);
    return {{to_float(part[0]), to_float(part[1]), to_float(part[2]), to_float(part[3])}};
  }
}

/// Width elements from target on.
template <int Width, class T>
__device__ __forceinline__ void store(T* target, const Floats<Width>& v) {
  // Written as the instruction: nvcc splits many vector stores of computed values into four.
  if constexpr (Width == 1) {
    *target = from_float<T>(v.at[0]);
  } else if constexpr (sizeof(T) == 4) {
    asm volatile("st.global.v4.f32 [%0], {%1, %2, %3, %4};" ::"l"(__cvta_generic_to_global(target)), "f"(v.at[0]),
                 "f"(v.at[1]), "f"(v.at[2]), "f"(v.at[3])
                 : "memory");
  } else {
    const T part[4] = {from_float<T>(v.at[0]), from_float<T>(v.at[1]), from_float<T>(v.at[2]), from_float<T>(v.at[3])};
    uint2 bits;
    memcpy(&bits, part, sizeof bits);
    asm volatile("st.global.v2.b32 [%0], {%1, %2};" ::"l"(__cvta_generic_to_global(target)), "r"(bits.x), "r"(bits.y)
                 : "memory");
  }
}

}  // namespace recur::device
