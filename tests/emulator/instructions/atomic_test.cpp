// atom and red: old values, new contents, orders and scopes, and totals under contention.
#include "tables.hpp"

namespace instruction_test {
namespace {

enum class Where { Global, Shared, GenericGlobal, GenericShared };

template <class T>
std::vector<std::tuple<T, T, T>> operand_rows() {
  auto rows = table<T, T, T>(200);
  rows.resize(1000);
  for (std::size_t i = 0; i < rows.size(); i += 4)
    std::get<1>(rows[i]) = std::get<0>(rows[i]);  // equal: cas takes place
  return rows;
}

// One address a lane. name is "add.u32"; definition(memory, b, c) what is left there.
template <class T, class Definition>
void check_atomic(const std::string& name, Definition definition, const std::string& order = "",
                  bool with_c = false) {
  const auto rows = operand_rows<T>();
  const std::size_t n = rows.size(), padded = (n + 127) / 128 * 128;
  std::vector<T> a(padded), b(padded), c(padded);
  for (std::size_t i = 0; i < padded; i++) std::tie(a[i], b[i], c[i]) = rows[i % n];
  const std::string bits_name = std::to_string(sizeof(T) * 8), size = std::to_string(sizeof(T));
  for (const Where where : {Where::Global, Where::Shared, Where::GenericGlobal, Where::GenericShared})
    for (const bool reduction : {false, true}) {
      if (reduction && (with_c || name.rfind("exch", 0) == 0)) continue;
      const bool shared = where == Where::Shared || where == Where::GenericShared;
      const bool generic = where == Where::GenericGlobal || where == Where::GenericShared;
      const std::string space = generic ? "" : shared ? ".shared" : ".global";
      const std::string instruction = (reduction ? "red" : "atom") + order + space + "." + name +
                                      (reduction ? " " : " %old, ") + "[%p], %b" +
                                      (with_c ? ", %c;\n" : ";\n");
      SCOPED_TRACE(instruction);
      const Buffer memory(a), rb(b), rc(c), old(padded * sizeof(T));
      std::string body = ".shared .align 8 .b8 sh[1024];\n.reg .b64 %p, %g;\n.reg .b32 %t;\n.reg .b" +
                         bits_name + " %old, %b, %c, %v;\nmov.u32 %t, %tid.x;\n";
      const auto at = [&](const std::string& base, const std::string& to) {
        return "mad.wide.u32 " + to + ", %i, " + size + ", " + base + ";\n";
      };
      body += at("%q1", "%g") + "ld.global.b" + bits_name + " %b, [%g];\n" + at("%q2", "%g") + "ld.global.b" +
              bits_name + " %c, [%g];\n" + at("%q0", "%g") + "mov.u64 %p, %g;\nmov.b" + bits_name +
              " %old, 0;\n";
      if (shared)
        body += "mov.u64 %p, sh;\nmad.wide.u32 %p, %t, " + size + ", %p;\nld.global.b" + bits_name +
                " %v, [%g];\nst.shared.b" + bits_name + " [%p], %v;\n" +
                (generic ? "cvta.shared.u64 %p, %p;\n" : "");
      body += instruction;
      if (shared)
        body += "ld" + space + ".b" + bits_name + " %v, [%p];\nst.global.b" + bits_name + " [%g], %v;\n";
      body += at("%q3", "%g") + "st.global.b" + bits_name + " [%g], %old;\n";
      ASSERT_NO_THROW(run(kernel_text(4, body), {{static_cast<u32>(padded / 128), 1, 1}, {128, 1, 1}},
                          {memory.address(), rb.address(), rc.address(), old.address()}));
      const auto left = memory.read<T>(padded), before = old.read<T>(padded);
      for (std::size_t i = 0; i < padded; i++) {
        ASSERT_TRUE(same(left[i], definition(a[i], b[i], c[i], shared)))
            << shown(a[i]) << " with " << shown(b[i]) << " gives " << shown(left[i]);
        if (!reduction) {
          ASSERT_TRUE(same(before[i], a[i])) << shown(before[i]) << " instead of " << shown(a[i]);
        }
      }
    }
}

template <class T>
void arithmetic(const std::string& type) {
  check_atomic<T>("add." + type, [](T a, T b, T, bool) {
    return static_cast<T>(static_cast<u64>(a) + static_cast<u64>(b));
  });
  check_atomic<T>("min." + type, [](T a, T b, T, bool) { return std::min(a, b); });
  check_atomic<T>("max." + type, [](T a, T b, T, bool) { return std::max(a, b); });
}
TEST(Atomic, Arithmetic) {
  arithmetic<u32>("u32"), arithmetic<s32>("s32"), arithmetic<u64>("u64");
  check_atomic<s64>("min.s64", [](s64 a, s64 b, s64, bool) { return std::min(a, b); });
  check_atomic<s64>("max.s64", [](s64 a, s64 b, s64, bool) { return std::max(a, b); });
  check_atomic<u32>("inc.u32", [](u32 a, u32 b, u32, bool) { return a >= b ? 0 : a + 1; });
  check_atomic<u32>("dec.u32", [](u32 a, u32 b, u32, bool) { return a == 0 || a > b ? b : a - 1; });
}

template <class T>
void bitwise(const std::string& type) {
  check_atomic<T>("and." + type, [](T a, T b, T, bool) { return a & b; });
  check_atomic<T>("or." + type, [](T a, T b, T, bool) { return a | b; });
  check_atomic<T>("xor." + type, [](T a, T b, T, bool) { return a ^ b; });
  check_atomic<T>("exch." + type, [](T, T b, T, bool) { return b; });
}
TEST(Atomic, Bitwise) { bitwise<u32>("b32"), bitwise<u64>("b64"); }

TEST(Atomic, CompareAndSwap) {
  const auto swap = [](auto a, auto b, auto c, bool) { return a == b ? c : a; };
  check_atomic<u16>("cas.b16", swap, "", true);
  check_atomic<u32>("cas.b32", swap, "", true);
  check_atomic<u64>("cas.b64", swap, "", true);
  check_atomic<u32>("cas.b32", swap, ".acq_rel.gpu", true);
}

// fp32 in global memory flushes subnormal numbers, in shared memory it does not.
TEST(Atomic, FloatingPoint) {
  check_atomic<float>("add.f32", [](float a, float b, float, bool shared) {
    return shared ? a + b : flush(flush(a) + flush(b));
  });
  check_atomic<double>("add.f64", [](double a, double b, double, bool) { return a + b; });
}

TEST(Atomic, OrdersAndScopes) {
  for (const char* order : {".relaxed", ".acquire", ".release", ".acq_rel"})
    for (const char* scope : {".cta", ".gpu", ".sys"}) {
      if (std::string(order) != ".relaxed" && std::string(order) != ".release")
        continue;  // red knows these two
      check_atomic<u32>(
          "add.u32", [](u32 a, u32 b, u32, bool) { return a + b; }, std::string(order) + scope);
    }
  for (const char* order : {".acquire.gpu", ".acq_rel.sys", ".acquire.cta"})
    check_atomic<u32>(
        "exch.b32", [](u32, u32 b, u32, bool) { return b; }, order);
}

const Shape crowd{{60, 1, 1}, {128, 1, 1}};
constexpr u32 crowd_size = 60 * 128;

TEST(Atomic, EveryLaneGetsItsOwnTicket) {
  const Buffer counter(std::vector<u32>{5});
  auto tickets = values("atom.global.add.u32 %d, [%q1], 1;", crowd, "", {counter.address()});
  std::sort(tickets.begin(), tickets.end());
  for (u32 i = 0; i < crowd_size; i++) ASSERT_EQ(tickets[i], i + 5);
  EXPECT_EQ(counter.read<u32>(1)[0], crowd_size + 5);
}

TEST(Atomic, TotalsUnderContention) {
  const Buffer sums(std::vector<u64>(8, 0));
  values(
      ".reg .b64 %one;\n.reg .b32 %x;\nmov.u64 %one, 1;\nred.global.add.u64 [%q1], %one;\n"
      "red.global.max.u32 [%q1+8], %i;\nrem.u32 %x, %i, 7;\n"
      "red.relaxed.gpu.global.xor.b32 [%q1+16], %i;\nred.global.add.f32 [%q1+24], 0f3F800000;\n"
      "atom.global.inc.u32 %x, [%q1+32], 999;",
      crowd, "", {sums.address()});
  const auto got = sums.read<u64>(8);
  u32 folded = 0;
  for (u32 i = 0; i < crowd_size; i++) folded ^= i;
  EXPECT_EQ(got[0], crowd_size);
  EXPECT_EQ(got[1], crowd_size - 1);
  EXPECT_EQ(got[2], folded);
  EXPECT_EQ(bits<float>(static_cast<u32>(got[3])), static_cast<float>(crowd_size));
  EXPECT_EQ(got[4], crowd_size % 1000);
}

TEST(Atomic, SharedTotals) {
  const auto got = values(
      ".shared .align 4 .u32 sum;\n.reg .pred %p;\n.reg .b32 %t;\nmov.u32 %t, %tid.x;\n"
      "setp.eq.u32 %p, %t, 0;\n@%p st.shared.u32 [sum], 0;\nbar.sync 0;\nred.shared.add.u32 [sum], %t;\n"
      "bar.sync 0;\nld.shared.u32 %d, [sum];",
      crowd);
  for (const u32 d : got) ASSERT_EQ(d, 127u * 128 / 2);
}

// A lock that every lane of every block takes in turn, the plain sum inside it.
TEST(Atomic, SpinLock) {
  const Buffer state(std::vector<u32>{0, 0});
  values(
      ".reg .pred %p, %q;\n.reg .b32 %old, %v;\nsetp.eq.u32 %q, 0, 1;\nTRY:\n"
      "atom.acquire.gpu.global.cas.b32 %old, [%q1], 0, 1;\nsetp.ne.u32 %p, %old, 0;\n@%p bra TRY;\n"
      "ld.global.u32 %v, [%q1+4];\nadd.u32 %v, %v, 1;\nst.global.u32 [%q1+4], %v;\n"
      "atom.release.gpu.global.exch.b32 %old, [%q1], 0;\n",
      {{8, 1, 1}, {64, 1, 1}}, "", {state.address()});
  EXPECT_EQ(state.read<u32>(2), (std::vector<u32>{0, 512}));
}

}  // namespace
}  // namespace instruction_test
