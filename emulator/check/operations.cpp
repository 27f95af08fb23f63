#include "check/operations.hpp"

#include <algorithm>

#include "memory/address_space.hpp"
#include "support/error.hpp"
#include "support/format.hpp"

namespace ptxvm::check {
namespace {

using Entries = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

std::uint64_t count_of(const History& history, std::uint64_t stream) {
  if (history == nullptr) return 0;
  const auto at = std::lower_bound(history->begin(), history->end(), std::make_pair(stream, std::uint64_t{0}));
  return at != history->end() && at->first == stream ? at->second : 0;
}

std::uint8_t bytes_of(std::uint64_t cell, std::uint64_t from, std::uint64_t end) {
  std::uint8_t bytes = 0;
  for (unsigned k = 0; k < 4; ++k)
    if (cell + k >= from && cell + k < end) bytes |= std::uint8_t(1u << k);
  return bytes;
}

}  // namespace

History joined(const History& a, const History& b) {
  if (a == nullptr || a == b) return b;
  if (b == nullptr) return a;
  auto all = std::make_shared<Entries>();
  auto i = a->begin(), j = b->begin();
  while (i != a->end() || j != b->end()) {
    if (j == b->end() || (i != a->end() && i->first < j->first)) all->push_back(*i++);
    else if (i == a->end() || j->first < i->first) all->push_back(*j++);
    else all->emplace_back(i->first, std::max(i->second, j->second)), ++i, ++j;
  }
  return all;
}

History extended(const History& history, std::uint64_t stream, std::uint64_t count) {
  return joined(history, std::make_shared<Entries>(Entries{{stream, count}}));
}

Operations& Operations::instance() {
  static Operations* const only = new Operations;
  return *only;
}

void Operations::begin(std::uint64_t stream, std::uint64_t count, std::uint64_t node, const History& before,
                       std::string name) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& [address, size] : forgotten_) shadow_.forget(address, size);
    forgotten_.clear();
  }
  records_.push_back({stream, count, node, std::move(name)});
  before_ = before;
}

bool Operations::ordered(std::uint32_t operation) const {
  if (operation == 0 || operation == running()) return true;
  const Record& r = records_[operation];
  return count_of(before_, r.stream) >= r.count || (r.node && count_of(before_, kNodes | r.node) > 0);
}

// Readers that come before the running operation are dropped from a set: who is ordered after it is after them.
std::uint32_t Operations::with_reader(std::uint32_t set, std::uint32_t reader) {
  const auto known = std::make_pair(set, reader);
  if (known == last_set_) return last_number_;
  const bool now = reader == running();
  std::vector<std::uint32_t> members;
  for (const std::uint32_t m : reader_sets_[set])
    if (m != reader && !(now && ordered(m))) members.push_back(m);
  members.push_back(reader);
  const auto [slot, fresh] = set_numbers_.try_emplace(members, std::uint32_t(reader_sets_.size()));
  if (fresh) reader_sets_.push_back(members);
  last_set_ = known;
  return last_number_ = slot->second;
}

bool Operations::allows(const Cell& cell, bool write, std::string* other) const {
  std::uint32_t bad = 0;
  if (!ordered(cell.before_write)) bad = cell.before_write;
  if (write && !bad)
    for (const std::uint32_t m : reader_sets_[cell.before_reads])
      if (!ordered(m)) bad = m;
  if (bad) *other = records_[bad].name;
  return bad == 0;
}

// What the operation before did with the cell becomes what "an earlier operation" did.
void Operations::settle_cell(Cell& c, std::uint32_t operation) {
  if (!c.write.none()) c.before_write = operation, c.before_reads = 0;
  if (!c.read.none() || c.reads) c.before_reads = with_reader(c.before_reads, operation);
  c.write = c.read = Access{};
  c.writes = c.reads = 0;
  c.sync = c.non_coherent = false;
}

void Operations::settle(Table& table) {
  if (table.operation == running()) return;
  for (Cell& c : table.cells) {
    if (!c.split) {
      settle_cell(c, table.operation);
      continue;
    }
    for (Cell& piece : table.splits[c.writes]) settle_cell(piece, table.operation);
    c.sync = false;
  }
  table.lists.assign(1, {});
  table.operation = running();
}

Table& Operations::table(std::uint64_t address) {
  Table& t = shadow_.table(address);
  settle(t);
  return t;
}

void Operations::refuse(std::uint64_t address, bool write, const std::string& other) const {
  throw Error(Status::LaunchFailure,
              format("race between streams: %s %s address 0x%llx, and %s, which touches the same bytes, is not ordered before it"
                     " by a stream, an event or the host; %s",
                     records_.back().name.c_str(), write ? "writes" : "reads", static_cast<unsigned long long>(address),
                     other.c_str(), memory::describe(address, 1).c_str()));
}

void Operations::touch_cell(Table& table, std::size_t index, std::uint8_t bytes, bool write, std::uint64_t address) {
  Cell* cells = &table.cells[index];
  const bool whole = bytes == 0xf && !cells->split;
  std::string other;
  for (unsigned k = 0; k < (whole ? 1u : 4u); ++k) {
    if (!whole) {
      if (!((bytes >> k) & 1)) continue;
      cells = &table.splits[table.cells[index].writes][k];
    }
    if (!allows(*cells, write, &other)) refuse(address + k, write, other);
    if (write) {
      cells->before_write = running();
      cells->before_reads = 0;
      cells->initialised = whole ? 0xf : 1;
    } else {
      cells->before_reads = with_reader(cells->before_reads, running());
    }
  }
}

void Operations::touch_range(std::uint64_t address, std::uint64_t size, bool write) {
  const std::uint64_t end = address + size;
  for (std::uint64_t a = address & ~(Shadow::kPageBytes - 1); a < end; a += Shadow::kPageBytes) {
    Page& page = shadow_.page(a);
    const bool whole = a >= address && a + Shadow::kPageBytes <= end;
    if (whole && page.table == nullptr) {
      Cell all;
      all.before_write = page.before_write, all.before_reads = page.before_reads;
      std::string other;
      if (!allows(all, write, &other)) refuse(a, write, other);
      if (write) page.before_write = running(), page.before_reads = 0, page.initialised = true;
      else page.before_reads = with_reader(page.before_reads, running());
      continue;
    }
    Table& t = table(a);
    const std::uint64_t from = std::max(a, address) & ~std::uint64_t{3}, to = std::min(a + Shadow::kPageBytes, end);
    for (std::uint64_t c = from; c < to; c += 4) {
      const std::uint8_t bytes = bytes_of(c, address, end);
      const std::size_t index = (c - a) / 4;
      if (bytes != 0xf && !t.cells[index].split) split(t, t.cells[index]);
      touch_cell(t, index, bytes, write, c);
    }
    if (whole && write) {  // nothing of the table says more than four numbers do
      page.table.reset();
      page.before_write = running(), page.before_reads = 0, page.initialised = true;
    }
  }
}

void Operations::range_read(std::uint64_t address, std::uint64_t size) {
  if (memory::AddressSpace::instance().find(address)) touch_range(address, size, false);
}
void Operations::range_written(std::uint64_t address, std::uint64_t size) {
  if (memory::AddressSpace::instance().find(address)) touch_range(address, size, true);
}
void Operations::forget(std::uint64_t address, std::uint64_t size) {
  const std::lock_guard<std::mutex> lock(mutex_);
  forgotten_.emplace_back(address, size);
}

}  // namespace ptxvm::check
