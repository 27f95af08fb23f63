// Logic, shifts and moves: PTX ISA, "Logic and Shift Instructions", "Data Movement and Conversion
// Instructions".
#include "tables.hpp"

namespace instruction_test {
namespace {

template <class T>
void logic() {
  const std::string b = ".b" + std::to_string(sizeof(T) * 8) + " ";
  const auto pairs = table<T, T>();
  check<T>("and" + b + "%d, %a, %b;", pairs, [](T a, T x) { return static_cast<T>(a & x); });
  check<T>("or" + b + "%d, %a, %b;", pairs, [](T a, T x) { return static_cast<T>(a | x); });
  check<T>("xor" + b + "%d, %a, %b;", pairs, [](T a, T x) { return static_cast<T>(a ^ x); });
  check<T>("not" + b + "%d, %a;", table<T>(), [](T a) { return static_cast<T>(~a); });
  check<T>("cnot" + b + "%d, %a;", table<T>(), [](T a) { return static_cast<T>(a == 0 ? 1 : 0); });
  check<T>("mov" + b + "%d, %a;", table<T>(), [](T a) { return a; });
  check<T>("selp" + b + "%d, %a, %b, %c;", table<T, T, Pred>(),
           [](T a, T x, Pred p) { return p.value ? a : x; });
  check<T>("selp" + b + "%d, %a, 3, %b;", table<T, Pred>(), [](T a, Pred p) { return p.value ? a : T(3); });
  // Counts above the width count as the width.
  using Signed = std::make_signed_t<T>;
  constexpr u32 width = sizeof(T) * 8;
  const std::string n = std::to_string(width) + " ";
  check<T>("shl" + b + "%d, %a, %b;", table<T, u32>(),
           [](T a, u32 s) { return s >= width ? T(0) : static_cast<T>(u64{a} << s); });
  check<T>("shr.u" + n + "%d, %a, %b;", table<T, u32>(),
           [](T a, u32 s) { return s >= width ? T(0) : static_cast<T>(u64{a} >> s); });
  check<T>("shr.b" + n + "%d, %a, %b;", table<T, u32>(),
           [](T a, u32 s) { return s >= width ? T(0) : static_cast<T>(u64{a} >> s); });
  check<Signed>("shr.s" + n + "%d, %a, %b;", table<Signed, u32>(),
                [](Signed a, u32 s) { return static_cast<Signed>(s64{a} >> std::min(s, 63u)); });
}
TEST(Logic, Bits16) { logic<u16>(); }
TEST(Logic, Bits32) { logic<u32>(); }
TEST(Logic, Bits64) { logic<u64>(); }

// The type of a move or choice says only its width: every bit pattern passes unchanged, and so do infinities.
template <class T>
void moved(const std::string& type) {
  check<T>("mov." + type + " %d, %a;", table<T>(), [](T a) { return a; });
  check<T>("selp." + type + " %d, %a, %b, %c;", table<T, T, Pred>(),
           [](T a, T x, Pred p) { return p.value ? a : x; });
}
TEST(Logic, MovesAndChoicesOfEveryType) {
  moved<u16>("u16"), moved<s16>("s16"), moved<u32>("u32"), moved<s32>("s32"), moved<u64>("u64");
  moved<s64>("s64"), moved<u32>("f32"), moved<u64>("f64"), moved<float>("f32"), moved<double>("f64");
}

TEST(Logic, Predicates) {
  const auto pairs = table<Pred, Pred>();
  check<Pred>("and.pred %d, %a, %b;", pairs, [](Pred a, Pred b) { return Pred{a.value && b.value}; });
  check<Pred>("or.pred %d, %a, %b;", pairs, [](Pred a, Pred b) { return Pred{a.value || b.value}; });
  check<Pred>("xor.pred %d, %a, %b;", pairs, [](Pred a, Pred b) { return Pred{a.value != b.value}; });
  check<Pred>("not.pred %d, %a;", table<Pred>(), [](Pred a) { return Pred{!a.value}; });
  check<Pred>("mov.pred %d, %a;", table<Pred>(), [](Pred a) { return a; });
  check<u32>("{ @!%a mov.u32 %d, 5; @%a mov.u32 %d, %b; }", table<Pred, u32>(),
             [](Pred a, u32 b) { return a.value ? b : 5; });
}

TEST(Logic, AnyFunctionOfThree) {
  for (int f = 0; f < 256; f += f < 16 ? 1 : 7)
    check<u32>("lop3.b32 %d, %a, %b, %c, " + std::to_string(f) + ";", table<u32, u32, u32>(50),
               [&](u32 a, u32 b, u32 c) {
                 u32 r = 0;
                 for (int i = 0; i < 32; i++)
                   r |= static_cast<u32>(f >> ((a >> i & 1) * 4 + (b >> i & 1) * 2 + (c >> i & 1)) & 1) << i;
                 return r;
               });
  check<Pred>("{ .reg .b32 %r; lop3.or.b32 %r|%d, %a, %b, %c, 0x80, %e; }", table<u32, u32, u32, Pred>(),
              [](u32 a, u32 b, u32 c, Pred q) { return Pred{(a & b & c) != 0 || q.value}; });
}

TEST(Logic, FunnelShifts) {
  const auto rows = table<u32, u32, u32>();
  const auto left = [](u32 a, u32 b, u32 n) { return static_cast<u32>(((u64{b} << 32 | a) << n) >> 32); };
  const auto right = [](u32 a, u32 b, u32 n) { return static_cast<u32>((u64{b} << 32 | a) >> n); };
  check<u32>("shf.l.clamp.b32 %d, %a, %b, %c;", rows,
             [&](u32 a, u32 b, u32 c) { return left(a, b, std::min(c, 32u)); });
  check<u32>("shf.r.clamp.b32 %d, %a, %b, %c;", rows,
             [&](u32 a, u32 b, u32 c) { return right(a, b, std::min(c, 32u)); });
  check<u32>("shf.l.wrap.b32 %d, %a, %b, %c;", rows, [&](u32 a, u32 b, u32 c) { return left(a, b, c % 32); });
  check<u32>("shf.r.wrap.b32 %d, %a, %b, %c;", rows,
             [&](u32 a, u32 b, u32 c) { return right(a, b, c % 32); });
}

TEST(Logic, ChoiceBySign) {
  check<u32>("slct.u32.s32 %d, %a, %b, %c;", table<u32, u32, s32>(),
             [](u32 a, u32 b, s32 c) { return c >= 0 ? a : b; });
  check<u64>("slct.b64.s32 %d, %a, %b, %c;", table<u64, u64, s32>(),
             [](u64 a, u64 b, s32 c) { return c >= 0 ? a : b; });
  check<u16>("slct.b16.s32 %d, %a, %b, %c;", table<u16, u16, s32>(),
             [](u16 a, u16 b, s32 c) { return c >= 0 ? a : b; });
  const auto by_float = [](u32 a, u32 b, float c) { return c >= 0 ? a : b; };  // NaN chooses b
  check<u32>("slct.b32.f32 %d, %a, %b, %c;", table<u32, u32, float>(), by_float);
  check<u32>("slct.ftz.b32.f32 %d, %a, %b, %c;", table<u32, u32, float>(),
             [&](u32 a, u32 b, float c) { return by_float(a, b, flush(c)); });
  check<float>("slct.f32.f32 %d, %a, %b, %c;", table<float, float, float>(),
               [](float a, float b, float c) { return c >= 0 ? a : b; });
}

TEST(Logic, MovesThatPackAndUnpack) {
  check<u32>("mov.b32 %d, {%a, %b};", table<u16, u16>(), [](u16 a, u16 b) { return a | u32{b} << 16; });
  check<u64>("mov.b64 %d, {%a, %b};", table<u32, u32>(), [](u32 a, u32 b) { return a | u64{b} << 32; });
  check<u64>("mov.b64 %d, {%a, %b, %c, %e};", table<u16, u16, u16, u16>(),
             [](u16 a, u16 b, u16 c, u16 e) { return a | u64{b} << 16 | u64{c} << 32 | u64{e} << 48; });
  check<u16>("mov.b32 {_, %d}, %a;", table<u32>(), [](u32 a) { return static_cast<u16>(a >> 16); });
  check<u16>("mov.b32 {%d, _}, %a;", table<u32>(), [](u32 a) { return static_cast<u16>(a); });
  check<u32>("mov.b64 {%d, _}, %a;", table<u64>(), [](u64 a) { return static_cast<u32>(a); });
  check<u16>("{ .reg .b16 %w, %x, %y; mov.b64 {%w, %x, %d, %y}, %a; }", table<u64>(),
             [](u64 a) { return static_cast<u16>(a >> 32); });
  // swap in place
  check<u64>(
      "{ .reg .b32 %l, %h; mov.b64 {%l, %h}, %a; mov.b64 %d, {%h, %l}; mov.b64 {%h, %l}, %d; mov.b64 %d, "
      "{%h, %l}; }",
      table<u64>(), [](u64 a) { return a << 32 | a >> 32; });
  check<float>("mov.f32 %d, 0fBF800000;", table<u32>(), [](u32) { return -1.0f; });
  check<double>("mov.f64 %d, 0d4000000000000000;", table<u32>(), [](u32) { return 2.0; });
}

}  // namespace
}  // namespace instruction_test
