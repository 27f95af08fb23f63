// The .approx functions (PTX ISA 9.7.3), within the documented error and written so that they vectorise.
// Where the host's correctly rounded operation exists it is used: it is within any documented bound.
#include "exec/ops/approximate_list.hpp"
#include "exec/ops/exponential.hpp"

namespace ptxvm::exec::PTXVM_ISA {
namespace {

inline f32 canonical(f32 r) { return r == r ? r : bits<f32>(0x7fffffffu); }

// log2(m 2^e) = e + 2 atanh((m-1)/(m+1)) / ln 2, m in [1/sqrt 2, sqrt 2).
inline f32 log2_(f32 x) {
  bool tiny = x < 1.17549435e-38f;
  f32 y = tiny ? x * 16777216.0f : x;
  u32 b = bits<u32>(y) - 0x3f3504f3u;
  s32 e = s32(b) >> 23;
  f32 m = bits<f32>((b & 0x7fffffu) + 0x3f3504f3u);
  f32 s = (m - 1.0f) / (m + 1.0f), q = s * s;
  f32 p = 1.0f / 9;
  p = p * q + 1.0f / 7;
  p = p * q + 1.0f / 5;
  p = p * q + 1.0f / 3;
  p = p * q * s + s;
  f32 r = f32(e - (tiny ? 24 : 0)) + p * 2.88539008177792681f;
  r = x == 0 ? bits<f32>(0xff800000u) : r;
  r = x == bits<f32>(0x7f800000u) ? x : r;
  return x >= 0 ? r : bits<f32>(0x7fffffffu);
}

struct Ex2 { static f32 run(f32 a) { return exp2_(flushed(a)); } };
struct Lg2 { static f32 run(f32 a) { return log2_(flushed(a)); } };
struct Rcp { static f32 run(f32 a) { return canonical(1.0f / a); } };
struct Sqrt { static f32 run(f32 a) { return canonical(__builtin_sqrtf(a)); } };
struct Rsqrt { static f32 run(f32 a) { return canonical(1.0f / __builtin_sqrtf(a)); } };
struct Sin { static f32 run(f32 a) { return canonical(__builtin_sinf(a)); } };
struct Cos { static f32 run(f32 a) { return canonical(__builtin_cosf(a)); } };
struct Tanh { static f32 run(f32 a) { return tanh_(a); } };
// Above 2^126 the documented result is 0 for finite a, NaN for infinite a.
struct DivApprox { static f32 run(f32 a, f32 b) {
  f32 m = bits<f32>(bits<u32>(b) & 0x7fffffffu);
  bool huge = m > 8.50705917e37f && m < bits<f32>(0x7f800000u);
  f32 r = a / b;
  return canonical(huge ? a * (b < 0 ? -0.0f : 0.0f) : r); } };
struct DivFull { static f32 run(f32 a, f32 b) { return canonical(a / b); } };
// Without .ftz it is another instruction, a subroutine of the hardware's compiler and what rsqrt(double) becomes.
struct Rsqrt64 { static f64 run(f64 a) { return f64(1.0L / __builtin_sqrtl(a)); } };

}  // namespace

void list_approximate(const Sink& s) {
  put_approximations<Ex2, Lg2, Rcp, Sqrt, Rsqrt, Sin, Cos, Tanh, DivApprox, DivFull, Rcp64, RsqrtGross64, Rsqrt64>(s);
}

}  // namespace ptxvm::exec::PTXVM_ISA
