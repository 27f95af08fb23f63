#include "exec/range.hpp"

#include "exec/cluster.hpp"

#include "memory/address_space.hpp"
#include "support/error.hpp"
#include "support/format.hpp"

namespace ptxvm::exec {
namespace {

using Wide = unsigned long long;

// The shared memory of the thread's block, or of the block of its cluster that the address names.
Range in_shared(const Origin& origin, bool far, std::uint64_t address, std::uint64_t bytes, bool write) {
  Block* owner = origin.warp->block;
  std::uint64_t size = owner->shared_size;
  if (const std::uint64_t window = address >> kRankShift) {
    std::string why;
    if (!cluster_shared(*origin.warp, window, &size, &why))
      origin.fault(int(Status::IllegalAddress), format("out of bounds: %s %llu bytes at shared address 0x%llx: %s",
                                                       write ? "write to" : "read of", Wide(bytes), Wide(address), why.c_str()));
    owner = owner->cluster->blocks[std::size_t(window - 1)].get();
    address -= window << kRankShift;
    if (!far && owner != origin.warp->block)
      origin.fault(int(Status::IllegalAddress),
                   format("shared address 0x%llx is in block (%u,%u,%u): only .shared::cluster and generic addresses "
                          "reach other blocks",
                          Wide(window << kRankShift | address), owner->id[0], owner->id[1], owner->id[2]));
  }
  Block& block = *owner;
  if (address > size || size - address < bytes)
    origin.fault(int(Status::IllegalAddress),
                 format("out of bounds: %s %llu bytes at shared address 0x%llx: the block has %llu bytes of "
                        "shared memory",
                        write ? "write to" : "read of", Wide(bytes), Wide(address), Wide(size)));
  return {block.shared_memory + address, &block, address, bytes};
}

Range in_global(const Origin& origin, std::uint64_t address, std::uint64_t bytes, bool write) {
  AddressCache& cache = origin.warp->worker->cache[origin.inst->site];
  if (address < cache.low || address >= cache.high || cache.high - address < bytes ||
      (write && cache.read_only)) {
    auto allocation = memory::AddressSpace::instance().find(address);
    const bool whole = allocation && allocation->contains(address, bytes);
    if (!whole || (write && allocation->read_only))
      origin.fault(
          int(Status::IllegalAddress),
          format("out of bounds: %s %llu bytes at global address 0x%llx: %s", write ? "write to" : "read of",
                 Wide(bytes), Wide(address),
                 whole ? "constant memory cannot be written" : memory::describe(address, bytes).c_str()));
    cache = {allocation->base, allocation->base + allocation->size, allocation->delta, allocation->read_only};
  }
  return {reinterpret_cast<char*>(address + std::uint64_t(cache.delta)), nullptr, address, bytes};
}

}  // namespace

std::string Range::text() const {
  return format("%s address 0x%llx", block ? "shared" : "global", Wide(address));
}

Range locate(const Origin& origin, unsigned space, std::uint64_t address, std::uint64_t bytes, unsigned align,
             bool write) {
  const Image& image = *origin.warp->block->image;
  const bool far = space != kShared;
  if (space == kGeneric) {
    constexpr std::uint64_t window = memory::Windows::size;
    if (address - image.shared_window < window)
      space = kShared, address -= image.shared_window;
    else if (address - image.local_window < window || address - image.parameter_window < window)
      origin.fault(int(Status::InvalidAddressSpace),
                   format("generic address 0x%llx is neither in shared nor in global memory", Wide(address)));
    else
      space = kGlobal;
  }
  if (address % align != 0)
    origin.fault(int(Status::MisalignedAddress),
                 format("misaligned: %s address 0x%llx must be a multiple of %u",
                        space == kGlobal ? "global" : "shared", Wide(address), align));
  return space == kGlobal ? in_global(origin, address, bytes, write)
                          : in_shared(origin, far, address, bytes, write);
}

Range locate_operand(const Origin& origin, Ref address, unsigned space, std::uint64_t bytes, unsigned align,
                     bool write) {
  return locate(origin, space, origin.warp->at<std::uint64_t>(address)[origin.lane], bytes, align, write);
}

Range of_rank(const Origin& origin, unsigned rank, const Range& range) {
  return locate(origin, kSharedCluster, std::uint64_t{rank + 1} << kRankShift | range.address, range.bytes, 1, true);
}

}  // namespace ptxvm::exec
