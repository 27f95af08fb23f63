// 2^x and tanh in fp32, within the documented error of the .approx instructions.
#pragma once

#include "exec/ops/op.hpp"

namespace ptxvm::exec::PTXVM_ISA {

// 2^x = 2^n * 2^f, f in [-1/2, 1/2]: Taylor's series in f ln 2 to degree 7 (error below 2^-27).
inline f32 exp2_(f32 x) {
  f32 c = x < -160.0f ? -160.0f : x;
  c = c > 130.0f ? 130.0f : c;
  f32 n = (c + 12582912.0f) - 12582912.0f;
  f32 t = (c - n) * 0.693147180559945309f;
  f32 p = 1.0f / 5040;
  p = p * t + 1.0f / 720;
  p = p * t + 1.0f / 120;
  p = p * t + 1.0f / 24;
  p = p * t + 1.0f / 6;
  p = p * t + 0.5f;
  p = p * t + 1.0f;
  p = p * t + 1.0f;
  s32 k = s32(n), half = k >> 1;  // two factors, so that subnormal results round once
  f32 r = p * bits<f32>(u32(half + 127) << 23) * bits<f32>(u32(k - half + 127) << 23);
  return x == x ? r : bits<f32>(0x7fffffffu);
}

inline f32 tanh_(f32 a) {
  f32 x = bits<f32>(bits<u32>(a) & 0x7fffffffu), q = a * a;
  f32 big = 1.0f - 2.0f / (exp2_(x * 2.88539008177792681f) + 1.0f);
  f32 p = 62.0f / 2835;
  p = p * q - 17.0f / 315;
  p = p * q + 2.0f / 15;
  p = p * q - 1.0f / 3;
  f32 r = x < 0.3f ? p * q * x + x : big;
  r = bits<f32>(bits<u32>(r) | (bits<u32>(a) & 0x80000000u));
  return r == r ? r : bits<f32>(0x7fffffffu);
}

}  // namespace ptxvm::exec::PTXVM_ISA
