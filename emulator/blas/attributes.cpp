// Descriptors: create, destroy, set, get. Values are judged where they are used.
#include "blas/descriptors.hpp"

namespace ptxvm::blas {
namespace {

struct Field {
  void* at;
  std::size_t size;
};

template <class T>
Field field(T& member) {
  return {&member, sizeof member};
}

[[noreturn]] void unknown(int attribute) { unsupported("attribute " + std::to_string(attribute)); }

Field find(Layout& l, int attribute) {
  switch (attribute) {
    case CUBLASLT_MATRIX_LAYOUT_TYPE:
      return field(l.type);
    case CUBLASLT_MATRIX_LAYOUT_ORDER:
      return field(l.order);
    case CUBLASLT_MATRIX_LAYOUT_ROWS:
      return field(l.rows);
    case CUBLASLT_MATRIX_LAYOUT_COLS:
      return field(l.cols);
    case CUBLASLT_MATRIX_LAYOUT_LD:
      return field(l.ld);
    case CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT:
      return field(l.batch_count);
    case CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET:
      return field(l.batch_stride);
    case CUBLASLT_MATRIX_LAYOUT_PLANE_OFFSET:
      return field(l.plane_offset);
    case CUBLASLT_MATRIX_LAYOUT_BATCH_MODE:
      return field(l.batch_mode);
    default:
      unknown(attribute);
  }
}

Field find(Operation& o, int attribute) {
  switch (attribute) {
    case CUBLASLT_MATMUL_DESC_COMPUTE_TYPE:
      return field(o.compute_type);
    case CUBLASLT_MATMUL_DESC_SCALE_TYPE:
      return field(o.scale_type);
    case CUBLASLT_MATMUL_DESC_POINTER_MODE:
      return field(o.pointer_mode);
    case CUBLASLT_MATMUL_DESC_TRANSA:
      return field(o.trans_a);
    case CUBLASLT_MATMUL_DESC_TRANSB:
      return field(o.trans_b);
    case CUBLASLT_MATMUL_DESC_TRANSC:
      return field(o.trans_c);
    case CUBLASLT_MATMUL_DESC_FILL_MODE:
      return field(o.fill_mode);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
      return field(o.epilogue);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
      return field(o.bias);
    case CUBLASLT_MATMUL_DESC_BIAS_BATCH_STRIDE:
      return field(o.bias_batch_stride);
    case CUBLASLT_MATMUL_DESC_SM_COUNT_TARGET:
      return field(o.multiprocessors);
    case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE:
      return field(o.bias_type);
    default:
      unknown(attribute);
  }
}

Field find(Preference& p, int attribute) {
  switch (attribute) {
    case CUBLASLT_MATMUL_PREF_SEARCH_MODE:
      return field(p.search_mode);
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES:
      return field(p.workspace);
    case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK:
      return field(p.reduction_mask);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES:
      return field(p.align_a);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES:
      return field(p.align_b);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES:
      return field(p.align_c);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES:
      return field(p.align_d);
    case CUBLASLT_MATMUL_PREF_MAX_WAVES_COUNT:
      return field(p.waves);
    case CUBLASLT_MATMUL_PREF_IMPL_MASK:
      return field(p.implementation_mask);
    default:
      unknown(attribute);
  }
}

template <class Inside, class Opaque>
cublasStatus_t init(const char* function, Opaque* opaque, std::size_t size, const Inside& inside) {
  return guarded(function, [&] {
    if (opaque == nullptr) invalid("the descriptor is null");
    if (size < sizeof(Opaque))
      throw Refusal(CUBLAS_STATUS_ALLOC_FAILED, "the descriptor's memory is too small");
    store(opaque, inside);
  });
}

template <class Inside, class Opaque>
cublasStatus_t create(const char* function, Opaque** opaque, const Inside& inside) {
  return guarded(function, [&] {
    if (opaque == nullptr) invalid("the place for the descriptor is null");
    *opaque = new Opaque;
    store(*opaque, inside);
  });
}

template <class Opaque>
cublasStatus_t destroy(Opaque* opaque) {
  delete opaque;
  return CUBLAS_STATUS_SUCCESS;
}

template <class Inside, class Opaque>
cublasStatus_t set(const char* function, Opaque* opaque, int attribute, const void* value, std::size_t size) {
  return guarded(function, [&] {
    Inside inside = load<Inside>(opaque, "the descriptor");
    const Field f = find(inside, attribute);
    if (value == nullptr) invalid("the value is null");
    if (size != f.size)
      invalid("attribute " + std::to_string(attribute) + " has " + std::to_string(f.size) + " bytes, not " +
              std::to_string(size));
    std::memcpy(f.at, value, size);
    store(opaque, inside);
  });
}

template <class Inside, class Opaque>
cublasStatus_t get(const char* function, const Opaque* opaque, int attribute, void* value, std::size_t size,
                   std::size_t* written) {
  return guarded(function, [&] {
    Inside inside = load<Inside>(opaque, "the descriptor");
    const Field f = find(inside, attribute);
    if (size == 0 && written == nullptr) invalid("no bytes asked for and no place for their number");
    if (size != 0 && value == nullptr) invalid("the place for the value is null");
    if (size != 0 && size != f.size) invalid("attribute " + std::to_string(attribute) + " has another size");
    if (size != 0) std::memcpy(value, f.at, f.size);
    if (written != nullptr) *written = f.size;
  });
}

Layout layout(cudaDataType type, std::uint64_t rows, std::uint64_t cols, std::int64_t ld) {
  Layout l;
  l.type = type;
  l.rows = rows;
  l.cols = cols;
  l.ld = ld;
  return l;
}

Operation operation(cublasComputeType_t compute, cudaDataType_t scale) {
  Operation o;
  o.compute_type = compute;
  o.scale_type = scale;
  return o;
}

}  // namespace
}  // namespace ptxvm::blas

using namespace ptxvm::blas;

extern "C" {

cublasStatus_t cublasLtMatrixLayoutInit_internal(cublasLtMatrixLayout_t matrix, size_t size,
                                                 cudaDataType type, uint64_t rows, uint64_t cols,
                                                 int64_t ld) {
  return init(__func__, matrix, size, layout(type, rows, cols, ld));
}
cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* matrix, cudaDataType type, uint64_t rows,
                                          uint64_t cols, int64_t ld) {
  return create(__func__, matrix, layout(type, rows, cols, ld));
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t matrix) { return destroy(matrix); }
cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t matrix,
                                                cublasLtMatrixLayoutAttribute_t which, const void* value,
                                                size_t size) {
  return set<Layout>(__func__, matrix, which, value, size);
}
cublasStatus_t cublasLtMatrixLayoutGetAttribute(cublasLtMatrixLayout_t matrix,
                                                cublasLtMatrixLayoutAttribute_t which, void* value,
                                                size_t size, size_t* written) {
  return get<Layout>(__func__, matrix, which, value, size, written);
}

cublasStatus_t cublasLtMatmulDescInit_internal(cublasLtMatmulDesc_t desc, size_t size,
                                               cublasComputeType_t compute, cudaDataType_t scale) {
  return init(__func__, desc, size, operation(compute, scale));
}
cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* desc, cublasComputeType_t compute,
                                        cudaDataType_t scale) {
  return create(__func__, desc, operation(compute, scale));
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t desc) { return destroy(desc); }
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t desc, cublasLtMatmulDescAttributes_t which,
                                              const void* value, size_t size) {
  return set<Operation>(__func__, desc, which, value, size);
}
cublasStatus_t cublasLtMatmulDescGetAttribute(cublasLtMatmulDesc_t desc, cublasLtMatmulDescAttributes_t which,
                                              void* value, size_t size, size_t* written) {
  return get<Operation>(__func__, desc, which, value, size, written);
}

cublasStatus_t cublasLtMatmulPreferenceInit_internal(cublasLtMatmulPreference_t preference, size_t size) {
  return init(__func__, preference, size, Preference{});
}
cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
  return create(__func__, preference, Preference{});
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  return destroy(preference);
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t which,
                                                    const void* value, size_t size) {
  return set<Preference>(__func__, preference, which, value, size);
}
cublasStatus_t cublasLtMatmulPreferenceGetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t which, void* value,
                                                    size_t size, size_t* written) {
  return get<Preference>(__func__, preference, which, value, size, written);
}

}  // extern "C"
