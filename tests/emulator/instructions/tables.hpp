// Operands: edge values of every type, all against all, and random ones.
#pragma once

#include <cfenv>
#include <cmath>

#include "harness.hpp"

namespace instruction_test {

template <class T>
std::vector<T> edges() {
  if constexpr (std::is_same_v<T, Pred>) {
    return {Pred{false}, Pred{true}};
  } else if constexpr (std::is_floating_point_v<T>) {
    using L = std::numeric_limits<T>;
    const T tiny = L::denorm_min(), least = L::min(), most = L::max(), eps = L::epsilon();
    std::vector<T> v{0,
                     tiny,
                     least,
                     least - tiny,
                     1,
                     1 + eps,
                     1 - eps / 2,
                     T(0.5),
                     T(1.5),
                     T(2.5),
                     T(-3.5),
                     3,
                     T(0.1),
                     T(127.5),
                     most,
                     most / 2,
                     1 / most,
                     L::infinity(),
                     T(2147483648.0),
                     T(4294967296.0),
                     T(9.2233720368547758e18),
                     T(8388609),
                     T(0.4999999)};
    const std::size_t n = v.size();
    for (std::size_t i = 0; i < n; i++) v.push_back(-v[i]);
    v.push_back(L::quiet_NaN());
    return v;
  } else {
    using L = std::numeric_limits<T>;
    std::vector<T> v;
    for (const s64 x :
         {0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 255, -1, -2, -7, 0x55})
      v.push_back(static_cast<T>(x));
    for (const T x : {L::min(), L::max()}) {
      v.push_back(x);
      v.push_back(static_cast<T>(x + (x == L::min() ? 1 : -1)));
    }
    v.push_back(static_cast<T>(L::max() / 2 + 1));
    v.push_back(static_cast<T>(0xaaaaaaaaaaaaaaaaull));
    return v;
  }
}

inline std::mt19937_64& generator() {
  static std::mt19937_64 g(20240607);
  return g;
}

template <class T>
T random_value() {
  auto& g = generator();
  if constexpr (std::is_same_v<T, Pred>) {
    return Pred{(g() & 1) != 0};
  } else if constexpr (std::is_floating_point_v<T>) {
    if (g() & 1) {
      using U = std::conditional_t<sizeof(T) == 4, u32, u64>;
      return bits<T>(static_cast<U>(g()));
    }
    return static_cast<T>(std::normal_distribution<double>(0, 4)(g));
  } else {
    return static_cast<T>(g() >> (64 - sizeof(T) * 8) >> (g() % (sizeof(T) * 8)));
  }
}

// All edges against all, or a choice of them, then random rows.
template <class... A>
std::vector<std::tuple<A...>> table(std::size_t random_rows = 400) {
  std::vector<std::tuple<A...>> rows;
  const std::tuple<std::vector<A>...> e{edges<A>()...};
  const std::size_t all = std::apply([](const auto&... v) { return (std::size_t{1} * ... * v.size()); }, e);
  constexpr std::size_t most = 2500;
  for (std::size_t i = 0; i < std::min(all, most); i++) {
    u64 n = all <= most ? i : generator()() % all;
    std::apply(
        [&](const auto&... v) {
          const auto next = [&](const auto& values) {
            const auto value = values[n % values.size()];
            n /= values.size();
            return value;
          };
          rows.push_back(std::tuple<A...>{next(v)...});
        },
        e);
  }
  for (std::size_t i = 0; i < random_rows; i++) rows.push_back(std::tuple<A...>{random_value<A>()...});
  return rows;
}

template <class A>
std::vector<std::tuple<A>> one(const std::vector<A>& values) {
  std::vector<std::tuple<A>> rows;
  for (const A& a : values) rows.emplace_back(a);
  return rows;
}

struct Rounding {
  const char* name;  // of the instruction
  int mode;          // of the host
};
constexpr Rounding roundings[] = {
    {".rn", FE_TONEAREST}, {".rz", FE_TOWARDZERO}, {".rm", FE_DOWNWARD}, {".rp", FE_UPWARD}};

// f's value under a rounding mode.
template <class F>
auto under(int mode, F f) {
  std::fesetround(mode);
  volatile auto r = f();
  std::fesetround(FE_TONEAREST);
  return static_cast<std::remove_volatile_t<decltype(r)>>(r);
}

inline float flush(float x) { return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0f, x) : x; }

// Results that round up to the smallest normal number: whether they are flushed is not documented.
inline bool at_flush_border(float wanted) { return std::fabs(wanted) == std::numeric_limits<float>::min(); }

}  // namespace instruction_test
