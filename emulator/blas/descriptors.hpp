// What is kept inside cuBLASLt's opaque descriptors.
#pragma once

#include <cublasLt.h>

#include <cstdint>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>

namespace ptxvm::blas {

// A call that is answered with a status and a message.
class Refusal : public std::runtime_error {
 public:
  Refusal(cublasStatus_t status, const std::string& message) : std::runtime_error(message), status_(status) {}
  cublasStatus_t status() const { return status_; }

 private:
  cublasStatus_t status_;
};

[[noreturn]] inline void invalid(const std::string& message) {
  throw Refusal(CUBLAS_STATUS_INVALID_VALUE, message);
}
[[noreturn]] inline void unsupported(const std::string& message) {
  throw Refusal(CUBLAS_STATUS_NOT_SUPPORTED, message);
}

struct Layout {
  std::uint32_t type = CUDA_R_32F;
  std::int32_t order = CUBLASLT_ORDER_COL;
  std::uint64_t rows = 0, cols = 0;
  std::int64_t ld = 0;
  std::int64_t batch_stride = 0;
  std::int64_t plane_offset = 0;
  std::int32_t batch_count = 1;
  std::uint32_t batch_mode = 0;
};

struct Operation {
  std::int32_t compute_type = CUBLAS_COMPUTE_32F;
  std::int32_t scale_type = CUDA_R_32F;
  std::int32_t pointer_mode = CUBLASLT_POINTER_MODE_HOST;
  std::int32_t trans_a = CUBLAS_OP_N, trans_b = CUBLAS_OP_N, trans_c = CUBLAS_OP_N;
  std::int32_t fill_mode = CUBLAS_FILL_MODE_FULL;
  std::uint32_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  const void* bias = nullptr;
  std::int64_t bias_batch_stride = 0;
  std::int32_t multiprocessors = 0;
  std::int32_t bias_type = -1;  // D's
};

struct Preference {
  std::uint32_t search_mode = CUBLASLT_SEARCH_BEST_FIT;
  std::uint64_t workspace = 0;
  std::uint32_t reduction_mask = CUBLASLT_REDUCTION_SCHEME_MASK;
  std::uint32_t align_a = 256, align_b = 256, align_c = 256, align_d = 256;
  float waves = 0.0f;
  std::uint64_t implementation_mask = ~std::uint64_t{0};
};

// The opaque types are arrays of integers in the program's memory: written and read as bytes.
template <class Inside, class Opaque>
void store(Opaque* opaque, const Inside& inside) {
  static_assert(sizeof(Inside) <= sizeof(Opaque));
  std::memset(opaque, 0, sizeof(Opaque));
  std::memcpy(opaque, &inside, sizeof inside);
}

template <class Inside, class Opaque>
Inside load(const Opaque* opaque, const char* what) {
  if (opaque == nullptr) invalid(std::string(what) + " is null");
  Inside inside;
  std::memcpy(static_cast<void*>(&inside), opaque, sizeof inside);
  return inside;
}

// Writes the message where ptxvm_last_report finds it.
void report(const char* function, const char* message) noexcept;

// The frame of every entry point that can refuse.
template <class Body>
cublasStatus_t guarded(const char* function, Body&& body) noexcept {
  try {
    body();
    return CUBLAS_STATUS_SUCCESS;
  } catch (const Refusal& refusal) {
    report(function, refusal.what());
    return refusal.status();
  } catch (const std::bad_alloc&) {
    return CUBLAS_STATUS_ALLOC_FAILED;
  } catch (const std::exception& e) {
    report(function, e.what());
    return CUBLAS_STATUS_EXECUTION_FAILED;
  }
}

}  // namespace ptxvm::blas
