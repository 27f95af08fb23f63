// Which bytes of global memory a launch has read and written: the least that must come from and go to DRAM.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace ptxvm::count {

struct Unique {
  std::uint64_t bytes_read = 0, bytes_written = 0, sectors_read = 0, sectors_written = 0;
};

class Touched {
 public:
  // A bit a byte, so a word a 32-byte sector. Bytes that the launch has written before it reads them are not read.
  struct Page {
    std::atomic<std::uint32_t> read[128] = {}, written[128] = {};
  };
  // Pages found lately, one a worker.
  struct Recent {
    std::uint64_t number[64] = {};  // 1 + the page's number
    Page* page[64] = {};
  };

  // Returns the sectors that nobody had touched in this way.
  unsigned mark(Recent& recent, std::uint64_t address, std::uint64_t bytes, bool write);
  Unique sum() const;

 private:
  Page& page(std::uint64_t number);
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Page>> pages_;
};

}  // namespace ptxvm::count
