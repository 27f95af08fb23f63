// The operators, comparisons and exchanges of cuda_fp16.h and cuda_bf16.h in kernels, against
// results that are rounded once from fp64.
#include <algorithm>
#include <type_traits>

#include "half.hpp"

namespace {

using namespace breadth;

// ---- Two and three operands.

constexpr int kTwos = 27;
template <class T>
__global__ void two_operands(const Bits* x, const Bits* y, const Bits* z, Bits* out, unsigned* differs,
                             int n) {
  using Pair = typename Type<T>::Pair;
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x), j = n - 1 - i;
  if (i >= n) return;
  const T a = number<T>(x[i]), b = number<T>(y[i]), c = number<T>(z[i]);
  const T d = number<T>(x[j]), e = number<T>(y[j]), f = number<T>(z[j]);
  const Pair ad(a, d), be(b, e), cf(c, f);
  int k = 0;
  auto put = [&](T first, T second, Pair both) {
    auto equal = [](T u, T v) { return bits(u) == bits(v) || (__hisnan(u) && __hisnan(v)); };
    out[k * n + i] = bits(first);
    if (!equal(both.x, first) || !equal(both.y, second)) atomicAdd(differs + k, 1u);
    ++k;
  };
  auto flag = [](bool v) { return T(v ? 1.f : 0.f); };
  put(a + b, d + e, ad + be);
  put(a - b, d - e, ad - be);
  put(a * b, d * e, ad * be);
  put(a / b, d / e, ad / be);
  T sum = a, product = d;
  Pair pair = ad;
  sum += b, product += e, pair += be;
  put(sum, product, pair);
  put(__hadd_sat(a, b), __hadd_sat(d, e), __hadd2_sat(ad, be));
  put(__hsub_sat(a, b), __hsub_sat(d, e), __hsub2_sat(ad, be));
  put(__hmul_sat(a, b), __hmul_sat(d, e), __hmul2_sat(ad, be));
  put(__hmax(a, b), __hmax(d, e), __hmax2(ad, be));
  put(__hmin(a, b), __hmin(d, e), __hmin2(ad, be));
  put(__hmax_nan(a, b), __hmax_nan(d, e), __hmax2_nan(ad, be));
  put(__hmin_nan(a, b), __hmin_nan(d, e), __hmin2_nan(ad, be));
  put(__hfma(a, b, c), __hfma(d, e, f), __hfma2(ad, be, cf));
  put(__hfma_sat(a, b, c), __hfma_sat(d, e, f), __hfma2_sat(ad, be, cf));
  put(__hfma_relu(a, b, c), __hfma_relu(d, e, f), __hfma2_relu(ad, be, cf));
  put(flag(__heq(a, b)), flag(__heq(d, e)), __heq2(ad, be));
  put(flag(__hne(a, b)), flag(__hne(d, e)), __hne2(ad, be));
  put(flag(__hlt(a, b)), flag(__hlt(d, e)), __hlt2(ad, be));
  put(flag(__hle(a, b)), flag(__hle(d, e)), __hle2(ad, be));
  put(flag(__hgt(a, b)), flag(__hgt(d, e)), __hgt2(ad, be));
  put(flag(__hge(a, b)), flag(__hge(d, e)), __hge2(ad, be));
  put(flag(__hequ(a, b)), flag(__hequ(d, e)), __hequ2(ad, be));
  put(flag(__hneu(a, b)), flag(__hneu(d, e)), __hneu2(ad, be));
  put(flag(__hltu(a, b)), flag(__hltu(d, e)), __hltu2(ad, be));
  put(flag(__hgeu(a, b)), flag(__hgeu(d, e)), __hgeu2(ad, be));
  // A mask of a pair, and whether both hold.
  const unsigned mask = __hlt2_mask(ad, be);
  put(flag(a < b), flag(d < e), Pair(flag((mask & 0xffff) == 0xffff), flag(mask >> 16 == 0xffff)));
  put(flag(__hbgt2(ad, be)), flag(a > b && d > e), Pair(flag(a > b && d > e), flag(__hbgt2(ad, be))));
}

double saturated(double v) { return std::isnan(v) ? 0 : v < 0 ? 0 : v > 1 ? 1 : v; }

template <class T>
double fused(double a, double b, double c) {  // the product is exact in fp64
  return sum<T>(a * b, c);
}

template <class T>
void check_two() {
  std::vector<Bits> x, y, z;
  const std::vector<Bits> v = interesting<T>();
  std::mt19937 random(11);
  auto near = [&](Bits to) { return Bits(to ^ (random() & 3)); };
  for (std::size_t i = 0; i < v.size(); ++i)
    for (std::size_t j = 0; j < v.size(); j += 3) {
      x.push_back(v[i]), y.push_back(v[(i + j) % v.size()]);
      // What cancels the product or is of its size, or anything.
      const double product = -value<T>(x.back()) * value<T>(y.back());
      Bits cancel = v[random() % v.size()];
      for (Bits candidate : v)
        if (i % 4 == 0 && value<T>(candidate) == product) cancel = near(candidate);
      z.push_back(cancel);
    }
  const int n = int(x.size());
  Device<Bits> d_x(x), d_y(y), d_z(z), out(std::size_t(kTwos) * n);
  Device<unsigned> differs(std::vector<unsigned>(kTwos, 0));
  two_operands<T><<<(n + 127) / 128, 128>>>(d_x, d_y, d_z, out, differs, n);
  const std::vector<Bits> got = out.read();
  const std::vector<unsigned> pairs = differs.read();
  for (int k = 0; k < kTwos; ++k) EXPECT_EQ(pairs[k], 0u) << "pairs of operation " << k;
  for (int i = 0; i < n; ++i) {
    const double a = value<T>(x[i]), b = value<T>(y[i]), c = value<T>(z[i]);
    const bool none = std::isnan(a) || std::isnan(b);
    auto most = [&] {
      return std::isnan(a) ? b : std::isnan(b) ? a : a == b ? (std::signbit(a) ? b : a) : std::max(a, b);
    };
    auto least = [&] {
      return std::isnan(a) ? b : std::isnan(b) ? a : a == b ? (std::signbit(a) ? a : b) : std::min(a, b);
    };
    const double nan = std::nan(""), fma = fused<T>(a, b, c);
    const double wanted[kTwos] = {sum<T>(a, b),
                                  sum<T>(a, -b),
                                  rounded<T>(a * b),
                                  rounded<T>(a / b),
                                  sum<T>(a, b),
                                  saturated(sum<T>(a, b)),
                                  saturated(sum<T>(a, -b)),
                                  saturated(rounded<T>(a * b)),
                                  most(),
                                  least(),
                                  none ? nan : most(),
                                  none ? nan : least(),
                                  fma,
                                  saturated(fma),
                                  std::isnan(fma) ? fma : std::max(fma, 0.0),
                                  double(a == b),
                                  double(!none && a != b),
                                  double(a < b),
                                  double(a <= b),
                                  double(a > b),
                                  double(a >= b),
                                  double(none || a == b),
                                  double(none || a != b),
                                  double(none || a < b),
                                  double(none || a >= b),
                                  double(a < b),
                                  0};
    for (int k = 0; k + 1 < kTwos; ++k) {
      const double is = value<T>(got[std::size_t(k) * n + i]);
      const bool zeros =
          is == 0 && wanted[k] == 0 && (k == 5 || k == 6 || k == 7 || k == 13 || k == 14);  // of either sign
      ASSERT_TRUE(same(is, wanted[k]) || zeros) << "operation " << k << " of " << std::hexfloat << a << ", "
                                                << b << ", " << c << ": " << is << ", wanted " << wanted[k];
    }
  }
}

TEST(Half, OperatorsAndIntrinsics) { check_two<__half>(); }
TEST(Bfloat, OperatorsAndIntrinsics) { check_two<__nv_bfloat16>(); }

// ---- Shuffles, loads past the cache and atomic sums, of one and of pairs.

template <class T>
__global__ void exchange_kernel(const T* in, T* out, typename Type<T>::Pair* sums) {
  using Pair = typename Type<T>::Pair;
  const int i = int(threadIdx.x);
  const Pair p = __ldg(reinterpret_cast<const Pair*>(in) + i);
  Pair q = __shfl_xor_sync(0xffffffff, p, 5);
  const T down = __shfl_down_sync(0xffffffff, p.x, 1);
  q.x = __hadd(q.x, down);
  __stcg(reinterpret_cast<Pair*>(out) + i, q);
  atomicAdd(sums, p);
  atomicAdd(&sums[1].y, p.y);
}

template <class T>
void check_exchange() {
  using Pair = typename Type<T>::Pair;
  std::vector<T> in;
  for (float v : whole_numbers<float>(128, -1, 1)) in.push_back(T(v));  // sums that are exact in either type
  Device<T> d_in(in), out(128);
  Device<Pair> sums(std::vector<Pair>(2, Pair(T(0.f), T(0.f))));
  exchange_kernel<T><<<1, 64>>>(d_in.get(), out.get(), sums.get());
  const std::vector<T> got = out.read();
  const std::vector<Pair> total = sums.read();
  float even = 0, odd = 0;
  for (int i = 0; i < 64; ++i) {
    const int other = i ^ 5, down = i % 32 == 31 ? i : i + 1;
    EXPECT_EQ(float(got[2 * i]), float(in[2 * other]) + float(in[2 * down])) << i;
    EXPECT_EQ(float(got[2 * i + 1]), float(in[2 * other + 1])) << i;
    even += float(in[2 * i]), odd += float(in[2 * i + 1]);
  }
  EXPECT_EQ(float(total[0].x), even);
  EXPECT_EQ(float(total[0].y), odd);
  EXPECT_EQ(float(total[1].y), odd);
}
TEST(Half, ShufflesAndAtomics) { check_exchange<__half>(); }
TEST(Bfloat, ShufflesAndAtomics) { check_exchange<__nv_bfloat16>(); }

}  // namespace
