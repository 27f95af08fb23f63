#include <algorithm>
#include <cmath>
#include <random>
#include <tuple>

#include "support.hpp"

namespace blas_test {
namespace {

struct Case {
  Shape a, b, c, d;
  bool transpose_a = false, transpose_b = false;
  std::size_t m = 1, n = 1, k = 1;
  int batches = 1;
  float alpha = 1.0f, beta = 0.0f;
  cublasComputeType_t compute = CUBLAS_COMPUTE_32F;
  std::uint32_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  bool in_place = false;
  bool whole_numbers = true;  // sums are exact
};

Case make(std::size_t m, std::size_t n, std::size_t k, cudaDataType in = CUDA_R_32F,
          cudaDataType out = CUDA_R_32F, unsigned choices = 0) {
  Case t;
  t.m = m;
  t.n = n;
  t.k = k;
  t.transpose_a = choices & 1;
  t.transpose_b = choices & 2;
  t.a = {in, (choices & 4) != 0, t.transpose_a ? k : m, t.transpose_a ? m : k, 3, 5};
  t.b = {in, (choices & 8) != 0, t.transpose_b ? n : k, t.transpose_b ? k : n, 0, 0};
  t.d = {out, (choices & 16) != 0, m, n, 1, 2};
  t.c = {out, t.d.row_order, m, n, 4, 0};
  return t;
}

struct Data {
  Bytes a, b, c, d, bias;
};

Data fill(const Case& t) {
  std::mt19937 random(static_cast<unsigned>(t.m * 131 + t.n * 17 + t.k));
  std::uniform_int_distribution<int> whole(-4, 4);
  std::normal_distribution<double> real;
  const auto value = [&] { return t.whole_numbers ? whole(random) : real(random); };
  const auto matrix = [&](const Shape& s) {
    Bytes bytes(s.bytes(t.batches), 0xff);  // NaN where no element is
    for (int batch = 0; batch < t.batches; batch++)
      for (std::size_t r = 0; r < s.rows; r++)
        for (std::size_t c = 0; c < s.cols; c++) store(s.type, bytes, s.index(batch, r, c), value());
    return bytes;
  };
  Data data{matrix(t.a), matrix(t.b), matrix(t.c), Bytes(t.d.bytes(t.batches), 0xff), {}};
  if (t.in_place) data.d = data.c;
  data.bias.assign(std::max(t.m, t.n) * size_of(t.d.type), 0xff);
  for (std::size_t i = 0; i < std::max(t.m, t.n); i++) store(t.d.type, data.bias, i, value());
  return data;
}

// Does the product, with the algorithm that the heuristic names.
Data run(const Case& t, const Data& in, cudaStream_t stream = nullptr) {
  Operation operation(t.compute);
  operation.set(CUBLASLT_MATMUL_DESC_TRANSA, std::int32_t{t.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N});
  operation.set(CUBLASLT_MATMUL_DESC_TRANSB, std::int32_t{t.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N});
  operation.set(CUBLASLT_MATMUL_DESC_EPILOGUE, t.epilogue);
  const Device a(in.a), b(in.b), c(in.c), d(in.d), bias(in.bias), workspace(4096);
  operation.set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, static_cast<const void*>(bias.at()));
  const Layout la(t.a, t.batches), lb(t.b, t.batches), lc(t.in_place ? t.d : t.c, t.batches),
      ld(t.d, t.batches);
  cublasLtMatmulPreference_t preference = nullptr;
  EXPECT_EQ(cublasLtMatmulPreferenceCreate(&preference), CUBLAS_STATUS_SUCCESS);
  const std::uint64_t offered = 4096;
  cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &offered,
                                       sizeof offered);
  cublasLtMatmulHeuristicResult_t result{};
  int found = 0;
  EXPECT_EQ(
      cublasLtMatmulAlgoGetHeuristic(handle(), operation, la, lb, lc, ld, preference, 1, &result, &found),
      CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(found, 1);
  EXPECT_EQ(cublasLtMatmul(handle(), operation, &t.alpha, a.at(), la, b.at(), lb, &t.beta,
                           t.in_place ? d.at() : c.at(), lc, d.at(), ld, &result.algo, workspace.at(), 4096,
                           stream),
            CUBLAS_STATUS_SUCCESS);
  cublasLtMatmulPreferenceDestroy(preference);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  return {a.read(in.a.size()), b.read(in.b.size()), c.read(in.c.size()), d.read(in.d.size()),
          bias.read(in.bias.size())};
}

// ties away from zero, 10 bits of mantissa
double to_tf32(double x) {
  if (x == 0.0) return x;
  const double unit = std::ldexp(1.0, std::ilogb(x) - 10);
  return std::copysign(std::floor(std::fabs(x) / unit + 0.5) * unit, x);
}

void check(const Case& t) {
  SCOPED_TRACE(testing::Message() << t.m << "x" << t.n << "x" << t.k << " batches " << t.batches << " orders "
                                  << t.a.row_order << t.b.row_order << t.d.row_order << " transposes "
                                  << t.transpose_a << t.transpose_b << " types " << t.a.type << " "
                                  << t.d.type << " epilogue " << t.epilogue);
  const Data in = fill(t);
  const Data out = run(t, in);
  Bytes expected = in.d;
  const auto rounded = [&](double x) { return t.compute == CUBLAS_COMPUTE_32F_FAST_TF32 ? to_tf32(x) : x; };
  const bool bias = (t.epilogue & CUBLASLT_EPILOGUE_BIAS) != 0,
             relu = (t.epilogue & CUBLASLT_EPILOGUE_RELU) != 0;
  for (int batch = 0; batch < t.batches; batch++)
    for (std::size_t i = 0; i < t.m; i++)
      for (std::size_t j = 0; j < t.n; j++) {
        double sum = 0, size = 0;
        for (std::size_t k = 0; k < t.k; k++) {
          const double x =
              load(t.a.type, in.a, t.transpose_a ? t.a.index(batch, k, i) : t.a.index(batch, i, k));
          const double y =
              load(t.b.type, in.b, t.transpose_b ? t.b.index(batch, j, k) : t.b.index(batch, k, j));
          sum += rounded(x) * rounded(y);
          size += std::fabs(x * y);
        }
        double value = t.alpha * sum;
        if (t.beta != 0) value += t.beta * load(t.c.type, in.c, (t.in_place ? t.d : t.c).index(batch, i, j));
        if (bias) value += load(t.d.type, in.bias, i);
        if (relu && value < 0) value = 0;
        const std::size_t at = t.d.index(batch, i, j);
        store(t.d.type, expected, at, value);
        if (!t.whole_numbers) {
          // fp32 sums of k terms; the addends of beta and bias are of the size of one.
          const double got = load(t.d.type, out.d, at), unit = t.d.type == CUDA_R_32F ? 0x1p-24 : 0x1p-11;
          const double bound = 0x1p-24 * static_cast<double>(t.k + 4) * (std::fabs(t.alpha) * size + 8) +
                               unit * std::fabs(value);
          ASSERT_NEAR(got, value, bound) << i << "," << j;
          store(t.d.type, expected, at, got);
        }
      }
  // Exactly, and what lies between the elements is as it was.
  EXPECT_EQ(out.d, expected);
  EXPECT_EQ(out.a, in.a);
  EXPECT_EQ(out.b, in.b);
}

TEST(Product, EveryOrderAndTranspose) {
  for (unsigned choices = 0; choices < 32; choices++) check(make(7, 5, 9, CUDA_R_32F, CUDA_R_32F, choices));
}

TEST(Product, EveryTypeIsRoundedOnce) {
  const std::pair<cudaDataType, cudaDataType> types[] = {{CUDA_R_16F, CUDA_R_16F},
                                                         {CUDA_R_16F, CUDA_R_32F},
                                                         {CUDA_R_16BF, CUDA_R_16BF},
                                                         {CUDA_R_16BF, CUDA_R_32F}};
  for (const auto& [in, out] : types)
    for (unsigned choices = 0; choices < 32; choices += 3) {
      Case t = make(13, 6, 300, in, out, choices);
      t.alpha = 10.25f;  // more bits than the 16-bit types hold, ties among them; fewer than fp32 does
      t.beta = 0.5f;
      check(t);
    }
}

TEST(Product, OverflowAndSubnormalsOfHalf) {
  Case t = make(4, 4, 1, CUDA_R_16F, CUDA_R_16F);
  Data in = fill(t);
  const double left[] = {300, 0x1p-14, 1, -300}, right[] = {300, 0x1p-10, 0x1.8p-24, 218.4375};
  for (std::size_t i = 0; i < 4; i++) {
    store(CUDA_R_16F, in.a, t.a.index(0, i, 0), left[i]);
    store(CUDA_R_16F, in.b, t.b.index(0, 0, i), right[i]);
  }
  const Data out = run(t, in);
  Bytes expected = in.d;
  for (std::size_t i = 0; i < 4; i++)
    for (std::size_t j = 0; j < 4; j++)
      store(CUDA_R_16F, expected, t.d.index(0, i, j),
            load(CUDA_R_16F, in.a, t.a.index(0, i, 0)) * load(CUDA_R_16F, in.b, t.b.index(0, 0, j)));
  EXPECT_EQ(out.d, expected);
}

TEST(Product, Tf32RoundsInputs) {
  for (unsigned choices = 0; choices < 32; choices += 5) {
    Case t = make(9, 4, 11, CUDA_R_32F, CUDA_R_32F, choices);
    t.compute = CUBLAS_COMPUTE_32F_FAST_TF32;
    t.whole_numbers = false;
    check(t);
  }
}

TEST(Product, Scales) {
  for (const auto& [alpha, beta] : {std::pair{2.0f, 0.0f}, {-0.5f, 1.0f}, {1.0f, -2.0f}, {0.0f, 0.5f}})
    for (const bool in_place : {false, true})
      for (const cudaDataType type : {CUDA_R_32F, CUDA_R_16F, CUDA_R_16BF}) {
        Case t = make(5, 8, 6, type, type, 21);
        t.alpha = alpha;
        t.beta = beta;
        t.in_place = in_place;
        if (in_place) t.c = t.d;
        check(t);
      }
}

TEST(Product, Batches) {
  for (unsigned choices = 0; choices < 32; choices += 7)
    for (const cudaDataType type : {CUDA_R_32F, CUDA_R_16BF}) {
      Case t = make(6, 3, 4, type, type, choices);
      t.batches = 3;
      t.beta = 1.0f;
      check(t);
    }
}

TEST(Product, Epilogues) {
  for (const std::uint32_t epilogue :
       {CUBLASLT_EPILOGUE_RELU, CUBLASLT_EPILOGUE_BIAS, CUBLASLT_EPILOGUE_RELU_BIAS})
    for (const cudaDataType type : {CUDA_R_32F, CUDA_R_16F})
      for (const unsigned choices : {0u, 31u}) {
        Case t = make(6, 9, 4, type, type, choices);
        t.epilogue = epilogue;
        t.batches = 2;
        check(t);
      }
}

TEST(Product, InputsAreSummedAlongK) {
  for (unsigned choices = 0; choices < 32; choices++)
    for (const bool of_a : {true, false}) {
      Case t = make(6, 4, 7, CUDA_R_16BF, CUDA_R_32F, choices);
      t.epilogue = of_a ? CUBLASLT_EPILOGUE_BGRADA : CUBLASLT_EPILOGUE_BGRADB;
      const Data in = fill(t), out = run(t, in);
      Bytes expected = in.bias;
      for (std::size_t i = 0; i < (of_a ? t.m : t.n); i++) {
        double sum = 0;
        for (std::size_t k = 0; k < t.k; k++)
          sum += of_a ? load(t.a.type, in.a, t.transpose_a ? t.a.index(0, k, i) : t.a.index(0, i, k))
                      : load(t.b.type, in.b, t.transpose_b ? t.b.index(0, i, k) : t.b.index(0, k, i));
        store(CUDA_R_32F, expected, i, sum);
      }
      EXPECT_EQ(out.bias, expected) << choices << " " << of_a;
      check(t);
    }
}

TEST(Product, LargeShapesGiveTheSameBitsEachTime) {
  for (const auto& [m, n, k] :
       {std::tuple<int, int, int>{1024, 32, 256}, {257, 65, 1031}, {64, 1, 512}, {1, 300, 5}})
    for (const cudaDataType type : {CUDA_R_32F, CUDA_R_16F}) {
      Case t = make(m, n, k, type, type, 16 + 4 + 2);
      t.whole_numbers = false;
      t.beta = 1.0f;
      check(t);
      const Data in = fill(t);
      EXPECT_EQ(run(t, in).d, run(t, in).d);
    }
}

}  // namespace
}  // namespace blas_test
