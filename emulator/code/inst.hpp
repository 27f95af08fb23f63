// Decoded instructions: what the warp loop reads. One Inst per PTX instruction, give or take helpers that
// the decoder adds; operands are byte offsets, so that executing one needs no look-up.
#pragma once

#include <cstdint>

namespace ptxvm::exec {

struct Warp;
struct Inst;
using Handler = void (*)(Warp&, const Inst&);

// An operand: a byte offset into the warp's register frame, or (lowest bit set) into the module's
// constants. Every value is a vector of 32 lanes; a predicate is one 32-bit word, a bit a lane.
using Ref = std::uint32_t;
constexpr Ref kConstant = 1;
constexpr Ref kNone = ~Ref{0};

// What the warp loop must do beside calling a handler.
enum class Flow : std::uint8_t {
  Plain,        // handler only
  Join,         // block leader: counts, merges lanes that meet here, spends budget; imm: block number
  Branch,       // target in imm
  BranchTable,  // brx.idx: index operand op[0], table number in imm
  Call,         // imm: function number; the handler copies the arguments
  CallIndirect, // op[0]: address
  Return,       // ret of a .func
  Exit,         // exit anywhere, ret of an entry
  Trap,
  Barrier,      // op[0] id, op[1] thread count or kNone, op[2] result, op[3] predicate; BarrierKind in imm
  Collective,   // waits until all lanes of the member mask op[mask_op] are here, then the handler
  Yield,        // nanosleep: another warp's turn
  Poll,         // a strong load, or an atomic that takes a lock or only reads: run again and again, it waits for somebody
  ClusterWait,  // barrier.cluster.wait
  PhaseWait,    // mbarrier.test_wait, try_wait: op[0] predicate; MbarrierForm in imm
  Strict        // a strict mode's: exec/strict.hpp
};

// Matrix instructions: the member mask, and where their operands begin in DecodedProgram::operand_lists.
constexpr unsigned kMatrixMembers = 8, kMatrixList = 9;

enum class BarrierKind : std::uint64_t { Sync, Arrive, ReducePopc, ReduceAnd, ReduceOr };

struct Inst {
  Handler full = nullptr;    // all 32 lanes active, no guard
  Handler masked = nullptr;  // only the lanes in warp.mask
  Ref op[10] = {kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone};
  std::uint64_t imm = 0;
  Ref guard = kNone;
  bool guard_negated = false;
  Flow flow = Flow::Plain;
  std::uint8_t mask_op = 0;  // Collective: which op holds the member mask
  std::uint8_t aux = 0;      // meaning per handler
  std::uint32_t site = 0;    // memory instructions: index of their address cache
  std::uint16_t sem = 0;     // memory and barrier instructions, fences: Semantics (code/semantics.hpp)
};

}  // namespace ptxvm::exec
