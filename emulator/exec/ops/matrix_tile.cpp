// wmma.load and wmma.store (PTX ISA 9.7.14.3, 9.7.14.4): a matrix in memory, line by line, from and to a
// fragment (exec/ops/matrix.hpp). Memory is read and written in pieces of 16 bytes (8 where the matrix has
// 256 bytes), piece n by lane n mod 32, so that every one is checked as the access of some lane; the ISA
// leaves open which lane touches what.
#include "exec/ops/access.hpp"
#include "exec/ops/matrix.hpp"
#include "exec/tensor.hpp"

namespace ptxvm::exec::PTXVM_ISA {
namespace {

// op[0]: address, op[1]: stride in elements. The list: rows, columns and together of Blocks; registers; whether
// memory's lines are the blocks' columns; then the registers.
struct Tile {
  Blocks blocks;
  int registers;
  bool turned;
  const Ref* list;
  Tile(Warp& w, const Inst& in) {
    const Ref* l = operand_list(w, in);
    blocks = {int(l[0]), int(l[1]), int(l[2])};
    registers = int(l[3]);
    turned = l[4] != 0;
    list = l + 5;
  }
};

constexpr int kMostElements = 512;

// f(host address, element of the matrix, line by line, bytes) for each piece.
template <class T, class F>
void each_piece(Warp& w, const Inst& in, const Tile& tile, int rows, int columns, bool write, F f) {
  if (w.mask != kAllLanes) fault_of_part_of_warp(w, in);
  alignas(64) u64 base[32], a[32];
  addresses(w, in, in.op[0], base);
  check_tile(w, in, base, w.at<u32>(in.op[1]), unsigned(tile.registers) * (sizeof(T) == 8 ? 8 : 4), sizeof(T));
  const u64 line_bytes = u64(*w.at<u32>(in.op[1])) * sizeof(T);
  const int lines = tile.turned ? columns : rows, length = tile.turned ? rows : columns;
  const int bytes = lines * length * int(sizeof(T)), piece = bytes >= 512 ? 16 : 8, elements = piece / int(sizeof(T));
  for (int first = 0; first < bytes; first += 32 * piece) {
    const int element = first / int(sizeof(T));
    for (int i = 0; i < 32; ++i) {
      const int e = element + i * elements;
      a[i] = base[0] + u64(e / length) * line_bytes + u64(e % length) * sizeof(T);
    }
    Access access;
    resolve_addresses(w, in, a, kAllLanes, unsigned(piece), write, access);
    for (int i = 0; i < 32; ++i) f(access.host[i], element + i * elements, piece);
  }
}

// Pairs: an accumulator whose blocks of 8 columns have two registers. Width: a block's columns.
template <class T, bool Pairs>
void load(Warp& w, const Inst& in) {
  constexpr int width = sizeof(T) == 2 || Pairs ? 8 : 4;
  const Tile tile(w, in);
  const int rows = 8 * tile.blocks.rows, columns = width * tile.blocks.columns;
  alignas(16) T memory[kMostElements], matrix[kMostElements];
  each_piece<T>(w, in, tile, rows, columns, false, [&](u64 host, int element, int bytes) {
    __builtin_memcpy(memory + element, reinterpret_cast<const void*>(host), std::size_t(bytes));
  });
  if (tile.turned)
    for (int r = 0; r < rows; ++r)
      for (int c = 0; c < columns; ++c) matrix[r * columns + c] = memory[c * rows + r];
  const T* from = tile.turned ? matrix : memory;
  const int all = tile.registers / (Pairs ? 2 : 1);  // more than there are blocks: copies
  for (int n = 0; n < all; ++n) {
    const Place p = tile.blocks.at(n % tile.blocks.count());
    const T* block = from + 8 * p.row * columns + width * p.column;
    if constexpr (Pairs) {
      T *even = w.at<T>(tile.list[2 * n]), *odd = w.at<T>(tile.list[2 * n + 1]);
      for (int g = 0; g < 8; ++g)
        for (int t = 0; t < 4; ++t)
          even[4 * g + t] = block[g * columns + 2 * t], odd[4 * g + t] = block[g * columns + 2 * t + 1];
    } else {
      T* r = w.at<T>(tile.list[n]);
      for (int g = 0; g < 8; ++g) __builtin_memcpy(r + width * g, block + g * columns, width * sizeof(T));
    }
  }
}

template <class T, bool Pairs>
void store(Warp& w, const Inst& in) {
  const Tile tile(w, in);
  const int rows = 8 * tile.blocks.rows, columns = 8 * tile.blocks.columns;
  alignas(16) T memory[kMostElements], matrix[kMostElements];
  for (int n = 0; n < tile.blocks.count(); ++n) {
    const Place p = tile.blocks.at(n);
    T* block = matrix + 8 * p.row * columns + 8 * p.column;
    if constexpr (Pairs) {
      const T *even = w.at<T>(tile.list[2 * n]), *odd = w.at<T>(tile.list[2 * n + 1]);
      for (int g = 0; g < 8; ++g)
        for (int t = 0; t < 4; ++t)
          block[g * columns + 2 * t] = even[4 * g + t], block[g * columns + 2 * t + 1] = odd[4 * g + t];
    } else {
      const T* r = w.at<T>(tile.list[n]);
      for (int g = 0; g < 8; ++g) __builtin_memcpy(block + g * columns, r + 8 * g, 8 * sizeof(T));
    }
  }
  if (tile.turned)
    for (int r = 0; r < rows; ++r)
      for (int c = 0; c < columns; ++c) memory[c * rows + r] = matrix[r * columns + c];
  const T* from = tile.turned ? memory : matrix;
  each_piece<T>(w, in, tile, rows, columns, true, [&](u64 host, int element, int bytes) {
    __builtin_memcpy(reinterpret_cast<void*>(host), from + element, std::size_t(bytes));
  });
}

}  // namespace

void list_matrix_tile(const Sink& s) {
  const auto one = [&](const char* name, Handler h) { s.put(s.context, name, h, h, {}); };
  one("wmma.load.b16", &load<u16, false>);
  one("wmma.load.b32", &load<u32, false>);
  one("wmma.load.b64", &load<u64, false>);
  one("wmma.load.pairs.b32", &load<u32, true>);
  one("wmma.load.pairs.b64", &load<u64, true>);
  one("wmma.store.b16", &store<u16, false>);
  one("wmma.store.pairs.b32", &store<u32, true>);
  one("wmma.store.pairs.b64", &store<u64, true>);
}

}  // namespace ptxvm::exec::PTXVM_ISA
