// When asynchronous operations happen: late for seed 1, at once for seed 2, drawn for others.
#pragma once

#include <cstdlib>
#include <string>

namespace instruction_test {

class WithSeed {
 public:
  explicit WithSeed(int seed) {
    if (const char* old = std::getenv("PTXVM_SEED")) before_ = old;
    setenv("PTXVM_SEED", std::to_string(seed).c_str(), 1);
  }
  WithSeed(const WithSeed&) = delete;
  WithSeed& operator=(const WithSeed&) = delete;
  ~WithSeed() {
    if (before_.empty())
      unsetenv("PTXVM_SEED");
    else
      setenv("PTXVM_SEED", before_.c_str(), 1);
  }

 private:
  std::string before_;
};

// At this level a program that misses a wait is at fault, whatever its seed.
inline bool checks_races() {
  const char* const level = std::getenv("PTXVM_CHECK");
  return level && std::string(level) == "full";
}

}  // namespace instruction_test
