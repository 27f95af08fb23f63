// Between operations of streams: launches, copies, fills and library calls that touch the same bytes, of which
// one writes, must be ordered by a stream, an event, a graph's edge or the host.
//
// Used at PTXVM_CHECK=full by the one thread that executes operations; forget() may be called by any.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "check/shadow.hpp"

namespace ptxvm::check {

// Of each stream, how many of its operations are known to come before. Null: of none.
using History = std::shared_ptr<const std::vector<std::pair<std::uint64_t, std::uint64_t>>>;
History joined(const History& a, const History& b);
History extended(const History& history, std::uint64_t stream, std::uint64_t count);

class Operations {
 public:
  static Operations& instance();

  // What is executed from now on: the operation `count` of a stream, or a node of a graph in it (node counts
  // from 1 over all launches of graphs; 0: no node). name is for messages.
  void begin(std::uint64_t stream, std::uint64_t count, std::uint64_t node, const History& before, std::string name);
  // For a graph's nodes: what comes before the graph, and how a node extends it.
  const History& before() const { return before_; }
  std::uint64_t stream() const { return records_.back().stream; }
  std::uint64_t count() const { return records_.back().count; }
  std::uint64_t next_node() { return ++nodes_; }
  static History after_node(const History& history, std::uint64_t node) { return extended(history, kNodes | node, 1); }

  // A range that the operation reads or writes whole, such as a copy's; memory of the host's own is nobody's
  // business. Throws Error.
  void range_read(std::uint64_t address, std::uint64_t size);
  void range_written(std::uint64_t address, std::uint64_t size);
  // Freed, or given out anew.
  void forget(std::uint64_t address, std::uint64_t size);

  // For a launch's accesses: the table, with what earlier operations did moved out of the way.
  Table& table(std::uint64_t address);
  // Whether the running operation may read or write the cell after what others did to it. Fills *other with the
  // name of who is not ordered before it.
  bool allows(const Cell& cell, bool write, std::string* other) const;

 private:
  struct Record {
    std::uint64_t stream = 0, count = 0, node = 0;
    std::string name;
  };
  static constexpr std::uint64_t kNodes = std::uint64_t{1} << 63;
  bool ordered(std::uint32_t operation) const;
  void settle(Table& table);
  std::uint32_t with_reader(std::uint32_t set, std::uint32_t reader);
  void touch_range(std::uint64_t address, std::uint64_t size, bool write);
  void touch_cell(Table& table, std::size_t index, std::uint8_t bytes, bool write, std::uint64_t address);
  void settle_cell(Cell& cell, std::uint32_t operation);
  std::uint32_t running() const { return std::uint32_t(records_.size() - 1); }
  void refuse(std::uint64_t address, bool write, const std::string& other) const;

  Shadow shadow_;
  std::mutex mutex_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> forgotten_;  // since the last operation began
  std::uint64_t nodes_ = 0;
  std::vector<Record> records_{1};
  History before_;
  std::vector<std::vector<std::uint32_t>> reader_sets_{1};
  std::map<std::vector<std::uint32_t>, std::uint32_t> set_numbers_;
  std::pair<std::uint32_t, std::uint32_t> last_set_{0, 0};  // with_reader's last question, and its answer
  std::uint32_t last_number_ = 0;
};

}  // namespace ptxvm::check
