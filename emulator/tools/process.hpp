// Running a command with other variables in its environment, its output gathered, under a limit of time.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace ptxvm::tools {

struct Ending {
  bool timed_out = false;
  int exit_code = 0;   // where it exited
  int signal = 0;      // where a signal ended it
  std::string output;  // the first 64 KiB of both streams
  bool good() const { return !timed_out && exit_code == 0 && signal == 0; }
};

// An empty value: the variable is unset. Throws std::runtime_error where no process can be started.
Ending run(const std::vector<std::string>& command, const std::vector<std::pair<std::string, std::string>>& environment,
           double seconds);

}  // namespace ptxvm::tools
