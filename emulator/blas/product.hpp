// The arithmetic: D = alpha op(A) op(B) + beta C, and the epilogue.
#pragma once

#include "blas/problem.hpp"

namespace ptxvm::blas {

struct Operands {  // bytes as the host sees them
  const unsigned char *a, *b, *c;
  unsigned char *d, *bias;
};

void multiply(const Problem& problem, float alpha, float beta, const Operands& operands);

}  // namespace ptxvm::blas
