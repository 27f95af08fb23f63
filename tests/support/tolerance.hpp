// How far a result in floating point may lie from the exact one: a function of the type and of the lengths
// of the sums, written once here and used by every test.
//
// One rounding changes a value by at most u, its unit round-off, relatively. Over a chain of n roundings the
// worst case is n u, which no run comes near; with errors of mean zero the change stays below L sqrt(n) u
// except with probability 2 exp(-L^2 / 2) (Higham and Mary, "A new approach to probabilistic rounding error
// analysis", 2019, theorem 2.4). L = 6 makes that 3e-8 for each element compared.
//
// n is counted along the longest path to an element:
//   a step forward   the products of I + H terms, and at most 16 roundings in biases, gates and states
//   a step backward  the products of G H terms, and as many again
//   weight gradients the sum over T N rows
// In an LSTM what a step makes wrong passes to the next through factors below 1 (f, and the slopes of s and
// tanh, with weights scaled by 1/sqrt(H)), so T steps count as one chain T times as long and no growth has to
// be allowed for.
//
// The chain's roundings are relative to its partial sums. Those are as large as the result where it is
// typical of its kind, but not where terms cancel, so an element's error is measured against the larger of
// its own size and the root mean square of its tensor; for the last states hT and cT, of h and c at all
// steps, which the same sums have made.
#pragma once

#include <cmath>
#include <cstdint>

namespace recur::test {

inline constexpr double unit_roundoff_fp32 = 0x1p-24;
inline constexpr double unit_roundoff_fp16 = 0x1p-11;
inline constexpr double unit_roundoff_bf16 = 0x1p-8;

// Of a chain of n roundings.
inline double tolerance(double unit_roundoff, double roundings) {
  constexpr double confidence = 6;
  return confidence * std::sqrt(roundings) * unit_roundoff;
}

// Of a recurrent layer: T steps, N batch, I inputs, H hidden, G gates (LSTM 4).
struct LayerTolerance {
  double unit_roundoff;
  double steps, batch, inputs, hidden, gates;

  static constexpr double pointwise = 16;

  double forward() const { return tolerance(unit_roundoff, forward_roundings()); }
  double data_gradient() const { return tolerance(unit_roundoff, backward_roundings()); }
  double weight_gradient() const { return tolerance(unit_roundoff, backward_roundings() + steps * batch); }

 private:
  double forward_roundings() const { return steps * (inputs + hidden + pointwise); }
  double backward_roundings() const { return forward_roundings() + steps * (gates * hidden + pointwise); }
};

}  // namespace recur::test
