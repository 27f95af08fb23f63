#include "check/shadow.hpp"

#include <algorithm>

namespace ptxvm::check {

void split(Table& table, Cell& cell) {
  const auto number = std::uint32_t(table.splits.size());
  table.splits.emplace_back();
  for (unsigned k = 0; k < 4; ++k) {
    Cell& piece = table.splits.back()[k];
    if (cell.write.bytes & (1u << k)) piece.write = cell.write, piece.writes = cell.writes;
    if (cell.read.bytes & (1u << k)) piece.read = cell.read, piece.reads = cell.reads;
    piece.write.bytes = piece.read.bytes = 1;
    piece.initialised = (cell.initialised >> k) & 1;
    piece.before_write = cell.before_write, piece.before_reads = cell.before_reads;
    piece.non_coherent = cell.non_coherent;
    // A list belongs to one cell, since it is pruned as that cell's accesses go on.
    for (std::uint32_t* list : {&piece.writes, &piece.reads}) {
      if (*list == 0) continue;
      table.lists.push_back(table.lists[*list]);
      *list = std::uint32_t(table.lists.size() - 1);
    }
  }
  const bool sync = cell.sync;
  cell = Cell{};
  cell.split = true;
  cell.sync = sync;
  cell.writes = number;
}

void Shadow::expand(Page& page) {
  page.table = std::make_unique<Table>(kPageBytes);
  for (Cell& c : page.table->cells) {
    c.before_write = page.before_write;
    c.before_reads = page.before_reads;
    c.initialised = page.initialised ? 0xf : 0;
  }
}

void Shadow::forget(std::uint64_t address, std::uint64_t size) {
  const std::uint64_t end = address + size;
  for (std::uint64_t a = address & ~(kPageBytes - 1); a < end; a += kPageBytes) {
    const auto found = pages_.find(a >> kPageBits);
    if (found == pages_.end()) continue;
    if (a >= address && a + kPageBytes <= end) {
      found->second = Page{};
      continue;
    }
    Page& p = found->second;
    if (p.table == nullptr) expand(p);
    for (std::uint64_t cell = std::max(a, address) / 4 * 4; cell < std::min(a + kPageBytes, end); cell += 4)
      p.table->cells[(cell - a) / 4] = Cell{};
  }
}

}  // namespace ptxvm::check
