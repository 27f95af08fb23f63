// mma and wmma.mma (PTX ISA 9.7.14): fragments become matrices in fp64, are multiplied as exec/tensor.hpp
// says, and the sum becomes a fragment again. fp64 matrices are a chain of fused multiply-adds, k = 0, 1...,
// from c on, each rounded as the instruction says: the order that the hardware has by the measurements named
// there, and which the ISA leaves open.
#include "exec/ops/access.hpp"
#include "exec/ops/matrix.hpp"
#include "exec/ops/matrix_sum.hpp"
#include "exec/tensor.hpp"

namespace ptxvm::exec::PTXVM_ISA {
namespace {

// Types of A and B: block columns, bytes, how a block's register becomes rows of fp64.
struct Fp16 {
  static constexpr int width = 8, size = 2;
  static constexpr f64 least = 0x1p-14;
  static void row(const u16* from, f64* to) { widen_half(from, to); }
};
struct Bf16 {
  static constexpr int width = 8, size = 2;
  static constexpr f64 least = 0x1p-126;
  static void row(const u16* from, f64* to) { widen_bfloat(from, to); }
};
// The low 13 bits of a register are not the number's: the ISA leaves open what they do, the hardware drops them
// (exec/tensor.hpp's sources), and so does this, so that a missing cvt.rna costs the accuracy that it costs there.
struct Tf32 {
  static constexpr int width = 4, size = 4;
  static constexpr f64 least = 0x1p-126;
  using Element = u32;
  static f64 value(u32 x) { return f64(bits<f32>(x & 0xffffe000u)); }
};
struct Fp64 {
  static constexpr int width = 4, size = 8;
  using Element = f64;
  static f64 value(f64 x) { return x; }
};

// to[row][stride]
template <class T>
void read_rows(Warp& w, Ref ref, f64* to, int stride) {
  if constexpr (T::size == 2) {
    const u16* r = w.at<u16>(ref);
    for (int g = 0; g < 8; ++g) T::row(r + 8 * g, to + g * stride);
  } else {
    const auto* r = w.at<typename T::Element>(ref);
    for (int g = 0; g < 8; ++g)
      for (int t = 0; t < 4; ++t) to[g * stride + t] = T::value(r[4 * g + t]);
  }
}
// to[column][8]: B's blocks have its columns as rows
template <class T>
void read_columns(Warp& w, Ref ref, f64* to) {
  if constexpr (T::size == 2) {
    alignas(16) u16 turned[64];
    transpose_8x8(w.at<u16>(ref), turned);
    for (int k = 0; k < 8; ++k) T::row(turned + 8 * k, to + 8 * k);
  } else {
    const auto* r = w.at<typename T::Element>(ref);
    for (int t = 0; t < 4; ++t)
      for (int g = 0; g < 8; ++g) to[8 * t + g] = T::value(r[4 * g + t]);
  }
}

// Accumulators: a block [8][8] in one or two registers.
struct Acc16 : HalfPrecision {
  static constexpr int registers = 1;
  static void read(Warp& w, const Ref* ref, f64* to) {
    const u16* r = w.at<u16>(*ref);
    for (int g = 0; g < 8; ++g) widen_half(r + 8 * g, to + 8 * g);
  }
  static void write(Warp& w, const Ref* ref, const f64* from) {
    u16* r = w.at<u16>(*ref);
    alignas(64) f64 v[64];
    for (int i = 0; i < 64; ++i) v[i] = rounded(from[i]);
    for (int g = 0; g < 8; ++g) narrow_half(v + 8 * g, r + 8 * g);
  }
};
struct Acc32 : Single {
  static constexpr int registers = 2;
  static void read(Warp& w, const Ref* ref, f64* to) {
    const f32 *even = w.at<f32>(ref[0]), *odd = w.at<f32>(ref[1]);
    alignas(64) f32 v[64];
    for (int i = 0; i < 32; ++i) v[2 * i] = even[i], v[2 * i + 1] = odd[i];
    for (int g = 0; g < 8; ++g) widen(v + 8 * g, to + 8 * g);
  }
  static void write(Warp& w, const Ref* ref, const f64* from) {
    f32 *even = w.at<f32>(ref[0]), *odd = w.at<f32>(ref[1]);
    alignas(64) f32 v[64];
    for (int g = 0; g < 8; ++g) narrow(from + 8 * g, v + 8 * g);
    for (int i = 0; i < 64; ++i) v[i] = v[i] == v[i] ? v[i] : bits<f32>(0x7fffffffu);
    for (int i = 0; i < 32; ++i) even[i] = v[2 * i], odd[i] = v[2 * i + 1];
  }
};
struct Acc64 {
  static constexpr int registers = 2;
  static void read(Warp& w, const Ref* ref, f64* to) {
    const f64 *even = w.at<f64>(ref[0]), *odd = w.at<f64>(ref[1]);
    for (int i = 0; i < 32; ++i) to[2 * i] = even[i], to[2 * i + 1] = odd[i];
  }
  static void write(Warp& w, const Ref* ref, const f64* from) {
    f64 *even = w.at<f64>(ref[0]), *odd = w.at<f64>(ref[1]);
    for (int i = 0; i < 32; ++i) even[i] = from[2 * i], odd[i] = from[2 * i + 1];
  }
};

template <int Rows, int K, class T, class C, class D>
void sum(Warp& w, const Inst& in, const f64* a, const f64* b, f64* c) {
  if constexpr (T::size == 8) {
    AsEncoded rounding(in);
    sum_exactly<Rows, K, true>(a, b, c);
  } else {
    const TensorSums& mode = w.block->image->tensor;
    if (mode.fraction_bits == 0) sum_exactly<Rows, K, false>(a, b, c);
    else
      sum_truncated<Rows, K, D>(a, b, c, T::least, C::least, int(mode.fraction_bits),
                                int(mode.step_bytes) / T::size);
  }
}

// Operands: d, a, b, c; the fragments of A and B have ARegisters and BRegisters.
template <int M, int N, int K, class T, class C, class D, int ARegisters, int BRegisters>
void multiply(Warp& w, const Inst& in) {
  if (w.mask != kAllLanes) fault_of_part_of_warp(w, in);
  constexpr Blocks blocks_a = blocks_of_a(M, K, T::width), blocks_b = blocks_of_b(N, K, T::width);
  constexpr Blocks blocks_c = blocks_of_accumulator(M, N);
  constexpr int step = T::width;
  static_assert(blocks_a.count() <= ARegisters && blocks_b.count() <= BRegisters);
  const Ref* d = operand_list(w, in);
  const Ref* a = d + blocks_c.count() * D::registers;
  const Ref* b = a + ARegisters;
  const Ref* c = b + BRegisters;
  alignas(64) f64 matrix_a[M * K], matrix_b[N / 8][K * 8], matrix_c[N / 8][M * 8];
  for (int n = 0; n < blocks_a.count(); ++n) {
    const Place p = blocks_a.at(n);
    read_rows<T>(w, a[n], matrix_a + 8 * p.row * K + step * p.column, K);
  }
  for (int n = 0; n < blocks_b.count(); ++n) {
    const Place p = blocks_b.at(n);
    read_columns<T>(w, b[n], matrix_b[p.row] + 8 * step * p.column);
  }
  for (int n = 0; n < blocks_c.count(); ++n) {
    const Place p = blocks_c.at(n);
    C::read(w, c + n * C::registers, matrix_c[p.column] + 64 * p.row);
  }
  for (int n = 0; n < N / 8; ++n) sum<M, K, T, C, D>(w, in, matrix_a, matrix_b[n], matrix_c[n]);
  for (int n = 0; n < blocks_c.count(); ++n) {
    const Place p = blocks_c.at(n);
    D::write(w, d + n * D::registers, matrix_c[p.column] + 64 * p.row);
  }
}

// mma.m8n8k4 of fp16: four products at once, each of lanes 4 q to 4 q + 3 and 16 + 4 q to 16 + 4 q + 3. aux: bit 0 set
// where A is column-major, bit 1 where B is row-major.
template <class C, class D>
void multiply_quads(Warp& w, const Inst& in) {
  if (w.mask != kAllLanes) fault_of_part_of_warp(w, in);
  constexpr bool half_c = C::registers == 1, half_d = D::registers == 1;
  const Ref* d = operand_list(w, in);
  const Ref* a = d + (half_d ? 4 : 8);
  const Ref* b = a + 2;
  const Ref* c = b + 2;
  const bool a_by_columns = in.aux & 1, b_by_rows = in.aux & 2;
  alignas(64) f64 result[4][64];
  // The place of lane l's accumulator i: 8 row + column.
  const auto place = [](int l, int i, bool half) {
    const int up = l < 16 ? 0 : 4;
    return half ? 8 * (l % 4 + up) + i : 8 * ((l & 1) + (i & 2) + up) + (i & 4) + (l & 2) + (i & 1);
  };
  for (int quad = 0; quad < 4; ++quad) {
    alignas(64) f64 matrix_a[8 * 4], matrix_b[4 * 8];
    for (int n = 0; n < 8; ++n) {
      const int l = 4 * quad + n % 4 + (n < 4 ? 0 : 16);
      f64 va[8], vb[8];
      u16 ha[8] = {}, hb[8] = {};
      for (int i = 0; i < 4; ++i) {
        ha[i] = u16(w.at<u32>(a[i / 2])[l] >> (i % 2 * 16));
        hb[i] = u16(w.at<u32>(b[i / 2])[l] >> (i % 2 * 16));
      }
      widen_half(ha, va);
      widen_half(hb, vb);
      for (int i = 0; i < 4; ++i) {
        if (a_by_columns) matrix_a[4 * (i + (n < 4 ? 0 : 4)) + n % 4] = va[i];
        else matrix_a[4 * n + i] = va[i];
        if (b_by_rows) matrix_b[8 * (n % 4) + i + (n < 4 ? 0 : 4)] = vb[i];
        else matrix_b[8 * i + n] = vb[i];
      }
      if constexpr (half_c) {
        u16 hc[8];
        f64 vc[8];
        for (int i = 0; i < 8; ++i) hc[i] = u16(w.at<u32>(c[i / 2])[l] >> (i % 2 * 16));
        widen_half(hc, vc);
        for (int i = 0; i < 8; ++i) result[quad][place(l, i, true)] = vc[i];
      } else {
        for (int i = 0; i < 8; ++i) result[quad][place(l, i, false)] = f64(w.at<f32>(c[i])[l]);
      }
    }
    sum<8, 4, Fp16, C, D>(w, in, matrix_a, matrix_b, result[quad]);
  }
  for (int l = 0; l < 32; ++l) {
    f64 v[8];
    for (int i = 0; i < 8; ++i) v[i] = D::rounded(result[l / 4 % 4][place(l, i, half_d)]);
    if constexpr (half_d) {
      u16 h[8];
      narrow_half(v, h);
      for (int i = 0; i < 4; ++i) w.at<u32>(d[i])[l] = u32(h[2 * i + 1]) << 16 | h[2 * i];
    } else {
      for (int i = 0; i < 8; ++i) w.at<f32>(d[i])[l] = v[i] == v[i] ? f32(v[i]) : bits<f32>(0x7fffffffu);
    }
  }
}

template <int M, int N, int K, class T, class C, class D>
void put_mma(const Sink& s, const char* name) {
  const Handler h = &multiply<M, N, K, T, C, D, M * K / 8 / T::width, N * K / 8 / T::width>;
  s.put(s.context, name, h, h, {});
}
// wmma's fragments of fp16 have eight registers whatever the shape.
template <int M, int N>
void put_wmma_half(const Sink& s, const char* f32_f32, const char* f32_f16, const char* f16_f32, const char* f16_f16) {
  const auto one = [&](const char* name, Handler h) { s.put(s.context, name, h, h, {}); };
  one(f32_f32, &multiply<M, N, 16, Fp16, Acc32, Acc32, 8, 8>);
  one(f32_f16, &multiply<M, N, 16, Fp16, Acc16, Acc32, 8, 8>);
  one(f16_f32, &multiply<M, N, 16, Fp16, Acc32, Acc16, 8, 8>);
  one(f16_f16, &multiply<M, N, 16, Fp16, Acc16, Acc16, 8, 8>);
}

}  // namespace

// Names: shape, then the types of D, of A and B, of C.
void list_matrix(const Sink& s) {
  put_mma<16, 8, 8, Fp16, Acc32, Acc32>(s, "mma.m16n8k8.f32.f16.f32");
  put_mma<16, 8, 8, Fp16, Acc16, Acc16>(s, "mma.m16n8k8.f16.f16.f16");
  put_mma<16, 8, 16, Fp16, Acc32, Acc32>(s, "mma.m16n8k16.f32.f16.f32");
  put_mma<16, 8, 16, Fp16, Acc16, Acc16>(s, "mma.m16n8k16.f16.f16.f16");
  put_mma<16, 8, 8, Bf16, Acc32, Acc32>(s, "mma.m16n8k8.f32.bf16.f32");
  put_mma<16, 8, 16, Bf16, Acc32, Acc32>(s, "mma.m16n8k16.f32.bf16.f32");
  put_mma<16, 8, 4, Tf32, Acc32, Acc32>(s, "mma.m16n8k4.f32.tf32.f32");
  put_mma<16, 8, 8, Tf32, Acc32, Acc32>(s, "mma.m16n8k8.f32.tf32.f32");
  put_mma<8, 8, 4, Fp64, Acc64, Acc64>(s, "mma.m8n8k4.f64.f64.f64");
  put_mma<16, 8, 4, Fp64, Acc64, Acc64>(s, "mma.m16n8k4.f64.f64.f64");
  put_mma<16, 8, 8, Fp64, Acc64, Acc64>(s, "mma.m16n8k8.f64.f64.f64");
  put_mma<16, 8, 16, Fp64, Acc64, Acc64>(s, "mma.m16n8k16.f64.f64.f64");
  const auto one = [&](const char* name, Handler h) { s.put(s.context, name, h, h, {}); };
  one("mma.m8n8k4.f32.f16.f32", &multiply_quads<Acc32, Acc32>);
  one("mma.m8n8k4.f32.f16.f16", &multiply_quads<Acc16, Acc32>);
  one("mma.m8n8k4.f16.f16.f16", &multiply_quads<Acc16, Acc16>);

  put_wmma_half<16, 16>(s, "wmma.mma.m16n16k16.f32.f16.f32", "wmma.mma.m16n16k16.f32.f16.f16",
                        "wmma.mma.m16n16k16.f16.f16.f32", "wmma.mma.m16n16k16.f16.f16.f16");
  put_wmma_half<32, 8>(s, "wmma.mma.m32n8k16.f32.f16.f32", "wmma.mma.m32n8k16.f32.f16.f16",
                       "wmma.mma.m32n8k16.f16.f16.f32", "wmma.mma.m32n8k16.f16.f16.f16");
  put_wmma_half<8, 32>(s, "wmma.mma.m8n32k16.f32.f16.f32", "wmma.mma.m8n32k16.f32.f16.f16",
                       "wmma.mma.m8n32k16.f16.f16.f32", "wmma.mma.m8n32k16.f16.f16.f16");
  put_mma<16, 16, 16, Bf16, Acc32, Acc32>(s, "wmma.mma.m16n16k16.f32.bf16.f32");
  put_mma<32, 8, 16, Bf16, Acc32, Acc32>(s, "wmma.mma.m32n8k16.f32.bf16.f32");
  put_mma<8, 32, 16, Bf16, Acc32, Acc32>(s, "wmma.mma.m8n32k16.f32.bf16.f32");
  put_mma<16, 16, 8, Tf32, Acc32, Acc32>(s, "wmma.mma.m16n16k8.f32.tf32.f32");
  put_mma<8, 8, 4, Fp64, Acc64, Acc64>(s, "wmma.mma.m8n8k4.f64.f64.f64");
}

}  // namespace ptxvm::exec::PTXVM_ISA
