#include "count/touched.hpp"

#include <algorithm>

namespace ptxvm::count {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr auto kRelaxed = std::memory_order_relaxed;

}  // namespace

Touched::Page& Touched::page(std::uint64_t number) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto& slot = pages_[number];
  if (!slot) slot = std::make_unique<Page>();
  return *slot;
}

unsigned Touched::mark(Recent& recent, std::uint64_t address, std::uint64_t bytes, bool write) {
  unsigned fresh = 0;
  while (bytes > 0) {
    const std::uint64_t number = address / kPage, slot = number % 64;
    if (recent.number[slot] != number + 1) {
      recent.page[slot] = &page(number);
      recent.number[slot] = number + 1;
    }
    Page& p = *recent.page[slot];
    const std::uint64_t word = address % kPage / 32, first = address % 32, here = std::min(bytes, 32 - first);
    std::uint32_t bits = (here == 32 ? ~0u : (1u << here) - 1) << first;
    std::atomic<std::uint32_t>& to = write ? p.written[word] : p.read[word];
    if (!write) bits &= ~p.written[word].load(kRelaxed);
    if ((to.load(kRelaxed) & bits) != bits) fresh += to.fetch_or(bits, kRelaxed) == 0;
    address += here;
    bytes -= here;
  }
  return fresh;
}

Unique Touched::sum() const {
  Unique u;
  for (const auto& [number, page] : pages_) {
    for (int k = 0; k < 128; ++k) {
      const std::uint32_t r = page->read[k].load(kRelaxed), w = page->written[k].load(kRelaxed);
      u.bytes_read += unsigned(__builtin_popcount(r));
      u.bytes_written += unsigned(__builtin_popcount(w));
      u.sectors_read += r != 0;
      u.sectors_written += w != 0;
    }
  }
  return u;
}

}  // namespace ptxvm::count
