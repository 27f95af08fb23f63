// ld and st (PTX ISA 9.7.9): T in memory, R the register; the space is found at run time.
#include "exec/ops/access.hpp"
#include "exec/ops/wide.hpp"

namespace ptxvm::exec::PTXVM_ISA {
namespace {

template <class T> T load_one(u64 host) {
  T v;
  __builtin_memcpy(&v, reinterpret_cast<const void*>(host), sizeof v);
  return v;
}

// Sixteen bytes a lane are rows of four words, and registers are columns: four lanes at a time are turned over.
typedef u32 Quad __attribute__((vector_size(16)));

inline void transpose(Quad (&q)[4]) {
  const Quad low01 = __builtin_shufflevector(q[0], q[1], 0, 4, 1, 5), high01 = __builtin_shufflevector(q[0], q[1], 2, 6, 3, 7);
  const Quad low23 = __builtin_shufflevector(q[2], q[3], 0, 4, 1, 5), high23 = __builtin_shufflevector(q[2], q[3], 2, 6, 3, 7);
  q[0] = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
  q[1] = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
  q[2] = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
  q[3] = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
}

inline void load_quads(Warp& w, const Inst& in, const u64* host) {
  u32* d[4];
  for (int v = 0; v < 4; ++v) d[v] = w.at<u32>(in.op[v]);
  for (int i = 0; i < 32; i += 4) {
    Quad q[4];
    for (int k = 0; k < 4; ++k) q[k] = load_one<Quad>(host[i + k]);
    transpose(q);
    for (int v = 0; v < 4; ++v) __builtin_memcpy(d[v] + i, &q[v], sizeof q[v]);
  }
}

inline void store_quads(Warp& w, const Inst& in, const u64* host) {
  const u32* s[4];
  for (int v = 0; v < 4; ++v) s[v] = w.at<u32>(in.op[v + 1]);
  for (int i = 0; i < 32; i += 4) {
    Quad q[4];
    for (int v = 0; v < 4; ++v) __builtin_memcpy(&q[v], s[v] + i, sizeof q[v]);
    transpose(q);
    for (int k = 0; k < 4; ++k) __builtin_memcpy(reinterpret_cast<void*>(host[i + k]), &q[k], sizeof q[k]);
  }
}

// A strong access to a vector of 8 or 16 bytes is one access of the host, too: no device is known to part it, and
// CUB's look-back relies on that where its status and its value share 16 bytes.
template <int Bytes> struct Piece { using type = u64; };
template <> struct Piece<16> { typedef u64 type __attribute__((vector_size(16))); };
template <class T, int V> constexpr bool one_piece = V > 1 && (sizeof(T) * V == 8 || sizeof(T) * V == 16);
bool strong(const Inst& in) { return (in.sem & 7) != 0; }  // see Semantics

template <class T, int V> void load_piece(u64 host, T* parts) {
  using P = typename Piece<sizeof(T) * V>::type;
  const P piece = *reinterpret_cast<const volatile P*>(host);
  __builtin_memcpy(parts, &piece, sizeof piece);
}
template <class T, int V> void store_piece(u64 host, const T* parts) {
  using P = typename Piece<sizeof(T) * V>::type;
  P piece;
  __builtin_memcpy(&piece, parts, sizeof piece);
  *reinterpret_cast<volatile P*>(host) = piece;
}

// op[0..V-1] destinations (kNone: not wanted), op[V] address.
template <class T, class R, int V>
void load(Warp& w, const Inst& in) {
  Access access;
  resolve(w, in, in.op[V], sizeof(T) * V, false, access);
  const u32 mask = w.mask;
  if constexpr (one_piece<T, V>) {
    if (strong(in)) {
      for (u32 m = mask; m; m &= m - 1) {
        int i = __builtin_ctz(m);
        T parts[V];
        load_piece<T, V>(access.host[i], parts);
        for (int v = 0; v < V; ++v)
          if (in.op[v] != kNone) w.at<R>(in.op[v])[i] = R(parts[v]);
      }
      return;
    }
  }
  if constexpr (std::is_same_v<T, u32> && std::is_same_v<R, u32> && V == 4) {
    if (mask == kAllLanes && !access.same && in.op[0] != kNone && in.op[1] != kNone && in.op[2] != kNone && in.op[3] != kNone)
      return load_quads(w, in, access.host);
  }
  for (int v = 0; v < V; ++v) {
    if (in.op[v] == kNone) continue;
    R* d = w.at<R>(in.op[v]);
    if (access.unit) {
      const T* p = reinterpret_cast<const T*>(access.host[0]) + v;
      PTXVM_LANES d[i] = R(p[i * V]);
    } else if (access.same) {
      const R value = R(load_one<T>(access.host[0] + v * sizeof(T)));
      PTXVM_LANES d[i] = value;
    } else {
      for (u32 m = mask; m; m &= m - 1) {
        int i = __builtin_ctz(m);
        d[i] = R(load_one<T>(access.host[i] + v * sizeof(T)));
      }
    }
  }
}

template <class T> bool differ(T a, T b) { return a != b; }
inline bool differ(Wide a, Wide b) { return a[0] != b[0] || a[1] != b[1]; }

// Lanes that write one place by one instruction: which of them performs it is not defined.
template <class T, class R, int V>
void check_values(Warp& w, const Inst& in, const u64* host) {
  for (u32 m = w.mask; m; m &= m - 1) {
    const int i = __builtin_ctz(m);
    for (u32 others = m & (m - 1); others; others &= others - 1) {
      const int j = __builtin_ctz(others);
      if (host[i] != host[j]) continue;
      for (int v = 0; v < V; ++v)
        if (differ(T(w.at<R>(in.op[v + 1])[i]), T(w.at<R>(in.op[v + 1])[j]))) differing_values(w, in, unsigned(i), unsigned(j));
    }
  }
}

// op[0] address, op[1..V] sources.
template <class T, class R, int V>
void store(Warp& w, const Inst& in) {
  Access access;
  resolve(w, in, in.op[0], sizeof(T) * V, true, access);
  const u32 mask = w.mask;
  if (w.worker->checker && !access.unit) check_values<T, R, V>(w, in, access.host);
  if constexpr (one_piece<T, V>) {
    if (strong(in)) {
      for (u32 m = mask; m; m &= m - 1) {
        int i = __builtin_ctz(m);
        T parts[V];
        for (int v = 0; v < V; ++v) parts[v] = T(w.at<R>(in.op[v + 1])[i]);
        store_piece<T, V>(access.host[i], parts);
      }
      return;
    }
  }
  if constexpr (std::is_same_v<T, u32> && std::is_same_v<R, u32> && V == 4) {
    if (mask == kAllLanes) return store_quads(w, in, access.host);
  }
  for (int v = 0; v < V; ++v) {
    const R* s = w.at<R>(in.op[v + 1]);
    if (access.unit) {
      T* p = reinterpret_cast<T*>(access.host[0]) + v;
      PTXVM_LANES p[i * V] = T(s[i]);
    } else {
      for (u32 m = mask; m; m &= m - 1) {
        int i = __builtin_ctz(m);
        T value = T(s[i]);
        __builtin_memcpy(reinterpret_cast<void*>(access.host[i] + v * sizeof(T)), &value, sizeof value);
      }
    }
  }
}

// An entry's parameter at a fixed offset (imm), the same for all lanes. Range checked when decoded.
template <class T, class R, int V>
void load_parameter(Warp& w, const Inst& in) {
  const u32 mask = w.mask;
  for (int v = 0; v < V; ++v) {
    if (in.op[v] == kNone) continue;
    const R value = R(load_one<T>(reinterpret_cast<std::uintptr_t>(w.block->image->parameters) + in.imm + v * sizeof(T)));
    R* d = w.at<R>(in.op[v]);
    PTXVM_LANES d[i] = ((mask >> i) & 1) ? value : d[i];
  }
}

// Arguments and results of calls live in the register frame: op[V] is the offset of a byte array of
// op[V+1] bytes a lane; imm the offset in it.
template <class T, class R, int V>
void load_argument(Warp& w, const Inst& in) {
  char* area = w.base[0] + in.op[V] + in.imm;
  for (u32 m = w.mask; m; m &= m - 1) {
    int i = __builtin_ctz(m);
    for (int v = 0; v < V; ++v)
      if (in.op[v] != kNone)
        w.at<R>(in.op[v])[i] = R(load_one<T>(reinterpret_cast<std::uintptr_t>(area + i * in.op[V + 1] + v * sizeof(T))));
  }
}
template <class T, class R, int V>
void store_argument(Warp& w, const Inst& in) {
  char* area = w.base[0] + in.op[0] + in.imm;
  for (u32 m = w.mask; m; m &= m - 1) {
    int i = __builtin_ctz(m);
    for (int v = 0; v < V; ++v) {
      T value = T(w.at<R>(in.op[v + 2])[i]);
      __builtin_memcpy(area + i * in.op[1] + v * sizeof(T), &value, sizeof value);
    }
  }
}

// discard: the bytes have no particular value any more. What uninitialised memory is filled with stands in for it.
void discard(Warp& w, const Inst& in) {
  Access access;
  resolve(w, in, in.op[0], 128, true, access);
  for (u32 m = w.mask; m; m &= m - 1) __builtin_memset(reinterpret_cast<void*>(access.host[__builtin_ctz(m)]), 0xff, 128);
}

struct Name {
  char text[40];
  const char* operator()(const char* op, const char* t, const char* r, const char* v) {
    int n = 0;
    for (const char* part : {op, ".", t, ".", r, ".", v}) for (int k = 0; part[k]; ++k) text[n++] = part[k];
    text[n] = 0;
    return text;
  }
};

template <class T, class R, int V>
void put_width(const Sink& s, const char* t, const char* r, const char* v) {
  Name n;
  s.put(s.context, n("ld", t, r, v), &load<T, R, V>, &load<T, R, V>, {});
  s.put(s.context, n("st", t, r, v), &store<T, R, V>, &store<T, R, V>, {});
  s.put(s.context, n("ld.parameter", t, r, v), &load_parameter<T, R, V>, &load_parameter<T, R, V>, {});
  s.put(s.context, n("ld.argument", t, r, v), &load_argument<T, R, V>, &load_argument<T, R, V>, {});
  s.put(s.context, n("st.argument", t, r, v), &store_argument<T, R, V>, &store_argument<T, R, V>, {});
}
template <class T, class R>
void put_widths(const Sink& s, const char* t, const char* r) {
  put_width<T, R, 1>(s, t, r, "v1");
  put_width<T, R, 2>(s, t, r, "v2");
  put_width<T, R, 4>(s, t, r, "v4");
}

}  // namespace

// Signed types differ in loads into wider registers only; the rest use the unsigned name.
void list_memory(const Sink& s) {
  put_widths<u8, u16>(s, "u8", "r16");
  put_widths<s8, s16>(s, "s8", "r16");
  put_widths<u8, u32>(s, "u8", "r32");
  put_widths<s8, s32>(s, "s8", "r32");
  put_widths<u8, u64>(s, "u8", "r64");
  put_widths<s8, s64>(s, "s8", "r64");
  put_widths<u16, u16>(s, "u16", "r16");
  put_widths<u16, u32>(s, "u16", "r32");
  put_widths<s16, s32>(s, "s16", "r32");
  put_widths<u16, u64>(s, "u16", "r64");
  put_widths<s16, s64>(s, "s16", "r64");
  put_widths<u32, u32>(s, "u32", "r32");
  put_widths<u32, u64>(s, "u32", "r64");
  put_widths<s32, s64>(s, "s32", "r64");
  put_widths<u64, u64>(s, "u64", "r64");
  put_width<u32, u32, 8>(s, "u32", "r32", "v8");
  put_width<Wide, Wide, 1>(s, "u128", "r128", "v1");
  s.put(s.context, "discard", &discard, &discard, {});
}

}  // namespace ptxvm::exec::PTXVM_ISA
