// The handlers of cp.async, cp.async.bulk, cp.reduce.async.bulk, st.async, red.async and st.bulk: each lane's
// operands are read and checked, then the engine has the operation.
#include <cstring>

#include "check/launch.hpp"
#include "exec/async.hpp"
#include "exec/async_forms.hpp"
#include "exec/cluster.hpp"
#include "support/error.hpp"
#include "support/format.hpp"

namespace ptxvm::exec {

void count_access(Warp& w, const Inst& in, unsigned space, const std::uint64_t* address, std::uint32_t mask,
                  unsigned bytes, bool write);

namespace {

constexpr int kUndefined = int(Status::IllegalInstruction);

template <class T>
T operand(const Origin& o, Ref ref) {
  return o.warp->at<T>(ref)[o.lane];
}

void copy(Warp& w, const Inst& in) {
  const CopyForm form = CopyForm::of(in.imm);
  LaneCopies copies;
  copies.inst = &in;
  copies.mask = w.mask;
  copies.bytes = form.bytes;
  std::uint32_t read_lanes = 0;
  const std::uint32_t ignored = in.op[3] == kNone ? 0 : *w.at<std::uint32_t>(in.op[3]);
  for (std::uint32_t m = w.mask; m; m &= m - 1) {
    const unsigned i = unsigned(__builtin_ctz(m));
    const Origin origin{&w, &in, i};
    std::uint32_t read = in.op[2] == kNone ? form.bytes : operand<std::uint32_t>(origin, in.op[2]);
    if (read > form.bytes)
      origin.fault(kUndefined,
                   format("cp.async of %u bytes with a source of %u", unsigned(form.bytes), read));
    if (ignored >> i & 1) read = 0;
    copies.read[i] = std::uint8_t(read);
    const Range to = locate_operand(origin, in.op[0], form.to_space, form.bytes, form.bytes, true);
    copies.to[i] = to.host;
    copies.to_address[i] = to.address;
    // Where nothing is read the source may be any address.
    if (read == 0) continue;
    const Range from = locate_operand(origin, in.op[1], form.from_space, read, form.bytes, false);
    copies.from[i] = from.host;
    copies.from_address[i] = from.address;
    read_lanes |= 1u << i;
  }
  if (w.worker->tally) {
    count_access(w, in, kGlobal, copies.from_address, read_lanes, form.bytes, false);
    count_access(w, in, kShared, copies.to_address, w.mask, form.bytes, true);
  }
  if (w.worker->checker) {
    copies.agents.resize(32);
    for (std::uint32_t m = w.mask; m; m &= m - 1)
      copies.agents[std::size_t(__builtin_ctz(m))] =
          w.worker->checker->issue_lane_copy(w, unsigned(__builtin_ctz(m)));
  }
  w.block->lane_copies->issue(w, copies);
}

// As if lane after lane had 16 bytes of it.
void count_bulk(const Origin& o, const Range& r, bool write) {
  const bool other = r.block && r.block != o.warp->block;
  const std::uint64_t begin = r.address + (other ? std::uint64_t(r.block->rank + 1) << kRankShift : 0);
  for (std::uint64_t at = 0; at < r.bytes; at += 512) {
    std::uint64_t address[32];
    std::uint32_t mask = 0;
    for (unsigned k = 0; k < 32 && at + 16 * k < r.bytes; ++k)
      address[k] = begin + at + 16 * k, mask |= 1u << k;
    const unsigned each = r.bytes < 16 ? unsigned(r.bytes) : 16;
    count_access(*o.warp, *o.inst, r.block ? kShared : kGlobal, address, mask, each, write);
  }
}

// The bytes of st.async and red.async come from registers.
std::uint32_t take_values(const Origin& o, const BulkForm& form, Operation* operation) {
  for (unsigned k = 0; k < form.values; ++k) {
    const char* lane = o.warp->at<char>(o.inst->op[5 + k]) + o.lane * form.element;
    std::memcpy(operation->value + k * form.element, lane, form.element);
  }
  return std::uint32_t(form.values) * form.element;
}

void issue(Warp& w, const Origin& origin, const BulkForm& form, Operation operation) {
  if (w.worker->tally) {
    if (operation.from.host) count_bulk(origin, operation.from, false);
    count_bulk(origin, operation.to, true);
  }
  if (form.values && w.block->cluster->blocks.size() == 1)
    origin.fault(kUndefined, "an asynchronous store needs another block, and this is a cluster of one block");
  if (form.remote && operation.to.block == w.block)
    origin.fault(kUndefined, "the destination must be in the shared memory of another block of the cluster");
  if (operation.barrier.host && operation.barrier.block != operation.to.block)
    origin.fault(kUndefined, "the mbarrier must be in the shared memory of the block that the bytes go to");
  if (w.worker->checker) {
    operation.reader = w.worker->checker->issue_bulk(w, origin.lane);
    operation.writer = w.worker->checker->issue_bulk(w, origin.lane);
  }
  w.block->async->issue(std::move(operation));
}

void bulk(Warp& w, const Inst& in) {
  const BulkForm form = BulkForm::of(in.imm);
  for (std::uint32_t m = w.mask; m; m &= m - 1) {
    const Origin origin{&w, &in, unsigned(__builtin_ctz(m))};
    Operation operation;
    operation.origin = origin;
    std::uint32_t bytes = 0;
    unsigned align = 16;
    if (form.values) {
      bytes = take_values(origin, form, &operation);
      align = bytes;
    } else {
      bytes = operand<std::uint32_t>(origin, in.op[2]);
      if (bytes % 16 != 0)
        origin.fault(kUndefined, format("a bulk operation of %u bytes, which is no multiple of 16", bytes));
      operation.from = locate_operand(origin, in.op[1], form.from_space, bytes, 16, false);
      if (form.prefetch) continue;  // a hint
    }
    operation.to = locate_operand(origin, in.op[0], form.to_space, bytes, align, true);
    if (form.masked) operation.byte_mask = operand<std::uint16_t>(origin, in.op[4]);
    if (form.reduction) operation.reduction = find_reduction(form.reduction - 1);
    if (in.op[3] != kNone)
      operation.barrier = locate_operand(origin, in.op[3], form.barrier_space, 8, 8, true);
    if (!form.multicast) {
      issue(w, origin, form, operation);
      continue;
    }
    const std::uint32_t blocks = operand<std::uint16_t>(origin, in.op[4]);
    for (std::uint32_t b = blocks; b; b &= b - 1) {
      Operation one = operation;
      one.to = of_rank(origin, unsigned(__builtin_ctz(b)), operation.to);
      one.barrier = of_rank(origin, unsigned(__builtin_ctz(b)), operation.barrier);
      issue(w, origin, form, one);
    }
  }
}

void commit_group(Warp& w, const Inst& in) {
  if (!WaitForm::of(in.imm).bulk) return w.block->lane_copies->commit(w, w.mask);
  for (std::uint32_t m = w.mask; m; m &= m - 1) w.block->async->commit({&w, &in, unsigned(__builtin_ctz(m))});
}

void wait_group(Warp& w, const Inst& in) {
  const WaitForm form = WaitForm::of(in.imm);
  if (!form.bulk) {
    if (form.commit_first) w.block->lane_copies->commit(w, w.mask);
    return w.block->lane_copies->wait(w, w.mask, form.but);
  }
  for (std::uint32_t m = w.mask; m; m &= m - 1)
    w.block->async->wait({&w, &in, unsigned(__builtin_ctz(m))}, form.but, form.read_only);
}

// The checker hears of the lane's stores, 8 bytes each.
void zeros(const Origin& o, const Range& to) {
  std::uint64_t address[32] = {}, host[32] = {};
  for (std::uint64_t at = 0; at < to.bytes; at += 8) {
    address[o.lane] = to.address + at;
    host[o.lane] = reinterpret_cast<std::uintptr_t>(to.host) + at;
    o.warp->worker->checker->access(*o.warp, *o.inst, kShared, address, 1u << o.lane, 8, true, host);
  }
}

void store_zeros(Warp& w, const Inst& in) {
  for (std::uint32_t m = w.mask; m; m &= m - 1) {
    const Origin origin{&w, &in, unsigned(__builtin_ctz(m))};
    const std::uint64_t bytes = operand<std::uint64_t>(origin, in.op[1]);
    if (bytes % 8 != 0 || bytes > (1u << 24))
      origin.fault(kUndefined, format("st.bulk of %llu bytes: a multiple of 8, at most 2^24",
                                      static_cast<unsigned long long>(bytes)));
    const Range to = locate_operand(origin, in.op[0], unsigned(in.imm), bytes, 8, true);
    if (!to.block)
      origin.fault(int(Status::InvalidAddressSpace), "st.bulk writes shared memory only, not " + to.text());
    if (w.worker->tally) count_bulk(origin, to, true);
    if (w.worker->checker) zeros(origin, to);
    std::memset(to.host, 0, bytes);
  }
}

}  // namespace

Handler copy_handler() { return &copy; }
Handler bulk_handler() { return &bulk; }
Handler commit_group_handler() { return &commit_group; }
Handler wait_group_handler() { return &wait_group; }
Handler store_zeros_handler() { return &store_zeros; }

}  // namespace ptxvm::exec
