// The handle, versions, and the names of the status codes.
#include "blas/descriptors.hpp"
#include "runtime/errors.hpp"

struct cublasLtContext {};  // nothing is kept: every call says all it needs

namespace ptxvm::blas {
namespace {

struct Named {
  cublasStatus_t status;
  const char* name;
  const char* text;
};

constexpr Named names[] = {
    {CUBLAS_STATUS_SUCCESS, "CUBLAS_STATUS_SUCCESS", "the operation completed successfully"},
    {CUBLAS_STATUS_NOT_INITIALIZED, "CUBLAS_STATUS_NOT_INITIALIZED", "the library was not initialized"},
    {CUBLAS_STATUS_ALLOC_FAILED, "CUBLAS_STATUS_ALLOC_FAILED", "the resource allocation failed"},
    {CUBLAS_STATUS_INVALID_VALUE, "CUBLAS_STATUS_INVALID_VALUE",
     "an unsupported value or parameter was passed"},
    {CUBLAS_STATUS_ARCH_MISMATCH, "CUBLAS_STATUS_ARCH_MISMATCH", "the device lacks a required feature"},
    {CUBLAS_STATUS_MAPPING_ERROR, "CUBLAS_STATUS_MAPPING_ERROR", "an access to GPU memory space failed"},
    {CUBLAS_STATUS_EXECUTION_FAILED, "CUBLAS_STATUS_EXECUTION_FAILED", "the GPU program failed to execute"},
    {CUBLAS_STATUS_INTERNAL_ERROR, "CUBLAS_STATUS_INTERNAL_ERROR", "an internal operation failed"},
    {CUBLAS_STATUS_NOT_SUPPORTED, "CUBLAS_STATUS_NOT_SUPPORTED",
     "the functionality requested is not supported"},
    {CUBLAS_STATUS_LICENSE_ERROR, "CUBLAS_STATUS_LICENSE_ERROR", "the license check failed"},
};

const Named* find(cublasStatus_t status) {
  for (const Named& n : names)
    if (n.status == status) return &n;
  return nullptr;
}

}  // namespace

void report(const char* function, const char* message) noexcept {
  try {
    runtime::report(std::string(function) + ": " + message);
  } catch (const std::exception&) {
    // No memory for the text; the status is returned all the same.
  }
}

}  // namespace ptxvm::blas

using namespace ptxvm::blas;

extern "C" {

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  return guarded(__func__, [&] {
    if (handle == nullptr) invalid("the place for the handle is null");
    *handle = new cublasLtContext;
  });
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}

const char* cublasLtGetStatusName(cublasStatus_t status) {
  const Named* n = find(status);
  return n != nullptr ? n->name : "unknown cuBLAS status";
}

const char* cublasLtGetStatusString(cublasStatus_t status) {
  const Named* n = find(status);
  return n != nullptr ? n->text : "unknown cuBLAS status";
}

// The version whose headers the program was written to.
size_t cublasLtGetVersion(void) { return CUBLAS_VERSION; }
size_t cublasLtGetCudartVersion(void) { return CUDART_VERSION; }

cublasStatus_t cublasLtGetProperty(libraryPropertyType type, int* value) {
  return guarded(__func__, [&] {
    if (value == nullptr) invalid("the place for the value is null");
    switch (type) {
      case MAJOR_VERSION:
        *value = CUBLAS_VER_MAJOR;
        break;
      case MINOR_VERSION:
        *value = CUBLAS_VER_MINOR;
        break;
      case PATCH_LEVEL:
        *value = CUBLAS_VER_PATCH;
        break;
      default:
        invalid("no such property");
    }
  });
}

}  // extern "C"
