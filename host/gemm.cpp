#include "gemm.hpp"

#include <array>
#include <cstdint>
#include <string>

#include "check.hpp"

namespace recur {
namespace {

struct DestroyLayout {
  void operator()(cublasLtMatrixLayout_t p) const { cublasLtMatrixLayoutDestroy(p); }
};
struct DestroyProduct {
  void operator()(cublasLtMatmulDesc_t p) const { cublasLtMatmulDescDestroy(p); }
};
struct DestroyPreference {
  void operator()(cublasLtMatmulPreference_t p) const { cublasLtMatmulPreferenceDestroy(p); }
};
using Layout = std::unique_ptr<cublasLtMatrixLayoutOpaque_t, DestroyLayout>;
using Product = std::unique_ptr<cublasLtMatmulDescOpaque_t, DestroyProduct>;
using Preference = std::unique_ptr<cublasLtMatmulPreferenceOpaque_t, DestroyPreference>;

Layout make_layout(cudaDataType_t type, int64_t rows, int64_t columns, int64_t pitch) {
  cublasLtMatrixLayout_t layout = nullptr;
  RECUR_CUBLAS(cublasLtMatrixLayoutCreate(&layout, type, static_cast<uint64_t>(rows),
                                          static_cast<uint64_t>(columns), pitch));
  return Layout(layout);
}

constexpr uint32_t kAligned = 16;  // bytes

cudaDataType_t data_type(recur_type type) {
  return type == RECUR_TYPE_FLOAT16 ? CUDA_R_16F : type == RECUR_TYPE_BFLOAT16 ? CUDA_R_16BF : CUDA_R_32F;
}

}  // namespace

GemmHandle::GemmHandle() {
  cublasLtHandle_t handle = nullptr;
  RECUR_CUBLAS(cublasLtCreate(&handle));
  handle_.reset(handle);
}

struct Gemm::Descriptors {
  cublasLtHandle_t handle = nullptr;
  GemmShape shape;
  // With and without the bias epilogue's pointer: a product descriptor holds that pointer, and descriptors
  // are shared by threads, so run() copies the opaque struct before it sets one.
  Product product;
  Layout first, second, result;
  std::array<cublasLtMatmulAlgo_t, 2> algorithms = {};  // operands aligned to 16 bytes, and to their elements
};

void Gemm::Destroy::operator()(Descriptors* descriptors) const { delete descriptors; }

size_t Gemm::workspace(const GemmShape& shape) {
  constexpr double large = 1 << 24;
  double work = static_cast<double>(shape.m) * static_cast<double>(shape.n) * static_cast<double>(shape.k);
  return work < large ? 0 : size_t{4} << 20;
}

// cuBLASLt is column-major: it computes the transpose, D^T[n,m] = op(B)^T[n,k] op(A)^T[k,m], in which every
// row-major matrix is read as it is stored. The bias runs along the rows of D^T.
Gemm::Gemm(const GemmHandle& handle, const GemmShape& shape) : descriptors_(new Descriptors) {
  Descriptors& d = *descriptors_;
  d.handle = handle.get();
  d.shape = shape;
  if (shape.m == 0 || shape.n == 0) return;
  const cudaDataType_t operand = data_type(shape.type), result = shape.float_result ? CUDA_R_32F : operand;
  const auto element = static_cast<uint32_t>(element_size(shape.type));
  const uint32_t result_element = shape.float_result ? sizeof(float) : element;

  cublasLtMatmulDesc_t product = nullptr;
  RECUR_CUBLAS(cublasLtMatmulDescCreate(
      &product, shape.type == RECUR_TYPE_TFLOAT32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F, CUDA_R_32F));
  d.product.reset(product);
  const cublasOperation_t first = shape.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N;
  const cublasOperation_t second = shape.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N;
  RECUR_CUBLAS(cublasLtMatmulDescSetAttribute(product, CUBLASLT_MATMUL_DESC_TRANSA, &first, sizeof first));
  RECUR_CUBLAS(cublasLtMatmulDescSetAttribute(product, CUBLASLT_MATMUL_DESC_TRANSB, &second, sizeof second));
  if (shape.bias) {
    const cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_BIAS;
    RECUR_CUBLAS(cublasLtMatmulDescSetAttribute(product, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue));
  }

  const int64_t a_rows = shape.transpose_a ? shape.k : shape.m, a_columns = shape.transpose_a ? shape.m : shape.k;
  const int64_t b_rows = shape.transpose_b ? shape.n : shape.k, b_columns = shape.transpose_b ? shape.k : shape.n;
  d.first = make_layout(operand, b_columns, b_rows, shape.ldb ? shape.ldb : b_columns);
  d.second = make_layout(operand, a_columns, a_rows, shape.lda ? shape.lda : a_columns);
  d.result = make_layout(result, shape.n, shape.m, shape.ldd ? shape.ldd : shape.n);

  for (size_t i = 0; i < d.algorithms.size(); ++i) {
    cublasLtMatmulPreference_t preference = nullptr;
    RECUR_CUBLAS(cublasLtMatmulPreferenceCreate(&preference));
    Preference owner(preference);
    auto set = [&](cublasLtMatmulPreferenceAttributes_t attribute, auto value) {
      RECUR_CUBLAS(cublasLtMatmulPreferenceSetAttribute(preference, attribute, &value, sizeof value));
    };
    set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, static_cast<uint64_t>(workspace(shape)));
    set(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, static_cast<uint32_t>(CUBLASLT_REDUCTION_SCHEME_NONE));
    const bool aligned = i == 0;
    set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, aligned ? kAligned : element);
    set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, aligned ? kAligned : element);
    set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, aligned ? kAligned : result_element);
    set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, aligned ? kAligned : result_element);
    if (shape.bias) {
      // cublasLt.h: the heuristic takes the expected alignment of the bias from this pointer. It is not followed.
      const void* const like = reinterpret_cast<const void*>(static_cast<uintptr_t>(aligned ? kAligned : result_element));
      RECUR_CUBLAS(cublasLtMatmulDescSetAttribute(product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &like, sizeof like));
    }
    d.algorithms[i] = find_algorithm(d, preference);
  }
}

cublasLtMatmulAlgo_t Gemm::find_algorithm(const Descriptors& d, cublasLtMatmulPreference_t preference) {
  cublasLtMatmulHeuristicResult_t found = {};
  int count = 0;
  const cublasStatus_t status =
      cublasLtMatmulAlgoGetHeuristic(d.handle, d.product.get(), d.first.get(), d.second.get(), d.result.get(),
                                     d.result.get(), preference, 1, &found, &count);
  if (status != CUBLAS_STATUS_NOT_SUPPORTED) RECUR_CUBLAS(status);
  if (status == CUBLAS_STATUS_NOT_SUPPORTED || count == 0 || found.state != CUBLAS_STATUS_SUCCESS) {
    const char* const types[] = {"", "fp32", "TF32", "fp16", "bf16"};
    throw Failure(RECUR_NOT_SUPPORTED, std::string("type is ") + types[d.shape.type] +
                                           ", and cuBLASLt has no algorithm on this device for a product of " +
                                           std::to_string(d.shape.m) + " x " + std::to_string(d.shape.n) + " x " +
                                           std::to_string(d.shape.k));
  }
  return found.algo;
}

void Gemm::run(cudaStream_t stream, float alpha, const void* a, const void* b, float beta, const void* c, void* d,
               void* workspace_memory, const void* bias) const {
  const Descriptors& it = *descriptors_;
  if (it.shape.m == 0 || it.shape.n == 0) return;
  const uintptr_t addresses = reinterpret_cast<uintptr_t>(a) | reinterpret_cast<uintptr_t>(b) |
                              reinterpret_cast<uintptr_t>(c) | reinterpret_cast<uintptr_t>(d) |
                              reinterpret_cast<uintptr_t>(bias);
  const cublasLtMatmulAlgo_t& algorithm = it.algorithms[addresses % kAligned == 0 ? 0 : 1];
  cublasLtMatmulDescOpaque_t product = *it.product;
  if (it.shape.bias)
    RECUR_CUBLAS(cublasLtMatmulDescSetAttribute(&product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias, sizeof bias));
  const size_t bytes = workspace(it.shape);
  RECUR_CUBLAS(cublasLtMatmul(it.handle, &product, &alpha, b, it.first.get(), a, it.second.get(), &beta, c,
                              it.result.get(), d, it.result.get(), &algorithm, bytes ? workspace_memory : nullptr,
                              bytes, stream));
}

const void* aligned_bias(const void* bias, size_t bytes, void* room, cudaStream_t stream) {
  if (reinterpret_cast<uintptr_t>(bias) % 16 == 0) return bias;
  RECUR_CUDA(cudaMemcpyAsync(room, bias, bytes, cudaMemcpyDeviceToDevice, stream));
  return room;
}

}  // namespace recur
