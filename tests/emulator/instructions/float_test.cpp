// fp32 and fp64 arithmetic: PTX ISA, "Floating Point Instructions". The host's IEEE-754 operations under its
// own rounding modes are the definition.
#include "tables.hpp"

namespace instruction_test {
namespace {

struct Add {
  template <class T>
  T operator()(volatile T a, volatile T b) const {
    return a + b;
  }
};
struct Sub {
  template <class T>
  T operator()(volatile T a, volatile T b) const {
    return a - b;
  }
};
struct Mul {
  template <class T>
  T operator()(volatile T a, volatile T b) const {
    return a * b;
  }
};
struct Div {
  template <class T>
  T operator()(volatile T a, volatile T b) const {
    return a / b;
  }
};
struct Fma {
  template <class T>
  T operator()(volatile T a, volatile T b, volatile T c) const {
    return std::fma(a, b, c);
  }
};
struct Rcp {
  template <class T>
  T operator()(volatile T a) const {
    return T(1) / a;
  }
};
struct Root {
  template <class T>
  T operator()(volatile T a) const {
    return std::sqrt(a);
  }
};

std::string operands(int count) {
  return count == 1 ? " %d, %a;" : count == 2 ? " %d, %a, %b;" : " %d, %a, %b, %c;";
}

template <class T, class F, class Rows>
void every_rounding(const std::string& name, F f, const Rows& rows) {
  const std::string type = sizeof(T) == 4 ? ".f32" : ".f64";
  for (const Rounding& r : roundings)
    check<T>(name + r.name + type + operands(std::tuple_size_v<typename Rows::value_type>), rows,
             [&](auto... a) { return under(r.mode, [&] { return f(a...); }); });
}

template <class F, class Rows>
void flushing(const std::string& name, F f, const Rows& rows) {
  for (const Rounding& r : roundings)
    judge<float>(name + r.name + ".ftz.f32" + operands(std::tuple_size_v<typename Rows::value_type>), rows,
                 [&](float got, auto... a) {
                   const float wanted = under(r.mode, [&] { return f(flush(a)...); });
                   return same(got, flush(wanted)) || (at_flush_border(wanted) && std::fabs(got) == 0);
                 });
}

// .sat: into [0, 1], NaN to +0. The sign of a zero is not documented.
template <class F, class Rows>
void saturating(const std::string& name, F f, const Rows& rows) {
  for (const Rounding& r : roundings)
    judge<float>(name + r.name + ".sat.f32" + operands(std::tuple_size_v<typename Rows::value_type>), rows,
                 [&](float got, auto... a) {
                   const float exact = under(r.mode, [&] { return f(a...); });
                   return got == (exact > 0 ? std::min(exact, 1.0f) : 0.0f);
                 });
}

TEST(Float, AddSubMul) {
  const auto singles = table<float, float>();
  const auto doubles = table<double, double>();
  every_rounding<float>("add", Add{}, singles), every_rounding<double>("add", Add{}, doubles);
  every_rounding<float>("sub", Sub{}, singles), every_rounding<double>("sub", Sub{}, doubles);
  every_rounding<float>("mul", Mul{}, singles), every_rounding<double>("mul", Mul{}, doubles);
  flushing("add", Add{}, singles), flushing("sub", Sub{}, singles), flushing("mul", Mul{}, singles);
  saturating("add", Add{}, singles), saturating("sub", Sub{}, singles), saturating("mul", Mul{}, singles);
  // Without a rounding the nearest is meant.
  check<float>("add.f32 %d, %a, %b;", singles, Add{}), check<double>("add.f64 %d, %a, %b;", doubles, Add{});
  check<float>("sub.f32 %d, %a, %b;", singles, Sub{}), check<double>("sub.f64 %d, %a, %b;", doubles, Sub{});
  check<float>("mul.f32 %d, %a, %b;", singles, Mul{}), check<double>("mul.f64 %d, %a, %b;", doubles, Mul{});
  check<float>("mul.ftz.f32 %d, %a, 0f40400000;", table<float>(),
               [](float a) { return flush(flush(a) * 3.0f); });
  check<double>("mul.f64 %d, %a, 0d4008000000000000;", table<double>(), [](double a) { return a * 3.0; });
}

TEST(Float, FusedMultiplyAdd) {
  const auto singles = table<float, float, float>();
  const auto doubles = table<double, double, double>();
  every_rounding<float>("fma", Fma{}, singles), every_rounding<double>("fma", Fma{}, doubles);
  every_rounding<float>("mad", Fma{}, singles), every_rounding<double>("mad", Fma{}, doubles);
  flushing("fma", Fma{}, singles);
  saturating("fma", Fma{}, singles);
  // a b + c cancels to the product's rounding error
  std::vector<std::tuple<float, float, float>> rows;
  for (int i = 0; i < 500; i++) {
    const float a = random_value<float>(), b = random_value<float>();
    rows.emplace_back(a, b, -(a * b));
  }
  every_rounding<float>("fma", Fma{}, rows);
}

TEST(Float, DivisionAndRoots) {
  const auto singles = table<float, float>();
  every_rounding<float>("div", Div{}, singles), every_rounding<double>("div", Div{}, table<double, double>());
  flushing("div", Div{}, singles);
  every_rounding<float>("rcp", Rcp{}, table<float>(1000)),
      every_rounding<double>("rcp", Rcp{}, table<double>(1000));
  every_rounding<float>("sqrt", Root{}, table<float>(1000)),
      every_rounding<double>("sqrt", Root{}, table<double>(1000));
  flushing("rcp", Rcp{}, table<float>(1000)), flushing("sqrt", Root{}, table<float>(1000));
}

template <class T>
T smaller(T a, T b) {  // -0 is smaller than +0; a NaN loses
  if (std::isnan(a)) return b;
  if (std::isnan(b)) return a;
  if (a == b) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}
template <class T>
T larger(T a, T b) {
  return -smaller(-a, -b);
}

TEST(Float, Extremes) {
  const auto singles = table<float, float>();
  const auto doubles = table<double, double>();
  check<float>("min.f32 %d, %a, %b;", singles, smaller<float>);
  check<float>("max.f32 %d, %a, %b;", singles, larger<float>);
  check<double>("min.f64 %d, %a, %b;", doubles, smaller<double>);
  check<double>("max.f64 %d, %a, %b;", doubles, larger<double>);
  check<float>("min.ftz.f32 %d, %a, %b;", singles,
               [](float a, float b) { return smaller(flush(a), flush(b)); });
  check<float>("max.ftz.f32 %d, %a, %b;", singles,
               [](float a, float b) { return larger(flush(a), flush(b)); });
  const auto strict = [](auto f) {
    return [f](float a, float b) { return std::isnan(a) || std::isnan(b) ? std::nanf("") : f(a, b); };
  };
  check<float>("min.NaN.f32 %d, %a, %b;", singles, strict(smaller<float>));
  check<float>("max.NaN.f32 %d, %a, %b;", singles, strict(larger<float>));
  check<float>("max.ftz.NaN.f32 %d, %a, %b;", singles,
               strict([](float a, float b) { return larger(flush(a), flush(b)); }));
  const auto signs = [](auto f) {
    return [f](float a, float b) {
      const float magnitude = f(std::fabs(a), std::fabs(b));
      return std::isnan(magnitude) ? magnitude : std::signbit(a) != std::signbit(b) ? -magnitude : magnitude;
    };
  };
  check<float>("min.xorsign.abs.f32 %d, %a, %b;", singles, signs(smaller<float>));
  check<float>("max.xorsign.abs.f32 %d, %a, %b;", singles, signs(larger<float>));
  check<float>("min.NaN.xorsign.abs.f32 %d, %a, %b;", singles, signs(strict(smaller<float>)));
}

// Where both operands are NaN the result is the canonical one.
TEST(Float, NanIsCanonical) {
  const u32 payload = 0x7fa00001u, canonical = 0x7fffffffu;
  for (const char* op : {"add.rn.f32", "sub.rn.f32", "mul.rn.f32", "min.f32", "max.f32", "div.rn.f32"})
    check<u32>(std::string(op) + " %d, %a, %b;",
               std::vector<std::tuple<u32, u32>>{{payload, payload}, {0xffc00000u, payload}},
               [&](u32, u32) { return canonical; });
  check<u32>("fma.rn.f32 %d, %a, %b, %c;",
             std::vector<std::tuple<u32, u32, u32>>{{payload, 0, 0}, {0x7f800000u, 0, 0}},
             [&](u32, u32, u32) { return canonical; });
}

TEST(Float, Signs) {
  check<float>("abs.f32 %d, %a;", table<float>(), [](float a) { return std::fabs(a); });
  check<double>("abs.f64 %d, %a;", table<double>(), [](double a) { return std::fabs(a); });
  check<float>("neg.f32 %d, %a;", table<float>(), [](float a) { return -a; });
  check<double>("neg.f64 %d, %a;", table<double>(), [](double a) { return -a; });
  check<float>("abs.ftz.f32 %d, %a;", table<float>(), [](float a) { return flush(std::fabs(a)); });
  check<float>("neg.ftz.f32 %d, %a;", table<float>(), [](float a) { return flush(-a); });
  check<float>("copysign.f32 %d, %a, %b;", table<float, float>(),
               [](float a, float b) { return std::copysign(b, a); });
  check<double>("copysign.f64 %d, %a, %b;", table<double, double>(),
                [](double a, double b) { return std::copysign(b, a); });
}

template <class T>
void classes() {
  const std::string t = sizeof(T) == 4 ? ".f32 %d, %a;" : ".f64 %d, %a;";
  const auto rows = table<T>();
  const auto kind = [](std::initializer_list<int> kinds) {
    return [list = std::vector<int>(kinds)](T a) {
      return Pred{std::find(list.begin(), list.end(), std::fpclassify(a)) != list.end()};
    };
  };
  check<Pred>("testp.finite" + t, rows, kind({FP_NORMAL, FP_SUBNORMAL, FP_ZERO}));
  check<Pred>("testp.infinite" + t, rows, kind({FP_INFINITE}));
  check<Pred>("testp.number" + t, rows, kind({FP_NORMAL, FP_SUBNORMAL, FP_ZERO, FP_INFINITE}));
  check<Pred>("testp.notanumber" + t, rows, kind({FP_NAN}));
  check<Pred>("testp.subnormal" + t, rows, kind({FP_SUBNORMAL}));
  check<Pred>("testp.normal" + t, rows, kind({FP_NORMAL}));
}
TEST(Float, Classes) { classes<float>(), classes<double>(); }

}  // namespace
}  // namespace instruction_test
