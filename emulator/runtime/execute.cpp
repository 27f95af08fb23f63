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

template <class Row>
void each_row(const Extent& extent, Row&& row) {
  for (std::uint64_t layer = 0; layer < extent.layers; layer++)
    for (std::uint64_t r = 0; r < extent.rows; r++) row(layer, r);
}

// Every row of a box, for the checks between streams.
void told(const Box& box, const Extent& extent, bool written) {
  if (check::level() != check::Level::Full) return;
  check::Operations& operations = check::Operations::instance();
  each_row(extent, [&](std::uint64_t layer, std::uint64_t row) {
    const memory::Address at = box.at + layer * box.layer + row * box.pitch;
    if (written)
      operations.range_written(at, extent.width);
    else
      operations.range_read(at, extent.width);
  });
}

struct Executor {
  void operator()(std::monostate) const {}
  void operator()(const Launch& launch) const { exec::run(launch.request, launch.limits); }
  void operator()(const Copy& c) const {
    unsigned char* to = bytes_at(c.to.at, span(c.to, c.extent), "the copy's destination");
    const unsigned char* from = bytes_at(c.from.at, span(c.from, c.extent), "the copy's source");
    told(c.from, c.extent, false);
    told(c.to, c.extent, true);
    each_row(c.extent, [&](std::uint64_t layer, std::uint64_t row) {
      std::memmove(to + layer * c.to.layer + row * c.to.pitch,
                   from + layer * c.from.layer + row * c.from.pitch, c.extent.width);
    });
  }
  void operator()(const Fill& f) const {
    unsigned char* to = bytes_at(f.to.at, span(f.to, f.extent), "memset's destination");
    told(f.to, f.extent, true);
    each_row(f.extent, [&](std::uint64_t layer, std::uint64_t row) {
      unsigned char* first = to + layer * f.to.layer + row * f.to.pitch;
      if (f.element == 1) {
        std::memset(first, static_cast<int>(f.value), f.extent.width);
      } else {
        for (std::uint64_t i = 0; i < f.extent.width; i += f.element)
          std::memcpy(first + i, &f.value, f.element);
      }
    });
  }
  void operator()(const std::shared_ptr<Stamp>& stamp) const {
    stamp->time = std::chrono::steady_clock::now();
  }
  void operator()(const HostFunction& h) const { h.function(h.data); }
  void operator()(const Callback& c) const { c.function(c.stream, sticky_error(), c.data); }
  void operator()(const Release& r) const { end_release(r.base); }
  void operator()(const Task& task) const { task(); }
  void operator()(const std::shared_ptr<const Executable>& graph) const { graph->run(); }
};

}  // namespace

std::string name_of(const Work& work) {
  struct Name {
    std::string operator()(const Launch& l) const { return "launch of " + l.request.kernel; }
    std::string operator()(const Copy&) const { return "a copy"; }
    std::string operator()(const Fill&) const { return "a fill"; }
    std::string operator()(const Task&) const { return "a library call"; }
    std::string operator()(const std::shared_ptr<const Executable>&) const { return "a graph"; }
    std::string operator()(const std::monostate&) const { return "nothing"; }
    std::string operator()(const std::shared_ptr<Stamp>&) const { return "an event"; }
    std::string operator()(const HostFunction&) const { return "a host function"; }
    std::string operator()(const Callback&) const { return "a callback"; }
    std::string operator()(const Release&) const { return "a release"; }
  };
  return std::visit(Name{}, work);
}

std::uint64_t span(const Box& box, const Extent& extent) {
  std::uint64_t layers = 0, rows = 0, all = 0;
  if (__builtin_mul_overflow(extent.layers - 1, box.layer, &layers) ||
      __builtin_mul_overflow(extent.rows - 1, box.pitch, &rows) ||
      __builtin_add_overflow(layers, rows, &all) || __builtin_add_overflow(all, extent.width, &all))
    return ~std::uint64_t{0};
  return all;
}

void execute(const Work& work) {
  // A broken device does nothing more; what the program waits for, or is told of, still happens.
  const bool still_done = std::holds_alternative<std::shared_ptr<Stamp>>(work) ||
                          std::holds_alternative<Callback>(work) || std::holds_alternative<Release>(work);
  if (sticky_error() != cudaSuccess && !still_done) return;
  std::visit(Executor{}, work);
}

}  // namespace ptxvm::runtime
