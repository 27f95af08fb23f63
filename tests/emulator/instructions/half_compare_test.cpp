// setp and set of fp16 and bfloat16: PTX ISA, "Half Precision Comparison Instructions".
#include "half_support.hpp"

namespace instruction_test {
namespace {

bool holds(const Format& f, const std::string& op, u16 x, u16 y) {
  const double a = f.value(x), b = f.value(y);
  const bool nan = std::isnan(a) || std::isnan(b);
  if (op == "num") return !nan;
  if (op == "nan") return nan;
  if (op.size() == 3) return nan || holds(f, op.substr(0, 2), x, y);
  if (nan) return false;
  if (op == "eq") return a == b;
  if (op == "ne") return a != b;
  if (op == "lt") return a < b;
  if (op == "le") return a <= b;
  return op == "gt" ? a > b : a >= b;
}

const std::vector<std::string> comparisons{"eq",  "ne",  "lt",  "le",  "gt",  "ge",  "num",
                                           "nan", "equ", "neu", "ltu", "leu", "gtu", "geu"};

bool joined(const std::string& how, bool x, bool c) {
  return how == "and" ? x && c : how == "or" ? x || c : how == "xor" ? x != c : x;
}
const std::string two = "selp.u32 %d, 1, 0, %p; @%q add.u32 %d, %d, 2; }";

TEST(HalfCompare, Predicates) {
  for (const Format& f : formats)
    for (const bool ftz : {false, true}) {
      if (ftz && &f != &fp16) continue;
      const auto rows = half_pairs(f, 500);
      const auto in = [&](u16 h) { return ftz ? f.flushed(h) : h; };
      for (const std::string& op : comparisons) {
        const std::string name = "setp." + op + (ftz ? ".ftz." : ".");
        check<Pred>(name + f.name + " %d, %a, %b;", rows,
                    [&](u16 a, u16 b) { return Pred{holds(f, op, in(a), in(b))}; });
        check<u32>("{ .reg .pred %p, %q; " + name + f.pair() + " %p|%q, %a, %b; " + two, packed(rows),
                   [&](u32 a, u32 b) {
                     const auto half = [&](int by) {
                       return holds(f, op, in(static_cast<u16>(a >> by)), in(static_cast<u16>(b >> by)));
                     };
                     return (half(0) ? 1u : 0u) + (half(16) ? 2u : 0u);
                   });
      }
    }
}

TEST(HalfCompare, Combinations) {
  for (const Format& f : formats)
    for (const std::string how : {"and", "or", "xor"})
      for (const bool negated : {false, true}) {
        const std::string c = negated ? ", !%c" : ", %c";
        std::vector<std::tuple<u16, u16, Pred>> rows;
        std::vector<std::tuple<u32, u32, Pred>> pairs;
        for (const auto& [a, b] : half_pairs(f, 300)) rows.emplace_back(a, b, random_value<Pred>());
        for (const auto& [a, b] : packed(half_pairs(f, 300))) pairs.emplace_back(a, b, random_value<Pred>());
        check<Pred>("setp.ge." + how + "." + f.name + " %d, %a, %b" + c + ";", rows,
                    [&](u16 a, u16 b, Pred p) {
                      return Pred{joined(how, holds(f, "ge", a, b), p.value != negated)};
                    });
        const auto both = [&](u32 a, u32 b, Pred p) {
          u32 r = 0;
          for (const int k : {0, 1})
            r |= joined(how, holds(f, "ltu", static_cast<u16>(a >> 16 * k), static_cast<u16>(b >> 16 * k)),
                        p.value != negated)
                 << k;
          return r;
        };
        check<u32>(
            "{ .reg .pred %p, %q; setp.ltu." + how + "." + f.pair() + " %p|%q, %a, %b" + c + "; " + two,
            pairs, both);
        // A destination is c; the other, the guard.
        check<u32>(
            "{ .reg .pred %p, %q; mov.pred %p, %c; mov.pred %q, %c; @%q setp.ltu." + how + "." + f.pair() +
                " %p|%q, %a, %b, %p; " + two,
            pairs, [&](u32 a, u32 b, Pred p) {
              if (!p.value) return 0u;
              u32 r = 0;
              for (const int k : {0, 1})
                r |=
                    joined(how, holds(f, "ltu", static_cast<u16>(a >> 16 * k), static_cast<u16>(b >> 16 * k)),
                           true)
                    << k;
              return r;
            });
        check<u32>("set.ltu." + how + ".u32." + f.pair() + " %d, %a, %b" + c + ";", pairs,
                   [&](u32 a, u32 b, Pred p) {
                     const u32 r = both(a, b, p);
                     return (r & 1 ? 0xffffu : 0u) | (r & 2 ? 0xffff0000u : 0u);
                   });
      }
}

TEST(HalfCompare, OneDestinationOfTwo) {
  const auto rows = packed(half_pairs(fp16, 200));
  check<Pred>("setp.lt.f16x2 %d|_, %a, %b;", rows,
              [](u32 a, u32 b) { return Pred{holds(fp16, "lt", static_cast<u16>(a), static_cast<u16>(b))}; });
  check<Pred>("setp.lt.f16x2 _|%d, %a, %b;", rows, [](u32 a, u32 b) {
    return Pred{holds(fp16, "lt", static_cast<u16>(a >> 16), static_cast<u16>(b >> 16))};
  });
}

// set.cmp.dtype.stype: all ones or 1.0.
TEST(HalfCompare, Values) {
  for (const Format& f : formats) {
    const auto rows = half_pairs(f, 300);
    const auto pairs = packed(rows);
    for (const std::string& op : comparisons) {
      check<u16>("set." + op + "." + f.name + "." + f.name + " %d, %a, %b;", rows,
                 [&](u16 a, u16 b) { return holds(f, op, a, b) ? f.one : u16{0}; });
      const auto both = [&](u32 a, u32 b, u32 yes) {
        u32 r = 0;
        for (const int k : {0, 16})
          if (holds(f, op, static_cast<u16>(a >> k), static_cast<u16>(b >> k))) r |= yes << k;
        return r;
      };
      check<u32>("set." + op + "." + f.pair() + "." + f.pair() + " %d, %a, %b;", pairs,
                 [&](u32 a, u32 b) { return both(a, b, f.one); });
      check<u32>("set." + op + ".s32." + f.pair() + " %d, %a, %b;", pairs,
                 [&](u32 a, u32 b) { return both(a, b, 0xffff); });
    }
    for (const std::string type : {"u16", "s16"})
      check<u16>("set.geu." + type + "." + f.name + " %d, %a, %b;", rows,
                 [&](u16 a, u16 b) { return holds(f, "geu", a, b) ? u16{0xffff} : u16{0}; });
    for (const std::string type : {"u32", "s32"})
      check<u32>("set.lt." + type + "." + f.name + " %d, %a, %b;", rows,
                 [&](u16 a, u16 b) { return holds(f, "lt", a, b) ? ~0u : 0u; });
    check<u16>("set.gt." + std::string(f.name) + ".s32 %d, %a, %b;", table<s32, s32>(100),
               [&](s32 a, s32 b) { return a > b ? f.one : u16{0}; });
    check<u16>("set.le." + std::string(f.name) + ".f64 %d, %a, %b;", table<double, double>(100),
               [&](double a, double b) { return a <= b ? f.one : u16{0}; });
    check<u16>("set.ne." + std::string(f.name) + ".b64 %d, %a, %b;", table<u64, u64>(100),
               [&](u64 a, u64 b) { return a != b ? f.one : u16{0}; });
  }
  const auto rows = half_pairs(fp16, 300);
  check<u16>("set.gt.ftz.f16.f16 %d, %a, %b;", rows, [](u16 a, u16 b) {
    return holds(fp16, "gt", fp16.flushed(a), fp16.flushed(b)) ? u16{0x3c00} : u16{0};
  });
  check<u32>("set.ne.ftz.f16x2.f16x2 %d, %a, %b;", packed(rows), [](u32 a, u32 b) {
    u32 r = 0;
    for (const int k : {0, 16})
      if (holds(fp16, "ne", fp16.flushed(static_cast<u16>(a >> k)), fp16.flushed(static_cast<u16>(b >> k))))
        r |= 0x3c00u << k;
    return r;
  });
}

}  // namespace
}  // namespace instruction_test
