#include "check/launch.hpp"

#include <algorithm>
#include <cstring>

#include "check/operations.hpp"
#include "exec/cluster.hpp"
#include "exec/ops/space.hpp"
#include "memory/address_space.hpp"
#include "support/error.hpp"

namespace ptxvm::check {

using exec::Block;
using exec::Inst;
using exec::Semantics;
using exec::Warp;

namespace {

constexpr std::uint64_t kWindow = memory::Windows::size;
constexpr std::uint64_t kSharedKey = std::uint64_t{1} << 63;  // of synchronisation points in shared memory

bool is_compare_and_swap(const Inst& in) { return (in.aux & exec::kAtomic) && in.op[3] != exec::kNone; }

}  // namespace

std::uint8_t kind_of(const Inst& in) {
  const Semantics s = Semantics::of(in.sem);
  return std::uint8_t((s.strong() ? kStrong : 0) | unsigned(s.scope) << kScopeShift | (s.async_proxy ? kProxy : 0) |
                      s.size_log2 << kSizeShift | (s.non_coherent ? kNonCoherent : 0));
}

LaunchChecker::LaunchChecker(const exec::Image& image, const Clusters& clusters)
    : image_(image), clusters_(clusters), races_(clusters) {}
LaunchChecker::~LaunchChecker() = default;

void LaunchChecker::block_started(Block& block) {
  auto state = std::make_unique<BlockState>();
  state->id = std::uint32_t(block.linear);
  state->threads.resize(block.threads);
  state->shared = Table(block.shared_extent());
  if (block.system_shared)  // something is there, of which nobody knows what
    for (std::size_t k = block.system_shared / 4; k < state->shared.cells.size(); ++k) state->shared.cells[k].initialised = 0xf;
  state->local_initialised.assign((std::size_t{block.threads} * block.local_stride + 7) / 8, 0);
  block.checked = state.get();
  blocks_[block.linear] = std::move(state);
}

void LaunchChecker::block_ended(Block& block) {
  blocks_.erase(block.linear);
  block.checked = nullptr;
}

ThreadState& LaunchChecker::thread(Warp& w, unsigned lane) {
  return w.block->checked->threads[w.index * 32 + lane];
}

// Whose shared memory it is; the address becomes an offset in it.
BlockState* LaunchChecker::owner_of(Warp& w, std::uint64_t* address) {
  const std::uint64_t window = *address >> exec::kRankShift;
  if (window == 0) return w.block->checked;
  *address -= window << exec::kRankShift;
  return w.block->cluster->blocks[std::size_t(window - 1)]->checked;
}

void LaunchChecker::access(Warp& w, const Inst& in, unsigned space, const std::uint64_t* address, std::uint32_t mask,
                           unsigned bytes, bool write, const std::uint64_t* host) {
  ++serial_;
  for (std::uint32_t m = mask; m; m &= m - 1) {
    const auto lane = unsigned(__builtin_ctz(m));
    std::uint64_t a = address[lane];
    unsigned s = space;
    if (s == exec::kGeneric) {  // lanes in different spaces
      s = exec::kGlobal;
      if (a - image_.shared_window < kWindow) s = exec::kShared, a -= image_.shared_window;
      else if (a - image_.local_window < kWindow) s = exec::kLocal, a -= image_.local_window;
      else if (a - image_.parameter_window < kWindow) s = exec::kParameter;
    }
    touch(w, in, lane, s, a, bytes, write, host[lane]);
  }
}

void LaunchChecker::touch(Warp& w, const Inst& in, unsigned lane, unsigned space, std::uint64_t address, unsigned bytes,
                          bool write, std::uint64_t host) {
  if (space == exec::kParameter || space == exec::kConstantSpace) return;
  if (space == exec::kLocal) return touch_local(w, in, lane, address, bytes, write);
  const Semantics semantics = Semantics::of(in.sem);
  const bool atomic = in.aux & exec::kAtomic;
  if (is_compare_and_swap(in)) {  // one that fails only reads
    const char* expected = w.at<char>(in.op[2]) + std::size_t{lane} * bytes;
    write = std::memcmp(expected, reinterpret_cast<const void*>(host), bytes) == 0;
  }
  ThreadState& t = thread(w, lane);
  const Actor actor{&t.knowledge, std::uint32_t(w.block->linear), t.now, std::uint32_t(&in - image_.code),
                    std::uint8_t(w.index), std::uint8_t(lane), kind_of(in), serial_};
  BlockState* owner = nullptr;
  std::uint64_t key = address;
  if (space == exec::kShared) {
    owner = owner_of(w, &address);
    key = kSharedKey | std::uint64_t{owner->id} << 24 | address;
  }
  Conflict conflict;
  Cell* first = nullptr;
  for (std::uint64_t at = address & ~std::uint64_t{3}; at < address + bytes; at += 4) {
    Table& table = owner ? owner->shared : Operations::instance().table(at);
    const std::size_t index = owner ? at / 4 : (at & (Shadow::kPageBytes - 1)) / 4;
    std::uint8_t which = 0;
    for (unsigned k = 0; k < 4; ++k) {
      const std::uint64_t offset = at + k - address;  // of the vector; elements that go nowhere are not read
      if (offset < bytes && !(semantics.partial && in.op[offset >> semantics.size_log2] == exec::kNone))
        which |= std::uint8_t(1u << k);
    }
    if (which == 0) continue;
    Cell& cell = table.cells[index];
    if (first == nullptr) first = &cell;
    if (!owner) {
      check_operations(w, in, lane, table, cell, which, at, write);
      if (!write || atomic) fill_if_host_did(cell, which, at);
    }
    const bool fine = write ? (!atomic || initialised(table, cell, which, &conflict)) && races_.write(table, index, which, actor, &conflict)
                            : races_.read(table, index, which, actor, &conflict);
    if (!fine) report(w, in, lane, conflict, space, at, bytes, write);
  }
  if (first != nullptr && (semantics.strong() || first->sync)) order(w, lane, semantics, key, write, atomic, *first);
}

bool LaunchChecker::initialised(const Table& table, const Cell& cell, std::uint8_t which, Conflict* conflict) {
  std::uint8_t have = cell.initialised;
  if (cell.split) {
    have = 0;
    for (unsigned k = 0; k < 4; ++k) have |= std::uint8_t(table.splits[cell.writes][k].initialised << k);
  }
  if ((have & which) == which) return true;
  conflict->kind = Conflict::Kind::Uninitialised;
  return false;
}

// Bytes that a host or an initialiser wrote where nobody looks: host memory and variables.
void LaunchChecker::fill_if_host_did(Cell& cell, std::uint8_t which, std::uint64_t address) {
  if (cell.split || (cell.initialised & which) == which) return;
  const auto allocation = memory::AddressSpace::instance().find(address);
  if (allocation && allocation->kind != memory::Kind::Device) cell.initialised = 0xf;
}

void LaunchChecker::check_operations(Warp& w, const Inst& in, unsigned lane, const Table& table, const Cell& cell,
                                     std::uint8_t which, std::uint64_t address, bool write) {
  std::string other;
  bool fine = true;
  if (!cell.split) {
    if (!cell.write.none() || (!write && !cell.read.none())) return;  // asked before in this launch
    fine = Operations::instance().allows(cell, write, &other);
  } else {
    for (unsigned k = 0; k < 4 && fine; ++k)
      if ((which >> k) & 1) fine = Operations::instance().allows(table.splits[cell.writes][k], write, &other);
  }
  if (!fine) report_operation(w, in, lane, other, address, write);
}

void LaunchChecker::touch_local(Warp& w, const Inst& in, unsigned lane, std::uint64_t offset, unsigned bytes, bool write) {
  BlockState& block = *w.block->checked;
  const std::uint64_t base = (std::uint64_t{w.index} * 32 + lane) * w.block->local_stride + offset;
  for (std::uint64_t b = base; b < base + bytes; ++b) {
    std::uint8_t& bits = block.local_initialised[b / 8];
    const auto bit = std::uint8_t(1u << b % 8);
    if (write) {
      bits |= bit;
    } else if (!(bits & bit)) {
      Conflict conflict;
      conflict.kind = Conflict::Kind::Uninitialised;
      report(w, in, lane, conflict, exec::kLocal, offset + (b - base), bytes, write);
    }
  }
}

}  // namespace ptxvm::check
