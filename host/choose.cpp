#include "choose.hpp"

#include <cstdio>

namespace recur {

recur_layer_choice choose(const recur_layer_descriptor& d) {
  recur_layer_choice choice = {};
  choice.residency = RECUR_RESIDENCY_STREAMED;
  choice.launches_per_step = 2;
  choice.vector_width = d.hidden_size % 4 == 0 ? 4 : 1;
  std::snprintf(choice.reason, sizeof choice.reason,
                "streamed: fp32 weights are read from memory in each step; gates %s",
                choice.vector_width == 4 ? "in 16-byte accesses" : "one unit a thread, since H is no multiple of 4");
  return choice;
}

}  // namespace recur
