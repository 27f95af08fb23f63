// The slow path of memory access: one lane at a time, every byte accounted for, and the messages.
#include "check/launch.hpp"
#include "exec/cluster.hpp"
#include "exec/ops/space.hpp"
#include "exec/warp.hpp"
#include "memory/address_space.hpp"
#include "support/error.hpp"
#include "support/format.hpp"

namespace ptxvm::exec {
namespace {

constexpr std::uint64_t kWindow = memory::Windows::size;

const char* space_name(unsigned space) {
  switch (space) {
    case kShared: return "shared";
    case kSharedCluster: return "shared::cluster";
    case kLocal: return "local";
    case kParameter: return "param";
    case kConstantSpace: return "const";
    default: return "global";
  }
}

[[noreturn]] void miss(Warp& w, const Inst& in, unsigned lane, unsigned space, std::uint64_t address, unsigned bytes,
                       bool write, const std::string& why) {
  const char* what = in.aux & kAtomic ? "atomic operation on" : write ? "write to" : "read of";
  fault(w, in, lane, int(Status::IllegalAddress),
        format("out of bounds: %s %u bytes at %s address 0x%llx: %s", what, bytes, space_name(space),
               static_cast<unsigned long long>(address), why.c_str()));
}

// An address that mapa made: in the shared memory of a block of the cluster.
std::uint64_t resolve_in_cluster(Warp& w, const Inst& in, unsigned lane, std::uint64_t address,
                                 unsigned bytes, bool write) {
  const std::uint64_t window = address >> kRankShift, offset = address - (window << kRankShift);
  std::uint64_t size = 0;
  std::string why;
  const char* memory = cluster_shared(w, window, &size, &why);
  if (!memory) miss(w, in, lane, kSharedCluster, address, bytes, write, why);
  const Block& block = *w.block->cluster->blocks[std::size_t(window - 1)];
  const std::string whose =
      format("block (%u,%u,%u), rank %u of the cluster,", block.id[0], block.id[1], block.id[2], block.rank);
  if ((in.aux & kSpaceMask) == kShared && &block != w.block)
    miss(w, in, lane, kShared, address, bytes, write,
         whose + " owns it: only .shared::cluster and generic addresses reach other blocks");
  if (offset > size || size - offset < bytes)
    miss(w, in, lane, kSharedCluster, address, bytes, write,
         whose + format(" has %llu bytes of shared memory", static_cast<unsigned long long>(size)));
  return reinterpret_cast<std::uintptr_t>(memory) + offset;
}

std::uint64_t resolve_one(Warp& w, const Inst& in, unsigned lane, unsigned space, std::uint64_t address, unsigned bytes,
                          bool write) {
  const Image& image = *w.block->image;
  if (space == kGeneric) {
    if (address - image.shared_window < kWindow) space = kShared, address -= image.shared_window;
    else if (address - image.local_window < kWindow) space = kLocal, address -= image.local_window;
    else if (address - image.parameter_window < kWindow) space = kParameter, address -= image.parameter_window;
    else space = kGlobal;
  }
  if (space == kSharedCluster) space = kShared;
  if (address % bytes != 0)
    fault(w, in, lane, int(Status::MisalignedAddress),
          format("misaligned: %u-byte access to %s address 0x%llx", bytes, space_name(space),
                 static_cast<unsigned long long>(address)));
  switch (space) {
    case kShared: {
      const std::uint64_t window = address >> kRankShift;
      if (window != 0 && window < 256) return resolve_in_cluster(w, in, lane, address, bytes, write);
      const std::uint64_t size = w.block->shared_size;
      const bool system = w.block->system_shared && address >= w.block->system_shared &&
                          address - w.block->system_shared <= Block::system_shared_bytes - bytes;
      if (!system && (address > size || size - address < bytes))
        miss(w, in, lane, space, address, bytes, write,
             format("the block has %llu bytes of shared memory", static_cast<unsigned long long>(size)));
      return reinterpret_cast<std::uintptr_t>(w.block->shared_memory) + address;
    }
    case kLocal: {
      const std::uint64_t size = w.block->local_stride;
      if (address > size || size - address < bytes)
        miss(w, in, lane, space, address, bytes, write,
             format("the thread has %llu bytes of local memory", static_cast<unsigned long long>(size)));
      return reinterpret_cast<std::uintptr_t>(w.local_memory) + lane * size + address;
    }
    case kParameter: {
      const std::uint64_t size = image.parameter_bytes;
      if (write || address > size || size - address < bytes)
        miss(w, in, lane, space, address, bytes, write,
             format("the kernel has %llu bytes of parameters, which it may only read",
                    static_cast<unsigned long long>(size)));
      return reinterpret_cast<std::uintptr_t>(image.parameters) + address;
    }
    default: {
      AddressCache& cache = w.worker->cache[in.site];
      if (address < cache.low || address >= cache.high || cache.high - address < bytes || (write && cache.read_only)) {
        auto allocation = memory::AddressSpace::instance().find(address);
        if (!allocation || !allocation->contains(address, bytes))
          miss(w, in, lane, space, address, bytes, write, memory::describe(address, bytes));
        if (write && allocation->read_only)
          miss(w, in, lane, space, address, bytes, write, "constant memory cannot be written");
        // Device code may free its own memory at any time: nobody remembers where that lies.
        if (allocation->kind == memory::Kind::Heap) return address + std::uint64_t(allocation->delta);
        cache = {allocation->base, allocation->base + allocation->size, allocation->delta, allocation->read_only};
      }
      return address + std::uint64_t(cache.delta);
    }
  }
}

}  // namespace

void resolve_slowly(Warp& w, const Inst& in, unsigned space, const std::uint64_t* address, std::uint32_t mask,
                    unsigned bytes, bool write, std::uint64_t* host) {
  for (std::uint32_t m = mask; m; m &= m - 1) {
    const unsigned lane = unsigned(__builtin_ctz(m));
    host[lane] = resolve_one(w, in, lane, space, address[lane], bytes, write);
  }
}

void check_access(Warp& w, const Inst& in, unsigned space, const std::uint64_t* address, std::uint32_t mask,
                  unsigned bytes, bool write, const std::uint64_t* host) {
  w.worker->checker->access(w, in, space, address, mask, bytes, write, host);
}

void differing_values(Warp& w, const Inst& in, unsigned first, unsigned second) {
  fault(w, in, second, int(Status::LaunchFailure),
        format("race: lanes %u and %u of a warp write different values to one place by one instruction; "
               "which of them stays"
               " is not defined",
               first, second));
}

void not_global(Warp& w, const Inst& in, unsigned lane) {
  fault(w, in, lane, int(Status::IllegalAddress),
        "an atomic operation on a vector must be in global memory; the address is shared");
}

}  // namespace ptxvm::exec
