// Reading numbers out of untrusted bytes.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "support/error.hpp"

namespace ptxvm::image {

[[noreturn]] inline void fail(const std::string& what) { throw Error(Status::InvalidKernelImage, what); }

template <typename T>
T load(std::string_view bytes, std::uint64_t at) {
  if (at > bytes.size() || bytes.size() - at < sizeof(T)) fail("image ends too early");
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

inline std::string_view slice(std::string_view bytes, std::uint64_t at, std::uint64_t size) {
  if (at > bytes.size() || bytes.size() - at < size) fail("image ends too early");
  return bytes.substr(at, size);
}

}  // namespace ptxvm::image
