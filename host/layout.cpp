#include "layout.hpp"

#include <algorithm>

#include "fork.hpp"
#include "kernels/sequence/launch.hpp"
#include "layer_products.hpp"

namespace recur {
namespace {

constexpr size_t kFloat = sizeof(float);
constexpr int64_t kMostLanes = Fork::kSides + 1;
constexpr int64_t kChunkBytes = int64_t{64} << 20;  // that the pre-activations of one chunk may take

// Hands out pieces of a buffer, each a multiple of 256 bytes.
struct Cursor {
  size_t end = 0;
  size_t take(int64_t elements, size_t element_bytes) {
    const size_t at = end;
    end += (static_cast<size_t>(elements) * element_bytes + 255) / 256 * 256;
    return at;
  }
};

LayerLayout::Forward forward_layout(const Geometry& g, int64_t steps, int64_t chunk, bool training, bool step,
                                    size_t products, size_t* size) {
  const bool through_y = !training && !step;
  const int64_t rows = steps * g.N;
  LayerLayout::Forward f = {};
  f.lanes = step ? 1 : g.D == 2 ? 2 : std::min<int64_t>(g.L, kMostLanes);
  Cursor shared;
  f.x = shared.take(!step && g.own_x ? rows * g.I : 0, g.element);
  const int64_t states = g.learned && !step ? g.passes() * g.N : 0;
  f.h0 = shared.take(states * g.R, g.element);
  f.c0 = shared.take(g.state ? states * g.H : 0, kFloat);
  f.out[0] = shared.take(through_y && (g.L > 1 || g.own_y) ? rows * g.D * g.R : 0, g.element);
  f.out[1] = shared.take(through_y && (g.L > 2 || (g.L > 1 && g.own_y)) ? rows * g.D * g.R : 0, g.element);
  Cursor pass;
  f.b_ih = shared.end + pass.take(g.G * g.H, kFloat);
  f.b_hh = shared.end + pass.take(g.G * g.H, kFloat);
  f.constants = shared.end + pass.take(g.K * g.H, kFloat);
  f.h = shared.end + pass.take(through_y && g.masked ? g.N * g.R : 0, g.element);
  f.c = shared.end + pass.take(through_y && g.state ? g.N * g.H : 0, kFloat);
  f.pass_stride = pass.end;
  const size_t passes = shared.end + static_cast<size_t>(g.passes()) * pass.end;
  Cursor lane;
  f.a = passes + lane.take(chunk * g.N * g.G * g.H, kFloat);
  f.u = passes + lane.take(g.A > 0 ? g.N * g.G * g.H : 0, kFloat);
  f.rh = passes + lane.take(g.before ? g.N * g.H : 0, g.element);
  f.m = passes + lane.take(!training && g.P > 0 ? g.N * g.H : 0, g.element);
  f.products = passes + lane.take(static_cast<int64_t>(products), 1);
  f.lane_stride = lane.end;
  *size = passes + static_cast<size_t>(f.lanes) * lane.end;
  return f;
}

// Of one direction the layers work as a wavefront: chunks small enough for four of them to each layer, but of 16 steps at
// least, because a product over few rows is slow.
int64_t chunk_steps(const Geometry& g) {
  const int64_t by_memory = kChunkBytes / (g.N * g.G * g.H * static_cast<int64_t>(kFloat));
  const int64_t by_layers = g.D == 1 && g.L > 1 ? std::max<int64_t>((g.T + 4 * g.L - 1) / (4 * g.L), 16) : g.T;
  return std::clamp<int64_t>(std::min(by_memory, by_layers), 1, g.T);
}

}  // namespace

LayerLayout layout(const recur_layer_descriptor& d, const Geometry& g) {
  LayerLayout l = {};
  l.chunk = chunk_steps(g);
  l.window = d.truncation_period > 0 ? std::min(d.truncation_length, g.T) : g.T;
  const LayerShapes shapes(d, g, l.chunk);

  recur_layer_sizes& s = l.sizes;
  s.w_ih_offset = g.parameter(0, 0, RECUR_PARAMETER_W_IH).offset;
  s.w_hh_offset = g.parameter(0, 0, RECUR_PARAMETER_W_HH).offset;
  s.b_ih_offset = g.parameter(0, 0, RECUR_PARAMETER_B_IH).offset;
  s.b_hh_offset = g.parameter(0, 0, RECUR_PARAMETER_B_HH).offset;
  s.parameter_elements = g.parameter_elements();
  s.state_elements = g.state_elements();
  s.cell_state_elements = g.state ? static_cast<size_t>(g.passes() * g.N * g.H) : 0;

  const int64_t rows = g.T * g.N, out = rows * g.D * g.R;
  Cursor pass;
  l.reserve.saved = pass.take(rows * g.S * g.H, g.element);
  l.reserve.c = pass.take(g.state ? rows * g.H : 0, kFloat);
  l.reserve.h = pass.take(g.masked ? rows * g.R : 0, g.element);
  l.reserve.m = pass.take(g.P > 0 ? rows * g.H : 0, g.element);
  l.reserve.pass_stride = pass.end;
  Cursor layer;
  l.reserve.out = static_cast<size_t>(g.passes()) * pass.end + layer.take(out, g.element);
  const size_t last = g.own_y ? layer.end : 0;  // the last layer's output is y unless y is copied
  l.reserve.dropped = static_cast<size_t>(g.passes()) * pass.end + layer.take(g.dropout ? out : 0, g.element);
  l.reserve.layer_stride = layer.end;
  s.reserve = static_cast<size_t>(g.passes()) * pass.end + static_cast<size_t>(g.L - 1) * layer.end + last;

  const size_t products = shapes.forward_workspace();
  l.training = forward_layout(g, g.T, l.chunk, true, false, products, &s.training_workspace);
  l.inference = forward_layout(g, g.T, l.chunk, false, false, products, &s.inference_workspace);
  if (g.D == 1) l.step = forward_layout(g, 1, 1, false, true, shapes.step_workspace(), &s.step_workspace);

  Cursor cursor;
  LayerLayout::Backward& b = l.backward;
  const int64_t window = l.window * g.N;
  b.x = cursor.take(g.own_x ? rows * g.I : 0, g.element);
  const int64_t states = g.learned ? g.passes() * g.N : 0;
  b.h0 = cursor.take(states * g.R, g.element);
  b.c0 = cursor.take(g.state ? states * g.H : 0, kFloat);
  b.dh0 = cursor.take(states * g.R, kFloat);
  b.dc0 = cursor.take(g.state ? states * g.H : 0, kFloat);
  b.state_sums = cursor.take(g.learned ? static_cast<int64_t>(kernels::column_sum_workspace(g.N, g.H)) : 0, 1);
  b.dy = cursor.take(g.own_y ? out : 0, g.element);
  b.dx = cursor.take(g.own_y ? rows * g.I : 0, g.element);
  b.between[0] = cursor.take(g.L > 1 ? window * g.D * g.R : 0, g.element);
  b.between[1] = cursor.take(g.L > 2 ? window * g.D * g.R : 0, g.element);
  const size_t shared = cursor.end;
  Cursor lane;
  b.da = shared + lane.take(window * g.G * g.H, g.element);
  b.da_apart = shared + lane.take(window * g.A * g.H, g.element);
  b.rh = shared + lane.take(g.before ? window * g.H : 0, g.element);
  b.drh = shared + lane.take(g.before ? g.N * g.H : 0, kFloat);
  b.total = shared + lane.take(g.P > 0 ? window * g.R : 0, g.element);
  b.dm = shared + lane.take(g.P > 0 ? g.N * g.H : 0, kFloat);
  b.dh = shared + lane.take(g.N * g.R, kFloat);
  b.dc = shared + lane.take(g.state ? g.N * g.H : 0, kFloat);
  b.constants = shared + lane.take(g.K * g.H, kFloat);
  b.dconstants = shared + lane.take(window * g.K * g.H, kFloat);
  size_t sums = 0;  // not the largest window's: the chunks' size grows with the rows
  for (const auto& [steps, window_shapes] : shapes.windows)
    sums = std::max(sums, kernels::column_sum_workspace(steps * g.N, std::max(g.G, g.K) * g.H));
  b.db = shared + lane.take(g.G * g.H, kFloat);
  b.sums = shared + lane.take(static_cast<int64_t>(sums), 1);
  b.products = shared + lane.take(static_cast<int64_t>(shapes.backward_workspace()), 1);
  b.sum_products = shared + lane.take(static_cast<int64_t>(shapes.backward_workspace()), 1);
  b.lane_stride = lane.end;
  b.lanes = g.D * std::min<int64_t>(g.L, 2);
  s.backward_workspace = shared + static_cast<size_t>(b.lanes) * lane.end;
  return l;
}

}  // namespace recur
