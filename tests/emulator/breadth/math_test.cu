// math.h in kernels against the host's in a wider type, over ranges that reach every branch: large arguments reduced by
// tables in constant memory, subnormal numbers, both signs. Bounds: CUDA Programming Guide for CUDA 13, 5.5.7 "CUDA C++
// Mathematical Standard Library Functions" (5.5.7.1 basic operations, .2 exponentials, .3 powers, .4 and .5
// trigonometric and hyperbolic, .6 error and gamma functions, .8 parts of numbers) and 5.5.8 "Non-Standard CUDA
// Mathematical Functions" (exp10, rsqrt, sinpi, erfcx, Bessel functions): how many numbers lie between what a kernel returns and the correctly
// rounded result at the most.
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

#include "device.hpp"

namespace {

using namespace breadth;

template <class T>
using Bits = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;

// Numbers in order: how many lie between two.
template <class T>
std::int64_t ordinal(T x) {
  Bits<T> b;
  std::memcpy(&b, &x, sizeof b);
  return b < 0 ? std::int64_t(std::numeric_limits<Bits<T>>::min()) - b : b;
}

template <class T>
double ulps(T got, T wanted) {
  if (std::isnan(got) || std::isnan(wanted)) return std::isnan(got) && std::isnan(wanted) ? 0 : 1e30;
  const std::int64_t a = ordinal(got), b = ordinal(wanted);
  return a < b ? double(std::uint64_t(b) - std::uint64_t(a)) : double(std::uint64_t(a) - std::uint64_t(b));
}

// Points of [low, high]: evenly, by magnitude, and the ends.
template <class T>
std::vector<T> points(double low, double high) {
  std::vector<T> x = {T(low), T(high)};
  std::mt19937_64 random(99);
  std::uniform_real_distribution<double> even(low, high), part(0, 1);
  for (int k = 0; k < 1500; ++k) x.push_back(T(even(random)));
  const double smallest = std::numeric_limits<T>::denorm_min(), largest = std::max(std::fabs(low), std::fabs(high));
  const double from = std::log2(smallest), to = std::log2(largest);
  for (int k = 0; k < 1500; ++k) {
    const double v = std::exp2(from + (to - from) * part(random)) * (k % 2 ? 1 : -1);
    if (v >= low && v <= high) x.push_back(T(v));
  }
  return x;
}

enum Function {
  Sin, Cos, Tan, Sinpi, Asin, Acos, Atan, Sinh, Cosh, Tanh, Asinh, Acosh, Atanh, Exp, Exp2, Exp10, Expm1, Log, Log2, Log10,
  Log1p, Sqrt, Rsqrt, Cbrt, Erf, Erfc, Lgamma, Tgamma, Cospi, Rcbrt, Erfcx, Normcdf, BesselI0, BesselI1, BesselJ0, BesselJ1
};

template <class T>
__device__ T evaluate(Function f, T x) {
  switch (f) {
    case Sin: return sin(x);
    case Cos: return cos(x);
    case Tan: return tan(x);
    case Sinpi: return sinpi(x);
    case Asin: return asin(x);
    case Acos: return acos(x);
    case Atan: return atan(x);
    case Sinh: return sinh(x);
    case Cosh: return cosh(x);
    case Tanh: return tanh(x);
    case Asinh: return asinh(x);
    case Acosh: return acosh(x);
    case Atanh: return atanh(x);
    case Exp: return exp(x);
    case Exp2: return exp2(x);
    case Exp10: return exp10(x);
    case Expm1: return expm1(x);
    case Log: return log(x);
    case Log2: return log2(x);
    case Log10: return log10(x);
    case Log1p: return log1p(x);
    case Sqrt: return sqrt(x);
    case Rsqrt: return rsqrt(x);
    case Cbrt: return cbrt(x);
    case Erf: return erf(x);
    case Erfc: return erfc(x);
    case Lgamma: return lgamma(x);
    case Tgamma: return tgamma(x);
    case Cospi: return cospi(x);
    case Rcbrt: return rcbrt(x);
    case Erfcx: return erfcx(x);
    case Normcdf: return normcdf(x);
    case BesselI0: return sizeof(T) == 4 ? T(cyl_bessel_i0f(float(x))) : T(cyl_bessel_i0(double(x)));
    case BesselI1: return sizeof(T) == 4 ? T(cyl_bessel_i1f(float(x))) : T(cyl_bessel_i1(double(x)));
    case BesselJ0: return sizeof(T) == 4 ? T(j0f(float(x))) : T(j0(double(x)));
    case BesselJ1: return sizeof(T) == 4 ? T(j1f(float(x))) : T(j1(double(x)));
  }
  return 0;
}

template <class T>
__global__ void one_argument(Function f, const T* x, T* out, int n) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) out[i] = evaluate(f, x[i]);
}

struct Case {
  Function f;
  const char* name;
  long double (*exact)(long double);
  double low, high;          // of single precision
  double ulps;
  double low64, high64, ulps64;
};

template <int Order>
long double bessel_i(long double x) {
  if (std::isinf(x)) return Order ? x : fabsl(x);
  const long double v = std::cyl_bessel_i((long double)(Order), fabsl(x));
  return Order ? copysignl(v, x) : v;
}

constexpr double kHuge = 3e38, kHuge64 = 1.7e308;
const Case kCases[] = {
    {Sin, "sin", sinl, -kHuge, kHuge, 2, -kHuge64, kHuge64, 2},
    {Sin, "sin", sinl, -40, 40, 2, -40, 40, 2},
    {Cos, "cos", cosl, -kHuge, kHuge, 2, -kHuge64, kHuge64, 2},
    {Cos, "cos", cosl, -40, 40, 2, -40, 40, 2},
    {Tan, "tan", tanl, -kHuge, kHuge, 4, -kHuge64, kHuge64, 2},
    {Tan, "tan", tanl, -40, 40, 4, -40, 40, 2},
    {Sinpi, "sinpi", [](long double x) { return sinl(M_PIl * (x - 2 * roundl(x / 2))); }, -40, 40, 1, -40, 40, 2},
    {Asin, "asin", asinl, -1, 1, 2, -1, 1, 2},
    {Acos, "acos", acosl, -1, 1, 2, -1, 1, 2},
    {Atan, "atan", atanl, -kHuge, kHuge, 2, -kHuge64, kHuge64, 2},
    {Sinh, "sinh", sinhl, -89, 89, 3, -710, 710, 2},
    {Cosh, "cosh", coshl, -89, 89, 2, -710, 710, 1},
    {Tanh, "tanh", tanhl, -20, 20, 2, -30, 30, 1},
    {Asinh, "asinh", asinhl, -kHuge, kHuge, 3, -kHuge64, kHuge64, 3},
    {Acosh, "acosh", acoshl, 1, 1e6, 4, 1, 1e12, 3},
    {Atanh, "atanh", atanhl, -1, 1, 3, -1, 1, 2},
    {Exp, "exp", expl, -104, 89, 2, -746, 710, 1},
    {Exp2, "exp2", exp2l, -150, 128, 2, -1075, 1024, 1},
    {Exp10, "exp10", exp10l, -45, 38.6, 2, -324, 308.3, 1},
    {Expm1, "expm1", expm1l, -20, 88, 1, -40, 709, 1},
    {Log, "log", logl, 0, kHuge, 1, 0, kHuge64, 1},
    {Log, "log", logl, 0.5, 2, 1, 0.5, 2, 1},
    {Log2, "log2", log2l, 0, kHuge, 1, 0, kHuge64, 1},
    {Log10, "log10", log10l, 0, kHuge, 2, 0, kHuge64, 1},
    {Log1p, "log1p", log1pl, -1, kHuge, 1, -1, kHuge64, 1},
    {Sqrt, "sqrt", [](long double x) { return (long double)std::sqrt(double(x)); }, 0, kHuge, 0, 0, kHuge64, 0},
    {Rsqrt, "rsqrt", [](long double x) { return 1 / sqrtl(x); }, 0, kHuge, 2, 0, kHuge64, 1},
    {Cbrt, "cbrt", cbrtl, -kHuge, kHuge, 1, -kHuge64, kHuge64, 1},
    {Erf, "erf", erfl, -5, 5, 2, -7, 7, 2},
    {Erfc, "erfc", erfcl, -5, 10.05, 4, -7, 26.5, 5},
    {Lgamma, "lgamma", lgammal, -2.2, 1e30, 6, -2.2, 1e300, 4},  // the interval that the guide excepts left out
    {Tgamma, "tgamma", tgammal, -30, 35, 5, -100, 171, 10},
    {Cospi, "cospi", [](long double x) { return cosl(M_PIl * (x - 2 * roundl(x / 2))); }, -40, 40, 1, -40, 40, 2},
    {Rcbrt, "rcbrt", [](long double x) { return 1 / cbrtl(x); }, -kHuge, kHuge, 1, -kHuge64, kHuge64, 1},
    {Erfcx, "erfcx", [](long double x) { return x > 100 ? 1 / (x * sqrtl(M_PIl)) : expl(x * x) * erfcl(x); }, -9, 9, 4, -26, 26, 4},
    {Normcdf, "normcdf", [](long double x) { return erfcl(-x * M_SQRT1_2l) / 2; }, -14, 9, 5, -38, 9, 5},
    {BesselI0, "cyl_bessel_i0", bessel_i<0>, -80, 80, 6, -600, 600, 6},
    {BesselI1, "cyl_bessel_i1", bessel_i<1>, -80, 80, 6, -600, 600, 6},
    {BesselJ0, "j0", j0l, -8, 8, 9, -8, 8, 7},
    {BesselJ1, "j1", j1l, -8, 8, 9, -8, 8, 7},
};

template <class T>
void check(const Case& c) {
  constexpr bool single = sizeof(T) == 4;
  std::vector<T> x = single ? points<T>(c.low, c.high) : points<T>(c.low64, c.high64);
  const T infinity = std::numeric_limits<T>::infinity();
  for (T special : {T(0), T(-0.0), infinity, -infinity, std::numeric_limits<T>::quiet_NaN()}) x.push_back(special);
  const int n = int(x.size());
  Device<T> d_x(x), out(n);
  one_argument<<<(n + 127) / 128, 128>>>(c.f, d_x.get(), out.get(), n);
  const std::vector<T> got = out.read();
  double worst = 0;
  int at = 0;
  for (int i = 0; i < n; ++i)
    if (const double u = ulps(got[i], T(c.exact((long double)x[i]))); u > worst) worst = u, at = i;
  EXPECT_LE(worst, single ? c.ulps : c.ulps64)
      << c.name << (single ? " of a float, at " : " of a double, at ") << std::hexfloat << x[at] << ": " << got[at] << ", wanted "
      << T(c.exact((long double)x[at]));
}

TEST(Math, FunctionsOfOneArgument) {
  for (const Case& c : kCases) check<float>(c), check<double>(c);
}

template <class T>
__global__ void two_arguments(const T* x, const T* y, T* out, int n) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= n) return;
  out[i] = pow(x[i], y[i]);
  out[n + i] = atan2(x[i], y[i]);
  out[2 * n + i] = hypot(x[i], y[i]);
  out[3 * n + i] = fmod(x[i], y[i]);
  out[4 * n + i] = remainder(x[i], y[i]);
  int exponent;
  const T mantissa = frexp(x[i], &exponent);
  out[5 * n + i] = ldexp(mantissa, exponent);
  out[6 * n + i] = x[i] / y[i];
  out[7 * n + i] = nextafter(x[i], y[i]);
}

template <class T>
void check_two(const double (&bounds)[8]) {
  std::mt19937_64 random(5);
  std::uniform_real_distribution<double> part(0, 1);
  std::vector<T> x, y;
  const double range = sizeof(T) == 4 ? 120 : 1000;
  for (int k = 0; k < 4000; ++k) {
    const double a = std::exp2(range * (part(random) - 0.5)) * (k % 3 ? 1 : -1);
    // small powers of either kind, whole numbers among them; a few of the size of x
    const double b = k % 5 == 0 ? std::round(20 * part(random) - 10) : k % 5 < 3 ? 8 * part(random) - 4 : a * part(random) * 7;
    x.push_back(T(a));
    y.push_back(T(b));
  }
  const T special[] = {0, T(-0.0), 1, -1, T(0.5), 3, std::numeric_limits<T>::infinity(), -std::numeric_limits<T>::infinity(),
                       std::numeric_limits<T>::quiet_NaN(), std::numeric_limits<T>::denorm_min(), std::numeric_limits<T>::max()};
  for (T a : special)
    for (T b : special) x.push_back(a), y.push_back(b);
  const int n = int(x.size());
  Device<T> d_x(x), d_y(y), out(8 * n);
  two_arguments<<<(n + 127) / 128, 128>>>(d_x.get(), d_y.get(), out.get(), n);
  const std::vector<T> got = out.read();
  using L = long double;
  const std::function<T(T, T)> exact[8] = {
      [](T a, T b) { return T(powl(L(a), L(b))); },      [](T a, T b) { return T(atan2l(L(a), L(b))); },
      [](T a, T b) { return T(hypotl(L(a), L(b))); },    [](T a, T b) { return std::fmod(a, b); },
      [](T a, T b) { return std::remainder(a, b); },     [](T a, T) { return a; },
      [](T a, T b) { return a / b; },                    [](T a, T b) { return std::nextafter(a, b); }};
  const char* const names[] = {"pow", "atan2", "hypot", "fmod", "remainder", "ldexp of frexp", "quotient", "nextafter"};
  for (int f = 0; f < 8; ++f) {
    double worst = 0;
    int at = 0;
    for (int i = 0; i < n; ++i)
      if (const double u = ulps(got[f * n + i], exact[f](x[i], y[i])); u > worst) worst = u, at = i;
    EXPECT_LE(worst, bounds[f]) << names[f] << " in " << sizeof(T) << " bytes, at " << std::hexfloat << x[at] << " " << y[at] << ": "
                                << got[f * n + at] << ", wanted " << exact[f](x[at], y[at]);
  }
}

TEST(Math, FunctionsOfTwoArguments) {
  check_two<float>({4, 3, 3, 0, 0, 0, 0, 0});
  check_two<double>({2, 2, 2, 0, 0, 0, 0, 0});
}

}  // namespace
