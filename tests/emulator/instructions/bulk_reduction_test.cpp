// cp.reduce.async.bulk into global memory: every operation on every type that the ISA lists, against the
// definition.
#include <cmath>
#include <functional>

#include "seeds.hpp"
#include "tables.hpp"

namespace instruction_test {
namespace {

// Runs one reduction of `from` into `to`, both of whole 16 bytes.
template <class T>
std::vector<T> reduced(const std::string& operation, const std::vector<T>& from, const std::vector<T>& to) {
  const Buffer in(from), out(to);
  const std::string bytes = std::to_string(from.size() * sizeof(T));
  run(kernel_text(
          2,
          ".reg .b32 %x, %n, %s;\n.reg .b64 %h;\n.reg .pred %p;\nmov.u32 %s, data;\nmov.u32 %x, 0;\n"
          "GET:\nshl.b32 %n, %i, 2;\nadd.u32 %n, %n, %x;\nsetp.ge.u32 %p, %n, " +
              bytes +
              ";\n@%p bra FULL;\n"
              "cvt.u64.u32 %at, %n;\nadd.u64 %at, %at, %q0;\nadd.u32 %n, %n, %s;\n"
              "{\n.reg .b32 %word;\nld.global.u32 %word, [%at];\nst.shared.u32 [%n], %word;\n}\nadd.u32 %x, "
              "%x, 128;\nbra GET;\n"
              "FULL:\nfence.proxy.async.shared::cta;\nbar.sync 0;\nsetp.ne.u32 %p, %i, 0;\n@%p bra DONE;\n"
              "cp.reduce.async.bulk.global.shared::cta.bulk_group" +
              operation + " [%q1], [%s], " + bytes +
              ";\n"
              "cp.async.bulk.commit_group;\ncp.async.bulk.wait_group 0;\nDONE:\n",
          ".shared .align 128 .b8 data[65536];\n"),
      {{1, 1, 1}, {32, 1, 1}}, {in.address(), out.address()});
  return out.template read<T>(from.size());
}

// All edge values against all, in each of two orders of time.
template <class T>
void check_reduction(const std::string& operation, std::vector<T> values,
                     const std::function<T(T, T)>& definition) {
  std::vector<T> from, to;
  for (const T a : values)
    for (const T b : values) to.push_back(a), from.push_back(b);
  while (from.size() * sizeof(T) % 16) from.push_back(from[0]), to.push_back(to[0]);
  for (const int seed : {1, 2}) {
    const WithSeed with(seed);
    const auto got = reduced(operation, from, to);
    for (std::size_t k = 0; k < from.size(); k++) {
      const T wanted = definition(to[k], from[k]);
      ASSERT_TRUE(same(got[k], wanted)) << operation << " of " << shown(to[k]) << " and " << shown(from[k])
                                        << " gives " << shown(got[k]) << ", not " << shown(wanted);
    }
  }
}

template <class T>
void check_integers(const std::string& type, bool adds) {
  using U = std::make_unsigned_t<T>;
  if (adds) check_reduction<T>(".add." + type, edges<T>(), [](T a, T b) { return T(U(a) + U(b)); });
  check_reduction<T>(".min." + type, edges<T>(), [](T a, T b) { return std::min(a, b); });
  check_reduction<T>(".max." + type, edges<T>(), [](T a, T b) { return std::max(a, b); });
}
template <class T>
void check_bits(const std::string& type) {
  check_reduction<T>(".and." + type, edges<T>(), [](T a, T b) { return T(a & b); });
  check_reduction<T>(".or." + type, edges<T>(), [](T a, T b) { return T(a | b); });
  check_reduction<T>(".xor." + type, edges<T>(), [](T a, T b) { return T(a ^ b); });
}

TEST(BulkReduction, Integers) {
  check_integers<u32>("u32", true);
  check_integers<s32>("s32", true);
  check_integers<u64>("u64", true);
  check_integers<s64>("s64", false);
  check_bits<u32>("b32");
  check_bits<u64>("b64");
  check_reduction<u32>(".inc.u32", edges<u32>(), [](u32 a, u32 b) { return a >= b ? 0 : a + 1; });
  check_reduction<u32>(".dec.u32", edges<u32>(), [](u32 a, u32 b) { return a == 0 || a > b ? b : a - 1; });
}

TEST(BulkReduction, SinglesFlushSubnormalsAndDoublesKeepThem) {
  const auto flush = [](float a) { return std::fpclassify(a) == FP_SUBNORMAL ? std::copysign(0.0f, a) : a; };
  check_reduction<float>(".add.f32", edges<float>(),
                         [&](float a, float b) { return flush(flush(a) + flush(b)); });
  check_reduction<double>(".add.f64", edges<double>(), [](double a, double b) { return a + b; });
}

// A 16-bit number's value, from its parts; NaN for NaN.
double value_of(u16 word, int exponent_bits) {
  const int fraction_bits = 15 - exponent_bits, bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = (word & 0x7fff) >> fraction_bits, fraction = word & ((1 << fraction_bits) - 1);
  double v;
  if (exponent == (1 << exponent_bits) - 1)
    v = fraction ? NAN : INFINITY;
  else if (exponent == 0)
    v = std::ldexp(fraction, 1 - bias - fraction_bits);
  else
    v = std::ldexp(fraction + (1 << fraction_bits), exponent - bias - fraction_bits);
  return word & 0x8000 ? -v : v;
}

// Of the finite numbers the nearest to v; of two, the even one. Beyond the largest by half a step or more:
// infinity.
u16 nearest(double v, int exponent_bits) {
  const u16 infinity = u16(((1 << exponent_bits) - 1) << (15 - exponent_bits));
  u16 low = 0, high = infinity;  // the values of words 0 to infinity ascend
  const double a = std::fabs(v);
  while (high - low > 1) {
    const u16 middle = u16((low + high) / 2);
    (value_of(middle, exponent_bits) <= a ? low : high) = middle;
  }
  const double below = value_of(low, exponent_bits);
  const double above =
      high == infinity ? 2 * below - value_of(u16(low - 1), exponent_bits) : value_of(high, exponent_bits);
  const bool up = a - below > above - a || (a - below == above - a && (low & 1));
  return u16((up ? high : low) | (std::signbit(v) ? 0x8000 : 0));
}

void check_small(const std::string& type, int exponent_bits) {
  const u16 infinity = u16(((1 << exponent_bits) - 1) << (15 - exponent_bits));
  std::vector<u16> values = {0,
                             1,
                             2,
                             3,
                             0x7f,
                             0x80,
                             0x3ff,
                             0x400,
                             0x401,
                             u16(infinity - 1),
                             u16(infinity - 2),
                             infinity,
                             u16(infinity + 1),
                             0x7fff,
                             0x3c00,
                             0x3c01,
                             0x3f80,
                             0x3f81,
                             0x1234,
                             0x4248};
  for (int k = 0; k < 60; k++) values.push_back(u16(generator()()));
  for (std::size_t k = 0, n = values.size(); k < n; k++) values.push_back(values[k] ^ 0x8000);
  const auto is_nan = [=](u16 w) { return (w & 0x7fff) > infinity; };
  check_reduction<u16>(".add.noftz." + type, values, [=](u16 a, u16 b) {
    const double sum = value_of(a, exponent_bits) + value_of(b, exponent_bits);  // exact
    return std::isnan(sum)   ? u16(0x7fff)
           : std::isinf(sum) ? u16(infinity | (sum < 0 ? 0x8000 : 0))
                             : nearest(sum, exponent_bits);
  });
  for (const bool greater : {false, true})
    check_reduction<u16>((greater ? ".max." : ".min.") + type, values, [=](u16 a, u16 b) {
      if (is_nan(a) && is_nan(b)) return u16(0x7fff);
      if (is_nan(a) || is_nan(b)) return is_nan(a) ? b : a;
      // Ordered by value, -0 below +0: sign and magnitude as one number
      const auto key = [](u16 w) { return w & 0x8000 ? -1 - int(w & 0x7fff) : int(w); };
      return (key(a) > key(b)) == greater ? a : b;
    });
}

TEST(BulkReduction, SixteenBitNumbersKeepSubnormals) {
  check_small("f16", 5);
  check_small("bf16", 8);
}

}  // namespace
}  // namespace instruction_test
