// atom and red: old values, new contents, orders and scopes, and totals under contention.
#include "atomic_support.hpp"

namespace instruction_test {
namespace {

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
