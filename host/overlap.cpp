#include "overlap.hpp"

#include <cstring>
#include <string>

#include "arguments.hpp"
#include "check.hpp"

namespace recur {

void Overlaps::input(const char* name, const void* pointer, size_t bytes, size_t element) {
  require_device(name, pointer, element);
  buffers_.push_back({name, static_cast<const char*>(pointer), bytes, false, nullptr});
}

void Overlaps::optional_input(const char* name, const void* pointer, size_t bytes, size_t element) {
  if (pointer != nullptr) input(name, pointer, bytes, element);
}

void Overlaps::output(const char* name, const void* pointer, size_t bytes, const char* may_be, size_t element) {
  require_device(name, pointer, element);
  buffers_.push_back({name, static_cast<const char*>(pointer), bytes, true, may_be});
}

void Overlaps::optional_output(const char* name, const void* pointer, size_t bytes, const char* may_be,
                               size_t element) {
  if (pointer != nullptr) output(name, pointer, bytes, may_be, element);
}

void Overlaps::scratch(const char* name, const void* pointer, size_t bytes) {
  if (bytes > 0) buffers_.push_back({name, static_cast<const char*>(pointer), bytes, true, nullptr});
}

void Overlaps::check() const {
  for (const Buffer& out : buffers_) {
    if (!out.written) continue;
    for (const Buffer& other : buffers_) {
      if (&other == &out) continue;
      const bool apart = out.begin + out.bytes <= other.begin || other.begin + other.bytes <= out.begin;
      if (apart) continue;
      const bool allowed = out.begin == other.begin && ((out.may_be && std::strcmp(out.may_be, other.name) == 0) ||
                                                        (other.may_be && std::strcmp(other.may_be, out.name) == 0));
      if (!allowed)
        throw Failure(RECUR_INVALID_ARGUMENT, std::string(out.name) + " overlaps " + other.name + ", must not");
    }
  }
}

}  // namespace recur
