// Asynchronous operations: their issue, their accesses, and what a wait learns of them.
#include "check/launch.hpp"
#include "check/operations.hpp"
#include "exec/ops/space.hpp"

namespace ptxvm::check {

using exec::Block;
using exec::Inst;
using exec::Warp;

// A thread's cp.async are one agent, which is not ordered with itself.
Agent LaunchChecker::issue_lane_copy(Warp& w, unsigned lane) {
  BlockState& block = *w.block->checked;
  return {publish(w, lane), block.id, block.time++, std::uint8_t(kAsyncWarps + w.index), std::uint8_t(lane)};
}

// Every bulk operation is two: what it reads may be known to be done before what it writes.
Agent LaunchChecker::issue_bulk(Warp& w, unsigned lane) {
  BlockState& block = *w.block->checked;
  const std::uint32_t number = block.bulk_copies++;
  return {publish(w, lane), block.id, block.time++,
          std::uint8_t(kBulkWarps + number / 32 % (kWarps - kBulkWarps)), std::uint8_t(number % 32)};
}

void LaunchChecker::agent_access(const Agent& agent, Warp& w, const Inst& in, unsigned lane,
                                 const Block* owner, std::uint64_t address, std::uint64_t bytes, bool write,
                                 std::uint8_t kind) {
  const Actor actor{&agent.knowledge, agent.block, agent.time, std::uint32_t(&in - image_.code),
                    agent.warp,       agent.lane,  kind,       ++serial_};
  const unsigned space = owner ? exec::kShared : exec::kGlobal;
  for (std::uint64_t at = address & ~std::uint64_t{3}; at < address + bytes; at += 4) {
    Table& table = owner ? owner->checked->shared : Operations::instance().table(at);
    const std::size_t index = owner ? at / 4 : (at & (Shadow::kPageBytes - 1)) / 4;
    std::uint8_t which = 0;
    for (unsigned k = 0; k < 4; ++k)
      if (at + k - address < bytes) which |= std::uint8_t(1u << k);
    Cell& cell = table.cells[index];
    if (!owner) {
      check_operations(w, in, lane, table, cell, which, at, write);
      if (!write) fill_if_host_did(cell, which, at);
    }
    Conflict conflict;
    const bool fine = write ? races_.write(table, index, which, actor, &conflict)
                            : races_.read(table, index, which, actor, &conflict);
    if (!fine) report(w, in, lane, conflict, space, at, 4, write);
  }
}

}  // namespace ptxvm::check
