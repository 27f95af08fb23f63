// recur-bench: layers by named shapes or one of one's own, counted under the emulator or timed on a GPU.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "kernel_table.hpp"
#include "measure.hpp"
#include "options.hpp"
#include "plot.hpp"
#include "recur/recur.hpp"

namespace recur::bench {
namespace {

// One line of a terminal, written over; nothing where stderr is none.
class Progress {
 public:
  explicit Progress(size_t total) : total_(total), shown_(isatty(STDERR_FILENO) != 0) {}
  ~Progress() {
    if (shown_) fmt::print(stderr, "\r\033[K");
  }
  void next(const std::string& what) {
    ++done_;
    if (shown_) fmt::print(stderr, "\r\033[K[{}/{}] {}", done_, total_, what);
  }

 private:
  size_t total_, done_ = 0;
  bool shown_;
};

Results run(const Options& options) {
  Results results;
  results.device = device_name();
  results.emulated = kEmulated;
  size_t total = options.kernels ? kernel_work_count() : 0;
  for (const Shape& shape : options.shapes) total += shape.passes.size();
  Progress progress(total);
  for (const Shape& shape : options.shapes) {
    for (const Pass pass : shape.passes) {
      LayerRow row;
      row.shape = shape;
      row.pass = pass;
      progress.next(shape.set + ": " + describe(shape.layer) + ", " + name_of(pass));
      try {
        measure(row);
      } catch (const Error& error) {
        // A shape of one's own that cannot be is a mistake; of many, one that the library refuses is a row
        // that says so.
        if (options.shapes.size() == 1) throw UsageError(error.what());
        row.refused = error.what();
      }
      results.layers.push_back(row);
    }
  }
  for (size_t k = 0; options.kernels && k < kernel_work_count(); ++k) {
    progress.next(fmt::format("kernels: {}", k + 1));
    for (KernelRow& row : measure_kernels(k)) results.kernels.push_back(std::move(row));
  }
  return results;
}

int main(int argc, char** argv) {
  const Options options = parse_options(argc, argv);
  if (options.help) {
    fmt::print("{}", options.help_text);
    return 0;
  }
  if (options.plot) {
    plot(options.plot_from, options.plot_to);
    fmt::print("{}\n", options.plot_to);
    return 0;
  }
#ifndef NDEBUG
  throw UsageError(
      "this is a debug build, and its figures would mean nothing; configure with -DCMAKE_BUILD_TYPE=Release");
#endif
  std::ofstream json;
  if (!options.json.empty()) {
    json.open(options.json);  // before minutes of work
    if (!json) throw UsageError("--json: '" + options.json + "' cannot be written");
  }
  const Results results = run(options);
  fmt::print("{}", as_markdown(results));
  if (json.is_open() && !(json << as_json(results).dump(2) << '\n').flush())
    throw std::runtime_error("--json: '" + options.json + "' could not be written to its end");
  return 0;
}

}  // namespace
}  // namespace recur::bench

int main(int argc, char** argv) {
  try {
    return recur::bench::main(argc, argv);
  } catch (const recur::bench::UsageError& error) {
    fmt::print(stderr, "recur-bench: {}\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "recur-bench: {}\n", error.what());
    return 1;
  }
}
