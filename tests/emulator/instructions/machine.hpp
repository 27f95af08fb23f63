// Device memory and hand-written kernels, straight on the machine.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "exec/launch.hpp"
#include "memory/address_space.hpp"

namespace instruction_test {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using s8 = std::int8_t;
using s16 = std::int16_t;
using s32 = std::int32_t;
using s64 = std::int64_t;

template <class To, class From>
To bits(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

class Buffer {
 public:
  explicit Buffer(std::size_t bytes);
  template <class T>
  explicit Buffer(const std::vector<T>& values) : Buffer(values.size() * sizeof(T)) {
    std::memcpy(host(), values.data(), values.size() * sizeof(T));
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer();
  u64 address() const { return allocation_.base; }
  void* host() const;
  template <class T>
  std::vector<T> read(std::size_t count) const {
    std::vector<T> values(count);
    std::memcpy(static_cast<void*>(values.data()), host(), count * sizeof(T));
    return values;
  }

 private:
  ptxvm::memory::Allocation allocation_;
};

// Version and target, before what the text says.
std::string module_text(const std::string& text);

// An entry "k" with 64-bit parameters p0, p1...; body knows %i (the thread's number in the grid, u32), %j
// (the same, u64) and %q0, %q1... (the parameters).
std::string kernel_text(unsigned parameters, const std::string& body, const std::string& before = "");

struct Shape {
  ptxvm::exec::Dim3 grid, block;
  u32 dynamic_shared = 0;
  ptxvm::exec::Dim3 cluster = {};
  bool explicit_cluster = false;
};

// Loads the text and runs its entry "k", whose parameters take one word for each 8 bytes or less. Throws
// ptxvm::Error.
void run(const std::string& text, const Shape& shape, const std::vector<u64>& parameters);

// The message and status of the error that run() throws; empty where it does not.
struct Fault {
  std::string message;
  int status = 0;
};
Fault fault_of(const std::string& text, const Shape& shape, const std::vector<u64>& parameters);

// One value a thread: "st.global.b32 [%out], %d;" with %d a .b32 register that the body sets.
std::vector<u32> values(const std::string& body, const Shape& shape, const std::string& before = "",
                        const std::vector<u64>& more = {});

}  // namespace instruction_test
