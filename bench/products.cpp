#include "products.hpp"

#include <cublasLt.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <stdexcept>

#include "model/machine.hpp"

namespace recur::bench {
namespace {

struct Log {
  std::mutex mutex;
  std::vector<ProductGroup> groups;
  int64_t batch = 0;
  bool compute = false;
  bool unknown = false;  // a product that could not be read
};
Log& the_log() {
  static Log log;
  return log;
}

int64_t sides(cublasLtMatrixLayout_t layout, cublasLtMatrixLayoutAttribute_t which) {
  uint64_t value = 0;
  size_t written = 0;
  if (cublasLtMatrixLayoutGetAttribute(layout, which, &value, sizeof value, &written) !=
      CUBLAS_STATUS_SUCCESS)
    return -1;
  return static_cast<int64_t>(value);
}

template <class Value>
bool read(cublasLtMatmulDesc_t operation, cublasLtMatmulDescAttributes_t which, Value& value) {
  size_t written = 0;
  return cublasLtMatmulDescGetAttribute(operation, which, &value, sizeof value, &written) ==
         CUBLAS_STATUS_SUCCESS;
}
int32_t type_of(cublasLtMatrixLayout_t layout) {
  int32_t type = -1;
  size_t written = 0;
  cublasLtMatrixLayoutGetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_TYPE, &type, sizeof type, &written);
  return type;
}

// cuBLASLt is column-major, so the first operand is our B [k,n] and the second our A [m,k].
bool note(Log& log, cublasLtMatmulDesc_t operation, cublasLtMatrixLayout_t first,
          cublasLtMatrixLayout_t result, bool adds) {
  int32_t transpose_first = 0, transpose_second = 0, compute = 0;
  uint32_t epilogue = 0;
  if (!read(operation, CUBLASLT_MATMUL_DESC_TRANSA, transpose_first) ||
      !read(operation, CUBLASLT_MATMUL_DESC_TRANSB, transpose_second) ||
      !read(operation, CUBLASLT_MATMUL_DESC_COMPUTE_TYPE, compute) ||
      !read(operation, CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue))
    return false;
  ProductGroup group;
  switch (type_of(first)) {
    case CUDA_R_32F:
      group.factors = compute == CUBLAS_COMPUTE_32F_FAST_TF32 ? Factors::tf32 : Factors::single;
      break;
    case CUDA_R_16F:
      group.factors = Factors::half;
      break;
    case CUDA_R_16BF:
      group.factors = Factors::bfloat;
      break;
    default:
      return false;
  }
  const int64_t n = sides(result, CUBLASLT_MATRIX_LAYOUT_ROWS),
                m = sides(result, CUBLASLT_MATRIX_LAYOUT_COLS);
  const int64_t k = sides(
      first, transpose_first == CUBLAS_OP_N ? CUBLASLT_MATRIX_LAYOUT_COLS : CUBLASLT_MATRIX_LAYOUT_ROWS);
  if (n < 0 || m < 0 || k < 0) return false;
  group.sums_over_time = transpose_second != CUBLAS_OP_N;  // our A is stored [k,m]
  group.adds = adds;
  group.bias = epilogue == CUBLASLT_EPILOGUE_BIAS;
  group.rows = group.sums_over_time ? m : k;
  group.columns = n;
  const int64_t running = group.sums_over_time ? k : m;
  group.of_a_step = running == log.batch;
  group.result_bytes = type_of(result) == CUDA_R_32F ? 4 : 2;
  group.count = 1;
  group.running_total = static_cast<double>(running);
  for (ProductGroup& known : log.groups) {
    if (!known.same_kind(group)) continue;
    known.count += 1;
    known.running_total += group.running_total;
    return true;
  }
  log.groups.push_back(group);
  return true;
}

int factor_bytes(Factors factors) { return factors == Factors::half || factors == Factors::bfloat ? 2 : 4; }

// Flops a second of the whole device.
double rate(const ptxvm::model::Machine& machine, Factors factors) {
  using ptxvm::count::Factor;
  const auto matrix = [&](Factor f) { return machine.matrix_flops[static_cast<size_t>(f)]; };
  const double a_cycle = factors == Factors::single ? 2 * machine.single
                         : factors == Factors::tf32 ? matrix(Factor::Tf32)
                         : factors == Factors::half ? matrix(Factor::Half)
                                                    : matrix(Factor::Bfloat);
  return a_cycle * machine.clock_hz * machine.multiprocessors;
}

}  // namespace

bool ProductGroup::same_kind(const ProductGroup& o) const {
  return factors == o.factors && sums_over_time == o.sums_over_time && adds == o.adds && bias == o.bias &&
         of_a_step == o.of_a_step && rows == o.rows && columns == o.columns && result_bytes == o.result_bytes;
}

double ProductGroup::flops() const {
  return 2 * static_cast<double>(rows) * static_cast<double>(columns) * running_total;
}

double ProductGroup::bytes() const {
  const double r = static_cast<double>(rows), c = static_cast<double>(columns), in = factor_bytes(factors);
  const double out = result_bytes * (adds ? 2 : 1), bias_bytes = bias ? result_bytes * c * count : 0;
  if (sums_over_time) return in * running_total * (r + c) + out * r * c * count;
  return in * (running_total * r + r * c * count) + out * running_total * c + bias_bytes;
}

const char* ModelledProducts::largest() const {
  return launch >= arithmetic && launch >= dram ? "launch" : arithmetic >= dram ? "arithmetic" : "DRAM";
}

ModelledProducts model(const ptxvm::model::Machine& machine, const std::vector<ProductGroup>& groups) {
  ModelledProducts all;
  const double launch = machine.latency[static_cast<size_t>(ptxvm::model::Latency::Launch)];
  for (const ProductGroup& group : groups) {
    const double per_second = rate(machine, group.factors);
    if (per_second <= 0)
      throw std::runtime_error("the model of this device has no rate for the products' type");
    const double arithmetic = group.flops() / per_second, dram = group.bytes() / machine.dram_bytes;
    all.launch += launch * group.count;
    (arithmetic >= dram ? all.arithmetic : all.dram) += std::max(arithmetic, dram);
    all.flops += group.flops();
    all.matrix_flops += group.factors == Factors::single ? 0 : group.flops();
    all.bytes += group.bytes();
  }
  all.seconds = all.launch + all.arithmetic + all.dram;
  return all;
}

void reset_products(int64_t batch) {
  Log& log = the_log();
  const std::lock_guard<std::mutex> lock(log.mutex);
  log.groups.clear();
  log.batch = batch;
  log.unknown = false;
}

std::vector<ProductGroup> noted_products() {
  Log& log = the_log();
  const std::lock_guard<std::mutex> lock(log.mutex);
  if (log.unknown)
    throw std::runtime_error(
        "a product was asked of cuBLASLt whose type or shape this benchmark does not know");
  return log.groups;
}

void compute_products(bool yes) {
  Log& log = the_log();
  const std::lock_guard<std::mutex> lock(log.mutex);
  log.compute = yes;
}

}  // namespace recur::bench

// The linker sends calls of cublasLtMatmul here (--wrap), and calls of the second name to cuBLASLt.
extern "C" {
cublasStatus_t __real_cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t, const void*, const void*,
                                     cublasLtMatrixLayout_t, const void*, cublasLtMatrixLayout_t, const void*,
                                     const void*, cublasLtMatrixLayout_t, void*, cublasLtMatrixLayout_t,
                                     const cublasLtMatmulAlgo_t*, void*, size_t, cudaStream_t);

cublasStatus_t __wrap_cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation,
                                     const void* alpha, const void* a, cublasLtMatrixLayout_t a_layout,
                                     const void* b, cublasLtMatrixLayout_t b_layout, const void* beta,
                                     const void* c, cublasLtMatrixLayout_t c_layout, void* d,
                                     cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t* algorithm,
                                     void* workspace, size_t workspace_size, cudaStream_t stream) {
  recur::bench::Log& log = recur::bench::the_log();
  bool compute = false;
  {
    const std::lock_guard<std::mutex> lock(log.mutex);
    const bool adds = *static_cast<const float*>(beta) != 0;
    if (!recur::bench::note(log, operation, a_layout, d_layout, adds)) log.unknown = true;
    compute = log.compute;
  }
  if (!compute) return CUBLAS_STATUS_SUCCESS;
  return __real_cublasLtMatmul(handle, operation, alpha, a, a_layout, b, b_layout, beta, c, c_layout, d,
                               d_layout, algorithm, workspace, workspace_size, stream);
}
}
