#include "blas/problem.hpp"

#include <limits>

namespace ptxvm::blas {
namespace {

Type type_of(std::int64_t type, const std::string& what) {
  switch (type) {
    case CUDA_R_32F:
      return Type::Single;
    case CUDA_R_16F:
      return Type::Half;
    case CUDA_R_16BF:
      return Type::Bfloat;
    default:
      unsupported(what + ": data type " + std::to_string(type));
  }
}

Matrix matrix(cublasLtMatrixLayout_t opaque, const std::string& what) {
  const auto l = load<Layout>(opaque, what.c_str());
  if (l.order != CUBLASLT_ORDER_COL && l.order != CUBLASLT_ORDER_ROW)
    unsupported(what + ": memory order " + std::to_string(l.order));
  if (l.plane_offset != 0) unsupported(what + ": planar complex numbers");
  if (l.batch_mode != CUBLASLT_BATCH_MODE_STRIDED) unsupported(what + ": batches by pointers");
  if (l.batch_count < 1) invalid(what + ": " + std::to_string(l.batch_count) + " batches");
  // cuBLASLt's documentation gives no meaning to empty matrices.
  if (l.rows == 0 || l.cols == 0) invalid(what + " is empty");
  const Matrix m{type_of(l.type, what), l.order == CUBLASLT_ORDER_ROW, l.rows, l.cols, l.ld, l.batch_stride};
  if (l.ld < 0) unsupported(what + ": a negative leading dimension");
  if (static_cast<std::uint64_t>(l.ld) < m.inner())
    invalid(what + ": leading dimension " + std::to_string(l.ld) + " is below " + std::to_string(m.inner()));
  if (l.batch_stride < 0) unsupported(what + ": a negative batch stride");
  if (l.batch_stride > std::int64_t{1} << 40) unsupported(what + ": a batch stride beyond 2^40");
  constexpr std::uint64_t limit = std::numeric_limits<int>::max();
  if (l.rows > limit || l.cols > limit || static_cast<std::uint64_t>(l.ld) > limit)
    unsupported(what + ": a dimension beyond 2^31 - 1");
  return m;
}

bool transposed(std::int32_t operation, const char* what) {
  if (operation == CUBLAS_OP_N) return false;
  if (operation == CUBLAS_OP_T) return true;
  unsupported(std::string(what) + ": operation " + std::to_string(operation));
}

void judge_types(const Operation& o, Problem& p) {
  if (o.scale_type != CUDA_R_32F) unsupported("alpha and beta other than fp32");
  if (p.a.type != p.b.type) unsupported("A and B of different types");
  if (p.c.type != p.d.type) unsupported("C and D of different types");
  if (p.a.type == Type::Single ? p.d.type != Type::Single : p.d.type != p.a.type && p.d.type != Type::Single)
    unsupported("this pair of input and output types");
  switch (o.compute_type) {
    case CUBLAS_COMPUTE_32F:
    case CUBLAS_COMPUTE_32F_PEDANTIC:
      p.tf32 = false;
      break;
    case CUBLAS_COMPUTE_32F_FAST_TF32:
      if (p.a.type != Type::Single) unsupported("TF32 with inputs that are not fp32");
      p.tf32 = true;
      break;
    default:
      unsupported("compute type " + std::to_string(o.compute_type));
  }
}

void judge_epilogue(const Operation& o, Problem& p) {
  p.relu = false;
  p.bias = nullptr;
  p.bias_batch_stride = 0;
  switch (o.epilogue) {
    case CUBLASLT_EPILOGUE_DEFAULT:
      p.epilogue = Epilogue::None;
      return;
    case CUBLASLT_EPILOGUE_RELU:
      p.epilogue = Epilogue::None;
      p.relu = true;
      return;
    case CUBLASLT_EPILOGUE_BIAS:
      p.epilogue = Epilogue::Bias;
      break;
    case CUBLASLT_EPILOGUE_RELU_BIAS:
      p.epilogue = Epilogue::Bias;
      p.relu = true;
      break;
    case CUBLASLT_EPILOGUE_BGRADA:
      p.epilogue = Epilogue::GradientA;
      break;
    case CUBLASLT_EPILOGUE_BGRADB:
      p.epilogue = Epilogue::GradientB;
      break;
    default:
      unsupported("epilogue " + std::to_string(o.epilogue));
  }
  if (o.bias_type != -1 && type_of(o.bias_type, "bias") != p.d.type)
    unsupported("a bias of another type than D");
  p.bias = o.bias;
  p.bias_batch_stride = o.bias_batch_stride;
  if (p.bias_batch_stride < 0) unsupported("a negative batch stride of the bias");
  if (p.batches > 1 && p.epilogue != Epilogue::Bias &&
      p.bias_batch_stride < static_cast<std::int64_t>(p.bias_elements()))
    invalid("two batches would write the same bias gradient");
}

}  // namespace

std::uint64_t size_of(Type type) { return type == Type::Single ? 4 : 2; }

std::uint64_t Matrix::extent(int batches) const {
  return (static_cast<std::uint64_t>(batches - 1) * static_cast<std::uint64_t>(batch_stride) + elements()) *
         size_of(type);
}

Problem judge(cublasLtMatmulDesc_t operation, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d) {
  const auto o = load<Operation>(operation, "the operation's descriptor");
  Problem p{};
  p.a = matrix(a, "A");
  p.b = matrix(b, "B");
  p.c = matrix(c, "C");
  p.d = matrix(d, "D");
  if (o.pointer_mode != CUBLASLT_POINTER_MODE_HOST)
    unsupported("alpha and beta in device memory (pointer mode)");
  if (o.trans_c != CUBLAS_OP_N) unsupported("a transposed C");
  if (o.fill_mode != CUBLAS_FILL_MODE_FULL) unsupported("a triangular fill mode");
  if (o.multiprocessors < 0) invalid("a negative number of multiprocessors");
  p.transpose_a = transposed(o.trans_a, "A");
  p.transpose_b = transposed(o.trans_b, "B");
  judge_types(o, p);

  const std::uint64_t m = p.transpose_a ? p.a.cols : p.a.rows, k = p.transpose_a ? p.a.rows : p.a.cols;
  const std::uint64_t n = p.transpose_b ? p.b.rows : p.b.cols, k_of_b = p.transpose_b ? p.b.cols : p.b.rows;
  if (k != k_of_b)
    invalid("op(A) has " + std::to_string(k) + " columns, op(B) " + std::to_string(k_of_b) + " rows");
  if (p.d.rows != m || p.d.cols != n) invalid("D's shape is not that of op(A) op(B)");
  if (p.c.rows != m || p.c.cols != n || p.c.row_order != p.d.row_order)
    invalid("C's shape or order is not D's");
  p.m = static_cast<int>(m);
  p.n = static_cast<int>(n);
  p.k = static_cast<int>(k);

  p.batches = load<Layout>(d, "D").batch_count;
  for (const auto other : {a, b, c})
    if (load<Layout>(other, "a matrix").batch_count != p.batches) invalid("the numbers of batches differ");
  if (p.batches > 1 && static_cast<std::uint64_t>(p.d.batch_stride) < p.d.elements())
    invalid("two batches of D overlap");
  judge_epilogue(o, p);
  return p;
}

}  // namespace ptxvm::blas
