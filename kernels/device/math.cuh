// Activations, branch-free, and the instructions that they are made of.
#pragma once

namespace recur::device {

// 2^x and 1/x by the special-function unit; errors at most 2 ulp and 1 ulp (PTX ISA, ex2.approx, rcp.approx).
// Subnormal results are zero.
__device__ __forceinline__ float exp2_approximate(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
__device__ __forceinline__ float reciprocal_approximate(float x) {
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// e^x = 2^t (1 + r ln 2), where t is x log2(e) rounded and r what the rounding lost: within 4 ulp for x from
// -87 to 88. x is clamped where 2^t is still finite: from infinity on, a negative r would make a NaN. The result
// saturates at e^88 = 1.65e38, whose reciprocal is below the normal numbers.
__device__ __forceinline__ float exponential(float x) {
  constexpr float log2_e = 1.44269504f, log2_e_low = 1.92596299e-8f, ln_2 = 0.693147181f;
  float clamped = x < -104.0f ? -104.0f : x > 88.0f ? 88.0f : x;  // keeps NaN
  float t = clamped * log2_e;
  float lost = fmaf(clamped, log2_e, -t) + clamped * log2_e_low;
  float power = exp2_approximate(t);
  return fmaf(power, lost * ln_2, power);
}

// Within 6 ulp; 0 below about -87.3, where the result leaves the normal numbers.
__device__ __forceinline__ float sigmoid(float x) { return reciprocal_approximate(1.0f + exponential(-x)); }

// What a cell applies, and the derivative as a function of the result.
struct StandardActivation {
  static __device__ __forceinline__ float gate(float x) { return sigmoid(x); }
  static __device__ __forceinline__ float gate_slope(float y) { return y * (1.0f - y); }
  static __device__ __forceinline__ float squash(float x) { return tanhf(x); }
  static __device__ __forceinline__ float squash_slope(float y) { return 1.0f - y * y; }
};
struct LinearActivation {
  static __device__ __forceinline__ float gate(float x) { return x; }
  static __device__ __forceinline__ float gate_slope(float) { return 1.0f; }
  static __device__ __forceinline__ float squash(float x) { return x; }
  static __device__ __forceinline__ float squash_slope(float) { return 1.0f; }
};

}  // namespace recur::device
