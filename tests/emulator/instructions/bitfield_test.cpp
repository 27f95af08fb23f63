// Counting, finding, extracting and permuting bits.
#include "tables.hpp"

namespace instruction_test {
namespace {

template <class T>
void counting() {
  constexpr int width = sizeof(T) * 8;
  const std::string b = ".b" + std::to_string(width) + " %d, %a;";
  const auto rows = table<T>();
  const auto bit = [](T a, int i) { return static_cast<int>(a >> i & 1); };
  check<u32>("popc" + b, rows, [&](T a) {
    u32 n = 0;
    for (int i = 0; i < width; i++) n += bit(a, i);
    return n;
  });
  check<u32>("clz" + b, rows, [&](T a) {
    u32 n = 0;
    for (int i = width - 1; i >= 0 && !bit(a, i); i--) n++;
    return n;
  });
  check<T>("brev" + b, rows, [&](T a) {
    T r = 0;
    for (int i = 0; i < width; i++) r |= static_cast<T>(bit(a, i)) << (width - 1 - i);
    return r;
  });
  const auto find = [&](T a, bool is_signed) {  // the highest bit that is not the sign
    const int sign = is_signed ? bit(a, width - 1) : 0;
    for (int i = width - 1; i >= 0; i--)
      if (bit(a, i) != sign) return static_cast<u32>(i);
    return ~0u;
  };
  for (const bool is_signed : {false, true}) {
    const std::string t = (is_signed ? ".s" : ".u") + std::to_string(width) + " %d, %a;";
    check<u32>("bfind" + t, rows, [&](T a) { return find(a, is_signed); });
    check<u32>("bfind.shiftamt" + t, rows, [&](T a) {
      const u32 r = find(a, is_signed);
      return r == ~0u ? r : width - 1 - r;
    });
  }
}
TEST(BitField, Counting) { counting<u32>(), counting<u64>(); }

// Position and length are the low 8 bits of their operands.
template <class T>
void fields() {
  constexpr int width = sizeof(T) * 8;
  const std::string n = std::to_string(width);
  using Signed = std::make_signed_t<T>;
  const auto field = [](T a, u32 b, u32 c, bool is_signed) {
    const int pos = b & 255, len = c & 255, top = width - 1;
    const bool sign = is_signed && len != 0 && (a >> std::min(pos + len - 1, top) & 1);
    T r = 0;
    for (int i = 0; i < width; i++) {
      const bool inside = i < len && pos + i <= top;
      r |= static_cast<T>(inside ? a >> (pos + i) & 1 : T(sign)) << i;
    }
    return r;
  };
  check<T>("bfe.u" + n + " %d, %a, %b, %c;", table<T, u32, u32>(),
           [&](T a, u32 b, u32 c) { return field(a, b, c, false); });
  check<Signed>("bfe.s" + n + " %d, %a, %b, %c;", table<Signed, u32, u32>(), [&](Signed a, u32 b, u32 c) {
    return static_cast<Signed>(field(static_cast<T>(a), b, c, true));
  });
  check<T>("bfi.b" + n + " %d, %a, %b, %c, %e;", table<T, T, u32, u32>(), [](T a, T b, u32 c, u32 d) {
    const int pos = c & 255, len = d & 255;
    for (int i = 0; i < len && pos + i < width; i++) {
      const T one = T(1) << (pos + i);
      b = (a >> i & 1) ? b | one : b & ~one;
    }
    return b;
  });
}
TEST(BitField, ExtractAndInsert) { fields<u32>(), fields<u64>(); }

// The nth set bit, counted from base upwards (n > 0) or downwards (n < 0); n = 0 asks for base itself.
TEST(BitField, NthSet) {
  std::vector<std::tuple<u32, u32, s32>> rows;
  for (const u32 mask : {0u, 1u, 0x80000000u, ~0u, 0xaaaaaaaau, 0x00ff00f0u, 0x12345678u})
    for (u32 base = 0; base < 32; base++)
      for (s32 n = -34; n <= 34; n += n > -5 && n < 5 ? 1 : 6) rows.emplace_back(mask, base, n);
  check<u32>("fns.b32 %d, %a, %b, %c;", rows, [](u32 mask, u32 base, s32 n) {
    if (n == 0) return (mask >> base & 1) ? base : ~0u;
    int seen = 0;
    for (int i = static_cast<int>(base); i >= 0 && i<32; i += n> 0 ? 1 : -1)
      if ((mask >> i & 1) && ++seen == std::abs(n)) return static_cast<u32>(i);
    return ~0u;
  });
}

TEST(BitField, MasksAndExtension) {
  for (const bool clamp : {true, false}) {
    const std::string mode = clamp ? ".clamp" : ".wrap";
    const auto limit = [&](u32 x) { return clamp ? std::min(x, 32u) : x & 31; };
    check<u32>("bmsk" + mode + ".b32 %d, %a, %b;", table<u32, u32>(), [&](u32 a, u32 b) {
      u32 r = 0;
      for (u32 i = limit(a); i < 32 && i < limit(a) + limit(b); i++) r |= 1u << i;
      return r;
    });
    check<u32>("szext" + mode + ".u32 %d, %a, %b;", table<u32, u32>(),
               [&](u32 a, u32 b) { return static_cast<u32>(a & ((u64{1} << limit(b)) - 1)); });
    check<s32>("szext" + mode + ".s32 %d, %a, %b;", table<s32, u32>(), [&](s32 a, u32 b) {
      const u32 n = limit(b);
      const s64 kept = static_cast<s64>(static_cast<u32>(a) & ((u64{1} << n) - 1));
      return static_cast<s32>(n != 0 && (kept >> (n - 1) & 1) ? kept - (s64{1} << n) : kept);
    });
  }
}

TEST(BitField, Permute) {
  const auto byte = [](u32 a, u32 b, u32 n) {
    return static_cast<u32>((u64{b} << 32 | a) >> (8 * (n & 7)) & 0xff);
  };
  const auto rows = table<u32, u32, u32>();
  check<u32>("prmt.b32 %d, %a, %b, %c;", rows, [&](u32 a, u32 b, u32 c) {
    u32 r = 0;
    for (int i = 0; i < 4; i++) {
      const u32 selector = c >> 4 * i & 15, chosen = byte(a, b, selector);
      r |= (selector & 8 ? (chosen & 0x80 ? 0xffu : 0u) : chosen) << 8 * i;
    }
    return r;
  });
  // The tables of the modes: for selector 0..3, the source bytes of d.b3, d.b2, d.b1, d.b0.
  struct Mode {
    const char* name;
    const char* selector[4];
  };
  const Mode modes[] = {
      {"f4e", {"3210", "4321", "5432", "6543"}}, {"b4e", {"5670", "6701", "7012", "0123"}},
      {"rc8", {"0000", "1111", "2222", "3333"}}, {"ecl", {"3210", "3211", "3222", "3333"}},
      {"ecr", {"0000", "1110", "2210", "3210"}}, {"rc16", {"1010", "3232", "1010", "3232"}}};
  for (const Mode& mode : modes)
    check<u32>(std::string("prmt.b32.") + mode.name + " %d, %a, %b, %c;", rows, [&](u32 a, u32 b, u32 c) {
      u32 r = 0;
      for (int i = 0; i < 4; i++) r = r << 8 | byte(a, b, static_cast<u32>(mode.selector[c & 3][i] - '0'));
      return r;
    });
}

}  // namespace
}  // namespace instruction_test
