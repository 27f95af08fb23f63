// What one memory instruction of a warp costs, from the addresses of its lanes alone. docs/performance-model.md has
// the rules and where they come from.
#pragma once

#include <cstdint>

namespace ptxvm::count {

// Distinct 32-byte pieces of the memory that the lanes touch.
unsigned sectors(const std::uint64_t* address, std::uint32_t mask, unsigned bytes);

// Local memory: 32-bit words of the lanes are interleaved, so that lanes at one offset lie side by side.
unsigned local_sectors(const std::uint64_t* offset, std::uint32_t mask, unsigned bytes);

enum class SharedUse : std::uint8_t { Load, Store, Atomic, MatrixRows };

// Passes through the 32 banks, 4 bytes each: those it takes, and the fewest that so many lanes can take.
struct Wavefronts {
  unsigned taken = 0, least = 0;
};
Wavefronts shared_wavefronts(const std::uint64_t* address, std::uint32_t mask, unsigned bytes, SharedUse use);

}  // namespace ptxvm::count
