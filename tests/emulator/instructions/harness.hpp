// One instruction, many operands: the text runs on the machine, one lane a row of the table, and each result
// is judged by a function of the same row. %d is the destination; %a, %b, %c, %e the sources, in the order of
// the row.
//
// Every row is computed three ways: by whole warps, under a guard that some lanes fail, and in lanes that a
// branch has parted from the others. Lanes that do not take part keep what was in %d.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <random>
#include <sstream>
#include <tuple>
#include <type_traits>

#include "machine.hpp"

namespace instruction_test {

struct Pred {  // a predicate operand
  bool value;
};

template <class T>
struct Operand {
  static constexpr bool predicate = false;
  using Stored = T;
  static std::string declared() { return ".b" + std::to_string(std::max<std::size_t>(sizeof(T), 2) * 8); }
  static std::string stored() {
    return (std::is_same_v<T, s8> ? "s" : std::is_same_v<T, u8> ? "u" : "b") + std::to_string(sizeof(T) * 8);
  }
};
template <>
struct Operand<Pred> {
  static constexpr bool predicate = true;
  using Stored = u32;
  static std::string declared() { return ".pred"; }
  static std::string stored() { return "b32"; }
};

template <class T>
typename Operand<T>::Stored to_stored(T value) {
  if constexpr (std::is_same_v<T, Pred>)
    return value.value;
  else
    return value;
}
template <class T>
T from_stored(typename Operand<T>::Stored value) {
  if constexpr (std::is_same_v<T, Pred>)
    return Pred{value != 0};
  else
    return value;
}

template <class T>
std::string shown(T value) {
  std::ostringstream s;
  if constexpr (std::is_same_v<T, Pred>)
    s << value.value;
  else if constexpr (std::is_floating_point_v<T>)
    s << std::hexfloat << value << " (" << std::defaultfloat << value << ")";
  else
    s << +value << " (0x" << std::hex << static_cast<u64>(static_cast<std::make_unsigned_t<T>>(value)) << ")";
  return s.str();
}

template <class T>
bool same(T a, T b) {
  if constexpr (std::is_same_v<T, Pred>)
    return a.value == b.value;
  else if constexpr (std::is_floating_point_v<T>)
    return (a != a && b != b) || std::memcmp(&a, &b, sizeof a) == 0;
  else
    return a == b;
}

template <class T>
T untouched() {
  if constexpr (std::is_same_v<T, Pred>)
    return Pred{true};
  else {
    T value;
    std::memset(&value, 0xa5, sizeof value);
    return value;
  }
}

template <class D, class... A>
std::string instruction_kernel(const std::string& text) {
  static const char* const names[] = {"%a", "%b", "%c", "%e"};
  std::string declared, loads;
  int n = 0;
  const auto address = [](const std::string& pointer, std::size_t size) {
    return "mad.wide.u32 %at, %i, " + std::to_string(size) + ", " + pointer + ";\n";
  };
  const auto source = [&](auto operand) {
    using T = decltype(operand);
    const std::string name = names[n], pointer = "%q" + std::to_string(2 + n);
    n++;
    declared += ".reg " + Operand<T>::declared() + " " + name + ";\n";
    loads += address(pointer, sizeof(typename Operand<T>::Stored));
    if (Operand<T>::predicate)
      loads += "ld.global.b32 %word, [%at];\nsetp.ne.u32 " + name + ", %word, 0;\n";
    else
      loads += "ld.global." + Operand<T>::stored() + " " + name + ", [%at];\n";
  };
  (source(A{}), ...);
  const std::size_t size = sizeof(typename Operand<D>::Stored);
  const std::string prepare =
      Operand<D>::predicate ? "setp.eq.u32 %d, 0, 0;\n"
                            : address("%q1", size) + "ld.global." + Operand<D>::stored() + " %d, [%at];\n";
  const std::string keep =
      std::string(Operand<D>::predicate ? "selp.u32 %word, 1, 0, %d;\nst.global.b32 [%to], %word;\n"
                                        : "st.global." + Operand<D>::stored() + " [%to], %d;\n") +
      "add.u64 %to, %to, %step;\n";
  const bool single = text.find(';') + 1 == text.size();
  return kernel_text(
      2 + sizeof...(A),
      ".reg .pred %guard;\n.reg .b32 %word;\n.reg .b64 %to, %step;\n.reg " + Operand<D>::declared() +
          " %d;\n" + declared + loads + address("%q0", size) + "mov.u64 %to, %at;\n" +
          "mov.u32 %word, %nctaid.x;\nmul.lo.u32 %word, %word, %threads;\nmul.wide.u32 %step, %word, " +
          std::to_string(size) + ";\n" +
          // lanes 1, 2, 4, 5, 7... take part
          "rem.u32 %word, %i, 3;\nsetp.ne.u32 %guard, %word, 0;\n" + prepare + text + "\n" + keep + prepare +
          (single ? "@%guard " : "@!%guard bra PAST;\n") + text + "\n" + (single ? "" : "PAST:\n") + keep +
          prepare + "@%guard bra DO;\nbra.uni DONE;\nDO:\n" + text + "\nDONE:\n" + keep);
}

template <class D, class... A>
struct Outcome {
  std::vector<D> plain, guarded, diverged;
};

constexpr u32 block_size = 96;

template <std::size_t... I, class F>
void each_index(std::index_sequence<I...>, F f) {
  (f(std::integral_constant<std::size_t, I>{}), ...);
}

template <class D, class... A>
Outcome<D, A...> outcome(const std::string& text, const std::vector<std::tuple<A...>>& rows) {
  const u32 blocks = static_cast<u32>((rows.size() + block_size - 1) / block_size);
  const std::size_t threads = std::size_t{blocks} * block_size;
  using Stored = typename Operand<D>::Stored;
  const Buffer out(3 * threads * sizeof(Stored));
  const Buffer before(std::vector<Stored>(threads, to_stored(untouched<D>())));
  std::vector<u64> parameters{out.address(), before.address()};
  std::vector<std::unique_ptr<Buffer>> columns;
  const auto column = [&](auto get, auto operand) {
    using T = decltype(operand);
    std::vector<typename Operand<T>::Stored> stored(threads);
    for (std::size_t i = 0; i < threads; i++) stored[i] = to_stored<T>(get(rows[i % rows.size()]));
    columns.push_back(std::make_unique<Buffer>(stored));
    parameters.push_back(columns.back()->address());
  };
  each_index(std::index_sequence_for<A...>{}, [&](auto i) {
    constexpr std::size_t index = decltype(i)::value;
    column([](const auto& row) { return std::get<index>(row); },
           std::tuple_element_t<index, std::tuple<A...>>{});
  });
  run(instruction_kernel<D, A...>(text), {{blocks, 1, 1}, {block_size, 1, 1}}, parameters);
  const std::vector<Stored> stored = out.template read<Stored>(3 * threads);
  Outcome<D, A...> o;
  for (std::size_t i = 0; i < rows.size(); i++) {
    o.plain.push_back(from_stored<D>(stored[i]));
    o.guarded.push_back(from_stored<D>(stored[threads + i]));
    o.diverged.push_back(from_stored<D>(stored[2 * threads + i]));
  }
  return o;
}

// good(result, operands...) judges.
template <class D, class... A, class Good>
void judge(const std::string& text, const std::vector<std::tuple<A...>>& rows, Good good) {
  SCOPED_TRACE(text);
  Outcome<D, A...> o;
  ASSERT_NO_THROW(o = outcome<D>(text, rows)) << text;
  int complaints = 0;
  for (std::size_t i = 0; i < rows.size() && complaints < 3; i++) {
    const bool takes_part = i % 3 != 0;
    const bool right = std::apply([&](A... a) { return good(o.plain[i], a...); }, rows[i]) &&
                       same(o.guarded[i], takes_part ? o.plain[i] : untouched<D>()) &&
                       same(o.diverged[i], takes_part ? o.plain[i] : untouched<D>());
    if (right) continue;
    std::string operands;
    std::apply([&](A... a) { ((operands += " " + shown(a)), ...); }, rows[i]);
    ADD_FAILURE() << "operands" << operands << " give " << shown(o.plain[i]) << ", guarded "
                  << shown(o.guarded[i]) << ", diverged " << shown(o.diverged[i]);
    complaints++;
  }
}

// The definition gives the one right result.
template <class D, class... A, class Definition>
void check(const std::string& text, const std::vector<std::tuple<A...>>& rows, Definition definition) {
  judge<D>(text, rows, [&](D got, A... a) {
    const D wanted = definition(a...);
    if (same(got, wanted)) return true;
    ADD_FAILURE() << "should be " << shown(wanted);
    return false;
  });
}

}  // namespace instruction_test
