// Whether one access may follow another: the rules of PTX's memory model for a race, on one cell.
//
// Two accesses that overlap, of which one writes, race unless the first happened before the second, or both
// are strong, see each other's scope, have one size and one proxy ("morally strong"). PTX ISA, "Memory
// Consistency Model". Bytes read through the non-coherent path may not be written by the launch at all.
#pragma once

#include <cstdint>

#include "check/shadow.hpp"

namespace ptxvm::check {

// Which blocks form a cluster.
struct Clusters {
  std::uint32_t grid[3] = {1, 1, 1}, size[3] = {1, 1, 1};
  std::uint32_t of(std::uint32_t block) const {
    const std::uint32_t x = block % grid[0] / size[0], y = block / grid[0] % grid[1] / size[1],
                        z = block / grid[0] / grid[1] / size[2];
    return x + grid[0] / size[0] * (y + grid[1] / size[1] * z);
  }
};

// Who accesses now.
struct Actor {
  const Knowledge* knowledge;
  std::uint32_t block, time, site;
  std::uint8_t warp, lane, kind, serial;
};

struct Conflict {
  enum class Kind { Race, NonCoherent, Proxy, Uninitialised } kind = Kind::Race;
  Access before;
  bool before_wrote = false;
};

class Races {
 public:
  explicit Races(const Clusters& clusters) : clusters_(clusters) {}

  // The access is remembered; false where it must not happen, and why.
  bool read(Table& table, std::size_t cell, std::uint8_t bytes, const Actor& now, Conflict* conflict) const;
  bool write(Table& table, std::size_t cell, std::uint8_t bytes, const Actor& now, Conflict* conflict) const;

  // Whether a scope reaches from one block to another.
  bool reaches(unsigned scope, std::uint32_t from, std::uint32_t to) const;

 private:
  bool ordered(const Access& before, const Actor& now) const;
  bool morally_strong(const Access& before, const Actor& now) const;
  bool list_allows(const Table::List& list, const Actor& now, Conflict* conflict) const;
  bool allows(const Access& before, const Actor& now, Conflict* conflict) const;
  void remember(Table& table, std::uint32_t* number, const Access& access, const Actor& now) const;
  bool read_cell(Table& table, Cell& cell, std::uint8_t bytes, const Actor& now, Conflict* conflict) const;
  bool write_cell(Table& table, Cell& cell, std::uint8_t bytes, const Actor& now, Conflict* conflict) const;

  Clusters clusters_;
};

}  // namespace ptxvm::check
