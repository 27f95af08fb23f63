// The operations of cp.reduce.async.bulk and red.async, an element at a time and each atomic.
#include <cmath>
#include <cstring>
#include <iterator>

#include "exec/async.hpp"
#include "exec/async_forms.hpp"

namespace ptxvm::exec {
namespace {

template <class To, class From>
To bits(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

template <std::size_t Bytes>
struct WordOf;
template <>
struct WordOf<2> {
  using type = std::uint16_t;
};
template <>
struct WordOf<4> {
  using type = std::uint32_t;
};
template <>
struct WordOf<8> {
  using type = std::uint64_t;
};

template <class T, T (*Op)(T, T)>
void reduce(char* to, const char* from, std::uint64_t bytes) {
  using Word = typename WordOf<sizeof(T)>::type;
  for (std::uint64_t k = 0; k < bytes; k += sizeof(T)) {
    Word* p = reinterpret_cast<Word*>(to + k);
    T b;
    std::memcpy(&b, from + k, sizeof b);
    Word old = __atomic_load_n(p, __ATOMIC_RELAXED), next;
    do next = bits<Word>(Op(bits<T>(old), b));
    while (!__atomic_compare_exchange_n(p, &old, next, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  }
}

template <class T>
T add(T a, T b) {
  return T(a + b);
}
template <class T>
T least(T a, T b) {
  return a < b ? a : b;
}
template <class T>
T most(T a, T b) {
  return a > b ? a : b;
}
template <class T>
T conjunction(T a, T b) {
  return a & b;
}
template <class T>
T disjunction(T a, T b) {
  return a | b;
}
template <class T>
T exclusive(T a, T b) {
  return a ^ b;
}
std::uint32_t increment(std::uint32_t a, std::uint32_t b) { return a >= b ? 0 : a + 1; }
std::uint32_t decrement(std::uint32_t a, std::uint32_t b) { return a == 0 || a > b ? b : a - 1; }

// Subnormal operands and results become zeros of their sign; NaN is the one that fp32 instructions make.
float flushed(float a) { return std::fpclassify(a) == FP_SUBNORMAL ? std::copysign(0.0f, a) : a; }
float add_flushed(float a, float b) {
  const float sum = flushed(flushed(a) + flushed(b));
  return sum == sum ? sum : bits<float>(0x7fffffffu);
}

// A 16-bit floating point number with `Exponent` bits of exponent. A sum of two is exact enough in fp32 for
// one rounding to remain: 24 bits are at least twice 11 and two more.
template <int Exponent>
struct Small {
  std::uint16_t word;
  static constexpr int kFraction = 15 - Exponent, kBias = (1 << (Exponent - 1)) - 1;
  static constexpr std::uint16_t kInfinity = std::uint16_t(((1 << Exponent) - 1) << kFraction);

  bool nan() const { return (word & 0x7fff) > kInfinity; }
  float value() const {
    const int exponent = (word >> kFraction) & ((1 << Exponent) - 1),
              fraction = word & ((1 << kFraction) - 1);
    const float sign = word & 0x8000 ? -1.0f : 1.0f;
    if (nan()) return NAN;
    if ((word & 0x7fff) == kInfinity) return sign * INFINITY;
    if (exponent == 0) return sign * std::ldexp(float(fraction), 1 - kBias - kFraction);
    return sign * std::ldexp(float(fraction + (1 << kFraction)), exponent - kBias - kFraction);
  }
  static Small rounded(float v) {
    const std::uint16_t sign = std::signbit(v) ? 0x8000 : 0;
    if (v != v) return {0x7fff};
    const float a = std::fabs(v);
    if (std::isinf(a)) return {std::uint16_t(sign | kInfinity)};
    if (a == 0) return {sign};
    int exponent = std::ilogb(a);
    if (exponent < 1 - kBias) exponent = 1 - kBias;
    // a / 2^(exponent - fraction bits), rounded to an integer, nearest even; below 2^(fraction bits):
    // subnormal
    const double scaled = std::ldexp(double(a), kFraction - exponent), whole = std::floor(scaled),
                 rest = scaled - whole;
    std::uint32_t n = std::uint32_t(whole);
    if (rest > 0.5 || (rest == 0.5 && (n & 1))) ++n;
    // A carry moves into the exponent by itself, and past the largest number gives infinity.
    const std::uint32_t word =
        n < (1u << kFraction) ? n : n - (1u << kFraction) + (std::uint32_t(exponent + kBias) << kFraction);
    return {std::uint16_t(sign | (word > kInfinity ? kInfinity : word))};
  }
};
using Half = Small<5>;
using Bfloat = Small<8>;

template <class T>
T add_small(T a, T b) {
  return T::rounded(a.value() + b.value());
}
template <class T, bool Greater>
T pick_small(T a, T b) {
  if (a.nan() && b.nan()) return {0x7fff};
  if (a.nan() || b.nan()) return a.nan() ? b : a;
  if (a.value() == b.value()) return bool(a.word & 0x8000) == Greater ? b : a;  // -0 is below +0
  return (a.value() > b.value()) == Greater ? a : b;
}

struct Entry {
  const char* name;
  Reduction run;
};
using std::int32_t, std::int64_t, std::uint32_t, std::uint64_t;
constexpr Entry kTable[] = {
    {"add.u32", &reduce<uint32_t, add<uint32_t>>},
    {"add.s32", &reduce<uint32_t, add<uint32_t>>},  // wraps
    {"add.u64", &reduce<uint64_t, add<uint64_t>>},
    {"add.f32", &reduce<float, add_flushed>},
    {"add.f64", &reduce<double, add<double>>},
    {"add.noftz.f16", &reduce<Half, add_small<Half>>},
    {"add.noftz.bf16", &reduce<Bfloat, add_small<Bfloat>>},
    {"min.u32", &reduce<uint32_t, least<uint32_t>>},
    {"min.s32", &reduce<int32_t, least<int32_t>>},
    {"min.u64", &reduce<uint64_t, least<uint64_t>>},
    {"min.s64", &reduce<int64_t, least<int64_t>>},
    {"min.f16", &reduce<Half, pick_small<Half, false>>},
    {"min.bf16", &reduce<Bfloat, pick_small<Bfloat, false>>},
    {"max.u32", &reduce<uint32_t, most<uint32_t>>},
    {"max.s32", &reduce<int32_t, most<int32_t>>},
    {"max.u64", &reduce<uint64_t, most<uint64_t>>},
    {"max.s64", &reduce<int64_t, most<int64_t>>},
    {"max.f16", &reduce<Half, pick_small<Half, true>>},
    {"max.bf16", &reduce<Bfloat, pick_small<Bfloat, true>>},
    {"inc.u32", &reduce<uint32_t, increment>},
    {"dec.u32", &reduce<uint32_t, decrement>},
    {"and.b32", &reduce<uint32_t, conjunction<uint32_t>>},
    {"or.b32", &reduce<uint32_t, disjunction<uint32_t>>},
    {"xor.b32", &reduce<uint32_t, exclusive<uint32_t>>},
    {"and.b64", &reduce<uint64_t, conjunction<uint64_t>>},
    {"or.b64", &reduce<uint64_t, disjunction<uint64_t>>},
    {"xor.b64", &reduce<uint64_t, exclusive<uint64_t>>},
};

}  // namespace

int reduction_number(const char* name) {
  for (std::size_t k = 0; k < std::size(kTable); ++k)
    if (std::strcmp(kTable[k].name, name) == 0) return int(k);
  return -1;
}
Reduction find_reduction(int number) { return kTable[number].run; }

}  // namespace ptxvm::exec
