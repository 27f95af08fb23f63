// What the program asked of the runtime. Only the emulated runtime counts; a real one cannot be asked.
#pragma once

#include <gtest/gtest.h>

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

// Runs the calls twice: the very first is no exception.
template <class Calls>
void expect_neither_allocation_nor_synchronisation(Calls calls) {
  for (int round = 0; round < 2; ++round) {
    const ApiCounts before = api_counts();
    calls();
    const ApiCounts after = api_counts();
    EXPECT_EQ(after.allocations, before.allocations);
    EXPECT_EQ(after.synchronisations, before.synchronisations);
    EXPECT_GT(after.launches, before.launches);  // the counter counts
  }
}

}  // namespace recur::test
