// What the decoder says of mbarrier and asynchronous instructions, in Inst::imm; addresses among the operands
// have 64 bits and their offsets added.
#pragma once

#include <cstdint>

#include "code/inst.hpp"

namespace ptxvm::exec {

enum class MbarrierOp : std::uint8_t {
  Init,
  Inval,
  Arrive,
  ExpectTx,
  CompleteTx,
  TestWait,
  TryWait,
  CopyArrive
};

// op[0] destination (state or predicate) or kNone, op[1] address, op[2] count, bytes, state or parity.
struct MbarrierForm {
  MbarrierOp op = MbarrierOp::Init;
  std::uint8_t space = 0;
  bool drop = false, expect = false,
       no_complete = false;   // arrivals; expect: op[2] is the bytes, the count is 1
  bool parity = false;        // waits
  bool no_increment = false;  // cp.async.mbarrier.arrive

  constexpr std::uint64_t encode() const {
    return std::uint64_t(op) | std::uint64_t(space) << 4 | std::uint64_t(drop) << 8 |
           std::uint64_t(expect) << 9 | std::uint64_t(no_complete) << 10 | std::uint64_t(parity) << 11 |
           std::uint64_t(no_increment) << 12;
  }
  static constexpr MbarrierForm of(std::uint64_t b) {
    return {MbarrierOp(b & 15), std::uint8_t(b >> 4 & 15), bool(b >> 8 & 1), bool(b >> 9 & 1),
            bool(b >> 10 & 1),  bool(b >> 11 & 1),         bool(b >> 12 & 1)};
  }
};

// cp.async: op[0] shared address, op[1] global address, op[2] bytes to read or kNone, op[3] predicate that
// says to read none, or kNone.
struct CopyForm {
  std::uint8_t to_space = 0, from_space = 0, bytes = 0;
  constexpr std::uint64_t encode() const {
    return to_space | std::uint64_t(from_space) << 4 | std::uint64_t(bytes) << 8;
  }
  static constexpr CopyForm of(std::uint64_t b) {
    return {std::uint8_t(b & 15), std::uint8_t(b >> 4 & 15), std::uint8_t(b >> 8)};
  }
};

// Bulk copies and reductions, st.async, red.async: op[0] destination, op[1] source, op[2] bytes, op[3]
// mbarrier or kNone (a bulk group), op[4] blocks of a multicast or bytes of a mask, op[5..8] the values of a
// store, `element` bytes each.
struct BulkForm {
  std::uint8_t to_space = 0, from_space = 0, barrier_space = 0;
  bool multicast = false, masked = false, prefetch = false;
  bool remote = false;  // the destination must be another block's
  std::uint8_t values = 0, element = 0;
  std::uint8_t reduction = 0;  // 1 + its number; 0: a copy

  constexpr std::uint64_t encode() const {
    return std::uint64_t(to_space) | std::uint64_t(from_space) << 4 | std::uint64_t(barrier_space) << 8 |
           std::uint64_t(multicast) << 12 | std::uint64_t(masked) << 13 | std::uint64_t(prefetch) << 14 |
           std::uint64_t(remote) << 15 | std::uint64_t(values) << 16 | std::uint64_t(element) << 24 |
           std::uint64_t(reduction) << 32;
  }
  static constexpr BulkForm of(std::uint64_t b) {
    return {std::uint8_t(b & 15), std::uint8_t(b >> 4 & 15), std::uint8_t(b >> 8 & 15),
            bool(b >> 12 & 1),    bool(b >> 13 & 1),         bool(b >> 14 & 1),
            bool(b >> 15 & 1),    std::uint8_t(b >> 16),     std::uint8_t(b >> 24),
            std::uint8_t(b >> 32)};
  }
};

// Waits of a thread for its own groups: how many of the last ones may be outstanding, and for what.
struct WaitForm {
  bool bulk = false, read_only = false, commit_first = false;
  std::uint32_t but = 0;
  constexpr std::uint64_t encode() const {
    return std::uint64_t(bulk) | std::uint64_t(read_only) << 1 | std::uint64_t(commit_first) << 2 |
           std::uint64_t(but) << 32;
  }
  static constexpr WaitForm of(std::uint64_t b) {
    return {bool(b & 1), bool(b & 2), bool(b & 4), std::uint32_t(b >> 32)};
  }
};

Handler mbarrier_handler();
Handler pending_count_handler();  // op[0] 32 bits, op[1] a state
Handler copy_handler();
Handler bulk_handler();
Handler commit_group_handler();          // imm: WaitForm
Handler wait_group_handler();            // imm: WaitForm
Handler store_zeros_handler();           // st.bulk: op[0] address, op[1] bytes (64 bits), imm: the space
int reduction_number(const char* name);  // "add.u32"; -1 where there is none

}  // namespace ptxvm::exec
