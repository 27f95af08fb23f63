// The video instructions: PTX ISA, "Scalar Video Instructions" and "SIMD Video Instructions".
#include "tables.hpp"

namespace instruction_test {
namespace {

using Rows = std::vector<std::tuple<u32, u32, u32>>;

Rows some_rows() {  // there are many forms: of the table every sixth row
  const Rows all = table<u32, u32, u32>(500);
  Rows rows;
  for (std::size_t i = 0; i < all.size(); i += 6) rows.push_back(all[i]);
  return rows;
}

// An element of size bits, the n-th from below.
s64 element(u64 word, int size, int n, bool is_signed) {
  const u64 v = word >> size * n & ((u64{1} << size) - 1);
  return is_signed && v >> (size - 1) ? static_cast<s64>(v) - (s64{1} << size) : static_cast<s64>(v);
}
s64 part(u32 word, const std::string& name, bool is_signed) {  // ".b2", ".h1" or nothing
  if (name.empty()) return element(word, 32, 0, is_signed);
  return element(word, name[1] == 'b' ? 8 : 16, name[2] - '0', is_signed);
}
s64 limited(s64 v, int size, bool is_signed) {
  const s64 most = (s64{1} << (is_signed ? size - 1 : size)) - 1;
  return std::clamp(v, is_signed ? -most - 1 : 0, most);
}
s64 result(const std::string& op, s64 a, s64 b) {
  if (op == "vadd") return a + b;
  if (op == "vsub") return a - b;
  if (op == "vabsdiff") return std::max(a, b) - std::min(a, b);
  if (op == "vmin") return std::min(a, b);
  if (op == "vmax") return std::max(a, b);
  return a + b >= 0 ? (a + b + 1) >> 1 : (a + b) >> 1;  // vavrg
}
const char* type(bool is_signed) { return is_signed ? ".s32" : ".u32"; }
const bool both_signs[] = {false, true};

s64 with_second(const std::string& op, s64 t, s64 c) {
  return op == ".add" ? t + c : op == ".min" ? std::min(t, c) : std::max(t, c);
}

TEST(Video, Scalar) {
  const Rows rows = some_rows();
  const std::string a_parts[] = {"", ".b1", ".h1", ".b3"}, b_parts[] = {"", ".h0", ".b2", ".b0"};
  for (const std::string op : {"vadd", "vsub", "vabsdiff", "vmin", "vmax"})
    for (const bool d : both_signs)
      for (const bool a : both_signs)
        for (const bool b : both_signs)
          for (const std::string sat : {"", ".sat"})
            for (const int k : {0, 1, 2, 3}) {
              const std::string name = op + type(d) + type(a) + type(b) + sat,
                                operands = ", %a" + a_parts[k] + ", %b" + b_parts[k];
              const auto value = [&](u32 x, u32 y, int size) {
                const s64 t = result(op, part(x, a_parts[k], a), part(y, b_parts[k], b));
                return sat.empty() ? t : limited(t, size, d);
              };
              check<u32>(name + " %d" + operands + ";", rows,
                         [&](u32 x, u32 y, u32) { return static_cast<u32>(value(x, y, 32)); });
              for (const std::string second : {".add", ".min", ".max"})
                check<u32>(name + second + " %d" + operands + ", %c;", rows, [&](u32 x, u32 y, u32 c) {
                  return static_cast<u32>(with_second(second, value(x, y, 32), element(c, 32, 0, d)));
                });
              check<u32>(name + " %d.b2" + operands + ", %c;", rows, [&](u32 x, u32 y, u32 c) {
                return (c & 0xff00ffffu) | (static_cast<u32>(value(x, y, 8)) & 0xff) << 16;
              });
              check<u32>(name + " %d.h0" + operands + ", %c;", rows, [&](u32 x, u32 y, u32 c) {
                return (c & 0xffff0000u) | (static_cast<u32>(value(x, y, 16)) & 0xffff);
              });
            }
}

TEST(Video, ShiftsAndComparisons) {
  const Rows rows = some_rows();
  for (const bool left : both_signs)
    for (const bool wrap : both_signs)
      for (const bool a : both_signs)
        for (const std::string sat : {"", ".sat"}) {
          const std::string name = std::string(left ? "vshl" : "vshr") + ".s32" + type(a) + ".u32" + sat +
                                   (wrap ? ".wrap" : ".clamp");
          const auto value = [&](u32 x, u32 y) {
            const u32 n = wrap ? y % 32 : std::min(y, 32u);
            const s64 v = element(x, 32, 0, a), t = left ? v * (s64{1} << n) : v >> n;
            return sat.empty() ? t : limited(t, 32, true);
          };
          check<u32>(name + " %d, %a, %b;", rows,
                     [&](u32 x, u32 y, u32) { return static_cast<u32>(value(x, y)); });
          check<u32>(name + ".add %d, %a, %b.b1, %c;", rows, [&](u32 x, u32 y, u32 c) {
            return static_cast<u32>(value(x, y >> 8 & 0xff) + static_cast<s32>(c));
          });
        }
  const auto holds = [](const std::string& op, s64 a, s64 b) {
    return op == "eq"   ? a == b
           : op == "ne" ? a != b
           : op == "lt" ? a < b
           : op == "le" ? a <= b
           : op == "gt" ? a > b
                        : a >= b;
  };
  for (const std::string op : {"eq", "ne", "lt", "le", "gt", "ge"})
    for (const bool a : both_signs)
      for (const bool b : both_signs) {
        const std::string tail = std::string(type(a)) + type(b) + "." + op;
        check<u32>("vset" + tail + " %d, %a, %b;", rows, [&](u32 x, u32 y, u32) {
          return holds(op, element(x, 32, 0, a), element(y, 32, 0, b)) ? 1u : 0u;
        });
        check<u32>("vset" + tail + ".add %d, %a.h1, %b.b0, %c;", rows, [&](u32 x, u32 y, u32 c) {
          return c + holds(op, element(x, 16, 1, a), element(y, 8, 0, b));
        });
        for (const int lanes : {2, 4}) {
          const int size = 32 / lanes;
          check<u32>("vset" + std::to_string(lanes) + tail + " %d, %a, %b, %c;", rows,
                     [&](u32 x, u32 y, u32) {
                       u32 r = 0;
                       for (int k = 0; k < lanes; k++)
                         r |= u32{holds(op, element(x, size, k, a), element(y, size, k, b))} << size * k;
                       return r;
                     });
          check<u32>("vset" + std::to_string(lanes) + tail + ".add %d, %a, %b, %c;", rows,
                     [&](u32 x, u32 y, u32 c) {
                       for (int k = 0; k < lanes; k++)
                         c += holds(op, element(x, size, k, a), element(y, size, k, b));
                       return c;
                     });
        }
      }
}

TEST(Video, MultiplyAdd) {
  const Rows rows = some_rows();
  struct Signs {
    const char *a, *b, *c;
  };
  for (const bool a : both_signs)
    for (const bool b : both_signs)
      for (const std::string sat : {"", ".sat"})
        for (const int scale : {0, 7, 15})
          for (const Signs& s : {Signs{"", "", ""}, Signs{"-", "", ""}, Signs{"", "-", ""},
                                 Signs{"-", "-", ""}, Signs{"", "", "-"}, Signs{"", "", "+1"}}) {
            const bool product = (*s.a != 0) != (*s.b != 0), third = *s.c == '-', one = *s.c == '+';
            const std::string name = std::string("vmad.s32") + type(a) + type(b) + (one ? ".po" : "") + sat +
                                     (scale ? ".shr" + std::to_string(scale) : "") + " %d, " + s.a +
                                     "%a.h0, " + s.b + "%b, " + (third ? "-%c;" : "%c;");
            check<u32>(name, rows, [&](u32 x, u32 y, u32 c) {
              const bool is_signed = a || b || product || third;
              __int128 t = static_cast<__int128>(element(x, 16, 0, a)) * element(y, 32, 0, b);
              if (product) t = -t;
              if (third) c = ~c;
              t += is_signed ? static_cast<s64>(static_cast<s32>(c)) : static_cast<s64>(c);
              t += third || one;
              t >>= scale;
              if (!sat.empty()) {
                const __int128 most = is_signed ? 0x7fffffff : 0xffffffffll,
                               least = is_signed ? -0x80000000ll : 0;
                t = std::clamp(t, least, most);
              }
              return static_cast<u32>(t);
            });
          }
}

TEST(Video, Packed) {
  const Rows rows = some_rows();
  for (const std::string op : {"vadd", "vsub", "vavrg", "vabsdiff", "vmin", "vmax"})
    for (const int lanes : {2, 4})
      for (const bool d : both_signs)
        for (const bool a : both_signs)
          for (const bool b : both_signs) {
            const int size = 32 / lanes;
            const std::string name = op + std::to_string(lanes) + type(d) + type(a) + type(b);
            const u32 low = (1u << size) - 1;
            // places in a and b together, of each lane
            const auto of = [&](u32 x, u32 y, const std::vector<int>& from_a, const std::vector<int>& from_b,
                                int k, bool sat) {
              const u64 both = u64{y} << 32 | x;
              const s64 t = result(op, element(both, size, from_a[static_cast<std::size_t>(k)], a),
                                   element(both, size, from_b[static_cast<std::size_t>(k)], b));
              return sat ? limited(t, size, d) : t;
            };
            std::vector<int> own, other;
            for (int k = 0; k < lanes; k++) own.push_back(k), other.push_back(lanes + k);
            for (const bool sat : both_signs)
              check<u32>(name + (sat ? ".sat" : "") + " %d, %a, %b, %c;", rows, [&](u32 x, u32 y, u32) {
                u32 r = 0;
                for (int k = 0; k < lanes; k++)
                  r |= (static_cast<u32>(of(x, y, own, other, k, sat)) & low) << size * k;
                return r;
              });
            check<u32>(name + ".add %d, %a, %b, %c;", rows, [&](u32 x, u32 y, u32 c) {
              for (int k = 0; k < lanes; k++) c += static_cast<u32>(of(x, y, own, other, k, false));
              return c;
            });
            const std::vector<int> from_a =
                lanes == 2 ? std::vector<int>{3, 1} : std::vector<int>{0, 3, 2, 7};  // h13, b7230
            const std::vector<int> from_b =
                lanes == 2 ? std::vector<int>{0, 0} : std::vector<int>{5, 5, 1, 6};  // h00, b6155
            const std::string picks =
                lanes == 2 ? " %d.h1, %a.h13, %b.h00, %c;" : " %d.b31, %a.b7230, %b.b6155, %c;";
            const auto written = [&](int k) { return lanes == 2 ? k == 1 : k == 1 || k == 3; };
            check<u32>(name + ".sat" + picks, rows, [&](u32 x, u32 y, u32 c) {
              u32 r = 0;
              for (int k = 0; k < lanes; k++)
                r |= written(k) ? (static_cast<u32>(of(x, y, from_a, from_b, k, true)) & low) << size * k
                                : c & low << size * k;
              return r;
            });
            check<u32>(name + ".add" + picks, rows, [&](u32 x, u32 y, u32 c) {
              for (int k = 0; k < lanes; k++)
                if (written(k)) c += static_cast<u32>(of(x, y, from_a, from_b, k, false));
              return c;
            });
          }
}

TEST(Video, Refusals) {
  for (const char* text :
       {"vadd.u32.u32 %r, %r, %r;", "vadd.u32.u32.u32.add %r, %r, %r;",
        "vadd.u32.u32.u32.add %r.b0, %r, %r, %r;", "vadd.u32.u32.u32 %r, %r.b4, %r;",
        "vadd4.u32.u32.u32.sat.add %r, %r, %r, %r;", "vadd4.u32.u32.u32 %r, %r.b01, %r, %r;",
        "vadd2.u32.u32.u32 %r, %r.h14, %r, %r;", "vavrg.u32.u32.u32 %r, %r, %r;",
        "vshl.u32.u32.u32 %r, %r, %r;", "vshl.u32.u32.s32.clamp %r, %r, %r;", "vset.u32.u32 %r, %r, %r;",
        "vadd.u32.u32.u32 %r, -%r, %r;", "vmad.s32.s32.s32 %r, -%r, %r, -%r;",
        "vmad.s32.s32.s32.po %r, %r, %r, -%r;", "vmad2.s32.s32.s32 %r, %r, %r, %r;", "add.u32 %r, %r.b0, %r;",
        "mov.b32 %r, %r.h1;", "add.s32 %r, -%r, %r;"}) {
    const std::string opcode = std::string(text).substr(0, std::string(text).find(' '));
    const auto message =
        fault_of(kernel_text(0, std::string(".reg .b32 %r;\n") + text), {{1, 1, 1}, {1, 1, 1}}, {}).message;
    EXPECT_NE(message.find(opcode), std::string::npos) << text << " gives '" << message << "'";
  }
}

}  // namespace
}  // namespace instruction_test
