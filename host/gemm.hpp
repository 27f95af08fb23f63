// Row-major matrix products through cuBLASLt: descriptors and algorithms are made once and then only read, so
// one Gemm serves many threads and gives the same bits on every run.
//
//   D[m,n] = alpha * op(A)[m,k] * op(B)[k,n] + beta * C[m,n] (+ bias[n] in every row)
#pragma once

#include <cublasLt.h>
#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "recur/layer.h"

namespace recur {

// One cuBLASLt handle a plan. Handles are thread-safe.
class GemmHandle {
 public:
  GemmHandle();
  cublasLtHandle_t get() const { return handle_.get(); }

 private:
  struct Destroy {
    void operator()(cublasLtHandle_t handle) const { cublasLtDestroy(handle); }
  };
  std::unique_ptr<std::remove_pointer_t<cublasLtHandle_t>, Destroy> handle_;
};

inline size_t element_size(recur_type type) {  // bytes
  return type == RECUR_TYPE_FLOAT16 || type == RECUR_TYPE_BFLOAT16 ? 2 : 4;
}

struct GemmShape {
  int64_t m = 0, n = 0, k = 0;
  bool transpose_a = false, transpose_b = false;  // A is stored [k,m], B is stored [n,k]
  int64_t lda = 0, ldb = 0, ldd = 0;              // row pitches in elements; 0: the rows touch. C has D's
  bool bias = false;
  recur_type type = RECUR_TYPE_FLOAT32;  // of A and B; TFLOAT32 rounds them on the way into the product
  bool float_result = true;              // C, D and bias are float; else of A's type. Sums are float
};

class Gemm {
 public:
  Gemm() = default;
  // Chooses an algorithm without sums split between blocks for operands whose
  // addresses are multiples of 16 bytes, and one for any others.
  Gemm(const GemmHandle& handle, const GemmShape& shape);
  Gemm(Gemm&&) = default;
  Gemm& operator=(Gemm&&) = default;

  // Bytes of workspace that run() may use: a function of the shape alone. 256-byte aligned.
  static size_t workspace(const GemmShape& shape);

  // c may be d. bias [n] of D's type (the only one that cuBLASLt takes beside a D of 16 or 32 bits: cublasLt.h at
  // CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE), only where the shape says so; it is added to the float sum, which is rounded
  // once. Enqueues one product on the stream; nothing where m or n is 0.
  void run(cudaStream_t stream, float alpha, const void* a, const void* b, float beta, const void* c, void* d,
           void* workspace, const void* bias = nullptr) const;

 private:
  struct Descriptors;
  static cublasLtMatmulAlgo_t find_algorithm(const Descriptors& descriptors, cublasLtMatmulPreference_t preference);
  struct Destroy {
    void operator()(Descriptors* descriptors) const;
  };
  std::unique_ptr<Descriptors, Destroy> descriptors_;
};

// The bias itself at a multiple of 16 bytes, else a copy of its bytes in room, enqueued on the stream: so that the faster
// algorithm can be taken.
const void* aligned_bias(const void* bias, size_t bytes, void* room, cudaStream_t stream);

}  // namespace recur
