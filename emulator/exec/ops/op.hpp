// How instruction handlers are written and listed. These files are compiled once per vector unit, in a
// namespace of their own (PTXVM_ISA), and so use no library templates: an inline function compiled for a
// wider unit must not be the one that the linker keeps for all.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "exec/ops/signature.hpp"
#include "exec/warp.hpp"

#if defined(__clang__)
#define PTXVM_LANES _Pragma("clang loop vectorize(assume_safety)") for (int i = 0; i < 32; ++i)
#else
#define PTXVM_LANES _Pragma("GCC ivdep") for (int i = 0; i < 32; ++i)
#endif

namespace ptxvm::exec {

namespace PTXVM_ISA {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using s8 = std::int8_t;
using s16 = std::int16_t;
using s32 = std::int32_t;
using s64 = std::int64_t;
using f32 = float;
using f64 = double;
struct pred {};  // a predicate operand

template <class T>
constexpr u8 width_of() {
  if constexpr (std::is_same_v<T, pred>) return 1;
  else return sizeof(T) * 8;
}

template <class To, class From>
inline To bits(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  __builtin_memcpy(&to, &from, sizeof to);
  return to;
}

// Reads lane i of an operand; a predicate is a bit of its word.
template <class T>
struct Source {
  const T* p;
  Source(Warp& w, Ref ref) : p(w.at<T>(ref)) {}
  T operator[](int i) const { return p[i]; }
};
template <>
struct Source<pred> {
  u32 word;
  Source(Warp& w, Ref ref) : word(*w.at<u32>(ref)) {}
  bool operator[](int i) const { return (word >> i) & 1; }
};

template <class Op, bool Masked, class R, class... A, class... S>
inline void map_lanes(Warp& w, const Inst& in, S... source) {
  const u32 mask = w.mask;
  if constexpr (std::is_same_v<R, pred>) {
    u32 result = 0;
    PTXVM_LANES result |= static_cast<u32>(Op::run(source[i]...)) << i;
    u32* d = w.at<u32>(in.op[0]);
    *d = Masked ? (*d & ~mask) | (result & mask) : result;
  } else {
    R* d = w.at<R>(in.op[0]);
    PTXVM_LANES {
      R r = Op::run(source[i]...);
      if constexpr (Masked) r = ((mask >> i) & 1) ? r : d[i];
      d[i] = r;
    }
  }
}

// Round to nearest even, subnormals kept: the host's default, so nothing is set.
struct Nearest {
  explicit Nearest(const Inst&) {}
};

// Rounding and flushing as Inst::aux says (bits of the host's control register, see Float in decode.cpp),
// in force while the object lives.
constexpr u8 kRoundDown = 1, kRoundUp = 2, kRoundZero = 3, kFlush = 4;
struct AsEncoded {
  u32 saved = 0;
  bool set;
  explicit AsEncoded(const Inst& in) : set(in.aux != 0) {
    if (!set) return;
    saved = __builtin_ia32_stmxcsr();
    u32 wanted = (saved & ~0xe040u) | u32(in.aux & 3) << 13 | (in.aux & kFlush ? 0x8040u : 0u);
    __builtin_ia32_ldmxcsr(wanted);
    asm volatile("" ::: "memory");
  }
  ~AsEncoded() {
    if (!set) return;
    asm volatile("" ::: "memory");
    __builtin_ia32_ldmxcsr(saved);
  }
};

// One handler: R = Op::run(A...), lane by lane, under Mode's rounding (a scope object).
template <class Op, class Mode, bool Masked, class R, class... A>
struct Map;
template <class Op, class Mode, bool Masked, class R, class A>
struct Map<Op, Mode, Masked, R, A> {
  static void run(Warp& w, const Inst& in) {
    [[maybe_unused]] Mode mode(in);
    map_lanes<Op, Masked, R, A>(w, in, Source<A>(w, in.op[1]));
  }
};
template <class Op, class Mode, bool Masked, class R, class A, class B>
struct Map<Op, Mode, Masked, R, A, B> {
  static void run(Warp& w, const Inst& in) {
    [[maybe_unused]] Mode mode(in);
    map_lanes<Op, Masked, R, A, B>(w, in, Source<A>(w, in.op[1]), Source<B>(w, in.op[2]));
  }
};
template <class Op, class Mode, bool Masked, class R, class A, class B, class C>
struct Map<Op, Mode, Masked, R, A, B, C> {
  static void run(Warp& w, const Inst& in) {
    [[maybe_unused]] Mode mode(in);
    map_lanes<Op, Masked, R, A, B, C>(w, in, Source<A>(w, in.op[1]), Source<B>(w, in.op[2]),
                                      Source<C>(w, in.op[3]));
  }
};
template <class Op, class Mode, bool Masked, class R, class A, class B, class C, class D>
struct Map<Op, Mode, Masked, R, A, B, C, D> {
  static void run(Warp& w, const Inst& in) {
    [[maybe_unused]] Mode mode(in);
    map_lanes<Op, Masked, R, A, B, C, D>(w, in, Source<A>(w, in.op[1]), Source<B>(w, in.op[2]),
                                         Source<C>(w, in.op[3]), Source<D>(w, in.op[4]));
  }
};

template <class Op, class Mode, class R, class... A>
void put_mapped(const Sink& sink, const char* name) {
  Signature s;
  s.count = 1 + sizeof...(A);
  s.width[0] = width_of<R>();
  int n = 1;
  ((s.width[n++] = width_of<A>()), ...);
  sink.put(sink.context, name, &Map<Op, Mode, false, R, A...>::run, &Map<Op, Mode, true, R, A...>::run, s);
}
// put<Op, R, A...>: rounding to nearest; put<Op, AsEncoded, R, A...>: rounding as the instruction says.
template <class Op, class First, class... Rest>
void put(const Sink& sink, const char* name) {
  if constexpr (std::is_same_v<First, AsEncoded>) put_mapped<Op, AsEncoded, Rest...>(sink, name);
  else put_mapped<Op, Nearest, First, Rest...>(sink, name);
}

// One, unknown to the compiler: multiplying by it flushes subnormals under .ftz and changes nothing else.
extern float unit32;
inline float flushed(float a) { return a * unit32; }
inline double flushed(double a) { return a; }

void list_integer(const Sink& sink);
void list_logic(const Sink& sink);
void list_float(const Sink& sink);
void list_double(const Sink& sink);
void list_half(const Sink& sink);
void list_half_convert(const Sink& sink);
void list_compare(const Sink& sink);
void list_convert(const Sink& sink);
void list_approximate(const Sink& sink);
void list_approximate_worst(const Sink& sink);
void list_approximate_worst_half(const Sink& sink);
void list_memory(const Sink& sink);
void list_atomic(const Sink& sink);
void list_atomic_half(const Sink& sink);
void list_collective(const Sink& sink);
void list_video(const Sink& sink);
void list_matrix(const Sink& sink);
void list_matrix_memory(const Sink& sink);
void list_matrix_tile(const Sink& sink);
}  // namespace PTXVM_ISA
}  // namespace ptxvm::exec
