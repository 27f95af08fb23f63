#include "choose.hpp"

#include <cstdio>

namespace recur {
namespace {

const char* stored_as(recur_type type) {
  switch (type) {
    case RECUR_TYPE_TFLOAT32: return "fp32 weights, rounded to TF32,";
    case RECUR_TYPE_FLOAT16: return "fp16 weights";
    case RECUR_TYPE_BFLOAT16: return "bf16 weights";
    default: return "fp32 weights";
  }
}

}  // namespace

recur_layer_choice choose(const recur_layer_descriptor&, const Geometry& g) {
  recur_layer_choice choice = {};
  choice.residency = RECUR_RESIDENCY_STREAMED;
  // A product and the gate kernel; the reset before takes a product and a kernel more, a projection its product,
  // and a kernel where rows can stand still.
  choice.launches_per_step = 2 + (g.before ? 2 : 0) + (g.P > 0 ? (g.masked ? 2 : 1) : 0);
  choice.vector_width = g.H % 4 == 0 ? 4 : 1;
  std::snprintf(choice.reason, sizeof choice.reason, "streamed: %s are read from memory in each step; gates %s",
                stored_as(g.type),
                choice.vector_width == 4 ? "four units a thread" : "one unit a thread, since H is no multiple of 4");
  return choice;
}

}  // namespace recur
