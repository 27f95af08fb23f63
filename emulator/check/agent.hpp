// Asynchronous operations as the race checker sees them: agents of their own, beside the thread that issued
// them.
#pragma once

#include "check/clock.hpp"

namespace ptxvm::check {

struct Agent {
  Knowledge knowledge;  // what came before: all that the issuing thread knew and did
  std::uint32_t block = 0;
  std::uint32_t time = 0;  // 0: nobody checks
  std::uint8_t warp = 0, lane = 0;

  // What the agent's accesses are to those who learn that they are complete.
  Knowledge done() const {
    Knowledge k;
    k.seen.change().add_agents(block, warp, 1u << lane, time);
    return k;
  }
};

}  // namespace ptxvm::check
