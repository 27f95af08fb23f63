// cvt and cvta: PTX ISA, "Data Movement and Conversion Instructions: cvt".
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "tables.hpp"

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
template <class F>
void integers(F f) {
  each<u8, s8, u16, s16, u32, s32, u64, s64>(f);
}

template <class D, class S>
D clamped(S a) {  // into D's range
  using Wide = __int128;
  const Wide least = std::numeric_limits<D>::min(), most = std::numeric_limits<D>::max();
  return static_cast<D>(std::clamp(Wide{a}, least, most));
}

TEST(Convert, IntegerToInteger) {
  integers([](auto s) {
    using S = decltype(s);
    const auto rows = table<S>(100);
    integers([&](auto d) {
      using D = decltype(d);
      check<D>("cvt." + name<D>() + "." + name<S>() + " %d, %a;", rows,
               [](S a) { return static_cast<D>(a); });
      check<D>("cvt.sat." + name<D>() + "." + name<S>() + " %d, %a;", rows,
               [](S a) { return clamped<D>(a); });
    });
  });
  // Registers wider than the types: the result is extended by its sign, the operand's upper part ignored.
  check<u32>("cvt.s8.s32 %d, %a;", table<s32>(),
             [](s32 a) { return static_cast<u32>(s32{static_cast<s8>(a)}); });
  check<u32>("cvt.u8.u32 %d, %a;", table<u32>(), [](u32 a) { return a & 0xff; });
  check<u64>("cvt.s16.s64 %d, %a;", table<s64>(),
             [](s64 a) { return static_cast<u64>(s64{static_cast<s16>(a)}); });
  check<u32>("cvt.u32.u8 %d, %a;", table<u32>(), [](u32 a) { return a & 0xff; });
  check<u32>("cvt.s32.s16 %d, %a;", table<u32>(),
             [](u32 a) { return static_cast<u32>(s32{static_cast<s16>(a)}); });
  check<s64>("cvt.s64.s8 %d, %a;", table<u32>(), [](u32 a) { return s64{static_cast<s8>(a)}; });
  check<s64>("cvt.s64.s32 %d, %a;", table<u64>(), [](u64 a) { return s64{static_cast<s32>(a)}; });
  check<u64>("cvt.u64.u32 %d, %a;", table<u64>(), [](u64 a) { return a & 0xffffffff; });
}

template <class F>
F to_integral(int mode, F a) {
  return under(mode, [a] {
    volatile F x = a;
    return std::nearbyint(x);
  });
}

// Out of range: the nearest number that D has. NaN: 0 where neither fp64 nor a 64-bit integer takes part,
// else the number with the top bit alone.
template <class D, class S>
D float_to_integer(int mode, S a) {
  if (std::isnan(a)) {
    if (sizeof(S) == 4 && sizeof(D) < 8) return 0;
    return static_cast<D>(u64{1} << (sizeof(D) * 8 - 1));
  }
  const S r = to_integral(mode, a);
  if (r >= std::ldexp(S(1), std::numeric_limits<D>::digits)) return std::numeric_limits<D>::max();
  if (r < static_cast<S>(std::numeric_limits<D>::min())) return std::numeric_limits<D>::min();
  return static_cast<D>(r);
}

template <class S>
std::vector<std::tuple<S>> near_integers() {
  auto rows = table<S>();
  for (const double at :
       {0.0, 127.0, 128.0, 255.0, 256.0, 32767.0, 32768.0, 65535.0, 65536.0, 2147483647.0, 4294967295.0, 1e9})
    for (const double by : {-1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1.5})
      for (const double sign : {1.0, -1.0}) rows.emplace_back(static_cast<S>(sign * (at + by)));
  return rows;
}

TEST(Convert, FloatToInteger) {
  each<float, double>([](auto s) {
    using S = decltype(s);
    const auto rows = near_integers<S>();
    integers([&](auto d) {
      using D = decltype(d);
      for (const Rounding& r : roundings)
        for (const std::string sat : {"", ".sat"})
          check<D>("cvt" + std::string(r.name) + "i" + sat + "." + name<D>() + "." + name<S>() + " %d, %a;",
                   rows, [&](S a) { return float_to_integer<D>(r.mode, a); });
    });
  });
  check<s32>("cvt.rpi.ftz.s32.f32 %d, %a;", near_integers<float>(),
             [](float a) { return float_to_integer<s32>(FE_UPWARD, flush(a)); });
}

TEST(Convert, IntegerToFloat) {
  integers([](auto s) {
    using S = decltype(s);
    const auto rows = table<S>(500);
    each<float, double>([&](auto d) {
      using D = decltype(d);
      for (const Rounding& r : roundings)
        check<D>("cvt" + std::string(r.name) + "." + name<D>() + "." + name<S>() + " %d, %a;", rows,
                 [&](S a) {
                   return under(r.mode, [a] {
                     volatile S x = a;
                     return static_cast<D>(x);
                   });
                 });
      check<D>("cvt.rn.sat." + name<D>() + "." + name<S>() + " %d, %a;", rows,
               [](S a) { return a >= 1 ? D(1) : D(0); });
    });
  });
}

TEST(Convert, FloatToFloat) {
  auto rows = table<double>(2000);
  for (const auto& [f] : table<float>(500))  // ties between two floats, and their neighbours
    for (const double by : {0.5, 0.49, 0.51}) {
      const double unit = std::nextafter(f, std::numeric_limits<float>::infinity()) - static_cast<double>(f);
      rows.emplace_back(static_cast<double>(f) + by * unit);
    }
  for (const Rounding& r : roundings) {
    const auto narrow = [&](double a) {
      return under(r.mode, [a] {
        volatile double x = a;
        return static_cast<float>(x);
      });
    };
    check<float>("cvt" + std::string(r.name) + ".f32.f64 %d, %a;", rows, narrow);
    judge<float>("cvt" + std::string(r.name) + ".ftz.f32.f64 %d, %a;", rows, [&](float got, double a) {
      return same(got, flush(narrow(a))) || (at_flush_border(narrow(a)) && got == 0);
    });
    judge<float>("cvt" + std::string(r.name) + ".sat.f32.f64 %d, %a;", rows, [&](float got, double a) {
      return got == (narrow(a) > 0 ? std::min(narrow(a), 1.0f) : 0.0f);
    });
    check<float>("cvt" + std::string(r.name) + "i.f32.f32 %d, %a;", near_integers<float>(),
                 [&](float a) { return to_integral(r.mode, a); });
    check<double>("cvt" + std::string(r.name) + "i.f64.f64 %d, %a;", near_integers<double>(),
                  [&](double a) { return to_integral(r.mode, a); });
  }
  check<double>("cvt.f64.f32 %d, %a;", table<float>(), [](float a) { return static_cast<double>(a); });
  check<double>("cvt.ftz.f64.f32 %d, %a;", table<float>(),
                [](float a) { return static_cast<double>(flush(a)); });
  check<float>("cvt.ftz.f32.f32 %d, %a;", table<float>(), flush);
  judge<float>("cvt.sat.f32.f32 %d, %a;", table<float>(),
               [](float got, float a) { return got == (a > 0 ? std::min(a, 1.0f) : 0.0f); });
}

u16 half(float a) { return static_cast<__half_raw>(__float2half_rn(a)).x; }
u16 bfloat(float a) { return static_cast<__nv_bfloat16_raw>(__float2bfloat16_rn(a)).x; }
bool is_nan16(u16 h, u16 infinity) { return (h & 0x7fff) > infinity; }

std::vector<std::tuple<float>> half_operands() {
  auto rows = table<float>(2000);
  for (u32 h = 0; h < 0x7c00; h += 97)  // every kind of half, the tie above it and its neighbours
    for (const float by : {0.0f, 0.5f, 0.499f, 0.501f}) {
      const float low = __half2float(__half(__half_raw{static_cast<u16>(h)}));
      const float high = __half2float(__half(__half_raw{static_cast<u16>(h + 1)}));
      rows.emplace_back(std::isinf(high) ? 65504.0f + 32 * by : low + by * (high - low));
      rows.emplace_back(bits<float>(h * 0x20001u + (by == 0.5f ? 0x8000u : 0)));
    }
  return rows;
}

TEST(Convert, SixteenBitFloats) {
  const auto rows = half_operands();
  const auto good = [](u16 got, u16 wanted, u16 infinity) {
    return is_nan16(wanted, infinity) ? is_nan16(got, infinity) : got == wanted;
  };
  judge<u16>("cvt.rn.f16.f32 %d, %a;", rows, [&](u16 got, float a) { return good(got, half(a), 0x7c00); });
  judge<u16>("cvt.rn.bf16.f32 %d, %a;", rows, [&](u16 got, float a) { return good(got, bfloat(a), 0x7f80); });
  judge<u16>("cvt.rz.f16.f32 %d, %a;", rows, [&](u16 got, float a) {
    return good(got, static_cast<__half_raw>(__float2half_rz(a)).x, 0x7c00);
  });
  std::vector<std::tuple<u16>> all;
  for (u32 h = 0; h < 0x10000; h += 7) all.emplace_back(static_cast<u16>(h));
  check<float>("cvt.f32.f16 %d, %a;", all, [](u16 a) { return __half2float(__half(__half_raw{a})); });
  check<float>("cvt.f32.bf16 %d, %a;", all, [](u16 a) { return bits<float>(u32{a} << 16); });
  // The first operand goes to the upper half.
  const auto both = [&](u32 got, u16 upper, u16 lower, u16 infinity) {
    return good(static_cast<u16>(got >> 16), upper, infinity) && good(static_cast<u16>(got), lower, infinity);
  };
  const auto pairs = table<float, float>();
  judge<u32>("cvt.rn.f16x2.f32 %d, %a, %b;", pairs,
             [&](u32 got, float a, float b) { return both(got, half(a), half(b), 0x7c00); });
  judge<u32>("cvt.rn.bf16x2.f32 %d, %a, %b;", pairs,
             [&](u32 got, float a, float b) { return both(got, bfloat(a), bfloat(b), 0x7f80); });
}

TEST(Convert, Addresses) {
  const auto& windows = ptxvm::memory::AddressSpace::instance().windows();
  std::vector<std::tuple<u64>> offsets;
  for (u64 i = 0; i < 64; i++) offsets.emplace_back(i * 8);
  const auto shifted = [](u64 by) { return [by](u64 a) { return a + by; }; };
  check<u64>("cvta.shared.u64 %d, %a;", offsets, shifted(windows.shared));
  check<u64>("cvta.local.u64 %d, %a;", offsets, shifted(windows.local));
  check<u64>("cvta.param.u64 %d, %a;", offsets, shifted(windows.param));
  check<u64>("cvta.global.u64 %d, %a;", offsets, shifted(0));
  check<u64>("cvta.const.u64 %d, %a;", offsets, shifted(0));
  for (const std::string space : {"shared", "local", "param", "global", "const"})
    check<u64>("{ cvta." + space + ".u64 %d, %a; cvta.to." + space + ".u64 %d, %d; }", offsets, shifted(0));
}

}  // namespace
}  // namespace instruction_test
