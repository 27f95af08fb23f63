// The conversions of cuda_fp16.h and cuda_bf16.h in kernels, in the four directions of rounding, against
// fp64.
#include <cfenv>

#include "half.hpp"

namespace {

using namespace breadth;

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

}  // namespace
