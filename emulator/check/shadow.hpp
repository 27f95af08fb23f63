// What the checker remembers of memory: for every four bytes, who wrote them last and who has read them
// since, in this launch; and which operations of streams did so before.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

#include "check/clock.hpp"

namespace ptxvm::check {

// Access::kind. Scopes count up: block, cluster, device, system.
constexpr std::uint8_t kStrong = 1, kScopeShift = 1, kScopeMask = 3 << kScopeShift, kProxy = 8, kSizeShift = 4,
                       kSizeMask = 7 << kSizeShift, kNonCoherent = 128;

// Lanes of one warp that touched the same bytes by the same instruction at the same time.
struct Access {
  std::uint32_t block = 0, time = 0;  // time 0: nobody
  std::uint32_t site = 0;             // the instruction's number in the program
  std::uint32_t lanes = 0;
  std::uint8_t warp = 0, kind = 0;
  std::uint8_t bytes = 0;   // which of the four
  std::uint8_t serial = 0;  // of the executed instruction, so that two runs of one are told apart
  bool none() const { return time == 0; }
};

struct Cell {
  Access write, read;          // the last ones
  std::uint32_t writes = 0;    // further writes not ordered with the last, by number in Table::lists; split: the pieces
  std::uint32_t reads = 0;     // further reads
  std::uint32_t before_write = 0, before_reads = 0;  // by earlier operations (operations.hpp)
  std::uint8_t initialised = 0;  // which of the four bytes have ever been written
  bool split = false;          // each byte has a cell of its own: number `writes` in Table::splits
  bool sync = false;           // strong writes to it have released something
  bool non_coherent = false;   // read through the read-only path by this launch
};

// The cells of a page of device memory, or of a block's shared memory.
struct Table {
  // Accesses of which the order is not known. Where all are strong for the whole device, of one size and not
  // by the asynchronous proxy, another such access need not look at each.
  struct List {
    std::vector<Access> all;
    std::size_t prune_at = 16;
    std::uint8_t size_bits = 0;
    bool device_wide = true;
  };

  std::vector<Cell> cells;
  std::vector<List> lists;                      // number 0 is nobody's
  std::deque<std::array<Cell, 4>> splits;       // number 0 too
  std::uint32_t operation = 0;                  // whose accesses the cells hold

  explicit Table(std::size_t bytes) : cells((bytes + 3) / 4), lists(1), splits(1) {}
};

// Gives each byte of the cell a cell of its own.
void split(Table& table, Cell& cell);

// A page nobody's launch looks into is four numbers; its table is made when a kernel touches it.
struct Page {
  std::unique_ptr<Table> table;
  std::uint32_t before_write = 0, before_reads = 0;
  bool initialised = false;
};

// Device memory.
class Shadow {
 public:
  static constexpr unsigned kPageBits = 12;
  static constexpr std::uint64_t kPageBytes = std::uint64_t{1} << kPageBits;

  Page& page(std::uint64_t address) {
    const std::uint64_t number = address >> kPageBits;
    if (number != last_number_) {
      last_ = &pages_[number];
      last_number_ = number;
    }
    return *last_;
  }
  Table& table(std::uint64_t address) {
    Page& p = page(address);
    if (p.table == nullptr) expand(p);
    return *p.table;
  }
  // Forgets a range: it has been freed, or is given out anew.
  void forget(std::uint64_t address, std::uint64_t size);

 private:
  static void expand(Page& page);
  std::unordered_map<std::uint64_t, Page> pages_;
  std::uint64_t last_number_ = ~std::uint64_t{0};
  Page* last_ = nullptr;
};

}  // namespace ptxvm::check
