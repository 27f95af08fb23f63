// From addresses to host memory, lane by lane.
#pragma once

#include <cstdint>

#include "exec/warp.hpp"

namespace ptxvm::exec {

// For lanes that a fast path could not place. Fills host[lane] for the lanes of the mask; faults on the first lane
// that misses.
void resolve_slowly(Warp& w, const Inst& in, unsigned space, const std::uint64_t* address, std::uint32_t mask,
                    unsigned bytes, bool write, std::uint64_t* host);

}  // namespace ptxvm::exec
