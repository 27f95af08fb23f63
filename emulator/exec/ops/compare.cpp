// setp (PTX ISA 9.7.6): one handler per comparison and type; the decoder combines predicates.
#include "exec/ops/op.hpp"

namespace ptxvm::exec::PTXVM_ISA {
namespace {

// Flushing under .ftz happens because the host compares with subnormals-are-zero set (AsEncoded).
struct Eq { template <class T> static bool run(T a, T b) { return a == b; } };
struct Ne { template <class T> static bool run(T a, T b) { return (a < b) | (a > b); } };
struct Lt { template <class T> static bool run(T a, T b) { return a < b; } };
struct Le { template <class T> static bool run(T a, T b) { return a <= b; } };
struct Gt { template <class T> static bool run(T a, T b) { return a > b; } };
struct Ge { template <class T> static bool run(T a, T b) { return a >= b; } };
struct Num { template <class T> static bool run(T a, T b) { return (a == a) & (b == b); } };
struct Nan { template <class T> static bool run(T a, T b) { return (a != a) | (b != b); } };
template <class Op> struct Unordered { template <class T> static bool run(T a, T b) {
  return (a != a) | (b != b) | Op::run(a, b); } };

template <class T, class... Mode> void ordered(const Sink& s, const char* const* n) {
  put<Eq, Mode..., pred, T, T>(s, n[0]);
  put<Ne, Mode..., pred, T, T>(s, n[1]);
  put<Lt, Mode..., pred, T, T>(s, n[2]);
  put<Le, Mode..., pred, T, T>(s, n[3]);
  put<Gt, Mode..., pred, T, T>(s, n[4]);
  put<Ge, Mode..., pred, T, T>(s, n[5]);
}
template <class T> void floating(const Sink& s, const char* const* n) {
  using M = AsEncoded;
  ordered<T, M>(s, n);
  put<Num, M, pred, T, T>(s, n[6]);
  put<Nan, M, pred, T, T>(s, n[7]);
  put<Unordered<Eq>, M, pred, T, T>(s, n[8]);
  put<Unordered<Ne>, M, pred, T, T>(s, n[9]);
  put<Unordered<Lt>, M, pred, T, T>(s, n[10]);
  put<Unordered<Le>, M, pred, T, T>(s, n[11]);
  put<Unordered<Gt>, M, pred, T, T>(s, n[12]);
  put<Unordered<Ge>, M, pred, T, T>(s, n[13]);
}

#define PTXVM_ORDERED(t) {"setp.eq." t, "setp.ne." t, "setp.lt." t, "setp.le." t, "setp.gt." t, "setp.ge." t}
#define PTXVM_FLOATING(t) {"setp.eq." t, "setp.ne." t, "setp.lt." t, "setp.le." t, "setp.gt." t, "setp.ge." t, \
    "setp.num." t, "setp.nan." t, "setp.equ." t, "setp.neu." t, "setp.ltu." t, "setp.leu." t, "setp.gtu." t, "setp.geu." t}

}  // namespace

void list_compare(const Sink& s) {
  static const char* const u16n[] = PTXVM_ORDERED("u16");
  static const char* const s16n[] = PTXVM_ORDERED("s16");
  static const char* const u32n[] = PTXVM_ORDERED("u32");
  static const char* const s32n[] = PTXVM_ORDERED("s32");
  static const char* const u64n[] = PTXVM_ORDERED("u64");
  static const char* const s64n[] = PTXVM_ORDERED("s64");
  static const char* const f32n[] = PTXVM_FLOATING("f32");
  static const char* const f64n[] = PTXVM_FLOATING("f64");
  ordered<u16>(s, u16n);
  ordered<s16>(s, s16n);
  ordered<u32>(s, u32n);
  ordered<s32>(s, s32n);
  ordered<u64>(s, u64n);
  ordered<s64>(s, s64n);
  floating<f32>(s, f32n);
  floating<f64>(s, f64n);
}

}  // namespace ptxvm::exec::PTXVM_ISA
