#include "count/pattern.hpp"

#include <algorithm>

namespace ptxvm::count {
namespace {

constexpr unsigned kMost = 32 * 8;  // words of 32 lanes with 32 bytes each

unsigned distinct(std::uint64_t* list, unsigned n) {
  std::sort(list, list + n);
  return unsigned(std::unique(list, list + n) - list);
}

// The same for every lane i and its neighbour i ^ apart, where both are active.
bool paired(const std::uint64_t* address, std::uint32_t mask, unsigned apart) {
  for (std::uint32_t m = mask; m; m &= m - 1) {
    const unsigned i = unsigned(__builtin_ctz(m)), k = i ^ apart;
    if ((mask >> k & 1) != 0 && address[i] != address[k]) return false;
  }
  return true;
}

// One pass answers one word of each bank, to any number of lanes; an atomic operation serves one lane a bank.
unsigned passes(const std::uint64_t* address, std::uint32_t mask, unsigned bytes, bool each_lane) {
  std::uint64_t words[kMost];
  unsigned n = 0;
  for (std::uint32_t m = mask; m; m &= m - 1) {
    const std::uint64_t first = address[__builtin_ctz(m)] / 4;
    for (unsigned k = 0; k < std::max(1u, bytes / 4); ++k) words[n++] = first + k;
  }
  if (!each_lane) n = distinct(words, n);
  unsigned in_bank[32] = {}, most = 0;
  for (unsigned k = 0; k < n; ++k) most = std::max(most, ++in_bank[words[k] % 32]);
  return most;
}

}  // namespace

unsigned sectors(const std::uint64_t* address, std::uint32_t mask, unsigned bytes) {
  std::uint64_t list[64];
  unsigned n = 0;
  bool rising = true;
  for (std::uint32_t m = mask; m; m &= m - 1) {
    const std::uint64_t a = address[__builtin_ctz(m)];
    for (std::uint64_t s = a / 32; s <= (a + bytes - 1) / 32; ++s) {
      if (n && list[n - 1] == s) continue;
      rising = rising && (n == 0 || list[n - 1] < s);
      list[n++] = s;
    }
  }
  return rising ? n : distinct(list, n);
}

unsigned local_sectors(const std::uint64_t* offset, std::uint32_t mask, unsigned bytes) {
  std::uint64_t list[kMost];
  unsigned n = 0;
  for (std::uint32_t m = mask; m; m &= m - 1) {
    const unsigned lane = unsigned(__builtin_ctz(m));
    for (unsigned k = 0; k < std::max(1u, bytes / 4); ++k) list[n++] = (offset[lane] / 4 + k) * 4 + lane / 8;
  }
  return distinct(list, n);
}

Wavefronts shared_wavefronts(const std::uint64_t* address, std::uint32_t mask, unsigned bytes, SharedUse use) {
  Wavefronts w;
  if (mask == 0) return w;
  // As many lanes at a time as 128 bytes serve: all, half a warp (8 bytes), a quarter (16).
  unsigned lanes = std::min(32u, 128 / std::max(4u, bytes));
  if (use == SharedUse::Load && lanes < 32 && (paired(address, mask, 1) || paired(address, mask, 2))) lanes *= 2;
  const std::uint32_t first = lanes == 32 ? ~0u : (1u << lanes) - 1;
  for (unsigned at = 0; at < 32; at += lanes) {
    const std::uint32_t part = mask & first << at;
    if (part == 0) continue;
    ++w.least;
    w.taken += passes(address, part, bytes, use == SharedUse::Atomic);
  }
  return w;
}

}  // namespace ptxvm::count
