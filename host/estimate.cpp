#include "estimate.hpp"

#include <algorithm>

#include "kernels/resident/tiles.hpp"

namespace recur {
namespace {

// docs/performance-model.md, "The figures": of the architecture's device there.
struct Figures {
  int capability;       // from this one on
  double clock;         // cycles a microsecond
  double half_flops;    // dense fp16 or bf16, of matrix instructions, a cycle and multiprocessor
  double float_flops;   // fp32 without them
  double l2_bytes;      // the device, a microsecond
  double launch;        // one more in a stream, microseconds
  double shared_cycles, l2_cycles;  // latencies
};
constexpr Figures kFigures[] = {
    {75, 1590, 1024, 128, 1.27e6, 1.16, 19, 188},  // T4
    {80, 1410, 2048, 128, 4.96e6, 1.5, 29, 282},   // A100
    {86, 2520, 512, 256, 4.1e6, 1.03, 30, 273},    // RTX 4090
    {90, 1980, 2540, 256, 5.5e6, 2.1, 29, 336},    // H100; sm_100 too, for want of figures
    {120, 2407, 512, 256, 5.2e6, 1.03, 30, 273},   // RTX 5090
};

const Figures& figures_of(const DeviceInfo& device) {
  const Figures* found = kFigures;
  for (const Figures& f : kFigures)
    if (device.capability >= f.capability) found = &f;
  return *found;
}

constexpr double kSpecialLanes = 16;     // a cycle and multiprocessor
constexpr double kSharedBytes = 128;     // the same
constexpr double kL2BytesEach = 64;      // to one multiprocessor, a cycle
constexpr double kMatrixLatency = 33;    // cycles from one matrix instruction to the next that adds to its result

double as_double(int64_t v) { return static_cast<double>(v); }

// Instructions of the special function unit for a unit of a row: an exponential and a reciprocal for each sigmoid and tanh.
double special_functions(const Geometry& g) { return 2.0 * as_double(g.G) + (g.state ? 2 : 0); }

}  // namespace

int streamed_launches(const Geometry& g) { return 2 + (g.before ? 2 : 0) + (g.P > 0 ? (g.masked ? 2 : 1) : 0); }

double streamed_step_microseconds(const Geometry& g, const DeviceInfo& device) {
  const Figures& f = figures_of(device);
  const double rows = as_double(g.N), gates = as_double(g.G * g.H), all = device.multiprocessors * f.clock;
  const bool half = g.element == 2;
  const double flops = 2 * rows * gates * as_double(g.R);
  const double weights = gates * as_double(g.R) * static_cast<double>(g.element);
  const double product = std::max(flops / (all * (half ? f.half_flops : f.float_flops)), weights / f.l2_bytes);
  // The gates' sums are written by the product and read by the kernel; h, c and what is saved are written.
  const double elements = 4.0 * as_double(2 * g.G + 2) + as_double(g.S + 1) * static_cast<double>(g.element);
  const double kernel = rows * as_double(g.H) * elements / f.l2_bytes;
  return streamed_launches(g) * f.launch + product + kernel;
}

double block_step_microseconds(const Geometry& g, int64_t chunk, const DeviceInfo& device) {
  namespace resident = kernels::resident;
  const Figures& f = figures_of(device);
  const resident::BlockTile tile = resident::block_tile(static_cast<int>(g.G), g.H);
  const double warps = as_double(resident::block_warps(g.H)), gates = as_double(g.G);
  const double units = warps * resident::kUnits, fragments = warps * warps * gates;  // of 16 x 16
  const double matrix = fragments * 16 * 16 * resident::kRows * 2 / f.half_flops;
  const double chain = warps * kMatrixLatency;  // a gate's sum is one chain of dependent instructions
  const double in_shared = warps * std::max(0.0, warps - tile.kept) * gates * 512;
  const double operand = warps * units * resident::kRows * 2;  // every warp reads all of h
  const double shared = (in_shared + operand) / kSharedBytes;
  const double special = special_functions(g) * units * resident::kRows / kSpecialLanes;
  // The gates' sums come; y, what is saved and c go.
  const double bytes = as_double(4 * g.G + 2 * (1 + g.S) + (g.state ? 4 : 0)) * as_double(g.H);  // of a row
  const double memory = bytes * resident::kRows / kL2BytesEach;
  const double barrier = 21 + 2 * warps + 2 * f.shared_cycles;
  const double step = std::max({matrix, chain, shared, memory}) + special + barrier;
  // R comes once a launch; blocks beyond the multiprocessors' number wait for a turn.
  const double first = as_double(g.G * g.H * g.H) * 2 / kL2BytesEach + f.l2_cycles;
  const int64_t blocks = (g.N + resident::kRows - 1) / resident::kRows * g.D;
  const double turns = as_double((blocks + device.multiprocessors - 1) / device.multiprocessors);
  const double one = (step + first / as_double(chunk)) * turns / f.clock;
  return std::max(one, bytes * as_double(g.N * g.D) / f.l2_bytes) + f.launch / as_double(chunk);
}

}  // namespace recur
