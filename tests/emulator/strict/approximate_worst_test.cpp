// PTXVM_APPROX=worst: every result is within the bound that the PTX ISA documents, and the fp32 number beyond it, away
// from the true value, is not; both sides occur. The true values are computed in extended precision.
#include <cstdlib>

#include "instructions/half_support.hpp"

namespace instruction_test {
namespace {

using Real = long double;
const int worst = setenv("PTXVM_APPROX", "worst", 1);  // before the emulator reads it

constexpr float infinity = std::numeric_limits<float>::infinity();
const float least_normal = std::numeric_limits<float>::min(), tiny = std::numeric_limits<float>::denorm_min();
constexpr Real pi = 3.14159265358979323846264338327950288L;

struct Sides {
  int above = 0, below = 0;
  void expect_both() const {
    EXPECT_GT(above, 100);
    EXPECT_GT(below, 100);
  }
};

// The interval is met and its end reached, but for what fp64 cannot tell from the end.
const Real nearly = 1 - std::ldexp(Real(1), -26);

// got is the last fp32 number inside on one side.
bool at_the_end(float got, Real v, Real bound, Sides& sides) {
  if (!(got >= v - bound && got <= v + bound)) return false;
  const bool above = std::nextafter(got, infinity) > v + bound * nearly, below = std::nextafter(got, -infinity) < v - bound * nearly;
  (above ? sides.above : sides.below)++;
  return above || below;
}

Real ulp(Real v) { return std::ldexp(Real(1), std::max(std::ilogb(v), -126) - 23); }

std::vector<float> between(double low, double high, int count) {
  std::uniform_real_distribution<double> d(low, high);
  std::vector<float> v;
  for (int i = 0; i < count; i++) v.push_back(static_cast<float>(d(generator())));
  return v;
}
std::vector<float> powers(double low, double high, int count) {
  std::vector<float> v;
  for (const float a : between(low, high, count)) v.push_back(static_cast<float>(std::exp2(static_cast<double>(a))));
  return v;
}
std::vector<float> joined(std::vector<float> a, const std::vector<float>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// One instruction, without and with .ftz: function, and bound of the true value and the operand.
template <class Function, class Bound>
void bounded(const std::string& name, const std::vector<float>& operands, Function function, Bound bound, bool flushes = true) {
  for (const bool ftz : {false, true}) {
    if (ftz && !flushes) continue;
    Sides sides;
    judge<float>(name + (ftz ? ".approx.ftz.f32 %d, %a;" : ".approx.f32 %d, %a;"), one(operands), [&](float got, float a) {
      const float x = ftz ? flush(a) : a;
      const Real v = function(Real(x)), b = bound(v, x);
      if (ftz && std::fabs(v) - b < least_normal && got == 0) return true;
      return at_the_end(got, v, b, sides);
    });
    sides.expect_both();
  }
}

TEST(WorstApproximation, ReciprocalByOneUlp) {
  bounded("rcp", joined(powers(-125, 125, 3000), between(-2, -1, 1000)), [](Real x) { return 1 / x; },
          [](Real v, float) { return ulp(v); });
}

TEST(WorstApproximation, RootsByTheirRelativeErrors) {
  const auto operands = joined(powers(-126, 127.9, 3000), between(1, 4, 1000));
  bounded("sqrt", operands, [](Real x) { return std::sqrt(x); }, [](Real v, float) { return std::ldexp(v, -23); });
  bounded("rsqrt", operands, [](Real x) { return 1 / std::sqrt(x); }, [](Real v, float) { return v * std::exp2(Real(-22.9L)); });
}

TEST(WorstApproximation, LogarithmByItsAbsoluteAndRelativeErrors) {
  const auto bound = [](Real v, float a) { return std::ldexp(a > 0.5f && a < 2 ? Real(1) : std::fabs(v), -22); };
  bounded("lg2", joined(powers(-126, 127.9, 3000), between(0.25, 4, 2000)), [](Real x) { return std::log2(x); }, bound);
  bounded("lg2", between(0.999, 1.001, 1000), [](Real x) { return std::log2(x); }, bound);
}

TEST(WorstApproximation, SineAndCosineByTheirAbsoluteErrors) {
  const auto sine = [](Real x) { return std::sin(x); };
  const auto cosine = [](Real x) { return std::cos(x); };
  const auto near = [](Real, float) { return std::exp2(Real(-20.5L)); };
  const auto far = [](Real, float) { return std::exp2(Real(-14.7L)); };
  const auto inner = between(double(-2 * pi), double(2 * pi), 3000);
  auto outer = between(double(2 * pi) + 0.01, double(100 * pi), 1500);
  outer = joined(outer, between(double(-100 * pi), double(-2 * pi) - 0.01, 1500));
  bounded("sin", inner, sine, near);
  bounded("cos", inner, cosine, near);
  bounded("sin", outer, sine, far);
  bounded("cos", outer, cosine, far);
}

TEST(WorstApproximation, HyperbolicTangentByItsRelativeError) {
  bounded("tanh", joined(between(-10, 10, 2000), powers(-125, 3, 2000)), [](Real x) { return std::tanh(x); },
          [](Real v, float) { return std::ldexp(std::fabs(v), -11); }, false);
  // Subnormal operands pass through.
  check<float>("tanh.approx.f32 %d, %a;", one(std::vector<float>{tiny, -tiny, least_normal - tiny, 0.0f, -0.0f}), [](float a) { return a; });
}

// "2 ulp from correctly rounded": two fp32 numbers on.
TEST(WorstApproximation, PowersOfTwoByTwoUlps) {
  const auto operands = joined(between(-140, 127.99, 3000), between(-1, 1, 1000));
  for (const bool ftz : {false, true}) {
    Sides sides;
    judge<float>(std::string("ex2.approx") + (ftz ? ".ftz" : "") + ".f32 %d, %a;", one(operands), [&](float got, float a) {
      const float nearest = static_cast<float>(std::exp2(Real(a)));
      const float up = std::nextafter(std::nextafter(nearest, infinity), infinity);
      const float down = std::nextafter(std::nextafter(nearest, 0.0f), 0.0f);
      (got > nearest ? sides.above : sides.below)++;
      if (ftz && (nearest < least_normal || down < least_normal) && got == 0) return true;
      return same(got, up) || same(got, down);
    });
    sides.expect_both();
  }
}

TEST(WorstApproximation, QuotientsByTwoUlps) {
  std::vector<std::tuple<float, float>> rows;
  const auto a = powers(-60, 60, 4000), b = powers(-60, 60, 4000);
  for (std::size_t i = 0; i < a.size(); i++) rows.emplace_back(i % 3 ? a[i] : -a[i], i % 5 ? b[i] : -b[i]);
  for (const char* form : {"approx", "approx.ftz", "full", "full.ftz"}) {
    Sides sides;
    judge<float>(std::string("div.") + form + ".f32 %d, %a, %b;", rows, [&](float got, float x, float y) {
      const Real v = Real(x) / Real(y);
      return at_the_end(got, v, 2 * ulp(v), sides);
    });
    sides.expect_both();
  }
  // No bound below 2^-126; above 2^126 a zero, NaN for an infinite dividend.
  check<float>("div.approx.f32 %d, %a, %b;",
               std::vector<std::tuple<float, float>>{{1.5f, std::ldexp(1.5f, 126)}, {infinity, std::ldexp(1.5f, 126)}, {0.0f, 3.0f}, {1.0f, 0.0f}},
               [](float x, float y) { return y > std::ldexp(1.0f, 126) ? (std::isinf(x) ? std::nanf("") : 0.0f) : x / y; });
}

// What the ISA's tables fix, for both forms.
TEST(WorstApproximation, TheTablesResultsAreKept) {
  const float none = std::nanf("");
  struct Row {
    const char* name;
    std::vector<std::tuple<float, float>> results;
  };
  const std::vector<Row> rows = {
      {"rcp", {{infinity, 0.0f}, {-infinity, -0.0f}, {0.0f, infinity}, {-0.0f, -infinity}, {none, none}}},
      {"sqrt", {{infinity, infinity}, {-infinity, none}, {-1.0f, none}, {0.0f, 0.0f}, {-0.0f, -0.0f}, {none, none}}},
      {"rsqrt", {{infinity, 0.0f}, {-infinity, none}, {-1.0f, none}, {0.0f, infinity}, {-0.0f, -infinity}, {none, none}}},
      {"lg2", {{infinity, infinity}, {-infinity, none}, {-1.0f, none}, {0.0f, -infinity}, {-0.0f, -infinity}, {none, none}}},
      {"ex2", {{infinity, infinity}, {-infinity, 0.0f}, {0.0f, 1.0f}, {-0.0f, 1.0f}, {none, none}, {1000.0f, infinity}, {-1000.0f, 0.0f}}},
      {"sin", {{infinity, none}, {-infinity, none}, {0.0f, 0.0f}, {-0.0f, -0.0f}, {none, none}}},
      {"cos", {{infinity, none}, {-infinity, none}, {0.0f, 1.0f}, {-0.0f, 1.0f}, {none, none}}},
      {"tanh", {{infinity, 1.0f}, {-infinity, -1.0f}, {none, none}}}};
  for (const Row& row : rows)
    for (const char* form : {".approx.f32", ".approx.ftz.f32"})
      if (std::string(row.name) != "tanh" || std::string(form) == ".approx.f32")
        check<float>(row.name + std::string(form) + " %d, %a;", row.results, [](float, float result) { return result; });
}

// fp16 and bfloat16, of every operand there is. Where no number lies within the bound the nearest is given.
TEST(WorstApproximation, HalvesByTheirBounds) {
  struct Case {
    const char* name;
    const Format& format;
    Real relative, absolute;
    bool flushes;
  };
  const Case cases[] = {{"ex2.approx", fp16, std::exp2(Real(-9.9L)), 0, false},
                        {"ex2.approx.ftz", bfloat16, std::exp2(Real(-7)), 0, true},
                        {"tanh.approx", fp16, 0, std::exp2(Real(-10.987L)), false},
                        {"tanh.approx", bfloat16, 0, std::exp2(Real(-8)), false}};
  for (const Case& c : cases) {
    Sides sides;
    const Format& f = c.format;
    const bool exponential = c.absolute == 0;
    judge_halves(c.name, f, every_half(), [&](u16 got, u16 operand) {
      const u16 a = c.flushes ? f.flushed(operand) : operand;
      if (f.is_nan(a)) return got == 0x7fff;
      const Real x = f.value(a), v = exponential ? std::exp2(x) : std::tanh(x);
      const u16 nearest = f.rounded(static_cast<double>(v));
      if (x == 0 || std::isinf(x) || (nearest & 0x7fff) == f.infinity) return got == nearest;
      if (c.flushes && (got & 0x7fff) == 0) return v < 2 * Real(f.magnitude(f.least_normal()));
      const Real bound = exponential ? v * c.relative : c.absolute, g = f.value(got);
      const auto next = [&](int step) {  // the number beside it, in order
        const int rank = (got & 0x8000 ? -(got & 0x7fff) : got) + step;
        return Real(f.value(static_cast<u16>(rank < 0 ? 0x8000 | -rank : rank)));
      };
      if (std::fabs(Real(f.value(nearest)) - v) > bound * nearly) return got == nearest;
      if (std::fabs(g - v) > bound) return false;
      const bool above = next(1) > v + bound * nearly || (got & 0x7fff) == f.most(), below = next(-1) < v - bound * nearly;
      (above ? sides.above : sides.below)++;
      return above || below;
    });
    sides.expect_both();
  }
}

TEST(WorstApproximation, TheSameOperandsGiveTheSameResult) {
  const auto operands = one(std::vector<float>(64, 1.25f));
  float first = 0;
  judge<float>("ex2.approx.f32 %d, %a;", operands, [&](float got, float) { return first == 0 ? (first = got, true) : same(got, first); });
}

}  // namespace
}  // namespace instruction_test
