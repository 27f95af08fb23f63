#include "tests/reference/network.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "tests/reference/linear_algebra.hpp"
#include "tests/reference/network_cells.hpp"

namespace reference {
namespace {

void require_size(const char* name, size_t size, int64_t wanted, bool may_be_empty) {
  if (int64_t(size) == wanted || (may_be_empty && size == 0)) return;
  throw std::invalid_argument(std::string(name) + " has " + std::to_string(size) + " elements, not " +
                              std::to_string(wanted));
}

void check(const NetworkShape& s, const std::vector<LayerWeights>& weights, const NetworkInputs& inputs) {
  if (!s.has_cells() && (s.projection > 0 || s.peepholes || s.cell_clip > 0)) {
    throw std::invalid_argument("projection, peepholes and cell_clip belong to the LSTM");
  }
  const int64_t T = s.steps, N = s.batch, H = s.hidden, R = s.state_size(), rows = s.gates() * H;
  const int64_t passes = s.layers * s.directions;
  require_size("weights", weights.size(), passes, false);
  for (int64_t pass = 0; pass < passes; ++pass) {
    const LayerWeights& w = weights[pass];
    require_size("w_ih", w.w_ih.size(), rows * s.layer_inputs(pass / s.directions), false);
    require_size("w_hh", w.w_hh.size(), rows * R, false);
    require_size("b_ih", w.b_ih.size(), rows, true);
    require_size("b_hh", w.b_hh.size(), rows, true);
    require_size("w_hr", w.w_hr.size(), s.projection * H, false);
    require_size("peephole", w.peephole.size(), s.peepholes ? 3 * H : 0, false);
  }
  require_size("x", inputs.x.size(), T * N * s.inputs, false);
  require_size("h0", inputs.h0.size(), passes * N * R, true);
  require_size("c0", inputs.c0.size(), s.has_cells() ? passes * N * H : 0, true);
  require_size("lengths", inputs.lengths.size(), N, true);
  for (int64_t length : inputs.lengths) {
    if (length < 0 || length > T) throw std::invalid_argument("a length is " + std::to_string(length));
  }
  require_size("reset", inputs.reset.size(), T * N, true);
  require_size("dropout", inputs.dropout.size(), s.layers - 1, true);
  for (const Vector& factors : inputs.dropout) {
    require_size("dropout", factors.size(), T * N * s.directions * R, false);
  }
}

Vector or_zeros(const char* name, const Vector& values, int64_t size) {
  require_size(name, values.size(), size, true);
  return values.empty() ? Vector(size, 0.0) : values;
}

// The width values of row `row` of a matrix.
double* at(Vector& matrix, int64_t row, int64_t width) { return matrix.data() + row * width; }
const double* at(const Vector& matrix, int64_t row, int64_t width) { return matrix.data() + row * width; }

void append(Vector& to, const double* from, int64_t count) { to.insert(to.end(), from, from + count); }

// The s-th step of a direction: the rows that have one, and where each is then.
NetworkStep begin_step(const NetworkShape& shape, const NetworkInputs& inputs, int64_t direction, int64_t s) {
  NetworkStep step;
  for (int64_t n = 0; n < shape.batch; ++n) {
    const int64_t length = inputs.lengths.empty() ? shape.steps : inputs.lengths[n];
    if (s >= length) continue;
    const int64_t t = direction == 0 ? s : length - 1 - s;
    step.rows.push_back(n);
    step.times.push_back(t);
    step.reset.push_back(!inputs.reset.empty() && inputs.reset[t * shape.batch + n] != 0);
  }
  return step;
}

// Multiplies by the factors wherever a row has a step: neither side is read beyond a row's end.
void multiply_where_valid(const NetworkShape& shape, const NetworkInputs& inputs, const Vector& factors,
                          Vector& values) {
  const int64_t width = shape.directions * shape.state_size();
  for (int64_t n = 0; n < shape.batch; ++n) {
    const int64_t length = inputs.lengths.empty() ? shape.steps : inputs.lengths[n];
    for (int64_t t = 0; t < length; ++t) {
      for (int64_t j = 0; j < width; ++j) {
        const int64_t k = (t * shape.batch + n) * width + j;
        values[k] *= factors[k];
      }
    }
  }
}

// One layer in one direction.
struct Pass {
  int64_t direction, index, in;  // index: layer * D + direction; in: inputs of the layer
};

Pass pass_of(const NetworkShape& shape, int64_t layer, int64_t direction) {
  return {direction, layer * shape.directions + direction, shape.layer_inputs(layer)};
}

// x [T,N,in] to its half of y [T,N,D*R]; the states go from their values before to those after.
void pass_forward(const NetworkShape& shape, const LayerWeights& weights, const NetworkInputs& inputs,
                  const Pass& pass, const Vector& x, NetworkForward& out, Vector& y) {
  const int64_t N = shape.batch, R = shape.state_size(), H = shape.hidden, D = shape.directions;
  const bool has_cells = shape.has_cells();
  for (int64_t s = 0; s < shape.steps; ++s) {
    NetworkStep step = begin_step(shape, inputs, pass.direction, s);
    const int64_t A = int64_t(step.rows.size());
    for (int64_t a = 0; a < A; ++a) {
      double* h = at(out.hT, pass.index * N + step.rows[a], R);
      if (step.reset[a]) std::fill(h, h + R, 0.0);
      append(step.h_before, h, R);
      if (has_cells) {
        double* c = at(out.cT, pass.index * N + step.rows[a], H);
        if (step.reset[a]) std::fill(c, c + H, 0.0);
        append(step.c_before, c, H);
      }
      append(step.x, at(x, step.times[a] * N + step.rows[a], pass.in), pass.in);
    }
    const StepState after = cell_forward(shape, weights, step);
    for (int64_t a = 0; a < A; ++a) {
      const double* h = at(after.h, a, R);
      std::copy(h, h + R, at(out.hT, pass.index * N + step.rows[a], R));
      std::copy(h, h + R, at(y, step.times[a] * N + step.rows[a], D * R) + pass.direction * R);
      if (!has_cells) continue;
      const double* c = at(after.c, a, H);
      std::copy(c, c + H, at(out.cT, pass.index * N + step.rows[a], H));
    }
    append(out.hiddens, after.h.data(), int64_t(after.h.size()));
    append(out.cells, after.c.data(), int64_t(after.c.size()));
    out.passes[pass.index].push_back(std::move(step));
  }
}

// From dy [T,N,D*R]; adds to dx [T,N,in]. The states' gradients go from those after to those before.
void pass_backward(const NetworkShape& shape, const LayerWeights& weights, const Pass& pass,
                   const NetworkForward& forward, const Vector& dy, NetworkGradients& out, Vector& dx) {
  const int64_t N = shape.batch, R = shape.state_size(), H = shape.hidden, D = shape.directions;
  const bool has_cells = shape.has_cells();
  for (int64_t s = shape.steps - 1; s >= 0; --s) {
    const NetworkStep& step = forward.passes[pass.index][s];
    const int64_t A = int64_t(step.rows.size());
    StepState after;
    for (int64_t a = 0; a < A; ++a) {
      const int64_t n = step.rows[a];
      append(after.h, at(out.dh0, pass.index * N + n, R), R);
      add_scaled(at(after.h, a, R), 1, at(dy, step.times[a] * N + n, D * R) + pass.direction * R, R);
      if (has_cells) append(after.c, at(out.dc0, pass.index * N + n, H), H);
    }
    StepGradients g = cell_backward(shape, weights, step, after, out.weights[pass.index]);
    for (int64_t a = 0; a < A; ++a) {
      const int64_t n = step.rows[a];
      if (step.reset[a]) {  // what the step began with was a constant
        std::fill(at(g.before.h, a, R), at(g.before.h, a + 1, R), 0.0);
        if (has_cells) std::fill(at(g.before.c, a, H), at(g.before.c, a + 1, H), 0.0);
      }
      std::copy(at(g.before.h, a, R), at(g.before.h, a + 1, R), at(out.dh0, pass.index * N + n, R));
      if (has_cells)
        std::copy(at(g.before.c, a, H), at(g.before.c, a + 1, H), at(out.dc0, pass.index * N + n, H));
      add_scaled(at(dx, step.times[a] * N + n, pass.in), 1, at(g.dx, a, pass.in), pass.in);
    }
  }
}

}  // namespace

int64_t NetworkShape::gates() const {
  if (has_cells()) return 4;
  return cell == Cell::gru || cell == Cell::gru_reset_before ? 3 : 1;
}

NetworkForward network_forward(const NetworkShape& shape, const std::vector<LayerWeights>& weights,
                               const NetworkInputs& inputs) {
  check(shape, weights, inputs);
  const int64_t T = shape.steps, N = shape.batch, R = shape.state_size(), D = shape.directions;
  const int64_t passes = shape.layers * D;
  NetworkForward out;
  out.hT = or_zeros("h0", inputs.h0, passes * N * R);
  if (shape.has_cells()) out.cT = or_zeros("c0", inputs.c0, passes * N * shape.hidden);
  out.passes.resize(passes);
  Vector x = inputs.x;
  for (int64_t layer = 0; layer < shape.layers; ++layer) {
    Vector y(T * N * D * R, 0.0);
    for (int64_t d = 0; d < D; ++d) {
      const Pass pass = pass_of(shape, layer, d);
      pass_forward(shape, weights[pass.index], inputs, pass, x, out, y);
    }
    out.y = y;
    if (layer + 1 < shape.layers && !inputs.dropout.empty()) {
      multiply_where_valid(shape, inputs, inputs.dropout[layer], y);
    }
    x = std::move(y);
  }
  return out;
}

NetworkGradients network_backward(const NetworkShape& shape, const std::vector<LayerWeights>& weights,
                                  const NetworkInputs& inputs, const NetworkForward& forward,
                                  const Vector& dy, const Vector& dhT, const Vector& dcT) {
  check(shape, weights, inputs);
  const int64_t T = shape.steps, N = shape.batch, R = shape.state_size(), D = shape.directions;
  const int64_t H = shape.hidden, rows = shape.gates() * H, passes = shape.layers * D;
  NetworkGradients out;
  out.dh0 = or_zeros("dhT", dhT, passes * N * R);
  out.dc0 = or_zeros("dcT", dcT, shape.has_cells() ? passes * N * H : 0);
  for (const LayerWeights& w : weights) {
    out.weights.push_back({Vector(w.w_ih.size(), 0.0), Vector(w.w_hh.size(), 0.0), Vector(rows, 0.0),
                           Vector(rows, 0.0), Vector(w.w_hr.size(), 0.0), Vector(w.peephole.size(), 0.0)});
  }
  Vector above = or_zeros("dy", dy, T * N * D * R);  // by the output of the layer
  for (int64_t layer = shape.layers - 1; layer >= 0; --layer) {
    if (layer + 1 < shape.layers && !inputs.dropout.empty()) {
      multiply_where_valid(shape, inputs, inputs.dropout[layer], above);
    }
    Vector dx(T * N * shape.layer_inputs(layer), 0.0);
    for (int64_t d = 0; d < D; ++d) {
      const Pass pass = pass_of(shape, layer, d);
      pass_backward(shape, weights[pass.index], pass, forward, above, out, dx);
    }
    above = std::move(dx);
  }
  out.dx = above;
  return out;
}

}  // namespace reference
