// The buffers of one call: each checked (device memory, aligned to its elements), and no output overlaps another
// buffer unless it may be exactly that one.
#pragma once

#include <cstddef>
#include <vector>

namespace recur {

class Overlaps {
 public:
  void input(const char* name, const void* pointer, size_t bytes, size_t element = 4);
  void optional_input(const char* name, const void* pointer, size_t bytes, size_t element = 4);
  // may_be: the name of an input whose place it may take.
  void output(const char* name, const void* pointer, size_t bytes, const char* may_be = nullptr,
              size_t element = 4);
  void optional_output(const char* name, const void* pointer, size_t bytes, const char* may_be = nullptr,
                       size_t element = 4);
  // Written, but checked by require_workspace; bytes may be 0.
  void scratch(const char* name, const void* pointer, size_t bytes);
  void check() const;  // throws a Failure that names both

 private:
  struct Buffer {
    const char* name;
    const char* begin;
    size_t bytes;
    bool written;
    const char* may_be;
  };
  std::vector<Buffer> buffers_;
};

}  // namespace recur
