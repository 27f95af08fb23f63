// Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as
// easy as 1, 2, 3" (SC 2011), section 4.3 and its constants: four 32-bit words that are a pure function of
// counter and key.
#pragma once

#include <cstdint>

namespace recur::device {

struct Philox4 {
  uint32_t word[4];
};

__device__ __forceinline__ Philox4 philox4x32(Philox4 counter, uint32_t key0, uint32_t key1) {
  constexpr uint32_t multiplier0 = 0xD2511F53u, multiplier1 = 0xCD9E8D57u;
  constexpr uint32_t weyl0 = 0x9E3779B9u, weyl1 = 0xBB67AE85u;
#pragma unroll
  for (int round = 0; round < 10; ++round) {
    uint64_t product0 = static_cast<uint64_t>(multiplier0) * counter.word[0];
    uint64_t product1 = static_cast<uint64_t>(multiplier1) * counter.word[2];
    counter = {
        {static_cast<uint32_t>(product1 >> 32) ^ counter.word[1] ^ key0, static_cast<uint32_t>(product1),
         static_cast<uint32_t>(product0 >> 32) ^ counter.word[3] ^ key1, static_cast<uint32_t>(product0)}};
    key0 += weyl0;
    key1 += weyl1;
  }
  return counter;
}

// A counter of two 64-bit numbers under a 64-bit seed, low words first.
__device__ __forceinline__ Philox4 philox4x32(uint64_t seed, uint64_t low, uint64_t high) {
  Philox4 counter = {{static_cast<uint32_t>(low), static_cast<uint32_t>(low >> 32),
                      static_cast<uint32_t>(high), static_cast<uint32_t>(high >> 32)}};
  return philox4x32(counter, static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32));
}

// The upper 24 bits as a multiple of 2^-24 in [0, 1).
__device__ __forceinline__ float uniform(uint32_t word) {
  return static_cast<float>(word >> 8) * (1.0f / 16777216.0f);
}

}  // namespace recur::device
