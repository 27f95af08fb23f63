// How much is checked: PTXVM_CHECK.
#pragma once

namespace ptxvm::check {

enum class Level {
  Off,   // nothing that the machine does not need to go on
  Fast,  // every access lies in memory that is there, aligned (the default)
  Full,  // also: races, scopes, proxies, reads of what nobody wrote
};

// What PTXVM_CHECK says, read once.
Level level();

}  // namespace ptxvm::check
