#include "support/settings.hpp"

#include <string>

#include "support/environment.hpp"

namespace ptxvm {

std::uint64_t seed() {
  static const std::uint64_t value = environment_number("PTXVM_SEED", 1);
  return value;
}

const Strict& strict() {
  static const Strict value = [] {
    const std::string words = "," + environment_word("PTXVM_STRICT", "") + ",";
    Strict s;
    s.tear = words.find(",tear,") != words.npos;
    s.split = words.find(",split,") != words.npos;
    return s;
  }();
  return value;
}

bool worst_approximations() {
  static const bool value = environment_word("PTXVM_APPROX", "exact") == "worst";
  return value;
}

}  // namespace ptxvm
