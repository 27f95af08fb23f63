// A product whose descriptors have been judged: what is to be computed, without pointers.
#pragma once

#include "blas/descriptors.hpp"

namespace ptxvm::blas {

enum class Type { Single, Half, Bfloat };

std::uint64_t size_of(Type type);

struct Matrix {
  Type type;
  bool row_order;
  std::uint64_t rows, cols;
  std::int64_t ld, batch_stride;

  std::uint64_t inner() const { return row_order ? cols : rows; }
  std::uint64_t outer() const { return row_order ? rows : cols; }
  std::uint64_t elements() const { return (outer() - 1) * static_cast<std::uint64_t>(ld) + inner(); }
  std::uint64_t extent(int batches) const;  // bytes from the first to past the last
};

enum class Epilogue { None, Bias, GradientA, GradientB };

struct Problem {
  Matrix a, b, c, d;
  bool transpose_a, transpose_b;
  bool tf32;  // fp32 inputs are rounded
  int m, n, k, batches;
  Epilogue epilogue;
  bool relu;
  const void* bias;
  std::int64_t bias_batch_stride;

  std::uint64_t bias_elements() const {
    return static_cast<std::uint64_t>(epilogue == Epilogue::GradientB ? n : m);
  }
};

// Throws Refusal.
Problem judge(cublasLtMatmulDesc_t operation, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d);

}  // namespace ptxvm::blas
