// The operators, comparisons, conversions and exchanges of cuda_fp16.h and cuda_bf16.h in kernels, against
// results that are rounded once from fp64.
#include <algorithm>
#include <cfenv>
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

// ---- Conversions, in the four directions of rounding.

struct Whole {
  int word[4];
  unsigned unsigned_word[4];
  long long longs[4];
  short shorts[4];
};
template <class T>
__device__ Whole to_whole(T v);
template <>
__device__ Whole to_whole(__half v) {
  return {{__half2int_rn(v), __half2int_rz(v), __half2int_ru(v), __half2int_rd(v)},
          {__half2uint_rn(v), __half2uint_rz(v), __half2uint_ru(v), __half2uint_rd(v)},
          {__half2ll_rn(v), __half2ll_rz(v), __half2ll_ru(v), __half2ll_rd(v)},
          {__half2short_rn(v), __half2short_rz(v), __half2short_ru(v), __half2short_rd(v)}};
}
template <>
__device__ Whole to_whole(__nv_bfloat16 v) {
  return {{__bfloat162int_rn(v), __bfloat162int_rz(v), __bfloat162int_ru(v), __bfloat162int_rd(v)},
          {__bfloat162uint_rn(v), __bfloat162uint_rz(v), __bfloat162uint_ru(v), __bfloat162uint_rd(v)},
          {__bfloat162ll_rn(v), __bfloat162ll_rz(v), __bfloat162ll_ru(v), __bfloat162ll_rd(v)},
          {__bfloat162short_rn(v), __bfloat162short_rz(v), __bfloat162short_ru(v), __bfloat162short_rd(v)}};
}
template <class T>
__global__ void to_whole_kernel(Whole* out) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  out[i] = to_whole(number<T>(Bits(i)));
}

constexpr int kModes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_UPWARD, FE_DOWNWARD};
double to_whole_number(double v, int mode) {
  switch (mode) {
    case FE_TOWARDZERO:
      return std::trunc(v);
    case FE_UPWARD:
      return std::ceil(v);
    case FE_DOWNWARD:
      return std::floor(v);
    default:
      return std::nearbyint(v);
  }
}
template <class I>
I clamped(double v) {  // NaN: 0, but for 64 bits 2^63
  if (std::isnan(v)) return sizeof(I) == 8 ? std::numeric_limits<I>::min() : I(0);
  if (v <= double(std::numeric_limits<I>::min())) return std::numeric_limits<I>::min();
  if (v >= double(std::numeric_limits<I>::max())) return std::numeric_limits<I>::max();
  return I(v);
}

template <class T>
void check_to_whole() {
  Device<Whole> out(65536);
  to_whole_kernel<T><<<256, 256>>>(out.get());
  const std::vector<Whole> got = out.read();
  for (int i = 0; i < 65536; ++i)
    for (int m = 0; m < 4; ++m) {
      const double v = to_whole_number(value<T>(Bits(i)), kModes[m]);
      ASSERT_EQ(got[i].word[m], clamped<int>(v)) << v << " mode " << m;
      ASSERT_EQ(got[i].unsigned_word[m], clamped<unsigned>(v)) << v << " mode " << m;
      ASSERT_EQ(got[i].longs[m], clamped<long long>(v)) << v << " mode " << m;
      ASSERT_EQ(got[i].shorts[m], clamped<short>(v)) << v << " mode " << m;
    }
}
TEST(Half, BecomesWholeNumbers) { check_to_whole<__half>(); }
TEST(Bfloat, BecomesWholeNumbers) { check_to_whole<__nv_bfloat16>(); }

struct Made {
  Bits of_float[4], of_double, of_int, of_long;
};
template <class T>
__device__ Made made(float f, double d, int i, long long l);
template <>
__device__ Made made<__half>(float f, double d, int i, long long l) {
  return {{bits(__float2half_rn(f)), bits(__float2half_rz(f)), bits(__float2half_ru(f)),
           bits(__float2half_rd(f))},
          bits(__double2half(d)),
          bits(__int2half_rn(i)),
          bits(__ll2half_rn(l))};
}
template <>
__device__ Made made<__nv_bfloat16>(float f, double d, int i, long long l) {
  return {{bits(__float2bfloat16_rn(f)), bits(__float2bfloat16_rz(f)), bits(__float2bfloat16_ru(f)),
           bits(__float2bfloat16_rd(f))},
          bits(__double2bfloat16(d)),
          bits(__int2bfloat16_rn(i)),
          bits(__ll2bfloat16_rn(l))};
}
template <class T>
__global__ void made_kernel(const float* f, const double* d, const long long* l, Made* out, int n) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) out[i] = made<T>(f[i], d[i], int(l[i]), l[i]);
}

// Among what rounding to nearest gives and its neighbours.
template <class T>
double rounded_in(double v, int mode) {
  const double r = rounded<T>(v);
  if (mode == FE_TONEAREST || r == v || std::isnan(v)) return r;
  const bool up = mode == FE_UPWARD || (mode == FE_TOWARDZERO && v < 0);
  if (up ? r >= v : r <= v) return r;
  const double unit =
      std::ldexp(1.0, std::max(v == 0 ? -2000 : std::ilogb(v), Type<T>::least) - Type<T>::precision + 1);
  if (std::isinf(r)) return std::copysign(Type<T>::most, r);
  const double next = r + (up ? unit : -unit);
  return std::fabs(next) > Type<T>::most ? std::copysign(HUGE_VAL, next)
         : next == 0                     ? std::copysign(0.0, v)
                                         : next;
}

template <class T>
void check_made() {
  std::vector<float> f;
  std::vector<double> d;
  std::vector<long long> l;
  std::mt19937_64 random(12);
  for (const Bits b : interesting<T>())  // each number, its ties, and a little to each side of both
    for (const double by : {0.0, 0.5, 0.5 + 0x1p-12, 0.5 - 0x1p-12, 0x1p-12}) {
      const double v = value<T>(b), unit = std::isfinite(v) && v != 0
                                               ? std::ldexp(1.0, std::max(std::ilogb(v), Type<T>::least) -
                                                                     Type<T>::precision + 1)
                                               : 0;
      d.push_back(v + by * unit), f.push_back(float(d.back())),
          l.push_back((long long)(random()) >> (1 + random() % 62));
    }
  const int n = int(f.size());
  Device<float> d_f(f);
  Device<double> d_d(d);
  Device<long long> d_l(l);
  Device<Made> out(n);
  made_kernel<T><<<(n + 127) / 128, 128>>>(d_f.get(), d_d.get(), d_l.get(), out.get(), n);
  const std::vector<Made> got = out.read();
  for (int i = 0; i < n; ++i) {
    for (int m = 0; m < 4; ++m)
      ASSERT_TRUE(same(value<T>(got[i].of_float[m]), rounded_in<T>(f[i], kModes[m])))
          << std::hexfloat << f[i] << " mode " << m << ": " << value<T>(got[i].of_float[m]) << ", wanted "
          << rounded_in<T>(f[i], kModes[m]);
    ASSERT_TRUE(same(value<T>(got[i].of_double), rounded<T>(d[i])))
        << std::hexfloat << d[i] << ": " << value<T>(got[i].of_double);
    ASSERT_TRUE(same(value<T>(got[i].of_int), rounded<T>(int(l[i]))))
        << int(l[i]) << ": " << value<T>(got[i].of_int);
    const double near = double(l[i]), rest = double(l[i] - (long long)(near));
    ASSERT_TRUE(same(value<T>(got[i].of_long), rounded<T>(near, rest)))
        << l[i] << ": " << value<T>(got[i].of_long);
  }
}
TEST(Half, OfOtherNumbers) { check_made<__half>(); }
TEST(Bfloat, OfOtherNumbers) { check_made<__nv_bfloat16>(); }

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
