// The element types of safetensors files, and how those that are weights become float.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace recur {

// Of one element; 0: no type that the format knows.
int64_t element_bits(const std::string& type);

// Reads count little-endian elements. Returns "" or what speaks against it: no type of weights, or a number that float
// does not hold.
std::string read_floats(const std::string& type, const unsigned char* bytes, size_t count, std::vector<float>* values);

}  // namespace recur
