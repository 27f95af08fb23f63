// setp and set: PTX ISA, "Comparison and Selection Instructions".
#include "tables.hpp"

namespace instruction_test {
namespace {

template <class T>
bool holds(const std::string& op, T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    const bool nan = std::isnan(a) || std::isnan(b);
    if (op == "num") return !nan;
    if (op == "nan") return nan;
    if (op.size() == 3) return nan || holds(op.substr(0, 2), a, b);  // equ, neu, ltu, leu, gtu, geu
    if (nan) return false;
  }
  if (op == "eq") return a == b;
  if (op == "ne") return a != b;
  if (op == "lt" || op == "lo") return a < b;
  if (op == "le" || op == "ls") return a <= b;
  if (op == "gt" || op == "hi") return a > b;
  return a >= b;  // ge, hs
}

template <class T>
void comparisons(const std::string& type, std::vector<std::string> ops) {
  const auto rows = table<T, T>();
  for (const std::string& op : ops)
    check<Pred>("setp." + op + "." + type + " %d, %a, %b;", rows,
                [&](T a, T b) { return Pred{holds(op, a, b)}; });
}

const std::vector<std::string> signed_ops{"eq", "ne", "lt", "le", "gt", "ge"};
const std::vector<std::string> unsigned_ops{"eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs"};
const std::vector<std::string> float_ops{"eq",  "ne",  "lt",  "le",  "gt",  "ge",  "num",
                                         "nan", "equ", "neu", "ltu", "leu", "gtu", "geu"};

TEST(Compare, Integers) {
  comparisons<u16>("u16", unsigned_ops), comparisons<s16>("s16", signed_ops),
      comparisons<u16>("b16", {"eq", "ne"});
  comparisons<u32>("u32", unsigned_ops), comparisons<s32>("s32", signed_ops),
      comparisons<u32>("b32", {"eq", "ne"});
  comparisons<u64>("u64", unsigned_ops), comparisons<s64>("s64", signed_ops),
      comparisons<u64>("b64", {"eq", "ne"});
}
TEST(Compare, Floats) { comparisons<float>("f32", float_ops), comparisons<double>("f64", float_ops); }

TEST(Compare, FlushedFloats) {
  for (const std::string& op : float_ops)
    check<Pred>("setp." + op + ".ftz.f32 %d, %a, %b;", table<float, float>(),
                [&](float a, float b) { return Pred{holds(op, flush(a), flush(b))}; });
}

// p is (a op b) joined with c, q is (not (a op b)) joined with c.
TEST(Compare, PairsAndCombinations) {
  const auto joined = [](const std::string& how, bool x, bool c) {
    return how == "and" ? x && c : how == "or" ? x || c : x != c;
  };
  const std::string two = "selp.u32 %d, 1, 0, %p; @%q add.u32 %d, %d, 2; }";
  check<u32>("{ .reg .pred %p, %q; setp.lt.s32 %p|%q, %a, %b; " + two, table<s32, s32>(),
             [](s32 a, s32 b) { return a < b ? 1u : 2u; });
  check<u32>("{ .reg .pred %p, %q; setp.ltu.f32 %p|%q, %a, %b; " + two, table<float, float>(),
             [](float a, float b) { return holds<float>("ltu", a, b) ? 1u : 2u; });
  for (const std::string how : {"and", "or", "xor"})
    for (const bool negated : {false, true}) {
      const std::string c = negated ? ", !%c" : ", %c";
      check<Pred>("setp.ge." + how + ".u32 %d, %a, %b" + c + ";", table<u32, u32, Pred>(),
                  [&](u32 a, u32 b, Pred p) { return Pred{joined(how, a >= b, p.value != negated)}; });
      check<u32>("{ .reg .pred %p, %q; setp.gt." + how + ".f64 %p|%q, %a, %b" + c + "; " + two,
                 table<double, double, Pred>(), [&](double a, double b, Pred p) {
                   const bool with = p.value != negated;
                   return (joined(how, a > b, with) ? 1u : 0u) + (joined(how, !(a > b), with) ? 2u : 0u);
                 });
    }
  check<Pred>("setp.eq.s32 %d|_, %a, -1;", table<s32>(), [](s32 a) { return Pred{a == -1}; });
  check<Pred>("setp.eq.s32 _|%d, %a, -1;", table<s32>(), [](s32 a) { return Pred{a != -1}; });
  // the destination is c, too
  check<Pred>("{ mov.pred %d, %c; setp.lt.and.s32 %d, %a, %b, %d; }", table<s32, s32, Pred>(),
              [](s32 a, s32 b, Pred c) { return Pred{a < b && c.value}; });
}

// A guarded setp whose destinations include its own guard.
TEST(Compare, DestinationIsTheGuard) {
  check<u32>(
      "{ .reg .pred %p, %q; mov.pred %p, %c; mov.pred %q, %c; @%p setp.lt.u32 %p|%q, %a, %b; selp.u32 %d, 1, "
      "0, %p; @%q add.u32 %d, %d, 2; }",
      table<u32, u32, Pred>(), [](u32 a, u32 b, Pred c) { return !c.value ? 0u
                                                                 : a < b  ? 1u
                                                                          : 2u; });
  check<u32>(
      "{ .reg .pred %p, %q; mov.pred %p, %c; mov.pred %q, %c; @%q setp.lt.u32 %p|%q, %a, %b; selp.u32 %d, 1, "
      "0, %p; @%q add.u32 %d, %d, 2; }",
      table<u32, u32, Pred>(), [](u32 a, u32 b, Pred c) { return !c.value ? 0u
                                                                 : a < b  ? 1u
                                                                          : 2u; });
}

TEST(Compare, Set) {
  check<u32>("set.lt.u32.s32 %d, %a, %b;", table<s32, s32>(), [](s32 a, s32 b) { return a < b ? ~0u : 0u; });
  check<s32>("set.ge.s32.u64 %d, %a, %b;", table<u64, u64>(), [](u64 a, u64 b) { return a >= b ? -1 : 0; });
  check<float>("set.gt.f32.f32 %d, %a, %b;", table<float, float>(),
               [](float a, float b) { return a > b ? 1.0f : 0.0f; });
  check<u32>("set.neu.ftz.u32.f32 %d, %a, %b;", table<float, float>(),
             [](float a, float b) { return holds<float>("neu", flush(a), flush(b)) ? ~0u : 0u; });
  check<u32>("set.eq.xor.u32.u16 %d, %a, %b, %c;", table<u16, u16, Pred>(),
             [](u16 a, u16 b, Pred c) { return (a == b) != c.value ? ~0u : 0u; });
  check<float>("set.le.and.f32.f64 %d, %a, %b, !%c;", table<double, double, Pred>(),
               [](double a, double b, Pred c) { return a <= b && !c.value ? 1.0f : 0.0f; });
}

}  // namespace
}  // namespace instruction_test
