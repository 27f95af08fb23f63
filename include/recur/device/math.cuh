/// Activations, branch-free, and the instructions that they are made of. @file
#pragma once

namespace recur::device {

/// 2^x and 1/x by the special-function unit. PTX ISA: ex2.approx is at most 2 ulp from the correctly rounded result,
/// so 2.5 from the true value; rcp.approx has "a maximum ulp error of 1", here taken from the correctly rounded result
/// too, so 1.5. Subnormal results are zero. All errors below are in ulp of the true value's binade; where that lies
/// just below a power of two, an instruction's result and its ulp may be of the binade above: errors so counted double.
__device__ __forceinline__ float exp2_approximate(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
__device__ __forceinline__ float reciprocal_approximate(float x) {  ///< see exp2_approximate
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

/// e^x = 2^t (1 + r ln 2), where t is x log2(e) rounded and r what the rounding lost. For x from -87 to 88, |t| < 128,
/// so |r| <= 2^-18. The error, relative to 2^-23 as an ulp is:
///
///     2.5   ex2 of t, which itself is exact
///     0.001 r: the products' and the sum's roundings, and (r ln 2)^2 / 2 = 3.5e-12 left out of the series
///     0.5   the rounding of the last fma
///
/// 3.001 ulp; 6.001 for a true value less than 2^-18 below a power of two (x just below 0). x is clamped where 2^t is
/// still finite: from infinity on, a negative r would make a NaN. The result saturates at e^88 = 1.65e38, whose
/// reciprocal is below the normal numbers.
__device__ __forceinline__ float exponential(float x) {
  constexpr float log2_e = 1.44269504f, log2_e_low = 1.92596299e-8f, ln_2 = 0.693147181f;
  float clamped = x < -104.0f ? -104.0f : x > 88.0f ? 88.0f : x;  // keeps NaN
  float t = clamped * log2_e;
  float lost = fmaf(clamped, log2_e, -t) + clamped * log2_e_low;
  float power = exp2_approximate(t);
  return fmaf(power, lost * ln_2, power);
}

/// 1 / (1 + E) with E = e^-x. An error d of E is s^2 d of s = 1 / (1 + E); the sum's rounding half an ulp of 1 + E; the
/// reciprocal's 1.5 ulp. For x >= 0, E <= 1: at most 4.01 ulp, as x grows 1 of the sum, which is half an ulp of 1, and
/// 3 of the reciprocal just below 1. For x < 0, s is about 1 / E: 3.001 + 0.5 ulp of E, where E lies just above a
/// power of two, are twice as many of s: 7.01; and the reciprocal's twice 1.5: 10.01 ulp. 0 below about -87.3, where
/// the result leaves the normal numbers.
__device__ __forceinline__ float sigmoid(float x) { return reciprocal_approximate(1.0f + exponential(-x)); }

/// What a cell applies, and the derivative as a function of the result.
struct StandardActivation {
  static __device__ __forceinline__ float gate(float x) { return sigmoid(x); }  ///< of gates
  static __device__ __forceinline__ float gate_slope(float y) { return y * (1.0f - y); }  ///< at y
  /// CUDA states 2 ulp from the correctly rounded result. nvcc compiles it as 1 - 2 / (e^2|x| + 1) from 0.6 on, with
  /// ex2.approx and rcp.approx, whose documented bounds alone would allow 3.72 ulp, at |x| = 0.693; below, a
  /// polynomial.
  static __device__ __forceinline__ float squash(float x) { return tanhf(x); }
  static __device__ __forceinline__ float squash_slope(float y) { return 1.0f - y * y; }  ///< at y
};
/// The identity, for RECUR_ACTIVATION_LINEAR.
struct LinearActivation {
  static __device__ __forceinline__ float gate(float x) { return x; }  ///< x
  static __device__ __forceinline__ float gate_slope(float) { return 1.0f; }  ///< 1
  static __device__ __forceinline__ float squash(float x) { return x; }  ///< x
  static __device__ __forceinline__ float squash_slope(float) { return 1.0f; }  ///< 1
};

}  // namespace recur::device
