// What a stream's queue holds.
#pragma once

#include <cuda_runtime_api.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "check/operations.hpp"
#include "exec/launch.hpp"
#include "memory/address_space.hpp"

namespace ptxvm::runtime {

struct Stream;
struct Executable;

// "When the first `count` operations of the stream are done."
struct Moment {
  std::shared_ptr<Stream> stream;
  std::uint64_t count = 0;
  check::History history{};  // what is done by then (PTXVM_CHECK=full)
  bool reached() const;
};

struct Launch {
  exec::Request request;
  exec::MachineLimits limits;
  const void* function = nullptr;  // as the program named it
};

// One side of a copy or a fill: layers of rows of bytes, of which a plain one has one each.
struct Box {
  memory::Address at;          // of the device or the host
  std::uint64_t pitch, layer;  // bytes from row to row, and from layer to layer
};
struct Extent {
  std::uint64_t width;  // bytes
  std::uint64_t rows = 1, layers = 1;
  bool empty() const { return width == 0 || rows == 0 || layers == 0; }
};
// Bytes from the first to behind the last; the largest number where there is none so large.
std::uint64_t span(const Box& box, const Extent& extent);

struct Copy {
  Box to, from;
  Extent extent;
  cudaMemcpyKind kind = cudaMemcpyDefault;  // checked before; kept for who asks a graph
};

struct Fill {
  Box to;
  Extent extent;
  std::uint32_t value;
  unsigned element = 1;  // bytes of the value: 1, 2 or 4; the width is a multiple
};

// The time at which an event was reached; shared with the event, which may be recorded anew meanwhile.
struct Stamp {
  std::atomic<std::chrono::steady_clock::time_point> time{};
};

struct HostFunction {
  cudaHostFn_t function;
  void* data;
};

struct Callback {
  cudaStreamCallback_t function;
  cudaStream_t stream;
  void* data;
};

struct Release {
  memory::Address base;
};

// Work of a library on top of the runtime; may throw Error.
using Task = std::function<void()>;

using Work = std::variant<std::monostate, Launch, Copy, Fill, std::shared_ptr<Stamp>, HostFunction, Callback,
                          Release, Task, std::shared_ptr<const Executable>>;

struct Operation {
  Work work;
  std::vector<Moment> waits;
  std::uint64_t sequence = 0;   // over all streams, in the order of submission
  std::uint64_t number = 0;     // in its stream, from 1
  check::History before{};      // what is done when it begins (PTXVM_CHECK=full)
  std::optional<int> priority;  // of its own; else the stream's
};

// Does the work on the calling thread. Throws Error.
void execute(const Work& work);

// "launch of k", for messages.
std::string name_of(const Work& work);

}  // namespace ptxvm::runtime
