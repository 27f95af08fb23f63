// What recur-bench is asked on its command line.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "shapes.hpp"

namespace recur::bench {

// A command line that asks for nothing that can be done: one sentence.
class UsageError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Options {
  bool help = false;
  std::string help_text;

  std::vector<Shape> shapes;  // with the types and passes asked for
  bool kernels = false;       // the table of that name too
  std::string json;           // a file, or empty

  bool plot = false;  // draw plot_from, and do nothing else
  std::string plot_from, plot_to;
};

// Throws UsageError.
Options parse_options(int argc, const char* const* argv);

}  // namespace recur::bench
