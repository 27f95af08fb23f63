#include "exec/async.hpp"

#include <algorithm>
#include <cstring>

#include "check/launch.hpp"
#include "support/error.hpp"
#include "support/format.hpp"

namespace ptxvm::exec {

// The bytes of an operation, told to the checker.
void tell(const check::Agent& agent, const Origin& o, const Range& r, std::uint64_t bytes, bool write,
          std::uint8_t kind) {
  if (agent.time == 0) return;
  checker_of(*o.warp)->agent_access(agent, *o.warp, *o.inst, o.lane, r.block, r.address, bytes, write, kind);
}

bool Draw::late() {
  if (seed <= 2) return seed != 2;
  std::uint64_t x = ++drawn + seed * 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return (x >> 40) & 1;
}

// Issue: the operation is complete in all its parts and checked; nothing has been read or written.
void Async::issue(Operation operation) {
  std::lock_guard<std::mutex> guard(lock);
  used_ = true;
  if (!operation.barrier.host) {
    Thread& thread = threads_[thread_key(operation.origin)];
    operation.group = thread.open;
    thread.end = thread.open + 1;
    thread.last = operation.origin;
    if (operation.reader.time)
      thread.used.push_back({operation.group, operation.reader.done(), operation.writer.done()});
  }
  if (draw_.late()) {
    held_.push_back(std::move(operation));
    return;
  }
  perform(operation);
  complete(operation);
}

void Async::read_source(Operation& o) {
  if (o.from.host) tell(o.reader, o.origin, o.from, o.to.bytes, false, check::kind_of(*o.origin.inst));
  o.staged.resize(o.to.bytes);
  if (o.to.bytes > 0) std::memcpy(o.staged.data(), o.from.host ? o.from.host : o.value, o.to.bytes);
  o.read = true;
}

// Performance: reads `from`, as many bytes as `to` has, and writes or updates `to`.
void Async::perform(Operation& o) {
  if (const Block* const to = o.to.block; to && to->stage.load(std::memory_order_acquire) == Stage::Exited)
    o.origin.fault(int(Status::IllegalAddress),
                   format("the operation writes the shared memory of block (%u,%u,%u), which has exited: it did not "
                          "wait for the bytes",
                          to->id[0], to->id[1], to->id[2]));
  if (!o.read) read_source(o);
  // The updates of a reduction are strong for the device, each by itself.
  const std::uint8_t strong =
      o.reduction ? check::kStrong | unsigned(Scope::Device) << check::kScopeShift : 0;
  tell(o.writer, o.origin, o.to, o.to.bytes, true, std::uint8_t(check::kind_of(*o.origin.inst) | strong));
  if (o.reduction) {
    o.reduction(o.to.host, o.staged.data(), o.to.bytes);
  } else if (o.byte_mask == 0xffff) {
    if (o.to.bytes > 0) std::memcpy(o.to.host, o.staged.data(), o.to.bytes);
  } else {
    for (std::uint64_t k = 0; k < o.to.bytes; ++k)
      if (o.byte_mask >> (k % 16) & 1) o.to.host[k] = o.staged[k];
  }
}

// Completion: of the current phase of its mbarrier. Groups complete when they are waited for, by being
// performed.
void Async::complete(Operation& o) {
  if (!o.barrier.host) return;
  if (o.writer.time) {
    barriers.release(o.barrier, o.reader.done());
    barriers.release(o.barrier, o.writer.done());
  }
  barriers.complete_transactions(o.origin, o.barrier, o.to.bytes, o.to.bytes != 0);
}

// Performs the operations that are due, which may differ from the order of their issue. The lock is held.
template <class Due>
bool Async::perform_where(Due due) {
  const bool backwards = draw_.seed > 2 && draw_.late();
  std::list<Operation> now;
  for (auto o = held_.begin(); o != held_.end();) {
    const auto here = o++;
    if (due(*here)) now.splice(backwards ? now.begin() : now.end(), held_, here);
  }
  for (Operation& o : now) {
    perform(o);
    complete(o);
  }
  return !now.empty();
}

void Async::commit(const Origin& origin) {
  std::lock_guard<std::mutex> guard(lock);
  ++threads_[thread_key(origin)].open;
  used_ = true;
}

void Async::wait(const Origin& origin, std::uint32_t but, bool read_only) {
  std::lock_guard<std::mutex> guard(lock);
  const std::uint64_t key = thread_key(origin);
  auto thread = threads_.find(key);
  if (thread == threads_.end()) return;
  const std::uint32_t end = thread->second.open > but ? thread->second.open - but : 0;
  thread->second.waited = std::max(thread->second.waited, end);
  for (const Thread::Used& used : thread->second.used) {
    if (used.group >= end) break;
    checker_of(*origin.warp)->learn(*origin.warp, origin.lane, used.read);
    if (!read_only) checker_of(*origin.warp)->learn(*origin.warp, origin.lane, used.written);
  }
  if (!read_only) {
    auto& used = thread->second.used;
    used.erase(used.begin(),
               std::find_if(used.begin(), used.end(), [&](const auto& u) { return u.group >= end; }));
  }
  const auto due = [&](const Operation& o) {
    return !o.barrier.host && o.group < end && thread_key(o.origin) == key;
  };
  if (!read_only) {
    perform_where(due);
    return;
  }
  for (Operation& o : held_)
    if (due(o) && !o.read) read_source(o);
}

void Async::request(const Range& barrier) {
  requested_.insert(barrier.host);
  requests_.store(true, std::memory_order_relaxed);
}

bool Async::perform_requested() {
  if (!requests_.load(std::memory_order_relaxed)) return false;
  std::lock_guard<std::mutex> guard(lock);
  const bool any = perform_where([&](const Operation& o) { return requested_.count(o.barrier.host) != 0; });
  requested_.clear();
  requests_.store(false, std::memory_order_relaxed);
  return any;
}

bool Async::perform_all() {
  if (!used_.load(std::memory_order_relaxed)) return false;
  std::lock_guard<std::mutex> guard(lock);
  return perform_where([](const Operation&) { return true; });
}

void Async::start(const Block& block, std::uint64_t seed) { draw_ = {seed, block.linear << 32}; }

void Async::finish(Block& block) {
  std::lock_guard<std::mutex> guard(lock);
  perform_where([&](const Operation& o) { return o.origin.warp->block == &block; });
  for (auto at = threads_.begin(); at != threads_.end();) {
    const Thread& thread = at->second;
    if (at->first >> 16 != block.linear) {
      ++at;
      continue;
    }
    if (thread.end > thread.waited)
      thread.last.fault(int(Status::IllegalAddress),
                        "the block ends while a bulk operation may still read its shared memory: no "
                        "cp.async.bulk.wait_group "
                        "or wait_group.read of the thread covers it");
    at = threads_.erase(at);
  }
  std::uint64_t address = 0;
  if (const Mbarrier* b = barriers.unobserved(block, &address))
    b->tracked_by.fault(
        int(Status::IllegalAddress),
        format(
            "block (%u,%u,%u) ends while an asynchronous operation may still write its shared memory: nobody "
            "has waited for the phase of the mbarrier at shared address 0x%llx",
            block.id[0], block.id[1], block.id[2], static_cast<unsigned long long>(address)));
  barriers.forget(block);
}

std::uint64_t Async::thread_key(const Origin& o) {
  return o.warp->block->linear << 16 | std::uint64_t(o.warp->index * 32 + o.lane);
}

}  // namespace ptxvm::exec
