// safetensors files: eight bytes, the header's length N (little-endian); N bytes, the header, a JSON object in UTF-8
// that gives each tensor's type, shape and place; then the data, row-major and little-endian, of which every byte
// belongs to just one tensor. The format's own rules (its README and reference reader), kept to the letter: what
// comes is not trusted.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tensor_set.hpp"

namespace recur {

// All throw a Failure that names the file and the tensor. origin stands for the file.
TensorSet parse_safetensors(const void* bytes, size_t size, const std::string& origin);
TensorSet read_safetensors(const std::string& path);

// Every tensor as F32, in the set's order.
std::string safetensors_header(const TensorSet& set);  // the eight bytes included
void write_safetensors(const TensorSet& set, const std::string& path);

}  // namespace recur
