// atom and red of 16-bit floats, of vectors and of 128 bits; the orders, scopes and spaces that there are.
#include "atomic_support.hpp"
#include "half_support.hpp"

namespace instruction_test {
namespace {

u32 both(u16 (*of)(const Format&, u16, u16), const Format& f, u32 a, u32 b) {
  return of(f, static_cast<u16>(a), static_cast<u16>(b)) |
         u32{of(f, static_cast<u16>(a >> 16), static_cast<u16>(b >> 16))} << 16;
}

template <class T>
std::vector<std::tuple<T, T, T>> with_third(const std::vector<std::tuple<T, T>>& pairs) {
  std::vector<std::tuple<T, T, T>> rows;
  for (const auto& [a, b] : pairs) rows.emplace_back(a, b, T{0});
  return rows;
}

TEST(AtomicHalf, Add) {
  for (const Format& f : formats) {
    const auto rows = half_pairs(f, 300);
    check_atomic<u16>(std::string("add.noftz.") + f.name, with_third(rows),
                      [&](u16 a, u16 b, u16, bool) { return sum_of(f, a, b); });
    check_atomic<u32>("add.noftz." + f.pair(), with_third(packed(rows)),
                      [&](u32 a, u32 b, u32, bool) { return both(sum_of, f, a, b); });
    check_atomic<u32>(
        "add.noftz." + f.pair(), with_third(packed(rows)),
        [&](u32 a, u32 b, u32, bool) { return both(sum_of, f, a, b); }, ".release.gpu");
  }
}

// Count elements at once, T each; in global memory, by its name and by generic addresses.
template <class T, class Definition>
void check_vector(const std::string& operation, int count, const std::string& type,
                  const std::vector<std::tuple<T, T>>& rows, Definition definition) {
  const u32 threads = 256;
  const std::size_t n = threads * static_cast<std::size_t>(count);
  std::vector<T> a(n), b(n);
  for (std::size_t i = 0; i < n; i++) std::tie(a[i], b[i]) = rows[i * 13 % rows.size()];
  const std::string bit = ".b" + std::to_string(sizeof(T) * 8),
                    size = std::to_string(sizeof(T) * static_cast<std::size_t>(count));
  for (const std::string how : {"atom.global.", "atom.", "red.global.", "red.", "atom.acq_rel.sys.global.",
                                "red.release.cluster.global."})
    for (const bool hint : {false, true}) {
      const bool reduction = how[0] == 'r';
      std::string body = ".reg .b64 %p, %g, %o, %pol;\n.reg " + bit + " %old<8>, %b<8>;\n", old, operand;
      body += "createpolicy.fractional.L2::evict_last.b64 %pol, 0.5;\nmad.wide.u32 %p, %i, " + size +
              ", %q0;\nmad.wide.u32 %g, %i, " + size + ", %q1;\nmad.wide.u32 %o, %i, " + size + ", %q2;\n";
      for (int k = 0; k < count; k++) {
        const std::string at = "+" + std::to_string(sizeof(T) * static_cast<std::size_t>(k)) + "]",
                          number = std::to_string(k);
        body +=
            "ld.global" + bit + " %b" + number + ", [%g" + at + ";\nmov" + bit + " %old" + number + ", 0;\n";
        old += (k ? ", %old" : "%old") + number;
        operand += (k ? ", %b" : "%b") + number;
      }
      const std::string instruction =
          how + operation + (hint ? ".L2::cache_hint" : "") + ".v" + std::to_string(count) + "." + type +
          (reduction ? " " : " {" + old + "}, ") + "[%p], {" + operand + "}" + (hint ? ", %pol;\n" : ";\n");
      SCOPED_TRACE(instruction);
      body += instruction;
      for (int k = 0; k < count; k++)
        body += "st.global" + bit + " [%o+" + std::to_string(sizeof(T) * static_cast<std::size_t>(k)) +
                "], %old" + std::to_string(k) + ";\n";
      const Buffer memory(a), rb(b), olds(n * sizeof(T));
      ASSERT_NO_THROW(run(kernel_text(3, body), {{2, 1, 1}, {128, 1, 1}},
                          {memory.address(), rb.address(), olds.address()}));
      const auto left = memory.read<T>(n), before = olds.read<T>(n);
      for (std::size_t i = 0; i < n; i++) {
        ASSERT_TRUE(same(left[i], definition(a[i], b[i])))
            << shown(a[i]) << " with " << shown(b[i]) << " gives " << shown(left[i]);
        if (!reduction) {
          ASSERT_EQ(before[i], a[i]);
        }
      }
    }
}

TEST(AtomicHalf, Vectors) {
  const auto each = [](auto of, const std::string& name) {
    for (const Format& f : formats) {
      const auto rows = half_pairs(f, 500);
      for (const int count : {2, 4, 8})
        check_vector<u16>(name + ".noftz", count, f.name, rows, [&](u16 a, u16 b) { return of(f, a, b); });
      for (const int count : {2, 4})
        check_vector<u32>(name + ".noftz", count, f.pair(), packed(rows),
                          [&](u32 a, u32 b) { return both(of, f, a, b); });
    }
  };
  each(sum_of, "add"), each(smaller, "min"), each(larger, "max");
  std::vector<std::tuple<u32, u32>> singles;
  for (const auto& [a, b] : table<float, float>())
    if (!std::isnan(a) && !std::isnan(b)) singles.emplace_back(bits<u32>(a), bits<u32>(b));
  for (const int count : {2, 4})  // sums in global memory flush subnormal numbers
    check_vector<u32>("add", count, "f32", singles, [](u32 a, u32 b) {
      const float s = flush(flush(bits<float>(a)) + flush(bits<float>(b)));
      return std::isnan(s) ? 0x7fffffffu : bits<u32>(s);
    });
}

// A destination that is also a later element's operand: all operands are read first.
TEST(AtomicHalf, VectorRegistersMayOverlap) {
  const Buffer memory(std::vector<float>{1, 2});
  const auto d = values(
      ".reg .f32 %x, %y;\nmov.f32 %x, 0f41200000;\nmov.f32 %y, 0f41A00000;\n"
      "atom.global.add.v2.f32 {%y, %x}, [%q1], {%x, %y};\nadd.f32 %x, %x, %y;\ncvt.rzi.u32.f32 %d, %x;",
      {{1, 1, 1}, {1, 1, 1}}, "", {memory.address()});
  EXPECT_EQ(d[0], 3u);
  EXPECT_EQ(memory.read<float>(2), (std::vector<float>{11, 22}));
}

struct Wide {
  u64 low, high;
  bool operator==(const Wide& o) const { return low == o.low && high == o.high; }
};

TEST(AtomicHalf, WideExchangeAndCompare) {
  const u32 threads = 128;
  std::vector<Wide> a(threads), b(threads), c(threads);
  for (u32 i = 0; i < threads; i++) {
    a[i] = {random_value<u64>(), random_value<u64>()}, c[i] = {random_value<u64>(), random_value<u64>()};
    b[i] = i % 4 == 0   ? a[i]
           : i % 4 == 1 ? Wide{a[i].low, ~a[i].high}
           : i % 4 == 2 ? Wide{~a[i].low, a[i].high}
                        : c[i];
  }
  for (const std::string space : {".global", ".shared", ""})
    for (const bool compare : {false, true})
      for (const std::string order : {"", ".acq_rel.gpu", ".relaxed.cta"}) {
        const bool shared = space == ".shared";
        const std::string instruction =
            "atom" + order + space +
            (compare ? ".cas.b128 %old, [%p], %b, %c;\n" : ".exch.b128 %old, [%p], %b;\n");
        SCOPED_TRACE(instruction);
        std::string body =
            ".shared .align 16 .b8 sh[2048];\n.reg .b64 %p, %g, %h;\n.reg .b128 %old, %b, %c, %v;\n";
        const auto at = [](int q) { return "mad.wide.u32 %g, %i, 16, %q" + std::to_string(q) + ";\n"; };
        body += at(1) + "ld.global.b128 %b, [%g];\n" + at(2) + "ld.global.b128 %c, [%g];\n" + at(0) +
                "mov.u64 %p, %g;\n";
        if (shared)
          body +=
              "mov.u64 %h, sh;\nmad.wide.u32 %p, %i, 16, %h;\nld.global.b128 %v, [%g];\nst.shared.b128 [%p], "
              "%v;\n";
        body += instruction;
        if (shared) body += "ld.shared.b128 %v, [%p];\nst.global.b128 [%g], %v;\n";
        body += at(3) + "st.global.b128 [%g], %old;\n";
        const Buffer memory(a), rb(b), rc(c), olds(threads * sizeof(Wide));
        ASSERT_NO_THROW(run(kernel_text(4, body), {{1, 1, 1}, {threads, 1, 1}},
                            {memory.address(), rb.address(), rc.address(), olds.address()}));
        const auto left = memory.read<Wide>(threads), before = olds.read<Wide>(threads);
        for (u32 i = 0; i < threads; i++) {
          EXPECT_TRUE(before[i] == a[i]) << i;
          EXPECT_TRUE(left[i] == (compare ? a[i] == b[i] ? c[i] : a[i] : b[i])) << i;
        }
      }
}

// A counter of 128 bits that every thread of every block counts up by compare-and-swap, carrying into the
// upper half.
TEST(AtomicHalf, WideCounterUnderContention) {
  const Buffer counter(std::vector<Wide>{{~u64{0} - 100, 7}});
  values(
      ".reg .pred %p, %same;\n.reg .b128 %old, %new, %got;\n.reg .b64 %lo, %hi, %l2, "
      "%h2;\nld.relaxed.gpu.global.b128 %old, [%q1];\n"
      "TRY:\nmov.b128 {%lo, %hi}, %old;\nadd.cc.u64 %l2, %lo, 1;\naddc.u64 %h2, %hi, 0;\nmov.b128 %new, "
      "{%l2, %h2};\n"
      "atom.global.cas.b128 %got, [%q1], %old, %new;\nmov.b128 {%l2, %h2}, %got;\nmov.b128 %old, %got;\n"
      "setp.eq.u64 %same, %lo, %l2;\nsetp.ne.and.u64 %p, %hi, %h2, %same;\n@!%same bra TRY;\n@%p bra TRY;\n",
      {{20, 1, 1}, {64, 1, 1}}, "", {counter.address()});
  EXPECT_TRUE((counter.read<Wide>(1)[0] == Wide{~u64{0} - 100 + 1280, 8}));
}

TEST(AtomicHalf, PackedTotalsUnderContention) {
  const Buffer sums(std::vector<u32>{0, 0, 0});
  values(
      ".reg .b16 %one;\nmov.b16 %one, 0x3c00;\nred.global.add.noftz.f16x2 [%q1], 0x3c004000;\n"
      "red.global.add.noftz.f16 [%q1+4], %one;\nred.global.add.noftz.f16 [%q1+6], %one;\n",
      {{8, 1, 1}, {64, 1, 1}}, "", {sums.address()});
  EXPECT_EQ(sums.read<u32>(2), (std::vector<u32>{u32{fp16.rounded(512)} << 16 | fp16.rounded(1024),
                                                 u32{fp16.rounded(512)} * 0x10001u}));
}

std::string message_of(const std::string& text) {
  return fault_of(kernel_text(1,
                              ".reg .b16 %h<8>;\n.reg .b32 %r<8>;\n.reg .f32 %f<8>;\n.reg .b64 %l<8>;\n.reg "
                              ".b128 %w<4>;\n" +
                                  text),
                  {{1, 1, 1}, {1, 1, 1}}, {0})
      .message;
}

TEST(AtomicHalf, RefusesWhatTheIsaHasNot) {
  for (const char* text :
       {"atom.sc.gpu.add.u32 %r0, [%q0], 1;",
        "atom.volatile.add.u32 %r0, [%q0], 1;",
        "atom.weak.add.u32 %r0, [%q0], 1;",
        "red.acquire.gpu.add.u32 [%q0], 1;",
        "red.acq_rel.gpu.add.u32 [%q0], 1;",
        "atom.relaxed.release.add.u32 %r0, [%q0], 1;",
        "atom.cta.gpu.add.u32 %r0, [%q0], 1;",
        "atom.local.add.u32 %r0, [%q0], 1;",
        "atom.const.add.u32 %r0, [%q0], 1;",
        "red.exch.b32 [%q0], %r0;",
        "red.cas.b32 [%q0], %r0, %r1;",
        "atom.add.f16x2 %r0, [%q0], %r1;",
        "atom.add.noftz.u32 %r0, [%q0], %r1;",
        "atom.min.noftz.f16x2 %r0, [%q0], %r1;",
        "atom.shared.add.v2.f32 {%f0,%f1}, [%q0], {%f2,%f3};",
        "atom.exch.b16 %h0, [%q0], %h1;",
        "atom.min.v2.f32 {%f0,%f1}, [%q0], {%f2,%f3};",
        "atom.add.noftz.v8.f16x2 {%r0,%r1,%r2,%r3,%r0,%r1,%r2,%r3}, [%q0], "
        "{%r0,%r1,%r2,%r3,%r0,%r1,%r2,%r3};",
        "atom.add.v8.f32 {%f0,%f1,%f2,%f3,%f0,%f1,%f2,%f3}, [%q0], {%f0,%f1,%f2,%f3,%f0,%f1,%f2,%f3};",
        "atom.shared.add.L2::cache_hint.u32 %r0, [%q0], 1, %l0;",
        "atom.add.L2::cache_hint.u32 %r0, [%q0], 1;",
        "atom.add.u32 %r0, [%q0], 1, %l0;",
        "atom.add.b128 %w0, [%q0], %w1;",
        "atom.min.f32 %f0, [%q0], %f1;",
        "atom.add.u32 %r0, [%q0];",
        "atom.cas.b32 %r0, [%q0], %r1;",
        "multimem.red.add.f32 [%q0], %f0;",
        "multimem.ld_reduce.add.f32 %f0, [%q0];"}) {
    const std::string opcode = std::string(text).substr(0, std::string(text).find(' '));
    EXPECT_NE(message_of(text).find(opcode), std::string::npos)
        << text << " gives '" << message_of(text) << "'";
  }
}

TEST(AtomicHalf, VectorsAreAlignedAndGlobal) {
  const Buffer memory(64);
  const auto fault = [&](const std::string& text) {
    return fault_of(kernel_text(1, ".shared .align 16 .b8 sh[64];\n.reg .b64 %p;\n" + text),
                    {{1, 1, 1}, {1, 1, 1}}, {memory.address()})
        .message;
  };
  EXPECT_NE(fault("red.global.add.v4.f32 [%q0+8], {0f00000000, 0f00000000, 0f00000000, 0f00000000};")
                .find("misaligned: 16-byte"),
            std::string::npos);
  EXPECT_NE(
      fault("st.shared.u64 [sh], 0;\ncvta.shared.u64 %p, sh;\nred.add.v2.f32 [%p], {0f00000000, 0f00000000};")
          .find("must be in global memory"),
      std::string::npos);
  EXPECT_NE(fault(".reg .b128 %w;\natom.global.exch.b128 %w, [%q0+8], %w;").find("misaligned: 16-byte"),
            std::string::npos);
}

TEST(AtomicHalf, EveryOrderAndScope) {
  for (const std::string sem : {"", ".relaxed", ".acquire", ".release", ".acq_rel"})
    for (const std::string scope : {"", ".cta", ".cluster", ".gpu", ".sys"}) {
      const Buffer memory(std::vector<u64>{1, 2});
      std::string text = ".reg .b64 %v;\natom" + sem + scope + ".global.max.s64 %v, [%q1], 5;\natom" + sem +
                         scope + ".global.and.b64 %v, [%q1+8], %v;\ncvt.u32.u64 %d, %v;\n";
      if (sem != ".acquire" && sem != ".acq_rel")
        text += "red" + sem + scope + ".global.or.b64 [%q1+8], 64;\n";
      values(text, {{1, 1, 1}, {1, 1, 1}}, "", {memory.address()});
      EXPECT_EQ(memory.read<u64>(2), (std::vector<u64>{5, text.find("red") == std::string::npos ? 0u : 64u}))
          << text;
    }
}

}  // namespace
}  // namespace instruction_test
