#include "blas/algorithm.hpp"

#include <algorithm>

namespace ptxvm::blas {
namespace {

// Real algorithms load up to 16 bytes at once where pointers, leading dimension and batches allow it.
std::uint64_t step_alignment(const Matrix& m, int batches) {
  const std::uint64_t strides = static_cast<std::uint64_t>(m.ld) | (batches > 1 ? m.batch_stride : 0);
  const std::uint64_t bytes = strides * size_of(m.type) | 16;
  return bytes & ~(bytes - 1);
}

std::uint64_t fingerprint(const Problem& p) {
  std::uint64_t print = 0;
  const auto add = [&](std::uint64_t value, std::uint64_t radix) { print = print * radix + value; };
  for (const Matrix* m : {&p.a, &p.b, &p.c, &p.d}) {
    add(static_cast<std::uint64_t>(m->type), 3);
    add(m->row_order, 2);
    add(step_alignment(*m, p.batches), 17);
  }
  add(p.transpose_a, 2);
  add(p.transpose_b, 2);
  add(p.tf32, 2);
  add(p.relu, 2);
  add(static_cast<std::uint64_t>(p.epilogue), 4);
  return print;
}

// A real algorithm may need a workspace; asking for some of what is offered shows who forgets to hand it
// over.
constexpr std::uint64_t wanted_workspace = 4096;

}  // namespace

Algorithm choose(const Problem& problem, const Preference& preference) {
  for (const std::uint32_t a :
       {preference.align_a, preference.align_b, preference.align_c, preference.align_d})
    if (a == 0 || (a & (a - 1)) != 0) invalid("an alignment of " + std::to_string(a) + " bytes");
  if (preference.search_mode != CUBLASLT_SEARCH_BEST_FIT)
    unsupported("a search mode other than the best fit");
  Algorithm chosen;
  chosen.fingerprint = fingerprint(problem);
  chosen.align_a = preference.align_a;
  chosen.align_b = preference.align_b;
  chosen.align_c = preference.align_c;
  chosen.align_d = preference.align_d;
  chosen.workspace = preference.workspace >= wanted_workspace ? wanted_workspace : 0;
  return chosen;
}

Algorithm load_algorithm(const cublasLtMatmulAlgo_t* opaque, const Problem& problem) {
  const auto a = load<Algorithm>(opaque, "the algorithm");
  if (a.marked != Algorithm::mark) invalid("the algorithm is none that the heuristic gave");
  if (a.fingerprint != fingerprint(problem))
    unsupported("the algorithm was chosen for other types, orders, strides or another epilogue");
  return a;
}

}  // namespace ptxvm::blas

using namespace ptxvm::blas;

extern "C" {

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int wanted,
                                              cublasLtMatmulHeuristicResult_t results[], int* found) {
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  return guarded(__func__, [&] {
    if (found == nullptr || results == nullptr || wanted < 1) invalid("no place for a result");
    *found = 0;
    const Algorithm chosen =
        choose(judge(operation, a, b, c, d), load<Preference>(preference, "the preference"));
    cublasLtMatmulHeuristicResult_t result{};
    store(&result.algo, chosen);
    result.workspaceSize = chosen.workspace;
    result.state = CUBLAS_STATUS_SUCCESS;
    result.wavesCount = 1.0f;
    results[0] = result;
    *found = 1;
  });
}

cublasStatus_t cublasLtMatmulAlgoCheck(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation,
                                       cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                       cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                       const cublasLtMatmulAlgo_t* algorithm,
                                       cublasLtMatmulHeuristicResult_t* result) {
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  return guarded(__func__, [&] {
    if (result == nullptr) invalid("no place for the result");
    const Algorithm checked = load_algorithm(algorithm, judge(operation, a, b, c, d));
    *result = {};
    result->algo = *algorithm;
    result->workspaceSize = checked.workspace;
    result->state = CUBLAS_STATUS_SUCCESS;
    result->wavesCount = 1.0f;
  });
}

}  // extern "C"
