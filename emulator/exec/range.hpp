// A stretch of memory that one lane names: checked byte by byte when an operation is issued, used when it is
// performed.
#pragma once

#include <cstdint>
#include <string>

#include "exec/ops/space.hpp"
#include "exec/warp.hpp"

namespace ptxvm::exec {

// The thread and the instruction that messages about an operation name, long after it was issued.
struct Origin {
  Warp* warp = nullptr;
  const Inst* inst = nullptr;
  unsigned lane = 0;

  [[noreturn]] void fault(int status, const std::string& text) const {
    exec::fault(*warp, *inst, lane, status, text);
  }
};

struct Range {
  char* host = nullptr;
  Block* block = nullptr;     // whose shared memory it is; null: global memory
  std::uint64_t address = 0;  // an offset in that block's shared memory, or a device address
  std::uint64_t bytes = 0;

  std::string text() const;  // "shared address 0x40"
};

// The lane's bytes at an address, aligned to `align`; faults where the lane may not touch one of them.
// Parameters and local memory are no place for asynchronous operations, which name their space or fault.
Range locate(const Origin& origin, unsigned space, std::uint64_t address, std::uint64_t bytes, unsigned align,
             bool write);

// One operand of an instruction: 64-bit addresses, the space they are in.
Range locate_operand(const Origin& origin, Ref address, unsigned space, std::uint64_t bytes, unsigned align,
                     bool write);

// The same offset in the shared memory of the cluster's block of a rank.
Range of_rank(const Origin& origin, unsigned rank, const Range& range);

}  // namespace ptxvm::exec
