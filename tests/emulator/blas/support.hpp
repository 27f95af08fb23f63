// A product described plainly, done by cublasLtMatmul.
#pragma once

#include <cublasLt.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <vector>

namespace blas_test {

using Bytes = std::vector<unsigned char>;

class Device {
 public:
  explicit Device(std::size_t size) { EXPECT_EQ(cudaMalloc(&pointer_, size), cudaSuccess); }
  explicit Device(const Bytes& bytes) : Device(bytes.size()) {
    EXPECT_EQ(cudaMemcpy(pointer_, bytes.data(), bytes.size(), cudaMemcpyHostToDevice), cudaSuccess);
  }
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  ~Device() { cudaFree(pointer_); }
  char* at() const { return static_cast<char*>(pointer_); }
  Bytes read(std::size_t size) const {
    Bytes bytes(size);
    EXPECT_EQ(cudaMemcpy(bytes.data(), pointer_, size, cudaMemcpyDeviceToHost), cudaSuccess);
    return bytes;
  }

 private:
  void* pointer_ = nullptr;
};

inline std::size_t size_of(cudaDataType type) { return type == CUDA_R_32F ? 4 : 2; }

inline double load(cudaDataType type, const Bytes& bytes, std::size_t i) {
  const unsigned char* at = bytes.data() + i * size_of(type);
  if (type == CUDA_R_32F) {
    float x;
    std::memcpy(&x, at, 4);
    return x;
  }
  std::uint16_t stored;
  std::memcpy(&stored, at, 2);
  if (type == CUDA_R_16F) return __half2float(__half(__half_raw{stored}));
  return __bfloat162float(__nv_bfloat16(__nv_bfloat16_raw{stored}));
}

inline void store(cudaDataType type, Bytes& bytes, std::size_t i, double value) {
  unsigned char* at = bytes.data() + i * size_of(type);
  const float x = static_cast<float>(value);
  if (type == CUDA_R_32F) {
    std::memcpy(at, &x, 4);
  } else if (type == CUDA_R_16F) {
    const __half_raw h = __float2half_rn(x);
    std::memcpy(at, &h.x, 2);
  } else {
    const __nv_bfloat16_raw b = __float2bfloat16_rn(x);
    std::memcpy(at, &b.x, 2);
  }
}

struct Shape {  // of a matrix in memory
  cudaDataType type = CUDA_R_32F;
  bool row_order = false;
  std::size_t rows = 1, cols = 1, pad = 0;  // ld is the inner length and the pad
  std::size_t gap = 0;                      // between batches
  std::size_t ld() const { return (row_order ? cols : rows) + pad; }
  std::size_t outer() const { return row_order ? rows : cols; }
  std::size_t stride() const { return ld() * outer() + gap; }
  std::size_t index(std::size_t batch, std::size_t r, std::size_t c) const {
    return batch * stride() + (row_order ? r * ld() + c : c * ld() + r);
  }
  std::size_t bytes(std::size_t batches) const { return stride() * batches * size_of(type); }
};

class Layout {
 public:
  Layout(const Shape& s, int batches) {
    EXPECT_EQ(cublasLtMatrixLayoutCreate(&handle_, s.type, s.rows, s.cols, static_cast<std::int64_t>(s.ld())),
              CUBLAS_STATUS_SUCCESS);
    const std::int32_t order = s.row_order ? CUBLASLT_ORDER_ROW : CUBLASLT_ORDER_COL;
    set(CUBLASLT_MATRIX_LAYOUT_ORDER, order);
    set(CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, std::int32_t{batches});
    set(CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, static_cast<std::int64_t>(s.stride()));
  }
  Layout(const Layout&) = delete;
  Layout& operator=(const Layout&) = delete;
  ~Layout() { cublasLtMatrixLayoutDestroy(handle_); }
  template <class T>
  void set(cublasLtMatrixLayoutAttribute_t which, T value) {
    EXPECT_EQ(cublasLtMatrixLayoutSetAttribute(handle_, which, &value, sizeof value), CUBLAS_STATUS_SUCCESS);
  }
  operator cublasLtMatrixLayout_t() const { return handle_; }

 private:
  cublasLtMatrixLayout_t handle_ = nullptr;
};

class Operation {
 public:
  explicit Operation(cublasComputeType_t compute = CUBLAS_COMPUTE_32F) {
    EXPECT_EQ(cublasLtMatmulDescCreate(&handle_, compute, CUDA_R_32F), CUBLAS_STATUS_SUCCESS);
  }
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  ~Operation() { cublasLtMatmulDescDestroy(handle_); }
  template <class T>
  void set(cublasLtMatmulDescAttributes_t which, T value) {
    EXPECT_EQ(cublasLtMatmulDescSetAttribute(handle_, which, &value, sizeof value), CUBLAS_STATUS_SUCCESS);
  }
  operator cublasLtMatmulDesc_t() const { return handle_; }

 private:
  cublasLtMatmulDesc_t handle_ = nullptr;
};

inline cublasLtHandle_t handle() {
  static cublasLtHandle_t only = [] {
    cublasLtHandle_t h = nullptr;
    EXPECT_EQ(cublasLtCreate(&h), CUBLAS_STATUS_SUCCESS);
    return h;
  }();
  return only;
}

}  // namespace blas_test
