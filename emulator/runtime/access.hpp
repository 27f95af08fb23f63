// Which memory a pointer of the program means.
#pragma once

#include <cstdint>

#include "memory/address_space.hpp"

namespace ptxvm::runtime {

enum class Place { Device, Pinned, Pageable };

// Where the whole range lies. Throws Error (InvalidValue, naming `what`) where a part of it is memory of the
// device that nobody owns, where it leaves its allocation, and for null.
Place place_of(const void* pointer, std::uint64_t bytes, const char* what);

// The host's view of a range that place_of has accepted before. Throws Error (IllegalAddress) where it has
// been freed meanwhile.
unsigned char* bytes_at(memory::Address address, std::uint64_t bytes, const char* what);

inline memory::Address address_of(const void* pointer) { return reinterpret_cast<memory::Address>(pointer); }

}  // namespace ptxvm::runtime
