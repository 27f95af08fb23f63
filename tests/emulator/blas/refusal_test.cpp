#include <functional>

#include "support.hpp"

namespace blas_test {
namespace {

// A right call, of which one thing at a time is made wrong.
struct Call {
  Shape shape{CUDA_R_32F, true, 8, 8, 0, 0};
  Device a{8 * 8 * 4 + 256}, b{8 * 8 * 4 + 256}, c{8 * 8 * 4 + 256}, d{8 * 8 * 4 + 256}, workspace{8192};
  Operation operation;
  Layout la{shape, 1}, lb{shape, 1}, lc{shape, 1}, ld{shape, 1};
  cublasLtMatmulHeuristicResult_t chosen{};
  float alpha = 1.0f, beta = 0.0f;
  std::uint32_t alignment = 16;
  std::uint64_t offered = 8192;

  cublasStatus_t choose() {
    cublasLtMatmulPreference_t p = nullptr;
    cublasLtMatmulPreferenceCreate(&p);
    for (const auto which :
         {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
          CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES})
      EXPECT_EQ(cublasLtMatmulPreferenceSetAttribute(p, which, &alignment, sizeof alignment),
                CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(cublasLtMatmulPreferenceSetAttribute(p, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &offered,
                                                   sizeof offered),
              CUBLAS_STATUS_SUCCESS);
    int found = 0;
    const auto status =
        cublasLtMatmulAlgoGetHeuristic(handle(), operation, la, lb, lc, ld, p, 1, &chosen, &found);
    EXPECT_EQ(found, status == CUBLAS_STATUS_SUCCESS ? 1 : 0);
    cublasLtMatmulPreferenceDestroy(p);
    return status;
  }
  cublasStatus_t run(const void* at_a, const void* at_b, void* at_d, void* at_workspace, std::size_t size) {
    return cublasLtMatmul(handle(), operation, &alpha, at_a, la, at_b, lb, &beta, c.at(), lc, at_d, ld,
                          &chosen.algo, at_workspace, size, nullptr);
  }
  cublasStatus_t run() { return run(a.at(), b.at(), d.at(), workspace.at(), 8192); }
};

TEST(Refusal, TheRightCallIsTaken) {
  Call call;
  EXPECT_EQ(call.choose(), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(call.run(), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
}

TEST(Refusal, DeclaredAlignmentsAreHeldTo) {
  Call call;
  ASSERT_EQ(call.choose(), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(call.run(call.a.at() + 16, call.b.at() + 32, call.d.at() + 48, call.workspace.at(), 8192),
            CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(call.run(call.a.at() + 8, call.b.at(), call.d.at(), call.workspace.at(), 8192),
            CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(call.run(call.a.at(), call.b.at() + 4, call.d.at(), call.workspace.at(), 8192),
            CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(call.run(call.a.at(), call.b.at(), call.d.at() + 8, call.workspace.at(), 8192),
            CUBLAS_STATUS_INVALID_VALUE);
  // Without an algorithm an element's alignment is enough.
  EXPECT_EQ(cublasLtMatmul(handle(), call.operation, &call.alpha, call.a.at() + 4, call.la, call.b.at() + 8,
                           call.lb, &call.beta, call.c.at(), call.lc, call.d.at() + 4, call.ld, nullptr,
                           nullptr, 0, nullptr),
            CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
}

TEST(Refusal, TheWorkspaceIsHandedOverAndOverwritten) {
  Call call;
  ASSERT_EQ(call.choose(), CUBLAS_STATUS_SUCCESS);
  ASSERT_GT(call.chosen.workspaceSize, 0u);
  const auto run = [&](void* at, std::size_t size) {
    return call.run(call.a.at(), call.b.at(), call.d.at(), at, size);
  };
  EXPECT_EQ(run(nullptr, 0), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(run(nullptr, 8192), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(run(call.workspace.at(), call.chosen.workspaceSize - 1), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(run(call.workspace.at() + 128, call.chosen.workspaceSize), CUBLAS_STATUS_INVALID_VALUE);
  cudaMemset(call.workspace.at(), 0, 8192);
  EXPECT_EQ(run(call.workspace.at(), 8192), CUBLAS_STATUS_SUCCESS);
  EXPECT_NE(call.workspace.read(4), Bytes(4, 0));
  call.offered = 0;
  ASSERT_EQ(call.choose(), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(call.chosen.workspaceSize, 0u);
  EXPECT_EQ(run(nullptr, 0), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
}

TEST(Refusal, WhatIsNotSupportedSaysSo) {
  const std::function<void(Call&)> changes[] = {
      [](Call& c) {
        c.operation.set(CUBLASLT_MATMUL_DESC_POINTER_MODE, std::int32_t{CUBLASLT_POINTER_MODE_DEVICE});
      },
      [](Call& c) { c.operation.set(CUBLASLT_MATMUL_DESC_EPILOGUE, std::uint32_t{CUBLASLT_EPILOGUE_GELU}); },
      [](Call& c) { c.operation.set(CUBLASLT_MATMUL_DESC_COMPUTE_TYPE, std::int32_t{CUBLAS_COMPUTE_16F}); },
      [](Call& c) { c.operation.set(CUBLASLT_MATMUL_DESC_SCALE_TYPE, std::int32_t{CUDA_R_64F}); },
      [](Call& c) { c.operation.set(CUBLASLT_MATMUL_DESC_TRANSA, std::int32_t{CUBLAS_OP_C}); },
      [](Call& c) { c.operation.set(CUBLASLT_MATMUL_DESC_FILL_MODE, std::int32_t{CUBLAS_FILL_MODE_LOWER}); },
      [](Call& c) { c.la.set(CUBLASLT_MATRIX_LAYOUT_ORDER, std::int32_t{CUBLASLT_ORDER_COL32}); },
      [](Call& c) { c.la.set(CUBLASLT_MATRIX_LAYOUT_TYPE, std::uint32_t{CUDA_R_8I}); },
      [](Call& c) { c.la.set(CUBLASLT_MATRIX_LAYOUT_TYPE, std::uint32_t{CUDA_R_16F}); },
      [](Call& c) { c.ld.set(CUBLASLT_MATRIX_LAYOUT_TYPE, std::uint32_t{CUDA_R_16F}); },
  };
  for (std::size_t i = 0; i < std::size(changes); i++) {
    Call call;
    ASSERT_EQ(call.choose(), CUBLAS_STATUS_SUCCESS);
    changes[i](call);
    EXPECT_EQ(call.run(), CUBLAS_STATUS_NOT_SUPPORTED) << i;
    EXPECT_EQ(call.choose(), CUBLAS_STATUS_NOT_SUPPORTED) << i;
  }
  Operation operation;
  const std::int8_t on = 1;
  EXPECT_EQ(cublasLtMatmulDescSetAttribute(operation, CUBLASLT_MATMUL_DESC_FAST_ACCUM, &on, 1),
            CUBLAS_STATUS_NOT_SUPPORTED);
}

TEST(Refusal, ImpossibleShapes) {
  const std::function<void(Call&)> changes[] = {
      [](Call& c) { c.la.set(CUBLASLT_MATRIX_LAYOUT_COLS, std::uint64_t{7}); },
      [](Call& c) { c.lb.set(CUBLASLT_MATRIX_LAYOUT_ROWS, std::uint64_t{7}); },
      [](Call& c) { c.ld.set(CUBLASLT_MATRIX_LAYOUT_ROWS, std::uint64_t{7}); },
      [](Call& c) { c.lc.set(CUBLASLT_MATRIX_LAYOUT_COLS, std::uint64_t{7}); },
      [](Call& c) { c.lc.set(CUBLASLT_MATRIX_LAYOUT_ORDER, std::int32_t{CUBLASLT_ORDER_COL}); },
      [](Call& c) { c.la.set(CUBLASLT_MATRIX_LAYOUT_LD, std::int64_t{7}); },
      [](Call& c) { c.la.set(CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, std::int32_t{2}); },
      [](Call& c) { c.la.set(CUBLASLT_MATRIX_LAYOUT_ROWS, std::uint64_t{0}); },
      [](Call& c) { c.operation.set(CUBLASLT_MATMUL_DESC_EPILOGUE, std::uint32_t{CUBLASLT_EPILOGUE_BIAS}); },
  };
  for (std::size_t i = 0; i < std::size(changes); i++) {
    Call call;
    changes[i](call);
    const cublasStatus_t status =
        cublasLtMatmul(handle(), call.operation, &call.alpha, call.a.at(), call.la, call.b.at(), call.lb,
                       &call.beta, call.c.at(), call.lc, call.d.at(), call.ld, nullptr, nullptr, 0, nullptr);
    EXPECT_EQ(status, CUBLAS_STATUS_INVALID_VALUE) << i;
  }
}

TEST(Refusal, AlgorithmsOfOtherProducts) {
  Call call;
  EXPECT_EQ(call.run(), CUBLAS_STATUS_INVALID_VALUE) << "never chosen";
  ASSERT_EQ(call.choose(), CUBLAS_STATUS_SUCCESS);
  call.operation.set(CUBLASLT_MATMUL_DESC_EPILOGUE, std::uint32_t{CUBLASLT_EPILOGUE_RELU});
  EXPECT_EQ(call.run(), CUBLAS_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(cublasLtMatmulAlgoCheck(handle(), call.operation, call.la, call.lb, call.lc, call.ld,
                                    &call.chosen.algo, &call.chosen),
            CUBLAS_STATUS_NOT_SUPPORTED);
}

TEST(Refusal, Attributes) {
  Operation operation;
  std::int32_t value = 0;
  std::size_t written = 0;
  EXPECT_EQ(cublasLtMatmulDescSetAttribute(operation, CUBLASLT_MATMUL_DESC_TRANSA, &value, 8),
            CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(cublasLtMatmulDescSetAttribute(operation, CUBLASLT_MATMUL_DESC_TRANSA, nullptr, 4),
            CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(
      cublasLtMatmulDescGetAttribute(operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, nullptr, 0, &written),
      CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(written, sizeof(void*));
  operation.set(CUBLASLT_MATMUL_DESC_TRANSB, std::int32_t{CUBLAS_OP_T});
  EXPECT_EQ(cublasLtMatmulDescGetAttribute(operation, CUBLASLT_MATMUL_DESC_TRANSB, &value, 4, nullptr),
            CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(value, CUBLAS_OP_T);
  EXPECT_EQ(cublasLtMatmulDescSetAttribute(nullptr, CUBLASLT_MATMUL_DESC_TRANSA, &value, 4),
            CUBLAS_STATUS_INVALID_VALUE);
  cublasLtMatmulDescOpaque_t own;
  EXPECT_EQ(cublasLtMatmulDescInit(&own, CUBLAS_COMPUTE_32F, CUDA_R_32F), CUBLAS_STATUS_SUCCESS);
  EXPECT_STREQ(cublasLtGetStatusName(CUBLAS_STATUS_NOT_SUPPORTED), "CUBLAS_STATUS_NOT_SUPPORTED");
  EXPECT_EQ(cublasLtGetVersion(), static_cast<std::size_t>(CUBLAS_VERSION));
  EXPECT_EQ(cublasLtCreate(nullptr), CUBLAS_STATUS_INVALID_VALUE);
}

// The device stays broken after such a fault, so each runs in a process of its own.
void fault(const std::function<void(Call&)>& change) {
  EXPECT_EXIT(
      {
        Call call;
        call.choose();
        change(call);
        const bool taken = call.run() == CUBLAS_STATUS_SUCCESS;
        std::_Exit(taken && cudaDeviceSynchronize() == cudaErrorIllegalAddress ? 7 : 0);
      },
      testing::ExitedWithCode(7), "cublasLtMatmul: ");
}

TEST(RefusalDeathTest, OperandsOutsideTheirAllocations) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  fault([](Call& c) { c.la.set(CUBLASLT_MATRIX_LAYOUT_LD, std::int64_t{24}); });
  fault([](Call& c) { c.ld.set(CUBLASLT_MATRIX_LAYOUT_LD, std::int64_t{24}); });
  fault([](Call& c) { cudaFree(c.b.at()); });
  fault([](Call& c) {
    c.beta = 1.0f;
    c.lc.set(CUBLASLT_MATRIX_LAYOUT_LD, std::int64_t{24});
  });
}

}  // namespace
}  // namespace blas_test
