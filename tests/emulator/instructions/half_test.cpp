// fp16 and bfloat16 arithmetic: PTX ISA, "Half Precision Floating Point Instructions" and "Mixed Precision
// Floating Point Instructions". Each result is the exact one rounded once.
#include "half_support.hpp"

namespace instruction_test {
namespace {

u16 difference_of(const Format& f, u16 a, u16 b) { return sum_of(f, a, static_cast<u16>(b ^ 0x8000)); }
u16 product_of(const Format& f, u16 a, u16 b) {
  return f.rounded(f.value(a) * f.value(b));
}  // 22 bits at most
u16 fused_of(const Format& f, u16 a, u16 b, u16 c) {
  const Exact x = exact_sum(f.value(a) * f.value(b), f.value(c));
  return f.rounded(x.sum, x.rest);
}

u16 saturated(const Format& f, u16 h) { return f.is_nan(h) || h >> 15 ? 0 : std::min(h, f.one); }

struct Binary {
  const char* name;
  u16 (*of)(const Format&, u16, u16);
};
constexpr Binary binaries[] = {{"add", sum_of}, {"sub", difference_of}, {"mul", product_of}};

// A result that rounds up to the smallest normal number: whether it is flushed is not documented.
bool flushes_to(const Format& f, u16 got, u16 wanted) {
  return got == f.flushed(wanted) || ((wanted & 0x7fff) == f.least_normal() && (got & 0x7fff) == 0);
}

TEST(Half, AddSubMul) {
  for (const Format& f : formats) {
    const auto rows = half_pairs(f);
    for (const Binary& op : binaries)
      for (const std::string rn : {"", ".rn"})
        check_halves(op.name + rn, f, rows, [&](u16 a, u16 b) { return op.of(f, a, b); });
  }
  for (const Binary& op : binaries) {
    const std::string name = op.name;
    const auto rows = half_pairs(fp16);
    judge_halves(name + ".ftz", fp16, rows, [&](u16 got, u16 a, u16 b) {
      return flushes_to(fp16, got, op.of(fp16, fp16.flushed(a), fp16.flushed(b)));
    });
    check_halves(name + ".rn.sat", fp16, rows,
                 [&](u16 a, u16 b) { return saturated(fp16, op.of(fp16, a, b)); });
    judge_halves(name + ".rn.ftz.sat", fp16, rows, [&](u16 got, u16 a, u16 b) {
      return flushes_to(fp16, got, saturated(fp16, op.of(fp16, fp16.flushed(a), fp16.flushed(b))));
    });
  }
}

std::vector<std::tuple<u16, u16, u16>> triples(const Format& f) {
  std::vector<std::tuple<u16, u16, u16>> rows;
  const auto edges = half_edges(f);
  auto& g = generator();
  for (int i = 0; i < 5000; i++)
    rows.emplace_back(edges[g() % edges.size()], edges[g() % edges.size()], edges[g() % edges.size()]);
  for (int i = 0; i < 5000; i++) rows.emplace_back(random_half(f), random_half(f), random_half(f));
  for (int i = 0; i < 5000; i++) {  // the product cancels, or is a tie that the least bit of c decides
    const u16 a = random_half(f), b = random_half(f);
    rows.emplace_back(a, b, product_of(f, a, b) ^ 0x8000);
    rows.emplace_back(a, b, static_cast<u16>((g() & 1) << 15 | (1 + g() % 3)));
  }
  return rows;
}

TEST(Half, FusedMultiplyAdd) {
  for (const Format& f : formats) {
    const auto rows = triples(f);
    check_halves("fma.rn", f, rows, [&](u16 a, u16 b, u16 c) { return fused_of(f, a, b, c); });
    judge_halves("fma.rn.relu", f, rows, [&](u16 got, u16 a, u16 b, u16 c) {
      const u16 wanted = fused_of(f, a, b, c);
      if (f.is_nan(wanted)) return got == 0x7fff;
      return wanted >> 15 ? (got & 0x7fff) == 0 && (got == 0 || wanted == 0x8000) : got == wanted;
    });
  }
  const auto rows = triples(fp16);
  const auto flushed = [](u16 a, u16 b, u16 c) {
    return fused_of(fp16, fp16.flushed(a), fp16.flushed(b), fp16.flushed(c));
  };
  judge_halves("fma.rn.ftz", fp16, rows,
               [&](u16 got, u16 a, u16 b, u16 c) { return flushes_to(fp16, got, flushed(a, b, c)); });
  check_halves("fma.rn.sat", fp16, rows,
               [&](u16 a, u16 b, u16 c) { return saturated(fp16, fused_of(fp16, a, b, c)); });
  judge_halves("fma.rn.ftz.sat", fp16, rows, [&](u16 got, u16 a, u16 b, u16 c) {
    return flushes_to(fp16, got, saturated(fp16, flushed(a, b, c)));
  });
  judge_halves("fma.rn.ftz.relu", fp16, rows, [&](u16 got, u16 a, u16 b, u16 c) {
    const u16 wanted = flushed(a, b, c);
    return wanted >> 15 && !fp16.is_nan(wanted) ? (got & 0x7fff) == 0 : flushes_to(fp16, got, wanted);
  });
}

// 1.0078125 * 1.5 lies halfway between two bfloat16; what is added is below everything that fp64 keeps of it.
TEST(Half, FarSummandBreaksATie) {
  check<u16>("fma.rn.bf16 %d, %a, %b, %c;",
             std::vector<std::tuple<u16, u16, u16>>{
                 {0x3f81, 0x3fc0, 0x0001}, {0x3f81, 0x3fc0, 0x8001}, {0x3f81, 0x3fc0, 0}},
             [](u16, u16, u16 c) { return c == 0   ? u16{0x3fc2}
                                          : c == 1 ? u16{0x3fc2}
                                                   : u16{0x3fc1}; });
  check<u16>("fma.rn.bf16 %d, %a, %b, %c;",
             std::vector<std::tuple<u16, u16, u16>>{
                 {0x3f83, 0x3fc0, 0x0001}, {0x3f83, 0x3fc0, 0x8001}, {0x3f83, 0x3fc0, 0}},
             [](u16, u16, u16 c) { return c == 1 ? u16{0x3fc5} : u16{0x3fc4}; });
}

TEST(Half, Signs) {
  for (const Format& f : formats) {
    const auto rows = every_half();
    const auto good = [&](u16 got, u16 a, u16 wanted) { return f.is_nan(a) ? f.is_nan(got) : got == wanted; };
    judge_halves("neg", f, rows, [&](u16 got, u16 a) { return good(got, a, a ^ 0x8000); });
    judge_halves("abs", f, rows, [&](u16 got, u16 a) { return good(got, a, a & 0x7fff); });
  }
  judge_halves("neg.ftz", fp16, every_half(), [](u16 got, u16 a) {
    return fp16.is_nan(a) ? fp16.is_nan(got) : got == fp16.flushed(a ^ 0x8000);
  });
  judge_halves("abs.ftz", fp16, every_half(), [](u16 got, u16 a) {
    return fp16.is_nan(a) ? fp16.is_nan(got) : got == fp16.flushed(a & 0x7fff);
  });
}

TEST(Half, Extremes) {
  for (const Format& f : formats)
    for (const bool ftz : {false, true}) {
      if (ftz && &f != &fp16) continue;  // bfloat16 is never flushed
      for (const Binary& op : {Binary{"min", smaller}, Binary{"max", larger}}) {
        const auto rows = half_pairs(f);
        const auto in = [&](u16 h) { return ftz ? f.flushed(h) : h; };
        const auto signs = [&](u16 a, u16 b, u16 r) {
          return f.is_nan(r) ? r : static_cast<u16>((r & 0x7fff) | ((a ^ b) & 0x8000));
        };
        const std::string name = op.name + std::string(ftz ? ".ftz" : "");
        const auto strict = [&](u16 a, u16 b, u16 r) { return f.is_nan(a) || f.is_nan(b) ? u16{0x7fff} : r; };
        check_halves(name, f, rows, [&](u16 a, u16 b) { return op.of(f, in(a), in(b)); });
        check_halves(name + ".NaN", f, rows,
                     [&](u16 a, u16 b) { return strict(a, b, op.of(f, in(a), in(b))); });
        check_halves(name + ".xorsign.abs", f, rows,
                     [&](u16 a, u16 b) { return signs(a, b, op.of(f, in(a & 0x7fff), in(b & 0x7fff))); });
        check_halves(name + ".NaN.xorsign.abs", f, rows, [&](u16 a, u16 b) {
          return strict(a, b, signs(a, b, op.of(f, in(a & 0x7fff), in(b & 0x7fff))));
        });
      }
    }
}

// Within the documented error, of every operand there is.
TEST(Half, Approximations) {
  const auto near = [](const Format& f, u16 got, double wanted, double relative) {
    if (std::isnan(wanted)) return got == 0x7fff;
    const double g = f.value(got), least = f.magnitude(1), most = f.magnitude(f.most());
    if (wanted > most) return g >= most;
    return std::fabs(g - wanted) <= std::max(relative * std::fabs(wanted), least) &&
           std::signbit(g) == std::signbit(wanted);
  };
  judge_halves("ex2.approx", fp16, every_half(),
               [&](u16 got, u16 a) { return near(fp16, got, std::exp2(fp16.value(a)), std::exp2(-9.9)); });
  judge_halves("ex2.approx.ftz", bfloat16, every_half(), [&](u16 got, u16 a) {
    const double wanted = std::exp2(bfloat16.value(bfloat16.flushed(a)));
    return near(bfloat16, got, wanted, std::exp2(-7)) ||
           (got == 0 && wanted <= bfloat16.magnitude(bfloat16.least_normal()));
  });
  judge_halves("tanh.approx", fp16, every_half(),
               [&](u16 got, u16 a) { return near(fp16, got, std::tanh(fp16.value(a)), std::exp2(-10.987)); });
  judge_halves("tanh.approx", bfloat16, every_half(), [&](u16 got, u16 a) {
    return near(bfloat16, got, std::tanh(bfloat16.value(a)), std::exp2(-8));
  });
}

TEST(Half, MixedPrecision) {
  for (const Format& f : formats)
    for (const Rounding& r : roundings)
      for (const bool sat : {false, true}) {
        std::vector<std::tuple<u16, u16, float>> rows;
        for (const auto& [a, b] : half_pairs(f, 500)) rows.emplace_back(a, b, random_value<float>());
        std::vector<std::tuple<u16, float>> sums;
        for (const auto& [a, b, c] : rows)
          sums.emplace_back(a, b & 1 ? static_cast<float>(-f.value(a)) * 0.99f : c);
        const std::string tail = std::string(r.name) + (sat ? ".sat" : "") + ".f32." + f.name;
        const auto good = [&](float got, float exact) {
          return sat ? got == (exact > 0 ? std::min(exact, 1.0f) : 0.0f) : same(got, exact);
        };
        const auto wide = [&](u16 h) { return static_cast<float>(f.value(h)); };
        judge<float>("add" + tail + " %d, %a, %b;", sums, [&](float got, u16 a, float b) {
          volatile float x = wide(a);
          return good(got, under(r.mode, [&] { return x + b; }));
        });
        judge<float>("sub" + tail + " %d, %a, %b;", sums, [&](float got, u16 a, float b) {
          volatile float x = wide(a);
          return good(got, under(r.mode, [&] { return x - b; }));
        });
        judge<float>("fma" + tail + " %d, %a, %b, %c;", rows, [&](float got, u16 a, u16 b, float c) {
          volatile float x = wide(a), y = wide(b), z = c;
          return good(got, under(r.mode, [&] { return std::fma(x, y, z); }));
        });
      }
}

TEST(Half, RefusesWhatTheIsaHasNot) {
  const auto refusal = [](const std::string& text) {
    return fault_of(
               kernel_text(0, ".reg .b16 %a;\n.reg .b32 %r;\n.reg .f32 %f;\n.reg .pred %p, %q;\n" + text),
               {{1, 1, 1}, {1, 1, 1}}, {})
        .message;
  };
  for (const char* text :
       {"add.rz.f16 %a, %a, %a;", "add.sat.bf16 %a, %a, %a;", "add.ftz.bf16x2 %r, %r, %r;",
        "fma.f16 %a, %a, %a, %a;", "fma.rn.oob.f16 %a, %a, %a, %a;", "add.relu.f16 %a, %a, %a;",
        "ex2.f16 %a, %a;", "ex2.approx.bf16 %a, %a;", "tanh.approx.ftz.f16 %a, %a;",
        "ex2.approx.ftz.f16 %a, %a;", "min.sat.f16 %a, %a, %a;", "max.abs.f16 %a, %a, %a;",
        "div.rn.f16 %a, %a, %a;", "fma.rn.sat.relu.f16 %a, %a, %a, %a;", "fma.f32.f16 %f, %a, %a, %f;",
        "add.ftz.f32.f16 %f, %a, %f;"}) {
    const std::string opcode = std::string(text).substr(0, std::string(text).find(' '));
    EXPECT_NE(refusal(text).find(opcode), std::string::npos) << text << " gives '" << refusal(text) << "'";
  }
}

}  // namespace
}  // namespace instruction_test
