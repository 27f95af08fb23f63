// Inst::aux of memory instructions. kShared is the block's own shared memory (.shared, .shared::cta),
// kSharedCluster also that of the other blocks of its cluster.
#pragma once

#include <cstdint>

namespace ptxvm::exec {

constexpr std::uint8_t kSpaceMask = 7;
enum SpaceCode : std::uint8_t { kGlobal, kShared, kLocal, kParameter, kGeneric, kConstantSpace, kSharedCluster };
constexpr std::uint8_t kAddress32 = 8;  // the address register has 32 bits
constexpr std::uint8_t kAtomic = 16;

}  // namespace ptxvm::exec
