// Stream-ordered memory. The address is known at once; the release takes its turn in the stream. Pools only
// keep account: freed memory goes back at once, as with a release threshold of 0.
#include <cuda_runtime_api.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <unordered_map>

#include "runtime/access.hpp"
#include "runtime/device_memory.hpp"
#include "runtime/enqueue.hpp"

namespace ptxvm::runtime {
namespace {

struct Pool {
  std::uint64_t used = 0, high = 0, threshold = 0, max_size = 0;
  int reuse[3] = {1, 1, 1};
};

struct Pools {
  std::mutex mutex;
  Pool standard;
  Pool* current = &standard;
  std::map<Pool*, std::unique_ptr<Pool>> made;
  std::unordered_map<memory::Address, std::pair<Pool*, std::uint64_t>> owners;

  bool exists(Pool* pool) const { return pool == &standard || made.count(pool) != 0; }
};
Pools& pools() {
  static Pools* const only = new Pools;
  return *only;
}

Pool* pool_of(cudaMemPool_t handle) {
  Pool* pool = reinterpret_cast<Pool*>(handle);
  if (!pools().exists(pool)) refuse(cudaErrorInvalidValue, "there is no such memory pool");
  return pool;
}

bool is_device(const cudaMemLocation& location) {
  return location.type == cudaMemLocationTypeDevice && location.id == 0;
}

void refuse_elsewhere(const cudaMemLocation& location, cudaMemAllocationType type) {
  if (!is_device(location) || type != cudaMemAllocationTypePinned)
    refuse(cudaErrorNotSupported, "memory pools: only plain memory of device 0");
}

cudaMemPool_t handle_of(Pool* pool) { return reinterpret_cast<cudaMemPool_t>(pool); }

cudaError_t allocate_from(void** out, std::size_t size, cudaMemPool_t handle, cudaStream_t stream) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    *out = nullptr;
    refuse_capture(Scheduler::instance().find(stream), "cudaMallocAsync");
    const std::lock_guard lock(pools().mutex);
    Pool* pool = handle == nullptr ? pools().current : pool_of(handle);
    if (pool->max_size != 0 && pool->used + size > pool->max_size)
      refuse(cudaErrorMemoryAllocation, "the memory pool is at its largest");
    *out = allocate(size, memory::Kind::Device);
    if (*out == nullptr) return cudaSuccess;
    pools().owners[address_of(*out)] = {pool, size};
    pool->used += size;
    pool->high = std::max(pool->high, pool->used);
    return cudaSuccess;
  });
}

cudaError_t free_in(void* pointer, cudaStream_t stream) {
  return guarded([&] {
    if (pointer == nullptr) return cudaSuccess;
    refuse_capture(Scheduler::instance().find(stream), "cudaFreeAsync");
    begin_release(pointer);
    {
      const std::lock_guard lock(pools().mutex);
      const auto owner = pools().owners.find(address_of(pointer));
      if (owner != pools().owners.end()) {
        if (pools().exists(owner->second.first)) owner->second.first->used -= owner->second.second;
        pools().owners.erase(owner);
      }
    }
    enqueue(stream, Release{address_of(pointer)});
    return cudaSuccess;
  });
}

}  // namespace
}  // namespace ptxvm::runtime

using namespace ptxvm::runtime;

extern "C" {

cudaError_t cudaMallocAsync(void** out, std::size_t size, cudaStream_t stream) {
  return allocate_from(out, size, nullptr, legacy(stream));
}
cudaError_t cudaMallocAsync_ptsz(void** out, std::size_t size, cudaStream_t stream) {
  return allocate_from(out, size, nullptr, per_thread(stream));
}

cudaError_t cudaMallocFromPoolAsync(void** out, std::size_t size, cudaMemPool_t pool, cudaStream_t stream) {
  return allocate_from(out, size, pool, legacy(stream));
}
cudaError_t cudaMallocFromPoolAsync_ptsz(void** out, std::size_t size, cudaMemPool_t pool,
                                         cudaStream_t stream) {
  return allocate_from(out, size, pool, per_thread(stream));
}

cudaError_t cudaFreeAsync(void* pointer, cudaStream_t stream) { return free_in(pointer, legacy(stream)); }
cudaError_t cudaFreeAsync_ptsz(void* pointer, cudaStream_t stream) {
  return free_in(pointer, per_thread(stream));
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* out, int device) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    if (device != 0) return cudaErrorInvalidDevice;
    *out = handle_of(&pools().standard);
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetMemPool(cudaMemPool_t* out, int device) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    if (device != 0) return cudaErrorInvalidDevice;
    const std::lock_guard lock(pools().mutex);
    *out = handle_of(pools().current);
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceSetMemPool(int device, cudaMemPool_t pool) {
  return guarded([&] {
    if (device != 0) return cudaErrorInvalidDevice;
    const std::lock_guard lock(pools().mutex);
    pools().current = pool_of(pool);
    return cudaSuccess;
  });
}

cudaError_t cudaMemPoolCreate(cudaMemPool_t* out, const cudaMemPoolProps* properties) {
  return guarded([&] {
    if (out == nullptr || properties == nullptr) return cudaErrorInvalidValue;
    if (properties->allocType != cudaMemAllocationTypePinned ||
        properties->handleTypes != cudaMemHandleTypeNone || !is_device(properties->location))
      refuse(cudaErrorNotSupported, "cudaMemPoolCreate: only memory of device 0 that is not shared");
    const std::lock_guard lock(pools().mutex);
    auto pool = std::make_unique<Pool>();
    pool->max_size = properties->maxSize;
    *out = handle_of(pool.get());
    Pool* key = pool.get();
    pools().made.emplace(key, std::move(pool));
    return cudaSuccess;
  });
}

cudaError_t cudaMemPoolDestroy(cudaMemPool_t handle) {
  return guarded([&] {
    const std::lock_guard lock(pools().mutex);
    Pool* pool = pool_of(handle);
    if (pool == &pools().standard) return cudaErrorInvalidValue;
    if (pools().current == pool) pools().current = &pools().standard;
    pools().made.erase(pool);
    return cudaSuccess;
  });
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t handle, cudaMemPoolAttr attribute, void* value) {
  return guarded([&] {
    if (value == nullptr) return cudaErrorInvalidValue;
    const std::lock_guard lock(pools().mutex);
    Pool* pool = pool_of(handle);
    switch (attribute) {
      case cudaMemPoolReuseFollowEventDependencies:
      case cudaMemPoolReuseAllowOpportunistic:
      case cudaMemPoolReuseAllowInternalDependencies:
        pool->reuse[attribute - 1] = *static_cast<int*>(value);
        break;
      case cudaMemPoolAttrReleaseThreshold:
        pool->threshold = *static_cast<std::uint64_t*>(value);
        break;
      case cudaMemPoolAttrReservedMemHigh:
      case cudaMemPoolAttrUsedMemHigh:
        if (*static_cast<std::uint64_t*>(value) != 0) return cudaErrorInvalidValue;
        pool->high = pool->used;
        break;
      default:
        return cudaErrorInvalidValue;
    }
    return cudaSuccess;
  });
}

cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t handle, cudaMemPoolAttr attribute, void* value) {
  return guarded([&] {
    if (value == nullptr) return cudaErrorInvalidValue;
    const std::lock_guard lock(pools().mutex);
    const Pool* pool = pool_of(handle);
    switch (attribute) {
      case cudaMemPoolReuseFollowEventDependencies:
      case cudaMemPoolReuseAllowOpportunistic:
      case cudaMemPoolReuseAllowInternalDependencies:
        *static_cast<int*>(value) = pool->reuse[attribute - 1];
        break;
      case cudaMemPoolAttrReleaseThreshold:
        *static_cast<std::uint64_t*>(value) = pool->threshold;
        break;
      case cudaMemPoolAttrReservedMemCurrent:
      case cudaMemPoolAttrUsedMemCurrent:
        *static_cast<std::uint64_t*>(value) = pool->used;
        break;
      case cudaMemPoolAttrReservedMemHigh:
      case cudaMemPoolAttrUsedMemHigh:
        *static_cast<std::uint64_t*>(value) = pool->high;
        break;
      default:
        return cudaErrorInvalidValue;
    }
    return cudaSuccess;
  });
}

// The one device has access to its own pools, always.
cudaError_t cudaMemPoolSetAccess(cudaMemPool_t handle, const cudaMemAccessDesc* list, std::size_t count) {
  return guarded([&] {
    if (list == nullptr && count > 0) return cudaErrorInvalidValue;
    const std::lock_guard lock(pools().mutex);
    pool_of(handle);
    for (std::size_t i = 0; i < count; i++) {
      if (!is_device(list[i].location)) return cudaErrorInvalidDevice;
      if (list[i].flags != cudaMemAccessFlagsProtReadWrite) return cudaErrorInvalidValue;
    }
    return cudaSuccess;
  });
}

cudaError_t cudaMemPoolGetAccess(cudaMemAccessFlags* out, cudaMemPool_t handle, cudaMemLocation* location) {
  return guarded([&] {
    if (out == nullptr || location == nullptr) return cudaErrorInvalidValue;
    const std::lock_guard lock(pools().mutex);
    pool_of(handle);
    if (!is_device(*location)) return cudaErrorInvalidDevice;
    *out = cudaMemAccessFlagsProtReadWrite;
    return cudaSuccess;
  });
}

cudaError_t cudaMemGetDefaultMemPool(cudaMemPool_t* out, cudaMemLocation* location,
                                     cudaMemAllocationType type) {
  return guarded([&] {
    if (location == nullptr) return cudaErrorInvalidValue;
    refuse_elsewhere(*location, type);
    return cudaDeviceGetDefaultMemPool(out, 0);
  });
}

cudaError_t cudaMemGetMemPool(cudaMemPool_t* out, cudaMemLocation* location, cudaMemAllocationType type) {
  return guarded([&] {
    if (location == nullptr) return cudaErrorInvalidValue;
    refuse_elsewhere(*location, type);
    return cudaDeviceGetMemPool(out, 0);
  });
}

cudaError_t cudaMemSetMemPool(cudaMemLocation* location, cudaMemAllocationType type, cudaMemPool_t pool) {
  return guarded([&] {
    if (location == nullptr) return cudaErrorInvalidValue;
    refuse_elsewhere(*location, type);
    return cudaDeviceSetMemPool(0, pool);
  });
}

// Nothing is ever held back.
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t handle, std::size_t) {
  return guarded([&] {
    const std::lock_guard lock(pools().mutex);
    pool_of(handle);
    return cudaSuccess;
  });
}

}  // extern "C"
