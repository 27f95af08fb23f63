// Loads and stores of Width floats of global memory in one access: 1, or 4 where the address is a multiple of
// 16 bytes.
#pragma once

#include <cstdint>

namespace recur::device {

template <int Width>
struct Floats {
  static_assert(Width == 1 || Width == 4);
  float at[Width];

  __device__ __forceinline__ void add(const Floats& other) {
#pragma unroll
    for (int i = 0; i < Width; ++i) at[i] += other.at[i];
  }
};

template <int Width>
__device__ __forceinline__ Floats<Width> load(const float* source) {
  if constexpr (Width == 4) {
    float4 v = *reinterpret_cast<const float4*>(source);
    return {{v.x, v.y, v.z, v.w}};
  } else {
    return {{*source}};
  }
}

template <int Width>
__device__ __forceinline__ void store(float* target, const Floats<Width>& v) {
  if constexpr (Width == 4) {
    // Written as the instruction: nvcc splits many float4 stores of computed values into four.
    asm volatile("st.global.v4.f32 [%0], {%1, %2, %3, %4};" ::"l"(__cvta_generic_to_global(target)), "f"(v.at[0]),
                 "f"(v.at[1]), "f"(v.at[2]), "f"(v.at[3])
                 : "memory");
  } else {
    *target = v.at[0];
  }
}

}  // namespace recur::device
