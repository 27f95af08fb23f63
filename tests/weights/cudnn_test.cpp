// Weights by cuDNN's pseudo-layers and linear layers, against cuDNN's own equations in plain loops, written from its
// documents (cudnnRNNMode_t, cudnnGetRNNWeightParams) and sharing nothing with the library. sigma is the sigmoid:
//   LSTM  i = sigma(W0 x + R4 h + b0 + b4)  f = sigma(W1 x + R5 h + b1 + b5)  o = sigma(W3 x + R7 h + b3 + b7)
//         c~ = tanh(W2 x + R6 h + b2 + b6)  c = f c + i c~, clipped           h = o tanh(c), projected by matrix 8
//   GRU   i = sigma(W1 x + R4 h + b1 + b4)  r = sigma(W0 x + R3 h + b0 + b3)
//         h~ = tanh(W2 x + r (R5 h + b5) + b2)                                h = (1 - i) h~ + i h
//   RNN   h = tanh or max(0, .) of W0 x + R1 h + b0 + b1
#include <algorithm>

#include "tests/weights/imported_run.hpp"

namespace recur::test {
namespace {

enum class Biases { both, input, recurrent, none };

class CudnnNetwork {
 public:
  CudnnNetwork(const reference::NetworkShape& s, Biases biases, Weights& set) : s_(s), ids_(2 * s.gates()) {
    uint64_t seed = 100;
    for (int64_t q = 0; q < s.layers * s.directions; ++q) {
      for (int64_t id = 0; id < ids_; ++id) {
        const bool input = id < s.gates();
        const std::string name = "pseudo_layer_" + std::to_string(q) + "/lin_layer_" + std::to_string(id);
        const int64_t columns = input ? s.layer_inputs(q / s.directions) : s.state_size();
        matrices_.push_back(add_random(set, name + "/matrix", {s.hidden, columns}, ++seed));
        const bool has = biases == Biases::both || biases == (input ? Biases::input : Biases::recurrent);
        biases_.push_back(has ? add_random(set, name + "/bias", {s.hidden}, ++seed) : Vector(size_t(s.hidden), 0.0));
      }
      if (s.projection > 0)
        projections_.push_back(add_random(set, "pseudo_layer_" + std::to_string(q) + "/lin_layer_8/matrix",
                                          {s.projection, s.hidden}, ++seed));
    }
  }

  Outputs forward(const reference::NetworkInputs& in) const {
    Outputs out;
    Vector x = in.x;
    const int64_t D = s_.directions, N = s_.batch, R = s_.state_size(), H = s_.hidden;
    for (int64_t layer = 0; layer < s_.layers; ++layer) {
      const int64_t I = s_.layer_inputs(layer);
      Vector y(size_t(s_.steps * N * D * R));
      for (int64_t d = 0; d < D; ++d) {
        const int64_t q = layer * D + d;
        Vector last_h, last_c;
        for (int64_t n = 0; n < N; ++n) {
          Vector h(in.h0.begin() + (q * N + n) * R, in.h0.begin() + (q * N + n + 1) * R), c;
          if (s_.has_cells()) c.assign(in.c0.begin() + (q * N + n) * H, in.c0.begin() + (q * N + n + 1) * H);
          for (int64_t step = 0; step < s_.steps; ++step) {
            const int64_t t = d == 0 ? step : s_.steps - 1 - step;
            advance(q, Vector(x.begin() + (t * N + n) * I, x.begin() + (t * N + n + 1) * I), h, c);
            std::copy(h.begin(), h.end(), y.begin() + ((t * N + n) * D + d) * R);
          }
          out.hT.insert(out.hT.end(), h.begin(), h.end());
          out.cT.insert(out.cT.end(), c.begin(), c.end());
        }
      }
      x = y;
    }
    out.y = x;
    return out;
  }

 private:
  const reference::NetworkShape s_;
  const int64_t ids_;
  std::vector<Vector> matrices_, biases_, projections_;

  static Vector product(const Vector& matrix, const Vector& with) {
    Vector result(matrix.size() / with.size(), 0.0);
    for (size_t r = 0; r < result.size(); ++r)
      for (size_t k = 0; k < with.size(); ++k) result[r] += matrix[r * with.size() + k] * with[k];
    return result;
  }
  // W x + b, or R h + b, of unit k.
  Vector linear(int64_t q, int64_t id, const Vector& with) const {
    Vector result = product(matrices_[size_t(q * ids_ + id)], with);
    for (size_t k = 0; k < result.size(); ++k) result[k] += biases_[size_t(q * ids_ + id)][k];
    return result;
  }
  void advance(int64_t q, const Vector& x, Vector& h, Vector& c) const {
    const auto sigma = [](double v) { return 1 / (1 + std::exp(-v)); };
    const size_t H = size_t(s_.hidden);
    std::vector<Vector> a;
    for (int64_t id = 0; id < ids_; ++id) a.push_back(linear(q, id, id < s_.gates() ? x : h));
    Vector next(H);
    for (size_t k = 0; k < H; ++k) {
      if (s_.gates() == 1) {
        const double sum = a[0][k] + a[1][k];
        next[k] = s_.cell == reference::Cell::rnn_relu ? std::max(0.0, sum) : std::tanh(sum);
      } else if (s_.gates() == 3) {
        const double i = sigma(a[1][k] + a[4][k]), r = sigma(a[0][k] + a[3][k]);
        next[k] = (1 - i) * std::tanh(a[2][k] + r * a[5][k]) + i * h[k];
      } else {
        const double i = sigma(a[0][k] + a[4][k]), f = sigma(a[1][k] + a[5][k]), o = sigma(a[3][k] + a[7][k]);
        c[k] = f * c[k] + i * std::tanh(a[2][k] + a[6][k]);
        if (s_.cell_clip > 0) c[k] = std::clamp(c[k], -s_.cell_clip, s_.cell_clip);
        next[k] = o * std::tanh(c[k]);
      }
    }
    h = s_.projection > 0 ? product(projections_[size_t(q)], next) : next;
  }
};

void run(const std::string& line, Biases biases = Biases::both) {
  SCOPED_TRACE(line);
  const NetworkCase network = read_network_case(line);
  const reference::NetworkShape& s = network.shape;
  Weights set;
  const CudnnNetwork cudnn(s, biases, set);
  const auto random = [](int64_t size, uint64_t seed) { return widened(random_fill(size_t(size), seed)); };
  reference::NetworkInputs inputs;
  inputs.x = random(s.steps * s.batch * s.inputs, 1);
  inputs.h0 = random(s.layers * s.directions * s.batch * s.state_size(), 2);
  if (s.has_cells()) inputs.c0 = random(s.layers * s.directions * s.batch * s.hidden, 3);
  const ImportedRun imported(network, set, RECUR_WEIGHTS_CUDNN, "", inputs, cudnn.forward(inputs));
  imported.expect_equal();
  imported.expect_mistakes_found();
}

TEST(Cudnn, EveryCellByItsEquations) {
  for (const char* line : {"tanh 4 2 3 5 L2 D2", "relu 4 2 3 5 L2 D2", "lstm 4 2 3 5 L2 D2", "lstm 4 2 3 5 L2 D2 P2",
                           "lstm 4 2 3 5 clip", "gru 4 2 3 5 L2 D2", "gru 4 2 3 5"})
    run(line);
}

TEST(Cudnn, BiasModes) {
  for (const Biases biases : {Biases::input, Biases::recurrent, Biases::none}) {
    run("gru 4 2 3 5 L2", biases);
    run("lstm 4 2 3 5", biases);
  }
}

}  // namespace
}  // namespace recur::test
