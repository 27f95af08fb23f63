#include "choose.hpp"

#include <algorithm>
#include <cstdio>

#include "check.hpp"
#include "estimate.hpp"
#include "kernels/resident/launch.hpp"
#include "kernels/resident/tiles.hpp"

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

std::string named(const char* name, int64_t value, const char* limit_is, int64_t limit) {
  return std::string(name) + " is " + std::to_string(value) + ", " + limit_is + " " + std::to_string(limit);
}

}  // namespace

std::string block_obstacle(const recur_layer_descriptor& d, const Geometry& g, const DeviceInfo& device) {
  namespace resident = kernels::resident;
  if (d.cell != RECUR_CELL_LSTM && d.cell != RECUR_CELL_GRU) return "cell is neither LSTM nor reset-after GRU";
  if (d.type != RECUR_TYPE_FLOAT16 && d.type != RECUR_TYPE_BFLOAT16) return "type is neither fp16 nor bf16";
  if (d.projection_size != 0) return "projection_size is set";
  if (d.peepholes != 0) return "peepholes is set";
  if (d.cell_clip != 0) return "cell_clip is set";
  if (device.capability < 80)
    return "compute capability is " + std::to_string(device.capability / 10) + "." +
           std::to_string(device.capability % 10) + ", it needs at least 8.0";
  const resident::BlockTile tile = resident::block_tile(static_cast<int>(g.G), g.H);
  if (g.H > tile.warps * resident::kUnits)
    return named("hidden_size", g.H, "it holds at most", tile.warps * resident::kUnits);
  const int G = static_cast<int>(g.G), A = static_cast<int>(g.A), S = static_cast<int>(g.S);
  const int parts = std::max(resident::forward_parts(S, true, g.masked), resident::backward_parts(G, A));
  const size_t shared = resident::block_shared_bytes(G, g.H, tile.kept, parts);
  if (shared > device.shared_per_block)
    return named("hidden_size", g.H, "for which a block needs", static_cast<int64_t>(shared)) +
           " bytes of shared memory, and the device has " + std::to_string(device.shared_per_block);
  return "";
}

recur_layer_choice choose(const recur_layer_descriptor& d, const Geometry& g, int64_t chunk,
                          const DeviceInfo& device) {
  const std::string obstacle = block_obstacle(d, g, device);
  if (d.residency == RECUR_RESIDENCY_BLOCK && !obstacle.empty())
    throw Failure(RECUR_NOT_SUPPORTED, "residency is block, and cannot be: " + obstacle);
  recur_layer_choice choice = {};
  choice.streamed_microseconds = streamed_step_microseconds(g, device);
  const double block = obstacle.empty() ? block_step_microseconds(g, chunk, device) : 0;
  const bool forced = d.residency != RECUR_RESIDENCY_AUTOMATIC;
  if (d.residency == RECUR_RESIDENCY_BLOCK || (!forced && obstacle.empty() && block < choice.streamed_microseconds)) {
    choice.residency = RECUR_RESIDENCY_BLOCK;
    choice.launches_per_step = 0;
    choice.vector_width = g.H % 2 == 0 ? 2 : 1;
    choice.step_microseconds = block;
    std::snprintf(choice.reason, sizeof choice.reason,
                  "block%s: %s stay in one multiprocessor for each 8 rows; modelled %.2f us a step, streamed %.2f",
                  forced ? ", as forced" : "", stored_as(g.type), block, choice.streamed_microseconds);
    return choice;
  }
  choice.residency = RECUR_RESIDENCY_STREAMED;
  choice.launches_per_step = streamed_launches(g);
  choice.vector_width = g.H % 4 == 0 ? 4 : 1;
  choice.step_microseconds = choice.streamed_microseconds;
  char other[48];
  std::snprintf(other, sizeof other, "block is modelled slower, %.2f us a step", block);
  const std::string why = forced ? "as forced" : !obstacle.empty() ? "no block: " + obstacle : other;
  std::snprintf(choice.reason, sizeof choice.reason, "streamed: %s are read from memory in each step (%s); %s",
                stored_as(g.type),
                choice.vector_width == 4 ? "four units a thread" : "one unit a thread, since H is no multiple of 4",
                why.c_str());
  return choice;
}

}  // namespace recur
