#include "layout.hpp"

#include <algorithm>

#include "kernels/sequence/launch.hpp"
#include "layer_products.hpp"

namespace recur {
namespace {

constexpr size_t kFloat = sizeof(float);
constexpr size_t kInferenceGates = size_t{64} << 20;  // bytes that the gates of one chunk may take

// Hands out pieces of a buffer, each a multiple of 256 bytes.
struct Cursor {
  size_t end = 0;
  size_t take(size_t bytes) {
    size_t at = end;
    end += (bytes + 255) / 256 * 256;
    return at;
  }
};

}  // namespace

LayerLayout layout(const recur_layer_descriptor& d) {
  const size_t T = static_cast<size_t>(d.steps), N = static_cast<size_t>(d.batch);
  const size_t I = static_cast<size_t>(d.input_size), H = static_cast<size_t>(d.hidden_size);
  LayerLayout l = {};
  l.inference.chunk = static_cast<int64_t>(std::clamp<size_t>(kInferenceGates / (N * 4 * H * kFloat), 1, T));
  const LayerShapes shapes(d, l.inference.chunk);

  recur_layer_sizes& s = l.sizes;
  s.w_ih_offset = 0;
  s.w_hh_offset = 4 * H * I;
  s.b_ih_offset = s.w_hh_offset + 4 * H * H;
  s.b_hh_offset = s.b_ih_offset + 4 * H;
  s.parameter_elements = s.b_hh_offset + 4 * H;
  s.state_elements = N * H;

  Cursor reserve;
  l.reserve.gates = reserve.take(T * N * 4 * H * kFloat);
  l.reserve.c = reserve.take(T * N * H * kFloat);
  s.reserve = reserve.end;

  Cursor training;
  l.training.biases = training.take(8 * H * kFloat);
  l.training.products = training.take(std::max(Gemm::workspace(shapes.input), Gemm::workspace(shapes.recurrent)));
  s.training_workspace = training.end;

  Cursor inference;
  l.inference.gates = inference.take(static_cast<size_t>(l.inference.chunk) * N * 4 * H * kFloat);
  l.inference.c = inference.take(N * H * kFloat);
  l.inference.biases = inference.take(8 * H * kFloat);
  l.inference.products = inference.take(std::max({Gemm::workspace(shapes.input_chunk), Gemm::workspace(shapes.input_tail),
                                                  Gemm::workspace(shapes.recurrent)}));
  s.inference_workspace = inference.end;

  Cursor backward;
  l.backward.dgates = backward.take(T * N * 4 * H * kFloat);
  l.backward.dh = backward.take(N * H * kFloat);
  l.backward.dc = backward.take(N * H * kFloat);
  l.backward.db = backward.take(4 * H * kFloat);
  l.backward.sums = backward.take(kernels::column_sum_workspace(d.steps * d.batch, 4 * d.hidden_size));
  l.backward.products = backward.take(
      std::max({Gemm::workspace(shapes.dh), Gemm::workspace(shapes.dx), Gemm::workspace(shapes.dw_ih),
                Gemm::workspace(shapes.dw_hh), Gemm::workspace(shapes.dw_hh_first)}));
  s.backward_workspace = backward.end;

  Cursor step;
  l.step.gates = step.take(N * 4 * H * kFloat);
  l.step.biases = step.take(8 * H * kFloat);
  l.step.products = step.take(std::max(Gemm::workspace(shapes.input_step), Gemm::workspace(shapes.recurrent)));
  s.step_workspace = step.end;
  return l;
}

}  // namespace recur
