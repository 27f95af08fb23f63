// What a cublasLtMatmulAlgo_t holds: the promises under which it was chosen.
#pragma once

#include "blas/problem.hpp"

namespace ptxvm::blas {

struct Algorithm {
  static constexpr std::uint64_t mark = 0x706f67626c617376;
  std::uint64_t marked = mark;
  std::uint64_t fingerprint = 0;  // types, orders, epilogue; not the shape
  std::uint32_t align_a = 1, align_b = 1, align_c = 1, align_d = 1;
  std::uint64_t workspace = 0;
};

Algorithm choose(const Problem& problem, const Preference& preference);

// Throws Refusal where it is none, or one for other types, orders or an other epilogue.
Algorithm load_algorithm(const cublasLtMatmulAlgo_t* opaque, const Problem& problem);

}  // namespace ptxvm::blas
