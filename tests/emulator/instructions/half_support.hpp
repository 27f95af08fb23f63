// fp16 and bfloat16 by their definition: a pattern is a number, and to round is to choose between the two
// patterns on either side. Nothing here is shared with the machine.
#pragma once

#include "tables.hpp"

namespace instruction_test {

struct Format {
  const char* name;
  int fraction, bias;
  u16 infinity;  // its pattern; larger ones are NaN
  u16 one;
  u16 least_normal() const { return static_cast<u16>(1u << fraction); }
  u16 most() const { return static_cast<u16>(infinity - 1); }
  bool is_nan(u16 h) const { return (h & 0x7fff) > infinity; }
  std::string pair() const { return name + std::string("x2"); }

  // Of a pattern that is no NaN. Past the largest finite pattern comes what would follow it, 2^emax+1.
  double magnitude(unsigned h) const {
    const int e = static_cast<int>(h >> fraction), f = static_cast<int>(h & (least_normal() - 1u));
    return e == 0 ? std::ldexp(f, 1 - bias - fraction)
                  : std::ldexp(f + static_cast<int>(least_normal()), e - bias - fraction);
  }
  double value(u16 h) const {
    const unsigned m = h & 0x7fffu;
    const double v = m > infinity    ? std::numeric_limits<double>::quiet_NaN()
                     : m == infinity ? std::numeric_limits<double>::infinity()
                                     : magnitude(m);
    return h & 0x8000 ? -v : v;
  }

  // The number s + e (e less than half of s's last place) rounded. NaN is 0x7fff.
  u16 rounded(double s, double e = 0, int mode = FE_TONEAREST) const {
    if (std::isnan(s)) return 0x7fff;
    const bool negative = std::signbit(s);
    const u16 sign = negative ? 0x8000 : 0;
    if (negative) s = -s, e = -e;
    if (std::isinf(s)) return static_cast<u16>(sign | infinity);
    const auto above = [&](double v) { return s != v ? s > v : e > 0; };  // s + e > v
    unsigned low = 0, high = infinity;  // low <= s + e < high, in the end neighbours
    if (!above(magnitude(high)) && !(s == magnitude(high) && e == 0)) {
      while (high - low > 1) {
        const unsigned middle = (low + high) / 2;
        const bool fits = above(magnitude(middle)) || (s == magnitude(middle) && e == 0);
        (fits ? low : high) = middle;
      }
    } else {
      low = infinity - 1u;
    }
    const bool exact = s == magnitude(low) && e == 0;
    const double tie = (magnitude(low) + magnitude(high)) / 2;
    bool up = false;
    if (mode == FE_TONEAREST) up = above(tie) || (s == tie && e == 0 && (low & 1));
    if (mode == FE_UPWARD) up = !exact && !negative;
    if (mode == FE_DOWNWARD) up = !exact && negative;
    return static_cast<u16>(sign | (up ? high : low));
  }
  u16 flushed(u16 h) const { return (h & 0x7fff) < least_normal() ? h & 0x8000 : h; }
};

inline const Format formats[] = {{"f16", 10, 15, 0x7c00, 0x3c00}, {"bf16", 7, 127, 0x7f80, 0x3f80}};
inline const Format& fp16 = formats[0];
inline const Format& bfloat16 = formats[1];

// x + y as a sum and what it lost.
struct Exact {
  double sum, rest;
};
inline Exact exact_sum(double x, double y) {
  const double s = x + y;
  if (!std::isfinite(s)) return {s, 0};
  const double part = s - x;
  return {s, (x - (s - part)) + (y - part)};
}

inline u16 sum_of(const Format& f, u16 a, u16 b) {
  const Exact x = exact_sum(f.value(a), f.value(b));
  return f.rounded(x.sum, x.rest);
}
inline u16 smaller(const Format& f, u16 a, u16 b) {  // -0 is smaller than +0; a NaN loses
  if (f.is_nan(a) && f.is_nan(b)) return 0x7fff;
  if (f.is_nan(a) || f.is_nan(b)) return f.is_nan(a) ? b : a;
  if (f.value(a) == f.value(b)) return a >> 15 ? a : b;
  return f.value(a) < f.value(b) ? a : b;
}
inline u16 larger(const Format& f, u16 a, u16 b) {
  const u16 r = smaller(f, a ^ 0x8000, b ^ 0x8000);
  return f.is_nan(r) ? 0x7fff : r ^ 0x8000;
}

inline std::vector<u16> half_edges(const Format& f) {
  std::vector<u16> v;
  for (const int m : {0,
                      1,
                      2,
                      3,
                      f.least_normal() / 2,
                      f.least_normal() - 1,
                      f.least_normal() + 0,
                      f.least_normal() + 1,
                      f.one - 1,
                      f.one + 0,
                      f.one + 1,
                      f.one + f.least_normal() / 2,
                      f.one + f.least_normal(),
                      f.one - f.least_normal(),
                      f.most() - 1,
                      f.most() + 0,
                      f.infinity + 0,
                      f.infinity + 1,
                      0x7e00,
                      0x7fc0,
                      0x7fff})
    for (const int sign : {0, 0x8000}) v.push_back(static_cast<u16>(m | sign));
  return v;
}

// Any pattern, or one near 1, so that sums cancel and products stay in range.
inline u16 random_half(const Format& f) {
  auto& g = generator();
  if (g() & 1) return static_cast<u16>(g());
  const unsigned spread = 4u << f.fraction;
  return static_cast<u16>((f.one - spread / 2 + g() % spread) | (g() & 1) << 15);
}

inline std::vector<std::tuple<u16>> every_half(u32 step = 1) {
  std::vector<std::tuple<u16>> rows;
  for (u32 h = 0; h < 0x10000; h += step) rows.emplace_back(static_cast<u16>(h));
  return rows;
}
inline std::vector<std::tuple<u16, u16>> half_pairs(const Format& f, int random = 3000) {
  std::vector<std::tuple<u16, u16>> rows;
  for (const u16 a : half_edges(f))
    for (const u16 b : half_edges(f)) rows.emplace_back(a, b);
  for (int i = 0; i < random; i++) rows.emplace_back(random_half(f), random_half(f));
  return rows;
}
// The same rows two by two, for packed instructions: each row beside one that has nothing to do with it.
template <class... A>
std::vector<std::tuple<decltype(A{} + u32{})...>> packed(const std::vector<std::tuple<A...>>& rows) {
  std::vector<std::tuple<decltype(A{} + u32{})...>> out;
  for (std::size_t i = 0; i < rows.size(); i++) {
    const auto& other = rows[(i * 7 + 3) % rows.size()];
    std::tuple<decltype(A{} + u32{})...> row;
    each_index(std::index_sequence_for<A...>{}, [&](auto k) {
      constexpr std::size_t n = decltype(k)::value;
      std::get<n>(row) = u32{std::get<n>(rows[i])} | u32{std::get<n>(other)} << 16;
    });
    out.push_back(row);
  }
  return out;
}

inline std::string half_operands(std::size_t count) {
  return count == 1 ? " %d, %a;" : count == 2 ? " %d, %a, %b;" : " %d, %a, %b, %c;";
}

// good(got, operands...) of the scalar instruction, and of both halves of the packed one.
template <class Good, class... A>
void judge_halves(const std::string& name, const Format& f, const std::vector<std::tuple<A...>>& rows,
                  Good good) {
  judge<u16>(name + "." + f.name + half_operands(sizeof...(A)), rows, good);
  judge<u32>(name + "." + f.pair() + half_operands(sizeof...(A)), packed(rows),
             [&](u32 got, decltype(A{} + u32{})... a) {
               return good(static_cast<u16>(got), static_cast<u16>(a)...) &&
                      good(static_cast<u16>(got >> 16), static_cast<u16>(a >> 16)...);
             });
}
template <class Definition, class... A>
void check_halves(const std::string& name, const Format& f, const std::vector<std::tuple<A...>>& rows,
                  Definition definition) {
  judge_halves(name, f, rows, [&](u16 got, A... a) {
    const u16 wanted = definition(a...);
    if (got == wanted) return true;
    ADD_FAILURE() << "should be " << shown(wanted);
    return false;
  });
}

}  // namespace instruction_test
