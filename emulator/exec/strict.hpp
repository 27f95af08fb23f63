// Liberties that the PTX ISA leaves to a machine and that this one does not take unless asked to (PTXVM_STRICT): lanes
// part anywhere, warps and blocks take turns in any order, vector accesses fall into their elements.
#pragma once

#include <cstddef>
#include <cstdint>

#include "exec/warp.hpp"

namespace ptxvm::exec {

// Inst::aux of Flow::Strict.
constexpr std::uint8_t kMayPart = 0;  // before every instruction: the active lanes may be divided
constexpr std::uint8_t kMayWait = 1;  // between two elements of a vector access: others may have their turn

struct Liberty {
  std::uint32_t aside = 0;  // lanes that wait here while the others go on
  std::uint32_t turn = 0;   // basic blocks that the others may run ahead; 0: to the next meeting
  bool wait = false;        // another warp's turn
};
Liberty take_liberty(Warp& w, const Inst& in, std::uint32_t mask);

// The draws of a block and of its warps follow from the seed, the launch and the block.
void begin_draws(Block& block);

// Where a block that gives up its worker waits for another: behind the others, or, in a strict mode, as drawn.
std::size_t place_in_line(Block& block, std::size_t length);

// Whose turn it is in a block: in order and for long, or, in a strict mode, as drawn.
class Turns {
 public:
  Turns(Block& block, std::int64_t budget, int rounds);
  int rounds() const { return rounds_; }
  void begin_round();
  Warp& warp(std::uint32_t k) { return block_.warps[drawn_ ? place(k) : k]; }
  std::int64_t budget();

 private:
  std::uint32_t place(std::uint32_t k) const;
  Block& block_;
  const bool drawn_;
  const std::int64_t budget_;
  int rounds_;
  std::uint32_t first_ = 0;
  bool backwards_ = false;
};

// Before the elements of a torn access: op[0] the address, op[1] the bytes (a number), aux and imm as in the access.
Handler alignment_handler();

}  // namespace ptxvm::exec
