// Allocations of the program: what the allocating entry points share.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>

#include "memory/address_space.hpp"

namespace ptxvm::runtime {

// The address space, with the profile's capacity. Throws Error where there is no such profile.
memory::AddressSpace& device_space();

// Throws Error where size is beyond what is left. Null for no bytes.
void* allocate(std::size_t size, memory::Kind kind);

// Frees at once; the device must have come to rest. Throws Error for what is no live allocation.
void free_now(void* pointer, memory::Kind kind);

// Marks an allocation whose release is queued, so that a second one is refused at once.
void begin_release(void* pointer);
void end_release(memory::Address base);

// Frees everything, as a device reset does.
void free_all();

// Lists what is live when the program ends, where PTXVM_LEAKS=1.
void watch_leaks();

}  // namespace ptxvm::runtime
