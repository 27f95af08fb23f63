// Checks of one argument each: they throw a Failure whose text names the argument, its value and the limit.
#pragma once

#include <cstddef>
#include <cstdint>

namespace recur {

void require_not_null(const char* name, const void* pointer);
void require_range(const char* name, int64_t value, int64_t low, int64_t high);
// One of an enumeration's values, which begin at 1; one beyond the last may be of a later version: RECUR_NOT_SUPPORTED.
void require_known(const char* name, int64_t value, int64_t last);
// A finite number with low <= value <= high.
void require_number(const char* name, double value, double low, double high);
// A finite number with low <= value < limit.
void require_below(const char* name, double value, double low, double limit);
// The product of two sizes that are not negative is at most 2^60 elements, so that no byte count overflows.
void require_elements(const char* name, int64_t a, int64_t b);

// Not null, device (or managed) memory, a multiple of alignment.
void require_device(const char* name, const void* pointer, size_t alignment = 4);
// The same, or null.
void optional_device(const char* name, const void* pointer, size_t alignment = 4);
// Device memory of at least so many bytes, aligned to 256 as device allocations are (cuBLASLt asks it of its
// workspace); anything if none are needed.
void require_workspace(const char* name, const void* pointer, size_t size, size_t needed);

}  // namespace recur
