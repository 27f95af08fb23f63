#include <cstring>

#include "runtime/access.hpp"
#include "runtime/device_memory.hpp"
#include "runtime/errors.hpp"
#include "runtime/graph.hpp"
#include "runtime/operation.hpp"

namespace ptxvm::runtime {
namespace {

std::uint64_t span(std::uint64_t pitch, std::uint64_t width, std::uint64_t rows) {
  return (rows - 1) * pitch + width;
}

struct Executor {
  void operator()(std::monostate) const {}
  void operator()(const Launch& launch) const { exec::run(launch.request, launch.limits); }
  void operator()(const Copy& c) const {
    unsigned char* to = bytes_at(c.to, span(c.to_pitch, c.width, c.rows), "the copy's destination");
    const unsigned char* from = bytes_at(c.from, span(c.from_pitch, c.width, c.rows), "the copy's source");
    for (std::uint64_t row = 0; row < c.rows; row++)
      std::memmove(to + row * c.to_pitch, from + row * c.from_pitch, c.width);
  }
  void operator()(const Fill& f) const {
    unsigned char* to = bytes_at(f.to, span(f.pitch, f.width, f.rows), "memset's destination");
    for (std::uint64_t row = 0; row < f.rows; row++) std::memset(to + row * f.pitch, f.value, f.width);
  }
  void operator()(const std::shared_ptr<Stamp>& stamp) const {
    stamp->time = std::chrono::steady_clock::now();
  }
  void operator()(const HostFunction& h) const { h.function(h.data); }
  void operator()(const Callback& c) const { c.function(c.stream, sticky_error(), c.data); }
  void operator()(const Release& r) const { end_release(r.base); }
  void operator()(const Task& task) const { task(); }
  void operator()(const std::shared_ptr<const Graph>& graph) const { graph->run(); }
};

}  // namespace

void execute(const Work& work) {
  // A broken device does nothing more; what the program waits for, or is told of, still happens.
  const bool still_done = std::holds_alternative<std::shared_ptr<Stamp>>(work) ||
                          std::holds_alternative<Callback>(work) || std::holds_alternative<Release>(work);
  if (sticky_error() != cudaSuccess && !still_done) return;
  std::visit(Executor{}, work);
}

}  // namespace ptxvm::runtime
