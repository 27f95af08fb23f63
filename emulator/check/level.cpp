#include "check/level.hpp"

#include <cstdlib>
#include <string>

#include "support/error.hpp"

namespace ptxvm::check {

Level level() {
  static const Level chosen = [] {
    const char* const text = std::getenv("PTXVM_CHECK");
    const std::string value = text == nullptr ? "fast" : text;
    if (value == "off") return Level::Off;
    if (value == "fast") return Level::Fast;
    if (value == "full") return Level::Full;
    throw Error(Status::InvalidValue, "PTXVM_CHECK is '" + value + "', and must be off, fast or full");
  }();
  return chosen;
}

}  // namespace ptxvm::check
