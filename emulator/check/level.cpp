#include "check/level.hpp"

#include <string>

#include "support/environment.hpp"

namespace ptxvm::check {

Level level() {
  static const Level chosen = [] {
    const std::string value = environment_word("PTXVM_CHECK", "fast");
    return value == "off" ? Level::Off : value == "full" ? Level::Full : Level::Fast;
  }();
  return chosen;
}

}  // namespace ptxvm::check
