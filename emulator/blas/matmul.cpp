// cublasLtMatmul: everything that can be refused is refused at the call, the product is done in the stream.
#include "blas/algorithm.hpp"
#include "blas/product.hpp"
#include "check/level.hpp"
#include "check/operations.hpp"
#include "memory/address_space.hpp"
#include "runtime/enqueue.hpp"
#include "runtime/errors.hpp"
#include "support/error.hpp"

namespace ptxvm::blas {
namespace {

struct Pointers {
  const void *a, *b, *c;
  void *d, *workspace;
};

memory::Address address(const void* pointer) { return reinterpret_cast<memory::Address>(pointer); }

void check_alignment(const char* what, const void* pointer, std::uint64_t alignment, const char* whose) {
  if (address(pointer) % alignment == 0) return;
  invalid(std::string(what) + " is not aligned to the " + std::to_string(alignment) + " bytes of " + whose);
}

// No algorithm given: the one chosen is right for the pointers as they are.
Algorithm for_pointers(const Problem& p) {
  Preference preference;
  preference.align_a = preference.align_b = static_cast<std::uint32_t>(size_of(p.a.type));
  preference.align_c = preference.align_d = static_cast<std::uint32_t>(size_of(p.d.type));
  return choose(p, preference);
}

void check(const Problem& p, const Algorithm& chosen, float beta, const Pointers& at,
           std::size_t workspace_size) {
  if (at.a == nullptr || at.b == nullptr || at.d == nullptr) invalid("A, B or D is null");
  if (beta != 0.0f && at.c == nullptr) invalid("C is null and beta is not 0");
  const char* const its = "an element";
  check_alignment("A", at.a, size_of(p.a.type), its);
  check_alignment("B", at.b, size_of(p.b.type), its);
  check_alignment("C", at.c, size_of(p.c.type), its);
  check_alignment("D", at.d, size_of(p.d.type), its);
  const char* const promised = "the algorithm's preference";
  check_alignment("A", at.a, chosen.align_a, promised);
  check_alignment("B", at.b, chosen.align_b, promised);
  check_alignment("C", at.c, chosen.align_c, promised);
  check_alignment("D", at.d, chosen.align_d, promised);
  if (at.c == at.d && (p.c.ld != p.d.ld || (p.batches > 1 && p.c.batch_stride != p.d.batch_stride)))
    invalid("C is D, with another leading dimension or batch stride");
  if (p.epilogue != Epilogue::None) {
    if (p.bias == nullptr) invalid("the epilogue's bias pointer is null");
    check_alignment("the bias", p.bias, size_of(p.d.type), its);
  }
  if (workspace_size < chosen.workspace)
    invalid("the workspace has " + std::to_string(workspace_size) + " bytes, the algorithm needs " +
            std::to_string(chosen.workspace));
  if (chosen.workspace != 0 && at.workspace == nullptr) invalid("the workspace is null");
  check_alignment("the workspace", at.workspace, 256, "a workspace");
}

unsigned char* bytes_at(const void* pointer, std::uint64_t bytes, const char* what) {
  const memory::Address a = address(pointer);
  const auto owner = memory::AddressSpace::instance().find(a);
  if (!owner || !owner->contains(a, bytes))
    throw Error(Status::IllegalAddress, std::string("cublasLtMatmul: ") + what + ", " +
                                            std::to_string(bytes) + " bytes: " + memory::describe(a, bytes));
  return reinterpret_cast<unsigned char*>(a + static_cast<memory::Address>(owner->delta));
}

// Every vector of a matrix, for the checks between streams.
void touch(const void* pointer, const Matrix& m, int batches, bool written) {
  check::Operations& operations = check::Operations::instance();
  const std::uint64_t element = size_of(m.type);
  for (int b = 0; b < batches; ++b)
    for (std::uint64_t o = 0; o < m.outer(); ++o) {
      const std::int64_t at = b * m.batch_stride + static_cast<std::int64_t>(o) * m.ld;
      const memory::Address a = address(pointer) + static_cast<std::uint64_t>(at) * element;
      if (written) operations.range_written(a, m.inner() * element);
      else operations.range_read(a, m.inner() * element);
    }
}

void check_operands(const Problem& p, const Algorithm& chosen, float beta, const Pointers& at) {
  if (check::level() != check::Level::Full) return;
  touch(at.a, p.a, p.batches, false);
  touch(at.b, p.b, p.batches, false);
  if (beta != 0.0f) touch(at.c, p.c, p.batches, false);
  touch(at.d, p.d, p.batches, true);
  if (p.epilogue != Epilogue::None) {
    const Matrix bias{p.d.type, false, p.bias_elements(), 1, static_cast<std::int64_t>(p.bias_elements()), p.bias_batch_stride};
    touch(p.bias, bias, p.batches, p.epilogue != Epilogue::Bias);
  }
  if (chosen.workspace != 0) check::Operations::instance().range_written(address(at.workspace), chosen.workspace);
}

void run(const Problem& p, const Algorithm& chosen, float alpha, float beta, const Pointers& at) {
  Operands host{};
  host.a = bytes_at(at.a, p.a.extent(p.batches), "A");
  host.b = bytes_at(at.b, p.b.extent(p.batches), "B");
  host.d = bytes_at(at.d, p.d.extent(p.batches), "D");
  host.c = beta != 0.0f ? bytes_at(at.c, p.c.extent(p.batches), "C") : host.d;
  if (p.epilogue != Epilogue::None) {
    const std::uint64_t elements =
        static_cast<std::uint64_t>(p.batches - 1) * static_cast<std::uint64_t>(p.bias_batch_stride) +
        p.bias_elements();
    host.bias = bytes_at(p.bias, elements * size_of(p.d.type), "the bias");
  }
  check_operands(p, chosen, beta, at);
  // What is left in the workspace is nobody's to rely on.
  if (chosen.workspace != 0)
    std::memset(bytes_at(at.workspace, chosen.workspace, "the workspace"), 0xff, chosen.workspace);
  multiply(p, alpha, beta, host);
}

}  // namespace
}  // namespace ptxvm::blas

using namespace ptxvm::blas;

extern "C" cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation,
                                         const void* alpha, const void* a, cublasLtMatrixLayout_t a_layout,
                                         const void* b, cublasLtMatrixLayout_t b_layout, const void* beta,
                                         const void* c, cublasLtMatrixLayout_t c_layout, void* d,
                                         cublasLtMatrixLayout_t d_layout,
                                         const cublasLtMatmulAlgo_t* algorithm, void* workspace,
                                         size_t workspace_size, cudaStream_t stream) {
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (ptxvm::runtime::sticky_error() != cudaSuccess || ptxvm::runtime::on_dispatcher_thread())
    return CUBLAS_STATUS_EXECUTION_FAILED;
  return guarded(__func__, [&] {
    const Problem problem = judge(operation, a_layout, b_layout, c_layout, d_layout);
    const Algorithm chosen =
        algorithm != nullptr ? load_algorithm(algorithm, problem) : for_pointers(problem);
    if (alpha == nullptr || beta == nullptr) invalid("alpha or beta is null");
    float scale = 0.0f, addend = 0.0f;
    std::memcpy(&scale, alpha, sizeof scale);
    std::memcpy(&addend, beta, sizeof addend);
    const Pointers at{a, b, c, d, workspace};
    check(problem, chosen, addend, at, workspace_size);
    ptxvm::runtime::counters().products++;
    ptxvm::runtime::enqueue(ptxvm::runtime::legacy(stream),
                            ptxvm::runtime::Task([=] { run(problem, chosen, scale, addend, at); }));
  });
}
