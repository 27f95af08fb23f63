// How far a block has come through its phases, for the model of time; only where memory is counted.
#pragma once

#include <cstdint>

#include "model/time.hpp"

namespace ptxvm::exec {

struct Warp;
struct Inst;

struct Progress {
  model::Phase phase;
  model::Chain chain;
  std::uint64_t cluster_phase = 0;  // of the cluster's barrier, the last that it was seen to pass
  // The load of a flag that ran last, and the phase behind it: while the same warp asks again and nothing else
  // happens in between, what it does is waiting, which takes as long on a device as it takes, however often it asks.
  struct {
    const Warp* warp = nullptr;
    const Inst* at = nullptr;
    std::uint64_t address = 0;
    model::Phase phase;
  } poll;
};

}  // namespace ptxvm::exec
