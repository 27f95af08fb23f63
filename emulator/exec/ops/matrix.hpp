// Matrices of a warp: which lane's register holds which element.
//
// Every fragment but that of mma.m8n8k4.f16 is made of blocks of 8 rows, of A (its rows), of B (its columns)
// or of the accumulator (its rows): lane 4 g + t holds what lies in row g of the block (PTX ISA, "Matrix
// Fragments for mma": groupID and threadID_in_group). A block of 16-bit elements has 8 columns and is one
// register, columns 2 t and 2 t + 1 in its low and high half: so the register's 32 lanes are the block's
// rows, one behind the other. So are blocks of 4 columns of tf32 and of fp64. An accumulator's block of 32 or
// 64 bits has 8 columns in two registers, 2 t and 2 t + 1.
//
// The ISA leaves the fragments of wmma open. Here they are those of mma, tile by tile, and the same for fp16
// and fp32 accumulators; where a fragment has more registers than the matrix has blocks, the blocks are there
// several times, so what a program does to each element of a fragment is done to all copies, and multiplying
// reads the first.
#pragma once

#include "exec/ops/op.hpp"

namespace ptxvm::exec::PTXVM_ISA {

struct Place { int row, column; };  // in blocks

// The order of a fragment's blocks: down `together` of them, then the next column, then the next such strip.
struct Blocks {
  int rows, columns, together;
  constexpr int count() const { return rows * columns; }
  constexpr Place at(int n) const {
    const int strip = n / (together * columns), rest = n % (together * columns);
    return {strip * together + rest % together, rest / together};
  }
};

// width: a block's columns.
constexpr Blocks blocks_of_a(int m, int k, int width) { return {m / 8, k / width, m == 8 ? 1 : 2}; }
constexpr Blocks blocks_of_b(int n, int k, int width) { return {n / 8, k / width, 1}; }
constexpr Blocks blocks_of_accumulator(int m, int n) { return {m / 8, n / 8, m / 8}; }

inline const Ref* operand_list(Warp& w, const Inst& in) { return w.block->image->operand_lists + in.op[kMatrixList]; }

}  // namespace ptxvm::exec::PTXVM_ISA
