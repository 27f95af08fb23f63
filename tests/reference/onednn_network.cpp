// What differs from ours in oneDNN: gates u r o for our r z n, with u = z; one bias, the sum of our two, and
// in the GRU that resets after a fourth one, our b_hn; weights [I,G,H] forward and [G,H,I] backward, the
// latter as ours lie; several layers in one primitive only where all have as many inputs. In both directions
// its layers go to the end each way and are joined there, where ours are joined after every layer: those go
// one layer a primitive.
#include "tests/reference/onednn_network.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_map>

#include "tests/reference/onednn_primitives.hpp"

namespace reference {
namespace {

// A tensor of zeros, or of values; none at all where the values are to be zero.
class Tensor {
 public:
  Tensor(const dnnl::engine& engine, const dnnl::memory::desc& desc, const Vector& values = {})
      : memory_(desc, engine), size_(desc.get_size() / sizeof(float)) {
    float* data = static_cast<float*>(memory_.get_data_handle());
    std::fill(data, data + size_, 0.0f);
    std::copy(values.begin(), values.end(), data);
  }
  operator dnnl::memory() const { return memory_; }
  Vector values() const {
    const float* data = static_cast<const float*>(memory_.get_data_handle());
    return Vector(data, data + size_);
  }

 private:
  dnnl::memory memory_;
  size_t size_;
};

Vector transposed(const Vector& matrix, int64_t columns) {
  const int64_t rows = int64_t(matrix.size()) / columns;
  Vector out(matrix.size());
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) out[c * rows + r] = matrix[r * columns + c];
  }
  return out;
}

// From our order of the gates to oneDNN's, or back: r and z change places.
Vector reordered(const NetworkShape& shape, const Vector& gates) {
  Vector out = gates;
  if (shape.gates() != 3) return out;
  const auto third = ptrdiff_t(out.size() / 3);
  std::swap_ranges(out.begin(), out.begin() + third, out.begin() + third);
  return out;
}

void append(Vector& to, const Vector& from) { to.insert(to.end(), from.begin(), from.end()); }

// Part `index` of a tensor that is `count` of them.
Vector part(const Vector& values, int64_t index, int64_t count) {
  const auto size = ptrdiff_t(values.size()) / count;
  return Vector(values.begin() + index * size, values.begin() + (index + 1) * size);
}

Vector bias_of(const NetworkShape& shape, const LayerWeights& w) {
  const int64_t H = shape.hidden, rows = shape.gates() * H;
  Vector sum(rows, 0.0);
  for (int64_t row = 0; row < rows; ++row) {
    const bool separate = shape.cell == Cell::gru && row >= 2 * H;
    if (!w.b_ih.empty()) sum[row] += w.b_ih[row];
    if (!w.b_hh.empty() && !separate) sum[row] += w.b_hh[row];
  }
  Vector out = reordered(shape, sum);
  if (shape.cell == Cell::gru) append(out, w.b_hh.empty() ? Vector(H, 0.0) : part(w.b_hh, 2, 3));
  return out;
}

// Consecutive layers that share a primitive.
class Layers {
 public:
  Layers(const NetworkShape& shape, const dnnl::engine& engine, int64_t first, int64_t count,
         const std::vector<LayerWeights>& weights, const Vector& x, const Vector& h0, const Vector& c0)
      : shape_(shape),
        engine_(engine),
        first_pass_(first * shape.directions),
        passes_(count * shape.directions),
        descs_(onednn_descs(shape, first, count)),
        primitives_(onednn_primitives(shape, descs_, engine)) {
    Vector w_ih, w_hh, w_hr, bias, peephole, w_ih_back, w_hh_back, w_hr_back;
    for (int64_t pass = first_pass_; pass < first_pass_ + passes_; ++pass) {
      const LayerWeights& w = weights[pass];
      append(w_ih_back, reordered(shape, w.w_ih));
      append(w_hh_back, reordered(shape, w.w_hh));
      append(w_hr_back, w.w_hr);
      append(w_ih, transposed(reordered(shape, w.w_ih), shape.layer_inputs(first)));
      append(w_hh, transposed(reordered(shape, w.w_hh), shape.state_size()));
      append(w_hr, transposed(w.w_hr, shape.hidden));
      append(bias, bias_of(shape, w));
      append(peephole, w.peephole);
    }
    add(forward_, DNNL_ARG_WEIGHTS_LAYER, descs_.w_ih, w_ih);
    add(forward_, DNNL_ARG_WEIGHTS_ITER, descs_.w_hh, w_hh);
    add(forward_, DNNL_ARG_WEIGHTS_PROJECTION, descs_.w_hr, w_hr);
    add(backward_, DNNL_ARG_WEIGHTS_LAYER, descs_.w_ih_back, w_ih_back);
    add(backward_, DNNL_ARG_WEIGHTS_ITER, descs_.w_hh_back, w_hh_back);
    add(backward_, DNNL_ARG_WEIGHTS_PROJECTION, descs_.w_hr_back, w_hr_back);
    for (auto* arguments : {&forward_, &backward_}) {
      add(*arguments, DNNL_ARG_BIAS, descs_.bias, bias);
      add(*arguments, DNNL_ARG_WEIGHTS_PEEPHOLE, descs_.peephole, peephole);
      add(*arguments, DNNL_ARG_SRC_LAYER, descs_.x, x);
      add(*arguments, DNNL_ARG_SRC_ITER, descs_.h, h0);
      add(*arguments, DNNL_ARG_SRC_ITER_C, descs_.c, c0);
    }
  }

  // Forward; adds to the states of `out` and leaves the outputs in out.y.
  void go_forward(dnnl::stream& stream, OnednnNetwork& out) {
    const Tensor y(engine_, descs_.y), hT(engine_, descs_.h), cT(engine_, descs_.c);
    const dnnl::memory workspace(primitives_.workspace, engine_);
    for (auto* arguments : {&forward_, &backward_}) {
      arguments->insert({{DNNL_ARG_DST_LAYER, y}, {DNNL_ARG_DST_ITER, hT}, {DNNL_ARG_WORKSPACE, workspace}});
      if (shape_.has_cells()) arguments->insert({DNNL_ARG_DST_ITER_C, cT});
    }
    primitives_.forward.execute(stream, forward_);
    stream.wait();
    out.y = y.values();
    append(out.hT, hT.values());
    if (shape_.has_cells()) append(out.cT, cT.values());
  }

  // Backward: from dy, and out.dh0 and out.dc0 as dhT and dcT, to dx, and the parts of `out` that are ours.
  Vector go_backward(dnnl::stream& stream, const Vector& dy, NetworkGradients& out) {
    const Tensor dx(engine_, descs_.x), dh0(engine_, descs_.h), dc0(engine_, descs_.c);
    const Tensor w_ih(engine_, descs_.w_ih), w_hh(engine_, descs_.w_hh), w_hr(engine_, descs_.w_hr);
    const Tensor bias(engine_, descs_.bias), peephole(engine_, descs_.peephole);
    add(backward_, DNNL_ARG_DIFF_DST_LAYER, descs_.y, dy);
    add(backward_, DNNL_ARG_DIFF_DST_ITER, descs_.h, states(out.dh0));
    backward_.insert({{DNNL_ARG_DIFF_SRC_LAYER, dx},
                      {DNNL_ARG_DIFF_SRC_ITER, dh0},
                      {DNNL_ARG_DIFF_WEIGHTS_LAYER, w_ih},
                      {DNNL_ARG_DIFF_WEIGHTS_ITER, w_hh},
                      {DNNL_ARG_DIFF_BIAS, bias}});
    if (shape_.has_cells()) {
      add(backward_, DNNL_ARG_DIFF_DST_ITER_C, descs_.c, states(out.dc0));
      backward_.insert({DNNL_ARG_DIFF_SRC_ITER_C, dc0});
    }
    if (shape_.peepholes) backward_.insert({DNNL_ARG_DIFF_WEIGHTS_PEEPHOLE, peephole});
    if (shape_.projection > 0) backward_.insert({DNNL_ARG_DIFF_WEIGHTS_PROJECTION, w_hr});
    primitives_.backward.execute(stream, backward_);
    stream.wait();
    put_states(dh0.values(), out.dh0);
    put_states(dc0.values(), out.dc0);
    for (int64_t p = 0; p < passes_; ++p) {
      LayerWeights& w = out.weights[first_pass_ + p];
      const int64_t rows = shape_.gates() * shape_.hidden;
      w.w_ih = reordered(shape_, transposed(part(w_ih.values(), p, passes_), rows));
      w.w_hh = reordered(shape_, transposed(part(w_hh.values(), p, passes_), rows));
      if (shape_.projection > 0) w.w_hr = transposed(part(w_hr.values(), p, passes_), shape_.projection);
      if (shape_.peepholes) w.peephole = part(peephole.values(), p, passes_);
      put_bias(part(bias.values(), p, passes_), w);
    }
    return dx.values();
  }

 private:
  using Arguments = std::unordered_map<int, dnnl::memory>;

  const NetworkShape shape_;
  const dnnl::engine engine_;
  const int64_t first_pass_, passes_;
  const OnednnDescs descs_;
  const OnednnPrimitives primitives_;
  Arguments forward_, backward_;

  // Nothing, where the descriptor is that of a tensor which the cell has not.
  void add(Arguments& arguments, int which, const dnnl::memory::desc& desc, const Vector& values) {
    if (desc.get_size() > 0) arguments.insert({which, Tensor(engine_, desc, values)});
  }

  // Our layers' part of a state of all layers, and back.
  Vector states(const Vector& all) const {
    Vector out;
    for (int64_t p = 0; p < passes_; ++p) append(out, part(all, first_pass_ + p, all_passes()));
    return out;
  }
  void put_states(const Vector& ours, Vector& all) const {
    const int64_t offset = first_pass_ * int64_t(all.size()) / all_passes();
    std::copy(ours.begin(), ours.end(), all.begin() + offset);
  }
  int64_t all_passes() const { return shape_.layers * shape_.directions; }

  // The gradient of one bias is that of both.
  void put_bias(const Vector& bias, LayerWeights& w) const {
    const auto rows = ptrdiff_t(shape_.gates() * shape_.hidden);
    w.b_ih = w.b_hh = reordered(shape_, Vector(bias.begin(), bias.begin() + rows));
    if (shape_.cell == Cell::gru) std::copy(bias.begin() + rows, bias.end(), w.b_hh.end() - shape_.hidden);
  }
};

void require(bool possible, const std::string& what) {
  if (!possible) throw std::invalid_argument("oneDNN has no " + what);
}

}  // namespace

OnednnNetwork onednn_network(const NetworkShape& shape, const std::vector<LayerWeights>& weights,
                             const NetworkInputs& inputs, const Vector& dy, const Vector& dhT,
                             const Vector& dcT) {
  require(shape.cell != Cell::lstm_linear, "LSTM with linear gates");
  require(shape.cell_clip == 0, "clip of the cell");
  require(inputs.lengths.empty(), "lengths of rows");
  require(inputs.reset.empty(), "resets within a sequence");
  require(inputs.dropout.empty(), "dropout between layers");
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  const int64_t D = shape.directions, L = shape.layers, N = shape.batch, passes = L * D;
  const int64_t h_size = passes * N * shape.state_size(),
                c_size = shape.has_cells() ? passes * N * shape.hidden : 0;
  const auto or_zeros = [](const Vector& values, int64_t size) {
    return values.empty() ? Vector(size, 0.0) : values;
  };
  const auto slice = [&](const Vector& states, int64_t first, int64_t count) {
    Vector out;
    for (int64_t pass = first * D; pass < (first + count) * D; ++pass)
      append(out, part(states, pass, passes));
    return out;
  };

  OnednnNetwork out;
  std::vector<std::unique_ptr<Layers>> groups;
  out.y = inputs.x;
  for (int64_t first = 0; first < L;) {
    int64_t count = 1;
    while (D == 1 && first + count < L && shape.layer_inputs(first + count) == shape.layer_inputs(first))
      ++count;
    groups.push_back(std::make_unique<Layers>(shape, engine, first, count, weights, out.y,
                                              slice(or_zeros(inputs.h0, h_size), first, count),
                                              slice(or_zeros(inputs.c0, c_size), first, count)));
    groups.back()->go_forward(stream, out);
    first += count;
  }
  out.gradients.dx = dy;
  out.gradients.dh0 = or_zeros(dhT, h_size);
  out.gradients.dc0 = or_zeros(dcT, c_size);
  out.gradients.weights.resize(passes);
  for (auto group = groups.rbegin(); group != groups.rend(); ++group) {
    out.gradients.dx = (*group)->go_backward(stream, out.gradients.dx, out.gradients);
  }
  return out;
}

}  // namespace reference
