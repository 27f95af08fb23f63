// The approximate functions, within the errors that the PTX ISA documents, and their special values exactly.
#include "tables.hpp"

namespace instruction_test {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr double pi = 3.14159265358979323846;

// Distance in units of the last place of the exact value, as fp32 has it.
double ulps(float got, double exact) {
  if (std::isinf(got)) return std::fabs(exact) >= std::ldexp(1.0, 128) - std::ldexp(1.0, 104 + 1) ? 0 : 1e9;
  const int exponent = exact == 0 ? -149 : std::max(std::ilogb(exact), -126) - 23;
  return std::fabs(static_cast<double>(got) - exact) / std::ldexp(1.0, std::max(exponent, -149));
}

double relative(float got, double exact) {
  return std::fabs(static_cast<double>(got) - exact) / std::fabs(exact);
}

std::vector<float> between(double low, double high, int count) {
  std::uniform_real_distribution<double> d(low, high);
  std::vector<float> v;
  for (int i = 0; i < count; i++) v.push_back(static_cast<float>(d(generator())));
  return v;
}

// Special operands and their results, for the form with .ftz too unless the operand is subnormal.
struct Special {
  float operand, result;
};
void specials(const std::string& name, const std::vector<Special>& list) {
  for (const char* flush_form : {"", ".ftz"}) {
    std::vector<std::tuple<float, float>> rows;
    for (const Special& s : list)
      if (*flush_form == 0 || std::fpclassify(s.operand) != FP_SUBNORMAL)
        rows.emplace_back(s.operand, s.result);
    check<float>(name + ".approx" + flush_form + ".f32 %d, %a;", rows,
                 [](float, float result) { return result; });
  }
}
const float nan_ = std::nanf("");
const float tiny = std::numeric_limits<float>::denorm_min();

TEST(Approximate, Reciprocal) {
  judge<float>("rcp.approx.f32 %d, %a;", table<float>(3000), [](float got, float a) {
    return !std::isfinite(a) || a == 0 || ulps(got, 1 / static_cast<double>(a)) <= 1;
  });
  judge<float>("rcp.approx.ftz.f32 %d, %a;", table<float>(3000), [](float got, float a) {
    if (std::isnan(a)) return std::isnan(got);
    if (flush(a) == 0) return same(got, std::copysign(infinity, a));
    const double exact = 1 / static_cast<double>(a);
    if (std::fabs(exact) < std::numeric_limits<float>::min()) return std::fabs(got) == 0;
    return ulps(got, exact) <= 1;
  });
  specials("rcp", {{infinity, 0.0f}, {-infinity, -0.0f}, {0.0f, infinity}, {-0.0f, -infinity}, {nan_, nan_}});
}

TEST(Approximate, Roots) {
  judge<float>("sqrt.approx.f32 %d, %a;", table<float>(3000), [](float got, float a) {
    if (a < 0 || std::isnan(a)) return std::isnan(got);
    return a == 0 || std::isinf(a) ||
           relative(got, std::sqrt(static_cast<double>(a))) <= std::ldexp(1.0, -23);
  });
  specials(
      "sqrt",
      {{infinity, infinity}, {-infinity, nan_}, {-1.0f, nan_}, {0.0f, 0.0f}, {-0.0f, -0.0f}, {nan_, nan_}});
  judge<float>("rsqrt.approx.f32 %d, %a;", table<float>(3000), [](float got, float a) {
    if (a < 0 || std::isnan(a)) return std::isnan(got);
    return a == 0 || std::isinf(a) ||
           relative(got, 1 / std::sqrt(static_cast<double>(a))) <= std::exp2(-22.9);
  });
  specials("rsqrt", {{infinity, 0.0f},
                     {-infinity, nan_},
                     {-1.0f, nan_},
                     {0.0f, infinity},
                     {-0.0f, -infinity},
                     {nan_, nan_}});
  check<float>("sqrt.approx.ftz.f32 %d, %a;", one(std::vector<float>{tiny, -tiny}),
               [](float a) { return std::copysign(0.0f, a); });
  check<float>("rsqrt.approx.ftz.f32 %d, %a;", one(std::vector<float>{tiny, -tiny}),
               [](float a) { return std::copysign(infinity, a); });
}

TEST(Approximate, PowersOfTwo) {
  std::vector<float> operands = between(-150, 128.5, 3000);
  for (int i = -149; i < 128; i++) operands.push_back(static_cast<float>(i));
  for (const float a : between(-1, 1, 500)) operands.push_back(a);
  judge<float>("ex2.approx.f32 %d, %a;", one(operands),
               [](float got, float a) { return ulps(got, std::exp2(static_cast<double>(a))) <= 2; });
  judge<float>("ex2.approx.ftz.f32 %d, %a;", one(operands), [](float got, float a) {
    const double exact = std::exp2(static_cast<double>(a));
    return exact < std::numeric_limits<float>::min() ? std::fabs(got) <= std::numeric_limits<float>::min()
                                                     : ulps(got, exact) <= 2;
  });
  specials("ex2", {{-infinity, 0.0f},
                   {infinity, infinity},
                   {0.0f, 1.0f},
                   {-0.0f, 1.0f},
                   {nan_, nan_},
                   {tiny, 1.0f},
                   {-tiny, 1.0f},
                   {-1000.0f, 0.0f},
                   {1000.0f, infinity}});
}

TEST(Approximate, Logarithm) {
  std::vector<float> operands = between(0.25, 4, 2000);
  for (const float a : between(-148, 127.9, 2000))
    operands.push_back(static_cast<float>(std::exp2(static_cast<double>(a))));
  for (const float a : edges<float>()) operands.push_back(a);
  judge<float>("lg2.approx.f32 %d, %a;", one(operands), [](float got, float a) {
    if (std::isnan(a) || a < 0) return std::isnan(got);
    if (a == 0) return got == -infinity;
    if (std::isinf(a)) return got == infinity;
    const double exact = std::log2(static_cast<double>(a));
    const double bound = std::ldexp(1.0, -22);
    return std::fabs(got - exact) <= (a > 0.5f && a < 2.0f ? bound : bound * std::fabs(exact));
  });
  specials("lg2", {{infinity, infinity},
                   {-infinity, nan_},
                   {0.0f, -infinity},
                   {-0.0f, -infinity},
                   {-1.0f, nan_},
                   {nan_, nan_},
                   {1.0f, 0.0f}});
  check<float>("lg2.approx.ftz.f32 %d, %a;", one(std::vector<float>{tiny, -tiny}),
               [](float) { return -infinity; });
}

TEST(Approximate, Trigonometry) {
  const auto near = one(between(-2 * pi, 2 * pi, 2000)), far = one(between(-100 * pi, 100 * pi, 2000));
  const auto within = [](double exponent, double (*f)(double)) {
    return
        [=](float got, float a) { return std::fabs(got - f(static_cast<double>(a))) <= std::exp2(exponent); };
  };
  for (const std::string form : {".approx.f32 %d, %a;", ".approx.ftz.f32 %d, %a;"}) {
    judge<float>("sin" + form, near, within(-20.5, std::sin));
    judge<float>("cos" + form, near, within(-20.5, std::cos));
    judge<float>("sin" + form, far, within(-14.7, std::sin));
    judge<float>("cos" + form, far, within(-14.7, std::cos));
  }
  specials("sin", {{0.0f, 0.0f}, {-0.0f, -0.0f}, {infinity, nan_}, {-infinity, nan_}, {nan_, nan_}});
  specials("cos", {{0.0f, 1.0f}, {-0.0f, 1.0f}, {infinity, nan_}, {-infinity, nan_}, {nan_, nan_}});
}

TEST(Approximate, HyperbolicTangent) {
  std::vector<float> operands = between(-10, 10, 2000);
  for (const float a : between(-0.5, 0.5, 1000)) operands.push_back(a);
  for (const float a : edges<float>()) operands.push_back(a);
  judge<float>("tanh.approx.f32 %d, %a;", one(operands), [](float got, float a) {
    if (std::isnan(a)) return std::isnan(got);
    if (a == 0) return same(got, a);
    const double exact = std::tanh(static_cast<double>(a));
    // a subnormal result cannot be nearer than its spacing
    return std::fabs(got - exact) <= std::ldexp(std::fabs(exact), -11) + std::ldexp(1.0, -149) &&
           std::fabs(got) <= 1;
  });
  check<float>("tanh.approx.f32 %d, %a;", one(std::vector<float>{infinity, -infinity}),
               [](float a) { return a > 0 ? 1.0f : -1.0f; });
}

TEST(Approximate, Division) {
  const auto rows = table<float, float>(3000);
  const auto quotient = [](float a, float b) { return static_cast<double>(a) / static_cast<double>(b); };
  const auto finite = [](float a, float b) {
    return std::isfinite(a) && std::isfinite(b) && a != 0 && b != 0;
  };
  judge<float>("div.approx.f32 %d, %a, %b;", rows, [&](float got, float a, float b) {
    if (std::isnan(a) || std::isnan(b)) return std::isnan(got);
    const float size = std::fabs(b);
    if (size > 0x1p126f && !std::isinf(b)) return std::isinf(a) ? std::isnan(got) : std::fabs(got) == 0;
    if (!finite(a, b)) return same(got, a / b);
    return size < 0x1p-126f || ulps(got, quotient(a, b)) <= 2;
  });
  judge<float>("div.full.f32 %d, %a, %b;", rows, [&](float got, float a, float b) {
    if (std::isnan(a) || std::isnan(b)) return std::isnan(got);
    return finite(a, b) ? ulps(got, quotient(a, b)) <= 2 : same(got, a / b);
  });
  judge<float>("div.full.ftz.f32 %d, %a, %b;", rows, [&](float got, float a, float b) {
    a = flush(a), b = flush(b);
    if (std::isnan(a) || std::isnan(b)) return std::isnan(got);
    if (!finite(a, b)) return same(got, a / b);
    if (std::fabs(quotient(a, b)) <= std::numeric_limits<float>::min()) return std::fabs(got) <= 0x1p-126f;
    return ulps(got, quotient(a, b)) <= 2;
  });
}

// The gross approximations of fp64 give the upper word alone.
TEST(Approximate, Doubles) {
  const auto good = [](double got, double exact) {
    return (bits<u64>(got) & 0xffffffffu) == 0 && std::fabs(got - exact) <= std::ldexp(std::fabs(exact), -20);
  };
  std::vector<double> operands;
  for (int i = 0; i < 1000; i++)
    operands.push_back(std::exp2(std::uniform_real_distribution<double>(-500, 500)(generator())));
  judge<double>("rcp.approx.ftz.f64 %d, %a;", one(operands),
                [&](double got, double a) { return good(got, 1 / a); });
  judge<double>("rsqrt.approx.ftz.f64 %d, %a;", one(operands),
                [&](double got, double a) { return good(got, 1 / std::sqrt(a)); });
  // Subnormal numbers are zeros of their sign.
  const double least = std::numeric_limits<double>::denorm_min(), none = std::nan(""), endless = HUGE_VAL;
  const auto same = [](double, double result) { return result; };
  check<double>("rcp.approx.ftz.f64 %d, %a;",
                std::vector<std::tuple<double, double>>{
                    {0.0, endless}, {-0.0, -endless}, {least, endless}, {-1e-310, -endless}, {endless, 0.0}, {-endless, -0.0}, {none, none}},
                same);
  check<double>("rsqrt.approx.ftz.f64 %d, %a;",
                std::vector<std::tuple<double, double>>{
                    {0.0, endless}, {-0.0, -endless}, {1e-310, endless}, {endless, 0.0}, {-endless, none}, {-1.0, none}, {none, none}},
                same);
}

// Not the gross one: what rsqrt(double) becomes, off by one place at the most, subnormal numbers included.
TEST(Approximate, ReciprocalSquareRootOfDoubles) {
  std::vector<double> operands = {std::numeric_limits<double>::denorm_min(), 1e-310, std::numeric_limits<double>::min(),
                                  std::numeric_limits<double>::max(), 1.0, 4.0, std::nextafter(1.0, 0), std::nextafter(1.0, 2)};
  for (int i = 0; i < 2000; i++)
    operands.push_back(std::exp2(std::uniform_real_distribution<double>(-1074, 1024)(generator())));
  judge<double>("rsqrt.approx.f64 %d, %a;", one(operands), [](double got, double a) {
    const double exact = static_cast<double>(1 / std::sqrt(static_cast<long double>(a)));
    return got == exact || got == std::nextafter(exact, 0) || got == std::nextafter(exact, HUGE_VAL);
  });
  check<double>("rsqrt.approx.f64 %d, %a;",
                std::vector<std::tuple<double, double>>{{0.0, HUGE_VAL}, {-0.0, -HUGE_VAL}, {HUGE_VAL, 0.0}, {-HUGE_VAL, std::nan("")},
                                                        {-1.0, std::nan("")}, {std::nan(""), std::nan("")}, {4.0, 0.5}},
                [](double, double result) { return result; });
}

}  // namespace
}  // namespace instruction_test
