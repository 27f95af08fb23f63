// Inst::imm of the video instructions.
#pragma once

#include <cstdint>

namespace ptxvm::exec {

struct Video {
  enum Operation : std::uint8_t { Add, Sub, AbsDiff, Min, Max, Average, ShiftLeft, ShiftRight, MultiplyAdd, Set };
  enum Second : std::uint8_t { None, Accumulate, Least, Most };  // with operand c
  std::uint32_t operation : 4, compare : 3;                      // compare: 1 less, 2 equal, 4 greater
  std::uint32_t a_signed : 1, b_signed : 1, d_signed : 1, saturate : 1, second : 2;
  std::uint32_t wrap : 1;                                        // shifts: the count modulo 32
  std::uint32_t scale : 4, plus_one : 1, negate_product : 1, negate_c : 1;
  std::uint32_t lanes : 3;                                       // 1, 2 or 4
  // Of each of the four places: which byte of a and b together it takes (a pair: which half), and whether it is
  // written. Of one lane: 0 the word, 1 to 4 its bytes, 5 and 6 its halves; for d, 7 where c is not merged.
  std::uint32_t a_select : 12, b_select : 12, mask : 4;
  std::uint32_t d_select : 3;
};
static_assert(sizeof(Video) == 8);

}  // namespace ptxvm::exec
