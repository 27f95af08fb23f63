// The .approx functions' names and operands, once for the exact ones and for the worst.
#pragma once

#include "exec/ops/op.hpp"

namespace ptxvm::exec::PTXVM_ISA {

template <class Ex2, class Lg2, class Rcp, class Sqrt, class Rsqrt, class Sin, class Cos, class Tanh, class DivApprox,
          class DivFull, class Rcp64, class RsqrtGross64, class Rsqrt64>
void put_approximations(const Sink& s) {
  using M = AsEncoded;
  put<Ex2, M, f32, f32>(s, "ex2.approx.f32");
  put<Lg2, M, f32, f32>(s, "lg2.approx.f32");
  put<Rcp, M, f32, f32>(s, "rcp.approx.f32");
  put<Sqrt, M, f32, f32>(s, "sqrt.approx.f32");
  put<Rsqrt, M, f32, f32>(s, "rsqrt.approx.f32");
  put<Sin, M, f32, f32>(s, "sin.approx.f32");
  put<Cos, M, f32, f32>(s, "cos.approx.f32");
  put<Tanh, M, f32, f32>(s, "tanh.approx.f32");
  put<DivApprox, M, f32, f32, f32>(s, "div.approx.f32");
  put<DivFull, M, f32, f32, f32>(s, "div.full.f32");
  put<Rcp64, M, f64, f64>(s, "rcp.approx.ftz.f64");
  put<RsqrtGross64, M, f64, f64>(s, "rsqrt.approx.ftz.f64");
  put<Rsqrt64, M, f64, f64>(s, "rsqrt.approx.f64");
}

// The upper word of an fp64 number: all that its gross approximations read and give.
inline f64 upper_word(f64 a) { return bits<f64>(bits<u64>(a) & 0xffffffff00000000ull); }
struct Rcp64 { static f64 run(f64 a) { return upper_word(1.0 / upper_word(a)); } };
struct RsqrtGross64 { static f64 run(f64 a) { return upper_word(1.0 / __builtin_sqrt(upper_word(a))); } };

}  // namespace ptxvm::exec::PTXVM_ISA
