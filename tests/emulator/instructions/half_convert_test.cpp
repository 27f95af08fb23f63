// cvt from and to fp16, bfloat16 and tf32, and cvt.pack: PTX ISA, "cvt", "cvt.pack".
#include "half_support.hpp"

namespace instruction_test {
namespace {

template <class T>
std::string name() {
  if constexpr (std::is_floating_point_v<T>)
    return "f" + std::to_string(sizeof(T) * 8);
  else
    return (std::is_signed_v<T> ? "s" : "u") + std::to_string(sizeof(T) * 8);
}
template <class... T, class F>
void each(F f) {
  (f(T{}), ...);
}

// Numbers of the format, the ties between them and what is next to these.
template <class T>
std::vector<std::tuple<T>> around(const Format& f) {
  auto rows = table<T>(1000);
  for (unsigned h = 0; h < f.infinity; h += 61) {
    const double low = f.magnitude(h), high = f.magnitude(h + 1);
    for (const double by : {0.0, 0.5, 0.25, 0.75}) {
      const T v = static_cast<T>(low + by * (high - low));
      for (const T x : {v, std::nextafter(v, T(0)), std::nextafter(v, std::numeric_limits<T>::infinity())})
        rows.emplace_back(x), rows.emplace_back(-x);
    }
  }
  for (const double v : {f.magnitude(f.most()), f.magnitude(f.infinity),
                         (f.magnitude(f.most()) + f.magnitude(f.infinity)) / 2})
    for (const T x : {static_cast<T>(v), std::nextafter(static_cast<T>(v), T(0)), static_cast<T>(v * 1.5)})
      rows.emplace_back(x), rows.emplace_back(-x);
  return rows;
}

u16 saturated(const Format& f, u16 h) { return f.is_nan(h) || h >> 15 ? 0 : std::min(h, f.one); }

TEST(HalfConvert, FromFloats) {
  for (const Format& f : formats)
    for (const Rounding& r : roundings) {
      const std::string to = std::string(r.name) + "." + f.name;
      check<u16>("cvt" + to + ".f32 %d, %a;", around<float>(f),
                 [&](float a) { return f.rounded(a, 0, r.mode); });
      check<u16>("cvt" + to + ".f64 %d, %a;", around<double>(f),
                 [&](double a) { return f.rounded(a, 0, r.mode); });
      check<u16>("cvt" + std::string(r.name) + ".ftz." + f.name + ".f32 %d, %a;", around<float>(f),
                 [&](float a) { return f.rounded(flush(a), 0, r.mode); });
      const Format& other = &f == &fp16 ? bfloat16 : fp16;
      check<u16>("cvt" + to + "." + other.name + " %d, %a;", every_half(),
                 [&](u16 a) { return f.rounded(other.value(a), 0, r.mode); });
    }
  for (const Rounding& r : roundings) {
    check<u16>("cvt" + std::string(r.name) + ".sat.f16.f32 %d, %a;", around<float>(fp16),
               [&](float a) { return saturated(fp16, fp16.rounded(a, 0, r.mode)); });
    check<u16>("cvt" + std::string(r.name) + ".ftz.sat.f16.f32 %d, %a;", around<float>(fp16),
               [&](float a) { return saturated(fp16, fp16.rounded(flush(a), 0, r.mode)); });
    check<u16>("cvt" + std::string(r.name) + ".sat.f16.f64 %d, %a;", around<double>(fp16),
               [&](double a) { return saturated(fp16, fp16.rounded(a, 0, r.mode)); });
  }
}

// .relu: no negative result; the sign of a zero is not documented. .satfinite: no infinity.
u16 limited(const Format& f, u16 h, bool relu, bool finite) {
  if (f.is_nan(h)) return 0x7fff;
  if (relu && h >> 15) return 0;
  return finite && (h & 0x7fff) == f.infinity ? static_cast<u16>(h - 1) : h;
}
bool agrees(u16 got, u16 wanted) { return got == wanted || (wanted == 0 && got == 0x8000); }

TEST(HalfConvert, ReluAndSatfinite) {
  for (const Format& f : formats)
    for (const Rounding& r : {roundings[0], roundings[1]})
      for (const std::string limit : {"", ".relu", ".satfinite", ".relu.satfinite", ".satfinite.relu"}) {
        const bool relu = limit.find("relu") != std::string::npos,
                   finite = limit.find("satfinite") != std::string::npos;
        const auto wanted = [&](float a) { return limited(f, f.rounded(a, 0, r.mode), relu, finite); };
        const auto good = [&](u16 got, float a) { return relu ? agrees(got, wanted(a)) : got == wanted(a); };
        if (!limit.empty())
          judge<u16>("cvt" + std::string(r.name) + limit + "." + f.name + ".f32 %d, %a;", around<float>(f),
                     good);
        std::vector<std::tuple<float, float>> pairs;
        const auto rows = around<float>(f);
        for (std::size_t i = 0; i < rows.size(); i++)
          pairs.emplace_back(std::get<0>(rows[i]), std::get<0>(rows[(i * 5 + 1) % rows.size()]));
        judge<u32>("cvt" + std::string(r.name) + limit + "." + f.pair() + ".f32 %d, %a, %b;", pairs,
                   [&](u32 got, float a, float b) {
                     return good(static_cast<u16>(got >> 16), a) && good(static_cast<u16>(got), b);
                   });
      }
}

// Every 16-bit number is one of fp32 and of fp64.
TEST(HalfConvert, ToFloats) {
  const std::string roundings_allowed[] = {"", ".rn", ".rz", ".rm", ".rp"};
  for (const Format& f : formats)
    for (const std::string& r : roundings_allowed) {
      if (!r.empty() && &f == &fp16) continue;
      const std::string from = std::string(".") + f.name + " %d, %a;";
      check<float>("cvt" + r + ".f32" + from, every_half(),
                   [&](u16 a) { return static_cast<float>(f.value(a)); });
      check<double>("cvt" + r + ".f64" + from, every_half(), [&](u16 a) { return f.value(a); });
      check<float>("cvt" + r + ".ftz.f32" + from, every_half(),
                   [&](u16 a) { return flush(static_cast<float>(f.value(a))); });
    }
  const auto unit = [](double x) { return x > 0 ? std::min(x, 1.0) : 0.0; };
  judge<float>("cvt.sat.f32.f16 %d, %a;", every_half(),
               [&](float got, u16 a) { return static_cast<double>(got) == unit(fp16.value(a)); });
  judge<double>("cvt.sat.f64.f16 %d, %a;", every_half(),
                [&](double got, u16 a) { return got == unit(fp16.value(a)); });
  check<u16>("cvt.sat.f16.f16 %d, %a;", every_half(), [](u16 a) { return saturated(fp16, a); });
  for (const Format& f : formats)
    judge<u16>(std::string("cvt.") + f.name + "." + f.name + " %d, %a;", every_half(),
               [&](u16 got, u16 a) { return f.is_nan(a) ? f.is_nan(got) : got == a; });
}

double to_integral(int mode, double a) {
  return under(mode, [a] {
    volatile double x = a;
    return std::nearbyint(x);
  });
}

TEST(HalfConvert, ToIntegers) {
  for (const Format& f : formats)
    for (const Rounding& r : roundings) {
      each<u8, s8, u16, s16, u32, s32, u64, s64>([&](auto d) {
        using D = decltype(d);
        using L = std::numeric_limits<D>;
        for (const std::string sat : {"", ".sat"})
          check<D>("cvt" + std::string(r.name) + "i" + sat + "." + name<D>() + "." + f.name + " %d, %a;",
                   every_half(r.mode == FE_TONEAREST && sat.empty() ? 1 : 7), [&](u16 a) {
                     // NaN: 0, or, where the result has 64 bits, the number with the top bit alone.
                     if (f.is_nan(a)) return sizeof(D) < 8 ? D{0} : static_cast<D>(u64{1} << 63);
                     const double x = to_integral(r.mode, f.value(a));
                     if (x >= std::ldexp(1.0, L::digits)) return L::max();
                     return x < static_cast<double>(L::min()) ? L::min() : static_cast<D>(x);
                   });
      });
      judge<u16>("cvt" + std::string(r.name) + "i." + f.name + "." + f.name + " %d, %a;", every_half(),
                 [&](u16 got, u16 a) {
                   return f.is_nan(a) ? got == 0x7fff : got == f.rounded(to_integral(r.mode, f.value(a)));
                 });
    }
  check<u16>("cvt.rni.sat.f16.f16 %d, %a;", every_half(), [](u16 a) {
    return fp16.is_nan(a) ? u16{0} : saturated(fp16, fp16.rounded(to_integral(FE_TONEAREST, fp16.value(a))));
  });
}

template <class S>
std::vector<std::tuple<S>> integers(const Format& f) {
  auto rows = table<S>(1000);
  auto& g = generator();
  for (int i = 0; i < 2000; i++) {  // ties of the format, shifted anywhere, and what is next to them
    const u64 tie = (2 * (g() % (1u << (f.fraction + 1))) + 1) << g() % (64 - f.fraction - 2);
    for (const u64 v : {tie, tie - 1, tie + 1, u64{0} - tie}) rows.emplace_back(static_cast<S>(v));
  }
  return rows;
}

TEST(HalfConvert, FromIntegers) {
  for (const Format& f : formats)
    for (const Rounding& r : roundings)
      each<u8, s8, u16, s16, u32, s32, u64, s64>([&](auto s) {
        using S = decltype(s);
        const auto rounded = [&](S a) {  // as a sum of two numbers of fp64
          const double high = static_cast<double>(a);
          const __int128 rest = static_cast<__int128>(a) - static_cast<__int128>(high);
          return f.rounded(high, static_cast<double>(rest), r.mode);
        };
        const std::string from = std::string(".") + f.name + "." + name<S>() + " %d, %a;";
        check<u16>("cvt" + std::string(r.name) + from, integers<S>(f), rounded);
        if (&f == &fp16)
          check<u16>("cvt" + std::string(r.name) + ".sat" + from, integers<S>(f),
                     [&](S a) { return saturated(f, rounded(a)); });
      });
  check<u16>("cvt.rn.f16.u8 %d, %a;", table<u32>(), [](u32 a) { return fp16.rounded(a & 0xff); });
  check<u32>("cvt.rzi.s8.f16 %d, %a;", every_half(), [](u16 a) {
    return fp16.is_nan(a)
               ? 0u
               : static_cast<u32>(static_cast<s32>(std::clamp(std::trunc(fp16.value(a)), -128.0, 127.0)));
  });
  check<u16>("cvt.rn.bf16.s32 %d, %a;", integers<s32>(bfloat16), [](s32 a) { return bfloat16.rounded(a); });
}

// tf32 has eight bits of exponent and ten of fraction; the lower 13 bits are zero.
TEST(HalfConvert, ToTf32) {
  const auto rows = around<float>({"", 10, 127, 0x7fff, 0});
  for (const std::string rounding : {".rna", ".rn", ".rz"})
    for (const std::string limit : {"", ".satfinite", ".relu", ".relu.satfinite", ".satfinite.relu"}) {
      const bool relu = limit.find("relu") != std::string::npos,
                 finite = limit.find("satfinite") != std::string::npos;
      if (relu && rounding == ".rna") continue;
      judge<u32>("cvt" + rounding + limit + ".tf32.f32 %d, %a;", rows, [&](u32 got, float a) {
        if (std::isnan(a)) return std::isnan(bits<float>(got));
        const double unit =
            std::ldexp(1.0, std::max(a == 0 || std::isinf(a) ? -126 : std::ilogb(a), -126) - 10);
        double x = static_cast<double>(a) / unit;  // an integer, where a is one of tf32's numbers
        if (!std::isinf(a))
          x = rounding == ".rna" ? std::round(x) : rounding == ".rn" ? std::nearbyint(x) : std::trunc(x);
        x *= unit;
        const double most = bits<float>(0x7f7fe000u);
        if (std::fabs(x) > most)
          x = std::copysign(finite ? most : std::numeric_limits<double>::infinity(), x);
        if (relu && std::signbit(x)) return (got & 0x7fffffffu) == 0;
        return got == bits<u32>(static_cast<float>(x));
      });
    }
}

TEST(HalfConvert, Pack) {
  for (const int size : {2, 4, 8, 16})
    for (const bool is_signed : {false, true}) {
      const s64 most = (s64{1} << (is_signed ? size - 1 : size)) - 1, least = is_signed ? -most - 1 : 0;
      const auto part = [=](s32 a) {
        return static_cast<u64>(std::clamp<s64>(a, least, most)) & ((u64{1} << size) - 1);
      };
      const std::string type = (is_signed ? "s" : "u") + std::to_string(size);
      if (size == 16)
        check<u32>("cvt.pack.sat." + type + ".s32 %d, %a, %b;", table<s32, s32>(),
                   [&](s32 a, s32 b) { return static_cast<u32>(part(a) << size | part(b)); });
      else
        check<u32>("cvt.pack.sat." + type + ".s32.b32 %d, %a, %b, %c;", table<s32, s32, u32>(),
                   [&](s32 a, s32 b, u32 c) {
                     return static_cast<u32>(part(a) << size | part(b) | u64{c} << 2 * size);
                   });
    }
}

TEST(HalfConvert, RefusesWhatTheIsaHasNot) {
  for (const char* text :
       {"cvt.f16.f32 %h, %f;", "cvt.rn.e4m3x2.f32 %h, %f, %f;", "cvt.rn.satfinite.e4m3x2.f32 %h, %f, %f;",
        "cvt.rn.f16x2.e4m3x2 %r, %h;", "cvt.rm.f16x2.f32 %r, %f, %f;", "cvt.rn.relu.f16.f64 %h, %d;",
        "cvt.rm.relu.f16.f32 %h, %f;", "cvt.rn.sat.bf16.f32 %h, %f;", "cvt.rna.f16.f32 %h, %f;",
        "cvt.rna.f32.f64 %f, %d;", "cvt.rn.f16.f16 %h, %h;", "cvt.rni.f16.f32 %h, %f;", "cvt.s32.f16 %r, %h;",
        "cvt.rna.relu.tf32.f32 %r, %f;", "cvt.rs.f16x2.f32 %r, %f, %f, %r;",
        "cvt.pack.sat.u8.s32 %r, %r, %r;", "cvt.pack.u16.s32 %r, %r, %r;"}) {
    const std::string opcode = std::string(text).substr(0, std::string(text).find(' '));
    const auto message =
        fault_of(kernel_text(
                     0, std::string(".reg .b16 %h;\n.reg .b32 %r;\n.reg .f32 %f;\n.reg .f64 %d;\n") + text),
                 {{1, 1, 1}, {1, 1, 1}}, {})
            .message;
    EXPECT_NE(message.find(opcode), std::string::npos) << text << " gives '" << message << "'";
  }
}

}  // namespace
}  // namespace instruction_test
