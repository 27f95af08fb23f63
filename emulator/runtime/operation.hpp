// What a stream's queue holds.
#pragma once

#include <cuda_runtime_api.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <variant>
#include <vector>

#include "check/operations.hpp"
#include "exec/launch.hpp"
#include "memory/address_space.hpp"

namespace ptxvm::runtime {

struct Stream;
struct Graph;

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
};

// Rectangles of bytes; a plain copy or fill has one row. Addresses of the device or the host.
struct Copy {
  memory::Address to, from;
  std::uint64_t to_pitch, from_pitch, width, rows;
};

struct Fill {
  memory::Address to;
  std::uint64_t pitch, width, rows;
  unsigned char value;
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
                          Release, Task, std::shared_ptr<const Graph>>;

struct Operation {
  Work work;
  std::vector<Moment> waits;
  std::uint64_t sequence = 0;  // over all streams, in the order of submission
  std::uint64_t number = 0;    // in its stream, from 1
  check::History before{};     // what is done when it begins (PTXVM_CHECK=full)
};

// Does the work on the calling thread. Throws Error.
void execute(const Work& work);

// "launch of k", for messages.
std::string name_of(const Work& work);

}  // namespace ptxvm::runtime
