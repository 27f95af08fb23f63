// Forms of fp32 and integer arithmetic of later architectures: pairs of fp32, extremes of three, .relu behind
// the type.
#include "tables.hpp"

namespace instruction_test {
namespace {

float of(u64 pair, int k) { return bits<float>(static_cast<u32>(pair >> 32 * k)); }
u64 pair_of(float low, float high) { return bits<u32>(low) | u64{bits<u32>(high)} << 32; }
bool same_pair(u64 got, float low, float high) { return same(of(got, 0), low) && same(of(got, 1), high); }

std::vector<std::tuple<u64, u64, u64>> pairs() {
  std::vector<std::tuple<u64, u64, u64>> rows;
  const auto singles = table<float, float, float>(400);
  for (std::size_t i = 0; i < singles.size(); i++) {
    const auto& [a, b, c] = singles[i];
    const auto& [x, y, z] = singles[(i * 7 + 1) % singles.size()];
    rows.emplace_back(pair_of(a, x), pair_of(b, y), pair_of(c, z));
  }
  return rows;
}

TEST(FloatLater, Pairs) {
  const auto rows = pairs();
  for (const Rounding& r : roundings)
    for (const bool ftz : {false, true}) {
      const auto in = [&](float x) { return ftz ? flush(x) : x; };
      const std::string tail = std::string(r.name) + (ftz ? ".ftz" : "") + ".f32x2 %d, %a, %b";
      const auto good = [&](u64 got, auto f) {
        for (const int k : {0, 1}) {
          const float wanted = under(r.mode, [&] { return f(k); });
          if (!(ftz ? same(of(got, k), flush(wanted)) || (at_flush_border(wanted) && of(got, k) == 0)
                    : same(of(got, k), wanted)))
            return false;
        }
        return true;
      };
      const auto two = [&](const std::string& name, auto f) {
        judge<u64>(name + tail + ";", rows, [&](u64 got, u64 a, u64 b, u64) {
          return good(got, [&](int k) {
            volatile float x = in(of(a, k)), y = in(of(b, k));
            return f(x, y);
          });
        });
      };
      two("add", [](volatile float& x, volatile float& y) { return x + y; });
      two("sub", [](volatile float& x, volatile float& y) { return x - y; });
      two("mul", [](volatile float& x, volatile float& y) { return x * y; });
      judge<u64>("fma" + tail + ", %c;", rows, [&](u64 got, u64 a, u64 b, u64 c) {
        return good(got, [&](int k) {
          volatile float x = in(of(a, k)), y = in(of(b, k)), z = in(of(c, k));
          return std::fma(x, y, z);
        });
      });
    }
  judge<u64>("add.f32x2 %d, %a, %b;", rows, [](u64 got, u64 a, u64 b, u64) {
    return same_pair(got, of(a, 0) + of(b, 0), of(a, 1) + of(b, 1));
  });
}

TEST(FloatLater, SaturatedMultiplyAdd) {
  const auto rows = table<float, float, float>();
  for (const Rounding& r : roundings)
    judge<float>("mad" + std::string(r.name) + ".sat.f32 %d, %a, %b, %c;", rows,
                 [&](float got, float a, float b, float c) {
                   volatile float x = a, y = b, z = c;
                   const float exact = under(r.mode, [&] { return std::fma(x, y, z); });
                   return got == (exact > 0 ? std::min(exact, 1.0f) : 0.0f);
                 });
}

// The least (greatest) of the numbers among three, -0 below +0; NaN where none is a number, or .NaN and one
// is none.
TEST(FloatLater, ExtremesOfThree) {
  const auto rows = table<float, float, float>();
  for (const bool larger : {false, true})
    for (const bool ftz : {false, true})
      for (const bool strict : {false, true})
        for (const bool magnitude : {false, true}) {
          const std::string name = std::string(larger ? "max" : "min") + (ftz ? ".ftz" : "") +
                                   (strict ? ".NaN" : "") + (magnitude ? ".abs" : "");
          check<float>(name + ".f32 %d, %a, %b, %c;", rows, [&](float a, float b, float c) {
            std::vector<float> numbers;
            for (float x : {a, b, c}) {
              if (magnitude) x = std::fabs(x);
              if (!std::isnan(x)) numbers.push_back(ftz ? flush(x) : x);
            }
            if (numbers.empty() || (strict && numbers.size() < 3)) return std::nanf("");
            const auto below = [](float x, float y) {
              return x != y ? x < y : std::signbit(x) && !std::signbit(y);
            };
            return larger ? *std::max_element(numbers.begin(), numbers.end(), below)
                          : *std::min_element(numbers.begin(), numbers.end(), below);
          });
        }
}

TEST(FloatLater, ReluBehindTheType) {
  check<s32>("min.s32.relu %d, %a, %b;", table<s32, s32>(),
             [](s32 a, s32 b) { return std::max(std::min(a, b), 0); });
  check<s32>("max.relu.s32 %d, %a, %b;", table<s32, s32>(), [](s32 a, s32 b) { return std::max({a, b, 0}); });
  const auto halves = [](u32 a, u32 b, auto f) {
    return u32{static_cast<u16>(f(static_cast<s16>(a), static_cast<s16>(b)))} |
           u32{static_cast<u16>(f(static_cast<s16>(a >> 16), static_cast<s16>(b >> 16)))} << 16;
  };
  check<u32>("min.s16x2.relu %d, %a, %b;", table<u32, u32>(), [&](u32 a, u32 b) {
    return halves(a, b, [](s16 x, s16 y) { return std::max<s16>(std::min(x, y), 0); });
  });
  check<u32>("max.s16x2.relu %d, %a, %b;", table<u32, u32>(), [&](u32 a, u32 b) {
    return halves(a, b, [](s16 x, s16 y) { return std::max({x, y, s16{0}}); });
  });
}

}  // namespace
}  // namespace instruction_test
