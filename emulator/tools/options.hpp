// ptxvm-mutate's command line.
#pragma once

#include <regex>
#include <string>
#include <vector>

namespace ptxvm::tools {

struct Options {
  std::regex kernel{""};     // searched for in a function's name, as the compiler and as the programmer wrote it
  int seeds = 1;             // each mutation runs under the seeds 1 to this, until one catches it
  int jobs = 1;
  double timeout = 0;        // seconds a run may take; 0: ten times what the unchanged run took, and 10 more
  std::string check = "full";  // PTXVM_CHECK of every run
  bool list_only = false, help = false;
  std::vector<std::string> command;
};

extern const char* const usage;

// Throws std::invalid_argument.
Options read_options(int argc, char** argv);

}  // namespace ptxvm::tools
