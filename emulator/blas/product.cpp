#include "blas/product.hpp"

#include <cblas.h>

#include <algorithm>
#include <vector>

#include "blas/rounding.hpp"
#include "support/environment.hpp"

namespace ptxvm::blas {
namespace {

// The order in which a sum is taken depends on the number of threads, so it is the same in every run.
void fix_threads() {
  static const int threads = static_cast<int>(environment_number("PTXVM_BLAS_THREADS", 1));
  if (openblas_get_num_threads() != threads) openblas_set_num_threads(threads);
}

// A matrix in fp32.
struct View {
  float* at;
  std::int64_t ld;
  bool row_order;
  std::int64_t step_of_row() const { return row_order ? ld : 1; }
  std::int64_t step_of_column() const { return row_order ? 1 : ld; }
};

template <class Format>
void widen(const Matrix& m, const unsigned char* bytes, float* to) {
  const auto* from = reinterpret_cast<const typename Format::Stored*>(bytes);
  for (std::uint64_t o = 0; o < m.outer(); o++, from += m.ld, to += m.inner())
    for (std::uint64_t i = 0; i < m.inner(); i++) to[i] = Format::widen(from[i]);
}

template <class Format>
void narrow(const Matrix& m, const float* from, unsigned char* bytes) {
  auto* to = reinterpret_cast<typename Format::Stored*>(bytes);
  for (std::uint64_t o = 0; o < m.outer(); o++, to += m.ld, from += m.inner())
    for (std::uint64_t i = 0; i < m.inner(); i++) to[i] = Format::narrow(from[i]);
}

// An input in fp32: where it already is, no copy is made.
View input(const Matrix& m, const unsigned char* bytes, bool tf32, std::vector<float>& scratch) {
  if (m.type == Type::Single && !tf32)
    return {reinterpret_cast<float*>(const_cast<unsigned char*>(bytes)), m.ld, m.row_order};
  scratch.resize(m.inner() * m.outer());
  if (m.type == Type::Single) widen<Tf32>(m, bytes, scratch.data());
  if (m.type == Type::Half) widen<Half>(m, bytes, scratch.data());
  if (m.type == Type::Bfloat) widen<Bfloat>(m, bytes, scratch.data());
  return {scratch.data(), static_cast<std::int64_t>(m.inner()), m.row_order};
}

// Where the sum goes, beta's addend already there.
View accumulator(const Problem& p, float beta, const unsigned char* c, unsigned char* d,
                 std::vector<float>& scratch) {
  if (p.d.type == Type::Single) {
    const View view{reinterpret_cast<float*>(d), p.d.ld, p.d.row_order};
    if (beta != 0.0f && c != d) {
      const auto* from = reinterpret_cast<const float*>(c);
      for (std::uint64_t o = 0; o < p.d.outer(); o++)
        std::memcpy(view.at + o * p.d.ld, from + o * p.c.ld, p.d.inner() * sizeof(float));
    }
    return view;
  }
  scratch.resize(p.d.inner() * p.d.outer());
  if (beta != 0.0f && p.d.type == Type::Half) widen<Half>(p.c, c, scratch.data());
  if (beta != 0.0f && p.d.type == Type::Bfloat) widen<Bfloat>(p.c, c, scratch.data());
  return {scratch.data(), static_cast<std::int64_t>(p.d.inner()), p.d.row_order};
}

float load_element(Type type, const unsigned char* bytes, std::uint64_t i) {
  if (type == Type::Single) return reinterpret_cast<const float*>(bytes)[i];
  const std::uint16_t stored = reinterpret_cast<const std::uint16_t*>(bytes)[i];
  return type == Type::Half ? Half::widen(stored) : Bfloat::widen(stored);
}

void store_element(Type type, unsigned char* bytes, std::uint64_t i, float x) {
  if (type == Type::Single)
    reinterpret_cast<float*>(bytes)[i] = x;
  else
    reinterpret_cast<std::uint16_t*>(bytes)[i] = type == Type::Half ? Half::narrow(x) : Bfloat::narrow(x);
}

void add_bias(const Problem& p, const unsigned char* bias, const View& d) {
  std::vector<float> wide(static_cast<std::size_t>(p.m));
  for (int i = 0; i < p.m; i++) wide[i] = load_element(p.d.type, bias, i);
  for (std::uint64_t o = 0; o < p.d.outer(); o++) {
    float* line = d.at + o * d.ld;
    for (std::uint64_t i = 0; i < p.d.inner(); i++) line[i] += wide[p.d.row_order ? o : i];
  }
}

// NaN stays NaN.
void rectify(const Problem& p, const View& d) {
  for (std::uint64_t o = 0; o < p.d.outer(); o++) {
    float* line = d.at + o * d.ld;
    for (std::uint64_t i = 0; i < p.d.inner(); i++) line[i] = line[i] < 0.0f ? 0.0f : line[i];
  }
}

// Sums along k: of the rows of op(A), or of the columns of op(B).
void sum_input(const Problem& p, const View& a, const View& b, unsigned char* bias) {
  const bool of_a = p.epilogue == Epilogue::GradientA;
  const View& v = of_a ? a : b;
  const bool k_runs_over_rows = of_a ? p.transpose_a : !p.transpose_b;
  const std::int64_t step = k_runs_over_rows ? v.step_of_row() : v.step_of_column();
  const std::int64_t next = k_runs_over_rows ? v.step_of_column() : v.step_of_row();
  for (std::uint64_t i = 0; i < p.bias_elements(); i++) {
    const float* from = v.at + static_cast<std::int64_t>(i) * next;
    float sum = 0.0f;
    for (int k = 0; k < p.k; k++) sum += from[k * step];
    store_element(p.d.type, bias, i, sum);
  }
}

}  // namespace

void multiply(const Problem& p, float alpha, float beta, const Operands& operands) {
  fix_threads();
  static thread_local std::vector<float> scratch_a, scratch_b, scratch_d;
  // The BLAS knows one order for all matrices: one in the other order is its own transpose.
  const auto flag = [&](const Matrix& m, bool transpose) {
    return (m.row_order == p.d.row_order) != transpose ? CblasNoTrans : CblasTrans;
  };
  for (int batch = 0; batch < p.batches; batch++) {
    const auto offset = [&](const Matrix& m) {
      return batch * m.batch_stride * static_cast<std::int64_t>(size_of(m.type));
    };
    unsigned char* const d = operands.d + offset(p.d);
    unsigned char* const bias =
        operands.bias + batch * p.bias_batch_stride * static_cast<std::int64_t>(size_of(p.d.type));
    const View a = input(p.a, operands.a + offset(p.a), p.tf32, scratch_a);
    const View b = input(p.b, operands.b + offset(p.b), p.tf32, scratch_b);
    const View sum = accumulator(p, beta, operands.c + offset(p.c), d, scratch_d);
    cblas_sgemm(p.d.row_order ? CblasRowMajor : CblasColMajor, flag(p.a, p.transpose_a),
                flag(p.b, p.transpose_b), p.m, p.n, p.k, alpha, a.at, static_cast<int>(a.ld), b.at,
                static_cast<int>(b.ld), beta, sum.at, static_cast<int>(sum.ld));
    if (p.epilogue == Epilogue::Bias) add_bias(p, bias, sum);
    if (p.relu) rectify(p, sum);
    if (p.d.type == Type::Half) narrow<Half>(p.d, sum.at, d);
    if (p.d.type == Type::Bfloat) narrow<Bfloat>(p.d, sum.at, d);
    if (p.epilogue == Epilogue::GradientA || p.epilogue == Epilogue::GradientB) sum_input(p, a, b, bias);
  }
}

}  // namespace ptxvm::blas
