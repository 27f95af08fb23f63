#include <cstring>

#include "check/level.hpp"
#include "check/operations.hpp"
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

// Every row of a rectangle, for the checks between streams.
void rows(memory::Address at, std::uint64_t pitch, std::uint64_t width, std::uint64_t count, bool written) {
  if (check::level() != check::Level::Full) return;
  check::Operations& operations = check::Operations::instance();
  for (std::uint64_t row = 0; row < count; row++) {
    if (written) operations.range_written(at + row * pitch, width);
    else operations.range_read(at + row * pitch, width);
  }
}

struct Executor {
  void operator()(std::monostate) const {}
  void operator()(const Launch& launch) const { exec::run(launch.request, launch.limits); }
  void operator()(const Copy& c) const {
    unsigned char* to = bytes_at(c.to, span(c.to_pitch, c.width, c.rows), "the copy's destination");
    const unsigned char* from = bytes_at(c.from, span(c.from_pitch, c.width, c.rows), "the copy's source");
    rows(c.from, c.from_pitch, c.width, c.rows, false);
    rows(c.to, c.to_pitch, c.width, c.rows, true);
    for (std::uint64_t row = 0; row < c.rows; row++)
      std::memmove(to + row * c.to_pitch, from + row * c.from_pitch, c.width);
  }
  void operator()(const Fill& f) const {
    unsigned char* to = bytes_at(f.to, span(f.pitch, f.width, f.rows), "memset's destination");
    rows(f.to, f.pitch, f.width, f.rows, true);
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

std::string name_of(const Work& work) {
  struct Name {
    std::string operator()(const Launch& l) const { return "launch of " + l.request.kernel; }
    std::string operator()(const Copy&) const { return "a copy"; }
    std::string operator()(const Fill&) const { return "a fill"; }
    std::string operator()(const Task&) const { return "a library call"; }
    std::string operator()(const std::shared_ptr<const Graph>&) const { return "a graph"; }
    std::string operator()(const std::monostate&) const { return "nothing"; }
    std::string operator()(const std::shared_ptr<Stamp>&) const { return "an event"; }
    std::string operator()(const HostFunction&) const { return "a host function"; }
    std::string operator()(const Callback&) const { return "a callback"; }
    std::string operator()(const Release&) const { return "a release"; }
  };
  return std::visit(Name{}, work);
}

void execute(const Work& work) {
  // A broken device does nothing more; what the program waits for, or is told of, still happens.
  const bool still_done = std::holds_alternative<std::shared_ptr<Stamp>>(work) ||
                          std::holds_alternative<Callback>(work) || std::holds_alternative<Release>(work);
  if (sticky_error() != cudaSuccess && !still_done) return;
  std::visit(Executor{}, work);
}

}  // namespace ptxvm::runtime
