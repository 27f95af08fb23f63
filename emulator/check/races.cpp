#include "check/races.hpp"

#include <algorithm>

namespace ptxvm::check {
namespace {

constexpr std::size_t kMostRemembered = 4096;  // unordered accesses of one cell; older ones are then forgotten
constexpr unsigned kDeviceScope = 2;

unsigned scope_of(std::uint8_t kind) { return (kind & kScopeMask) >> kScopeShift; }

bool device_wide(std::uint8_t kind) { return (kind & kStrong) && !(kind & kProxy) && scope_of(kind) >= kDeviceScope; }

Access access_of(const Actor& now, std::uint8_t bytes) {
  Access a;
  a.block = now.block, a.time = now.time, a.site = now.site;
  a.lanes = 1u << now.lane;
  a.warp = now.warp, a.kind = now.kind, a.bytes = bytes, a.serial = now.serial;
  return a;
}

bool same_moment(const Access& a, const Actor& b) {
  return a.block == b.block && a.warp == b.warp && a.time == b.time && a.site == b.site && a.kind == b.kind &&
         a.serial == b.serial;
}

bool other_bytes(const Access& a, std::uint8_t bytes) { return !a.none() && a.bytes != bytes; }

// Accesses to other bytes of the four are none of this one's business: then each byte goes by itself.
bool must_split(const Cell& c, std::uint8_t bytes) {
  return other_bytes(c.write, bytes) || other_bytes(c.read, bytes) ||
         (bytes != 0xf && (c.before_write || c.before_reads));
}

}  // namespace

bool Races::reaches(unsigned scope, std::uint32_t from, std::uint32_t to) const {
  return scope >= kDeviceScope || from == to || (scope == 1 && clusters_.of(from) == clusters_.of(to));
}

bool Races::ordered(const Access& before, const Actor& now) const {
  std::uint32_t lanes = before.lanes;
  // A thread's own accesses are in program order; its copies are not.
  if (before.block == now.block && before.warp == now.warp && now.warp < kAsyncWarps) lanes &= ~(1u << now.lane);
  if (lanes == 0) return true;
  const bool crosses = (now.kind & kProxy) && !(before.kind & kProxy);
  const ClockRef& known = crosses ? now.knowledge->proxied : now.knowledge->seen;
  return known.covers(before.block, before.warp, lanes, before.time);
}

bool Races::morally_strong(const Access& before, const Actor& now) const {
  return (before.kind & now.kind & kStrong) && ((before.kind ^ now.kind) & (kSizeMask | kProxy)) == 0 &&
         reaches(scope_of(before.kind), before.block, now.block) &&
         reaches(scope_of(now.kind), now.block, before.block);
}

bool Races::allows(const Access& before, const Actor& now, Conflict* conflict) const {
  if (ordered(before, now) || morally_strong(before, now)) return true;
  conflict->kind = Conflict::Kind::Race;
  // Ordered, but for the fence that shows the asynchronous proxy what others have written. A read that came before
  // has nothing to show: rings of bulk copies, NVIDIA's own among them, have no fence between it and the next copy.
  if ((now.kind & kProxy) && now.knowledge->seen.covers(before.block, before.warp, before.lanes, before.time)) {
    if (!conflict->before_wrote) return true;
    conflict->kind = Conflict::Kind::Proxy;
  }
  conflict->before = before;
  return false;
}

bool Races::list_allows(const Table::List& list, const Actor& now, Conflict* conflict) const {
  if (list.device_wide && device_wide(now.kind) && list.size_bits == (now.kind & kSizeMask)) return true;
  return std::all_of(list.all.begin(), list.all.end(),
                     [&](const Access& a) { return allows(a, now, conflict); });
}

// Puts an access into a list: the same lanes' earlier one is replaced, since who knows of the later knows of both.
void Races::remember(Table& table, std::uint32_t* number, const Access& access, const Actor& now) const {
  if (*number == 0) {
    *number = std::uint32_t(table.lists.size());
    table.lists.emplace_back();
  }
  Table::List& list = table.lists[*number];
  if (list.all.empty()) list.size_bits = access.kind & kSizeMask, list.device_wide = true;
  list.device_wide = list.device_wide && device_wide(access.kind) && list.size_bits == (access.kind & kSizeMask);
  for (auto a = list.all.rbegin(); a != list.all.rend(); ++a) {
    if (a->block == access.block && a->warp == access.warp && a->kind == access.kind && a->lanes == access.lanes &&
        access.warp < kAsyncWarps) {
      if (a->time <= access.time) *a = access;
      return;
    }
  }
  list.all.push_back(access);
  if (list.all.size() < list.prune_at) return;
  list.all.erase(std::remove_if(list.all.begin(), list.all.end(), [&](const Access& a) { return ordered(a, now); }),
                 list.all.end());
  if (list.all.size() > kMostRemembered) list.all.erase(list.all.begin(), list.all.begin() + kMostRemembered / 2);
  list.prune_at = std::max<std::size_t>(16, 2 * list.all.size());
}

bool Races::read_cell(Table& table, Cell& cell, std::uint8_t bytes, const Actor& now, Conflict* conflict) const {
  conflict->before_wrote = true;
  if ((now.kind & kNonCoherent) && !cell.write.none()) {
    conflict->kind = Conflict::Kind::NonCoherent;
    conflict->before = cell.write;
    return false;
  }
  if (!cell.write.none() && !allows(cell.write, now, conflict)) return false;
  if (cell.writes && !list_allows(table.lists[cell.writes], now, conflict)) return false;
  if ((cell.initialised & bytes) != bytes) {
    conflict->kind = Conflict::Kind::Uninitialised;
    return false;
  }
  if (now.kind & kNonCoherent) cell.non_coherent = true;
  if (same_moment(cell.read, now)) {
    cell.read.lanes |= 1u << now.lane;
    return true;
  }
  if (!cell.read.none() && !ordered(cell.read, now)) remember(table, &cell.reads, cell.read, now);
  cell.read = access_of(now, bytes);
  return true;
}

bool Races::write_cell(Table& table, Cell& cell, std::uint8_t bytes, const Actor& now, Conflict* conflict) const {
  conflict->before_wrote = false;
  if (cell.non_coherent) {
    conflict->kind = Conflict::Kind::NonCoherent;
    conflict->before = cell.read;
    return false;
  }
  if (!cell.read.none() && !allows(cell.read, now, conflict)) return false;
  if (cell.reads && !list_allows(table.lists[cell.reads], now, conflict)) return false;
  conflict->before_wrote = true;
  // Lanes that write one place by one instruction: one of them performs it (CUDA programming guide, "SIMT
  // Architecture"). That they write the same is checked by the store.
  const bool one_instruction = same_moment(cell.write, now) && now.warp < kAsyncWarps;
  if (!cell.write.none() && !one_instruction && !allows(cell.write, now, conflict)) return false;
  if (cell.writes && !list_allows(table.lists[cell.writes], now, conflict)) return false;
  cell.initialised |= bytes;
  if (one_instruction) {
    cell.write.lanes |= 1u << now.lane;
    return true;
  }
  // Whoever knows of this write knows of all that was ordered before it; the rest stays to be asked for.
  if (!cell.write.none() && !ordered(cell.write, now)) remember(table, &cell.writes, cell.write, now);
  if (!cell.read.none()) {
    if (!ordered(cell.read, now)) remember(table, &cell.reads, cell.read, now);
    cell.read = Access{};
  }
  cell.write = access_of(now, bytes);
  return true;
}

bool Races::read(Table& table, std::size_t index, std::uint8_t bytes, const Actor& now, Conflict* conflict) const {
  Cell& cell = table.cells[index];
  if (!cell.split && must_split(cell, bytes)) split(table, cell);
  if (!cell.split) return read_cell(table, cell, bytes, now, conflict);
  for (unsigned k = 0; k < 4; ++k)
    if ((bytes >> k) & 1 && !read_cell(table, table.splits[cell.writes][k], 1, now, conflict)) return false;
  return true;
}

bool Races::write(Table& table, std::size_t index, std::uint8_t bytes, const Actor& now, Conflict* conflict) const {
  Cell& cell = table.cells[index];
  if (!cell.split && must_split(cell, bytes)) split(table, cell);
  if (!cell.split) return write_cell(table, cell, bytes, now, conflict);
  for (unsigned k = 0; k < 4; ++k)
    if ((bytes >> k) & 1 && !write_cell(table, table.splits[cell.writes][k], 1, now, conflict)) return false;
  return true;
}

}  // namespace ptxvm::check
