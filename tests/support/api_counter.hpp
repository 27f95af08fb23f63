// What the program asked of the runtime. Only the emulated runtime counts; a real one cannot be asked.
#pragma once

#include <cstdint>

#ifdef RECUR_TEST_EMULATED
#include "ptxvm/ptxvm.h"
#endif

namespace recur::test {

struct ApiCounts {
  uint64_t allocations, synchronisations, launches, products;
};

#ifdef RECUR_TEST_EMULATED
inline constexpr bool api_counts_available = true;
inline ApiCounts api_counts() {
  ptxvm_counts counts{};
  ptxvm_api_counts(&counts);
  return {counts.allocations + counts.frees, counts.synchronisations, counts.launches, counts.products};
}
#else
inline constexpr bool api_counts_available = false;
inline ApiCounts api_counts() { return {}; }
#endif

}  // namespace recur::test
