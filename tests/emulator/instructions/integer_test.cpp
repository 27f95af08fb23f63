// Integer arithmetic: PTX ISA, "Integer Arithmetic Instructions" and "Extended-Precision Integer Arithmetic".
#include "tables.hpp"

namespace instruction_test {
namespace {

template <class T>
std::string name() {
  return (std::is_signed_v<T> ? "s" : "u") + std::to_string(sizeof(T) * 8);
}

using Wide = __int128;

template <class T>
T low(Wide x) {
  return static_cast<T>(static_cast<unsigned __int128>(x));
}
template <class T>
T high(Wide a, Wide b) {  // of the product; unsigned 64-bit products need all 128 bits
  return low<T>(static_cast<Wide>(
      (std::is_signed_v<T> ? static_cast<unsigned __int128>(a * b)
                           : static_cast<unsigned __int128>(a) * static_cast<unsigned __int128>(b)) >>
      (sizeof(T) * 8)));
}

template <class T>
void arithmetic() {
  const std::string t = name<T>();
  const auto pairs = table<T, T>();
  check<T>("add." + t + " %d, %a, %b;", pairs, [](T a, T b) { return low<T>(Wide{a} + b); });
  check<T>("sub." + t + " %d, %a, %b;", pairs, [](T a, T b) { return low<T>(Wide{a} - b); });
  check<T>("mul.lo." + t + " %d, %a, %b;", pairs, [](T a, T b) {
    return low<T>(
        static_cast<Wide>(static_cast<unsigned __int128>(Wide{a}) * static_cast<unsigned __int128>(Wide{b})));
  });
  check<T>("mul.hi." + t + " %d, %a, %b;", pairs, [](T a, T b) { return high<T>(a, b); });
  check<T>("min." + t + " %d, %a, %b;", pairs, [](T a, T b) { return std::min(a, b); });
  check<T>("max." + t + " %d, %a, %b;", pairs, [](T a, T b) { return std::max(a, b); });
  const auto triples = table<T, T, T>();
  check<T>("mad.lo." + t + " %d, %a, %b, %c;", triples, [](T a, T b, T c) {
    return low<T>(
        static_cast<Wide>(static_cast<unsigned __int128>(Wide{a}) * static_cast<unsigned __int128>(Wide{b}) +
                          static_cast<unsigned __int128>(Wide{c})));
  });
  check<T>("mad.hi." + t + " %d, %a, %b, %c;", triples,
           [](T a, T b, T c) { return low<T>(Wide{high<T>(a, b)} + c); });
  check<T>("sad." + t + " %d, %a, %b, %c;", triples,
           [](T a, T b, T c) { return low<T>(Wide{c} + (a < b ? Wide{b} - a : Wide{a} - b)); });
  // Division by zero, and of the least number by -1, have no defined result.
  auto divisions = pairs;
  divisions.erase(std::remove_if(divisions.begin(), divisions.end(),
                                 [](const auto& row) {
                                   const auto [a, b] = row;
                                   return b == 0 || (std::is_signed_v<T> && b == T(-1) &&
                                                     a == std::numeric_limits<T>::min());
                                 }),
                  divisions.end());
  check<T>("div." + t + " %d, %a, %b;", divisions, [](T a, T b) { return low<T>(Wide{a} / b); });
  check<T>("rem." + t + " %d, %a, %b;", divisions, [](T a, T b) { return low<T>(Wide{a} % b); });
  if constexpr (std::is_signed_v<T>) {
    check<T>("abs." + t + " %d, %a;", table<T>(), [](T a) { return low<T>(a < 0 ? -Wide{a} : Wide{a}); });
    check<T>("neg." + t + " %d, %a;", table<T>(), [](T a) { return low<T>(-Wide{a}); });
  }
  // An immediate operand, and a register that is source and destination.
  check<T>("sub." + t + " %d, %a, 7;", table<T>(), [](T a) { return low<T>(Wide{a} - 7); });
  check<T>("{ mov.b" + std::to_string(sizeof(T) * 8) + " %d, %a; add." + t + " %d, %d, %d; }", table<T>(),
           [](T a) { return low<T>(2 * Wide{a}); });
}

TEST(Integer, Arithmetic16) { arithmetic<u16>(), arithmetic<s16>(); }
TEST(Integer, Arithmetic32) { arithmetic<u32>(), arithmetic<s32>(); }
TEST(Integer, Arithmetic64) { arithmetic<u64>(), arithmetic<s64>(); }

template <class N, class W>
void wide() {
  const std::string t = name<N>();
  check<W>("mul.wide." + t + " %d, %a, %b;", table<N, N>(), [](N a, N b) { return low<W>(Wide{a} * b); });
  check<W>("mad.wide." + t + " %d, %a, %b, %c;", table<N, N, W>(),
           [](N a, N b, W c) { return low<W>(Wide{a} * b + c); });
}
TEST(Integer, Wide) { wide<u16, u32>(), wide<s16, s32>(), wide<u32, u64>(), wide<s32, s64>(); }

s32 clamped(s64 x) {
  return static_cast<s32>(
      std::clamp<s64>(x, std::numeric_limits<s32>::min(), std::numeric_limits<s32>::max()));
}
TEST(Integer, Saturating) {
  check<s32>("add.sat.s32 %d, %a, %b;", table<s32, s32>(), [](s32 a, s32 b) { return clamped(s64{a} + b); });
  check<s32>("sub.sat.s32 %d, %a, %b;", table<s32, s32>(), [](s32 a, s32 b) { return clamped(s64{a} - b); });
  check<s32>("mad.hi.sat.s32 %d, %a, %b, %c;", table<s32, s32, s32>(),
             [](s32 a, s32 b, s32 c) { return clamped((s64{a} * b >> 32) + c); });
}

// 24-bit operands: bits 47..16 (.hi) and 31..0 (.lo) of the 48-bit product.
template <class T>
void narrow_products() {
  const std::string t = name<T>();
  const auto product = [](T a, T b) {
    const auto cut = [](T x) { return static_cast<T>(static_cast<u32>(x) << 8) >> 8; };
    return s64{cut(a)} * s64{cut(b)};
  };
  check<T>("mul24.lo." + t + " %d, %a, %b;", table<T, T>(), [&](T a, T b) { return low<T>(product(a, b)); });
  check<T>("mul24.hi." + t + " %d, %a, %b;", table<T, T>(),
           [&](T a, T b) { return low<T>(product(a, b) >> 16); });
  check<T>("mad24.lo." + t + " %d, %a, %b, %c;", table<T, T, T>(),
           [&](T a, T b, T c) { return low<T>(Wide{low<T>(product(a, b))} + c); });
  check<T>("mad24.hi." + t + " %d, %a, %b, %c;", table<T, T, T>(),
           [&](T a, T b, T c) { return low<T>(Wide{low<T>(product(a, b) >> 16)} + c); });
}
TEST(Integer, NarrowProducts) {
  narrow_products<u32>(), narrow_products<s32>();
  check<s32>("mad24.hi.sat.s32 %d, %a, %b, %c;", table<s32, s32, s32>(), [](s32 a, s32 b, s32 c) {
    const auto cut = [](s32 x) { return static_cast<s32>(static_cast<u32>(x) << 8) >> 8; };
    return clamped((s64{cut(a)} * cut(b) >> 16) + c);
  });
}

template <class A, class B>
void dot_products() {
  const std::string t =
      std::string(std::is_signed_v<A> ? "s32" : "u32") + (std::is_signed_v<B> ? ".s32" : ".u32");
  check<u32>("dp4a." + t + " %d, %a, %b, %c;", table<u32, u32, u32>(), [](u32 a, u32 b, u32 c) {
    s64 sum = c;
    for (int i = 0; i < 4; i++) sum += s64{static_cast<A>(a >> 8 * i)} * s64{static_cast<B>(b >> 8 * i)};
    return static_cast<u32>(sum);
  });
  using Half = std::conditional_t<std::is_signed_v<A>, s16, u16>;
  for (const int half : {0, 1})
    check<u32>(std::string("dp2a.") + (half ? "hi." : "lo.") + t + " %d, %a, %b, %c;", table<u32, u32, u32>(),
               [&](u32 a, u32 b, u32 c) {
                 s64 sum = c;
                 for (int i = 0; i < 2; i++)
                   sum += s64{static_cast<Half>(a >> 16 * i)} * s64{static_cast<B>(b >> (16 * half + 8 * i))};
                 return static_cast<u32>(sum);
               });
}
TEST(Integer, DotProducts) {
  dot_products<u8, u8>(), dot_products<s8, s8>(), dot_products<s8, u8>(), dot_products<u8, s8>();
}

// Sums and differences of double length through the carry flag.
TEST(Integer, Carry) {
  using Big = unsigned __int128;
  const std::string halves =
      "{ .reg .b32 %al, %ah, %bl, %bh; mov.b64 {%al, %ah}, %a; mov.b64 {%bl, %bh}, %b; ";
  const std::string result = "mov.b64 %d, {%al, %ah}; }";
  check<u64>(halves + "add.cc.u32 %al, %al, %bl; addc.u32 %ah, %ah, %bh; " + result, table<u64, u64>(),
             [](u64 a, u64 b) { return a + b; });
  check<u64>(halves + "sub.cc.u32 %al, %al, %bl; subc.u32 %ah, %ah, %bh; " + result, table<u64, u64>(),
             [](u64 a, u64 b) { return a - b; });
  check<u64>("{ .reg .b64 %lo; add.cc.u64 %lo, %a, %b; addc.cc.u64 %lo, %c, %a; addc.u64 %d, 0, 0; }",
             table<u64, u64, u64>(), [](u64 a, u64 b, u64 c) {
               const u64 carry = static_cast<u64>((Big{a} + b) >> 64);
               return static_cast<u64>((Big{c} + a + carry) >> 64);
             });
  check<u32>("{ .reg .b32 %lo; sub.cc.u32 %lo, %a, %b; subc.cc.u32 %lo, %c, %a; subc.u32 %d, 0, 0; }",
             table<u32, u32, u32>(), [](u32 a, u32 b, u32 c) {
               const s64 borrow = s64{a} - b < 0;
               return s64{c} - a - borrow < 0 ? ~0u : 0u;
             });
  // The flag is the adder's: a difference a + ~b + 1 carries where nothing is borrowed, for an addc too, and a sum that
  // did not carry is a borrow to subc.
  check<u32>("{ .reg .b32 %lo; sub.cc.u32 %lo, %a, %b; addc.u32 %d, %c, 0; }", table<u32, u32, u32>(),
             [](u32 a, u32 b, u32 c) { return c + (a >= b); });
  check<u64>("{ .reg .b64 %lo; sub.cc.u64 %lo, %a, %b; subc.cc.u64 %lo, %c, %a; addc.u64 %d, 0, 0; }", table<u64, u64, u64>(),
             [](u64 a, u64 b, u64 c) { return u64{c > a || (c == a && a >= b)}; });
  check<u32>("{ .reg .b32 %lo; add.cc.u32 %lo, %a, %b; subc.u32 %d, %c, %b; }", table<u32, u32, u32>(),
             [](u32 a, u32 b, u32 c) { return c - b - !((u64{a} + b) >> 32); });
  // a product of 64 bits from 32-bit parts, and its carry into a third word
  check<u64>(
      "{ .reg .b32 %l, %h; mad.lo.cc.u32 %l, %a, %b, %c; madc.hi.u32 %h, %a, %b, 0; mov.b64 %d, {%l, %h}; }",
      table<u32, u32, u32>(), [](u32 a, u32 b, u32 c) { return u64{a} * b + c; });
  check<u32>("{ .reg .b32 %l; mad.hi.cc.u32 %l, %a, %b, %c; madc.lo.u32 %d, %a, %c, %b; }",
             table<u32, u32, u32>(), [](u32 a, u32 b, u32 c) {
               const u64 sum = (u64{a} * b >> 32) + c;
               return a * c + b + static_cast<u32>(sum >> 32);
             });
  check<u64>("{ .reg .b64 %l; mad.lo.cc.u64 %l, %a, %b, %c; madc.hi.u64 %d, %a, %b, 0; }",
             table<u64, u64, u64>(),
             [](u64 a, u64 b, u64 c) { return static_cast<u64>((Big{a} * b + c) >> 64); });
}

template <class H>
void halves() {
  const std::string t = std::is_signed_v<H> ? "s16x2" : "u16x2";
  const auto both = [](auto f) {
    return [f](u32 a, u32 b) {
      const auto half = [&](int shift) {
        return static_cast<u32>(static_cast<u16>(f(static_cast<H>(a >> shift), static_cast<H>(b >> shift))))
               << shift;
      };
      return half(0) | half(16);
    };
  };
  check<u32>("add." + t + " %d, %a, %b;", table<u32, u32>(), both([](int a, int b) { return a + b; }));
  check<u32>("min." + t + " %d, %a, %b;", table<u32, u32>(),
             both([](int a, int b) { return std::min(a, b); }));
  check<u32>("max." + t + " %d, %a, %b;", table<u32, u32>(),
             both([](int a, int b) { return std::max(a, b); }));
}
TEST(Integer, PackedHalves) {
  halves<u16>(), halves<s16>();
  check<s32>("min.relu.s32 %d, %a, %b;", table<s32, s32>(),
             [](s32 a, s32 b) { return std::max(0, std::min(a, b)); });
  check<s32>("max.relu.s32 %d, %a, %b;", table<s32, s32>(),
             [](s32 a, s32 b) { return std::max(0, std::max(a, b)); });
}

}  // namespace
}  // namespace instruction_test
