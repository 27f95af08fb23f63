// Atomic operations on one address a lane: the old value, and what is left in memory.
#pragma once

#include "tables.hpp"

namespace instruction_test {

enum class Where { Global, Shared, GenericGlobal, GenericShared };

template <class T>
std::vector<std::tuple<T, T, T>> operand_rows() {
  auto rows = table<T, T, T>(200);
  rows.resize(1000);
  for (std::size_t i = 0; i < rows.size(); i += 4)
    std::get<1>(rows[i]) = std::get<0>(rows[i]);  // equal: cas takes place
  return rows;
}

// One address a lane, in every space, as atom and as red. name is "add.u32"; definition(memory, b, c) what is
// left there.
template <class T, class Definition>
void check_atomic(const std::string& name, const std::vector<std::tuple<T, T, T>>& rows,
                  Definition definition, const std::string& order = "", bool with_c = false) {
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

template <class T, class Definition>
void check_atomic(const std::string& name, Definition definition, const std::string& order = "",
                  bool with_c = false) {
  check_atomic<T>(name, operand_rows<T>(), definition, order, with_c);
}

}  // namespace instruction_test
